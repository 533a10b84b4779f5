#include "tests/bench/load/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void load_header(struct mr_buf *out, const char *recipient, long i, const char *eol)
{
	(void)mr_buf_printf(out,
			    "From: load@example.org%sTo: %s%sSubject: message %ld%s"
			    "Message-ID: <%ld.%d@load.example>%s"
			    "Date: Thu, 01 Jan 2026 00:00:00 +0000%s%s",
			    eol, recipient, eol, i, eol, i, (int)getpid(), eol, eol, eol);
}

void load_fill(struct mr_buf *out, long i, long size, const char *eol)
{
	for (uint64_t x = (uint64_t)i * 2654435761u + 1; out->len < (size_t)size;
	     x = x * 6364136223846793005u + 1442695040888963407u)
		(void)mr_buf_printf(out, "word%llu%s", (unsigned long long)(x >> 50),
				    (x >> 40) % 10 == 0 ? eol : " ");
}

int64_t load_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

void load_print_latencies(int64_t *latency_us, long count)
{
	qsort(latency_us, (size_t)count, sizeof(*latency_us), by_value);
	printf("\"p50_ms\":%.3f,\"p99_ms\":%.3f", (double)latency_us[count / 2] / 1e3,
	       (double)latency_us[count * 99 / 100] / 1e3);
}
