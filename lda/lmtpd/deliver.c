#include "lda/lmtpd/deliver.h"

#include <unistd.h>

#include "lda/lmtpd/content.h"
#include "lda/lmtpd/sorting.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_random.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_name.h"

/* Return-Path and Delivered-To: each at most a command line long. */
#define FIELDS_MAX (2 * 65536 + 64)
#define SWEEP_MAX  1000 /* names in tmp/ that are looked at */

static const struct mr_lmtp_reply no_user = { 550, "5.1.1", "No such user" };
static const struct mr_lmtp_reply no_domain = { 550, "5.1.2", "No such domain" };
static const struct mr_lmtp_reply disabled = { 450, "4.2.1", "Mailbox is disabled" };
static const struct mr_lmtp_reply no_directory = { 451, "4.3.0", "Directory of users is away" };
static const struct mr_lmtp_reply no_memory = { 451, "4.3.0", "Out of memory" };
static const struct mr_lmtp_reply accepted = { 250, "2.1.5", "OK" };
static const struct mr_lmtp_reply looping = { 554, "5.4.6",
					      "Mail loop: was delivered here before" };
static const struct mr_lmtp_reply no_mailbox = { 451, "4.2.0", "Mailbox cannot be opened now" };
static const struct mr_lmtp_reply not_written = { 451, "4.2.0", "Message cannot be stored now" };
/* RFC 3463 3.4: mail system full. Nobody knows whose quota it is that the file system enforces. */
static const struct mr_lmtp_reply full = { 452, "4.3.1", "No space left to store mail" };
/* RFC 3463 3.8: delivery not authorized. It is answered to our MTA alone, which is told of a drop. */
static const struct mr_lmtp_reply blocked = { 550, "5.7.1", "Sender is blocked by the recipient" };
static const struct mr_lmtp_reply dropped = { 250, "2.0.0", "Dropped: sender is blocked" };
static const struct mr_lmtp_reply no_lists = { 451, "4.3.0", "Lists of senders are away" };
static const struct mr_lmtp_reply saved = { 250, "2.0.0", "Saved" };

/* rcpt->memo: where a recipient's mail goes. */
struct target {
	const char *mailbox; /* "example.org/ann" */
	struct mr_span detail; /* behind the separator; empty: none */
	struct mr_span address; /* for Delivered-To; in lower case but for the detail */
	struct mr_span local, domain;
	struct mr_user_settings settings;
	bool loop;
};

/* -- recipients ------------------------------------------------------------------------------- */

/* What is looked up, and what it would mean. */
struct wanted {
	char domain[MR_NAME_DOMAIN_MAX + 1], local[MR_NAME_LOCAL_MAX + 1];
	struct mr_span detail;
	char separator;
};

static int find(const struct mr_deliver *d, const struct wanted *w, struct mr_arena *arena,
		struct mr_user *user_out)
{
	return d->directory.find(d->directory.arg, mr_span_str(w->local), mr_span_str(w->domain),
				 arena, user_out);
}

/* Where the user's part of local ends: the first separator that is neither first nor absent. */
static size_t detail_at(struct mr_span local, const char *separators)
{
	for (size_t i = 1; i < local.len; i++) {
		if (strchr(separators, local.p[i]))
			return i;
	}
	return local.len;
}

/* The user of the whole local part, or of what stands before the separator. MR_ENOENT; what the
 * directory returns. */
static int find_user(const struct mr_deliver *d, const char *separators, struct mr_span local,
		     struct wanted *w, struct mr_arena *arena, struct mr_user *user_out)
{
	size_t at = separators[0] ? detail_at(local, separators) : local.len;
	int err = MR_ENOENT;

	/* A name that no user can have is nobody's. */
	if (mr_name_local(local, w->local) > 0)
		err = find(d, w, arena, user_out);
	if (err == MR_ENOENT && at < local.len &&
	    mr_name_local(mr_span_sub(local, 0, at), w->local) > 0) {
		err = find(d, w, arena, user_out);
		w->detail = mr_span_sub(local, at + 1, local.len);
		w->separator = local.p[at];
	}
	return err;
}

/* The field's value must be one line that is read as it was written. */
static int address_put(const struct wanted *w, struct mr_arena *arena, struct mr_span *address_out)
{
	MR_AUTO_BUF local = MR_BUF(FIELDS_MAX);
	MR_AUTO_BUF address = MR_BUF(FIELDS_MAX);

	(void)mr_buf_adds(&local, w->local);
	if (w->separator) {
		(void)mr_buf_addc(&local, w->separator);
		(void)mr_buf_add(&local, w->detail);
	}
	mr_smtp_path_put(&address, mr_buf_span(&local), mr_span_str(w->domain));
	if (mr_buf_err(&local) < 0 || mr_buf_err(&address) < 0)
		return MR_ENOMEM;
	return mr_arena_dup(arena, mr_buf_span(&address), address_out);
}

static int target_make(const struct mr_deliver *d, const struct mr_user *user,
		       const struct wanted *w, struct mr_arena *arena, struct target **target_out)
{
	struct target *target = mr_arena_alloc(arena, sizeof(*target));

	if (!target)
		return MR_ENOMEM;
	target->mailbox = mr_arena_printf(arena, "%.*s/%.*s", (int)user->domain.len, user->domain.p,
					  (int)user->local.len, user->local.p);
	if (!target->mailbox || mr_arena_dup(arena, w->detail, &target->detail) < 0 ||
	    address_put(w, arena, &target->address) < 0)
		return MR_ENOMEM;
	target->local = user->local;
	target->domain = user->domain;
	*target_out = target;
	return d->directory.settings(d->directory.arg, user->local, user->domain, arena,
				     &target->settings);
}

void mr_deliver_rcpt(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
		     struct mr_lmtp_rcpt *rcpt)
{
	struct mr_span domain = rcpt->path.domain;
	struct wanted w = { .separator = 0 };
	struct target *target = NULL;
	struct mr_user user;
	int err;

	if (domain.len == 0)
		domain = mr_span_str(mail->set->lmtp_default_domain);
	if (mr_name_domain(domain, w.domain) <= 0) {
		rcpt->reply = no_domain;
		return;
	}
	err = find_user(d, mail->set->recipient_separator, rcpt->path.local, &w, mail->arena,
			&user);
	if (err == 0 && !user.disabled)
		err = target_make(d, &user, &w, mail->arena, &target);
	rcpt->memo = target;
	if (err == MR_ENOENT)
		rcpt->reply = no_user;
	else if (err == MR_ENOMEM)
		rcpt->reply = no_memory;
	else if (err < 0)
		rcpt->reply = no_directory;
	else if (user.disabled)
		rcpt->reply = disabled;
	else
		rcpt->reply = accepted;
}

/* -- content ---------------------------------------------------------------------------------- */

/* Made at the first content, whose header is then there. NULL: out of memory. */
static struct mr_content *content_of(struct mr_lmtp_mail *mail)
{
	struct mr_head head;
	bool made;
	struct mr_content *c = mr_content_of(mail, &head, &made);

	for (size_t i = 0; c && made && i < mail->rcpt_count; i++) {
		struct target *target = mail->rcpt[i].memo;

		for (size_t k = 0; k < head.delivered_count && !target->loop; k++)
			target->loop = mr_span_eq_nocase(head.delivered[k], target->address);
	}
	return c;
}

int mr_deliver_more(const struct mr_deliver *d, struct mr_lmtp_mail *mail)
{
	struct mr_content *c = content_of(mail);

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
static int fields_put(const struct mr_lmtp_mail *mail, const struct target *target,
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

static int write_copy(const struct mr_deliver *d, const struct mr_lmtp_mail *mail,
		      const struct target *target, const struct mr_sorting *sorting, int dir_fd,
		      const char *folder)
{
	struct mr_maildir_file file;
	MR_AUTO_BUF fields = MR_BUF(FIELDS_MAX);
	int err;

	if ((err = fields_put(mail, target, &fields)) < 0 ||
	    (err = mr_maildir_begin(dir_fd, mr_span_str(d->host), &file)) < 0)
		return err;
	if ((err = mr_maildir_write(&file, mr_buf_span(&fields))) == 0 &&
	    (err = mr_sort_copy(mail, &target->settings, sorting, &file)) == 0)
		err = mr_maildir_commit(&file);
	if (err == 0 && d->wake)
		mr_wake_tell(d->wake, &mail->set->lmtp_wake, target->local, target->domain, folder,
			     file.name);
	mr_maildir_abort(&file);
	return err;
}

/* The message is stored; what becomes of old leftovers changes nothing in the answer. */
static void sweep(const struct mr_deliver *d, int dir_fd)
{
	uint32_t die;

	if (d->sweep_every == 0)
		return;
	mr_random(&die, sizeof(die));
	if (die % d->sweep_every == 0)
		(void)!mr_maildir_sweep(dir_fd, d->clock.time_s(d->clock.arg), SWEEP_MAX);
}

/* Where there is no memory for it, the log says less. */
static void tell_score(struct mr_arena *arena, const struct mr_sorting *s,
		       struct mr_lmtp_rcpt *rcpt)
{
	if (!s->scored)
		return;
	rcpt->score = mr_arena_printf(arena, "%.3f", s->score / 1000.0);
	if (s->score != s->shared)
		rcpt->shared = mr_arena_printf(arena, "%.3f", s->shared / 1000.0);
}

/* The sender, by the recipient's lists. True: that was the last word, and rcpt->reply is set. */
static bool turned_away(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
			struct mr_lmtp_rcpt *rcpt, struct mr_sender_says *says)
{
	const struct target *target = rcpt->memo;
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
	return true;
}

static struct mr_lmtp_reply store_one(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
				      struct mr_lmtp_rcpt *rcpt)
{
	const struct target *target = rcpt->memo;
	MR_AUTO_FD inbox_fd = -1;
	MR_AUTO_FD folder_fd = -1;
	const char *folder = NULL;
	struct mr_span name = target->detail;
	struct mr_sorting sorting;
	struct mr_sender_says says;
	unsigned flags = 0;
	int dir_fd, err;

	if (target->loop)
		return looping;
	if (turned_away(d, mail, rcpt, &says))
		return rcpt->reply;
	mr_sort(mail, &target->settings, target->local, target->domain, d->judge, says.action,
		&sorting);
	tell_score(mail->arena, &sorting, rcpt);
	if (sorting.filed) {
		name = mr_span_str(mail->set->spam_folder);
		flags = MR_MAILDIR_CREATE;
	}
	if ((err = mr_maildir_open(d->mail_fd, target->mailbox, MR_MAILDIR_CREATE, &inbox_fd)) <
		    0 ||
	    (err = folder_open(inbox_fd, name, flags, mail->arena, &folder_fd, &folder)) < 0)
		return err == MR_EFULL ? full : no_mailbox;
	dir_fd = folder_fd >= 0 ? folder_fd : inbox_fd;
	if ((err = write_copy(d, mail, target, &sorting, dir_fd, folder)) < 0)
		return err == MR_EFULL ? full : not_written;
	sweep(d, dir_fd);
	if (d->expiry && target->settings.spam_expire_days > 0)
		mr_expiry_put(d->expiry, target->mailbox, target->settings.spam_expire_days,
			      d->clock.time_s(d->clock.arg));
	rcpt->folder = folder;
	return saved;
}

void mr_deliver_store(const struct mr_deliver *d, struct mr_lmtp_mail *mail)
{
	struct mr_content *c = content_of(mail);

	for (size_t i = 0; i < mail->rcpt_count; i++)
		mail->rcpt[i].reply = c ? store_one(d, mail, &mail->rcpt[i]) : no_memory;
}
