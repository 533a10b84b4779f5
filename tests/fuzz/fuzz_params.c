/*
 * mr_params promises: parameters come in the order of the input and lie in it, each call gets
 * further, values are valid UTF-8 and are there exactly if a parameter has the name; a boundary is
 * no longer than its buffer where it was copied.
 */
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_params.h"

#define FUZZ_ARENA_MAX (1u << 24)
#define BOUNDARY_SIZE  8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(struct mr_span in, const struct mr_param *param, struct mr_arena *arena)
{
	struct mr_span value = MR_SPAN(""), bytes;

	MR_ASSERT(mr_param_value(param, arena, &bytes) == 0 && bytes.len <= param->value.len);
	MR_ASSERT(mr_span_find(bytes, '\n') == bytes.len);
	/* A name with "*" may be that of a segment that stands behind a gap. */
	if (mr_span_find(param->name, '*') == param->name.len)
		MR_ASSERT(mr_params_get(in, param->name, arena, &value) == 0);
	MR_ASSERT(mr_utf8_valid(value));
}

static void check_boundary(struct mr_span in)
{
	char *buf = mr_malloc(BOUNDARY_SIZE);
	struct mr_span boundary;
	bool cut;

	MR_ASSERT(buf);
	boundary = mr_params_boundary(in, buf, BOUNDARY_SIZE, &cut);
	MR_ASSERT(boundary.len == 0 || mr_span_within(boundary, in) ||
		  mr_span_within(boundary, mr_span(buf, BOUNDARY_SIZE)));
	MR_ASSERT(!cut || boundary.len == 0);
	MR_ASSERT(mr_span_find(boundary, '\n') == boundary.len);
	mr_free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(FUZZ_ARENA_MAX);
	struct mr_span in = size ? mr_span_bytes(data, size) : MR_SPAN(""), value = MR_SPAN("");
	struct mr_cur c = mr_cur(in);
	struct mr_span type = in, subtype = in, word;
	struct mr_param param;
	int err, checked = 0;

	MR_ASSERT(arena);
	if (mr_params_type(&c, &type, &subtype))
		MR_ASSERT(type.len > 0 && subtype.len > 0 && subtype.p > mr_span_end(type));
	MR_ASSERT(mr_span_within(type, in) && mr_span_within(subtype, in));
	c = mr_cur(in);
	word = mr_params_word(&c);
	MR_ASSERT(mr_span_within(word, in));
	c = mr_cur(in);
	for (const char *at = c.p; mr_params_next(&c, &param); at = c.p) {
		MR_ASSERT(c.p > at && c.p <= c.end && param.name.p >= at && param.name.len > 0);
		MR_ASSERT(mr_span_within(param.name, in) && mr_span_within(param.value, in));
		MR_ASSERT(param.value.p > param.name.p);
		mr_arena_reset(arena);
		if (checked++ < 10) /* each reads all of the input */
			check_value(in, &param, arena);
	}
	MR_ASSERT(c.p == c.end);
	err = mr_params_get(in, MR_SPAN("a"), arena, &value);
	MR_ASSERT((err == 0 || err == MR_ENOENT) && mr_utf8_valid(value));
	check_boundary(in);
	return 0;
}
