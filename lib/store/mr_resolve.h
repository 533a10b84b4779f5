/*
 * mr_resolve: what mail to an address becomes: mailboxes of ours, and addresses outside. For mapd, which
 * answers the MTA, and for the LDA, which delivers: both follow aliases by this one function, so that they
 * agree, and one limit counts for both. Pure logic over a table of callbacks: the store, or a test's.
 *
 * For an address of a domain of ours the first of these that is there counts:
 *
 *	1. an alias of this whole name		ann+lists@example.org
 *	2. a user of this whole name
 *	3. an alias, then a user, of what stands before the separator: ann; the rest, "lists", is the detail, which
 *	   the mailboxes behind an alias inherit where a target has none of its own
 *	4. the catch-all of the domain
 *
 * An alias that was followed already is not followed again: there the user of that name counts, if there is
 * one (ann stands for ann and bob: a copy), else it is a loop. A target of ours that does not exist, or is no
 * address (mr_store_alias_target_check()), is left out; so it is when it loops. What an alias has besides is
 * still delivered. Disabled aliases are not there, disabled users are.
 */
#ifndef MR_RESOLVE_H
#define MR_RESOLVE_H

#include "lib/store/mr_store_alias.h"

#define MR_RESOLVE_DEPTH_MAX   10 /* aliases behind each other */
#define MR_RESOLVE_ALIASES_MAX 200 /* aliases that are followed for one address */
#define MR_RESOLVE_TARGETS_MAX 1000 /* addresses that they lead to, all in all */

/* Names come as they were written. As the operations of mr_store.h; MR_EINVAL and MR_ELIMIT (a name that
 * nobody can have) count as MR_ENOENT. */
struct mr_resolve_table {
	int (*domain)(void *arg, struct mr_span domain);
	int (*user)(void *arg, struct mr_span local, struct mr_span domain, struct mr_arena *arena,
		    struct mr_user *user_out);
	int (*alias)(void *arg, struct mr_span local, struct mr_span domain, struct mr_arena *arena,
		     struct mr_alias *alias_out);
	/* The three in one question, as mr_store_address_find(). NULL: they are asked one by one. */
	int (*address)(void *arg, struct mr_span local, struct mr_span domain,
		       struct mr_arena *arena, struct mr_address *address_out);
	void *arg;
};
/* The callbacks are the operations on store, which must outlive the table. */
void mr_resolve_store(struct mr_store *store, struct mr_resolve_table *table_out);

struct mr_resolve_mailbox {
	struct mr_user user;
	struct mr_span detail; /* "lists", as it was written; empty: none */
	char separator; /* before it; 0: none */
};

struct mr_resolved {
	bool alias; /* an alias was followed; else there is one mailbox, of the address itself */
	/* One of both at least; each mailbox and each address once. In the caller's arena. */
	const struct mr_resolve_mailbox *mailbox;
	size_t mailbox_count;
	const struct mr_span *outside; /* LOCAL@DOMAIN */
	size_t outside_count;
};

/*
 * Resolve local@domain; separators: as the setting recipient_separator, "" for none. MR_EPERM: it is no domain of
 * ours; MR_ENOENT: nobody there has this address; MR_ELIMIT: a loop with nothing beside it, or a limit above is
 * reached: the operator must mend it, and mail should wait. What the table returns else, MR_ETEMP for its
 * MR_EPERM; MR_ENOMEM.
 */
MR_MUST_USE int mr_resolve(const struct mr_resolve_table *table, const char *separators,
			   struct mr_span local, struct mr_span domain, struct mr_arena *arena,
			   struct mr_resolved *resolved_out);

#endif
