/*
 * mr_store_alias: operations of the group directory: aliases. As those of mr_store.h: names may be spelled in any
 * case, and are handed out as mr_name.h (lib/mail) spells them; errors are the same.
 */
#ifndef MR_STORE_ALIAS_H
#define MR_STORE_ALIAS_H

#include "lib/store/mr_store.h"

#define MR_ALIAS_TARGETS_MAX 1000 /* of one alias */
#define MR_ALIAS_TARGET_MAX  320 /* octets of one: 64 + "@" + 255 (RFC 5321 4.5.3.1) */

/*
 * An address of ours that stands for others, its targets: addresses, of ours or outside, user+folder
 * too. A local part that is empty stands for all of the domain that nobody has (catch-all). Where a user
 * has the alias's own address, it may be among its targets: that is his mailbox. mr_resolve.h says what
 * mail to it becomes.
 */
struct mr_alias {
	struct mr_span local, domain;
	bool disabled; /* as if it were not there */
	int64_t created_s;
	const struct mr_span *target; /* in the caller's arena */
	size_t target_count; /* one at least */
};

/*
 * Whether text may be a target: an address, LOCAL@DOMAIN, its local part a dot-atom (RFC 5321 4.1.2) of at
 * most 64 octets that begins in none of "|", "/", "-", so that no MTA takes it for a command, a file or an
 * option. Checked when it is written, and again by who answers with it. MR_EINVAL, MR_ELIMIT.
 */
MR_MUST_USE int mr_store_alias_target_check(struct mr_span text);

/*
 * Add a target, and the alias where there is none yet. MR_EEXIST: it has this target; MR_ENOENT: there is no
 * such domain; MR_EPERM: mail to the target would come back to the alias; MR_ELIMIT: it has
 * MR_ALIAS_TARGETS_MAX, or a name is too long; MR_EINVAL: a name or the target is none.
 */
MR_MUST_USE int mr_store_alias_add(struct mr_store *store, struct mr_span local,
				   struct mr_span domain, struct mr_span target, int64_t now_s);
/* Remove a target, and the alias with its last one; with target empty the whole alias. MR_ENOENT. */
MR_MUST_USE int mr_store_alias_remove(struct mr_store *store, struct mr_span local,
				      struct mr_span domain, struct mr_span target);
MR_MUST_USE int mr_store_alias_disable(struct mr_store *store, struct mr_span local,
				       struct mr_span domain, bool disabled);
/* MR_ENOENT: there is no such alias. Disabled ones are found. */
MR_MUST_USE int mr_store_alias_find(struct mr_store *store, struct mr_span local,
				    struct mr_span domain, struct mr_arena *arena,
				    struct mr_alias *alias_out);
/* As the walks of mr_store.h, in order of domain, local part and target: each() gets an alias as many times as
 * it has targets, each time with one. An empty domain: those of all. */
typedef int mr_alias_fn(void *arg, const struct mr_alias *alias);
MR_MUST_USE int mr_store_alias_each(struct mr_store *store, struct mr_span domain,
				    mr_alias_fn *each, void *arg);

/* What the directory has for one address: in one question, for whoever asks it for every recipient. */
struct mr_address {
	bool ours; /* its domain is */
	bool has_user, has_alias; /* of this very name */
	struct mr_user user; /* disabled or not, as alias */
	struct mr_alias alias;
};
/* MR_ENOMEM, MR_ETEMP, ...; a name that nobody can have is nobody's: no error. An empty local part finds the
 * catch-all. */
MR_MUST_USE int mr_store_address_find(struct mr_store *store, struct mr_span local,
				      struct mr_span domain, struct mr_arena *arena,
				      struct mr_address *address_out);

#endif
