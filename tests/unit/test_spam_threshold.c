/* From which log-odds on a message is spam, by hand. */
#include "milters/spam/score.h"
#include "milters/spam/train_priv.h"
#include "tests/unit/mr_test.h"

MR_TEST(spam_ln)
{
	static const struct {
		double x, ln;
	} rows[] = {
		{ 1, 0 },
		{ 2, 0.693147180560 },
		{ 0.5, -0.693147180560 },
		{ 80, 4.382026634673 },
		{ 0.001, -6.907755278982 },
		{ 2.718281828459, 1 },
		{ 1.499999, 0.405464441438 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_NEAR(t, rows[i].ln, mr_spam_ln(rows[i].x), 1e-8);
	}
}

MR_TEST(spam_threshold_by_hand)
{
	double one[] = { 3 }, four[] = { 1, 0, 4, 2 }, many[400];

	MR_CHECK_NEAR(t, 6.0, mr_spam_threshold(6, NULL, 0, 0.001), 0);
	/* one lesson and 40 that stand for what was known */
	MR_CHECK_NEAR(t, (3 + 40 * 6) / 41.0, mr_spam_threshold(6, one, 1, 0.001), 1e-12);
	/* Half of four is the tail: 4 and 2, on average 2 above the third, which is 1. A share of one
	 * half lies above that; of a quarter, above 1 + 2 ln 2. */
	MR_CHECK_NEAR(t, (4 * 1 + 40 * 6) / 44.0, mr_spam_threshold(6, four, 4, 0.5), 1e-12);
	MR_CHECK_NEAR(t, (4 * 2.386294361 + 40 * 6) / 44, mr_spam_threshold(6, four, 4, 0.25),
		      1e-8);
	/* A 50th of 400 is 8: each of them 5 above the rest, which is 0. Of the share 0.02 / 80
	 * there is 5 ln 80 = 21.910133 more. */
	for (size_t i = 0; i < MR_COUNT(many); i++)
		many[i] = i % 50 == 7 ? 5 : 0;
	MR_CHECK_NEAR(t, (400 * 21.910133173 + 40 * 6) / 440,
		      mr_spam_threshold(6, many, MR_COUNT(many), 0.00025), 1e-6);
}

/* Up by all that lessons move; down at most 2 further than what counts of the average message. */
MR_TEST(spam_threshold_moved)
{
	static const struct {
		double was[MR_SPAM_JUDGES], is[MR_SPAM_JUDGES], moved;
	} rows[] = {
		{ { -3, -1, 0, 0 }, { -2, -1, 0.5, 0 }, 1.5 },
		{ { 1, 0, 0, 0 }, { 0.5, 0, -0.5, 0 }, -1 },
		/* -1.6 in all; what counts is -1 - 0.05 * 2 before and less 0.05 * 1.6 then */
		{ { -3, 0, 0, 0 }, { -4.6, 0, 0, 0 }, -1.6 },
		{ { -3, 0, 0, 0 }, { -23, 0, 0, 0 }, -2 - 0.05 * 20 },
		/* one up and one down: none */
		{ { -3, 0, 0, 0 }, { -2, 0, -1, 0 }, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_NEAR(t, rows[i].moved, mr_spam_moved(rows[i].was, rows[i].is), 1e-12);
	}
}
