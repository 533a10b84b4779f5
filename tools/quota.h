/* quota: what the parts of `millrace quota` share. */
#ifndef QUOTA_TOOL_H
#define QUOTA_TOOL_H

#include "tools/owner.h"

#define QUOTA_ARENA_MAX ((size_t)1 << 30) /* names of all users: some 100 octets each */

/* word: an address, a domain, or NULL: all. Returns an exit code. */
int quota_owner(const char *word, const char *what, struct owner *owner_out);

/* Users are listed first, for a walk makes no other call to the store. */
struct quota_users {
	struct mr_arena *arena;
	struct mr_user *user; /* in order of domain and name */
	size_t count, room;
};
/* Of one domain; an empty one: of all. */
MR_MUST_USE int quota_users(struct mr_store *store, struct mr_span domain,
			    struct quota_users *users_out);

/* `quota recount`: returns the exit code. */
int quota_recount(struct cli *cli, const char *word);

#endif
