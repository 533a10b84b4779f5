#include "lda/deliver/client.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_smtp_client.h"

/* The message as it is read. */
struct source {
	int fd;
	int64_t deadline_ms;
	bool begun;
};

/* The next octets of the message; 0 at its end. A pipe need not block, whoever made it. */
static int message_read(const struct source *src, char *in, size_t size, size_t *len_out)
{
	for (;;) {
		struct pollfd wait = { .fd = src->fd, .events = POLLIN };
		int64_t left = src->deadline_ms - mr_now_ms();
		ssize_t n = read(src->fd, in, size);

		if (n >= 0) {
			*len_out = (size_t)n;
			return 0;
		}
		if (errno == EAGAIN && left > 0)
			(void)poll(&wait, 1, (int)left);
		else if (errno != EINTR)
			return MR_ETEMP;
	}
}

/*
 * sendmail without its flag n, and pipe(8) with its flag F, put a line "From sender date" before
 * the header. It is mbox's, and no field. Reads on until it is clear whether there is one.
 */
static int from_line_drop(const struct source *src, char *in, size_t size, size_t *len)
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
		if ((err = message_read(src, in + *len, size - *len, &more)) < 0)
			return err;
		*len += more;
	}
	return 0;
}

static int source_read(void *arg, char *to, size_t size, size_t *len_out)
{
	struct source *src = arg;
	int err = message_read(src, to, size, len_out);

	if (err == 0 && !src->begun) {
		src->begun = true;
		err = from_line_drop(src, to, size, len_out);
		/* The line, and nothing else, was in the first piece: that is not the end. */
		if (err == 0 && *len_out == 0)
			err = message_read(src, to, size, len_out);
	}
	return err;
}

int mr_client_deliver(int fd, int message_fd, const struct mr_deliver_args *args,
		      int64_t deadline_ms, struct mr_arena *arena, struct mr_smtp_reply *reply_out)
{
	struct source src = { .fd = message_fd, .deadline_ms = deadline_ms };
	struct mr_smtp_to to = { .address = args->to.text };
	struct mr_smtp_send send = {
		.lmtp = true,
		.name = "localhost",
		.from = args->from.text,
		.to = &to,
		.to_count = 1,
		.queue_id = args->queue_id,
		.read = source_read,
		.arg = &src,
		.deadline_ms = deadline_ms,
		.final_ms = deadline_ms - mr_now_ms(),
	};

	return mr_smtp_send(fd, &send, arena, reply_out);
}
