/*
 * mr_store_senders: operations of the group senders: whom users, and domains for all their users, take
 * for a friend, and whom they block. Who is named by an entry: lib/mail/mr_sender.h; which entry counts
 * for a message: lib/store/mr_sender_rule.h. Threads and errors as in mr_store.h.
 */
#ifndef MR_STORE_SENDERS_H
#define MR_STORE_SENDERS_H

#include "lib/mail/mr_sender.h"
#include "lib/store/mr_store.h"

/* The numbers are in the tables. */
enum mr_sender_action {
	MR_SENDER_NONE = 0, /* no entry */
	MR_SENDER_FRIEND = 1,
	MR_SENDER_FOLDER = 2, /* blocked: into the Spam folder */
	MR_SENDER_REJECT = 3, /* ... refused */
	MR_SENDER_DROP = 4, /* ... accepted, and thrown away */
};

/* "friend", "folder", "reject", "drop"; "none". */
const char *mr_sender_action_name(enum mr_sender_action action);

/* An owner is a user, or a domain (local empty); of either it is not asked whether it exists. */
struct mr_sender_entry {
	struct mr_span entry, note;
	enum mr_sender_action action;
	int64_t made_s;
};

/*
 * Add entries, all or none. An owner has each entry once, as a friend or as a block: one that is there
 * is replaced, the last word counts. Returns how many were of the other kind until now. MR_EINVAL, MR_ELIMIT: an
 * entry, a note or the owner is none.
 */
MR_MUST_USE int mr_store_sender_put(struct mr_store *store, struct mr_span local,
				    struct mr_span domain, const struct mr_sender_entry *entries,
				    size_t count);
/* MR_ENOENT: there is none of this kind. */
MR_MUST_USE int mr_store_sender_remove(struct mr_store *store, struct mr_span local,
				       struct mr_span domain, struct mr_span entry, bool friend);
/* All entries of a user; or of a domain and all its users. Returns how many there were. */
MR_MUST_USE int mr_store_sender_forget(struct mr_store *store, struct mr_span local,
				       struct mr_span domain);

/* Call each() with an owner's own entries, in order of entry. As the walks of mr_store.h. */
typedef int mr_sender_fn(void *arg, const struct mr_sender_entry *entry);
MR_MUST_USE int mr_store_sender_each(struct mr_store *store, struct mr_span local,
				     struct mr_span domain, mr_sender_fn *each, void *arg);

/* What a user's and his domain's lists say of one sender: an action for each key of his. */
struct mr_sender_found {
	enum mr_sender_action user[MR_SENDER_KEYS_MAX], domain[MR_SENDER_KEYS_MAX];
};
/* One statement, of at most 20 look-ups by key, however long the lists are. */
MR_MUST_USE int mr_store_sender_find(struct mr_store *store, struct mr_span local,
				     struct mr_span domain, const struct mr_sender_keys *keys,
				     struct mr_sender_found *found_out);

#endif
