/*
 * A connection of mapd that speaks Dovecot's dict protocol, over a store that pretends. Promised: answers are whole
 * lines that begin with a word of the protocol; single bytes are answered as all at once; what is reported is of
 * users, and in range.
 */
#include "lda/mapd/dict.h"
#include "lda/mapd/talk.h"
#include "lib/base/mr_err.h"

#define OUT_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Who has an "o" is ours; with a "t", nobody knows now. */
static int is_user(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain)
{
	if (mr_span_find(local, 't') < local.len)
		return MR_ETEMP;
	return mr_span_find(domain, 'o') < domain.len ? 0 : MR_ENOENT;
}

static int used(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain MR_UNUSED,
		struct mr_usage *usage_out)
{
	*usage_out = (struct mr_usage){ (int64_t)local.len, 1 };
	return 0;
}

static int limits(void *arg MR_UNUSED, struct mr_span local MR_UNUSED,
		  struct mr_span domain MR_UNUSED, struct mr_limit *user_out,
		  struct mr_limit *domain_out)
{
	*user_out = *domain_out = (struct mr_limit){ INT64_MAX, 0 };
	return 0;
}

static int change(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain,
		  struct mr_usage u MR_UNUSED)
{
	MR_ASSERT(is_user(NULL, local, domain) == 0);
	return 0;
}

static int set(void *arg, struct mr_span local, struct mr_span domain, struct mr_usage now)
{
	MR_ASSERT(now.octets >= 0 && now.messages >= 0);
	return change(arg, local, domain, now);
}

static int touch(void *arg, struct mr_span local, struct mr_span domain)
{
	return change(arg, local, domain, (struct mr_usage){ 0, 0 });
}

static void drain(struct mr_talking *talk, struct mr_buf *out)
{
	while (mr_talk_busy(talk) || mr_talk_output(talk).len > 0) {
		struct mr_span some = mr_talk_output(talk);

		if (mr_talk_busy(talk)) {
			mr_talk_work(talk);
			mr_talk_worked(talk, 0);
			continue;
		}
		MR_ASSERT(mr_buf_add(out, some) == 0);
		mr_talk_sent(talk, some.len, 0);
	}
}

static void talk(const struct mr_ask *ask, struct mr_span in, size_t step, struct mr_buf *out)
{
	struct mr_talking *talk = mr_talk_new(ask, 1000, 0);

	MR_ASSERT(talk);
	while (in.len > 0 && !mr_talk_closed(talk)) {
		struct mr_span piece = mr_span_sub(in, 0, step);

		mr_talk_input(talk, piece, 0);
		drain(talk, out);
		in = mr_span_sub(in, piece.len, in.len);
	}
	mr_talk_free(talk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_dict dict = { is_user, used, limits, change, set, touch, NULL };
	const struct mr_ask ask = { "dict",         MR_DICT_REQUEST_MAX, mr_dict_frame,
				    mr_dict_answer, mr_dict_forget,      &dict };
	struct mr_span in = size ? mr_span_bytes(data, size) : MR_SPAN(""), line, rest;
	MR_AUTO_BUF all = MR_BUF(OUT_MAX), bytes = MR_BUF(OUT_MAX);

	if (size > 16384)
		return 0;
	talk(&ask, in, 65536, &all);
	talk(&ask, in, 1, &bytes);
	MR_ASSERT(mr_span_eq(mr_buf_span(&all), mr_buf_span(&bytes)));
	rest = mr_buf_span(&all);
	MR_ASSERT(rest.len == 0 || rest.p[rest.len - 1] == '\n');
	while (rest.len > 0) {
		MR_ASSERT(mr_span_split(rest, '\n', &line, &rest));
		MR_ASSERT(line.len == 0 || strchr("ONFA", line.p[0]));
	}
	return 0;
}
