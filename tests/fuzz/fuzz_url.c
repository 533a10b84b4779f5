/*
 * mr_url promises: parts lie in the text (or in the arena, where breaks were taken out) in their
 * order, each call gets further, and a host that was read is a valid name of bounded length, in
 * lower case, that reads to itself.
 */
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_url.h"

#define FUZZ_ARENA_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mr_psl *the_psl(void)
{
	static struct mr_psl *psl;

	if (!psl)
		psl = mr_psl_new(NULL);
	MR_ASSERT(psl);
	return psl;
}

/* All parts in outer, none before the one that is written before it. */
static void check_parts(const struct mr_url *url, struct mr_span outer)
{
	const struct mr_span parts[] = { url->scheme, url->userinfo, url->host,    url->port,
					 url->path,   url->query,    url->fragment };
	const char *at = outer.p;

	for (size_t i = 0; i < MR_COUNT(parts); i++) {
		MR_ASSERT(parts[i].len == 0 || mr_span_within(parts[i], outer));
		if (parts[i].len == 0)
			continue;
		MR_ASSERT(parts[i].p >= at);
		at = mr_span_end(parts[i]);
	}
}

static void check_host(struct mr_span host, struct mr_arena *arena)
{
	struct mr_url_host first, second;
	int err = mr_url_host(host, the_psl(), arena, &first);

	if (err < 0) {
		MR_ASSERT(err == MR_ESYNTAX || err == MR_ELIMIT || err == MR_ENOMEM);
		return;
	}
	MR_ASSERT(first.text.len > 0 && first.text.len <= MR_DOMAIN_MAX);
	MR_ASSERT(mr_utf8_valid(first.text));
	for (size_t i = 0; i < first.text.len; i++)
		MR_ASSERT(!mr_is(first.text.p[i], MR_UPPER));
	MR_ASSERT(mr_span_within(first.domain, first.text));
	MR_ASSERT(first.domain.len == 0 || mr_span_end(first.domain) == mr_span_end(first.text));
	if (first.kind == MR_URL_IPV6)
		return; /* it lost its brackets */
	if (mr_url_host(first.text, the_psl(), arena, &second) == 0)
		MR_ASSERT(first.kind == second.kind && mr_span_eq(first.text, second.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(FUZZ_ARENA_MAX);
	struct mr_span in = mr_span_bytes(data, size);
	struct mr_cur text = mr_cur(in);
	const char *at = in.p;
	struct mr_url url;
	int err;

	MR_ASSERT(arena);
	check_host(in, arena);
	err = mr_url_parse(in, arena, &url);
	MR_ASSERT(err == 0 || err == MR_ESYNTAX || err == MR_ENOMEM);
	if (err == 0) {
		check_parts(&url, url.whole);
		check_host(url.host, arena);
	}
	while (mr_url_next(&text, the_psl(), &url)) {
		MR_ASSERT(text.p > at && text.p <= text.end && text.end == mr_span_end(in));
		MR_ASSERT(url.whole.p >= at && mr_span_end(url.whole) <= text.p);
		MR_ASSERT(url.host.len > 0);
		check_parts(&url, url.whole);
		at = text.p;
		mr_arena_reset(arena);
		check_host(url.host, arena);
	}
	MR_ASSERT(text.p == text.end);
	return 0;
}
