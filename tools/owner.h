/*
 * owner: a user or a domain that the operator named: whether the name is one, and whether there is such an
 * owner. What is wrong is said on standard error, "millrace: WHAT NAME: why", with how to mend it.
 */
#ifndef OWNER_H
#define OWNER_H

#include "tools/commands.h"

struct owner {
	struct mr_span local, domain; /* local empty: a domain; both empty: all */
	const char *shown; /* as the operator wrote it */
};

/* word: "local@domain", or the name of a domain; the spans are of word. Both return an exit code. */
int owner_user(const char *word, const char *what, struct owner *owner_out);
int owner_domain(const char *word, const char *what, struct owner *owner_out);

/* CLI_OK: store (its directory) has that user or domain; all is always there. */
int owner_exists(struct mr_store *store, const struct owner *owner, const char *what);

/* The directory; NULL: it can't be opened, or there is no such owner. */
struct mr_store *owner_store(struct cli *cli, enum mr_store_access access,
			     const struct owner *owner, const char *what);

/*
 * After the directory was told to remove owner, and said err: what he taught the spam filter goes with him,
 * lessons and corrections, his friends and blocks, and what his mailbox holds; of a domain those of its users, too. Also if he was not there (MR_ENOENT), so
 * that a second try mends what failed. Returns the exit code of it all.
 */
int owner_removed(struct cli *cli, const struct owner *owner, const char *what, int err);

#endif
