#include "lda/lmtpd/warning.h"

#include <inttypes.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_letter.h"

#define LETTER_MAX  65536 /* octets */
#define ADDRESS_MAX 1024

const char mr_warning_user[] =
	"Your mailbox is %{percent} % full\n"
	"\n"
	"Your mailbox %{address} is %{percent} % full: it holds %{used} of %{limit},\n"
	"and %{messages} messages of %{messages_limit}.\n"
	"\n"
	"Once it is full, new mail waits for a while and is then sent back.\n"
	"To make room, delete messages you no longer need, and empty the Trash folder:\n"
	"what lies there counts, too.\n";

const char mr_warning_domain[] =
	"The mailboxes of %{address} are %{percent} % full\n"
	"\n"
	"All mailboxes of %{address} together hold %{used} of %{limit},\n"
	"and %{messages} messages of %{messages_limit}: that is %{percent} %.\n"
	"\n"
	"Once they are full, new mail for any of them waits for a while and is then sent back.\n"
	"`millrace quota %{address}` shows who holds how much.\n";

static void octets_put(struct mr_buf *out, int64_t octets)
{
	static const char units[] = "KMGT";
	double number = (double)octets;
	int unit = -1;

	while (number >= 1024 && unit < 3) {
		number /= 1024;
		unit++;
	}
	if (unit < 0)
		(void)mr_buf_printf(out, "%" PRId64 " octets", octets);
	else
		(void)mr_buf_printf(out, "%.1f %cB", number, units[unit]);
}

static void count_put(struct mr_buf *out, int64_t number)
{
	(void)mr_buf_printf(out, "%" PRId64, number);
}

static void address_put(struct mr_buf *out, const struct mr_quota_warning *w)
{
	if (w->local.len > 0) {
		(void)mr_buf_add(out, w->local);
		(void)mr_buf_addc(out, '@');
	}
	(void)mr_buf_add(out, w->domain);
}

/* What name stands for; false: nothing. out NULL: only whether. */
static bool name_put(struct mr_buf *out, struct mr_span name, const struct mr_quota_warning *w)
{
	MR_AUTO_BUF ignored = MR_BUF(ADDRESS_MAX);
	struct mr_buf *to = out ? out : &ignored;

	if (mr_span_eq(name, MR_SPAN("address")))
		address_put(to, w);
	else if (mr_span_eq(name, MR_SPAN("percent")))
		count_put(to, w->percent);
	else if (mr_span_eq(name, MR_SPAN("used")))
		octets_put(to, w->used.octets);
	else if (mr_span_eq(name, MR_SPAN("limit")) && w->limit.octets > 0)
		octets_put(to, w->limit.octets);
	else if (mr_span_eq(name, MR_SPAN("messages")))
		count_put(to, w->used.messages);
	else if (mr_span_eq(name, MR_SPAN("messages_limit")) && w->limit.messages > 0)
		count_put(to, w->limit.messages);
	else if (mr_span_eq(name, MR_SPAN("limit")) || mr_span_eq(name, MR_SPAN("messages_limit")))
		(void)mr_buf_addc(to, '-');
	else
		return false;
	return true;
}

/* MR_EINVAL: a name that stands for nothing. */
static int fill(struct mr_buf *out, struct mr_span text, const struct mr_quota_warning *w)
{
	while (text.len > 0) {
		size_t at = mr_span_search(text, MR_SPAN("%{"));
		struct mr_span name;

		if (out)
			(void)mr_buf_add(out, mr_span_sub(text, 0, at));
		text = mr_span_sub(text, at, text.len);
		if (text.len == 0)
			break;
		if (!mr_span_split(mr_span_sub(text, 2, text.len), '}', &name, &text) ||
		    !name_put(out, name, w))
			return MR_EINVAL;
	}
	return out ? mr_buf_err(out) : 0;
}

/* Subject, an empty line, text. */
static int cut(struct mr_span text, struct mr_span *subject_out, struct mr_span *body_out)
{
	struct mr_span empty;

	if (text.len > MR_WARNING_TEMPLATE_MAX || !mr_utf8_valid(text) ||
	    !mr_span_split(text, '\n', subject_out, body_out) || subject_out->len == 0 ||
	    !mr_span_split(*body_out, '\n', &empty, body_out) || empty.len > 0)
		return MR_EINVAL;
	return 0;
}

int mr_warning_check(struct mr_span text)
{
	const struct mr_quota_warning none = { .percent = 0 };
	struct mr_span subject, body;
	int err = cut(text, &subject, &body);

	if (err == 0)
		err = fill(NULL, subject, &none);
	return err < 0 ? err : fill(NULL, body, &none);
}

/* Whom it is for: the user; of a domain, its postmaster (RFC 5321 4.5.1). */
static void to_put(struct mr_buf *out, const struct mr_quota_warning *w)
{
	mr_smtp_path_put(out, w->local.len > 0 ? w->local : MR_SPAN("postmaster"), w->domain);
}

int mr_warning_put(struct mr_buf *out, struct mr_span text, const struct mr_quota_warning *warning,
		   const char *host, int64_t date_s)
{
	MR_AUTO_BUF to = MR_BUF(ADDRESS_MAX), from = MR_BUF(ADDRESS_MAX);
	MR_AUTO_BUF filled = MR_BUF(LETTER_MAX), title = MR_BUF(LETTER_MAX);
	struct mr_letter letter = { .auto_submitted = "auto-generated",
				    .host = host,
				    .date_s = date_s };
	struct mr_span subject, body;
	int err;

	to_put(&to, warning);
	mr_smtp_path_put(&from, MR_SPAN("postmaster"), warning->domain);
	if ((err = cut(text, &subject, &body)) < 0 || (err = fill(&title, subject, warning)) < 0 ||
	    (err = fill(&filled, body, warning)) < 0 || (err = mr_buf_err(&to)) < 0 ||
	    (err = mr_buf_err(&from)) < 0)
		return err;
	letter.from = mr_buf_span(&from);
	letter.to = mr_buf_span(&to);
	letter.subject = mr_buf_span(&title);
	letter.text = mr_buf_span(&filled);
	mr_letter_put(out, &letter);
	return mr_buf_err(out);
}

int mr_warning_send(struct mr_own *own, struct mr_span text, const struct mr_quota_warning *warning,
		    int64_t date_s)
{
	MR_AUTO_BUF out = MR_BUF(LETTER_MAX), to = MR_BUF(ADDRESS_MAX);
	struct mr_own_mail mail = { .to_count = 1 };
	struct mr_span address;
	int err;

	if (text.len == 0)
		text = mr_span_str(warning->local.len > 0 ? mr_warning_user : mr_warning_domain);
	to_put(&to, warning);
	if ((err = mr_warning_put(&out, text, warning, mr_own_host(own), date_s)) < 0 ||
	    (err = mr_buf_err(&to)) < 0)
		return err;
	address = mr_buf_span(&to);
	mail.to = &address;
	mail.head = mr_buf_span(&out);
	return mr_own_send(own, &mail, NULL);
}
