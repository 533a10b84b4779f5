#include "tools/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/mr_time.h"

#define WIDTH     40
#define PERIOD_MS 100

void progress_start(struct progress *p, const char *what)
{
	*p = (struct progress){ what, isatty(STDERR_FILENO) == 1, mr_now_ms() + PERIOD_MS };
}

void progress_show(struct progress *p, size_t done, size_t all)
{
	char bar[WIDTH + 1];
	size_t filled;
	int64_t now_ms;

	if (!p->on || all == 0 || (now_ms = mr_now_ms()) < p->next_ms)
		return;
	p->next_ms = now_ms + PERIOD_MS;
	filled = (size_t)((double)done / (double)all * WIDTH);
	for (size_t i = 0; i < WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r%s [%s] %zu of %zu", p->what, bar, done, all);
}

void progress_end(struct progress *p)
{
	if (p->on)
		fputs("\r\033[K", stderr); /* ECMA-48 8.3.41: erase to the end of the line */
}
