/*
 * A file that should be a model of the spam filter. It reads or is an error, from memory and from a file,
 * packed or not; one that is read can be written, and reads the same again. Its checksum would keep
 * everything out that is damaged behind it, so it is made right first. Seeds: gen_spam_seeds.py.
 */
#include <stdio.h>
#include <sys/mman.h>

#include <sodium.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "milters/spam/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file's bytes as the reader wants them; the format is in model.h. */
#define SUM_AT  96
#define SUM_END 128
static void make_sum_right(unsigned char *bytes, size_t size)
{
	crypto_generichash_state state;

	if (size < SUM_END)
		return;
	crypto_generichash_init(&state, NULL, 0, SUM_END - SUM_AT);
	crypto_generichash_update(&state, bytes, SUM_AT);
	crypto_generichash_update(&state, bytes + SUM_END, size - SUM_END);
	crypto_generichash_final(&state, bytes + SUM_AT, SUM_END - SUM_AT);
}

static bool model_error(int err)
{
	return err == MR_ECORRUPT || err == MR_EINVAL;
}

/* What is read is written again, and the reference names slots that are there. */
static void check_model(const struct mr_spam_model *m)
{
	struct mr_spam_model again;
	MR_AUTO_BUF out = MR_BUF(MR_SPAM_MODEL_SIZE_MAX);
	MR_AUTO_BUF reference = MR_BUF(8 * MR_SPAM_REFERENCE_MAX);

	for (size_t i = 0; i < mr_spam_model_reference_count(m); i++) {
		struct mr_spam_reference r = mr_spam_model_reference(m, i);

		MR_ASSERT(r.judge < MR_SPAM_JUDGES &&
			  r.slot < 1u << m->bits[mr_spam_judge_table(r.judge)]);
		mr_spam_reference_put(&reference, r.judge, r.slot, r.share);
	}
	MR_ASSERT(mr_span_eq(mr_buf_span(&reference), m->reference));
	MR_ASSERT(mr_spam_model_write(m, &out) == 0);
	MR_ASSERT(mr_spam_model_read(mr_buf_span(&out), &again, NULL) == 0);
	MR_ASSERT(again.threshold == m->threshold && again.on_builtin == m->on_builtin);
	MR_ASSERT(again.spam_count == m->spam_count && again.ham_count == m->ham_count);
	MR_ASSERT(mr_span_eq(again.reference, m->reference));
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		MR_ASSERT(again.bits[i] == m->bits[i]);
		MR_ASSERT(memcmp(again.weight[i], m->weight[i], sizeof(int16_t) << m->bits[i]) ==
			  0);
	}
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		MR_ASSERT(again.bias[i] == m->bias[i]);
}

static void read_memory(struct mr_span in)
{
	unsigned char *bytes = mr_malloc(in.len);
	struct mr_spam_model model;
	int err;

	MR_ASSERT(bytes != NULL);
	memcpy(bytes, in.p, in.len);
	make_sum_right(bytes, in.len);
	err = mr_spam_model_read(mr_span_bytes(bytes, in.len), &model, NULL);
	MR_ASSERT(err == 0 || model_error(err));
	if (err == 0)
		check_model(&model);
	mr_free(bytes);
}

static void read_file(struct mr_span in)
{
	MR_AUTO_FD fd = memfd_create("model", MFD_CLOEXEC);
	MR_AUTO_BUF error = MR_BUF(1000);
	struct mr_spam_model model;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* 64 bytes hold it */
	MR_ASSERT(fd >= 0 && mr_write_all(fd, in) == 0);
	err = mr_spam_model_open(path, &model, &error);
	MR_ASSERT(err == 0 || model_error(err));
	if (err == 0) {
		check_model(&model);
		mr_spam_model_done(&model);
	}
}

/* One that knows nothing is a model like others. */
static void check_empty(void)
{
	struct mr_spam_model model;

	MR_ASSERT(mr_spam_model_empty(&model) == 0);
	check_model(&model);
	mr_spam_model_done(&model);
}

/* What begins neither as a model nor as zstd (RFC 8878 3.1.1) is refused at its first bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char zstd[4] = { '\x28', '\xB5', '\x2F', '\xFD' };
	struct mr_span in = mr_span_bytes(data, size);

	if (mr_span_has_prefix(in, MR_SPAN("\211MRSPAM\n")))
		read_memory(in);
	if (size == 0 || data[0] == 0x89 || mr_span_has_prefix(in, mr_span(zstd, sizeof(zstd))))
		read_file(in);
	if (size == 0)
		check_empty();
	return 0;
}
