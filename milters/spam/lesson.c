#include "milters/spam/lesson.h"

#include "milters/spam/leb.h"

/* The families up to the one that not every message has. */
#define FAMILIES_MIN MR_SPAM_ANSWER

#define KEY_LIMIT (1u << MR_SPAM_KEY_BITS)
_Static_assert(MR_SPAM_LESSON_SIZE_MAX >= 4 * (size_t)MR_SPAM_ALL_MAX + 64, "a lesson may not fit");

/* One pass of a radix sort on the 8 bits at shift: steady, linear. */
static void sort_pass(const uint32_t *from, uint32_t *to, uint32_t count, unsigned shift)
{
	uint32_t start[257] = { 0 };

	for (uint32_t i = 0; i < count; i++)
		start[(from[i] >> shift & 255) + 1]++;
	for (unsigned i = 1; i < 257; i++)
		start[i] += start[i - 1];
	for (uint32_t i = 0; i < count; i++)
		to[start[from[i] >> shift & 255]++] = from[i];
}

int mr_spam_lesson_encode(const struct mr_spam_features *f, struct mr_buf *out)
{
	/* Without answers a lesson is what it was before there were any. */
	unsigned families = f->family[MR_SPAM_ANSWER].count > 0 ? MR_SPAM_FAMILIES : FAMILIES_MIN;
	uint32_t a[MR_SPAM_WORD_MAX], b[MR_SPAM_WORD_MAX];

	mr_spam_leb_put(out, MR_SPAM_LESSON_VERSION);
	mr_spam_leb_put(out, families);
	for (unsigned i = 0; i < families; i++) {
		const struct mr_spam_list *l = &f->family[i];
		uint32_t last = 0;

		MR_ASSERT(l->count <= MR_COUNT(a));
		sort_pass(l->key, a, l->count, 0);
		sort_pass(a, b, l->count, 8);
		sort_pass(b, a, l->count, 16);
		mr_spam_leb_put(out, l->count);
		for (uint32_t k = 0; k < l->count; k++) {
			mr_spam_leb_put(out, a[k] - last);
			last = a[k];
		}
	}
	return mr_buf_err(out);
}

static int take_family(struct mr_cur *c, struct mr_spam_list *l)
{
	uint32_t count, key = 0, distance;
	int err;

	if (mr_spam_leb_take(c, &count) < 0 || count > l->room)
		return MR_ESYNTAX;
	for (uint32_t k = 0; k < count; k++) {
		/* Nearly all distances are two bytes long, and training decodes them many times. */
		if (c->end - c->p >= 2 && (c->p[0] & 128) && !(c->p[1] & 128)) {
			distance = (uint32_t)(c->p[0] & 127) | (uint32_t)c->p[1] << 7;
			c->p += 2;
			err = 0;
		} else {
			err = mr_spam_leb_take(c, &distance);
		}
		/* No sum wraps: key is below KEY_LIMIT, and distance below 2^28. */
		if (err < 0 || (key += distance) >= KEY_LIMIT || (k > 0 && distance == 0))
			return MR_ESYNTAX;
		l->key[k] = key;
	}
	l->count = count;
	return 0;
}

int mr_spam_lesson_decode(struct mr_span lesson, struct mr_spam_features *f)
{
	struct mr_cur c = mr_cur(lesson);
	uint32_t version, families;
	int err;

	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++)
		f->family[i].count = 0;
	if (mr_spam_leb_take(&c, &version) < 0 || mr_spam_leb_take(&c, &families) < 0)
		return MR_ESYNTAX;
	if (version != MR_SPAM_LESSON_VERSION || families < FAMILIES_MIN ||
	    families > MR_SPAM_FAMILIES)
		return MR_EINVAL;
	for (unsigned i = 0; i < families; i++) {
		if ((err = take_family(&c, &f->family[i])) < 0)
			return err;
	}
	return c.p == c.end ? 0 : MR_ESYNTAX;
}
