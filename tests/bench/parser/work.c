#include "tests/bench/parser/work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define NAME_MAX_LEN 4096

/* -- the sum: all that was found is put together first, so that it costs little beside what is
 * measured ------------------------------------------------------------------------------------- */

/* What is longer is cut: nobody says so much in a Subject. */
#define TEXT_MAX 4096

static char found[32 * 1024 * 1024];
static size_t found_len;

/* Room for len octets more and a number. What is found in one message never gets here. */
static char *room(size_t len)
{
	if (found_len + len + sizeof(uint64_t) > sizeof(found)) {
		fputs("work: too much was found\n", stderr);
		exit(1);
	}
	return found + found_len;
}

static void add_number(uint64_t number)
{
	memcpy(room(0), &number, sizeof(number));
	found_len += sizeof(number);
}

static uint64_t sum_take(void)
{
	uint64_t sum = 0xcbf29ce484222325u, word;

	add_number(found_len);
	memset(found + found_len, 0, sizeof(word));
	for (size_t i = 0; i < found_len; i += sizeof(word)) {
		memcpy(&word, found + i, sizeof(word));
		sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 29;
	}
	found_len = 0;
	return sum;
}

static void show(struct work *w, const char *label, const char *text, size_t len)
{
	if (w->show)
		fprintf(w->show, "\t%s=%.*s", label, (int)len, text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void work_text(struct work *w, const char *label, const char *text, size_t len)
{
	char *out = room(TEXT_MAX);
	bool was_blank = true;
	size_t n = 0;

	for (size_t i = 0; i < len && n < TEXT_MAX; i++) {
		bool blank = is_blank(text[i]);

		out[n] = blank ? ' ' : text[i];
		n += !(blank & was_blank);
		was_blank = blank;
	}
	n -= n > 0 && was_blank;
	show(w, label, out, n);
	found_len += n;
	add_number(n);
}

void work_word(struct work *w, const char *label, const char *text, size_t len)
{
	char *out = room(TEXT_MAX);

	if (len > TEXT_MAX)
		len = TEXT_MAX;
	for (size_t i = 0; i < len; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
	show(w, label, out, len);
	found_len += len;
	add_number(len);
}

void work_number(struct work *w, const char *label, uint64_t number)
{
	if (w->show)
		fprintf(w->show, "\t%s=%llu", label, (unsigned long long)number);
	add_number(number);
}

void work_part(struct work *w, uint64_t depth)
{
	if (w->show)
		fputs("\npart", w->show);
	work_number(w, "depth", depth);
}

/* -- the corpus: all of it in memory before the clock starts ------------------------------------- */

struct mail {
	char *name, *raw;
	size_t len;
};

static void die(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s: %s\n", what, name, strerror(errno));
	exit(1);
}

static struct mail mail_read(const char *name)
{
	FILE *f = fopen(name, "rb");
	struct mail mail = { .name = strdup(name) };
	long size;

	if (!f || !mail.name || fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0)
		die("cannot read", name);
	rewind(f);
	mail.raw = malloc((size_t)size + 1);
	if (!mail.raw)
		die("out of memory", name);
	mail.len = fread(mail.raw, 1, (size_t)size, f);
	if (mail.len != (size_t)size)
		die("cannot read", name);
	fclose(f);
	return mail;
}

static size_t corpus_read(struct mail **corpus_out)
{
	struct mail *corpus = NULL;
	size_t count = 0, room = 0;
	char line[NAME_MAX_LEN];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (count == room) {
			room = room ? room * 2 : 1024;
			corpus = realloc(corpus, room * sizeof(*corpus));
			if (!corpus)
				die("out of memory", line);
		}
		corpus[count++] = mail_read(line);
	}
	*corpus_out = corpus;
	return count;
}

static double cpu_s(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6 +
	       (double)ru.ru_stime.tv_sec + (double)ru.ru_stime.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	bool show_all = argc == 2 && strcmp(argv[1], "show") == 0;
	long rounds = argc == 2 && !show_all ? strtol(argv[1], NULL, 10) : show_all;
	struct mail *corpus;
	size_t count, bytes = 0;
	uint64_t all = 0;
	double start;

	if (rounds < 1) {
		fprintf(stderr, "usage: %s ROUNDS|show <names\n", argv[0]);
		return 2;
	}
	count = corpus_read(&corpus);
	work_init();
	start = cpu_s();
	for (long r = 0; r < rounds; r++) {
		all = 0;
		bytes = 0;
		for (size_t i = 0; i < count; i++) {
			struct work w = { show_all ? stdout : NULL };
			uint64_t sum;

			if (show_all)
				printf("message\t%s", corpus[i].name);
			work_message(&w, corpus[i].raw, corpus[i].len);
			sum = sum_take();
			if (show_all)
				printf("\nsum\t%016llx\n", (unsigned long long)sum);
			all ^= sum * (2 * i + 1);
			bytes += corpus[i].len;
		}
	}
	if (!show_all)
		printf("%.4f %zu %zu %016llx\n", (cpu_s() - start) / (double)rounds, count, bytes,
		       (unsigned long long)all);
	return 0;
}
