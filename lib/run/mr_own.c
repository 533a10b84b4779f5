#include "lib/run/mr_own.h"

#include <stdatomic.h>
#include <stdio.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_arena.h"
#include "lib/base/mr_err.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_program.h"

#define ARENA_MAX 1048576 /* replies to all recipients */
#define NAME_SIZE 300

struct mr_own {
	char name[NAME_SIZE]; /* for mr_sock.h: "inet:HOST:PORT"; "": none */
	char host[256];
	unsigned at_a_time;
	struct mr_clock clock;
	bool lmtp;
	atomic_uint sending;
	_Atomic int64_t rests_until_ms;
};

/* By whether it is LMTP. */
static const struct mr_own_answer none[2] = {
	{ 451, "4.3.5", "No reinject is set: mail cannot be sent on" },
	{ 451, "4.3.5", "No lmtp_handover is set: mail cannot be delivered" },
};
static const struct mr_own_answer away[2] = {
	{ 451, "4.4.1", "The MTA at reinject does not answer" },
	{ 451, "4.4.1", "The server at lmtp_handover does not answer" },
};
static const struct mr_own_answer busy[2] = {
	{ 451, "4.3.2", "Too many wait for the MTA at reinject" },
	{ 451, "4.3.2", "Too many wait for the server at lmtp_handover" },
};
static const struct mr_own_answer no_memory = { 451, "4.3.0", "Out of memory" };
static const struct mr_own_answer no_content = { 451, "4.3.0", "Message cannot be read now" };

/* The setting as mr_sock.h has it. */
static int name_of(const char *where, char name[NAME_SIZE])
{
	bool path = mr_span_has_prefix(mr_span_str(where), MR_SPAN("unix:"));
	int n = where[0] ? snprintf(name, NAME_SIZE, "%s%s", path ? "" : "inet:", where) : 0;

	if (n == 0)
		name[0] = '\0';
	if (n < 0 || n >= NAME_SIZE)
		return MR_EINVAL;
	return n == 0 ? 0 : mr_sock_is_local(name);
}

static int check(const char *setting, const char *where, struct mr_buf *error)
{
	char name[NAME_SIZE];

	if (name_of(where, name) < 0)
		return mr_run_refuse(
			error, setting, where,
			"neither HOST:PORT, of an IP address or localhost, nor unix:PATH");
	return 0;
}

int mr_own_check(const char *reinject, struct mr_buf *error)
{
	return check("reinject", reinject, error);
}

int mr_own_check_lmtp(const char *handover, struct mr_buf *error)
{
	return check("lmtp_handover", handover, error);
}

static struct mr_own *own_new(const char *where, const char *host, unsigned at_a_time,
			      struct mr_clock clock, bool lmtp)
{
	struct mr_own *own = mr_calloc(1, sizeof(*own));

	if (!own)
		return NULL;
	if (name_of(where, own->name) < 0)
		own->name[0] = '\0'; /* check() has refused it */
	snprintf(own->host, sizeof(own->host), "%s", host);
	own->at_a_time = at_a_time > 0 ? at_a_time : 1;
	own->clock = clock;
	own->lmtp = lmtp;
	atomic_init(&own->rests_until_ms, INT64_MIN);
	return own;
}

struct mr_own *mr_own_new(const char *reinject, const char *host, unsigned at_a_time,
			  struct mr_clock clock)
{
	return own_new(reinject, host, at_a_time, clock, false);
}

struct mr_own *mr_own_new_lmtp(const char *handover, const char *host, unsigned at_a_time,
			       struct mr_clock clock)
{
	return own_new(handover, host, at_a_time, clock, true);
}

void mr_own_free(struct mr_own *own)
{
	mr_free(own);
}

bool mr_own_able(const struct mr_own *own)
{
	return own && own->name[0];
}

const char *mr_own_host(const struct mr_own *own)
{
	return own->host;
}

/* The MTA's words, made fit for a line of ours. */
static void answer_from(const struct mr_smtp_reply *reply, struct mr_own_answer *answer_out)
{
	struct mr_own_answer a = { .code = reply->code };
	size_t len = 0;

	if (mr_span_copyz(reply->status, a.status, sizeof(a.status)) < 0 || !a.status[0])
		snprintf(a.status, sizeof(a.status), "%c.0.0", "012345"[reply->code / 100]);
	for (size_t i = 0; i < reply->text.len && len + 1 < sizeof(a.text); i++) {
		char c = reply->text.p[i];

		a.text[len++] = c >= ' ' && c <= '~' ? c : '?';
	}
	*answer_out = a;
}

static int converse(struct mr_own *own, const struct mr_own_mail *mail, struct mr_arena *arena,
		    struct mr_smtp_reply *reply_out)
{
	int64_t timeout_ms = mail->quick ? MR_OWN_QUICK_MS : MR_OWN_SEND_MS;
	int64_t deadline_ms = mr_now_ms() + timeout_ms;
	struct mr_smtp_send send = {
		.lmtp = own->lmtp,
		.all_or_none = true,
		.utf8 = mail->utf8,
		.name = own->host,
		.from = mail->from,
		.to_count = mail->to_count,
		.size = mail->size,
		.head = mail->head,
		.read = mail->read,
		.arg = mail->arg,
		.deadline_ms = deadline_ms,
		.final_ms = mail->quick ? MR_OWN_QUICK_MS : MR_OWN_FINAL_MS,
	};
	MR_AUTO_FD fd = -1;

	send.to = mr_arena_array(arena, mail->to_count, sizeof(*send.to));
	if (!send.to)
		return MR_ENOMEM;
	for (size_t i = 0; i < mail->to_count; i++)
		send.to[i].address = mail->to[i];
	if (mr_sock_connect(own->name, timeout_ms, &fd) < 0)
		return MR_ETEMP;
	return mr_smtp_send(fd, &send, arena, reply_out);
}

static int send_now(struct mr_own *own, const struct mr_own_mail *mail,
		    struct mr_own_answer *answer_out)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	int64_t begin_ms = own->clock.now_ms(own->clock.arg), now_ms;
	struct mr_smtp_reply reply;
	int err = arena ? converse(own, mail, arena, &reply) : MR_ENOMEM;

	if (err >= 0) {
		answer_from(&reply, answer_out);
		if (err == 0)
			return 0;
		return reply.code >= 500 ? MR_EPERM : MR_ETEMP;
	}
	*answer_out = err == MR_ENOMEM ? no_memory : err == MR_ETEMP ? away[own->lmtp] : no_content;
	now_ms = own->clock.now_ms(own->clock.arg);
	/* It was waited for in vain: who comes now need not do the same. */
	if (err == MR_ETEMP &&
	    now_ms - begin_ms >= (mail->quick ? MR_OWN_QUICK_MS : MR_OWN_SEND_MS))
		atomic_store(&own->rests_until_ms, now_ms + MR_OWN_REST_MS);
	return err;
}

int mr_own_send(struct mr_own *own, const struct mr_own_mail *mail,
		struct mr_own_answer *answer_out)
{
	struct mr_own_answer answer = none[own && own->lmtp];
	int err = MR_ETEMP;

	MR_ASSERT(mail->to_count > 0);
	if (!mr_own_able(own))
		goto out;
	answer = away[own->lmtp];
	if (own->clock.now_ms(own->clock.arg) < atomic_load(&own->rests_until_ms))
		goto out;
	answer = busy[own->lmtp];
	if (atomic_fetch_add(&own->sending, 1) < own->at_a_time)
		err = send_now(own, mail, &answer);
	atomic_fetch_sub(&own->sending, 1);
out:
	if (answer_out)
		*answer_out = answer;
	return err;
}
