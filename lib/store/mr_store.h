/*
 * mr_store: our state, as named operations; no SQL outside lib/store. Each group of state is a file
 * (SQLite), or a role and schema (PostgreSQL), of its own, opened by name with the rights that the
 * program has. Opened by programs, handed to logic, so a test hands in one on a temporary folder.
 *
 * One struct mr_store may be used from any thread: calls on one group take turns (SQLite), or have
 * a connection each, up to eight (PostgreSQL). Calls block, so they belong on a pool's threads. An
 * operation is one transaction; one that meets a conflict is tried again here, bounded, with jitter.
 *
 * Errors everywhere: MR_ETEMP: the store is away, locked for too long, silent, read-only, or its
 * disk is full; mail waits, and the next call after a second asks the server again. It also means that
 * the answer to a COMMIT was lost: what was to be done may be done. MR_ECORRUPT: a file of ours does
 * not read back. MR_EPERM: no rights on the group. MR_ENOMEM.
 */
#ifndef MR_STORE_H
#define MR_STORE_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_buf.h"
#include "lib/base/mr_random.h"

struct mr_store;

enum mr_store_group {
	MR_GROUP_DIRECTORY = 1u << 0, /* domains, users, their settings */
	MR_GROUP_SPAM = 1u << 1, /* lessons */
	MR_GROUP_SENDERS = 1u << 2, /* friends and block lists: mr_store_senders.h */
	MR_GROUP_QUOTA = 1u << 3, /* usage of mailboxes: mr_store_quota.h */
	MR_GROUP_LIMITS = 1u << 4, /* what was sent: mr_store_limits.h */
	MR_GROUP_ALL = MR_GROUP_DIRECTORY | MR_GROUP_SPAM | MR_GROUP_SENDERS | MR_GROUP_QUOTA |
		       MR_GROUP_LIMITS,
};

enum mr_store_access { MR_STORE_READ, MR_STORE_WRITE, MR_STORE_CREATE };

/* url is one that mr_store_open() knows, whatever lies there; else MR_EINVAL. */
MR_MUST_USE int mr_store_check_url(const char *url);

/*
 * Open the groups (bits) of the store at url: "sqlite:FOLDER", or what libpq knows as a connection URI,
 * "postgresql://HOST/DATABASE", without a password. CREATE makes folder and files (the tables, where
 * mr_store_init() made the schemas) and brings them up to date; WRITE and READ want them there:
 * MR_ENOENT; MR_EINVAL: a url that is none, or a schema newer than this program.
 *
 * READ and WRITE do not ask a PostgreSQL server yet: the first operation does, as the user that the
 * program is by then, and each new connection is checked for the schema's version (else MR_ETEMP).
 * mr_store_ping() tells.
 */
MR_MUST_USE int mr_store_open(const char *url, unsigned groups, enum mr_store_access access,
			      struct mr_store **store_out);
void mr_store_close(struct mr_store *store);
MR_AUTO_DECLARE(mr_store, mr_store_close)

/* Whether group answers, and has the schema of this program. As an operation. */
MR_MUST_USE int mr_store_ping(struct mr_store *store, enum mr_store_group group);

/* What the last call on this thread that failed met, as the engine says it, for people; "" when it
 * said nothing. Without passwords. Valid until the thread's next call. */
const char *mr_store_why(void);

/* url as it may be shown and logged: without a password, even where it has one and is refused for that. */
const char *mr_store_shown(const char *url);

/* The server may be somewhere else: the program must be able to connect. */
bool mr_store_is_remote(const char *url);
/* Call each() with the absolute path of each file or folder that is read for a connection: of passwords,
 * keys, certificates; none for SQLite. What it returns other than 0 is returned. MR_ENOMEM. */
MR_MUST_USE int mr_store_files(const char *url, int (*each)(void *arg, const char *path),
			       void *arg);

/* Who may do what with a group: a PostgreSQL role. CREATE: owns it, as a member of its owner. */
struct mr_store_right {
	const char *role; /* letters, digits and "_.-@" */
	const char *group; /* "spam" */
	enum mr_store_access access;
};
/*
 * Make ready what mr_store_open(CREATE) needs. SQLite: folder and files of all groups, and their
 * tables; rights are those of the files. PostgreSQL: for each group a role millrace_GROUP that owns the
 * schema GROUP, roles millrace_GROUP_read and millrace_GROUP_write, and the roles of rights as
 * members of one of the three; then the tables. What is there already stays. The role that connects
 * must be allowed to create roles and schemas. With sql the statements are appended there, and nobody is asked.
 * MR_EINVAL: no such group, or no role's name.
 */
MR_MUST_USE int mr_store_init(const char *url, const struct mr_store_right *rights, size_t count,
			      struct mr_buf *sql);

/* -- directory: domains and users ----------------------------------------------------------- */

/*
 * Names may be spelled in any case; they are kept and handed out as mr_name.h (lib/mail) spells
 * them. MR_EEXIST, MR_ENOENT; MR_EINVAL, MR_ELIMIT: no domain, or no local part, for mr_name.h.
 */
MR_MUST_USE int mr_store_domain_add(struct mr_store *store, struct mr_span domain);
/* MR_EPERM: refused while it has users or aliases. */
MR_MUST_USE int mr_store_domain_remove(struct mr_store *store, struct mr_span domain);
MR_MUST_USE int mr_store_domain_exists(struct mr_store *store, struct mr_span domain);

struct mr_user {
	char id[MR_ID_SIZE];
	struct mr_span local, domain; /* in the caller's arena */
	bool disabled;
	int64_t created_s;
};
MR_MUST_USE int mr_store_user_add(struct mr_store *store, struct mr_span local,
				  struct mr_span domain, int64_t now_s);
/* He is no alias's target any more; an alias that led to him alone goes with him. */
MR_MUST_USE int mr_store_user_remove(struct mr_store *store, struct mr_span local,
				     struct mr_span domain);
MR_MUST_USE int mr_store_user_disable(struct mr_store *store, struct mr_span local,
				      struct mr_span domain, bool disabled);
/* MR_ENOENT: no such user, or no such domain. */
MR_MUST_USE int mr_store_user_find(struct mr_store *store, struct mr_span local,
				   struct mr_span domain, struct mr_arena *arena,
				   struct mr_user *user_out);

/* Call each() in order of name, over one state of the group: each() makes no call to the store; a
 * value it returns other than 0 ends the walk and is returned. */
typedef int mr_domain_fn(void *arg, struct mr_span domain, int64_t user_count);
typedef int mr_user_fn(void *arg, const struct mr_user *user);
MR_MUST_USE int mr_store_domain_each(struct mr_store *store, mr_domain_fn *each, void *arg);
/* An empty domain: the users of all. */
MR_MUST_USE int mr_store_user_each(struct mr_store *store, struct mr_span domain, mr_user_fn *each,
				   void *arg);

/* A setting of a user, a domain (local empty) or of all (both empty). get: MR_ENOENT. An empty
 * value on set removes it. */
MR_MUST_USE int mr_store_setting_set(struct mr_store *store, struct mr_span local,
				     struct mr_span domain, struct mr_span name,
				     struct mr_span value);
MR_MUST_USE int mr_store_setting_get(struct mr_store *store, struct mr_span local,
				     struct mr_span domain, struct mr_span name,
				     struct mr_arena *arena, struct mr_span *value_out);

/* Walk over the settings that concern a user, a domain (local empty) or all (both empty): those of
 * all first, then the domain's, then the user's. As the walks above. */
typedef int mr_setting_fn(void *arg, struct mr_span local, struct mr_span domain,
			  struct mr_span name, struct mr_span value);
MR_MUST_USE int mr_store_setting_each(struct mr_store *store, struct mr_span local,
				      struct mr_span domain, mr_setting_fn *each, void *arg);

/* -- spam: lessons --------------------------------------------------------------------------- */

#define MR_DIGEST_SIZE 32

/* What was taught once. A lesson is named by teacher and digest: teaching it again replaces it. */
struct mr_lesson {
	uint8_t digest[MR_DIGEST_SIZE]; /* of the message, as the filter sees it */
	struct mr_span teacher; /* "" the operator, else an address */
	bool spam;
	int64_t taught_s, expires_s; /* 0: never */
	struct mr_span features; /* opaque to the store, no text */
	bool damaged; /* in a walk: it has no digest, and is to be counted and left out */
};
MR_MUST_USE int mr_store_lesson_put(struct mr_store *store, const struct mr_lesson *lesson);
/* count of them, all or none: one transaction, one wait for the disk. */
MR_MUST_USE int mr_store_lesson_put_all(struct mr_store *store, const struct mr_lesson *lessons,
					size_t count);
/* The same; fresh_out[i]: nobody of that name had said so of that message. */
MR_MUST_USE int mr_store_lesson_teach(struct mr_store *store, const struct mr_lesson *lessons,
				      size_t count, bool fresh_out[]);
/* MR_ENOENT: was never taught. */
MR_MUST_USE int mr_store_lesson_remove(struct mr_store *store, struct mr_span teacher,
				       const uint8_t digest[MR_DIGEST_SIZE]);
typedef int mr_lesson_fn(void *arg, const struct mr_lesson *lesson);
/* As the walks above. In order of digest, then teacher: the same on every host. */
MR_MUST_USE int mr_store_lesson_each(struct mr_store *store, mr_lesson_fn *each, void *arg);
/* The newest count_max lessons of one teacher, the newest first, of one second in order of digest. */
MR_MUST_USE int mr_store_lesson_each_of(struct mr_store *store, struct mr_span teacher,
					int64_t count_max, mr_lesson_fn *each, void *arg);
/* Keep the newest count_max lessons of a teacher; returns how many went. */
MR_MUST_USE int mr_store_lesson_trim(struct mr_store *store, struct mr_span teacher,
				     int64_t count_max);

/* Forget all of one teacher, lessons and correction; of "@domain" what all its users taught, too. Returns
 * how many lessons and corrections went. MR_EINVAL: teacher has no "@". */
MR_MUST_USE int mr_store_teacher_remove(struct mr_store *store, struct mr_span teacher);

/* Who taught how much. */
struct mr_teacher {
	struct mr_span name; /* valid in the call */
	int64_t spam_count, ham_count;
	int64_t first_s, last_s; /* the oldest and the newest lesson */
};
typedef int mr_teacher_fn(void *arg, const struct mr_teacher *teacher);
/* As the walks above, in order of name. */
MR_MUST_USE int mr_store_teacher_each(struct mr_store *store, mr_teacher_fn *each, void *arg);
/* Remove what expired at now_s; returns how many, at most count_max. */
MR_MUST_USE int mr_store_lesson_expire(struct mr_store *store, int64_t now_s, int count_max);

/* -- spam: corrections ------------------------------------------------------------------------ */

/*
 * What an owner changes in the model (milters/spam/correction.h): a user "local@domain" or a domain
 * "@domain", spelled as mr_name.h spells them (mr_spam_owner()). The bytes are opaque to the store.
 * get: into arena; get and remove: MR_ENOENT: has none.
 */
MR_MUST_USE int mr_store_correction_put(struct mr_store *store, struct mr_span owner,
					int64_t made_s, struct mr_span changes);
MR_MUST_USE int mr_store_correction_get(struct mr_store *store, struct mr_span owner,
					struct mr_arena *arena, struct mr_span *changes_out);
/* When those of a user and of his domain were made; MR_CORRECTION_NONE: there is none. Cheap: for
 * whoever keeps what it has read. */
#define MR_CORRECTION_NONE INT64_MIN
MR_MUST_USE int mr_store_correction_made(struct mr_store *store, struct mr_span user,
					 struct mr_span domain, int64_t made_s_out[2]);
MR_MUST_USE int mr_store_correction_remove(struct mr_store *store, struct mr_span owner);
typedef int mr_correction_fn(void *arg, struct mr_span owner, int64_t made_s, size_t size);
/* As the walks above, in order of owner. */
MR_MUST_USE int mr_store_correction_each(struct mr_store *store, mr_correction_fn *each, void *arg);

#endif
