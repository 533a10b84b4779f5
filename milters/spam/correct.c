#include "milters/spam/correct.h"

#include <stdlib.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

/* -- lessons ---------------------------------------------------------------------------------- */

struct gather {
	struct mr_spam_trainer *trainer;
	struct mr_spam_skipped *skipped;
};

static int gather_lesson(void *arg, const struct mr_lesson *l)
{
	struct gather *g = arg;
	int err = MR_ESYNTAX;

	if (!l->damaged)
		err = mr_spam_trainer_add(g->trainer, l->digest, l->teacher, l->spam, l->features);
	if (err != MR_ESYNTAX && err != MR_EINVAL)
		return err;
	g->skipped->damaged += err == MR_ESYNTAX;
	g->skipped->versions += err == MR_EINVAL;
	return 0;
}

int mr_spam_correct_gather(struct mr_store *store, struct mr_spam_trainer *trainer,
			   struct mr_span teacher, int64_t count_max,
			   struct mr_spam_skipped *skipped_inout)
{
	struct gather g = { trainer, skipped_inout };

	return mr_store_lesson_each_of(store, teacher, count_max, gather_lesson, &g);
}

int mr_spam_correct_delta(struct mr_store *store, struct mr_spam_trainer *trainer,
			  const struct mr_spam_model *model, struct mr_span teacher, bool insist,
			  struct mr_spam_skipped *skipped_inout,
			  struct mr_spam_correction *delta_out)
{
	int err;

	mr_spam_trainer_clear(trainer);
	if ((err = mr_spam_correct_gather(store, trainer, teacher, MR_SPAM_OWNER_LESSONS_MAX,
					  skipped_inout)) < 0 ||
	    (err = mr_spam_trainer_delta(trainer, model, insist, delta_out)) < 0)
		return err;
	return (int)mr_spam_trainer_count(trainer);
}

/* -- bounds ----------------------------------------------------------------------------------- */

static uint32_t size_of(int32_t by)
{
	return (uint32_t)(by < 0 ? -by : by);
}

/*
 * The smallest change that is kept, and how many of just that size are. Changes are at most 2^17, so
 * counting how many there are of each size is cheaper than sorting them.
 */
static int cut_at(const struct mr_spam_correction *k, uint32_t *size_out, uint32_t *of_size_out)
{
	uint32_t *of_size = mr_calloc(MR_SPAM_CORRECTION_BY_MAX + 1, sizeof(*of_size));
	uint32_t left = MR_SPAM_CORRECTION_MAX, size = MR_SPAM_CORRECTION_BY_MAX;

	if (of_size == NULL)
		return MR_ENOMEM;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		for (uint32_t n = 0; n < k->count[i]; n++)
			of_size[size_of(k->change[i][n].by)]++;
	}
	for (; size > 1 && of_size[size] <= left; size--)
		left -= of_size[size];
	*size_out = size;
	*of_size_out = left;
	mr_free(of_size);
	return 0;
}

/* The change that the reference's next slot meets, or NULL. A judge's references rise as changes do, so
 * that at goes on from where it is; where one does not, it begins again, and finds it all the same. */
static struct mr_spam_change *meet(const struct mr_spam_correction *k, struct mr_spam_reference r,
				   uint32_t at[MR_SPAM_TABLES])
{
	unsigned table = mr_spam_judge_table(r.judge);
	struct mr_spam_change *change = k->change[table];
	uint32_t count = k->count[table], n = at[table];

	if (n > 0 && change[n - 1].slot >= r.slot)
		n = 0;
	while (n < count && change[n].slot < r.slot)
		n++;
	at[table] = n;
	return n < count && change[n].slot == r.slot ? &change[n] : NULL;
}

/* How far changes move the average good message, in log-odds of each judge; squares: the sum of the
 * squares of its shares in what they change. */
static void moved(const struct mr_spam_model *model, const struct mr_spam_correction *k,
		  double sum[MR_SPAM_JUDGES], double squares[MR_SPAM_JUDGES])
{
	uint32_t at[MR_SPAM_TABLES] = { 0 };

	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		sum[i] = squares[i] = 0;
	for (size_t i = 0; i < mr_spam_model_reference_count(model); i++) {
		struct mr_spam_reference r = mr_spam_model_reference(model, i);
		const struct mr_spam_change *change = meet(k, r, at);

		if (change == NULL)
			continue;
		sum[r.judge] += r.share * change->by * MR_SPAM_UNIT;
		squares[r.judge] += r.share * r.share;
	}
}

double mr_spam_correct_drift(const struct mr_spam_model *model, const struct mr_spam_correction *k)
{
	double sum[MR_SPAM_JUDGES], squares[MR_SPAM_JUDGES];
	double was[MR_SPAM_JUDGES], is[MR_SPAM_JUDGES];

	moved(model, k, sum, squares);
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		was[i] = model->bias[i];
	for (size_t i = 0; i < mr_spam_model_reference_count(model); i++) {
		struct mr_spam_reference r = mr_spam_model_reference(model, i);

		was[r.judge] += r.share * MR_SPAM_UNIT *
				mr_spam_weight_at(model, mr_spam_judge_table(r.judge), r.slot);
	}
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		is[i] = was[i] + sum[i] + k->bias[i];
	return mr_spam_moved(was, is);
}

void mr_spam_correct_level(const struct mr_spam_model *model, struct mr_spam_correction *k)
{
	double sum[MR_SPAM_JUDGES], squares[MR_SPAM_JUDGES];
	uint32_t at[MR_SPAM_TABLES] = { 0 };

	moved(model, k, sum, squares);
	k->threshold = 0;
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		k->bias[i] = 0;
	for (size_t i = 0; i < mr_spam_model_reference_count(model); i++) {
		struct mr_spam_reference r = mr_spam_model_reference(model, i);
		struct mr_spam_change *change = meet(k, r, at);
		double by;

		if (change == NULL || squares[r.judge] == 0) /* a share may be 0 */
			continue;
		by = sum[r.judge] * r.share / squares[r.judge] / MR_SPAM_UNIT;
		change->by -= (int32_t)(by + (by < 0 ? -0.5 : 0.5));
	}
}

int mr_spam_correct_bytes(const struct mr_spam_model *model, const struct mr_spam_correction *delta,
			  bool level, struct mr_buf *out)
{
	struct mr_spam_correction k = *delta;
	uint32_t size, of_size, at = 0;
	struct mr_spam_change *kept = mr_calloc(MR_SPAM_CORRECTION_MAX + 1, sizeof(*kept));
	int err = kept == NULL ? MR_ENOMEM : cut_at(delta, &size, &of_size);

	for (unsigned i = 0; i < MR_SPAM_TABLES && err == 0; i++) {
		k.change[i] = kept + at;
		k.count[i] = 0;
		for (uint32_t n = 0; n < delta->count[i]; n++) {
			struct mr_spam_change c = delta->change[i][n];
			uint32_t by = size_of(c.by);

			if (by == 0 || by < size || (by == size && of_size == 0))
				continue;
			of_size -= by == size;
			k.change[i][k.count[i]++] = c;
		}
		at += k.count[i];
	}
	if (err == 0) {
		k.threshold = level ? mr_spam_correct_drift(model, &k) : delta->threshold;
		err = mr_spam_correction_write(&k, out);
	}
	mr_free(kept);
	return err;
}

/* Two lists that rise become one. */
static uint32_t merge(const struct mr_spam_correction *a, const struct mr_spam_correction *b,
		      unsigned table, struct mr_spam_change *to)
{
	uint32_t i = 0, k = 0, n = 0;

	while (i < a->count[table] || k < b->count[table]) {
		const struct mr_spam_change *x = i < a->count[table] ? &a->change[table][i] : NULL;
		const struct mr_spam_change *y = k < b->count[table] ? &b->change[table][k] : NULL;
		bool first = x != NULL && (y == NULL || x->slot <= y->slot);
		bool second = y != NULL && (x == NULL || y->slot <= x->slot);

		MR_ASSERT(first || second);
		to[n] = first ? *x : *y;
		if (first && second)
			to[n].by += y->by;
		to[n].by = to[n].by > MR_SPAM_CORRECTION_BY_MAX    ? MR_SPAM_CORRECTION_BY_MAX
			   : to[n].by < -MR_SPAM_CORRECTION_BY_MAX ? -MR_SPAM_CORRECTION_BY_MAX
								   : to[n].by;
		i += first;
		k += second;
		n += to[n].by != 0;
	}
	return n;
}

int mr_spam_correct_sum(const struct mr_spam_model *model, const struct mr_spam_correction *a,
			const struct mr_spam_correction *b, struct mr_buf *out)
{
	struct mr_spam_correction k = *b;
	size_t all = 1, at = 0;
	struct mr_spam_change *change;
	int err;

	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		all += (size_t)a->count[i] + b->count[i];
	if ((change = mr_malloc(all * sizeof(*change))) == NULL)
		return MR_ENOMEM;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		k.change[i] = change + at;
		k.count[i] = merge(a, b, i, k.change[i]);
		at += k.count[i];
	}
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		k.bias[i] += a->bias[i];
	k.spam_count += a->spam_count;
	k.ham_count += a->ham_count;
	k.threshold += a->threshold;
	err = mr_spam_correct_bytes(model, &k, false, out);
	mr_free(change);
	return err;
}

/* -- one owner -------------------------------------------------------------------------------- */

/* The domain's part of "local@domain", with its @. */
static struct mr_span domain_of(struct mr_span owner)
{
	return mr_span_sub(owner, mr_span_rfind(owner, '@'), owner.len);
}

static int get_one(struct mr_store *store, struct mr_span owner, struct mr_arena *arena,
		   struct mr_spam_correction *out, int *bad_out)
{
	struct mr_span bytes;
	int err = mr_store_correction_get(store, owner, arena, &bytes);

	if (err == 0)
		err = mr_spam_correction_read(bytes, arena, out);
	if (err == MR_ECORRUPT || err == MR_EINVAL) {
		if (bad_out != NULL)
			(*bad_out)++;
		return 0;
	}
	return err == MR_ENOENT ? 0 : err < 0 ? err : 1;
}

int mr_spam_corrections_get(struct mr_store *store, struct mr_span address, struct mr_arena *arena,
			    struct mr_spam_correction corrections_out[], int *bad_out)
{
	struct mr_span domain = domain_of(address);
	int n, more = 0;

	if (bad_out != NULL)
		*bad_out = 0;
	n = get_one(store, domain, arena, corrections_out, bad_out);
	if (n >= 0 && domain.len < address.len)
		more = get_one(store, address, arena, corrections_out + n, bad_out);
	return n < 0 ? n : more < 0 ? more : n + more;
}

int mr_spam_correct_put(struct mr_store *store, struct mr_span owner, int64_t now_s,
			struct mr_span bytes)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	struct mr_span there;
	int err;

	if (arena == NULL)
		return MR_ENOMEM;
	err = mr_store_correction_get(store, owner, arena, &there);
	if (err == 0 && mr_span_eq(there, bytes))
		return 0;
	/* Whatever else is there, it is replaced. */
	return mr_store_correction_put(store, owner, now_s, bytes);
}

int mr_spam_correct(struct mr_store *store, struct mr_spam_trainer *trainer,
		    const struct mr_spam_model *model, struct mr_span user, int64_t now_s,
		    struct mr_spam_skipped *skipped_inout)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
	struct mr_spam_correction below, delta;
	struct mr_spam_model view;
	int n, err;

	if (arena == NULL)
		return MR_ENOMEM;
	if ((n = mr_spam_corrections_get(store, domain_of(user), arena, &below, NULL)) < 0)
		return n;
	view = mr_spam_model_corrected(model, &below, (unsigned)n);
	if ((n = mr_spam_correct_delta(store, trainer, &view, user, true, skipped_inout, &delta)) <
	    0)
		return n;
	if (n == 0) {
		err = mr_store_correction_remove(store, user);
		return err == MR_ENOENT ? 0 : err;
	}
	if ((err = mr_spam_correct_bytes(&view, &delta, true, &bytes)) < 0 ||
	    (err = mr_spam_correct_put(store, user, now_s, mr_buf_span(&bytes))) < 0)
		return err;
	return n;
}
