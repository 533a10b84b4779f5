#include "lda/lmtpd/deliver.h"

#include <unistd.h>

#include "lda/lmtpd/content.h"
#include "lda/lmtpd/forward.h"
#include "lda/lmtpd/handover.h"
#include "lda/lmtpd/mark.h"
#include "lda/lmtpd/sorting.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_random.h"
#include "lib/mail/mr_maildir.h"

/* Return-Path and Delivered-To: each at most a command line long. */
#define FIELDS_MAX (2 * 65536 + 4096)
#define SWEEP_MAX  1000 /* names in tmp/ that are looked at */

static const struct mr_lmtp_reply no_memory = { 451, "4.3.0", "Out of memory" };
static const struct mr_lmtp_reply looping = { 554, "5.4.6",
					      "Mail loop: was delivered here before" };
static const struct mr_lmtp_reply no_mailbox = { 451, "4.2.0", "Mailbox cannot be opened now" };
static const struct mr_lmtp_reply not_written = { 451, "4.2.0", "Message cannot be stored now" };
/* RFC 3463 3.4: mail system full. Nobody knows whose quota it is that the file system enforces. */
static const struct mr_lmtp_reply full = { 452, "4.3.1", "No space left to store mail" };
/* RFC 3463 3.8: delivery not authorized. It is answered to our MTA alone, which is told of a drop. */
static const struct mr_lmtp_reply blocked = { 550, "5.7.1", "Sender is blocked by the recipient" };
static const struct mr_lmtp_reply dropped = { 250, "2.0.0", "Dropped: sender is blocked" };
/* RFC 3463 3.7: message content; waiting would not change it. */
static const struct mr_lmtp_reply forged = {
	554, "5.6.0", "More fields X-Millrace-Delivery than can be removed"
};
static const struct mr_lmtp_reply no_lists = { 451, "4.3.0", "Lists of senders are away" };
/* Nobody here can keep it. RFC 3463 3.8: refused by policy. */
static const struct mr_lmtp_reply no_spam = { 550, "5.7.1", "Spam is not sent on" };
static const struct mr_lmtp_reply saved = { 250, "2.0.0", "Saved" };

/* -- content ---------------------------------------------------------------------------------- */

/* Where somebody wants it; without memory for it nobody is answered. */
static void vacation_look(struct mr_lmtp_mail *mail, struct mr_content *c)
{
	struct mr_vacation_mail *v;
	size_t i = 0;

	while (i < mail->rcpt_count &&
	       !((struct mr_target *)mail->rcpt[i].memo)->settings.vacation.on)
		i++;
	if (i < mail->rcpt_count && (v = mr_arena_alloc(mail->arena, sizeof(*v))) &&
	    mr_vacation_read(mr_buf_span(&mail->content), mail->arena, v) == 0)
		c->vacation = v;
}

/* Made at the first content, whose header is then there. NULL: out of memory. */
static struct mr_content *content_of(const struct mr_deliver *d, struct mr_lmtp_mail *mail)
{
	struct mr_head head;
	bool made;
	struct mr_content *c = mr_content_of(mail, &head, &made);

	for (size_t i = 0; c && made && i < mail->rcpt_count; i++)
		mr_recipient_look(mail->rcpt[i].memo, &head);
	if (c && made && d->vacation)
		vacation_look(mail, c);
	return c;
}

int mr_deliver_more(const struct mr_deliver *d, struct mr_lmtp_mail *mail)
{
	struct mr_content *c = content_of(d, mail);

	return c ? mr_content_spool(mail, c, d->mail_fd) : MR_ENOMEM;
}

void mr_deliver_drop(const struct mr_deliver *d, struct mr_lmtp_mail *mail)
{
	struct mr_content *c = mail->memo;

	if (!c)
		return;
	if (d->judge)
		mr_judge_forget(d->judge, &c->judged);
	mr_content_done(c);
	mail->memo = NULL;
}

/* -- mailboxes -------------------------------------------------------------------------------- */

/* RFC 5321 4.4: Return-Path is the first line. Text of a path holds no control characters. */
static int fields_put(const struct mr_lmtp_mail *mail, const struct mr_target *target,
		      struct mr_buf *out)
{
	(void)mr_buf_adds(out, "Return-Path: <");
	(void)mr_buf_add(out, mail->mail.from.text);
	(void)mr_buf_adds(out, ">\nDelivered-To: ");
	(void)mr_buf_add(out, target->address);
	(void)mr_buf_adds(out, "\n");
	return mr_buf_err(out);
}

/* A folder that cannot be, or is not there, is INBOX; which of the two it became is in *folder_out. */
static int folder_open(int inbox_fd, struct mr_span name, unsigned flags, struct mr_arena *arena,
		       int *fd_out, const char **folder_out)
{
	int err = MR_ENOENT;

	if (name.len > 0)
		err = mr_maildir_folder(inbox_fd, name, flags, fd_out);
	if (err == 0) {
		*folder_out = mr_arena_strz(arena, name);
		return *folder_out ? 0 : MR_ENOMEM;
	}
	if (err != MR_ENOENT && err != MR_EINVAL && err != MR_ELIMIT)
		return err;
	*folder_out = "INBOX";
	return 0;
}

/* For the recipient: where his copy goes, and what becomes of the message besides. */
struct copy {
	struct mr_sender_says says;
	struct mr_sorting sorting;
	bool onward; /* it goes on to others, too */
	int inbox_fd; /* of his mailbox */
	const char *folder;
	struct mr_lmtp_reply reply;
};

/* Where it is written. */
struct place {
	int dir_fd; /* folder below mail_dir; -1: it is in the home of a system user: */
	struct mr_span name; /* of his folder */
	unsigned flags; /* enum mr_homes_flags */
	struct mr_homes_writer writer;
};

static int place_begin(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
		       const struct mr_target *target, struct place *place, struct copy *copy,
		       struct mr_maildir_file *file)
{
	bool inbox;
	int err;

	if (place->dir_fd >= 0)
		return mr_maildir_begin(place->dir_fd, mr_span_str(d->host), file);
	err = mr_homes_begin(d->homes, target->local, place->name, place->flags,
			     mr_span_str(d->host), &place->writer, file, &inbox);
	if (err < 0)
		return err;
	copy->folder = inbox ? "INBOX" : mr_arena_strz(mail->arena, place->name);
	return copy->folder ? 0 : MR_ENOMEM;
}

static int place_commit(struct place *place, struct mr_maildir_file *file)
{
	return place->dir_fd >= 0 ? mr_maildir_commit(file) : mr_homes_commit(&place->writer, file);
}

/* Refused for good by those that it was to go on to: the mailbox has it all the same, and the log says so. A
 * bounce would tell the sender of addresses that are none of his business. */
static bool refused(struct copy *copy)
{
	if (copy->reply.code < 500)
		return false;
	copy->reply.code = saved.code;
	copy->reply.status = saved.status;
	return true;
}

/*
 * On disk, then on to others, then into new/: so it is told as taken only when both are sure, and a retry
 * makes doubles only where we died in between. False: copy->reply says why.
 */
static bool write_copy(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
		       const struct mr_target *target, struct copy *copy, struct place *place)
{
	struct mr_maildir_file file = { .fd = -1, .tmp_fd = -1 };
	MR_AUTO_BUF fields = MR_BUF(FIELDS_MAX);
	bool sent = true;
	int err;

	copy->reply = saved;
	if ((err = fields_put(mail, target, &fields)) == 0 &&
	    (err = place_begin(d, mail, target, place, copy, &file)) == 0) {
		mr_mark_put(&copy->sorting, &copy->says, copy->folder, &fields);
		if ((err = mr_buf_err(&fields)) == 0 &&
		    (err = mr_maildir_write(&file, mr_buf_span(&fields))) == 0 &&
		    (err = mr_sort_copy(mail, &target->settings, &copy->sorting, &file)) == 0 &&
		    copy->onward && (err = mr_maildir_sync(&file)) == 0)
			sent = mr_forward(d, mail, target, &copy->reply) || refused(copy);
		if (err == 0 && sent)
			err = place_commit(place, &file);
		if (err == 0 && sent && place->dir_fd >= 0)
			mr_recipient_stored(d, target, copy->inbox_fd, (int64_t)file.size);
		if (err == 0 && sent && d->wake)
			mr_wake_tell(d->wake, &mail->set->lmtp_wake, target->local, target->domain,
				     copy->folder, file.name);
	}
	mr_maildir_abort(&file);
	mr_homes_end(&place->writer);
	if (err < 0)
		copy->reply = err == MR_EFULL ? full : not_written;
	return err == 0 && sent;
}

static bool sweep_due(const struct mr_deliver *d)
{
	uint32_t die;

	if (d->sweep_every == 0)
		return false;
	mr_random(&die, sizeof(die));
	return die % d->sweep_every == 0;
}

/* The message is stored; what becomes of old leftovers changes nothing in the answer. */
static void sweep(const struct mr_deliver *d, int dir_fd)
{
	if (sweep_due(d))
		(void)!mr_maildir_sweep(dir_fd, d->clock.time_s(d->clock.arg), SWEEP_MAX);
}

/* The sender, by the recipient's lists. True: that was the last word, and rcpt->reply is set. */
static bool turned_away(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
			struct mr_lmtp_rcpt *rcpt, struct mr_sender_says *says)
{
	static const struct mr_sorting by_block = { .reason = MR_REASON_BLOCK };
	const struct mr_target *target = rcpt->memo;
	int err = 0;

	says->action = MR_SENDER_NONE;
	if (d->lists)
		err = mr_lists_ask(d->lists, mail, target->local, target->domain, rcpt->path.domain,
				   says);
	if (err < 0)
		rcpt->reply = err == MR_ENOMEM ? no_memory : err == MR_EFULL ? full : no_lists;
	else if (says->action == MR_SENDER_REJECT)
		rcpt->reply = blocked;
	else if (says->action == MR_SENDER_DROP)
		rcpt->reply = dropped;
	else
		return false;
	if (err == 0)
		mr_mark_tell(mail->arena, &by_block, says, rcpt);
	return true;
}

/* name: of his folder; filed: it is made where it is missing. */
static struct mr_lmtp_reply store_home(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
				       struct mr_lmtp_rcpt *rcpt, struct copy *copy,
				       struct mr_span name)
{
	struct place place = { .dir_fd = -1, .name = name, .writer = { -1 } };
	struct mr_target *target = rcpt->memo;

	place.flags =
		(copy->sorting.filed ? MR_HOMES_CREATE : 0u) | (sweep_due(d) ? MR_HOMES_SWEEP : 0u);
	if (!write_copy(d, mail, target, copy, &place))
		return copy->reply;
	rcpt->folder = copy->folder;
	mr_vacation_answer(d, mail, target, copy->sorting.spam);
	return copy->reply;
}

static struct mr_lmtp_reply store_one(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
				      struct mr_lmtp_rcpt *rcpt)
{
	struct mr_target *target = rcpt->memo;
	MR_AUTO_FD inbox_fd = -1;
	MR_AUTO_FD folder_fd = -1;
	struct mr_span name = target->detail;
	struct copy copy = { .folder = NULL };
	unsigned flags = 0;
	struct place place = { .writer = { -1 } };
	int err;

	if (target->loop)
		return looping;
	if (!((const struct mr_content *)mail->memo)->foreign)
		return forged;
	copy.says.action = MR_SENDER_NONE;
	if (target->mailbox && turned_away(d, mail, rcpt, &copy.says))
		return rcpt->reply;
	mr_sort(mail, &target->settings, target->local, target->domain,
		target->mailbox ? d->judge : NULL, copy.says.action, &copy.sorting);
	mr_mark_tell(mail->arena, &copy.sorting, &copy.says, rcpt);
	copy.onward = mr_forward_goes(target, copy.sorting.spam);
	if (copy.onward && !target->keep) {
		if (mr_forward(d, mail, target, &copy.reply) && target->mailbox)
			mr_vacation_answer(d, mail, target, copy.sorting.spam);
		return copy.reply;
	}
	if (!target->mailbox)
		return no_spam;
	if (target->settings.handover) {
		/* The mailbox first: a double in it, should the rest fail, is a nuisance to its owner alone. */
		if (mr_handover(d, mail, target, &copy.sorting, &copy.says, &copy.reply) &&
		    copy.onward && !mr_forward(d, mail, target, &copy.reply))
			(void)refused(&copy);
		return copy.reply;
	}
	if (copy.sorting.filed) {
		name = mr_span_str(mail->set->spam_folder);
		flags = MR_MAILDIR_CREATE;
	}
	if (mr_homes_has(d->homes, target->domain))
		return store_home(d, mail, rcpt, &copy, name);
	if ((err = mr_maildir_open(d->mail_fd, target->mailbox, MR_MAILDIR_CREATE, &inbox_fd)) <
		    0 ||
	    (err = folder_open(inbox_fd, name, flags, mail->arena, &folder_fd, &copy.folder)) < 0)
		return err == MR_EFULL ? full : no_mailbox;
	place.dir_fd = folder_fd >= 0 ? folder_fd : inbox_fd;
	copy.inbox_fd = inbox_fd;
	if (!mr_recipient_has_room(d, mail, target, inbox_fd, (int64_t)mail->size, &copy.reply)) {
		rcpt->reason = "quota";
		return copy.reply;
	}
	if (!write_copy(d, mail, target, &copy, &place))
		return copy.reply;
	sweep(d, place.dir_fd);
	if (d->expiry && target->settings.spam_expire_days > 0)
		mr_expiry_put(d->expiry, target->mailbox, target->settings.spam_expire_days,
			      d->clock.time_s(d->clock.arg));
	rcpt->folder = copy.folder;
	mr_vacation_answer(d, mail, target, copy.sorting.spam);
	return copy.reply;
}

void mr_deliver_store(const struct mr_deliver *d, struct mr_lmtp_mail *mail)
{
	struct mr_content *c = content_of(d, mail);

	for (size_t i = 0; i < mail->rcpt_count; i++)
		mail->rcpt[i].reply = c ? store_one(d, mail, &mail->rcpt[i]) : no_memory;
}
