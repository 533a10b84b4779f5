#include "lib/mail/mr_srs.h"

#include "lib/base/mr_buf.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"

#define DAY_S    86400
#define DAYS_MOD 1024 /* two digits of base 32 */
#define TEXT_MAX (2 * MR_SRS_LOCAL_MAX + 512)
#define SRS0     MR_SPAN("SRS0")
#define SRS1     MR_SPAN("SRS1")
#define TAG_LEN  4

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* The tag, and one of the separators that forwarders use. */
static bool has_tag(struct mr_span local, struct mr_span tag)
{
	return local.len > TAG_LEN && mr_span_has_prefix_nocase(local, tag) &&
	       strchr("=-+", local.p[TAG_LEN]);
}

bool mr_srs_is(struct mr_span local)
{
	return has_tag(local, SRS0) || has_tag(local, SRS1);
}

static void day_put(int64_t now_s, char out[2])
{
	unsigned day = (unsigned)((now_s / DAY_S) % DAYS_MOD);

	out[0] = base32[day >> 5];
	out[1] = base32[day & 31];
}

/* -1: it is none. Case does not count: MTAs may change it. */
static int digit_of(char c)
{
	const char *at = c ? strchr(base32, mr_upper(c)) : NULL;

	return at ? (int)(at - base32) : -1;
}

/* The day is at most MR_SRS_DAYS ago, and not in the future. */
static bool day_counts(struct mr_span day, int64_t now_s)
{
	int high = digit_of(day.p[0]), low = digit_of(day.p[1]);
	int64_t age;

	if (high < 0 || low < 0)
		return false;
	age = (now_s / DAY_S - (high * 32 + low)) % DAYS_MOD;
	return (age < 0 ? age + DAYS_MOD : age) <= MR_SRS_DAYS;
}

/* The hash is of what is said in lower case, for the same reason. */
static int hash_of(const struct mr_srs *srs, struct mr_span a, struct mr_span b, struct mr_span c,
		   struct mr_srs_hashes *hashes_out)
{
	const struct mr_span parts[] = { a, b, c };
	MR_AUTO_BUF text = MR_BUF(TEXT_MAX);

	for (size_t i = 0; i < MR_COUNT(parts); i++) {
		for (size_t k = 0; k < parts[i].len; k++)
			(void)mr_buf_addc(&text, mr_lower(parts[i].p[k]));
	}
	if (mr_buf_err(&text) < 0)
		return mr_buf_err(&text);
	return srs->hash(srs->arg, mr_buf_span(&text), hashes_out);
}

/* 0: hash is that of one of our secrets. */
static int check(const struct mr_srs *srs, struct mr_span hash, struct mr_span a, struct mr_span b,
		 struct mr_span c)
{
	struct mr_srs_hashes right = { .count = 0 };
	bool same = false;
	int err;

	if (hash.len < srs->hash_length || hash.len > MR_SRS_HASH_MAX)
		return MR_EPERM;
	if ((err = hash_of(srs, a, b, c, &right)) < 0)
		return err;
	/* In time that does not tell how much of it was right. */
	for (size_t i = 0; i < right.count; i++) {
		unsigned differ = 0;

		for (size_t k = 0; k < hash.len; k++)
			differ |= (unsigned)(mr_lower(hash.p[k]) ^ mr_lower(right.hash[i][k]));
		same = same || differ == 0;
	}
	return same ? 0 : MR_EPERM;
}

static int made(struct mr_buf *out, struct mr_arena *arena, struct mr_span *local_out)
{
	int err = mr_buf_err(out);

	return err < 0 ? err : mr_arena_dup(arena, mr_buf_span(out), local_out);
}

/* Ours is put in front of what another forwarder made; of what two of them made, the first stays. */
static int guard(const struct mr_srs *srs, struct mr_span host, struct mr_span rest,
		 struct mr_arena *arena, struct mr_span *local_out)
{
	struct mr_srs_hashes hashes = { .count = 0 };
	MR_AUTO_BUF out = MR_BUF(MR_SRS_LOCAL_MAX);
	int err = hash_of(srs, host, rest, MR_SPAN(""), &hashes);

	if (err < 0)
		return err;
	(void)mr_buf_printf(&out, "SRS1=%.*s=", (int)srs->hash_length, hashes.hash[0]);
	(void)mr_buf_add(&out, host);
	(void)mr_buf_adds(&out, "=");
	(void)mr_buf_add(&out, rest);
	return made(&out, arena, local_out);
}

/* What stands up to the next "=", which is taken, too; false: there is none, or nothing before it. */
static bool field(struct mr_cur *c, struct mr_span *field_out)
{
	*field_out = mr_cur_until(c, '=');
	return mr_cur_byte(c, '=') && field_out->len > 0;
}

int mr_srs_forward(const struct mr_srs *srs, struct mr_span local, struct mr_span domain,
		   int64_t now_s, struct mr_arena *arena, struct mr_span *local_out)
{
	struct mr_cur c = mr_cur(mr_span_sub(local, TAG_LEN + 1, local.len));
	struct mr_srs_hashes hashes = { .count = 0 };
	MR_AUTO_BUF out = MR_BUF(MR_SRS_LOCAL_MAX);
	struct mr_span hash, host;
	char day[2];
	int err;

	if (local.len > MR_SRS_LOCAL_MAX)
		return MR_ELIMIT;
	if (has_tag(local, SRS0))
		return guard(srs, domain, mr_span_sub(local, TAG_LEN, local.len), arena, local_out);
	if (has_tag(local, SRS1) && field(&c, &hash) && field(&c, &host))
		return guard(srs, host, mr_cur_rest(&c), arena, local_out);
	day_put(now_s, day);
	if ((err = hash_of(srs, mr_span(day, sizeof(day)), domain, local, &hashes)) < 0)
		return err;
	(void)mr_buf_printf(&out, "SRS0=%.*s=%.2s=", (int)srs->hash_length, hashes.hash[0], day);
	(void)mr_buf_add(&out, domain);
	(void)mr_buf_adds(&out, "=");
	(void)mr_buf_add(&out, local);
	return made(&out, arena, local_out);
}

/* SRS1: the first forwarder gets it, with the local part that he made. */
static int unguard(const struct mr_srs *srs, struct mr_cur *c, struct mr_arena *arena,
		   struct mr_span *local_out, struct mr_span *domain_out)
{
	MR_AUTO_BUF out = MR_BUF(MR_SRS_LOCAL_MAX);
	struct mr_span hash, host;
	int err;

	if (!field(c, &hash) || !field(c, &host) || mr_cur_left(c) < 2)
		return MR_ENOENT;
	if ((err = check(srs, hash, host, mr_cur_rest(c), MR_SPAN(""))) < 0)
		return err;
	(void)mr_buf_adds(&out, "SRS0");
	(void)mr_buf_add(&out, mr_cur_rest(c));
	if ((err = made(&out, arena, local_out)) < 0)
		return err;
	return mr_arena_dup(arena, host, domain_out);
}

int mr_srs_reverse(const struct mr_srs *srs, struct mr_span local, int64_t now_s,
		   struct mr_arena *arena, struct mr_span *local_out, struct mr_span *domain_out)
{
	struct mr_cur c = mr_cur(mr_span_sub(local, TAG_LEN + 1, local.len));
	struct mr_span hash, day, host;
	int err;

	if (!mr_srs_is(local))
		return MR_ENOENT;
	if (local.len > MR_SRS_LOCAL_MAX)
		return MR_ELIMIT;
	if (has_tag(local, SRS1))
		return unguard(srs, &c, arena, local_out, domain_out);
	if (!field(&c, &hash) || !field(&c, &day) || day.len != 2 || !field(&c, &host) ||
	    mr_cur_left(&c) == 0)
		return MR_ENOENT;
	/* The hash first: who guesses learns nothing of days. */
	if ((err = check(srs, hash, day, host, mr_cur_rest(&c))) < 0)
		return err;
	if (!day_counts(day, now_s))
		return MR_EPERM;
	if ((err = mr_arena_dup(arena, mr_cur_rest(&c), local_out)) < 0)
		return err;
	return mr_arena_dup(arena, host, domain_out);
}
