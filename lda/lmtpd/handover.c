#include "lda/lmtpd/handover.h"

#include <errno.h>
#include <unistd.h>

#include "lda/lmtpd/content.h"
#include "lda/lmtpd/deliver.h"
#include "lda/lmtpd/forward.h"
#include "lda/lmtpd/mark.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"

#define ADDRESS_MAX 65536
#define MARK_MAX    4096

static const struct mr_lmtp_reply no_memory = { 451, "4.3.0", "Out of memory" };
static const struct mr_lmtp_reply not_written = { 451, "4.3.0", "Message cannot be kept now" };
static const struct mr_lmtp_reply full = { 452, "4.3.1", "No space left to keep mail" };

/* user+detail@domain, as it stands in a path. */
static int address_put(const struct mr_lmtp_mail *mail, const struct mr_target *target,
		       struct mr_span detail, struct mr_buf *out)
{
	MR_AUTO_BUF local = MR_BUF(ADDRESS_MAX);

	(void)mr_buf_add(&local, target->local);
	if (detail.len > 0 && mail->set->recipient_separator[0]) {
		(void)mr_buf_addc(&local, mail->set->recipient_separator[0]);
		(void)mr_buf_add(&local, detail);
	}
	if (mr_buf_err(&local) < 0)
		return mr_buf_err(&local);
	mr_smtp_path_put(out, mr_buf_span(&local), target->domain);
	return mr_buf_err(out);
}

static int read_copy(void *arg, char *to, size_t size, size_t *len_out)
{
	const int *fd = arg;
	ssize_t n;

	while ((n = read(*fd, to, size)) < 0 && errno == EINTR)
		;
	*len_out = n > 0 ? (size_t)n : 0;
	return n < 0 ? mr_err_from_errno(errno) : 0;
}

/* His copy, as it would lie in his mailbox, to be read from its start. */
static int copy_make(const struct mr_deliver *d, const struct mr_lmtp_mail *mail,
		     const struct mr_target *target, const struct mr_sorting *sorting, int *fd_out,
		     uint64_t *size_out)
{
	MR_AUTO_FD write_fd = -1;
	struct mr_maildir_file file;
	int err = mr_content_scratch(d->mail_fd, &write_fd, fd_out);

	if (err < 0)
		return err;
	mr_maildir_onto(write_fd, &file);
	err = mr_sort_copy(mail, &target->settings, sorting, &file);
	if (err == 0 && lseek(*fd_out, 0, SEEK_SET) < 0)
		err = mr_err_from_errno(errno);
	*size_out = file.size;
	return err;
}

bool mr_handover(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
		 const struct mr_target *target, const struct mr_sorting *sorting,
		 const struct mr_sender_says *says, struct mr_lmtp_reply *reply_out)
{
	struct mr_span detail =
		sorting->filed ? mr_span_str(mail->set->spam_folder) : target->detail;
	MR_AUTO_BUF address = MR_BUF(ADDRESS_MAX);
	MR_AUTO_BUF mark = MR_BUF(MARK_MAX);
	MR_AUTO_FD fd = -1;
	const char *folder = mr_arena_strz(mail->arena, detail.len > 0 ? detail : MR_SPAN("INBOX"));
	struct mr_own_answer answer;
	struct mr_own_mail own = {
		.from = mail->mail.from.text,
		.to_count = 1,
		.utf8 = mail->mail.smtputf8,
		.read = read_copy,
		.arg = &fd,
	};
	struct mr_span to;
	int err = address_put(mail, target, detail, &address);

	if (err == 0 && !folder)
		err = MR_ENOMEM;
	if (err == 0) {
		mr_mark_put(sorting, says, folder, &mark);
		err = mr_buf_err(&mark);
	}
	if (err == 0)
		err = copy_make(d, mail, target, sorting, &fd, &own.size);
	if (err < 0) {
		*reply_out = err == MR_ENOMEM || err == MR_ELIMIT ? no_memory
			     : err == MR_EFULL                    ? full
								  : not_written;
		return false;
	}
	to = mr_buf_span(&address);
	own.to = &to;
	own.head = mr_buf_span(&mark);
	own.size += mark.len;
	err = mr_own_send(d->handover, &own, &answer);
	mr_forward_reply(&answer, "Handed over", "Not handed over", mail->arena, reply_out);
	return err == 0;
}
