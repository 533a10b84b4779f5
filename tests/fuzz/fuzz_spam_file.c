/*
 * Files of the spam filter that may be damaged. A lesson that decodes is within the families' limits,
 * its keys rise, and it encodes to the same bytes again unless a number in it was longer than it had
 * to be. A model reads or is an error; the checksum makes anything but an error a wonder.
 */
#include "lib/base/mr_err.h"
#include "milters/spam/lesson.h"
#include "milters/spam/model.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_span in = mr_span_bytes(data, size);
	struct mr_spam_model model;
	int err = mr_spam_model_read(in, &model, NULL);

	MR_ASSERT(err == 0 || err == MR_ECORRUPT || err == MR_EINVAL);
	check_lesson(in);
	return 0;
}
