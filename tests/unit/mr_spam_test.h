/*
 * mr_spam_test: what tests of the spam filter share: the features of a text, and a model that gives every
 * message the same points.
 *
 *	struct mr_spam_test s;
 *
 *	if (mr_spam_test_init(t, &s, i, rows[i].raw) && mr_spam_test_message(t, &s))
 *		MR_CHECK_SPAN(t, "word:hello ", mr_spam_test_list(s.f, MR_SPAM_WORD, &s.text));
 *	mr_spam_test_done(&s);
 */
#ifndef MR_SPAM_TEST_H
#define MR_SPAM_TEST_H

#include "lib/base/mr_buf.h"
#include "milters/spam/extract.h"
#include "milters/spam/model.h"
#include "milters/spam/trick.h"
#include "tests/unit/mr_test.h"

struct mr_spam_test {
	struct mr_block *in;
	struct mr_arena *arena;
	struct mr_spam_features *f;
	struct mr_spam_view view; /* after mr_spam_test_message() */
	struct mr_spam_tricks tricks; /* after mr_spam_test_html() */
	struct mr_buf text; /* to write to */
};

/* text: in a block of its size; row: shown with failures. False: no memory, and that was said; done()
 * is called all the same. */
bool mr_spam_test_init(struct mr_t *t, struct mr_spam_test *s, size_t row, const char *text);
void mr_spam_test_done(struct mr_spam_test *s);

/* Take it as a message that arrives, or as HTML. False: it failed, and that was said. */
bool mr_spam_test_message(struct mr_t *t, struct mr_spam_test *s);
bool mr_spam_test_html(struct mr_t *t, struct mr_spam_test *s);

/* "kind:text " of each feature of a family, in out, which is emptied first. */
struct mr_span mr_spam_test_list(const struct mr_spam_features *f, enum mr_spam_family family,
				 struct mr_buf *out);
/* The words that count, with a blank between, without the pairs; until the next call. */
struct mr_span mr_spam_test_words(struct mr_spam_test *s);

/* At path, a model of the smallest size whose first bias gives every message this many points. */
MR_MUST_USE int mr_spam_test_model(const char *path, double points);

#endif
