#include <arpa/inet.h>
#include <libmilter/mfdef.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_milter_priv.h"
#include "lib/run/mr_stage_step.h"

/*
 * Postfix sends a header field of up to header_size_limit, 102,400 bytes, in one packet. libmilter
 * ends the session at a packet above its limit, which is 64 KiB unless told.
 */
#define PACKET_MAX ((1u << 20) - 1)

#define STEPS_OLD 0x7Fu /* all that there were before protocol 6: up to SMFIP_NOEOH */

static const struct mr_stage *stage(void)
{
	return mr_daemon.milter->stage;
}

/* -- what is negotiated ---------------------------------------------------------------------- */

/*
 * Of each step the MTA waits for our answer, unless it was told that none will come. So all but the
 * last answer of a message are saved where the stage has nothing to say: a message is then written
 * in one go and answered once. libmilter makes answers up for an MTA that cannot do without.
 * With SMFIP_NR_BODY the MTA cannot be told to stop sending (SMFIS_SKIP): a body above
 * message_size_max is thrown away as it comes, which is rare, where the answer saved is in every
 * message.
 *
 * Over TCP, DATA is answered. Postfix writes what it has up to there, and later header and body;
 * Nagle's algorithm holds the second write until the first is acknowledged, which, with no answer to
 * ride on, takes the kernel 40 ms. An answer costs a fraction of one.
 */
static unsigned long steps_wanted(void)
{
	unsigned long steps = SMFIP_NOUNKNOWN | SMFIP_NOEOH | SMFIP_HDR_LEADSPC | SMFIP_NR_CONN |
			      SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NR_BODY;

	if (mr_daemon.socket_path[0])
		steps |= SMFIP_NODATA;
	if (!stage()->connect)
		steps |= SMFIP_NR_MAIL;
	if (!stage()->rcpt)
		steps |= SMFIP_NR_RCPT;
	if (!(stage()->needs & MR_NEED_BODY))
		steps |= SMFIP_NOBODY;
	return steps;
}

static unsigned long actions_wanted(void)
{
	unsigned long actions = 0;

	if (stage()->may & MR_MAY_FIELDS)
		actions |= SMFIF_ADDHDRS | SMFIF_CHGHDRS;
	if (stage()->may & MR_MAY_BODY)
		actions |= SMFIF_CHGBODY;
	if (stage()->may & MR_MAY_RCPT)
		actions |= SMFIF_ADDRCPT | SMFIF_DELRCPT;
	return actions;
}

/* A list of ours replaces the MTA's for that step: each has all that we read there. */
static void ask_for_macros(SMFICTX *ctx)
{
	static const struct {
		int step;
		const char *list;
	} rows[] = {
		{ SMFIM_CONNECT, "j {client_addr} {client_name} {daemon_name}" },
		{ SMFIM_HELO, "{tls_version} {cipher}" },
		{ SMFIM_ENVFROM, "i {auth_authen}" },
		{ SMFIM_ENVRCPT, "i" },
		{ SMFIM_DATA, "i" },
		{ SMFIM_EOH, "i" },
		{ SMFIM_EOM, "i" },
	};

	for (size_t n = 0; n < MR_COUNT(rows); n++)
		(void)smfi_setsymlist(ctx, rows[n].step, (char *)(uintptr_t)rows[n].list);
}

/*
 * What was negotiated belongs to the connection, and so does libmilter's private pointer, which is
 * the session from CONNECT on. Without a session it is NULL where the blank after the colon was
 * negotiated (SMFIP_HDR_LEADSPC), else one of these two, which hold nothing and are never freed.
 * An MTA that does without the blank and knows of protocol 6 may begin a new session after the close
 * (SMFIC_QUIT_NC), without a word on what was negotiated: there the pointer stays, at the price
 * of libmilter's warning about it when the connection ends. To an older one close is the end.
 */
static struct mr_session no_blank, no_blank_old;

static bool is_session(const struct mr_session *s)
{
	return s && s != &no_blank && s != &no_blank_old;
}

static struct mr_session *session_of(SMFICTX *ctx)
{
	struct mr_session *s = smfi_getpriv(ctx);

	return is_session(s) ? s : NULL;
}

/* What stands for no session on this connection. */
static struct mr_session *between(SMFICTX *ctx)
{
	struct mr_session *s = smfi_getpriv(ctx);

	return is_session(s) ? s->between : s;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
			     unsigned long f2 MR_UNUSED, unsigned long f3 MR_UNUSED,
			     unsigned long *actions_out, unsigned long *steps_out,
			     unsigned long *f2_out, unsigned long *f3_out)
{
	/* Without one of these the stage could not do what it must; libmilter logs it. */
	*actions_out = actions_wanted();
	*steps_out = steps_wanted() & steps;
	*f2_out = *f3_out = 0;
	if (*steps_out & SMFIP_HDR_LEADSPC)
		(void)smfi_setpriv(ctx, NULL);
	else
		(void)smfi_setpriv(ctx, steps & ~STEPS_OLD ? &no_blank : &no_blank_old);
	if (actions & SMFIF_SETSYMLIST) {
		*actions_out |= SMFIF_SETSYMLIST;
		ask_for_macros(ctx);
	}
	return SMFIS_CONTINUE;
}

/* -- the connection -------------------------------------------------------------------------- */

static const char *symbol(SMFICTX *ctx, const char *name)
{
	return smfi_getsymval(ctx, (char *)(uintptr_t)name);
}

static void session_drop(SMFICTX *ctx)
{
	struct mr_session *s = session_of(ctx);

	if (!s)
		return;
	(void)smfi_setpriv(ctx, s->between);
	mr_session_free(s);
	pthread_mutex_lock(&mr_daemon.lock);
	mr_daemon.sessions--;
	pthread_cond_broadcast(&mr_daemon.changed);
	pthread_mutex_unlock(&mr_daemon.lock);
	mr_milter_count(MR_MILTER_SESSIONS, -1);
}

/* Empty for a local submission, and for an address of no family that we know. */
static void address_text(const struct sockaddr *addr, char out[INET6_ADDRSTRLEN])
{
	const void *p = NULL;

	out[0] = '\0';
	if (addr && addr->sa_family == AF_INET)
		p = &((const struct sockaddr_in *)(const void *)addr)->sin_addr;
	else if (addr && addr->sa_family == AF_INET6)
		p = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
	if (p)
		(void)inet_ntop(addr->sa_family, p, out, INET6_ADDRSTRLEN);
}

static bool session_fill(SMFICTX *ctx, struct mr_session *s, const char *host,
			 const struct sockaddr *addr)
{
	const char *macro_addr = symbol(ctx, "{client_addr}");
	const char *macro_name = symbol(ctx, "{client_name}");
	char text[INET6_ADDRSTRLEN];

	address_text(addr, text);
	/* sendmail writes "IPv6:2001:db8::1" into the macro; the argument is plain. */
	return mr_session_set(&s->client_addr, text[0] || !macro_addr ? text : macro_addr) == 0 &&
	       mr_session_set(&s->client_name, macro_name ? macro_name : host) == 0;
}

static void session_begin(SMFICTX *ctx, const char *host, const struct sockaddr *addr)
{
	struct mr_session *s = mr_session_new(), *rest = between(ctx);

	if (s && (!session_fill(ctx, s, host, addr) || smfi_setpriv(ctx, s) != MI_SUCCESS)) {
		mr_session_free(s);
		s = NULL;
	}
	if (!s) {
		mr_log(MR_LOG_ERROR, "connection not taken", MR_KV_ERR(MR_ENOMEM));
		return;
	}
	s->between = rest;
	s->leading_blank = !rest;
	pthread_mutex_lock(&mr_daemon.lock);
	mr_daemon.sessions++;
	pthread_mutex_unlock(&mr_daemon.lock);
	mr_milter_count(MR_MILTER_SESSIONS, 1);
}

/*
 * Runs again on one session after XCLIENT, and after the MTA reused the connection. A session that
 * cannot be made is a message that cannot be decided: on_eom answers 4xx.
 */
static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
	if (mr_daemon_enter()) {
		session_drop(ctx);
		session_begin(ctx, host, addr);
		mr_daemon_leave();
	}
	return SMFIS_NOREPLY;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	struct mr_session *s = session_of(ctx);

	if (s && mr_daemon_enter()) {
		if (mr_session_set(&s->helo, name) < 0)
			session_drop(ctx); /* better undecided than decided on half of the facts */
		mr_daemon_leave();
	}
	return SMFIS_NOREPLY;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct mr_session *s = session_of(ctx), *rest = between(ctx);

	if (mr_daemon_enter()) {
		session_drop(ctx);
		mr_daemon_leave();
	} else if (s) {
		/* The process ends, and what the session would be given back to may be gone. */
		pthread_mutex_lock(&mr_daemon.lock);
		s->next_left = mr_daemon.left;
		mr_daemon.left = s;
		pthread_mutex_unlock(&mr_daemon.lock);
	}
	(void)smfi_setpriv(ctx, rest == &no_blank_old ? NULL : rest);
	return SMFIS_CONTINUE;
}

/* -- the envelope ---------------------------------------------------------------------------- */

static bool has_smtputf8(char **argv)
{
	for (size_t i = 1; argv[0] && argv[i]; i++) {
		/* RFC 6531 3.4: a parameter of MAIL without a value. */
		if (mr_span_eq_nocase(mr_span_str(argv[i]), MR_SPAN("SMTPUTF8")))
			return true;
	}
	return false;
}

static void envelope_fill(SMFICTX *ctx, struct mr_message *m, char **argv)
{
	m->env.queue_id = mr_message_text(m, symbol(ctx, "i"));
	m->env.mail_from = mr_message_address(m, argv[0]);
	m->env.auth_user = mr_message_text(m, symbol(ctx, "{auth_authen}"));
	m->env.tls_version = mr_message_text(m, symbol(ctx, "{tls_version}"));
	m->env.tls_cipher = mr_message_text(m, symbol(ctx, "{cipher}"));
	m->env.daemon_name = mr_message_text(m, symbol(ctx, "{daemon_name}"));
	m->env.mta_name = mr_message_text(m, symbol(ctx, "j"));
	m->env.smtputf8 = has_smtputf8(argv);
}

static sfsistat mail(SMFICTX *ctx, struct mr_session *s, char **argv)
{
	struct mr_message *m;
	sfsistat answer;

	if (!s || mr_message_begin(s) < 0)
		return SMFIS_TEMPFAIL;
	m = s->message;
	envelope_fill(ctx, m, argv);
	if (!stage()->connect)
		return SMFIS_NOREPLY;
	mr_step_connect(stage(), &m->ctx, &m->env, &m->acts);
	answer = mr_apply_verdict(ctx, &m->acts);
	if (answer != SMFIS_CONTINUE) { /* neither abort nor end follows */
		mr_message_log(m);
		mr_message_end(s);
	}
	return answer;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	sfsistat answer = SMFIS_TEMPFAIL;

	if (mr_daemon_enter()) {
		answer = mail(ctx, session_of(ctx), argv);
		mr_daemon_leave();
	}
	/* Where no answer was promised, on_eom gives this one. */
	return stage()->connect ? answer : SMFIS_NOREPLY;
}

static sfsistat rcpt(SMFICTX *ctx, struct mr_message *m, char **argv)
{
	struct mr_span address;
	sfsistat answer = SMFIS_CONTINUE;

	if (!m)
		return SMFIS_TEMPFAIL;
	address = mr_message_address(m, argv[0]);
	if (stage()->rcpt) {
		mr_step_rcpt(stage(), &m->ctx, &m->env, address, &m->acts);
		answer = mr_apply_verdict(ctx, &m->acts);
		mr_act_accept(&m->acts); /* that was about this recipient alone */
	}
	if (answer == SMFIS_CONTINUE)
		mr_message_rcpt(m, address);
	return answer;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	struct mr_session *s = session_of(ctx);
	sfsistat answer = SMFIS_TEMPFAIL;

	if (mr_daemon_enter()) {
		answer = rcpt(ctx, s ? s->message : NULL, argv);
		mr_daemon_leave();
	}
	return stage()->rcpt ? answer : SMFIS_NOREPLY;
}

/* -- the message ----------------------------------------------------------------------------- */

static sfsistat on_data(SMFICTX *ctx MR_UNUSED)
{
	return SMFIS_CONTINUE;
}

static sfsistat on_field(SMFICTX *ctx, char *name, char *value)
{
	struct mr_session *s = session_of(ctx);

	if (s && s->message)
		mr_message_field(s->message, name, s->leading_blank ? "" : " ", value);
	return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *piece, size_t size)
{
	struct mr_session *s = session_of(ctx);

	if (s && s->message)
		mr_message_body(s->message, mr_span_bytes(piece, size));
	return SMFIS_NOREPLY;
}

static sfsistat end(SMFICTX *ctx, struct mr_session *s)
{
	struct mr_message *m = s ? s->message : NULL;
	sfsistat answer;
	const char *id = symbol(ctx, "i");

	if (!m) {
		mr_log(MR_LOG_ERROR, "message not taken", MR_KV("id", id), MR_KV_ERR(MR_ENOMEM));
		mr_milter_count(MR_MILTER_ERRORS, 1);
		return SMFIS_TEMPFAIL;
	}
	m->env.queue_id = mr_message_text(m, id);
	mr_message_decide(m);
	if (m->acts.verdict == MR_VERDICT_ACCEPT && mr_apply_actions(ctx, s, m) < 0) {
		mr_log(MR_LOG_WARN, "changes not taken by the MTA",
		       MR_KV_SPAN("id", m->env.queue_id));
		mr_step_tempfail(&m->acts);
		m->acts.err = MR_ETEMP;
	}
	answer = mr_apply_verdict(ctx, &m->acts);
	mr_message_log(m);
	mr_message_end(s);
	return answer;
}

static sfsistat on_eom(SMFICTX *ctx)
{
	sfsistat answer = SMFIS_TEMPFAIL;

	if (mr_daemon_enter()) {
		answer = end(ctx, session_of(ctx));
		mr_daemon_leave();
	}
	return answer;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct mr_session *s = session_of(ctx);

	if (s && mr_daemon_enter()) {
		mr_message_end(s);
		mr_daemon_leave();
	}
	return SMFIS_CONTINUE;
}

/* -------------------------------------------------------------------------------------------- */

int mr_calls_register(const struct mr_milter *milter)
{
	struct smfiDesc desc = {
		.xxfi_name = (char *)(uintptr_t)milter->name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_data = on_data,
		.xxfi_header = on_field,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};

	desc.xxfi_flags = actions_wanted() | SMFIF_SETSYMLIST;
	(void)smfi_setmaxdatasize(PACKET_MAX);
	return smfi_register(desc) == MI_SUCCESS ? 0 : MR_ETEMP;
}
