#include "lda/lmtpd/quota.h"

#include <pthread.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_maildirsize.h"

/* RFC 3463 3.3: mailbox full; message length exceeds administrative limit. */
static const struct mr_lmtp_reply user_full = { 452, "4.2.2", "Mailbox is full" };
static const struct mr_lmtp_reply domain_full = { 452, "4.2.2",
						  "Mailboxes of this domain are full" };
static const struct mr_lmtp_reply user_refused = { 552, "5.2.2", "Mailbox is full" };
static const struct mr_lmtp_reply domain_refused = { 552, "5.2.2",
						     "Mailboxes of this domain are full" };
static const struct mr_lmtp_reply too_large = { 552, "5.2.3",
						"Message is larger than the mailbox may be" };
static const struct mr_lmtp_reply no_mailbox = { 451, "4.2.0", "Mailbox cannot be read now" };

struct mr_quota {
	struct mr_store *store;
	struct mr_quota_sums *sums;
	struct mr_clock clock;
	pthread_mutex_t lock;
	size_t touched;
	struct mr_usage_row row[MR_QUOTA_TOUCHED_MAX];
};

struct mr_quota *mr_quota_new(struct mr_store *store, struct mr_clock clock)
{
	struct mr_quota *quota = mr_calloc(1, sizeof(*quota));

	if (!quota)
		return NULL;
	quota->store = store;
	quota->clock = clock;
	MR_ASSERT(pthread_mutex_init(&quota->lock, NULL) == 0);
	quota->sums = mr_quota_sums_new(store, clock);
	if (!quota->sums) {
		mr_quota_free(quota);
		return NULL;
	}
	return quota;
}

void mr_quota_free(struct mr_quota *quota)
{
	if (!quota)
		return;
	mr_quota_sums_free(quota->sums);
	pthread_mutex_destroy(&quota->lock);
	mr_free(quota);
}

/* -- may it come ------------------------------------------------------------------------------ */

static int user_used(const struct mr_quota *quota, const struct mr_quota_owner *owner, int mail_fd,
		     int inbox_fd, struct mr_usage *used_out)
{
	const struct mr_maildir_sum limit = { owner->settings->quota.octets,
					      owner->settings->quota.messages };
	MR_AUTO_FD own_fd = -1;
	struct mr_maildirsize size;
	int err = 0;

	if (inbox_fd < 0) {
		err = mr_maildir_open(mail_fd, owner->mailbox, 0, &own_fd);
		inbox_fd = own_fd;
	}
	if (err == 0)
		err = mr_maildirsize_get(inbox_fd, limit, quota->clock.time_s(quota->clock.arg),
					 &size);
	if (err == MR_ENOENT) {
		*used_out = (struct mr_usage){ 0, 0 };
		return 0;
	}
	if (err == 0)
		*used_out = (struct mr_usage){ size.used.octets, size.used.messages };
	return err;
}

/* Since when, and so whether it is over for good. What the store does not tell is no reason to refuse
 * mail for good. */
static bool refuses(const struct mr_quota *quota, const struct mr_quota_owner *owner, bool whole)
{
	struct mr_span local = whole ? MR_SPAN("") : owner->local;
	int64_t now_s = quota->clock.time_s(quota->clock.arg), since_s = 0;
	struct mr_over user, domain;
	int err = mr_store_over_get(quota->store, owner->local, owner->domain, &user, &domain);

	if (err == 0)
		since_s = whole ? domain.since_s : user.since_s;
	if (err == 0 && since_s == 0)
		err = mr_store_over_begin(quota->store, local, owner->domain, now_s, &since_s);
	return err == 0 && mr_quota_grace_over(since_s, owner->settings->quota_grace_hours, now_s);
}

bool mr_quota_admits(struct mr_quota *quota, const struct mr_quota_owner *owner, int mail_fd,
		     int inbox_fd, int64_t size, bool no_sender, struct mr_lmtp_reply *reply_out)
{
	struct mr_quota_ask ask = { .user = owner->settings->quota,
				    .domain = owner->settings->domain_quota,
				    .size = size,
				    .no_sender = no_sender };

	if (!mr_limit_is_none(ask.user) &&
	    user_used(quota, owner, mail_fd, inbox_fd, &ask.user_used) < 0) {
		*reply_out = no_mailbox;
		return false;
	}
	/* Not known: nothing is used. */
	if (!mr_limit_is_none(ask.domain))
		(void)!mr_quota_sums_get(quota->sums, owner->domain, &ask.domain_used);
	switch (mr_quota_fits(&ask)) {
	case MR_QUOTA_FITS:
		return true;
	case MR_QUOTA_USER_FULL:
		*reply_out = refuses(quota, owner, false) ? user_refused : user_full;
		break;
	case MR_QUOTA_DOMAIN_FULL:
		*reply_out = refuses(quota, owner, true) ? domain_refused : domain_full;
		break;
	case MR_QUOTA_NEVER_FITS:
		*reply_out = too_large;
		break;
	}
	return false;
}

/* -- what came -------------------------------------------------------------------------------- */

static bool same(const struct mr_usage_row *a, const struct mr_usage_row *b)
{
	return strcmp(a->local, b->local) == 0 && strcmp(a->domain, b->domain) == 0;
}

/* Locked. False: there is no room. */
static bool put(struct mr_quota *quota, const struct mr_usage_row *row)
{
	for (size_t i = 0; i < quota->touched; i++) {
		if (same(&quota->row[i], row))
			return true;
	}
	if (quota->touched == MR_QUOTA_TOUCHED_MAX)
		return false;
	quota->row[quota->touched++] = *row;
	return true;
}

void mr_quota_stored(struct mr_quota *quota, const struct mr_quota_owner *owner, int inbox_fd,
		     int64_t octets)
{
	const bool counted = !mr_limit_is_none(owner->settings->quota) ||
			     !mr_limit_is_none(owner->settings->domain_quota);
	struct mr_usage_row row = { .settled = false };
	bool room;
	int err = mr_maildirsize_add(inbox_fd, (struct mr_maildir_sum){ octets, 1 });

	if (err < 0 && err != MR_ENOENT)
		mr_log(MR_LOG_WARN, "maildirsize not written", MR_KV("mailbox", owner->mailbox),
		       MR_KV_ERR(err));
	/* Without a limit, and without a file, nobody asks what he has. */
	if (err == MR_ENOENT && !counted)
		return;
	if (mr_span_copyz(owner->local, row.local, sizeof(row.local)) < 0 ||
	    mr_span_copyz(owner->domain, row.domain, sizeof(row.domain)) < 0)
		return; /* the directory has no such names */
	mr_quota_sums_add(quota->sums, owner->domain, (struct mr_usage){ octets, 1 });
	pthread_mutex_lock(&quota->lock);
	room = put(quota, &row);
	pthread_mutex_unlock(&quota->lock);
	if (!room && (err = mr_store_usage_touch(quota->store, &row, 1)) < 0)
		mr_log(MR_LOG_WARN, "usage not noted: recount it", MR_KV("mailbox", owner->mailbox),
		       MR_KV_ERR(err));
}

size_t mr_quota_touched(struct mr_quota *quota, struct mr_usage_row *rows_out, size_t count_max)
{
	size_t count;

	pthread_mutex_lock(&quota->lock);
	count = quota->touched < count_max ? quota->touched : count_max;
	quota->touched -= count;
	memcpy(rows_out, quota->row + quota->touched, count * sizeof(*rows_out));
	pthread_mutex_unlock(&quota->lock);
	return count;
}

void mr_quota_untaken(struct mr_quota *quota, const struct mr_usage_row *rows, size_t count)
{
	size_t lost = 0;

	pthread_mutex_lock(&quota->lock);
	for (size_t i = 0; i < count; i++)
		lost += !put(quota, &rows[i]);
	pthread_mutex_unlock(&quota->lock);
	if (lost > 0)
		mr_log(MR_LOG_WARN, "usage not noted: recount it",
		       MR_KV_INT("mailboxes", (int64_t)lost));
}
