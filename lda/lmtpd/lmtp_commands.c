/* The words of LMTP: which may be said when is a table. */
#include "lda/lmtpd/lmtp_private.h"

#include "lib/base/mr_err.h"

#define IN(state_) (1u << MR_LMTP_##state_)
#define IN_ANY     (IN(NEW) | IN(READY) | IN(MAIL) | IN(RCPT))

static void on_lhlo(struct mr_lmtp *s, struct mr_span args, int64_t now_ms MR_UNUSED)
{
	if (args.len == 0) { /* RFC 5321 4.1.1.1: a domain or literal; we do not look at it */
		mr_lmtp_say_error(s, "501 5.5.4 LHLO wants a name");
		return;
	}
	mr_lmtp_reset(s); /* RFC 5321 4.1.4: as RSET */
	s->state = MR_LMTP_READY;
	mr_lmtp_say(s, "250-%s", s->name);
	mr_lmtp_say(s, "250-PIPELINING");
	mr_lmtp_say(s, "250-SIZE %lld", (long long)s->set->message_size_max);
	mr_lmtp_say(s, "250-8BITMIME");
	mr_lmtp_say(s, "250-SMTPUTF8");
	mr_lmtp_say(s, "250-ENHANCEDSTATUSCODES");
	mr_lmtp_say(s, "250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE");
}

static void on_hello(struct mr_lmtp *s, struct mr_span args MR_UNUSED, int64_t now_ms MR_UNUSED)
{
	/* RFC 2033 4.1: MUST NOT succeed, and 500 is recommended */
	mr_lmtp_say_error(s, "500 5.5.1 This is LMTP: say LHLO");
}

static void on_missing(struct mr_lmtp *s, struct mr_span args MR_UNUSED, int64_t now_ms MR_UNUSED)
{
	mr_lmtp_say_error(s, "502 5.5.1 Not implemented");
}

/* An address of UTF-8 is taken with SMTPUTF8 and without: both MTAs take it from their clients without,
 * and hand it on as it came (docs/DEVIATIONS.md). */
static void on_mail(struct mr_lmtp *s, struct mr_span args, int64_t now_ms)
{
	struct mr_smtp_mail mail;
	int err = mr_smtp_mail(args, s->mail.arena, &mail);

	if (err == MR_EINVAL) { /* RFC 5321 4.1.1.11 */
		mr_lmtp_say_error(s, "555 5.5.4 Unknown parameter");
	} else if (err == MR_ENOMEM) {
		mr_lmtp_say(s, "451 4.3.0 Out of memory");
	} else if (err < 0) {
		mr_lmtp_say_error(s, "501 5.5.4 Syntax: MAIL FROM:<address> [parameters]");
	} else if (mail.size > (uint64_t)s->set->message_size_max) { /* RFC 1870 6.1 */
		mr_lmtp_say(s, "552 5.3.4 Message too large");
	} else {
		s->mail.mail = mail;
		s->mail.start_ms = now_ms;
		s->state = MR_LMTP_MAIL;
		mr_lmtp_say(s, "250 2.1.0 OK");
	}
}

static void on_rcpt(struct mr_lmtp *s, struct mr_span args, int64_t now_ms MR_UNUSED)
{
	struct mr_lmtp_mail *mail = &s->mail;
	struct mr_smtp_path path;
	int err;

	if (mail->rcpt_count >= (size_t)s->set->lmtp_recipients_max) {
		mr_lmtp_say(s, "452 4.5.3 Too many recipients"); /* RFC 5321 4.5.3.1.10 */
		return;
	}
	err = mr_smtp_rcpt(args, mail->arena, &path);
	if (err == 0)
		err = mr_arena_grow(mail->arena, &mail->rcpt, &mail->rcpt_room,
				    mail->rcpt_count + 1, sizeof(mail->rcpt[0]));
	if (err == MR_EINVAL) {
		mr_lmtp_say_error(s, "555 5.5.4 Unknown parameter");
	} else if (err == MR_ENOMEM) {
		mr_lmtp_say(s, "452 4.3.0 Out of memory");
	} else if (err < 0) {
		mr_lmtp_say_error(s, "501 5.1.3 Syntax: RCPT TO:<address>");
	} else {
		mail->rcpt[mail->rcpt_count] = (struct mr_lmtp_rcpt){ .path = path };
		s->job = MR_LMTP_JOB_RCPT;
	}
}

static void on_data(struct mr_lmtp *s, struct mr_span args, int64_t now_ms MR_UNUSED)
{
	if (args.len > 0) {
		mr_lmtp_say_error(s, "501 5.5.4 DATA takes no argument");
		return;
	}
	s->state = MR_LMTP_CONTENT;
	s->data = (struct mr_smtp_data){ .state = 0 };
	s->lf = (struct mr_smtp_lf){ .cr = false };
	mr_lmtp_say(s, "354 End with CRLF.CRLF");
}

static void on_rset(struct mr_lmtp *s, struct mr_span args MR_UNUSED, int64_t now_ms MR_UNUSED)
{
	mr_lmtp_reset(s);
	mr_lmtp_say(s, "250 2.0.0 OK");
}

static void on_noop(struct mr_lmtp *s, struct mr_span args MR_UNUSED, int64_t now_ms MR_UNUSED)
{
	mr_lmtp_say(s, "250 2.0.0 OK");
}

static void on_vrfy(struct mr_lmtp *s, struct mr_span args MR_UNUSED, int64_t now_ms MR_UNUSED)
{
	mr_lmtp_say(s, "252 2.0.0 Try RCPT"); /* RFC 5321 3.5.3 */
}

static void on_quit(struct mr_lmtp *s, struct mr_span args MR_UNUSED, int64_t now_ms MR_UNUSED)
{
	mr_lmtp_end(s, "221 2.0.0 Bye");
}

/* -- XFORWARD: what the MTA knows of the first client (Postfix, XFORWARD_README) ------------- */

static const struct {
	struct mr_span name;
	size_t at; /* of a span in struct mr_lmtp_mail; 0: of no use to us */
} attributes[] = {
	{ MR_SPAN("IDENT"), offsetof(struct mr_lmtp_mail, queue_id) },
	{ MR_SPAN("ADDR"), offsetof(struct mr_lmtp_mail, client_addr) },
	{ MR_SPAN("NAME"), offsetof(struct mr_lmtp_mail, client_name) },
	{ MR_SPAN("HELO"), offsetof(struct mr_lmtp_mail, helo) },
	{ MR_SPAN("PORT"), 0 },
	{ MR_SPAN("PROTO"), 0 },
	{ MR_SPAN("SOURCE"), 0 },
};

static int attribute_set(struct mr_lmtp_mail *mail, const struct mr_smtp_param *param)
{
	for (size_t i = 0; i < MR_COUNT(attributes); i++) {
		struct mr_span value;
		int err;

		if (!mr_span_eq_nocase(attributes[i].name, param->name))
			continue;
		if ((err = mr_smtp_xtext(param->value, mail->arena, &value)) < 0)
			return err;
		if (mr_span_eq_nocase(value, MR_SPAN("[UNAVAILABLE]")) ||
		    mr_span_eq_nocase(value, MR_SPAN("[TEMPUNAVAIL]")))
			value.len = 0;
		if (attributes[i].at > 0)
			*(struct mr_span *)((char *)mail + attributes[i].at) = value;
		return 0;
	}
	return MR_ESYNTAX;
}

static void on_xforward(struct mr_lmtp *s, struct mr_span args, int64_t now_ms MR_UNUSED)
{
	struct mr_smtp_param param;
	struct mr_cur c = mr_cur(args);
	int err = args.len > 0 ? 1 : MR_ESYNTAX;

	while (err > 0 && (err = mr_smtp_param(&c, &param)) > 0) {
		if (attribute_set(&s->mail, &param) < 0)
			err = MR_ESYNTAX;
	}
	if (err == 0)
		mr_lmtp_say(s, "250 2.0.0 OK");
	else
		mr_lmtp_say_error(s, "501 5.5.4 Syntax: XFORWARD attribute=value ...");
}

/* -- the table -------------------------------------------------------------------------------- */

static const struct command {
	struct mr_span verb;
	unsigned allowed;
	void (*run)(struct mr_lmtp *s, struct mr_span args, int64_t now_ms);
	const char *otherwise;
} commands[] = {
	{ MR_SPAN("LHLO"), IN_ANY, on_lhlo, NULL },
	{ MR_SPAN("MAIL"), IN(READY), on_mail, "503 5.5.1 Not now" },
	{ MR_SPAN("RCPT"), IN(MAIL) | IN(RCPT), on_rcpt, "503 5.5.1 MAIL first" },
	/* RFC 2033 4.2: 503 where no RCPT was accepted */
	{ MR_SPAN("DATA"), IN(RCPT), on_data, "503 5.5.1 No valid recipients" },
	{ MR_SPAN("RSET"), IN_ANY, on_rset, NULL },
	{ MR_SPAN("NOOP"), IN_ANY, on_noop, NULL },
	{ MR_SPAN("VRFY"), IN_ANY, on_vrfy, NULL },
	{ MR_SPAN("QUIT"), IN_ANY, on_quit, NULL },
	{ MR_SPAN("XFORWARD"), IN(READY), on_xforward, "503 5.5.1 Not now" },
	{ MR_SPAN("EHLO"), IN_ANY, on_hello, NULL },
	{ MR_SPAN("HELO"), IN_ANY, on_hello, NULL },
	{ MR_SPAN("HELP"), IN_ANY, on_missing, NULL },
	{ MR_SPAN("EXPN"), IN_ANY, on_missing, NULL },
	{ MR_SPAN("BDAT"), IN_ANY, on_missing, NULL },
	{ MR_SPAN("STARTTLS"), IN_ANY, on_missing, NULL },
	{ MR_SPAN("AUTH"), IN_ANY, on_missing, NULL },
};

void mr_lmtp_command(struct mr_lmtp *s, struct mr_span line, int64_t now_ms)
{
	struct mr_span verb, args;

	mr_smtp_command(line, &verb, &args);
	for (size_t i = 0; i < MR_COUNT(commands); i++) {
		const struct command *cmd = &commands[i];

		if (!mr_span_eq_nocase(cmd->verb, verb))
			continue;
		/* RFC 5321 4.1.4. No error that counts: after one refusal the rest of a pipelined
		 * group is out of order, and its client is in the right. */
		if (!(cmd->allowed & (1u << s->state)))
			mr_lmtp_say(s, "%s", cmd->otherwise);
		else
			cmd->run(s, args, now_ms);
		return;
	}
	mr_lmtp_say_error(s, "500 5.5.2 Unknown command");
}
