#include "milters/spam/consensus.h"

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

#define LEFT_MIN   2 /* voices of one direction, beside the strongest, that move a weight */
#define SILENT     2 /* voices that are counted as saying nothing: few say less than many */
#define AGREED_MAX 50 /* what they move a weight by, in MR_SPAM_UNIT: 0.05 log-odds */
#define VOICES_MAX 10000 /* that change one weight: sums stay within 32 bits */
_Static_assert((int64_t)VOICES_MAX *MR_SPAM_CORRECTION_BY_MAX <= INT32_MAX, "a sum may wrap");

struct said {
	int32_t sum, up, down; /* up: the strongest above 0, or 0; down: below */
	int32_t up_sum; /* of those above 0 */
	uint16_t ups, downs; /* voices that changed it so */
};

struct mr_spam_consensus {
	uint32_t bits[MR_SPAM_TABLES];
	struct said *said[MR_SPAM_TABLES];
	uint64_t *touched[MR_SPAM_TABLES]; /* a bit for each weight */
	struct mr_spam_change *change;
	uint32_t voices;
};

struct mr_spam_consensus *mr_spam_consensus_new(const uint32_t bits[MR_SPAM_TABLES])
{
	struct mr_spam_consensus *c = mr_calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		c->bits[i] = bits[i];
		c->said[i] = mr_calloc((size_t)1 << bits[i], sizeof(*c->said[i]));
		c->touched[i] = mr_calloc((size_t)1 << (bits[i] - 6), sizeof(*c->touched[i]));
		if (c->said[i] == NULL || c->touched[i] == NULL) {
			mr_spam_consensus_free(c);
			return NULL;
		}
	}
	return c;
}

void mr_spam_consensus_free(struct mr_spam_consensus *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		mr_free(c->said[i]);
		mr_free(c->touched[i]);
	}
	mr_free(c->change);
	mr_free(c);
}

void mr_spam_consensus_clear(struct mr_spam_consensus *c)
{
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		for (uint32_t word = 0; word < 1u << (c->bits[i] - 6); word++) {
			if (c->touched[i][word] == 0)
				continue;
			c->touched[i][word] = 0;
			memset(c->said[i] + 64 * (size_t)word, 0, 64 * sizeof(*c->said[i]));
		}
	}
	c->voices = 0;
}

void mr_spam_consensus_add(struct mr_spam_consensus *c, const struct mr_spam_correction *voice)
{
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		MR_ASSERT(voice->bits[i] == c->bits[i]);
		for (uint32_t k = 0; k < voice->count[i]; k++) {
			struct mr_spam_change change = voice->change[i][k];
			struct said *s = &c->said[i][change.slot];

			if (change.by == 0 || s->ups + s->downs == VOICES_MAX)
				continue;
			c->touched[i][change.slot / 64] |= 1ull << change.slot % 64;
			s->sum += change.by;
			s->up = change.by > s->up ? change.by : s->up;
			s->down = change.by < s->down ? change.by : s->down;
			if (change.by > 0) {
				s->ups++;
				s->up_sum += change.by;
			} else {
				s->downs++;
			}
		}
	}
	c->voices++;
}

uint32_t mr_spam_consensus_voices(const struct mr_spam_consensus *c)
{
	return c->voices;
}

/* Division cuts towards 0, in C and on every host. */
static int32_t agreed(const struct said *s, enum mr_spam_consensus_of of)
{
	int32_t ups = s->ups - (s->up > 0), downs = s->downs - (s->down < 0);
	int32_t sum = s->sum - s->up - s->down;

	if (of == MR_SPAM_MEAN_UP)
		return s->up_sum / (s->ups + s->downs);
	if (of == MR_SPAM_MEAN_DOWN)
		return (s->sum - s->up_sum) / (s->ups + s->downs);
	if ((sum > 0 ? ups : downs) < LEFT_MIN)
		return 0;
	sum /= ups + downs + SILENT;
	return sum > AGREED_MAX ? AGREED_MAX : sum < -AGREED_MAX ? -AGREED_MAX : sum;
}

/* What one table changes, from `at` on in c->change, or counted alone where that is NULL. */
static size_t collect(struct mr_spam_consensus *c, unsigned table, enum mr_spam_consensus_of of,
		      size_t at)
{
	size_t n = 0;

	for (uint32_t word = 0; word < 1u << (c->bits[table] - 6); word++) {
		for (uint64_t left = c->touched[table][word]; left != 0; left &= left - 1) {
			uint32_t slot = 64 * word + (uint32_t)__builtin_ctzll(left);
			int32_t by = agreed(&c->said[table][slot], of);

			if (by == 0)
				continue;
			if (c->change != NULL)
				c->change[at + n] = (struct mr_spam_change){ slot, by };
			n++;
		}
	}
	return n;
}

int mr_spam_consensus_get(struct mr_spam_consensus *c, enum mr_spam_consensus_of of,
			  struct mr_spam_correction *agreed_out)
{
	struct mr_spam_correction k = { .threshold = 0 };
	size_t count[MR_SPAM_TABLES], sum = 0, at = 0;

	mr_free(c->change);
	c->change = NULL;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		sum += count[i] = collect(c, i, of, 0);
	if ((c->change = mr_malloc((sum + 1) * sizeof(*c->change))) == NULL)
		return MR_ENOMEM;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		k.bits[i] = c->bits[i];
		k.count[i] = (uint32_t)collect(c, i, of, at);
		k.change[i] = c->change + at;
		at += count[i];
	}
	*agreed_out = k;
	return 0;
}
