/*
 * store_load: operations a second of a store. For the benchmark row alone.
 *
 *	store_load URL THREADS SECONDS
 *
 * One JSON line: for each operation "name": { "rate": of all threads, "cpu_ms": of ours for one,
 * "p50_ms", "p99_ms" }. The store must have been made, and is left with what was put in.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_arena.h"
#include "lib/base/mr_err.h"
#include "lib/store/mr_store.h"

#define THREADS_MAX  64
#define TIMES_MAX    200000 /* of one thread and operation */
#define USERS        1000
#define LESSON_BYTES 6000
#define TOGETHER     256

static struct mr_store *store;
static char features[LESSON_BYTES];
static atomic_int serial, failures;

static struct mr_span name_of(const char *format, int n, char out[64])
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(out, 64, format, n);
#pragma GCC diagnostic pop
	return mr_span_str(out);
}

/* -- what is measured ------------------------------------------------------------------------- */

static int op_user_find(struct mr_arena *arena)
{
	char name[64];
	struct mr_user user;

	return mr_store_user_find(store, name_of("u%d", atomic_fetch_add(&serial, 1) % USERS, name),
				  MR_SPAN("example.org"), arena, &user);
}

static int op_user_add(struct mr_arena *arena MR_UNUSED)
{
	char name[64];

	return mr_store_user_add(store, name_of("new%d", atomic_fetch_add(&serial, 1), name),
				 MR_SPAN("example.org"), 1);
}

static int op_setting_get(struct mr_arena *arena)
{
	char name[64];
	struct mr_span value;

	return mr_store_setting_get(store,
				    name_of("u%d", atomic_fetch_add(&serial, 1) % USERS, name),
				    MR_SPAN("example.org"), MR_SPAN("threshold"), arena, &value);
}

/* A new value each time: SQLite does not write what is there already. */
static int op_setting_set(struct mr_arena *arena MR_UNUSED)
{
	char name[64], value[64];
	int n = atomic_fetch_add(&serial, 1);

	return mr_store_setting_set(store, name_of("u%d", n % USERS, name), MR_SPAN("example.org"),
				    MR_SPAN("threshold"), name_of("%d", n, value));
}

static struct mr_lesson lesson_new(void)
{
	struct mr_lesson lesson = { .taught_s = 1, .features = mr_span(features, LESSON_BYTES) };
	int n = atomic_fetch_add(&serial, 1);

	memcpy(lesson.digest, &n, sizeof(n));
	return lesson;
}

static int op_lesson_put(struct mr_arena *arena MR_UNUSED)
{
	struct mr_lesson lesson = lesson_new();

	return mr_store_lesson_put(store, &lesson);
}

static int op_lessons_put(struct mr_arena *arena MR_UNUSED)
{
	struct mr_lesson lessons[TOGETHER];

	for (int i = 0; i < TOGETHER; i++)
		lessons[i] = lesson_new();
	return mr_store_lesson_put_all(store, lessons, TOGETHER);
}

static int count_lesson(void *arg, const struct mr_lesson *lesson MR_UNUSED)
{
	++*(size_t *)arg;
	return 0;
}

/* -- measuring -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*run)(struct mr_arena *arena);
	int count; /* things done by one call */
} ops[] = {
	{ "directory: user_find", op_user_find, 1 },
	{ "directory: user_add", op_user_add, 1 },
	{ "directory: setting_set", op_setting_set, 1 },
	{ "directory: setting_get", op_setting_get, 1 },
	{ "spam: lesson_put", op_lesson_put, 1 },
	{ "spam: lesson_put_all, each", op_lessons_put, TOGETHER },
};

struct worker {
	pthread_t thread;
	size_t op;
	double end_s;
	double *ms;
	size_t count;
};

static double now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	double start = now_s(CLOCK_MONOTONIC), end;

	do {
		MR_AUTO(mr_arena) *arena = mr_arena_new(65536);

		if (!arena || ops[w->op].run(arena) < 0)
			atomic_fetch_add(&failures, 1);
		end = now_s(CLOCK_MONOTONIC);
		w->ms[w->count++] = (end - start) * 1e3;
		start = end;
	} while (end < w->end_s && w->count < TIMES_MAX);
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(size_t op, int threads, double seconds)
{
	static double ms[THREADS_MAX][TIMES_MAX];
	struct worker worker[THREADS_MAX];
	double start = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID), took;
	size_t count = 0;
	double *all;

	for (int i = 0; i < threads; i++) {
		worker[i] = (struct worker){ .op = op, .end_s = start + seconds, .ms = ms[i] };
		MR_ASSERT(pthread_create(&worker[i].thread, NULL, work, &worker[i]) == 0);
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(worker[i].thread, NULL);
		count += worker[i].count;
	}
	took = now_s(CLOCK_MONOTONIC) - start;
	cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	all = mr_calloc(count, sizeof(*all));
	MR_ASSERT(all);
	for (size_t i = 0, at = 0; i < (size_t)threads; at += worker[i++].count)
		memcpy(all + at, ms[i], worker[i].count * sizeof(*all));
	qsort(all, count, sizeof(*all), by_value);
	printf("\"%s\": {\"rate\": %.1f, \"cpu_ms\": %.4f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}, ",
	       ops[op].name, (double)count * ops[op].count / took,
	       cpu * 1e3 / (double)count / ops[op].count, all[count / 2], all[count * 99 / 100]);
	mr_free(all);
}

static int prepare(void)
{
	int err = mr_store_domain_add(store, MR_SPAN("example.org"));

	for (int i = 0; i < USERS && (err == 0 || err == MR_EEXIST); i++) {
		char name[64];

		err = mr_store_user_add(store, name_of("u%d", i, name), MR_SPAN("example.org"), 1);
		if (err == 0)
			err = mr_store_setting_set(store, mr_span_str(name), MR_SPAN("example.org"),
						   MR_SPAN("threshold"), MR_SPAN("5"));
	}
	return err == MR_EEXIST ? 0 : err;
}

int main(int argc, char **argv)
{
	double start, took;
	size_t rows = 0;
	int threads, err;

	if (argc != 4)
		return 64;
	threads = (int)strtol(argv[2], NULL, 10);
	MR_ASSERT(threads > 0 && threads <= THREADS_MAX);
	atomic_store(&serial, (int)(time(NULL) % 1000000) * 1000);
	for (size_t i = 0; i < sizeof(features); i++)
		features[i] = (char)(i * 2654435761u >> 13);
	err = mr_store_open(argv[1], MR_GROUP_ALL, MR_STORE_WRITE, &store);
	if (err == 0)
		err = prepare();
	if (err < 0) {
		fprintf(stderr, "store_load: %s: %s\n", mr_err_text(err), mr_store_why());
		return 1;
	}
	putchar('{');
	for (size_t i = 0; i < MR_COUNT(ops); i++)
		measure(i, threads, strtod(argv[3], NULL));
	start = now_s(CLOCK_MONOTONIC);
	err = mr_store_lesson_each(store, count_lesson, &rows);
	took = now_s(CLOCK_MONOTONIC) - start;
	printf("\"spam: lesson_each, each\": {\"rate\": %.1f}, \"failures\": %d}\n",
	       (double)rows / took, atomic_load(&failures));
	mr_store_close(store);
	return err < 0 ? 1 : 0;
}
