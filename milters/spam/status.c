#include "milters/spam/status.h"

#include <math.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "milters/spam/view.h"

#define WORDS_MAX 3 /* that are named for each family */
#define WORD_MAX  24 /* bytes of one */
#define FIELD_MAX 24 /* of the name of its field */
#define SHARE_MIN 0.3 /* log-odds: a family that gave less is not named */

static const char *const names[MR_SPAM_FAMILIES] = {
	[MR_SPAM_WORD] = "text",      [MR_SPAM_HEAD] = "header", [MR_SPAM_NAME] = "header-names",
	[MR_SPAM_HTML] = "layout",    [MR_SPAM_URL] = "links",   [MR_SPAM_GRAM] = "raw",
	[MR_SPAM_ANSWER] = "answers",
};

/* A word may stand in a header field if it is plain ASCII that no grammar of ours means. */
static bool fit(struct mr_span word)
{
	return word.len > 1 && word.len <= WORD_MAX &&
	       mr_span_only(word, MR_ALNUM | MR_DOT | MR_HYPHEN | MR_UNDERSCORE);
}

/* "unknown", or, of a header, "subject:unknown". */
static void put_word(const struct mr_spam_reason *r, struct mr_buf *out)
{
	struct mr_span field = r->origin->field;

	if (r->family == MR_SPAM_HEAD && field.len > 0 && field.len <= FIELD_MAX &&
	    mr_span_only(field, MR_ALNUM | MR_HYPHEN)) {
		for (size_t i = 0; i < field.len; i++)
			mr_buf_addc(out, mr_lower(field.p[i]));
		mr_buf_addc(out, ':');
	}
	mr_buf_add(out, r->origin->text);
}

/* The strongest words of one family that pulled the way it did. */
static void put_words(const struct mr_spam_reason *reasons, size_t count,
		      enum mr_spam_family family, bool up, struct mr_buf *out)
{
	unsigned n = 0;

	for (size_t i = 0; i < count && n < WORDS_MAX; i++) {
		const struct mr_spam_reason *r = &reasons[i];

		if (r->family != family || r->origin == NULL || (r->log_odds > 0) != up ||
		    !fit(r->origin->text))
			continue;
		mr_buf_adds(out, n++ == 0 ? " (" : " ");
		put_word(r, out);
	}
	if (n > 0)
		mr_buf_addc(out, ')');
}

int mr_spam_status_text(const struct mr_spam_model *model, const struct mr_spam_features *f,
			const struct mr_spam_score *score, int32_t upstream, struct mr_buf *out)
{
	struct mr_spam_reason reasons[MR_SPAM_REASONS_MAX];
	size_t count = mr_spam_explain(model, f, score, reasons, MR_COUNT(reasons));

	mr_buf_printf(out, "%s, score=%.3f required=%.3f " MR_SPAM_MARK, score->spam ? "Yes" : "No",
		      score->points, MR_SPAM_THRESHOLD);
	if (upstream != MR_SPAM_UPSTREAM_NONE)
		mr_buf_printf(out, " upstream=%d", (int)upstream);
	/* What every message starts with comes first, so that the parts add up to the score. */
	mr_buf_printf(out, "\n\tbecause: start %+.1f", score->start);
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		if (fabs(score->family[i]) < SHARE_MIN)
			continue;
		mr_buf_printf(out, ",\n\t%s %+.1f", names[i], score->family[i]);
		put_words(reasons, count, i, score->family[i] > 0, out);
	}
	return mr_buf_err(out);
}
