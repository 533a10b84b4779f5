#include "milters/spam/model.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>
#include <zstd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "milters/spam/builtin.h"

static const char magic[8] = { '\x89', 'M', 'R', 'S', 'P', 'A', 'M', '\n' };

enum head_at {
	AT_VERSION = 8,
	AT_FLAGS = 12,
	AT_BITS = 16,
	AT_BIAS = 24,
	AT_THRESHOLD = 40,
	AT_REFERENCE = 44,
	AT_COUNTS = 48,
	AT_STEPPED = 64,
	AT_SUM = 96,
	SUM_SIZE = 32,
};
#define FLAG_ON_BUILTIN 1u
/* RFC 8878 3.1.1: the magic number of a frame */
static const char zstd_magic[4] = { '\x28', '\xB5', '\x2F', '\xFD' };

static uint32_t get32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static void put32(char *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

/* The checksum covers the header without itself, and what follows it. */
static void checksum(const char *head, struct mr_span weights, struct mr_span reference,
		     unsigned char sum[SUM_SIZE])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, SUM_SIZE);
	crypto_generichash_update(&state, (const unsigned char *)head, AT_SUM);
	crypto_generichash_update(&state, (const unsigned char *)weights.p, weights.len);
	crypto_generichash_update(&state, (const unsigned char *)reference.p, reference.len);
	crypto_generichash_final(&state, sum, SUM_SIZE);
}

static int complain(struct mr_buf *error, int err, const char *what)
{
	if (error != NULL)
		mr_buf_adds(error, what); /* a text that is cut is a text */
	return err;
}

static size_t weights_size(const uint32_t bits[MR_SPAM_TABLES])
{
	size_t size = 0;

	for (size_t i = 0; i < MR_SPAM_TABLES; i++)
		size += sizeof(int16_t) << bits[i];
	return size;
}

#define REFERENCE_JUDGE 30 /* from this bit of a slot on: whose it is */
#define REFERENCE_UNIT  (1.0 / (1 << 24))
_Static_assert(MR_SPAM_JUDGES <= 1 << (32 - REFERENCE_JUDGE), "a judge does not fit its bits");

struct mr_spam_reference mr_spam_model_reference(const struct mr_spam_model *model, size_t i)
{
	const char *p = model->reference.p + 8 * i;
	uint32_t slot = get32(p);

	return (struct mr_spam_reference){ slot >> REFERENCE_JUDGE,
					   slot & ((1u << REFERENCE_JUDGE) - 1),
					   get32(p + 4) * REFERENCE_UNIT };
}

void mr_spam_reference_put(struct mr_buf *reference, enum mr_spam_judge judge, uint32_t slot,
			   double share)
{
	char entry[8];

	put32(entry, slot | (uint32_t)judge << REFERENCE_JUDGE);
	put32(entry + 4, (uint32_t)(share / REFERENCE_UNIT + 0.5));
	mr_buf_add(reference, mr_span(entry, sizeof(entry)));
}

/* Every slot is one of its table. */
static bool reference_valid(const struct mr_spam_model *m)
{
	for (size_t i = 0; i < mr_spam_model_reference_count(m); i++) {
		struct mr_spam_reference r = mr_spam_model_reference(m, i);

		if (r.slot >> m->bits[mr_spam_judge_table(r.judge)] != 0)
			return false;
	}
	return true;
}

int mr_spam_model_read(struct mr_span bytes, struct mr_spam_model *model_out, struct mr_buf *error)
{
	struct mr_spam_model m = { .threshold = 0 };
	unsigned char sum[SUM_SIZE];
	const char *h = bytes.p;
	struct mr_span weights;
	size_t size, entries;

	if (bytes.len < MR_SPAM_MODEL_HEAD || memcmp(h, magic, sizeof(magic)) != 0)
		return complain(error, MR_ECORRUPT, "is no spam model");
	if (get32(h + AT_VERSION) != MR_SPAM_MODEL_VERSION)
		return complain(error, MR_EINVAL,
				"is a spam model of another version; run millrace spam rebuild");
	for (size_t i = 0; i < MR_SPAM_TABLES; i++) {
		m.bits[i] = get32(h + AT_BITS + 4 * i);
		if (m.bits[i] < MR_SPAM_TABLE_BITS_MIN || m.bits[i] > MR_SPAM_TABLE_BITS_MAX)
			return complain(error, MR_ECORRUPT, "is a damaged spam model");
	}
	for (size_t i = 0; i < MR_SPAM_JUDGES; i++)
		m.bias[i] = (int32_t)get32(h + AT_BIAS + 4 * i) * MR_SPAM_UNIT;
	size = weights_size(m.bits);
	entries = get32(h + AT_REFERENCE);
	if (entries > MR_SPAM_REFERENCE_MAX || bytes.len != MR_SPAM_MODEL_HEAD + size + 8 * entries)
		return complain(error, MR_ECORRUPT,
				"is a spam model that is cut short or too long");
	weights = mr_span_sub(bytes, MR_SPAM_MODEL_HEAD, size);
	m.reference = mr_span_sub(bytes, MR_SPAM_MODEL_HEAD + size, bytes.len);
	checksum(h, weights, m.reference, sum);
	if (memcmp(sum, h + AT_SUM, SUM_SIZE) != 0)
		return complain(error, MR_ECORRUPT, "is a damaged spam model: wrong checksum");
	if (!reference_valid(&m))
		return complain(error, MR_ECORRUPT, "is a damaged spam model");
	m.threshold = (int32_t)get32(h + AT_THRESHOLD) * MR_SPAM_UNIT;
	m.on_builtin = (get32(h + AT_FLAGS) & FLAG_ON_BUILTIN) != 0;
	m.spam_count = get32(h + AT_COUNTS);
	m.ham_count = get32(h + AT_COUNTS + 4);
	m.user_count = get32(h + AT_COUNTS + 8);
	m.voices = get32(h + AT_COUNTS + 12);
	m.stepped = get32(h + AT_STEPPED);
	/* The header is a multiple of 2, and what bytes are read or unpacked to is aligned. */
	m.weight[0] = (const int16_t *)(const void *)weights.p;
	m.weight[1] = m.weight[0] + ((size_t)1 << m.bits[0]);
	*model_out = m;
	return 0;
}

/* As mr_spam_model_read(), of what zstd packed. The size is known before memory is taken. */
static int read_packed(struct mr_span packed, struct mr_spam_model *model_out, struct mr_buf *error)
{
	unsigned long long size = ZSTD_getFrameContentSize(packed.p, packed.len);
	char *bytes;
	int err;

	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
	    size > MR_SPAM_MODEL_SIZE_MAX)
		return complain(error, MR_ECORRUPT, "is no spam model");
	if ((bytes = mr_malloc((size_t)size)) == NULL)
		return complain(error, MR_ENOMEM, "needs more memory than there is");
	if (ZSTD_decompress(bytes, (size_t)size, packed.p, packed.len) != (size_t)size)
		err = complain(error, MR_ECORRUPT, "is a damaged spam model");
	else
		err = mr_spam_model_read(mr_span(bytes, (size_t)size), model_out, error);
	if (err < 0)
		mr_free(bytes);
	else
		model_out->owned = bytes;
	return err;
}

/*
 * The file as it is now, in memory of its own. A mapping would follow the file: one that `cp` writes
 * over, or that is cut, would change weights under a checksum that was right, or end the program by
 * SIGBUS. Whoever writes while this reads fails the checksum.
 */
static int read_whole(const char *path, struct mr_span *bytes_out)
{
	MR_AUTO_FD fd = -1;
	size_t len = 0, size;
	struct stat st;
	char *p;
	int err;

	if ((err = mr_open_at(AT_FDCWD, path, &fd)) < 0)
		return err;
	if (fstat(fd, &st) < 0)
		return mr_err_from_errno(errno);
	if (st.st_size < 0 || (uintmax_t)st.st_size > MR_SPAM_MODEL_SIZE_MAX)
		return MR_ELIMIT;
	size = (size_t)st.st_size;
	if ((p = mr_malloc(size)) == NULL)
		return MR_ENOMEM;
	while (err == 0 && len < size) {
		ssize_t n = read(fd, p + len, size - len);

		if (n > 0)
			len += (size_t)n;
		else if (n == 0)
			break; /* it was cut meanwhile: what is there is checked */
		else if (errno != EINTR)
			err = mr_err_from_errno(errno);
	}
	if (err < 0)
		mr_free(p);
	else
		*bytes_out = mr_span(p, len);
	return err;
}

/* mr_open_at() calls a folder, a FIFO, a device not permitted, as it does a file without rights. */
static bool is_no_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

int mr_spam_model_open(const char *path, struct mr_spam_model *model_out, struct mr_buf *error)
{
	struct mr_span bytes = mr_span("", 0);
	int err;

	if (error != NULL)
		mr_buf_printf(error, "%s: ", path);
	err = read_whole(path, &bytes);
	if (err == MR_EPERM && is_no_file(path))
		return complain(error, err, "is no file");
	if (err == MR_ELIMIT)
		return complain(error, MR_ECORRUPT, "is no spam model: too large");
	if (err < 0)
		return complain(error, err, mr_err_text(err));
	if (mr_span_has_prefix(bytes, mr_span(zstd_magic, sizeof(zstd_magic)))) {
		err = read_packed(bytes, model_out, error);
		mr_free((void *)(uintptr_t)bytes.p);
		return err;
	}
	if ((err = mr_spam_model_read(bytes, model_out, error)) < 0)
		mr_free((void *)(uintptr_t)bytes.p);
	else
		model_out->owned = (void *)(uintptr_t)bytes.p;
	return err;
}

int mr_spam_model_builtin(struct mr_spam_model *model_out)
{
	int err = read_packed(mr_spam_builtin(), model_out, NULL);

	/* It is part of the program: damaged, or of another version, it is a build that failed. */
	MR_ASSERT(err == 0 || err == MR_ENOMEM);
	return err;
}

int mr_spam_model_empty(struct mr_spam_model *model_out)
{
	struct mr_spam_model m = { .threshold = 5.0 }; /* so that nothing known is 0 points */
	size_t size;

	for (size_t i = 0; i < MR_SPAM_TABLES; i++)
		m.bits[i] = MR_SPAM_TABLE_BITS;
	size = weights_size(m.bits);
	if ((m.owned = mr_calloc(1, size)) == NULL)
		return MR_ENOMEM;
	m.weight[0] = m.owned;
	m.weight[1] = m.weight[0] + ((size_t)1 << m.bits[0]);
	*model_out = m;
	return 0;
}

void mr_spam_model_done(struct mr_spam_model *model)
{
	mr_free(model->owned);
	*model = (struct mr_spam_model){ .threshold = 0 };
}

static uint32_t fixed(double value)
{
	return (uint32_t)(int32_t)(value / MR_SPAM_UNIT + (value < 0 ? -0.5 : 0.5));
}

int mr_spam_model_write(const struct mr_spam_model *model, struct mr_buf *out)
{
	char head[MR_SPAM_MODEL_HEAD] = { 0 };
	/* The tables of a model stand one behind the other. */
	struct mr_span weights = mr_span_bytes(model->weight[0], weights_size(model->bits));
	unsigned char sum[SUM_SIZE];

	memcpy(head, magic, sizeof(magic));
	put32(head + AT_VERSION, MR_SPAM_MODEL_VERSION);
	put32(head + AT_FLAGS, model->on_builtin ? FLAG_ON_BUILTIN : 0);
	for (size_t i = 0; i < MR_SPAM_TABLES; i++)
		put32(head + AT_BITS + 4 * i, model->bits[i]);
	for (size_t i = 0; i < MR_SPAM_JUDGES; i++)
		put32(head + AT_BIAS + 4 * i, fixed(model->bias[i]));
	put32(head + AT_THRESHOLD, fixed(model->threshold));
	MR_ASSERT(mr_spam_model_reference_count(model) <= MR_SPAM_REFERENCE_MAX);
	put32(head + AT_REFERENCE, (uint32_t)mr_spam_model_reference_count(model));
	put32(head + AT_COUNTS, model->spam_count);
	put32(head + AT_COUNTS + 4, model->ham_count);
	put32(head + AT_COUNTS + 8, model->user_count);
	put32(head + AT_COUNTS + 12, model->voices);
	put32(head + AT_STEPPED, model->stepped);
	checksum(head, weights, model->reference, sum);
	memcpy(head + AT_SUM, sum, SUM_SIZE);
	mr_buf_add(out, mr_span(head, sizeof(head)));
	mr_buf_add(out, weights);
	mr_buf_add(out, model->reference);
	return mr_buf_err(out);
}
