/*
 * mr_authres promises: what it returns lies in the field and within its limits, words are keywords,
 * properties belong to one result each, in order; a failure leaves the result untouched; a field that
 * is read has the authserv-id that mr_authres_parse_id() finds; and folding it anew changes nothing.
 */
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_authres.h"

#define UNTOUCHED 77777u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_keyword(struct mr_span word, struct mr_span in)
{
	MR_ASSERT(word.len > 0 && mr_span_within(word, in));
	MR_ASSERT(mr_span_only(word, MR_ALNUM | MR_HYPHEN) && word.p[word.len - 1] != '-');
}

static void check_value(const struct mr_authres_value *value, struct mr_span in)
{
	char *buf = mr_malloc(value->raw.len + 1);
	struct mr_span text = in;

	MR_ASSERT(buf && mr_span_within(value->raw, in));
	MR_ASSERT(value->quoted || value->raw.len > 0);
	MR_ASSERT(!value->quoted || value->raw.p[-1] == '"');
	MR_ASSERT(mr_authres_text(value, buf, value->raw.len, &text) == 0);
	MR_ASSERT(text.len <= value->raw.len && mr_authres_is(value, text));
	MR_ASSERT(mr_span_find(text, '\n') == text.len && mr_span_find(text, '\0') == text.len);
	MR_ASSERT(text.len == 0 || !mr_authres_is(value, mr_span_sub(text, 1, text.len)));
	mr_free(buf);
}

static void check(const struct mr_authres *ar, struct mr_span in)
{
	uint32_t props = 0;
	const char *at = in.p;

	MR_ASSERT(ar->result_count <= MR_AUTHRES_RESULTS_MAX);
	MR_ASSERT(ar->prop_count <= MR_AUTHRES_PROPS_MAX);
	check_value(&ar->id, in);
	for (uint32_t i = 0; i < ar->result_count; i++) {
		const struct mr_authres_result *r = &ar->result[i];

		check_keyword(r->method, in);
		check_keyword(r->result, in);
		MR_ASSERT(r->method.p > at && r->result.p > r->method.p);
		at = r->result.p;
		if (r->reason.raw.p != NULL)
			check_value(&r->reason, in);
		MR_ASSERT(r->prop_first == props);
		props += r->prop_count;
		for (uint32_t k = r->prop_first; k < props; k++) {
			const struct mr_authres_prop *p = &ar->prop[k];

			check_keyword(p->ptype, in);
			check_keyword(p->property, in);
			check_value(&p->value, in);
			MR_ASSERT(p->ptype.p > at && p->value.raw.p > p->property.p);
			at = p->value.raw.p;
			MR_ASSERT(mr_authres_prop(ar, r, p->ptype, p->property) != NULL);
		}
	}
	MR_ASSERT(props == ar->prop_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_span in = size ? mr_span_bytes(data, size) : MR_SPAN("");
	static struct mr_authres ar, again;
	struct mr_authres_value id = { MR_SPAN("x"), false };
	char *more;
	int err;

	ar.version = UNTOUCHED;
	err = mr_authres_parse(in, &ar);
	if (err < 0) {
		MR_ASSERT(err == MR_ESYNTAX || (err == MR_ELIMIT && size > 0));
		MR_ASSERT(ar.version == UNTOUCHED);
		return 0;
	}
	MR_ASSERT(ar.version <= MR_AUTHRES_VERSION_MAX);
	check(&ar, in);
	MR_ASSERT(mr_authres_parse_id(in, &id) == 0);
	MR_ASSERT(mr_span_eq(id.raw, ar.id.raw) && id.quoted == ar.id.quoted);
	/* A comment and a fold before and behind change nothing. */
	if (size > MR_AUTHRES_SIZE_MAX - 8)
		return 0;
	MR_ASSERT((more = mr_malloc(size + 8)) != NULL);
	memcpy(more, "(a)\n", 4);
	memcpy(more + 4, data, size);
	memcpy(more + 4 + size, "\n\t()", 4);
	MR_ASSERT(mr_authres_parse(mr_span(more, size + 8), &again) == 0);
	MR_ASSERT(again.result_count == ar.result_count && again.prop_count == ar.prop_count);
	mr_free(more);
	return 0;
}
