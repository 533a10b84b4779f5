/*
 * dict: Dovecot's dict protocol, version 3 as Dovecot 2.3 speaks it, as a protocol of ask.h. By it Dovecot
 * learns what users and domains may hold and do hold, and reports what its clients change. A request is a
 * line that ends in LF; fields are separated by tabs, and in them \001 escapes: \0011 stands for itself, and
 * \0010, \001t, \001r, \001n for NUL, tab, CR, LF.
 *
 *	H 3 MINOR TYPE USER NAME	first of all. NAME: quota, or domain; no answer
 *	L KEY USER			look up: O VALUE, N (is not there) or F TEXT (nobody knows now)
 *	I ID FLAGS MAX PATH USER	iterate: there is nothing to list: an empty line
 *	B ID USER			begin a transaction, of at most MR_DICT_TRANSACTIONS
 *	S ID KEY VALUE			in it: set
 *	A ID KEY DIFFERENCE		add
 *	U ID KEY			unset
 *	T ID SECONDS NANOSECONDS	a time that nobody needs
 *	C ID, D ID			commit: O ID, or F ID TEXT; D: A ID, or F ID TEXT
 *	R ID				roll back; no answer
 *
 * USER is that of the line, or else that of H: one of our users. Keys:
 *
 *	priv/quota/storage, priv/quota/messages		octets and messages; NAME domain: of his whole domain
 *	shared/quota/userdb/USER			for a userdb: quota_rule and quota2_rule as JSON
 *
 * Set (quota_clone) says what a mailbox holds; add (quota2 = dict) what changed in it. For NAME domain, set
 * and unset come where Dovecot believes that it must count: it knows one user's mailbox alone, so that
 * counts as news of the mailbox, and not of how much is in it.
 */
#ifndef DICT_H
#define DICT_H

#include "lda/mapd/ask.h"
#include "lib/base/mr_arena.h"
#include "lib/store/mr_quota.h"

#define MR_DICT_REQUEST_MAX  4096 /* octets of a line: a key with an address, and the address */
#define MR_DICT_TRANSACTIONS 16 /* open ones of a connection */
#define MR_DICT_ARENA_MAX    65536

/* What it answers from, and reports to. Names are as they came. Errors of mr_store.h. */
struct mr_dict {
	/* MR_ENOENT: no user of ours. */
	int (*user)(void *arg, struct mr_span local, struct mr_span domain);
	/* As mr_store_usage_get(). */
	int (*used)(void *arg, struct mr_span local, struct mr_span domain,
		    struct mr_usage *usage_out);
	int (*limits)(void *arg, struct mr_span local, struct mr_span domain,
		      struct mr_limit *user_out, struct mr_limit *domain_out);
	int (*add)(void *arg, struct mr_span local, struct mr_span domain, struct mr_usage change);
	int (*set)(void *arg, struct mr_span local, struct mr_span domain, struct mr_usage now);
	int (*touch)(void *arg, struct mr_span local, struct mr_span domain);
	void *arg;
};

/* As ask.h has it. */
MR_MUST_USE int mr_dict_frame(struct mr_span input, size_t *len_out);
/* arg: a struct mr_dict. */
MR_MUST_USE int mr_dict_answer(void *arg, void **state, struct mr_span request,
			       struct mr_buf *reply);
void mr_dict_forget(void *arg, void *state);

#endif
