#include "lda/deliver/client.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_lines.h"

#define LINE_MAX_   2000
#define READ_SIZE   32768
#define COMMAND_MAX 16384 /* an address in its quotes, and what stands around it */
#define LINES_MAX   100 /* of one reply */

struct client {
	int fd;
	int64_t deadline_ms;
	struct mr_lines lines;
	struct mr_buf out;
	bool xforward; /* the server takes XFORWARD */
};

/* Wait until fd is ready; MR_ETEMP: the deadline has come. */
static int wait_for(const struct client *c, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		int64_t left = c->deadline_ms - mr_now_ms();

		if (left <= 0)
			return MR_ETEMP;
		n = poll(&p, 1, (int)left);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : MR_ETEMP;
}

/* Send what is in out. */
static int flush(struct client *c)
{
	int err = mr_buf_err(&c->out);

	while (err == 0 && c->out.len > 0) {
		ssize_t n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);

		if (n > 0)
			mr_buf_drop(&c->out, (size_t)n);
		else if (errno == EAGAIN)
			err = wait_for(c, c->fd, POLLOUT);
		else if (errno != EINTR)
			err = MR_ETEMP;
	}
	return err;
}

static int receive(struct client *c)
{
	char in[4096];
	ssize_t n;
	int err;

	for (;;) {
		if ((err = wait_for(c, c->fd, POLLIN)) < 0)
			return err;
		n = recv(c->fd, in, sizeof(in), 0);
		if (n > 0)
			return mr_lines_push(&c->lines, mr_span(in, (size_t)n));
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return MR_ETEMP;
	}
}

/* The next reply, its last line. */
static int reply_read(struct client *c, struct mr_smtp_reply *reply_out)
{
	struct mr_smtp_reply reply;
	struct mr_span line;
	int got;

	for (int i = 0; i < LINES_MAX; i++) {
		while ((got = mr_lines_next(&c->lines, &line)) == 0) {
			if ((got = receive(c)) < 0)
				return got;
		}
		if (got < 0 || mr_smtp_reply(line, &reply) < 0)
			return MR_ETEMP;
		if (mr_span_has_prefix_nocase(reply.text, MR_SPAN("XFORWARD ")))
			c->xforward = true;
		if (reply.last) {
			*reply_out = reply;
			return 0;
		}
	}
	return MR_ETEMP;
}

/* Send what is in out and read what is said to it; 1: that was not what we hoped for. */
static int say(struct client *c, int want_class, struct mr_smtp_reply *reply_out)
{
	int err;

	if ((err = flush(c)) < 0 || (err = reply_read(c, reply_out)) < 0)
		return err;
	return reply_out->code / 100 != want_class;
}

static int say_envelope(struct client *c, const struct mr_deliver_args *args,
			struct mr_smtp_reply *reply_out)
{
	int err;

	(void)mr_buf_adds(&c->out, "LHLO localhost\r\n");
	if ((err = say(c, 2, reply_out)) != 0)
		return err;
	if (c->xforward && args->queue_id.len > 0) {
		(void)mr_buf_adds(&c->out, "XFORWARD IDENT=");
		mr_smtp_xtext_put(&c->out, args->queue_id);
		(void)mr_buf_adds(&c->out, "\r\n");
		if ((err = say(c, 2, reply_out)) != 0)
			return err;
	}
	(void)mr_buf_adds(&c->out, "MAIL FROM:<");
	(void)mr_buf_add(&c->out, args->from.text);
	/* What the body holds nobody told us; our server takes all there is. */
	(void)mr_buf_adds(&c->out, "> BODY=8BITMIME");
	if (args->from.utf8 || args->to.utf8)
		(void)mr_buf_adds(&c->out, " SMTPUTF8");
	(void)mr_buf_adds(&c->out, "\r\n");
	if ((err = say(c, 2, reply_out)) != 0)
		return err;
	(void)mr_buf_adds(&c->out, "RCPT TO:<");
	(void)mr_buf_add(&c->out, args->to.text);
	(void)mr_buf_adds(&c->out, ">\r\n");
	if ((err = say(c, 2, reply_out)) != 0)
		return err;
	(void)mr_buf_adds(&c->out, "DATA\r\n");
	return say(c, 3, reply_out);
}

/* The next octets of the message; 0 at its end. */
static int message_read(struct client *c, int message_fd, char *in, size_t size, size_t *len_out)
{
	for (;;) {
		ssize_t n = read(message_fd, in, size);
		int err = 0;

		if (n >= 0) {
			*len_out = (size_t)n;
			return 0;
		}
		if (errno == EAGAIN)
			err = wait_for(c, message_fd, POLLIN);
		else if (errno != EINTR)
			err = MR_ETEMP;
		if (err < 0)
			return err;
	}
}

/*
 * sendmail without its flag n, and pipe(8) with its flag F, put a line "From sender date" before
 * the header. It is mbox's, and no field. Reads on until it is clear whether there is one.
 */
static int from_line_drop(struct client *c, int message_fd, char *in, size_t size, size_t *len)
{
	static const struct mr_span from = MR_SPAN("From ");
	bool dropping = false;
	size_t more = *len;
	int err;

	while (more > 0) {
		struct mr_span head = mr_span(in, *len);
		size_t lf = mr_span_find(head, '\n');

		dropping = dropping || mr_span_has_prefix(head, from);
		if (dropping && lf < *len) {
			*len -= lf + 1;
			memmove(in, in + lf + 1, *len);
			return 0;
		}
		if (dropping)
			*len = 0;
		else if (*len >= from.len || !mr_span_has_prefix(from, head))
			return 0;
		if ((err = message_read(c, message_fd, in + *len, size - *len, &more)) < 0)
			return err;
		*len += more;
	}
	return 0;
}

/* An error sends no end: never is a message cut short and taken for whole. */
static int send_message(struct client *c, int message_fd)
{
	struct mr_smtp_stuff stuff = { .inside = false };
	char in[READ_SIZE];
	size_t len;
	int err = message_read(c, message_fd, in, sizeof(in), &len);

	if (err == 0)
		err = from_line_drop(c, message_fd, in, sizeof(in), &len);
	while (err == 0 && len > 0) {
		if ((err = mr_smtp_stuff_add(&stuff, mr_span(in, len), &c->out)) == 0 &&
		    (err = flush(c)) == 0)
			err = message_read(c, message_fd, in, sizeof(in), &len);
	}
	return err < 0 ? err : mr_smtp_stuff_end(&stuff, &c->out);
}

/* The reply lies in lines, which go. */
static int reply_keep(struct mr_smtp_reply *reply, struct mr_arena *arena)
{
	if (mr_arena_dup(arena, reply->status, &reply->status) < 0 ||
	    mr_arena_dup(arena, reply->text, &reply->text) < 0)
		return MR_ENOMEM;
	return 0;
}

int mr_client_deliver(int fd, int message_fd, const struct mr_deliver_args *args,
		      int64_t deadline_ms, struct mr_arena *arena, struct mr_smtp_reply *reply_out)
{
	struct client c = { .fd = fd, .deadline_ms = deadline_ms };
	struct mr_smtp_reply reply;
	int err;

	mr_lines_init(&c.lines, LINE_MAX_, LINE_MAX_ + 2 + 4096);
	mr_buf_init(&c.out, COMMAND_MAX + 3 * READ_SIZE);
	err = say(&c, 2, &reply); /* the greeting */
	if (err == 0)
		err = say_envelope(&c, args, &reply);
	if (err == 0)
		err = send_message(&c, message_fd);
	if (err == 0)
		err = say(&c, 2, &reply);
	/*
	 * RFC 5321 4.3.2: a 2xx or 3xx where it does not belong (DATA is answered with 250, say) is
	 * neither a refusal nor a delivery. Handed on, it would be taken for one, and the mail
	 * forgotten: only the answer to the final dot says that it is stored.
	 */
	if (err > 0 && reply.code < 400)
		err = MR_ETEMP;
	if (err >= 0)
		err = reply_keep(&reply, arena);
	if (err >= 0)
		*reply_out = reply;
	/* Out of politeness; whether it arrives is the same to us. */
	(void)!send(fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	mr_lines_done(&c.lines);
	mr_buf_done(&c.out);
	return err;
}
