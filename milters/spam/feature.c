#include "milters/spam/feature.h"

#include "lib/base/mr_alloc.h"

/* A power of two, at least twice MR_SPAM_ALL_MAX: chains stay short. */
#define SEEN_ROOM (1u << 15)
_Static_assert(SEEN_ROOM >= 2 * MR_SPAM_ALL_MAX, "the table of seen features is too small");

/* A slot holds the number of its round, from 1, the family and the key. */
#define FAMILY_BITS 3
#define ROUNDS      (1u << (32 - MR_SPAM_KEY_BITS - FAMILY_BITS))
_Static_assert(MR_SPAM_FAMILIES <= 1 << FAMILY_BITS, "a family does not fit its bits");

static const uint32_t room_of[MR_SPAM_FAMILIES] = {
	[MR_SPAM_WORD] = MR_SPAM_WORD_MAX,     [MR_SPAM_HEAD] = MR_SPAM_HEAD_MAX,
	[MR_SPAM_NAME] = MR_SPAM_NAME_MAX,     [MR_SPAM_HTML] = MR_SPAM_HTML_MAX,
	[MR_SPAM_URL] = MR_SPAM_URL_MAX,       [MR_SPAM_GRAM] = MR_SPAM_GRAM_MAX,
	[MR_SPAM_ANSWER] = MR_SPAM_ANSWER_MAX,
};

struct mr_spam_features *mr_spam_features_new(const struct mr_psl *psl)
{
	struct mr_spam_features *f = mr_calloc(1, sizeof(*f));

	if (f == NULL || (f->seen = mr_calloc(SEEN_ROOM, sizeof(*f->seen))) == NULL)
		goto fail;
	f->psl = psl;
	f->round = 1;
	for (size_t i = 0; i < MR_SPAM_FAMILIES; i++) {
		struct mr_spam_list *l = &f->family[i];

		l->room = room_of[i];
		if ((l->key = mr_malloc(l->room * sizeof(*l->key))) == NULL)
			goto fail;
		if (i != MR_SPAM_GRAM &&
		    (l->origin = mr_malloc(l->room * sizeof(*l->origin))) == NULL)
			goto fail;
	}
	return f;
fail:
	mr_spam_features_free(f);
	return NULL;
}

void mr_spam_features_free(struct mr_spam_features *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < MR_SPAM_FAMILIES; i++) {
		mr_free(f->family[i].key);
		mr_free(f->family[i].origin);
	}
	mr_free(f->seen);
	mr_free(f);
}

void mr_spam_features_reset(struct mr_spam_features *f)
{
	for (size_t i = 0; i < MR_SPAM_FAMILIES; i++)
		f->family[i].count = 0;
	/* Slots of other rounds are free: the table is wiped only when the numbers run out. */
	if (++f->round == ROUNDS) {
		memset(f->seen, 0, SEEN_ROOM * sizeof(*f->seen));
		f->round = 1;
	}
}

/* True when key of family was not there; it is now. */
static bool seen_add(struct mr_spam_features *f, enum mr_spam_family family, uint32_t key)
{
	uint32_t mark = f->round << (MR_SPAM_KEY_BITS + FAMILY_BITS) |
			(uint32_t)family << MR_SPAM_KEY_BITS | key;
	uint32_t at = (key ^ (uint32_t)family * 0x9E37u) & (SEEN_ROOM - 1);

	for (; f->seen[at] >> (MR_SPAM_KEY_BITS + FAMILY_BITS) == f->round;
	     at = (at + 1) & (SEEN_ROOM - 1)) {
		if (f->seen[at] == mark)
			return false;
	}
	f->seen[at] = mark;
	return true;
}

void mr_spam_feature_add(struct mr_spam_features *f, enum mr_spam_family family, uint64_t hash,
			 const char *kind, struct mr_span field, struct mr_span text)
{
	struct mr_spam_list *l = &f->family[family];
	uint32_t key = (uint32_t)(hash >> (64 - MR_SPAM_KEY_BITS));

	if (l->count == l->room || !seen_add(f, family, key))
		return;
	l->origin[l->count] = (struct mr_spam_origin){ text, field, mr_span("", 0), kind };
	l->key[l->count++] = key;
}

struct mr_span mr_spam_range(unsigned magnitude)
{
	static const struct mr_span range[] = {
		MR_SPAN("none"),
		MR_SPAN("1"),
		MR_SPAN("2 to 3"),
		MR_SPAN("4 to 7"),
		MR_SPAN("8 to 15"),
		MR_SPAN("16 to 31"),
		MR_SPAN("32 to 63"),
		MR_SPAN("64 to 127"),
		MR_SPAN("128 to 255"),
		MR_SPAN("256 to 511"),
		MR_SPAN("512 to 1,023"),
		MR_SPAN("1,024 to 2,047"),
		MR_SPAN("2,048 to 4,095"),
		MR_SPAN("4,096 to 8,191"),
		MR_SPAN("8,192 to 16,383"),
		MR_SPAN("16,384 to 32,767"),
		MR_SPAN("32,768 to 65,535"),
	};

	return magnitude < MR_COUNT(range) ? range[magnitude] : MR_SPAN("more than 65,535");
}

void mr_spam_feature_grams(struct mr_spam_features *f, struct mr_span raw)
{
	struct mr_spam_list *l = &f->family[MR_SPAM_GRAM];

	for (size_t i = 0; i + 4 <= raw.len && l->count < l->room; i++) {
		uint64_t hash = mr_spam_mix(mr_spam_load(raw.p + i, 4) + 1);
		uint32_t key = (uint32_t)(hash >> (64 - MR_SPAM_KEY_BITS));

		if (seen_add(f, MR_SPAM_GRAM, key))
			l->key[l->count++] = key;
	}
}
