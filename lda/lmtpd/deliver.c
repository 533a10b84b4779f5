#include "lda/lmtpd/deliver.h"

#include <unistd.h>

#include "lda/lmtpd/head.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_random.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_name.h"

#define COPY_SIZE 65536 /* octets copied at a time from the spool */
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
static const struct mr_lmtp_reply saved = { 250, "2.0.0", "Saved" };

/* rcpt->memo: where a recipient's mail goes. */
struct target {
	const char *mailbox; /* "example.org/ann" */
	struct mr_span detail; /* behind the separator; empty: none */
	struct mr_span address; /* for Delivered-To; in lower case but for the detail */
	bool loop;
};

/* mail->memo: the message so far. */
struct message {
	bool spam;
	int write_fd, read_fd; /* of the spool; -1: all is in mail->content */
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

static int target_make(const struct mr_user *user, const struct wanted *w, struct mr_arena *arena,
		       struct target **target_out)
{
	struct target *target = mr_arena_alloc(arena, sizeof(*target));

	if (!target)
		return MR_ENOMEM;
	target->mailbox = mr_arena_printf(arena, "%.*s/%.*s", (int)user->domain.len, user->domain.p,
					  (int)user->local.len, user->local.p);
	if (!target->mailbox || mr_arena_dup(arena, w->detail, &target->detail) < 0 ||
	    address_put(w, arena, &target->address) < 0)
		return MR_ENOMEM;
	*target_out = target;
	return 0;
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
		err = target_make(&user, &w, mail->arena, &target);
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

static void look_at_header(struct mr_lmtp_mail *mail, struct message *message)
{
	struct mr_head head;

	mr_head_read(mr_buf_span(&mail->content), &head);
	message->spam = head.spam && mail->set->spam_milter;
	/* For the log. Without memory the log line is poorer, and the mail arrives. */
	if (mail->queue_id.len == 0 &&
	    mr_arena_dup(mail->arena, head.queue_id, &mail->queue_id) < 0)
		mail->queue_id = MR_SPAN("");
	for (size_t i = 0; i < mail->rcpt_count; i++) {
		struct target *target = mail->rcpt[i].memo;

		for (size_t k = 0; k < head.delivered_count && !target->loop; k++)
			target->loop = mr_span_eq_nocase(head.delivered[k], target->address);
	}
}

/* mail->memo, made at the first content, whose header is then there. */
static struct message *message_of(struct mr_lmtp_mail *mail)
{
	struct message *message = mail->memo;

	if (!message) {
		message = mr_arena_alloc(mail->arena, sizeof(*message));
		if (!message)
			return NULL;
		message->write_fd = message->read_fd = -1;
		mail->memo = message;
		look_at_header(mail, message);
	}
	return message;
}

/* A file beside the mailboxes, so that a full disk is met here, and without a name, so that a crash
 * leaves nothing. */
static int spool_open(const struct mr_deliver *d, struct message *message)
{
	char name[MR_ID_SIZE + 8] = ".spool.";
	int err;

	mr_random_id(name + strlen(name));
	if ((err = mr_create_at(d->mail_fd, name, 0600, &message->write_fd)) < 0)
		return err;
	err = mr_open_at(d->mail_fd, name, &message->read_fd);
	unlinkat(d->mail_fd, name, 0);
	return err;
}

int mr_deliver_more(const struct mr_deliver *d, struct mr_lmtp_mail *mail)
{
	struct message *message = message_of(mail);
	int err = 0;

	if (!message)
		return MR_ENOMEM;
	if (message->write_fd < 0)
		err = spool_open(d, message);
	if (err == 0)
		err = mr_write_all(message->write_fd, mr_buf_span(&mail->content));
	return err;
}

void mr_deliver_drop(const struct mr_deliver *d MR_UNUSED, struct mr_lmtp_mail *mail)
{
	struct message *message = mail->memo;

	if (!message)
		return;
	mr_close_at(&message->write_fd);
	mr_close_at(&message->read_fd);
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

static int copy_spool(const struct message *message, struct mr_maildir_file *file)
{
	char piece[COPY_SIZE];
	off_t at = 0;
	ssize_t n;
	int err = 0;

	if (message->read_fd < 0)
		return 0;
	while (err == 0 && (n = pread(message->read_fd, piece, sizeof(piece), at)) != 0) {
		if (n < 0)
			return MR_ETEMP;
		err = mr_maildir_write(file, mr_span(piece, (size_t)n));
		at += n;
	}
	return err;
}

static int write_copy(const struct mr_deliver *d, const struct mr_lmtp_mail *mail,
		      const struct target *target, int dir_fd)
{
	const struct message *message = mail->memo;
	struct mr_maildir_file file;
	MR_AUTO_BUF fields = MR_BUF(FIELDS_MAX);
	int err;

	if ((err = fields_put(mail, target, &fields)) < 0 ||
	    (err = mr_maildir_begin(dir_fd, mr_span_str(d->host), &file)) < 0)
		return err;
	if ((err = mr_maildir_write(&file, mr_buf_span(&fields))) == 0 &&
	    (err = copy_spool(message, &file)) == 0 &&
	    (err = mr_maildir_write(&file, mr_buf_span(&mail->content))) == 0)
		err = mr_maildir_commit(&file);
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

static struct mr_lmtp_reply store_one(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
				      struct mr_lmtp_rcpt *rcpt)
{
	const struct target *target = rcpt->memo;
	const struct message *message = mail->memo;
	MR_AUTO_FD inbox_fd = -1;
	MR_AUTO_FD folder_fd = -1;
	const char *folder = NULL;
	struct mr_span name = message->spam ? mr_span_str(mail->set->spam_folder) : target->detail;
	unsigned flags = message->spam ? MR_MAILDIR_CREATE : 0;
	int dir_fd, err;

	if (target->loop)
		return looping;
	if ((err = mr_maildir_open(d->mail_fd, target->mailbox, MR_MAILDIR_CREATE, &inbox_fd)) <
		    0 ||
	    (err = folder_open(inbox_fd, name, flags, mail->arena, &folder_fd, &folder)) < 0)
		return err == MR_EFULL ? full : no_mailbox;
	dir_fd = folder_fd >= 0 ? folder_fd : inbox_fd;
	if ((err = write_copy(d, mail, target, dir_fd)) < 0)
		return err == MR_EFULL ? full : not_written;
	sweep(d, dir_fd);
	rcpt->folder = folder;
	return saved;
}

void mr_deliver_store(const struct mr_deliver *d, struct mr_lmtp_mail *mail)
{
	struct message *message = message_of(mail);

	for (size_t i = 0; i < mail->rcpt_count; i++)
		mail->rcpt[i].reply = message ? store_one(d, mail, &mail->rcpt[i]) : no_memory;
}
