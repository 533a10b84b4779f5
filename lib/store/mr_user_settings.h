/*
 * mr_user_settings: what may be set for a user, a domain, or all of them, and what is in force for one
 * user: his own value, else his domain's, else that of all, else the default. For the LDA, and for
 * `millrace user` and `millrace domain`, which check a value before it is stored.
 *
 *	spam              folder | tag | inbox     where spam goes
 *	spam_tag          text                     what stands before its subject, for tag
 *	spam_threshold    points                   from which a message is spam
 *	spam_reject       yes | no                 may the milter refuse a message for its score
 *	spam_expire_days  days                     after which spam in the folder is removed; 0: never
 *	quota             octets, as 500M          that the mailbox may hold; 0: no limit
 *	quota_messages    number                   that it may hold; 0: no limit
 *	quota_grace_hours hours                    for which mail waits before it is refused for good
 *	domain_quota      octets                   that all mailboxes of the domain may hold together
 *	domain_quota_messages                      the same; both of a domain or of all, not of a user
 *	send_messages     burst/hour/day           messages that whoever has logged in may send
 *	send_recipients   burst/hour/day           recipients of them all; 0: no limit
 *	send_over         defer | reject           what is said to more
 *	domain_send_messages                       messages of all accounts of the domain together
 *	domain_send_recipients                     their recipients; both not of a user
 *	transport         name                     of the way that mapd tells the MTA; empty: its own; not of a
 *	                                           user
 *	forward           addresses, with commas   where mail goes on to
 *	forward_keep      yes | no                 whether the mailbox gets a copy of that, too
 *	forward_spam      yes | no                 whether spam goes on; else it is kept
 *	vacation          yes | no                 whether mail is answered, with
 *	vacation_text     text                     this, and
 *	vacation_subject  text                     this; empty: "Auto: " and that of the mail
 *	vacation_from     2026-12-24               the first and
 *	vacation_until    2027-01-06               the last day (UTC); empty: no bound
 *	vacation_days     days                     in which a sender gets one answer
 *	mailbox           maildir | handover       whether mail is handed to another server (lmtp_handover)
 *
 * NEEDSWORK: spam = digest, a daily letter with links to release, comes with the web pages.
 */
#ifndef MR_USER_SETTINGS_H
#define MR_USER_SETTINGS_H

#include "lib/store/mr_store_limits.h"

enum mr_spam_place { MR_SPAM_PLACE_FOLDER, MR_SPAM_PLACE_TAG, MR_SPAM_PLACE_INBOX };

#define MR_SPAM_TAG_MAX         40 /* octets of spam_tag */
#define MR_SPAM_EXPIRE_DAYS_MAX 3650
#define MR_SPAM_THRESHOLD_MAX   100 /* points */
#define MR_QUOTA_MAX            ((uint64_t)1 << 60) /* octets, messages */
#define MR_QUOTA_GRACE_MAX      8760 /* hours */
#define MR_SEND_MAX             1000000000 /* messages, recipients */
#define MR_TRANSPORT_MAX        32 /* octets */
#define MR_FORWARD_MAX          20 /* addresses of forward */
#define MR_VACATION_TEXT_MAX    16384 /* octets */
#define MR_VACATION_SUBJECT_MAX 200 /* octets */
#define MR_VACATION_DAYS_MAX    365

/* A place for the text of each, and for where it came from. */
enum mr_user_setting {
	MR_USER_SPAM,
	MR_USER_SPAM_TAG,
	MR_USER_SPAM_THRESHOLD,
	MR_USER_SPAM_REJECT,
	MR_USER_SPAM_EXPIRE_DAYS,
	MR_USER_QUOTA,
	MR_USER_QUOTA_MESSAGES,
	MR_USER_QUOTA_GRACE_HOURS,
	MR_USER_DOMAIN_QUOTA,
	MR_USER_DOMAIN_QUOTA_MESSAGES,
	MR_USER_SEND_MESSAGES,
	MR_USER_SEND_RECIPIENTS,
	MR_USER_SEND_OVER,
	MR_USER_DOMAIN_SEND_MESSAGES,
	MR_USER_DOMAIN_SEND_RECIPIENTS,
	MR_USER_TRANSPORT,
	MR_USER_FORWARD,
	MR_USER_FORWARD_KEEP,
	MR_USER_FORWARD_SPAM,
	MR_USER_VACATION,
	MR_USER_VACATION_TEXT,
	MR_USER_VACATION_SUBJECT,
	MR_USER_VACATION_FROM,
	MR_USER_VACATION_UNTIL,
	MR_USER_VACATION_DAYS,
	MR_USER_MAILBOX,
	MR_USER_SETTINGS,
};
enum mr_setting_scope { MR_SCOPE_DEFAULT, MR_SCOPE_ALL, MR_SCOPE_DOMAIN, MR_SCOPE_USER };

/* What may be held; 0: no limit. */
struct mr_limit {
	int64_t octets, messages;
};

struct mr_user_settings {
	enum mr_spam_place spam;
	struct mr_span spam_tag; /* UTF-8; in the caller's arena, or static */
	int spam_threshold; /* thousandths of a point */
	bool spam_reject; /* may be refused for its score */
	int spam_expire_days;
	struct mr_limit quota, domain_quota;
	int quota_grace_hours;
	struct mr_sent send[MR_LIMIT_WINDOWS], domain_send[MR_LIMIT_WINDOWS];
	bool send_reject; /* over it: for good; else it may be tried later */
	struct mr_span forward; /* addresses, separated by commas and blanks; may be empty */
	bool forward_keep, forward_spam;
	struct {
		bool on;
		struct mr_span text, subject;
		int64_t from_s, until_s; /* on while from_s <= now < until_s */
		int days;
	} vacation;
	bool handover; /* another server keeps the mailbox */
	/* As text, for people. */
	struct mr_span text[MR_USER_SETTINGS];
	enum mr_setting_scope scope[MR_USER_SETTINGS];
};

/* "spam_tag"; "domain". */
const char *mr_user_setting_name(enum mr_user_setting setting);
const char *mr_setting_scope_name(enum mr_setting_scope scope);

/* 0: name may have value; MR_ENOENT: there is no such name; MR_EINVAL: not this value. Then *why_out
 * says what would do, for people. */
MR_MUST_USE int mr_user_setting_check(struct mr_span name, struct mr_span value,
				      const char **why_out);

/* A domain has it, or all have; a user cannot have his own. */
bool mr_user_setting_is_shared(struct mr_span name);

/* A user has it; it cannot be set for a domain or for all. */
bool mr_user_setting_is_own(struct mr_span name);

/* What counts where nothing is set. */
void mr_user_settings_default(struct mr_user_settings *settings_out);

/*
 * What is in force for a user, for a domain (local empty), for all (both empty); texts are in arena.
 * Whether there is such a user or domain is not asked. A stored value that is none counts as not
 * there: another version wrote it. Errors as in mr_store.h; MR_EINVAL, MR_ELIMIT as
 * mr_store_setting_get().
 */
MR_MUST_USE int mr_user_settings_get(struct mr_store *store, struct mr_span local,
				     struct mr_span domain, struct mr_arena *arena,
				     struct mr_user_settings *settings_out);

#endif
