/*
 * Files of the spam filter that may be damaged. A lesson that decodes is within the families' limits,
 * its keys rise, and it encodes to the same bytes again unless a number in it was longer than it had
 * to be. A correction likewise: every change in it is found, and it takes no more of an arena than it
 * may. Models have a target of their own.
 */
#include "lib/base/mr_err.h"
#include "milters/spam/correction.h"
#include "milters/spam/lesson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lesson(struct mr_span in)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO(mr_spam_features) *back = mr_spam_features_new(NULL);
	MR_AUTO_BUF out = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);
	int err;

	MR_ASSERT(f != NULL && back != NULL);
	err = mr_spam_lesson_decode(in, f);
	MR_ASSERT(err == 0 || err == MR_ESYNTAX || err == MR_EINVAL);
	if (err < 0)
		return;
	MR_ASSERT(mr_spam_lesson_encode(f, &out) == 0 && out.len <= in.len);
	MR_ASSERT(mr_spam_lesson_decode(mr_buf_span(&out), back) == 0);
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		MR_ASSERT(f->family[i].count <= f->family[i].room);
		MR_ASSERT(f->family[i].count == back->family[i].count);
		for (uint32_t k = 0; k < f->family[i].count; k++) {
			MR_ASSERT(f->family[i].key[k] == back->family[i].key[k]);
			MR_ASSERT(f->family[i].key[k] < 1u << MR_SPAM_KEY_BITS);
			MR_ASSERT(k == 0 || f->family[i].key[k - 1] < f->family[i].key[k]);
		}
	}
}

/* It shifts the model that it was made on, and leaves another as it is. */
static void check_corrected(const struct mr_spam_correction *k)
{
	struct mr_spam_model model = { .bits = { k->bits[0], k->bits[1] }, .threshold = 1 };
	struct mr_spam_model view = mr_spam_model_corrected(&model, k, 1);

	MR_ASSERT(view.corrections == 1 && view.threshold == 1 + k->threshold);
	MR_ASSERT(view.bias[0] == k->bias[0] && view.bias[1] == k->bias[1]);
	model.bits[1]++;
	view = mr_spam_model_corrected(&model, k, 1);
	MR_ASSERT(view.corrections == 0 && view.threshold == 1);
}

static void check_correction(struct mr_span in)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	MR_AUTO_BUF out = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
	struct mr_spam_correction k;
	int err;

	MR_ASSERT(arena != NULL);
	err = mr_spam_correction_read(in, arena, &k);
	MR_ASSERT(err == 0 || err == MR_ECORRUPT || err == MR_EINVAL);
	if (err < 0)
		return;
	MR_ASSERT(mr_spam_correction_write(&k, &out) == 0 && out.len <= in.len);
	MR_ASSERT(k.count[0] + k.count[1] <= MR_SPAM_CORRECTION_MAX);
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		MR_ASSERT(k.bias[i] >= -1024 && k.bias[i] <= 1024);
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		for (uint32_t n = 0; n < k.count[i]; n++) {
			const struct mr_spam_change *change = &k.change[i][n];

			MR_ASSERT(change->slot < 1u << k.bits[i]);
			MR_ASSERT(mr_spam_correction_at(&k, i, change->slot) == change->by);
		}
	}
	check_corrected(&k);
}

/* A name that was taken is spelled as it is taken again. */
static void check_owner(struct mr_span in)
{
	char owner[MR_SPAM_OWNER_SIZE], again[MR_SPAM_OWNER_SIZE];

	if (mr_spam_owner(in, owner) < 0)
		return;
	MR_ASSERT(mr_spam_owner(mr_span_str(owner), again) == 0);
	MR_ASSERT(strcmp(owner, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_span in = mr_span_bytes(data, size);

	check_lesson(in);
	check_correction(in);
	check_owner(in);
	return 0;
}
