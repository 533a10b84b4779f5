#include "tests/unit/mr_mta.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmilter/mfdef.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"

#define WAIT_MS    10000
#define LISTEN_MS  5000
#define OUT_MAX    (256u << 20)
#define PACKET_MAX (2u << 20)
#define BURST_MAX  65536

/* -- connection ------------------------------------------------------------------------------ */

static int connect_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	MR_ASSERT(mr_span_copyz(mr_span_str(path), addr.sun_path, sizeof(addr.sun_path)) == 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int connect_inet(const char *port_at_host)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	addr.sin_port = htons((uint16_t)strtoul(port_at_host, NULL, 10));
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0) {
		/* The measurement is of the milter's side; Postfix sends each burst whole, too. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

int mr_mta_open(struct mr_mta *mta, const char *socket)
{
	*mta = (struct mr_mta){ .fd = -1, .burst = true };
	mr_buf_init(&mta->out, OUT_MAX);
	for (int waited_ms = 0; waited_ms < LISTEN_MS && mta->fd < 0; waited_ms += 10) {
		if (waited_ms > 0)
			(void)poll(NULL, 0, 10);
		mta->fd = strncmp(socket, "unix:", 5) == 0 ? connect_unix(socket + 5)
							   : connect_inet(socket + 5);
	}
	return mta->fd >= 0 ? 0 : MR_ENOENT;
}

void mr_mta_close(struct mr_mta *mta)
{
	if (mta->fd >= 0)
		close(mta->fd);
	mta->fd = -1;
	mr_buf_done(&mta->out);
}

/* -- packets --------------------------------------------------------------------------------- */

static int flush(struct mr_mta *mta)
{
	struct mr_span s = mr_buf_span(&mta->out);
	int err = 0;

	if (mta->bytewise) {
		for (size_t i = 0; i < s.len && err == 0; i++)
			err = mr_write_all(mta->fd, mr_span_sub(s, i, 1));
	} else {
		err = mr_write_all(mta->fd, s);
	}
	mr_buf_reset(&mta->out);
	return err;
}

static int put(struct mr_mta *mta, char command, struct mr_span data)
{
	uint32_t size = htonl((uint32_t)data.len + 1);

	mr_buf_add(&mta->out, mr_span_bytes(&size, 4));
	mr_buf_addc(&mta->out, command);
	mr_buf_add(&mta->out, data);
	return mta->burst && mta->out.len < BURST_MAX ? 0 : flush(mta);
}

static int read_n(int fd, char *p, size_t size)
{
	while (size > 0) {
		struct pollfd poller = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&poller, 1, WAIT_MS) <= 0)
			return MR_ETEMP;
		n = read(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return MR_ECLOSED;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int get(struct mr_mta *mta, char *command_out, struct mr_buf *data)
{
	char head[5], room[4096];
	uint32_t size;
	int err = flush(mta);

	if (err < 0 || (err = read_n(mta->fd, head, sizeof(head))) < 0)
		return err;
	memcpy(&size, head, 4);
	size = ntohl(size);
	if (size < 1 || size > PACKET_MAX)
		return MR_ESYNTAX;
	*command_out = head[4];
	mr_buf_reset(data);
	for (size--; size > 0 && err == 0;) {
		size_t n = size < sizeof(room) ? size : sizeof(room);

		err = read_n(mta->fd, room, n);
		if (err == 0)
			err = mr_buf_add(data, mr_span(room, n));
		size -= (uint32_t)n;
	}
	return err;
}

/* -- what is said ---------------------------------------------------------------------------- */

static uint32_t take_u32(struct mr_cur *c)
{
	struct mr_span s;
	uint32_t n = 0;

	if (mr_cur_take_n(c, 4, &s))
		memcpy(&n, s.p, 4);
	return ntohl(n);
}

static struct mr_span take_str(struct mr_cur *c)
{
	struct mr_span s = mr_cur_until(c, '\0');

	mr_cur_skip(c, 1);
	return s;
}

static void say_text(struct mr_buf *said, struct mr_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\n')
			mr_buf_adds(said, "\\n");
		else if (s.p[i] == '\r')
			mr_buf_adds(said, "\\r");
		else
			mr_buf_addc(said, s.p[i]);
	}
}

static void say_field(struct mr_buf *said, struct mr_cur *c)
{
	say_text(said, take_str(c));
	mr_buf_addc(said, ':');
	say_text(said, take_str(c));
}

static void say_change(struct mr_buf *said, struct mr_cur *c)
{
	uint32_t index = take_u32(c);
	struct mr_span name = take_str(c), value = take_str(c);

	mr_buf_printf(said, "%s %u %.*s", value.len == 0 ? "delete" : "change", index,
		      (int)name.len, name.p);
	if (value.len > 0) {
		mr_buf_addc(said, ':');
		say_text(said, value);
	}
}

/* True: this was the last answer. */
static bool say(struct mr_buf *said, char command, struct mr_span data)
{
	struct mr_cur c = mr_cur(data);
	bool last = false;

	switch (command) {
	case SMFIR_INSHEADER:
		mr_buf_printf(said, "insert %u ", take_u32(&c));
		say_field(said, &c);
		break;
	case SMFIR_ADDHEADER:
		mr_buf_adds(said, "add ");
		say_field(said, &c);
		break;
	case SMFIR_CHGHEADER:
		say_change(said, &c);
		break;
	case SMFIR_REPLBODY:
		mr_buf_printf(said, "body %zu", data.len);
		break;
	case SMFIR_ADDRCPT:
		mr_buf_printf(said, "rcpt-add %s", take_str(&c).p);
		break;
	case SMFIR_DELRCPT:
		mr_buf_printf(said, "rcpt-remove %s", take_str(&c).p);
		break;
	case SMFIR_REPLYCODE:
		mr_buf_adds(said, "reply ");
		say_text(said, take_str(&c));
		last = true;
		break;
	default:
		last = true;
		mr_buf_adds(said, command == SMFIR_CONTINUE   ? "continue"
				  : command == SMFIR_ACCEPT   ? "accept"
				  : command == SMFIR_REJECT   ? "reject"
				  : command == SMFIR_TEMPFAIL ? "tempfail"
				  : command == SMFIR_DISCARD  ? "discard"
							      : "unknown");
	}
	mr_buf_addc(said, '\n');
	return last;
}

int mr_mta_answer(struct mr_mta *mta, struct mr_buf *said)
{
	MR_AUTO_BUF data = MR_BUF(PACKET_MAX);
	char command;
	int err;

	do {
		err = get(mta, &command, &data);
	} while (err == 0 && !say(said, command, mr_span(mr_buf_str(&data), data.len)));
	return err;
}

/* Send, and wait for the answer unless it was promised that none comes. */
static int step(struct mr_mta *mta, char command, struct mr_span data, unsigned no_reply,
		const char *word, struct mr_buf *said)
{
	int err = put(mta, command, data);

	if (err < 0 || (mta->steps & no_reply))
		return err;
	if (word[0])
		mr_buf_printf(said, "%s ", word);
	err = mr_mta_answer(mta, said);
	/* Of steps that have no word only trouble is told. */
	if (!word[0] && said->len >= 9 &&
	    strcmp(mr_buf_str(said) + said->len - 9, "continue\n") == 0)
		mr_buf_cut(said, said->len - 9);
	return err;
}

/* -- the steps ------------------------------------------------------------------------------- */

int mr_mta_negotiate(struct mr_mta *mta, unsigned actions, unsigned steps)
{
	uint32_t n[3] = { htonl(6), htonl(actions), htonl(steps) };
	MR_AUTO_BUF data = MR_BUF(PACKET_MAX);
	struct mr_cur c;
	char command;
	int err;

	put(mta, SMFIC_OPTNEG, mr_span_bytes(n, sizeof(n)));
	err = get(mta, &command, &data);
	if (err < 0)
		return err;
	c = mr_cur(mr_buf_span(&data));
	if (command != SMFIC_OPTNEG || data.len < 12 || take_u32(&c) > 6)
		return MR_ESYNTAX;
	mta->actions = take_u32(&c);
	mta->steps = take_u32(&c);
	mta->offered = steps;
	return (mta->steps & ~steps) == 0 && (mta->actions & ~actions) == 0 ? 0 : MR_ESYNTAX;
}

static void macro(struct mr_mta *mta, char step_command, const char *const *pairs)
{
	MR_AUTO_BUF data = MR_BUF(PACKET_MAX);

	mr_buf_addc(&data, step_command);
	for (; pairs[0]; pairs += 2) {
		if (!pairs[1])
			continue;
		mr_buf_add(&data, mr_span(pairs[0], strlen(pairs[0]) + 1));
		mr_buf_add(&data, mr_span(pairs[1], strlen(pairs[1]) + 1));
	}
	put(mta, SMFIC_MACRO, mr_buf_span(&data));
}

int mr_mta_connect(struct mr_mta *mta, const struct mr_mta_mail *mail, struct mr_buf *said)
{
	const char *const pairs[] = { "j",        "mx.example.org", "{client_addr}",
				      mail->addr, "{client_name}",  mail->host,
				      NULL };
	MR_AUTO_BUF data = MR_BUF(PACKET_MAX);
	int err;

	macro(mta, SMFIC_CONNECT, pairs);
	mr_buf_add(&data, mr_span(mail->host, strlen(mail->host) + 1));
	mr_buf_addc(&data, strchr(mail->addr, ':') ? SMFIA_INET6 : SMFIA_INET);
	mr_buf_add(&data, mr_span("\x10\x01", 2));
	mr_buf_add(&data, mr_span(mail->addr, strlen(mail->addr) + 1));
	err = step(mta, SMFIC_CONNECT, mr_buf_span(&data), SMFIP_NR_CONN, "", said);
	if (err == 0)
		err = step(mta, SMFIC_HELO, mr_span(mail->helo, strlen(mail->helo) + 1),
			   SMFIP_NR_HELO, "", said);
	return err;
}

/* "<a@b> SIZE=1" as arguments that each end in NUL. */
static void put_args(struct mr_buf *data, const char *args)
{
	mr_buf_add(data, mr_span(args, strlen(args) + 1));
	for (size_t i = 0; i < data->len; i++) {
		if (data->p[i] == ' ')
			data->p[i] = '\0';
	}
}

int mr_mta_envelope(struct mr_mta *mta, const struct mr_mta_mail *mail, struct mr_buf *said)
{
	/* Postfix knows the queue id only from DATA on. */
	const char *const pairs[] = { "{auth_authen}", mail->auth, NULL };
	MR_AUTO_BUF data = MR_BUF(PACKET_MAX);
	int err;

	macro(mta, SMFIC_MAIL, pairs);
	put_args(&data, mail->from);
	err = step(mta, SMFIC_MAIL, mr_buf_span(&data), SMFIP_NR_MAIL, "mail", said);
	for (size_t i = 0; mail->rcpt && mail->rcpt[i] && err == 0; i++) {
		mr_buf_reset(&data);
		put_args(&data, mail->rcpt[i]);
		err = step(mta, SMFIC_RCPT, mr_buf_span(&data), SMFIP_NR_RCPT, "rcpt", said);
	}
	/* Only an MTA that can leave it out has it. */
	if (err == 0 && (mta->offered & SMFIP_NODATA) && !(mta->steps & SMFIP_NODATA))
		err = step(mta, SMFIC_DATA, mr_span("", 0), SMFIP_NR_DATA, "data", said);
	return err;
}

/* Take a field with its folds, which are passed with LF alone. */
static bool take_field(struct mr_cur *c, bool leading_blank, struct mr_buf *data)
{
	struct mr_span line, name, value;

	if (!mr_cur_line(c, &line) || line.len == 0)
		return false;
	mr_buf_reset(data);
	mr_span_split(line, ':', &name, &value);
	if (!leading_blank && mr_span_starts(value, MR_WSP))
		value = mr_span_sub(value, 1, value.len);
	mr_buf_add(data, name);
	mr_buf_addc(data, '\0');
	mr_buf_add(data, value);
	while (mr_span_starts(mr_cur_rest(c), MR_WSP) && mr_cur_line(c, &line)) {
		mr_buf_addc(data, '\n');
		mr_buf_add(data, line);
	}
	mr_buf_addc(data, '\0');
	return true;
}

/* The cursor is left behind the empty line. */
static int header(struct mr_mta *mta, struct mr_cur *c, struct mr_buf *said)
{
	MR_AUTO_BUF data = MR_BUF(PACKET_MAX);
	int err = 0;

	while (err == 0 && take_field(c, (mta->steps & SMFIP_HDR_LEADSPC) != 0, &data))
		err = step(mta, SMFIC_HEADER, mr_buf_span(&data), SMFIP_NR_HDR, "", said);
	if (err == 0 && !(mta->steps & SMFIP_NOEOH))
		err = step(mta, SMFIC_EOH, mr_span("", 0), SMFIP_NR_EOH, "", said);
	return err;
}

int mr_mta_header(struct mr_mta *mta, const struct mr_mta_mail *mail, struct mr_buf *said)
{
	struct mr_cur c = mr_cur(mail->message);

	return header(mta, &c, said);
}

int mr_mta_body(struct mr_mta *mta, struct mr_span body, struct mr_buf *said)
{
	int err = 0;

	while (body.len > 0 && err == 0 && !(mta->steps & SMFIP_NOBODY)) {
		struct mr_span piece = mr_span_sub(body, 0, MILTER_CHUNK_SIZE);

		err = step(mta, SMFIC_BODY, piece, SMFIP_NR_BODY, "", said);
		body = mr_span_sub(body, piece.len, body.len);
	}
	return err;
}

int mr_mta_end(struct mr_mta *mta, const struct mr_mta_mail *mail)
{
	const char *const pairs[] = { "i", mail->queue_id, NULL };

	macro(mta, SMFIC_BODYEOB, pairs);
	put(mta, SMFIC_BODYEOB, mr_span("", 0));
	return flush(mta);
}

int mr_mta_mail(struct mr_mta *mta, const struct mr_mta_mail *mail, struct mr_buf *said)
{
	struct mr_cur c = mr_cur(mail->message);
	int err;

	if ((err = mr_mta_envelope(mta, mail, said)) < 0 || (err = header(mta, &c, said)) < 0 ||
	    (err = mr_mta_body(mta, mr_cur_rest(&c), said)) < 0 ||
	    (err = mr_mta_end(mta, mail)) < 0)
		return err;
	return mr_mta_answer(mta, said);
}

int mr_mta_abort(struct mr_mta *mta)
{
	put(mta, SMFIC_ABORT, mr_span("", 0));
	return flush(mta);
}

int mr_mta_quit(struct mr_mta *mta, char command)
{
	put(mta, command, mr_span("", 0));
	return flush(mta);
}
