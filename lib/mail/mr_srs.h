/*
 * mr_srs: the Sender Rewriting Scheme, as published (Shevek, "The Sender Rewriting Scheme", 2004) and as
 * postsrsd speaks it: who sends mail on puts an address of his own domain in the place of the sender's, so that
 * SPF passes, and a bounce finds back:
 *
 *	SRS0=HASH=TT=example.com=ann@ours		ann@example.com, sent on by us
 *	SRS1=HASH=first.example==HASH=TT=example.com=ann@ours	what first.example made of it, sent on by us
 *
 * TT is a day; HASH, from a secret, says that the address came from us. Pure: the hash is asked for by a
 * function, since the secret is another process's (lda/srsd). Any thread.
 */
#ifndef MR_SRS_H
#define MR_SRS_H

#include "lib/base/mr_arena.h"

#define MR_SRS_LOCAL_MAX   1024 /* octets of a local part that is read or made */
#define MR_SRS_DAYS        21 /* for which an address works */
#define MR_SRS_SECRETS_MAX 2 /* the one that is used, and the one before it */
#define MR_SRS_HASH_SIZE   29 /* base64 of 20 octets, and a NUL */
#define MR_SRS_HASH_MIN    4 /* octets of it in an address */
#define MR_SRS_HASH_MAX    20

/* HMAC-SHA1 of a text under each secret, in base64, the newest secret first. */
struct mr_srs_hashes {
	char hash[MR_SRS_SECRETS_MAX][MR_SRS_HASH_SIZE];
	size_t count;
};

struct mr_srs {
	/* What it returns below zero is what the functions return. */
	int (*hash)(void *arg, struct mr_span text, struct mr_srs_hashes *hashes_out);
	void *arg;
	size_t hash_length; /* from MIN to MAX; shorter ones are not accepted */
};

/* local is an address of the scheme, forged or not. */
bool mr_srs_is(struct mr_span local);

/* The local part for sender local@domain, into arena. MR_ELIMIT: too long; MR_ENOMEM; what hash() returns. */
MR_MUST_USE int mr_srs_forward(const struct mr_srs *srs, struct mr_span local,
			       struct mr_span domain, int64_t now_s, struct mr_arena *arena,
			       struct mr_span *local_out);

/*
 * What address local stands for, into arena; both parts are as somebody sent them, to be checked as any address.
 * MR_ENOENT: not of the scheme, or malformed; MR_EPERM: the hash is wrong, or the day too long ago; MR_ELIMIT: too
 * long; MR_ENOMEM; what hash() returns.
 */
MR_MUST_USE int mr_srs_reverse(const struct mr_srs *srs, struct mr_span local, int64_t now_s,
			       struct mr_arena *arena, struct mr_span *local_out,
			       struct mr_span *domain_out);

#endif
