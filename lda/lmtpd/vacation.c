#include "lda/lmtpd/vacation.h"

#include <pthread.h>

#include "lda/lmtpd/content.h"
#include "lda/lmtpd/deliver.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/mail/mr_letter.h"
#include "lib/mail/mr_name.h"
#include "lib/mail/mr_words.h"
#include "lib/store/mr_store_vacation.h"

#define ARENA_MAX    (1 << 20)
#define LETTER_MAX   262144
#define SUBJECT_MAX  200 /* octets of the mail's that the answer quotes */
#define DAY_S        86400
#define EXPIRE_COUNT 20 /* old rows that go with each new one */

struct mr_vacation {
	char *url;
	struct mr_clock clock;
	pthread_mutex_t lock; /* of what follows */
	struct mr_store *store;
	int64_t retry_ms;
	int err; /* of the last try */
};

struct mr_vacation *mr_vacation_new(const char *store, struct mr_clock clock)
{
	struct mr_vacation *v = mr_calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->clock = clock;
	v->url = mr_strdup(store);
	if (!v->url) {
		mr_free(v);
		return NULL;
	}
	MR_ASSERT(pthread_mutex_init(&v->lock, NULL) == 0);
	return v;
}

void mr_vacation_free(struct mr_vacation *v)
{
	if (!v)
		return;
	mr_store_close(v->store);
	mr_free(v->url);
	pthread_mutex_destroy(&v->lock);
	mr_free(v);
}

/* Opened when it is needed first. */
static int store_of(struct mr_vacation *v, struct mr_store **store_out)
{
	int64_t now_ms = v->clock.now_ms(v->clock.arg);
	int err;

	pthread_mutex_lock(&v->lock);
	if (!v->store && (v->err == 0 || now_ms >= v->retry_ms)) {
		v->retry_ms = now_ms + MR_VACATION_RETRY_MS;
		v->err = mr_store_open(v->url, MR_GROUP_LIMITS, MR_STORE_WRITE, &v->store);
		/* Nobody has counted anything yet: its file is not there. */
		if (v->err == MR_ENOENT)
			v->err = mr_store_open(v->url, MR_GROUP_LIMITS, MR_STORE_CREATE, &v->store);
	}
	err = v->store ? 0 : v->err;
	*store_out = v->store;
	pthread_mutex_unlock(&v->lock);
	return err;
}

/* -- whether he is addressed ------------------------------------------------------------------ */

/* The address leads to his mailbox: his own, with a detail, or an alias. */
static bool leads_to(const struct mr_deliver *d, const struct mr_lmtp_mail *mail,
		     const struct mr_addr *addr, const struct mr_target *target,
		     struct mr_arena *arena)
{
	struct mr_resolved r;

	if (mr_resolve(&d->directory.names, mail->set->recipient_separator, addr->local,
		       addr->domain, arena, &r) < 0)
		return false;
	for (size_t i = 0; i < r.mailbox_count; i++) {
		if (mr_span_eq(r.mailbox[i].user.local, target->local) &&
		    mr_span_eq(r.mailbox[i].user.domain, target->domain))
			return true;
	}
	return false;
}

/* RFC 3834 2: only where the recipient's address is in To, Cc, Bcc, or the same with Resent-. */
static bool is_addressed(const struct mr_deliver *d, const struct mr_lmtp_mail *mail,
			 const struct mr_vacation_mail *v, const struct mr_target *target,
			 struct mr_arena *arena)
{
	int lookups = 0;

	for (size_t i = 0; i < v->addr_count; i++) {
		if (mr_span_eq_nocase(v->addr[i].local, target->local) &&
		    mr_span_eq_nocase(v->addr[i].domain, target->domain))
			return true;
	}
	for (size_t i = 0; i < v->addr_count && lookups < MR_VACATION_LOOKUPS_MAX; i++) {
		if (v->addr[i].domain.len == 0 ||
		    d->directory.names.domain(d->directory.names.arg, v->addr[i].domain) < 0)
			continue;
		lookups++;
		if (leads_to(d, mail, &v->addr[i], target, arena))
			return true;
	}
	return false;
}

/* -- the answer ------------------------------------------------------------------------------- */

/* RFC 3834 3.1.5: "Auto: " and the subject, or the user's own. */
static int subject_of(const struct mr_vacation_mail *v, const struct mr_target *target,
		      struct mr_arena *arena, struct mr_span *subject_out)
{
	struct mr_span was;
	char *text;

	*subject_out = target->settings.vacation.subject;
	if (subject_out->len > 0)
		return 0;
	if (mr_words_decode(v->subject, SUBJECT_MAX, arena, &was) < 0 ||
	    !(text = mr_arena_printf(arena, "Auto: %.*s", (int)was.len, was.p)))
		return MR_ENOMEM;
	*subject_out = mr_span_rtrim(mr_span_str(text));
	return 0;
}

/* RFC 3834 3.1.6; RFC 5322 3.6.4 */
static void threads_put(const struct mr_vacation_mail *v, struct mr_buf *out)
{
	struct mr_span one, rest = v->references;

	if (v->message_id.len == 0)
		return;
	(void)mr_buf_adds(out, "In-Reply-To: ");
	(void)mr_buf_add(out, v->message_id);
	(void)mr_buf_adds(out, "\nReferences:");
	while (rest.len > 0) {
		(void)mr_span_split(rest, ' ', &one, &rest);
		(void)mr_buf_adds(out, " ");
		(void)mr_buf_add(out, one);
		(void)mr_buf_adds(out, "\n");
	}
	(void)mr_buf_adds(out, " ");
	(void)mr_buf_add(out, v->message_id);
	(void)mr_buf_adds(out, "\n");
}

static int send_answer(const struct mr_deliver *d, const struct mr_lmtp_mail *mail,
		       const struct mr_vacation_mail *v, const struct mr_target *target,
		       struct mr_arena *arena, struct mr_own_answer *answer_out)
{
	MR_AUTO_BUF more = MR_BUF(LETTER_MAX);
	MR_AUTO_BUF text = MR_BUF(LETTER_MAX);
	struct mr_smtp_path own;
	struct mr_letter letter = {
		/* RFC 3834 4: to the envelope's sender, and to nobody else. */
		.to = mail->mail.from.text,
		.text = target->settings.vacation.text,
		.auto_submitted = "auto-replied",
		.host = mr_own_host(d->own),
		.date_s = d->clock.time_s(d->clock.arg),
	};
	char *address = mr_arena_printf(arena, "%.*s@%.*s", (int)target->local.len, target->local.p,
					(int)target->domain.len, target->domain.p);

	threads_put(v, &more);
	if (!address || mr_smtp_path_from_arg(mr_span_str(address), arena, &own) < 0 ||
	    subject_of(v, target, arena, &letter.subject) < 0 || mr_buf_err(&more) < 0)
		return MR_ENOMEM;
	letter.from = own.text;
	letter.more = mr_buf_span(&more);
	mr_letter_put(&text, &letter);
	if (mr_buf_err(&text) < 0)
		return MR_ENOMEM;
	return mr_own_send(d->own,
			   &(struct mr_own_mail){ .to = &mail->mail.from.text,
						  .to_count = 1,
						  .quick = true,
						  .utf8 = own.utf8,
						  .size = text.len,
						  .head = mr_buf_span(&text) },
			   answer_out);
}

static void tell(const struct mr_lmtp_mail *mail, const char *owner, const char *error)
{
	if (error)
		mr_log(MR_LOG_WARN, "vacation: not answered", MR_KV_SPAN("id", mail->queue_id),
		       MR_KV("user", owner), MR_KV_SPAN("to", mail->mail.from.text),
		       MR_KV("error", error));
	else
		mr_log(MR_LOG_INFO, "vacation: answered", MR_KV_SPAN("id", mail->queue_id),
		       MR_KV("user", owner), MR_KV_SPAN("to", mail->mail.from.text));
}

/* Noted first, then sent: two messages of one sender at the same time get one answer. */
static void answer_once(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
			const struct mr_vacation_mail *v, const struct mr_target *target,
			struct mr_arena *arena)
{
	int64_t now_s = d->clock.time_s(d->clock.arg);
	int64_t ends_s = now_s + (int64_t)target->settings.vacation.days * DAY_S;
	struct mr_own_answer answer = { .code = 0 };
	char sender[MR_VACATION_NAME_MAX];
	struct mr_store *store;
	struct mr_span name;
	const char *owner =
		mr_arena_printf(arena, "%.*s@%.*s", (int)target->local.len, target->local.p,
				(int)target->domain.len, target->domain.p);
	int err = owner ? store_of(d->vacation, &store) : MR_ENOMEM;

	if (mail->mail.from.text.len >= sizeof(sender) || err == MR_ENOMEM)
		return;
	for (size_t i = 0; i < mail->mail.from.text.len; i++)
		sender[i] = mr_lower(mail->mail.from.text.p[i]);
	name = mr_span(sender, mail->mail.from.text.len);
	if (err == 0)
		err = mr_store_vacation_take(store, mr_span_str(owner), name, now_s, ends_s);
	if (err == 0) /* was answered */
		return;
	if (err < 0) {
		tell(mail, owner, mr_err_text(err));
		return;
	}
	err = send_answer(d, mail, v, target, arena, &answer);
	if (err < 0)
		(void)!mr_store_vacation_untake(store, mr_span_str(owner), name);
	tell(mail, owner, err == 0 ? NULL : answer.code ? answer.text : mr_err_text(err));
	(void)!mr_store_vacation_expire(store, now_s, EXPIRE_COUNT);
}

void mr_vacation_answer(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
			const struct mr_target *target, bool spam)
{
	const struct mr_content *c = mail->memo;
	MR_AUTO(mr_arena) *arena = NULL;
	enum mr_vacation_why why;

	if (!d->vacation || !c->vacation || !target->settings.vacation.on || !mr_own_able(d->own))
		return;
	why = mr_vacation_decide(&target->settings, c->vacation, &mail->mail.from, target->local,
				 target->domain, spam, d->clock.time_s(d->clock.arg));
	if (why != MR_VACATION_ANSWER)
		return;
	arena = mr_arena_new(ARENA_MAX);
	if (arena && is_addressed(d, mail, c->vacation, target, arena))
		answer_once(d, mail, c->vacation, target, arena);
}
