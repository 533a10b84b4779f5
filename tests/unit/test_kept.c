/* Which corrections lmtpd keeps in memory, and for how long: lda/lmtpd/kept.c. */
#include "lda/lmtpd/kept.h"

#include "lib/base/mr_err.h"
#include "milters/spam/correction.h"
#include "tests/unit/mr_test.h"

static int keep(struct mr_kept *kept, const char *owner, int64_t made_s, int64_t read_s)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	struct mr_spam_correction k = {
		.ham_count = 1,
		.bits = { MR_SPAM_TABLE_BITS_MIN, MR_SPAM_TABLE_BITS_MIN },
		.bias = { 1, 0 },
	};
	MR_AUTO_BUF bytes = MR_BUF(4096);
	struct mr_kept_one *one;
	int err = arena ? mr_spam_correction_write(&k, &bytes) : MR_ENOMEM;

	if (err == 0)
		err = mr_kept_add(kept, owner, made_s, read_s, mr_buf_span(&bytes), MR_TAKE(arena),
				  &one);
	if (err == 0)
		mr_kept_put(kept, one);
	return err;
}

static bool has(struct mr_kept *kept, const char *owner, int64_t made_s)
{
	struct mr_kept_one *one = mr_kept_get(kept, owner, made_s, 10);

	mr_kept_put(kept, one);
	return one != NULL;
}

MR_TEST(kept_the_last_used)
{
	struct mr_kept *kept = mr_kept_new(2);

	if (kept && keep(kept, "a@x", 1, 100) == 0 && keep(kept, "b@x", 1, 100) == 0) {
		MR_CHECK(t, has(kept, "a@x", 1) && has(kept, "b@x", 1));
		MR_CHECK(t, !has(kept, "c@x", 1));
		MR_CHECK(t, has(kept, "a@x", 1)); /* so b was not used for longer */
		if (keep(kept, "c@x", 1, 100) == 0) {
			MR_CHECK(t, has(kept, "a@x", 1) && has(kept, "c@x", 1));
			MR_CHECK(t, !has(kept, "b@x", 1));
		}
		MR_CHECK(t, !has(kept, "a@x", 2)); /* made anew since */
		MR_CHECK(t, !has(kept, "a@x", 1)); /* and forgotten */
		if (keep(kept, "d@x", 95, 100) == 0)
			MR_CHECK(t, !has(kept, "d@x", 95)); /* read too soon after it was made */
	}
	mr_kept_free(kept);
}

/* One that is in use outlives its place. */
MR_TEST(kept_in_use)
{
	struct mr_kept *kept = mr_kept_new(1);

	if (kept && keep(kept, "a@x", 1, 100) == 0) {
		struct mr_kept_one *one = mr_kept_get(kept, "a@x", 1, 10);

		MR_CHECK(t, one != NULL);
		MR_CHECK_INT(t, 0, keep(kept, "b@x", 1, 100));
		MR_CHECK(t, one == NULL || one->correction.ham_count == 1);
		mr_kept_put(kept, one);
	}
	mr_kept_free(kept);
}
