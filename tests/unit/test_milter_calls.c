/*
 * The runner's callbacks, under a libmilter of ours: this program has smfi_* functions of its own, which
 * the linker finds before the library's. So an MTA can refuse a change, an allocation can fail at
 * any place, and the program can stop between any two callbacks; and whatever happens, no message is
 * acted on with half its facts.
 */
#include <arpa/inet.h>
#include <libmilter/mfdef.h>
#include <stdarg.h>

#include "lib/base/mr_err.h"
#include "lib/run/mr_milter_priv.h"
#include "lib/run/mr_run.h"
#include "tests/unit/mr_test.h"

#define FIELDS  40 /* of the message, called X-N, beside a forged X-Note */
#define RCPTS   300 /* so that memory must be had for them */
#define PIECES  5 /* of its body */
#define CHANGES 6 /* that the stage makes */

/* -- libmilter ---------------------------------------------------------------------------------- */

static struct {
	struct smfiDesc desc;
	void *priv;
	unsigned changes, refuse; /* this one, from 1, is refused; 0: none */
	unsigned removed; /* deletions of X-Note */
} mta;

static int change(void)
{
	return ++mta.changes == mta.refuse ? MI_FAILURE : MI_SUCCESS;
}

int smfi_register(struct smfiDesc desc)
{
	mta.desc = desc;
	return MI_SUCCESS;
}

size_t smfi_setmaxdatasize(size_t size)
{
	return size;
}

char *smfi_getsymval(SMFICTX *ctx MR_UNUSED, char *name)
{
	return name[0] == 'i' ? (char *)(uintptr_t) "4bXyZ" : NULL;
}

void *smfi_getpriv(SMFICTX *ctx MR_UNUSED)
{
	return mta.priv;
}

int smfi_setpriv(SMFICTX *ctx MR_UNUSED, void *priv)
{
	mta.priv = priv;
	return MI_SUCCESS;
}

int smfi_setsymlist(SMFICTX *ctx MR_UNUSED, int step MR_UNUSED, char *list MR_UNUSED)
{
	return MI_SUCCESS;
}

int smfi_insheader(SMFICTX *ctx MR_UNUSED, int index MR_UNUSED, char *name MR_UNUSED,
		   char *value MR_UNUSED)
{
	return change();
}

int smfi_addheader(SMFICTX *ctx MR_UNUSED, char *name MR_UNUSED, char *value MR_UNUSED)
{
	return change();
}

int smfi_chgheader(SMFICTX *ctx MR_UNUSED, char *name, int index MR_UNUSED, char *value)
{
	mta.removed += !value && strcmp(name, "X-Note") == 0;
	return change();
}

int smfi_replacebody(SMFICTX *ctx MR_UNUSED, unsigned char *body MR_UNUSED, int len MR_UNUSED)
{
	return change();
}

int smfi_addrcpt(SMFICTX *ctx MR_UNUSED, char *rcpt MR_UNUSED)
{
	return change();
}

int smfi_delrcpt(SMFICTX *ctx MR_UNUSED, char *rcpt MR_UNUSED)
{
	return change();
}

int smfi_setmlreply(SMFICTX *ctx MR_UNUSED, const char *code MR_UNUSED, const char *xcode MR_UNUSED,
		    ...)
{
	return MI_SUCCESS;
}

/* -- the stage ---------------------------------------------------------------------------------- */

static struct {
	unsigned asked; /* message(), or failed() */
	bool half; /* it was shown less than there is */
} seen;

static bool is_header_whole(const struct mr_msg *msg)
{
	const struct mr_field *f = mr_msg_field(msg, 0, MR_SPAN("X-N"));
	unsigned count = 0;

	for (; f; f = mr_msg_field_next(msg, 0, f))
		count++;
	return count == FIELDS && mr_msg_field(msg, 0, MR_SPAN("X-Note"));
}

static bool is_envelope_whole(const struct mr_envelope *env)
{
	for (size_t i = 0; i < env->rcpt_count; i++) {
		if (!mr_span_eq(env->rcpt[i], MR_SPAN("b@example.org")))
			return false;
	}
	return env->rcpt_count == RCPTS && mr_span_eq(env->client_addr, MR_SPAN("192.0.2.1")) &&
	       mr_span_eq(env->helo, MR_SPAN("helo.example")) &&
	       mr_span_eq(env->mail_from, MR_SPAN("a@example.net"));
}

/* One of each kind. */
static int act(const struct mr_mail *mail, struct mr_actions *acts)
{
	int err;

	if ((err = mr_act_replace(acts, mail->msg, "X-Note", "ours")) < 0 ||
	    (err = mr_act_add(acts, "X-Added", "x")) < 0 ||
	    (err = mr_act_change(acts, "X-N", 1, "changed")) < 0 ||
	    (err = mr_act_rcpt_add(acts, MR_SPAN("c@example.org"))) < 0)
		return err;
	return mr_act_rcpt_remove(acts, MR_SPAN("b@example.org"));
}

static int stage_message(struct mr_ctx *ctx MR_UNUSED, const struct mr_mail *mail,
			 struct mr_actions *acts)
{
	seen.asked++;
	seen.half = seen.half || !is_header_whole(mail->msg) || !is_envelope_whole(mail->env) ||
		    mail->msg->raw.len < PIECES * 1000;
	return act(mail, acts);
}

/* As the spam filter: mail passes all the same, without what forges a verdict. */
static int stage_failed(struct mr_ctx *ctx MR_UNUSED, const struct mr_mail *mail, int err,
			struct mr_actions *acts)
{
	if (!mail->msg)
		return err;
	seen.asked++;
	seen.half = seen.half || !is_header_whole(mail->msg);
	return act(mail, acts);
}

static const struct mr_stage stage = {
	.name = "note",
	.needs = MR_NEED_BODY,
	.may = MR_MAY_FIELDS | MR_MAY_RCPT,
	.message = stage_message,
	.failed = stage_failed,
};

/* -- one message -------------------------------------------------------------------------------- */

static const struct mr_milter milter = { .stage = &stage, .name = "millrace-note" };
static const struct mr_program program = { .name = "millrace-note", .word = "note" };
static struct mr_run run;

static bool begin(struct mr_t *t, int64_t memory_max)
{
	struct mr_settings set;
	int err = mr_settings_default(&set);

	if (err < 0)
		return false;
	set.spool_memory_max = memory_max;
	set.spool_dir = mr_test_dir(t);
	if (mr_run_init(&run, &program, NULL, &set) < 0) {
		mr_settings_done(&set);
		return false;
	}
	memset(&mta, 0, sizeof(mta));
	memset(&seen, 0, sizeof(seen));
	mr_daemon.milter = &milter;
	mr_daemon.run = &run;
	mr_daemon.metrics = NULL;
	mr_daemon.stopping = false;
	if (mr_calls_register(&milter) == 0 && mr_generation_next(&run.now->set) == 0)
		return true;
	mr_run_done(&run);
	return false;
}

static void finish(void)
{
	while (mr_daemon.left) {
		struct mr_session *s = mr_daemon.left;

		mr_daemon.left = s->next_left;
		mr_daemon.sessions--;
		mr_session_free(s);
	}
	mr_generation_close();
	mr_daemon.stopping = false;
	mr_daemon.run = NULL;
	mr_run_done(&run);
}

/* The program stops before callback number stop_at (from 1). */
static void step(unsigned *at, unsigned stop_at)
{
	if (++*at == stop_at)
		mr_daemon.stopping = true;
}

/* All callbacks of a message, as an MTA makes them; the answer to its end. */
static sfsistat send_message(unsigned stop_at)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	char *from[] = { (char *)(uintptr_t) "<a@example.net>", NULL };
	char *rcpt[] = { (char *)(uintptr_t) "<b@example.org>", NULL };
	unsigned long actions, steps, f2, f3;
	static char value[200], body[1000];
	unsigned at = 0;
	sfsistat answer;

	MR_ASSERT(inet_pton(AF_INET, "192.0.2.1", &addr.sin_addr) == 1);
	memset(value, 'v', sizeof(value) - 1);
	memset(body, 'b', sizeof(body));
	(void)mta.desc.xxfi_negotiate(NULL, 0x1FF, 0x1FFFFF, 0, 0, &actions, &steps, &f2, &f3);
	step(&at, stop_at);
	(void)mta.desc.xxfi_connect(NULL, (char *)(uintptr_t) "mx", (_SOCK_ADDR *)(void *)&addr);
	step(&at, stop_at);
	(void)mta.desc.xxfi_helo(NULL, (char *)(uintptr_t) "helo.example");
	step(&at, stop_at);
	(void)mta.desc.xxfi_envfrom(NULL, from);
	for (unsigned i = 0; i < RCPTS; i++) {
		if (i < 2)
			step(&at, stop_at);
		(void)mta.desc.xxfi_envrcpt(NULL, rcpt);
	}
	for (unsigned i = 0; i < FIELDS; i++) {
		if (i == 1)
			(void)mta.desc.xxfi_header(NULL, (char *)(uintptr_t) "X-Note",
						   (char *)(uintptr_t) " forged");
		(void)mta.desc.xxfi_header(NULL, (char *)(uintptr_t) "X-N", value);
	}
	for (unsigned i = 0; i < PIECES; i++)
		(void)mta.desc.xxfi_body(NULL, (unsigned char *)body, sizeof(body));
	step(&at, stop_at);
	answer = mta.desc.xxfi_eom(NULL);
	step(&at, stop_at);
	(void)mta.desc.xxfi_close(NULL);
	return answer;
}

/* What must hold whatever fails. */
static void check_answer(struct mr_t *t, sfsistat answer)
{
	MR_CHECK_ALWAYS(t, !seen.half);
	MR_CHECK_ALWAYS(t, answer == SMFIS_CONTINUE || answer == SMFIS_TEMPFAIL);
	MR_CHECK_ALWAYS(t, answer == SMFIS_TEMPFAIL ||
				   (seen.asked > 0 && mta.removed == 1 && mta.changes == CHANGES));
}

/* In memory, with a file for what is more, and with a file from the first octet. */
static const int64_t memories[] = { 1 << 20, 10000, 100 };

MR_TEST(milter_calls_whole_or_not_at_all)
{
	for (size_t i = 0; i < MR_COUNT(memories); i++) {
		sfsistat answer;

		t->row = (long)i;
		if (!begin(t, memories[i]))
			continue;
		answer = send_message(0);
		if (!t->oom)
			MR_CHECK_INT(t, SMFIS_CONTINUE, answer);
		check_answer(t, answer);
		finish();
	}
}

/* A message goes on with all changes, or waits: never with the first few of them. */
MR_TEST(milter_calls_refused_change)
{
	for (unsigned n = 1; n <= CHANGES; n++) {
		t->row = n;
		if (!begin(t, memories[0]))
			continue;
		mta.refuse = n;
		MR_CHECK_INT(t, SMFIS_TEMPFAIL, send_message(0));
		MR_CHECK_INT(t, n, mta.changes);
		finish();
	}
}

/*
 * The program stops: what the callbacks use may be gone. Who has not been told the answer yet, is told
 * to come again; a message that missed a callback is never judged.
 */
MR_TEST(milter_calls_while_stopping)
{
	for (unsigned n = 1; n <= 7; n++) {
		t->row = n;
		if (!begin(t, memories[0]))
			continue;
		MR_CHECK_INT(t, n < 7 ? SMFIS_TEMPFAIL : SMFIS_CONTINUE, send_message(n));
		MR_CHECK_INT(t, n == 7, seen.asked);
		MR_CHECK_INT(t, n < 7 ? 0 : CHANGES, mta.changes);
		MR_CHECK_INT(t, n > 1, mr_daemon.left != NULL);
		finish();
	}
}
