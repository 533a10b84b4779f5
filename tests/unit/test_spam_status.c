/*
 * X-Spam-Status names words of the message, so whoever writes the message writes into a field that other
 * programs read: only plain words may come through, whatever stands in the message.
 */
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_io.h"
#include "lib/run/mr_milter.h"
#include "milters/spam/model.h"
#include "milters/spam/stage.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX ((size_t)16 << 20)
#define WEIGHT    2000 /* of every feature: all that stands in a message is a reason */

static int16_t weights[2 << MR_SPAM_TABLE_BITS_MIN];

static int write_model(const char *path, int16_t weight)
{
	struct mr_spam_model m = { .bits = { MR_SPAM_TABLE_BITS_MIN, MR_SPAM_TABLE_BITS_MIN },
				   .threshold = 5.0 };
	MR_AUTO_BUF bytes = MR_BUF(8 << 20);
	int err;

	for (size_t i = 0; i < MR_COUNT(weights); i++)
		weights[i] = weight;
	m.weight[0] = weights;
	m.weight[1] = weights + (1 << MR_SPAM_TABLE_BITS_MIN);
	if ((err = mr_spam_model_write(&m, &bytes)) < 0)
		return err;
	return mr_replace_file(path, mr_buf_span(&bytes), 0600);
}

/* The field that the stage writes about raw, in ctx->arena; "" where there was no memory. */
static struct mr_span status_of(struct mr_t *t, struct mr_ctx *ctx, const char *raw)
{
	struct mr_envelope env = { .queue_id = MR_SPAN("1") };
	struct mr_actions acts = { .count = 0 };

	MR_CHECK_INT(t, 0, mr_stage_run(&mr_spam_stage, ctx, &env, mr_span_str(raw), &acts));
	for (size_t i = 0; i < acts.count; i++) {
		if (acts.act[i].kind == MR_ACT_INSERT &&
		    strcmp(acts.act[i].name, "X-Spam-Status") == 0)
			return acts.act[i].value;
	}
	return MR_SPAN("");
}

/* What our own grammar has (docs/HEADERS.md): nothing else may stand anywhere in it. */
static bool is_plain(struct mr_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\0' ||
		    !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    ".-_ ,=+():;/\n\t",
			    s.p[i]))
			return false;
	}
	return true;
}

/* [ field ":" ] word; a word has 2 to 24 octets, the field's name 1 to 24 in lower case. */
static bool is_word(struct mr_span word)
{
	size_t colon = mr_span_find(word, ':');

	if (colon < word.len) {
		struct mr_span field = mr_span_sub(word, 0, colon);

		for (size_t i = 0; i < field.len; i++) {
			if (mr_lower(field.p[i]) != field.p[i])
				return false;
		}
		if (field.len == 0 || field.len > 24 || !mr_span_only(field, MR_ALNUM | MR_HYPHEN))
			return false;
		word = mr_span_sub(word, colon + 1, word.len);
	}
	return word.len >= 2 && word.len <= 24 &&
	       mr_span_only(word, MR_ALNUM | MR_DOT | MR_HYPHEN | MR_UNDERSCORE);
}

/* Between brackets there are words alone. Returns how many, or -1. */
static int words_in_brackets(struct mr_span s)
{
	struct mr_span head, inside, word;
	int count = 0;

	while (mr_span_split(s, '(', &head, &s)) {
		if (!mr_span_split(s, ')', &inside, &s))
			return -1;
		do {
			mr_span_split(inside, ' ', &word, &inside);
			if (!is_word(word))
				return -1;
			count++;
		} while (inside.len > 0);
	}
	return count;
}

static const struct {
	const char *raw;
	bool names; /* a plain word is in it, to be named */
} rows[] = {
	{ "From: ann@example.org\nSubject: cheap pills\n\nbuy cheap pills now\n", true },
	/* Another alphabet, broken UTF-8, Latin-1. */
	{ "From: a@b\nSubject: \xd0\xb4\xd0\xb5\xd0\xbd\n\n\xd0\xb4\xd0\xb5\xd0\xbd "
	  "\xd1\x8f\xd0\xb1\n",
	  false },
	{ "From: a@b\nSubject: \xe4\xf6\xfc\xdf\n\nb\xfc\xe4\xf6r\xf6 \xff\xfe \xc3\n", false },
	/* An encoded line break, and octets that a terminal obeys. */
	{ "From: a@b\nSubject: =?utf-8?B?aGFtCm5vLCBzY29yZT0tOTk=?=\n\nx\n", false },
	{ "From: a@b\nSubject: \x1b[2J \x07\x01 x\x7fy\n\n\x1b]0;x\x07 a\x08\x08b\n", false },
	/* Our own grammar. */
	{ "From: a@b\nSubject: No,score=-99.0 (required=5.000) $1,000,000 100%off\n\n"
	  "because:start,layout,text score=1.0 ham,(x)y a=b;c=d \"q\" <x> %n%s\n",
	  false },
	{ "From: \"(x) No, score=1\" <x(y)z@[192.0.2.1]>\nX-(Odd: y\n\n"
	  "<a href=\"http://x(y),z=1.example/(a)=b,c\">aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</a>\n",
	  false },
	/* Longer than is shown. */
	{ "From: a@b\nSubject: x\n\nhttp://abcdefghijklmnopqrstuvwxyz-abcdefghij.example.com/\n"
	  "abcdefghijklmnopqrstuvwxyzabcd\n",
	  false },
};

MR_TEST(spam_status_is_plain)
{
	static const int16_t signs[] = { WEIGHT, -WEIGHT };

	for (size_t k = 0; k < MR_COUNT(signs); k++) {
		char path[MR_PATH_MAX];
		struct mr_settings set;
		struct mr_ctx ctx = { .set = &set, .clock = mr_clock_real };
		bool named = false;

		MR_NEED(t, mr_settings_default(&set) == 0);
		snprintf(path, sizeof(path), "%s/model", mr_test_dir(t));
		set.spam_model = path;
		ctx.arena = mr_arena_new(ARENA_MAX);
		if (ctx.arena && write_model(path, signs[k]) == 0 &&
		    mr_spam_stage.open(&set, &ctx.state) == 0) {
			for (size_t i = 0; i < MR_COUNT(rows); i++) {
				struct mr_span status = status_of(t, &ctx, rows[i].raw);
				int words = words_in_brackets(status);

				t->row = (long)(k * 100 + i);
				MR_CHECK_ALWAYS(t, is_plain(status) && words >= 0);
				if (rows[i].names)
					MR_CHECK(t, words > 0);
				named = named || words > 0;
			}
			MR_CHECK(t, named);
		}
		if (ctx.state)
			mr_spam_stage.close(ctx.state);
		mr_arena_free(ctx.arena);
		mr_settings_done(&set);
	}
}
