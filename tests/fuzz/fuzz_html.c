/*
 * mr_html promises: tokens come in the order of the input and lie in it, each call gets further,
 * and references decoded leave UTF-8 as valid as it was and no longer than 6/5.
 */
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_html.h"

#define FUZZ_ARENA_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct mr_span raw, bool in_attr, bool valid, struct mr_arena *arena)
{
	struct mr_span out = MR_SPAN("");
	int err;

	mr_arena_reset(arena);
	err = mr_html_text(raw, in_attr, arena, &out);
	MR_ASSERT(err == 0 || (err == MR_ENOMEM && raw.len > FUZZ_ARENA_MAX / 4));
	MR_ASSERT(!valid || mr_utf8_valid(out));
	MR_ASSERT(out.len <= raw.len + raw.len / 5);
}

static void check_attrs(struct mr_span attrs, bool valid, struct mr_arena *arena)
{
	struct mr_span outer = attrs;
	struct mr_html_attr attr;
	size_t before = attrs.len;

	while (mr_html_attr_next(&attrs, &attr)) {
		MR_ASSERT(attrs.len < before && mr_span_within(attrs, outer));
		MR_ASSERT(attr.name.len > 0 && mr_span_within(attr.name, outer));
		MR_ASSERT(mr_span_within(attr.value, outer) && attr.value.p >= attr.name.p);
		check_text(attr.value, true, valid, arena);
		before = attrs.len;
	}
	MR_ASSERT(attrs.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(FUZZ_ARENA_MAX);
	struct mr_span in = mr_span_bytes(data, size);
	bool valid = mr_utf8_valid(in);
	struct mr_html_token tok;
	const char *at = in.p;
	struct mr_html h;

	MR_ASSERT(arena);
	check_text(in, false, valid, arena);
	check_text(in, true, valid, arena);
	check_attrs(in, valid, arena);
	mr_html_init(&h, in);
	while (mr_html_next(&h, &tok)) {
		MR_ASSERT(mr_span_within(tok.text, in) && tok.text.p >= at);
		MR_ASSERT(mr_span_within(tok.name, in) && tok.name.p >= at);
		MR_ASSERT(mr_span_within(tok.attrs, in) && tok.attrs.p >= at);
		MR_ASSERT(h.in.p > at && h.in.p <= h.in.end); /* progress */
		MR_ASSERT(tok.kind == MR_HTML_TEXT ? tok.text.len > 0 : !tok.refs);
		MR_ASSERT((tok.kind == MR_HTML_START || tok.kind == MR_HTML_END) ==
			  mr_span_starts(tok.name, MR_ALPHA));
		at = h.in.p;
		check_attrs(tok.attrs, valid, arena);
		if (tok.refs)
			check_text(tok.text, false, valid, arena);
	}
	MR_ASSERT(h.in.p == h.in.end);
	return 0;
}
