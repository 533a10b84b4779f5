/*
 * mr-parse FILE: the whole work of a mail parser on one message, and what it cost: parts, decoded
 * lengths of all bodies, file names, Subject decoded, From and To as text and as addresses. The file
 * is mapped, as a milter's is not, so that its own pages can be told from what the parser takes.
 * Prints "cpu_s N mem_kib N parts N fields N cut N".
 */
#include <stdio.h>
#include <sys/resource.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/mail/mr_addr.h"
#include "lib/mail/mr_body.h"
#include "lib/mail/mr_words.h"

#define ARENA_MAX       (64u * 1024 * 1024)
#define HEADER_UTF8_MAX (64u * 1024)
#define ADDRS_MAX       10000

static int header(const struct mr_msg *msg, const char *name, bool addresses,
		  struct mr_arena *arena)
{
	const struct mr_field *field = mr_msg_field(msg, 0, mr_span_str(name));
	const struct mr_addr *addrs;
	struct mr_span text;
	int err;

	if (!field)
		return 0;
	err = mr_words_decode(field->value, HEADER_UTF8_MAX, arena, &text);
	if (err == 0 && addresses)
		err = mr_addr_parse(field->value, ADDRS_MAX, arena, &addrs);
	return err < 0 ? err : 0;
}

static int parse(struct mr_span raw, struct mr_arena *arena, struct mr_msg *msg_out)
{
	struct mr_span name;
	struct mr_msg msg;
	uint64_t len = 0;
	int err;

	if ((err = mr_msg_parse(raw, &mr_msg_limits_default, arena, &msg)) < 0 ||
	    (err = header(&msg, "Subject", false, arena)) < 0 ||
	    (err = header(&msg, "From", true, arena)) < 0 ||
	    (err = header(&msg, "To", true, arena)) < 0)
		return err;
	for (uint32_t i = 0; i < msg.part_count; i++) {
		if (msg.part[i].kind != MR_PART_LEAF)
			continue;
		len += mr_body_decoded_len(&msg.part[i]);
		err = mr_part_filename(&msg, i, arena, &name);
		if (err < 0 && err != MR_ENOENT)
			return err;
	}
	printf("bytes %llu ", (unsigned long long)len);
	*msg_out = msg;
	return 0;
}

/* Private memory now: what stays when the pages of mapped files are left out. */
static long rss_anon_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtol(line + 8, NULL, 10);
	}
	if (f)
		fclose(f);
	return kib;
}

int main(int argc, char **argv)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_msg msg = { .part_count = 0 };
	struct rusage ru;
	struct mr_map map;
	long before;
	int err;

	if (argc != 2 || !arena)
		return 2;
	before = rss_anon_kib();
	err = mr_map_file(argv[1], &map);
	if (err == 0)
		err = parse(map.span, arena,
			    &msg); /* nothing is given back before it is measured */
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], mr_err_text(err));
		return 1;
	}
	getrusage(RUSAGE_SELF, &ru);
	printf("cpu_s %.4f mem_kib %ld parts %u fields %u cut %u\n",
	       (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
		       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6,
	       rss_anon_kib() - before, msg.part_count, msg.field_count, msg.cut);
	mr_map_done(&map);
	return 0;
}
