/* millrace spam score, explain: what the model says of messages. */
#include <stdio.h>

#include "lib/base/mr_err.h"
#include "lib/net/mr_json.h"
#include "milters/spam/explain.h"
#include "milters/spam/score.h"
#include "tools/spam.h"

#define JSON_SIZE_MAX 65536 /* of one message */

struct judge {
	struct spam *s;
	struct mr_spam_model model; /* as the user's corrections change it */
};

static const char *verdict(const struct mr_spam_score *score)
{
	return score->spam ? "spam" : "ham";
}

/* A name is one field of the line, and shows nothing but itself, whatever it holds. */
static void print_name(const char *name)
{
	cli_show(stdout, mr_span_str(name));
}

static void json_begin(struct mr_json *json, struct mr_buf *out, const char *name,
		       const struct mr_spam_score *score)
{
	mr_json_init(json, out);
	mr_json_open(json, NULL, '{');
	mr_json_str(json, "name", mr_span_str(name));
	mr_json_real(json, "score", score->points);
	mr_json_str(json, "verdict", mr_span_str(verdict(score)));
}

static int score_one(void *arg, const struct mr_spam_item *item)
{
	struct judge *j = arg;
	struct mr_spam_score score;
	struct mr_spam_view view;
	struct mr_json json;
	MR_AUTO_BUF out = MR_BUF(JSON_SIZE_MAX);

	if (!spam_read(j->s, item, &view))
		return 0;
	mr_spam_score(&j->model, j->s->f, &score);
	if (j->s->cli->json) {
		json_begin(&json, &out, item->name, &score);
		mr_json_close(&json);
		puts(mr_buf_str(&out));
	} else {
		print_name(item->name);
		printf("\t%.3f\t%s\n", score.points, verdict(&score));
	}
	return 0;
}

static void print_reason(const struct mr_spam_reason *reason)
{
	MR_AUTO_BUF text = MR_BUF(1000);

	mr_spam_reason_text(reason, &text);
	printf("  %+8.3f  %s\n", reason->log_odds, mr_buf_str(&text));
}

/* What all bytes together gave: it has no words, so it is none of the reasons and comes last. */
static struct mr_spam_reason of_bytes(const struct mr_spam_score *score)
{
	return (struct mr_spam_reason){ MR_SPAM_GRAM, score->family[MR_SPAM_GRAM], NULL };
}

static void print_all(const char *name, const struct mr_spam_score *score,
		      const struct mr_spam_reason *reasons, size_t count)
{
	struct mr_spam_reason bytes = of_bytes(score);
	double said, counts;

	print_name(name);
	printf(": %.3f points, so it is %s; spam has %.3f or more\n", score->points,
	       score->spam ? "spam" : "good mail", MR_SPAM_THRESHOLD);
	printf("\nPoints by where they come from; + speaks for spam, - for good mail:\n");
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++)
		printf("  %+8.3f  %s\n", score->family[i], mr_spam_family_text(i));
	printf("  %+8.3f  what every message starts with: the points of one of which nothing is "
	       "known\n",
	       score->start);
	if (mr_spam_explain_cut(score, &said, &counts))
		printf("\nWhat spoke for good mail counts in part only, so that added good words "
		       "do "
		       "not help: %+.1f became %+.1f. All points here are those that count.\n",
		       said, counts);
	printf("\nThe %zu strongest single signs:\n", count);
	for (size_t i = 0; i < count; i++)
		print_reason(&reasons[i]);
	if (bytes.log_odds != 0) {
		printf("and\n");
		print_reason(&bytes);
	}
	putchar('\n'); /* another message may follow */
}

static void json_reason(struct mr_json *json, const struct mr_spam_reason *reason)
{
	MR_AUTO_BUF text = MR_BUF(1000);

	mr_spam_reason_text(reason, &text);
	mr_json_open(json, NULL, '{');
	mr_json_real(json, "points", reason->log_odds);
	mr_json_str(json, "why", mr_buf_span(&text));
	mr_json_close(json);
}

static void json_all(const char *name, const struct mr_spam_score *score,
		     const struct mr_spam_reason *reasons, size_t count)
{
	struct mr_spam_reason bytes = of_bytes(score);
	struct mr_json json;
	double said, counts;
	MR_AUTO_BUF out = MR_BUF(JSON_SIZE_MAX);

	json_begin(&json, &out, name, score);
	if (mr_spam_explain_cut(score, &said, &counts)) {
		mr_json_real(&json, "good_said", said);
		mr_json_real(&json, "good_counts", counts);
	}
	mr_json_open(&json, "reasons", '[');
	for (size_t i = 0; i < count; i++)
		json_reason(&json, &reasons[i]);
	if (bytes.log_odds != 0)
		json_reason(&json, &bytes);
	mr_json_close(&json);
	mr_json_close(&json);
	puts(mr_buf_str(&out));
}

static int explain_one(void *arg, const struct mr_spam_item *item)
{
	struct judge *j = arg;
	struct mr_spam_reason reasons[MR_SPAM_REASONS_MAX];
	struct mr_spam_score score;
	struct mr_spam_view view;
	size_t count;

	if (!spam_read(j->s, item, &view))
		return 0;
	mr_spam_score(&j->model, j->s->f, &score);
	count = mr_spam_explain(&j->model, j->s->f, &score, reasons, MR_COUNT(reasons));
	if (j->s->cli->json)
		json_all(item->name, &score, reasons, count);
	else
		print_all(item->name, &score, reasons, count);
	return 0;
}

/* Who never taught, or where nobody did, has no corrections. */
static int corrections(struct spam *s, struct mr_arena *arena,
		       struct mr_spam_correction list[MR_SPAM_CORRECTIONS_MAX], unsigned *count_out)
{
	MR_AUTO(mr_store) *store = NULL;
	int n, code, bad = 0;

	*count_out = 0;
	if (s->owner[0] == '\0')
		return CLI_OK;
	if ((code = spam_store_if_any(s, &store)) != CLI_OK || store == NULL)
		return code;
	n = mr_spam_corrections_get(store, mr_span_str(s->owner), arena, list, &bad);
	if (n < 0)
		return cli_complain(n, "cannot read the corrections of", s->owner);
	if (bad > 0)
		fprintf(stderr,
			"millrace: a correction of %s does not read, and is left out: "
			"millrace spam rebuild\n",
			s->owner);
	*count_out = (unsigned)n;
	return CLI_OK;
}

static int judge_all(struct spam *s, mr_spam_item_fn *each)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTIONS_MAX * MR_SPAM_CORRECTION_ROOM);
	struct mr_spam_correction list[MR_SPAM_CORRECTIONS_MAX];
	struct judge j = { .s = s };
	struct mr_spam_model model;
	unsigned count;
	int code = arena != NULL ? spam_model_load(s, &model) : CLI_TEMP, err;

	if (code != CLI_OK)
		return code;
	if ((code = corrections(s, arena, list, &count)) != CLI_OK) {
		mr_spam_model_done(&model);
		return code;
	}
	j.model = mr_spam_model_corrected(&model, list, count);
	progress_start(&s->progress, "scoring");
	err = mr_spam_source_each(s->source, each, &j);
	progress_end(&s->progress);
	mr_spam_model_done(&model);
	if (err < 0)
		return cli_complain(err, "cannot score", NULL);
	return s->failed > 0 ? CLI_FAILED : CLI_OK;
}

int spam_score(struct spam *s)
{
	return judge_all(s, score_one);
}

int spam_explain(struct spam *s)
{
	return judge_all(s, explain_one);
}
