#include "lib/net/mr_smtp_client.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_lines.h"

#define READ_SIZE   32768
#define RECV_SIZE   4096
#define COMMAND_MAX 131072 /* an address in its quotes, and what stands around it */
/* RFC 2920 3.1: replies wait at the server while a group is sent; neither side's window must fill. */
#define GROUP_COUNT 50
#define GROUP_SIZE  8192 /* octets after which no more join the group */

struct peer {
	int fd;
	int64_t deadline_ms;
	struct mr_lines lines;
	struct mr_buf out;
	struct mr_arena *arena;
	bool inside; /* the content, whose end was not sent */
	bool ahead; /* XFORWARD goes with MAIL: its answer comes first */
	bool eightbit, utf8, size, pipelining, xforward; /* offered */
};

/* -- octets ----------------------------------------------------------------------------------- */

/* MR_ETEMP: the deadline has come. */
static int wait_for(const struct peer *p, short events)
{
	struct pollfd poll_fd = { .fd = p->fd, .events = events };
	int n;

	do {
		int64_t left = p->deadline_ms - mr_now_ms();

		if (left <= 0)
			return MR_ETEMP;
		n = poll(&poll_fd, 1, left < INT32_MAX ? (int)left : INT32_MAX);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : MR_ETEMP;
}

/* Send what is in out. */
static int flush(struct peer *p)
{
	int err = mr_buf_err(&p->out);

	while (err == 0 && p->out.len > 0) {
		ssize_t n = send(p->fd, p->out.p, p->out.len, MSG_NOSIGNAL);

		if (n > 0)
			mr_buf_drop(&p->out, (size_t)n);
		else if (errno == EAGAIN)
			err = wait_for(p, POLLOUT);
		else if (errno != EINTR)
			err = MR_ETEMP;
	}
	return err;
}

static int receive(struct peer *p)
{
	char in[RECV_SIZE];
	ssize_t n;
	int err;

	for (;;) {
		/* A server that talks for ever has a deadline, too. */
		if ((err = wait_for(p, POLLIN)) < 0)
			return err;
		n = recv(p->fd, in, sizeof(in), 0);
		if (n > 0)
			return mr_lines_push(&p->lines, mr_span(in, (size_t)n));
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return MR_ETEMP;
	}
}

/* -- replies ---------------------------------------------------------------------------------- */

/* RFC 5321 4.1.1.1: ehlo-line = ehlo-keyword *( SP ehlo-param ). */
static void offered(struct peer *p, struct mr_span text)
{
	const struct {
		struct mr_span word;
		bool *offered;
	} rows[] = {
		{ MR_SPAN("8BITMIME"), &p->eightbit }, { MR_SPAN("SMTPUTF8"), &p->utf8 },
		{ MR_SPAN("SIZE"), &p->size },         { MR_SPAN("PIPELINING"), &p->pipelining },
		{ MR_SPAN("XFORWARD"), &p->xforward },
	};
	struct mr_span word, params;

	(void)mr_span_split(text, ' ', &word, &params);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		if (mr_span_eq_nocase(word, rows[i].word))
			*rows[i].offered = true;
	}
}

static int line_read(struct peer *p, struct mr_smtp_reply *reply_out)
{
	struct mr_span line;
	int got;

	while ((got = mr_lines_next(&p->lines, &line)) == 0) {
		if ((got = receive(p)) < 0)
			return got;
	}
	return got < 0 || mr_smtp_reply(line, reply_out) < 0 ? MR_ETEMP : 0;
}

/* The next reply, its last line; EHLO's names what is offered in the lines after its first. */
static int reply_read(struct peer *p, bool ehlo, struct mr_smtp_reply *reply_out)
{
	struct mr_smtp_reply reply;
	int err, code = 0;

	for (int i = 0; i < MR_SMTP_REPLY_LINES_MAX; i++) {
		if ((err = line_read(p, &reply)) < 0)
			return err;
		/* RFC 5321 4.2.1: the code is the same on each line. */
		if (code != 0 && reply.code != code)
			return MR_ETEMP;
		code = reply.code;
		if (ehlo && i > 0)
			offered(p, reply.text);
		if (!reply.last)
			continue;
		/* It lies in lines, which go. */
		if (mr_arena_dup(p->arena, reply.status, &reply.status) < 0 ||
		    mr_arena_dup(p->arena, reply.text, &reply.text) < 0)
			return MR_ENOMEM;
		*reply_out = reply;
		return 0;
	}
	return MR_ETEMP;
}

/*
 * 0: of the class that was wanted; 1: a refusal. RFC 5321 4.3.2: a 2xx or 3xx where it does not belong
 * (DATA is answered with 250, say) is neither. Handed on, it would be taken for a delivery, and the mail
 * forgotten: only the answer to the final dot says that it is stored.
 */
static int judge(const struct mr_smtp_reply *reply, int want_class)
{
	if (reply->code / 100 == want_class)
		return 0;
	return reply->code >= 400 ? 1 : MR_ETEMP;
}

/* Send what is in out, and read and judge what is said to it. */
static int say(struct peer *p, int want_class, struct mr_smtp_reply *reply_out)
{
	int err;

	if ((err = flush(p)) < 0 || (err = reply_read(p, false, reply_out)) < 0)
		return err;
	return judge(reply_out, want_class);
}

/* -- the envelope ----------------------------------------------------------------------------- */

static int say_hello(struct peer *p, const struct mr_smtp_send *s, struct mr_smtp_reply *reply_out)
{
	int err = say(p, 2, reply_out); /* the greeting */

	if (err != 0)
		return err;
	(void)mr_buf_printf(&p->out, "%s %s\r\n", s->lmtp ? "LHLO" : "EHLO", s->name);
	if ((err = flush(p)) < 0 || (err = reply_read(p, true, reply_out)) < 0 ||
	    (err = judge(reply_out, 2)) != 0)
		return err;
	if (!p->xforward || s->queue_id.len == 0)
		return 0;
	(void)mr_buf_adds(&p->out, "XFORWARD IDENT=");
	mr_smtp_xtext_put(&p->out, s->queue_id);
	(void)mr_buf_adds(&p->out, "\r\n");
	p->ahead = p->pipelining;
	return p->ahead ? 0 : say(p, 2, reply_out);
}

static bool has_high(struct mr_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (mr_is(s.p[i], MR_HIGH))
			return true;
	}
	return false;
}

/* RFC 6531 3.2, 3.4 */
static bool needs_utf8(const struct mr_smtp_send *s)
{
	bool needs = s->utf8 || has_high(s->from);

	for (size_t i = 0; !needs && i < s->to_count; i++)
		needs = has_high(s->to[i].address);
	return needs;
}

static void put_mail(struct peer *p, const struct mr_smtp_send *s)
{
	(void)mr_buf_adds(&p->out, "MAIL FROM:<");
	(void)mr_buf_add(&p->out, s->from);
	(void)mr_buf_addc(&p->out, '>');
	if (p->size && s->size > 0)
		(void)mr_buf_printf(&p->out, " SIZE=%llu", (unsigned long long)s->size);
	/* What the body holds nobody told us. */
	if (p->eightbit)
		(void)mr_buf_adds(&p->out, " BODY=8BITMIME");
	if (p->utf8 && needs_utf8(s))
		(void)mr_buf_adds(&p->out, " SMTPUTF8");
	(void)mr_buf_adds(&p->out, "\r\n");
}

static void put_rcpt(struct peer *p, const struct mr_smtp_to *to)
{
	(void)mr_buf_adds(&p->out, "RCPT TO:<");
	(void)mr_buf_add(&p->out, to->address);
	(void)mr_buf_adds(&p->out, ">\r\n");
}

/* Read the replies to the recipients from first up to end. 421 is the last word of a server. */
static int read_rcpts(struct peer *p, struct mr_smtp_send *s, size_t first, size_t end)
{
	int err;

	for (size_t i = first; i < end; i++) {
		struct mr_smtp_reply *reply = &s->to[i].reply;

		if ((err = reply_read(p, false, reply)) < 0)
			return err;
		if ((err = judge(reply, 2)) < 0 || reply->code == 421)
			return err;
	}
	return 0;
}

/* How many recipients from first on are told at once. */
static size_t put_group(struct peer *p, const struct mr_smtp_send *s, size_t first)
{
	size_t i = first;

	do {
		put_rcpt(p, &s->to[i++]);
	} while (p->pipelining && i < s->to_count && i - first < GROUP_COUNT &&
		 p->out.len < GROUP_SIZE);
	return i;
}

/* What was sent up to MAIL's group. */
static int say_first(struct peer *p, struct mr_smtp_reply *reply_out)
{
	int err = p->ahead ? say(p, 2, reply_out) : 0;

	return err != 0 ? err : say(p, 2, reply_out);
}

/* MAIL, and the recipients; with the first of them where that is offered. 1: MAIL was refused. */
static int say_envelope(struct peer *p, struct mr_smtp_send *s, struct mr_smtp_reply *reply_out)
{
	int err;

	put_mail(p, s);
	if (!p->pipelining && (err = say(p, 2, reply_out)) != 0)
		return err;
	for (size_t first = 0, end; first < s->to_count; first = end) {
		end = put_group(p, s, first);
		err = first == 0 && p->pipelining ? say_first(p, reply_out) : flush(p);
		if (err != 0)
			return err;
		if ((err = read_rcpts(p, s, first, end)) != 0)
			return err < 0 ? err : 0; /* judge_rcpts() finds the 421 */
	}
	return 0;
}

/* 0: go on; 1: *reply_out is why not. A 4xx before a 5xx: in doubt the mail waits. */
static int judge_rcpts(const struct mr_smtp_send *s, struct mr_smtp_reply *reply_out)
{
	const struct mr_smtp_reply *worst = NULL;
	size_t taken = 0;

	for (size_t i = 0; i < s->to_count; i++) {
		const struct mr_smtp_reply *reply = &s->to[i].reply;

		if (reply->code == 421) {
			*reply_out = *reply;
			return 1;
		}
		if (reply->code < 300)
			taken++;
		else if (!worst || (worst->code >= 500 && reply->code < 500))
			worst = reply;
	}
	if (taken == s->to_count || (taken > 0 && !s->all_or_none))
		return 0;
	*reply_out = *worst;
	return 1;
}

/* -- the content ------------------------------------------------------------------------------ */

/* An error sends no end: never is a message cut short and taken for whole. */
static int send_content(struct peer *p, const struct mr_smtp_send *s)
{
	struct mr_smtp_stuff stuff = { .inside = false };
	char in[READ_SIZE];
	size_t len = 0;
	int err = 0;

	for (size_t at = 0; err == 0 && at < s->head.len; at += READ_SIZE) {
		err = mr_smtp_stuff_add(&stuff, mr_span_sub(s->head, at, READ_SIZE), &p->out);
		if (err == 0)
			err = flush(p);
	}
	while (err == 0 && s->read && (err = s->read(s->arg, in, sizeof(in), &len)) == 0 &&
	       len > 0) {
		/* A small message and its end go at once. */
		if ((err = mr_smtp_stuff_add(&stuff, mr_span(in, len), &p->out)) == 0 &&
		    p->out.len > READ_SIZE)
			err = flush(p);
	}
	if (err == 0)
		err = mr_smtp_stuff_end(&stuff, &p->out);
	return err < 0 ? err : flush(p);
}

/* SMTP: one answer for all who were accepted. RFC 2033 4.2: LMTP: one for each. */
static int read_final(struct peer *p, struct mr_smtp_send *s, struct mr_smtp_reply *reply_out)
{
	struct mr_smtp_reply reply = { .code = 0 };
	int err = 0, taken = 0;

	for (size_t i = 0; i < s->to_count; i++) {
		if (s->to[i].reply.code >= 300)
			continue;
		/* What was said at RCPT is not what was asked for. */
		s->to[i].reply.code = 0;
		if (err == 0 && (s->lmtp || reply.code == 0) &&
		    (err = reply_read(p, false, &reply)) == 0) {
			int refused = judge(&reply, 2);

			err = refused < 0 ? refused : 0;
			taken += refused == 0;
		}
		if (err == 0)
			s->to[i].reply = reply;
	}
	*reply_out = reply;
	if (err < 0 || taken > 0)
		return err;
	return judge_rcpts(s, reply_out);
}

static int transact(struct peer *p, struct mr_smtp_send *s, struct mr_smtp_reply *reply_out)
{
	static const struct mr_smtp_reply no_utf8 = {
		.code = 550,
		.last = true,
		.status = MR_SPAN("5.6.7"),
		.text = MR_SPAN("Non-ASCII addresses or fields are not taken by the next server"),
	};
	int err = say_hello(p, s, reply_out);

	if (err != 0)
		return err;
	if (!p->utf8 && needs_utf8(s)) {
		*reply_out = no_utf8;
		return 1;
	}
	if ((err = say_envelope(p, s, reply_out)) != 0 || (err = judge_rcpts(s, reply_out)) != 0)
		return err;
	(void)mr_buf_adds(&p->out, "DATA\r\n");
	if ((err = say(p, 3, reply_out)) != 0)
		return err;
	p->inside = true;
	if ((err = send_content(p, s)) < 0)
		return err;
	p->inside = false;
	p->deadline_ms = mr_now_ms() + s->final_ms;
	return read_final(p, s, reply_out);
}

/* An address must not end its command. Whoever made it has seen to that: mr_smtp_path(). */
static bool is_one_line(struct mr_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (mr_is(s.p[i], MR_CTL | MR_CRLF))
			return false;
	}
	return true;
}

int mr_smtp_send(int fd, struct mr_smtp_send *s, struct mr_arena *arena,
		 struct mr_smtp_reply *reply_out)
{
	static const struct mr_smtp_reply none = { .code = 0 };
	struct peer p = { .fd = fd, .deadline_ms = s->deadline_ms, .arena = arena };
	struct mr_smtp_reply reply = none;
	int err;

	MR_ASSERT(s->to_count > 0 && is_one_line(s->from));
	for (size_t i = 0; i < s->to_count; i++) {
		MR_ASSERT(is_one_line(s->to[i].address));
		s->to[i].reply = none;
	}
	mr_lines_init(&p.lines, MR_SMTP_REPLY_LINE_MAX, MR_SMTP_REPLY_LINE_MAX + 2 + RECV_SIZE);
	mr_buf_init(&p.out, COMMAND_MAX + 4 * READ_SIZE);
	err = transact(&p, s, &reply);
	if (err >= 0)
		*reply_out = reply;
	/* Out of politeness; whether it arrives is the same to us. Half a message is cut off instead. */
	if (!p.inside)
		(void)!send(fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	mr_lines_done(&p.lines);
	mr_buf_done(&p.out);
	return err;
}
