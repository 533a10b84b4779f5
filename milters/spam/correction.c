#include "milters/spam/correction.h"

#include "milters/spam/leb.h"

#define THRESHOLD_MAX (1 << 20) /* 1,024 of log-odds, either way */
_Static_assert(MR_SPAM_CORRECTION_INDEX == 1 << MR_SPAM_TABLE_BITS_MIN, "a part is no slot");
/* In memory: the bytes, the changes, two indexes, and what the arena rounds up. */
_Static_assert(MR_SPAM_CORRECTION_ROOM >=
		       MR_SPAM_CORRECTION_SIZE_MAX +
			       MR_SPAM_CORRECTION_MAX * sizeof(struct mr_spam_change) +
			       MR_SPAM_TABLES * (MR_SPAM_CORRECTION_INDEX + 1) * sizeof(uint32_t) +
			       256,
	       "a correction may not fit its room");

int mr_spam_owner(struct mr_span address, char out[MR_SPAM_OWNER_SIZE])
{
	char local[MR_NAME_LOCAL_MAX + 1] = "", domain[MR_NAME_DOMAIN_MAX + 1];
	struct mr_span l = mr_span("", 0), d;
	int err;

	if (address.len > 1 && address.p[0] == '@')
		d = mr_span_sub(address, 1, address.len);
	else if ((err = mr_name_split(address, &l, &d)) < 0)
		return err;
	if ((err = mr_name_domain(d, domain)) < 0 ||
	    (l.len > 0 && (err = mr_name_local(l, local)) < 0))
		return err;
	snprintf(out, MR_SPAM_OWNER_SIZE, "%s@%s", local, domain); /* it fits: see the size */
	return 0;
}

/* -- bytes ------------------------------------------------------------------------------------ */

static unsigned part_of(uint32_t slot, uint32_t bits)
{
	return slot >> (bits - MR_SPAM_TABLE_BITS_MIN);
}

static int take_changes(struct mr_cur *c, unsigned table, struct mr_arena *arena,
			struct mr_spam_correction *k)
{
	uint32_t count = k->count[table], slot = 0, distance, part = 0;
	int32_t by;

	k->change[table] = mr_arena_array(arena, count + 1, sizeof(*k->change[table]));
	k->start[table] =
		mr_arena_array(arena, MR_SPAM_CORRECTION_INDEX + 1, sizeof(*k->start[table]));
	if (k->change[table] == NULL || k->start[table] == NULL)
		return MR_ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		/* No sum wraps: a distance is below 2^28, and slot below 2^22. */
		if (mr_spam_leb_take(c, &distance) < 0 || mr_spam_leb_take_signed(c, &by) < 0 ||
		    (slot += distance) >> k->bits[table] != 0 || (i > 0 && distance == 0) ||
		    by == 0 || by > MR_SPAM_CORRECTION_BY_MAX || by < -MR_SPAM_CORRECTION_BY_MAX)
			return MR_ECORRUPT;
		k->change[table][i] = (struct mr_spam_change){ slot, by };
		while (part <= part_of(slot, k->bits[table]))
			k->start[table][part++] = i;
	}
	while (part <= MR_SPAM_CORRECTION_INDEX)
		k->start[table][part++] = count;
	return 0;
}

static int take_number(struct mr_cur *c, int32_t max, double *out)
{
	int32_t v = 0;

	if (mr_spam_leb_take_signed(c, &v) < 0 || v > max || v < -max)
		return MR_ECORRUPT;
	*out = v * MR_SPAM_UNIT;
	return 0;
}

static int take_head(struct mr_cur *c, struct mr_spam_correction *k)
{
	uint32_t version, model_version, tables;

	if (mr_spam_leb_take(c, &version) < 0 || mr_spam_leb_take(c, &model_version) < 0)
		return MR_ECORRUPT;
	if (version != MR_SPAM_CORRECTION_VERSION || model_version != MR_SPAM_MODEL_VERSION)
		return MR_EINVAL;
	if (mr_spam_leb_take(c, &tables) < 0 || tables != MR_SPAM_TABLES ||
	    mr_spam_leb_take(c, &k->spam_count) < 0 || mr_spam_leb_take(c, &k->ham_count) < 0)
		return MR_ECORRUPT;
	if (take_number(c, THRESHOLD_MAX, &k->threshold) < 0)
		return MR_ECORRUPT;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		if (mr_spam_leb_take(c, &k->bits[i]) < 0 || k->bits[i] < MR_SPAM_TABLE_BITS_MIN ||
		    k->bits[i] > MR_SPAM_TABLE_BITS_MAX)
			return MR_ECORRUPT;
	}
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++) {
		if (take_number(c, THRESHOLD_MAX, &k->bias[i]) < 0)
			return MR_ECORRUPT;
	}
	return 0;
}

int mr_spam_correction_read(struct mr_span bytes, struct mr_arena *arena,
			    struct mr_spam_correction *correction_out)
{
	struct mr_spam_correction k = { .threshold = 0 };
	struct mr_cur c = mr_cur(bytes);
	uint32_t left = MR_SPAM_CORRECTION_MAX;
	int err;

	if (bytes.len > MR_SPAM_CORRECTION_SIZE_MAX)
		return MR_ECORRUPT;
	if ((err = take_head(&c, &k)) < 0)
		return err;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		/* the count is believed only as far as there are bytes for it */
		if (mr_spam_leb_take(&c, &k.count[i]) < 0 || k.count[i] > left ||
		    k.count[i] > mr_cur_left(&c) / 2)
			return MR_ECORRUPT;
		left -= k.count[i];
		if ((err = take_changes(&c, i, arena, &k)) < 0)
			return err;
	}
	if (mr_cur_left(&c) > 0)
		return MR_ECORRUPT;
	*correction_out = k;
	return 0;
}

static void put_number(struct mr_buf *out, double value)
{
	double units = value / MR_SPAM_UNIT;

	units = units > THRESHOLD_MAX    ? THRESHOLD_MAX
		: units < -THRESHOLD_MAX ? -THRESHOLD_MAX
					 : units;
	mr_spam_leb_put_signed(out, (int32_t)(units + (units < 0 ? -0.5 : 0.5)));
}

int mr_spam_correction_write(const struct mr_spam_correction *k, struct mr_buf *out)
{
	uint32_t left = MR_SPAM_CORRECTION_MAX;

	mr_spam_leb_put(out, MR_SPAM_CORRECTION_VERSION);
	mr_spam_leb_put(out, MR_SPAM_MODEL_VERSION);
	mr_spam_leb_put(out, MR_SPAM_TABLES);
	mr_spam_leb_put(out, k->spam_count);
	mr_spam_leb_put(out, k->ham_count);
	put_number(out, k->threshold);
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		mr_spam_leb_put(out, k->bits[i]);
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		put_number(out, k->bias[i]);
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		uint32_t last = 0;

		if (k->count[i] > left)
			return MR_ELIMIT;
		left -= k->count[i];
		mr_spam_leb_put(out, k->count[i]);
		for (uint32_t n = 0; n < k->count[i]; n++) {
			const struct mr_spam_change *change = &k->change[i][n];

			MR_ASSERT(n == 0 || change->slot > last);
			mr_spam_leb_put(out, change->slot - last);
			mr_spam_leb_put_signed(out, change->by);
			last = change->slot;
		}
	}
	return mr_buf_err(out);
}

/* -- scoring ---------------------------------------------------------------------------------- */

int mr_spam_correction_at(const struct mr_spam_correction *k, unsigned table, uint32_t slot)
{
	unsigned part = part_of(slot, k->bits[table]);
	uint32_t low = k->start[table][part], high = k->start[table][part + 1];

	/* Some ten in a part; whoever made all of them meet in one gains four steps more. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (k->change[table][middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low < k->count[table] && k->change[table][low].slot == slot
		       ? k->change[table][low].by
		       : 0;
}

static bool fits(const struct mr_spam_correction *k, const struct mr_spam_model *model)
{
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		if (k->bits[i] != model->bits[i])
			return false;
	}
	return true;
}

struct mr_spam_model mr_spam_model_corrected(const struct mr_spam_model *model,
					     const struct mr_spam_correction *corrections,
					     unsigned count)
{
	struct mr_spam_model view = *model;

	MR_ASSERT(view.corrections + count <= MR_SPAM_CORRECTIONS_MAX);
	view.owned = NULL;
	for (unsigned i = 0; i < count; i++) {
		if (!fits(&corrections[i], model))
			continue;
		view.correction[view.corrections++] = &corrections[i];
		view.threshold += corrections[i].threshold;
		for (unsigned judge = 0; judge < MR_SPAM_JUDGES; judge++)
			view.bias[judge] += corrections[i].bias[judge];
	}
	return view;
}

void mr_spam_score_corrected(const struct mr_spam_model *model,
			     const struct mr_spam_correction *corrections, unsigned count,
			     const struct mr_spam_features *f, struct mr_spam_score *score_out)
{
	struct mr_spam_model view = mr_spam_model_corrected(model, corrections, count);

	mr_spam_score(&view, f, score_out);
}
