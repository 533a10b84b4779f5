/* Quotas of a recipient: quota.h, for those that recipient.h names. */
#include "lda/lmtpd/deliver.h"

static struct mr_quota_owner owner_of(const struct mr_target *target)
{
	return (struct mr_quota_owner){ target->local, target->domain, &target->settings,
					target->mailbox };
}

bool mr_recipient_has_room(const struct mr_deliver *d, const struct mr_lmtp_mail *mail,
			   const struct mr_target *target, int inbox_fd, int64_t size,
			   struct mr_lmtp_reply *reply_out)
{
	const struct mr_quota_owner owner = owner_of(target);

	return !d->quota || mr_quota_admits(d->quota, &owner, d->mail_fd, inbox_fd, size,
					    mail->mail.from.text.len == 0, reply_out);
}

void mr_recipient_stored(const struct mr_deliver *d, const struct mr_target *target, int inbox_fd,
			 int64_t octets)
{
	const struct mr_quota_owner owner = owner_of(target);

	if (d->quota)
		mr_quota_stored(d->quota, &owner, inbox_fd, octets);
}
