/* SRS: addresses that postsrsd 1.10 (Debian) made and undid, and the process that holds the secret. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lda/srsd/srsd.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/mail/mr_srs.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX 65536
#define DAY_S     86400
/* "JN" is day 301 of 1024: 9 * 32 + 13; 2026-11-24 is day 20781 = 20 * 1024 + 301. */
#define NOW_S ((int64_t)20781 * DAY_S + 1234)

/* The secrets that postsrsd had. */
static const char *const keys[] = { "first secret", "second" };

static struct mr_srsd_secrets *secrets_of(struct mr_t *t, const char *text, mode_t mode,
					  int *err_out)
{
	struct mr_srsd_secrets *secrets = NULL;
	const char *dir = mr_test_dir(t);
	char path[300];
	int fd;

	*err_out = MR_ENOMEM;
	if (!dir)
		return NULL;
	(void)snprintf(path, sizeof(path), "%s/secret", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MR_ASSERT(fd >= 0 && mr_write_all(fd, mr_span_str(text)) == 0 && fchmod(fd, mode) == 0);
	close(fd);
	*err_out = mr_srsd_secrets_read(path, &secrets);
	return secrets;
}

/* What HMAC-SHA1 gives for the texts of these tests, by Python's hmac; nothing else is known. */
static const struct {
	const char *key, *text, *hash;
} known[] = {
	{ "first secret", "jnexample.comann", "Yg359RPgiFGrIKGsaRFzVcCv0eU=" },
	{ "first secret", "fwd.example=abcd=ef=orig.example=bob", "hdiF04BhbdP/vvVsQ9YsrpahRfI=" },
	{ "first secret", "jna.exampleann+x=y", "xSkYpQuy3YV6vFJBQOrRYtRfSs0=" },
	{ "first secret", "fwd.example-abcd=ef=orig.example=bob", "Lwxr2BnoRjsNJuA3Tr7mPOgf4Ks=" },
	{ "first secret", "fwd.example+abcd=ef=o.example=bob", "35Srw8vg5VfKa3kNyzx8Ku+jYrY=" },
	{ "first secret", "first.example=abcd=ef=orig.example=bob",
	  "aoqFft3XPzbt6vl59vTDmt4Agpo=" },
	{ "second", "jnexample.comann", "iyOAfujio99ocUMv9C8Javdk9Ck=" },
};

static int table_hash(void *arg, struct mr_span text, struct mr_srs_hashes *hashes_out)
{
	const bool *both = arg;
	struct mr_srs_hashes hashes = { .count = *both ? 2 : 1 };

	for (size_t k = 0; k < hashes.count; k++) {
		(void)snprintf(hashes.hash[k], MR_SRS_HASH_SIZE, "%s",
			       "????????????????????????????");
		for (size_t i = 0; i < MR_COUNT(known); i++) {
			if (strcmp(known[i].key, keys[k]) == 0 &&
			    mr_span_eq(text, mr_span_str(known[i].text)))
				(void)snprintf(hashes.hash[k], MR_SRS_HASH_SIZE, "%s",
					       known[i].hash);
		}
	}
	*hashes_out = hashes;
	return 0;
}

MR_TEST(srs_forward)
{
	static const struct {
		const char *local, *domain, *want;
	} rows[] = {
		{ "ann", "Example.COM", "SRS0=Yg35=JN=Example.COM=ann" },
		{ "Ann+x=y", "a.example", "SRS0=xSkY=JN=a.example=Ann+x=y" },
		/* Another forwarder's, with each of the separators */
		{ "SRS0=abcd=EF=orig.example=bob", "fwd.example",
		  "SRS1=hdiF=fwd.example==abcd=EF=orig.example=bob" },
		{ "SRS0-abcd=EF=orig.example=bob", "fwd.example",
		  "SRS1=Lwxr=fwd.example=-abcd=EF=orig.example=bob" },
		{ "srs0+abcd=EF=o.example=bob", "fwd.example",
		  "SRS1=35Sr=fwd.example=+abcd=EF=o.example=bob" },
		/* Two of them: the second is left out */
		{ "SRS1=wxyz=first.example==abcd=EF=orig.example=bob", "second.example",
		  "SRS1=aoqF=first.example==abcd=EF=orig.example=bob" },
	};
	bool both = false;
	const struct mr_srs srs = { table_hash, &both, 4 };

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_span got = MR_SPAN("");

		t->row = (long)i;
		MR_NEED(t, arena);
		MR_CHECK_INT(t, 0,
			     mr_srs_forward(&srs, mr_span_str(rows[i].local),
					    mr_span_str(rows[i].domain), NOW_S, arena, &got));
		MR_CHECK_SPAN(t, rows[i].want, got);
	}
}

MR_TEST(srs_reverse)
{
	static const struct {
		const char *address;
		int days, want;
		const char *local, *domain;
	} rows[] = {
		{ "SRS0=Yg35=JN=Example.COM=ann", 0, 0, "ann", "Example.COM" },
		/* An MTA that writes all in lower case */
		{ "srs0=yg35=jn=example.com=ann", 0, 0, "ann", "example.com" },
		{ "SRS0+Yg35=JN=Example.COM=ann", 0, 0, "ann", "Example.COM" },
		{ "SRS0=Yg359RPg=JN=Example.COM=ann", 0, 0, "ann", "Example.COM" },
		{ "SRS0=Yg35=JN=Example.COM=ann", 21, 0, "ann", "Example.COM" },
		{ "SRS0=Yg35=JN=Example.COM=ann", 22, MR_EPERM, "", "" },
		{ "SRS0=Yg35=JN=Example.COM=ann", 1024, 0, "ann", "Example.COM" }, /* 1024 days */
		{ "SRS0=Yg35=JN=Example.COM=ann", -1, MR_EPERM, "", "" }, /* of tomorrow */
		{ "SRS1=hdiF=fwd.example==abcd=EF=orig.example=bob", 0, 0,
		  "SRS0=abcd=EF=orig.example=bob", "fwd.example" },
		{ "SRS1=35Sr=fwd.example=+abcd=EF=o.example=bob", 0, 0,
		  "SRS0+abcd=EF=o.example=bob", "fwd.example" },
		/* Forged */
		{ "SRS0=Yg36=JN=Example.COM=ann", 0, MR_EPERM, "", "" },
		{ "SRS0=Yg3=JN=Example.COM=ann", 0, MR_EPERM, "", "" }, /* too short */
		{ "SRS0=Yg35=JN=Example.COM=anna", 0, MR_EPERM, "", "" },
		/* The scheme joins host and user with nothing between: where one ends is not in the hash. */
		{ "SRS0=Yg35=JN=Example.CO=Mann", 0, 0, "Mann", "Example.CO" },
		{ "SRS0=Yg35=JM=Example.COM=ann", 0, MR_EPERM, "", "" },
		{ "SRS0=Yg35=JN=xample.COM=ann", 0, MR_EPERM, "", "" },
		{ "SRS0=Yg359RPgiFGrIKGsaRFzX=JN=Example.COM=ann", 0, MR_EPERM, "", "" },
		{ "SRS1=hdiF=fwd.exampl==abcd=EF=orig.example=bob", 0, MR_EPERM, "", "" },
		/* Not of the scheme */
		{ "ann", 0, MR_ENOENT, "", "" },
		{ "SRS0", 0, MR_ENOENT, "", "" },
		{ "SRS0=", 0, MR_ENOENT, "", "" },
		{ "SRS0=====", 0, MR_ENOENT, "", "" },
		{ "SRS0=Yg35=JN=Example.COM=", 0, MR_ENOENT, "", "" },
		{ "SRS0=Yg35=JNA=Example.COM=ann", 0, MR_ENOENT, "", "" },
		{ "SRS1=hdiF=fwd.example", 0, MR_ENOENT, "", "" },
		{ "SRS2=Yg35=JN=Example.COM=ann", 0, MR_ENOENT, "", "" },
	};
	bool both = false;
	const struct mr_srs srs = { table_hash, &both, 4 };

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].address);
		struct mr_span local = MR_SPAN(""), domain = MR_SPAN("");

		MR_NEED(t, arena && in);
		MR_CHECK_INT(t, rows[i].want,
			     mr_srs_reverse(&srs, mr_block_span(in),
					    NOW_S + (int64_t)rows[i].days * DAY_S, arena, &local,
					    &domain));
		MR_CHECK_SPAN(t, rows[i].local, local);
		MR_CHECK_SPAN(t, rows[i].domain, domain);
	}
}

/* Rotation: what the older secret made still comes back; new ones are of the newer. */
MR_TEST(srs_two_secrets)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_span local, domain;
	bool both = true;
	const struct mr_srs srs = { table_hash, &both, 4 };

	MR_NEED(t, arena);
	MR_CHECK_INT(t, 0,
		     mr_srs_reverse(&srs, MR_SPAN("SRS0=iyOA=JN=Example.COM=ann"), NOW_S, arena,
				    &local, &domain));
	both = false;
	MR_CHECK_INT(t, MR_EPERM,
		     mr_srs_reverse(&srs, MR_SPAN("SRS0=iyOA=JN=Example.COM=ann"), NOW_S, arena,
				    &local, &domain));
}

MR_TEST(srs_limits)
{
	static char local[MR_SRS_LOCAL_MAX + 2];
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_span got, domain;
	bool both = false;
	const struct mr_srs srs = { table_hash, &both, 4 };

	MR_NEED(t, arena);
	memset(local, 'x', sizeof(local) - 1);
	MR_CHECK_INT(t, MR_ELIMIT,
		     mr_srs_forward(&srs, mr_span(local, MR_SRS_LOCAL_MAX + 1),
				    MR_SPAN("a.example"), NOW_S, arena, &got));
	/* It fits, but with what is put around it no longer does. */
	MR_CHECK_INT(t, MR_ELIMIT,
		     mr_srs_forward(&srs, mr_span(local, MR_SRS_LOCAL_MAX), MR_SPAN("a.example"),
				    NOW_S, arena, &got));
	memcpy(local, "SRS0=", 5);
	MR_CHECK_INT(t, MR_ELIMIT,
		     mr_srs_reverse(&srs, mr_span(local, MR_SRS_LOCAL_MAX + 1), NOW_S, arena, &got,
				    &domain));
}

/* RFC 2202 3: test cases 6 and 7, with a key of 80 octets 0xaa. */
MR_TEST(srsd_hash)
{
	static const struct {
		size_t key_len;
		const char *text, *base64;
	} rows[] = {
		{ 80, "Test Using Larger Than Block-Size Key - Hash Key First",
		  "qkrl4VJy0A6VcFY3zoo7Ve1AIRI=" }, /* aa4ae5e1 5272d00e 95705637 ce8a3b55 ed402112 */
		{ 80, "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
		  "6OmdD0UjfXhta7qnllx4CLv/GpE=" }, /* e8e99d0f 45237d78 6d6bbaa7 965c7808 bbff1a91 */
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_srs_hashes hashes = { .count = 0 };
		struct mr_srsd_secrets *secrets;
		char key[100] = "";
		int err;

		t->row = (long)i;
		memset(key, 0xaa, rows[i].key_len);
		secrets = secrets_of(t, key, 0400, &err);
		if (!secrets)
			continue;
		if (mr_srsd_hash(secrets, mr_span_str(rows[i].text), &hashes) == 0) {
			MR_CHECK_INT(t, 1, hashes.count);
			MR_CHECK_STR(t, rows[i].base64, hashes.hash[0]);
		}
		mr_srsd_secrets_free(secrets);
	}
}

MR_TEST(srsd_secrets)
{
	static const struct {
		const char *text;
		mode_t mode;
		int want;
	} rows[] = {
		{ "0123456789abcdef\n", 0400, 0 },
		{ "0123456789abcdef", 0600, 0 },
		{ "0123456789abcdef\n\nfedcba9876543210\n", 0400, 0 },
		{ "0123456789abcde\n", 0400, MR_EINVAL }, /* 15 octets */
		{ "0123456789abcdef\nshort\n", 0400, MR_EINVAL },
		{ "0123456789abcdef\nfedcba9876543210\n0011223344556677\n", 0400, MR_EINVAL },
		{ "", 0400, MR_EINVAL },
		{ "\n\n", 0400, MR_EINVAL },
		/* Others may read it */
		{ "0123456789abcdef\n", 0440, MR_EPERM },
		{ "0123456789abcdef\n", 0404, MR_EPERM },
		{ "0123456789abcdef\n", 0620, MR_EPERM },
	};
	struct mr_srsd_secrets *none = NULL;

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		int err;

		t->row = (long)i;
		mr_srsd_secrets_free(secrets_of(t, rows[i].text, rows[i].mode, &err));
		MR_CHECK_INT(t, rows[i].want, err);
	}
	MR_CHECK_INT(t, MR_ENOENT, mr_srsd_secrets_read("/nowhere/at/all", &none));
	MR_CHECK_INT(t, MR_EINVAL, mr_srsd_secrets_read("/", &none)); /* no file */
}
