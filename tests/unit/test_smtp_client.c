/* The client of SMTP and LMTP: what it says, to servers that behave and to those that do not. */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_smtp_client.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX (1 << 20)
#define TO_MAX    120

/* A message that comes in pieces, or breaks off. */
struct text {
	struct mr_span left;
	size_t piece;
	int err; /* at the end */
};

static int text_read(void *arg, char *to, size_t size, size_t *len_out)
{
	struct text *text = arg;
	struct mr_span piece = mr_span_sub(text->left, 0, text->piece < size ? text->piece : size);

	if (piece.len == 0 && text->err < 0)
		return text->err;
	memcpy(to, piece.p, piece.len);
	*len_out = piece.len;
	text->left = mr_span_sub(text->left, piece.len, text->left.len);
	return 0;
}

/* A server whose words are known beforehand, and which hears everything. */
struct server {
	int fd;
	const char *words;
	bool bytes; /* speaks in single octets, and slowly */
	bool closes; /* when all is said */
};

static void *speak(void *arg)
{
	const struct server *server = arg;
	struct mr_span words = mr_span_str(server->words);
	size_t step = server->bytes ? 1 : words.len;

	for (size_t at = 0; at < words.len; at += step) {
		if (send(server->fd, words.p + at, step, MSG_NOSIGNAL) < 0)
			break;
		if (server->bytes && at % 16 == 0)
			usleep(100);
	}
	if (server->closes)
		shutdown(server->fd, SHUT_WR);
	return NULL;
}

struct outcome {
	int err;
	struct mr_smtp_reply reply;
	struct mr_span said; /* by the client */
};

static void run(struct mr_t *t, struct mr_smtp_send *s, struct server *server,
		struct mr_arena *arena, struct outcome *outcome_out)
{
	struct outcome o = { .err = 0 };
	char unheard[4096];
	pthread_t thread;
	int pair[2];

	MR_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	server->fd = pair[1];
	MR_ASSERT(pthread_create(&thread, NULL, speak, server) == 0);
	s->deadline_ms = mr_now_ms() + (server->closes ? 5000 : 100);
	s->final_ms = server->closes ? 5000 : 50;
	o.err = mr_smtp_send(pair[0], s, arena, &o.reply);
	pthread_join(thread, NULL);
	/* What was not listened to would take what was said with it: ECONNRESET. */
	while (recv(pair[0], unheard, sizeof(unheard), MSG_DONTWAIT) > 0)
		;
	close(pair[0]);
	if (mr_read_fd(pair[1], ARENA_MAX / 4, arena, &o.said) < 0)
		o.said = MR_SPAN("");
	close(pair[1]);
	(void)t;
	*outcome_out = o;
}

#define ALL_                                                                                       \
	"220 mx\r\n250-mx\r\n250-SIZE 1000\r\n250-8bitmime\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n"
#define PLAIN_  "220 mx\r\n250 mx\r\n"
#define OK_     "250 2.1.0 OK\r\n"
#define GO_     "354 go on\r\n"
#define NO_     "550 5.1.1 No such user\r\n"
#define LATER_  "450 4.2.1 Later\r\n"
#define TAKEN_  "250 2.0.0 Queued as 4bX\r\n"
#define HELLO   "EHLO me\r\n"
#define MAIL    "MAIL FROM:<a@b>\r\n"
#define RCPTS   "RCPT TO:<x@d>\r\nRCPT TO:<y@d>\r\nRCPT TO:<z@d>\r\n"
#define DATA    "DATA\r\nX: 1\r\nSubject: s\r\n\r\n..dot\r\n.\r\n"
#define QUIT    "QUIT\r\n"
#define LONG50  "01234567890123456789012345678901234567890123456789"
#define LONG500 LONG50 LONG50 LONG50 LONG50 LONG50 LONG50 LONG50 LONG50 LONG50 LONG50
#define MANY10                                                                                     \
	"250-a\r\n250-a\r\n250-a\r\n250-a\r\n250-a\r\n250-a\r\n250-a\r\n250-a\r\n250-a\r\n250-"    \
	"a\r\n"
#define MANY100 MANY10 MANY10 MANY10 MANY10 MANY10 MANY10 MANY10 MANY10 MANY10 MANY10

static const struct {
	const char *words;
	bool lmtp, all;
	int want; /* of mr_smtp_send() */
	int code; /* of the reply for all */
	int each[3];
	const char *said;
} rows[] = {
	/* RFC 5321 4.5.2, 2.3.8; nothing was offered */
	{ PLAIN_ OK_ OK_ OK_ OK_ GO_ TAKEN_,
	  false,
	  false,
	  0,
	  250,
	  { 250, 250, 250 },
	  HELLO MAIL RCPTS DATA QUIT },
	/* RFC 1870, 6152, 2920 */
	{ ALL_ OK_ OK_ OK_ OK_ GO_ TAKEN_,
	  false,
	  false,
	  0,
	  250,
	  { 250, 250, 250 },
	  HELLO "MAIL FROM:<a@b> SIZE=26 BODY=8BITMIME\r\n" RCPTS DATA QUIT },
	/* One is refused: the others get it, unless nobody shall. */
	{ PLAIN_ OK_ OK_ NO_ OK_ GO_ TAKEN_,
	  false,
	  false,
	  0,
	  250,
	  { 250, 550, 250 },
	  HELLO MAIL RCPTS DATA QUIT },
	{ PLAIN_ OK_ OK_ NO_ OK_, false, true, 1, 550, { 250, 550, 250 }, HELLO MAIL RCPTS QUIT },
	{ PLAIN_ OK_ NO_ LATER_ NO_,
	  false,
	  false,
	  1,
	  450,
	  { 550, 450, 550 },
	  HELLO MAIL RCPTS QUIT },
	{ PLAIN_ OK_ NO_ NO_ NO_, false, false, 1, 550, { 550, 550, 550 }, HELLO MAIL RCPTS QUIT },
	/* 252 takes him too (RFC 5321 4.2.3) */
	{ PLAIN_ OK_ "252 maybe\r\n251 elsewhere\r\n" OK_ GO_ TAKEN_,
	  false,
	  true,
	  0,
	  250,
	  { 250, 250, 250 },
	  HELLO MAIL RCPTS DATA QUIT },
	{ PLAIN_ OK_ OK_ OK_ OK_ "451 4.3.0 No\r\n",
	  false,
	  false,
	  1,
	  451,
	  { 250, 250, 250 },
	  HELLO MAIL RCPTS "DATA\r\n" QUIT },
	{ PLAIN_ OK_ OK_ NO_ OK_ GO_ "554 5.7.1 Spam\r\n",
	  false,
	  false,
	  1,
	  554,
	  { 554, 550, 554 },
	  HELLO MAIL RCPTS DATA QUIT },
	{ PLAIN_ "550-5.7.1 You\r\n550 5.7.1 No\r\n",
	  false,
	  false,
	  1,
	  550,
	  { 0, 0, 0 },
	  HELLO MAIL QUIT },
	{ ALL_ "550 5.7.1 No\r\n503 x\r\n503 x\r\n503 x\r\n",
	  false,
	  false,
	  1,
	  550,
	  { 0, 0, 0 },
	  HELLO "MAIL FROM:<a@b> SIZE=26 BODY=8BITMIME\r\n" RCPTS QUIT },
	{ "554 5.7.1 Go away\r\n", false, false, 1, 554, { 0, 0, 0 }, QUIT },
	{ "220 x\r\n502 What\r\n", false, false, 1, 502, { 0, 0, 0 }, HELLO QUIT },
	/* RFC 5321 3.8: 421 is the last word, wherever it comes */
	{ "421 4.3.2 Busy\r\n", false, false, 1, 421, { 0, 0, 0 }, QUIT },
	{ PLAIN_ OK_ OK_ "421 4.3.2 Ends\r\n",
	  false,
	  false,
	  1,
	  421,
	  { 250, 421, 0 },
	  HELLO MAIL "RCPT TO:<x@d>\r\nRCPT TO:<y@d>\r\n" QUIT },
	{ ALL_ OK_ OK_ "421 4.3.2 Ends\r\n",
	  false,
	  false,
	  1,
	  421,
	  { 250, 421, 0 },
	  HELLO "MAIL FROM:<a@b> SIZE=26 BODY=8BITMIME\r\n" RCPTS QUIT },
	{ PLAIN_ OK_ OK_ OK_ OK_ GO_ "421 4.3.2 Ends\r\n",
	  false,
	  false,
	  1,
	  421,
	  { 421, 421, 421 },
	  HELLO MAIL RCPTS DATA QUIT },
	/* RFC 2033 4.2: an answer for each who was accepted */
	{ PLAIN_ OK_ OK_ NO_ OK_ GO_ TAKEN_ LATER_,
	  true,
	  false,
	  0,
	  450,
	  { 250, 550, 450 },
	  "LHLO me\r\n" MAIL RCPTS DATA QUIT },
	{ PLAIN_ OK_ OK_ OK_ OK_ GO_ NO_ LATER_ NO_,
	  true,
	  false,
	  1,
	  450,
	  { 550, 450, 550 },
	  "LHLO me\r\n" MAIL RCPTS DATA QUIT },
	{ PLAIN_ OK_ OK_ OK_ OK_ GO_ TAKEN_ LATER_,
	  true,
	  false,
	  MR_ETEMP,
	  0,
	  { 250, 450, 0 },
	  "LHLO me\r\n" MAIL RCPTS DATA QUIT },
	/* RFC 5321 4.3.2: what does not belong there */
	{ PLAIN_ OK_ OK_ OK_ OK_ TAKEN_ TAKEN_,
	  false,
	  false,
	  MR_ETEMP,
	  0,
	  { 250, 250, 250 },
	  HELLO MAIL RCPTS "DATA\r\n" QUIT },
	{ PLAIN_ OK_ OK_ OK_ OK_ GO_ GO_,
	  false,
	  false,
	  MR_ETEMP,
	  0,
	  { 0, 0, 0 },
	  HELLO MAIL RCPTS DATA QUIT },
	{ PLAIN_ OK_ GO_,
	  false,
	  false,
	  MR_ETEMP,
	  0,
	  { 354, 0, 0 },
	  HELLO MAIL "RCPT TO:<x@d>\r\n" QUIT },
	/* Closed, too long, without end, no SMTP */
	{ "", false, false, MR_ETEMP, 0, { 0, 0, 0 }, QUIT },
	{ "220", false, false, MR_ETEMP, 0, { 0, 0, 0 }, QUIT },
	{ PLAIN_ OK_ OK_ OK_ OK_ GO_,
	  false,
	  false,
	  MR_ETEMP,
	  0,
	  { 0, 0, 0 },
	  HELLO MAIL RCPTS DATA QUIT },
	{ "220 " LONG500 LONG500 LONG500 LONG500 "\r\n250 x\r\n",
	  false,
	  false,
	  MR_ETEMP,
	  0,
	  { 0, 0, 0 },
	  QUIT },
	{ "220 " LONG500 LONG500 LONG500 "\r\n550 x\r\n",
	  false,
	  false,
	  1,
	  550,
	  { 0, 0, 0 },
	  HELLO QUIT },
	{ "220 x\r\n" MANY100 "250 x\r\n550 x\r\n",
	  false,
	  false,
	  MR_ETEMP,
	  0,
	  { 0, 0, 0 },
	  HELLO QUIT },
	{ "220 x\r\n" MANY10 "250 x\r\n550 x\r\n",
	  false,
	  false,
	  1,
	  550,
	  { 0, 0, 0 },
	  HELLO MAIL QUIT },
	/* RFC 5321 4.2.1: one code */
	{ "220 x\r\n250-x\r\n550 x\r\n", false, false, MR_ETEMP, 0, { 0, 0, 0 }, HELLO QUIT },
	{ "HTTP/1.1 400 Bad\r\n", false, false, MR_ETEMP, 0, { 0, 0, 0 }, QUIT },
	{ "220 x\n", false, false, MR_ETEMP, 0, { 0, 0, 0 }, QUIT },
};

static void rows_run(struct mr_t *t, bool bytes)
{
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct text text = { .left = MR_SPAN("Subject: s\n\n.dot"), .piece = 1 + i % 7 };
		struct mr_smtp_to to[3] = { { .address = MR_SPAN("x@d") },
					    { .address = MR_SPAN("y@d") },
					    { .address = MR_SPAN("z@d") } };
		struct mr_smtp_send s = {
			.lmtp = rows[i].lmtp,
			.all_or_none = rows[i].all,
			.name = "me",
			.from = MR_SPAN("a@b"),
			.to = to,
			.to_count = 3,
			.size = 26,
			.head = MR_SPAN("X: 1\n"),
			.read = text_read,
			.arg = &text,
		};
		struct server server = { .words = rows[i].words,
					 .bytes = bytes && !t->oom,
					 .closes = true };
		struct outcome o;

		t->row = (long)i;
		MR_NEED(t, arena);
		run(t, &s, &server, arena, &o);
		/* Never "taken" unless the dot was answered so. */
		MR_CHECK_ALWAYS(t, o.err != 0 || rows[i].want == 0);
		if (t->oom)
			continue;
		MR_CHECK_INT(t, rows[i].want, o.err);
		MR_CHECK_SPAN(t, rows[i].said, o.said);
		if (o.err >= 0)
			MR_CHECK_INT(t, rows[i].code, o.reply.code);
		for (size_t k = 0; o.err >= 0 && k < 3; k++) {
			int code = to[k].reply.code;

			MR_CHECK_INT(t, rows[i].each[k], code >= 250 && code < 300 ? 250 : code);
		}
	}
}

MR_TEST(smtp_client_rows)
{
	rows_run(t, false);
}

/* The same in single octets, slowly. */
MR_TEST(smtp_client_bytes)
{
	rows_run(t, true);
}

/* A server that falls silent, at each point: the deadline ends it, and nothing is known. */
MR_TEST(smtp_client_silence)
{
	static const char *const words[] = { "", "220 x\r\n", PLAIN_, PLAIN_ OK_ "250-",
					     PLAIN_ OK_ OK_ GO_ };

	for (size_t i = 0; i < MR_COUNT(words); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_smtp_to to = { .address = MR_SPAN("x@d") };
		struct mr_smtp_send s = { .name = "me", .to = &to, .to_count = 1 };
		struct server server = { .words = words[i] };
		struct outcome o;

		t->row = (long)i;
		MR_NEED(t, arena);
		run(t, &s, &server, arena, &o);
		if (!t->oom)
			MR_CHECK_INT(t, MR_ETEMP, o.err);
		MR_CHECK_ALWAYS(t, o.err < 0);
	}
}

/* The message cannot be read to its end: no dot, and no command that would become content. */
MR_TEST(smtp_client_content_breaks_off)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct text text = { .left = MR_SPAN("half\n"), .piece = 100, .err = MR_EFULL };
	struct mr_smtp_to to = { .address = MR_SPAN("x@d") };
	struct mr_smtp_send s = { .name = "me",
				  .from = MR_SPAN("a@b"),
				  .to = &to,
				  .to_count = 1,
				  .read = text_read,
				  .arg = &text };
	struct server server = { .words = PLAIN_ OK_ OK_ GO_ TAKEN_, .closes = true };
	struct outcome o;

	MR_NEED(t, arena);
	run(t, &s, &server, arena, &o);
	MR_CHECK_ALWAYS(t, o.err < 0);
	if (t->oom)
		return;
	MR_CHECK_INT(t, MR_EFULL, o.err);
	MR_CHECK_SPAN(t, HELLO MAIL "RCPT TO:<x@d>\r\nDATA\r\n", o.said);
}

/* RFC 6531 3.2, 3.4 */
MR_TEST(smtp_client_utf8)
{
	static const struct {
		const char *words, *from, *to;
		bool utf8;
		int want, code;
		const char *said;
	} cases[] = {
		{ ALL_ OK_ OK_ GO_ TAKEN_, "a@b", "\xc3\xbc@d", false, 0, 250,
		  HELLO "MAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8\r\n"
			"RCPT TO:<\xc3\xbc@d>\r\nDATA\r\nX: 1\r\n.\r\n" QUIT },
		{ ALL_ OK_ OK_ GO_ TAKEN_, "a@b", "c@d", true, 0, 250,
		  HELLO "MAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8\r\n"
			"RCPT TO:<c@d>\r\nDATA\r\nX: 1\r\n.\r\n" QUIT },
		{ PLAIN_, "a@b", "\xc3\xbc@d", false, 1, 550, HELLO QUIT },
		{ PLAIN_, "\xc3\xbc@b", "c@d", false, 1, 550, HELLO QUIT },
		{ PLAIN_, "a@b", "c@d", true, 1, 550, HELLO QUIT },
		/* A server that is called like an extension offers none. */
		{ "220 x\r\n250 SMTPUTF8\r\n", "a@b", "c@d", true, 1, 550, HELLO QUIT },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_smtp_to to = { .address = mr_span_str(cases[i].to) };
		struct mr_smtp_send s = { .name = "me",
					  .utf8 = cases[i].utf8,
					  .from = mr_span_str(cases[i].from),
					  .to = &to,
					  .to_count = 1,
					  .head = MR_SPAN("X: 1\n") };
		struct server server = { .words = cases[i].words, .closes = true };
		struct outcome o;

		t->row = (long)i;
		MR_NEED(t, arena);
		run(t, &s, &server, arena, &o);
		if (t->oom)
			continue;
		MR_CHECK_INT(t, cases[i].want, o.err);
		MR_CHECK_INT(t, cases[i].code, o.reply.code);
		MR_CHECK_SPAN(t, cases[i].said, o.said);
		if (o.err == 1)
			MR_CHECK_SPAN(t, "5.6.7", o.reply.status); /* RFC 6531 3.7.4 */
	}
}

/* More recipients than one group holds; each reply belongs to its own. */
MR_TEST(smtp_client_groups)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO_BUF words = MR_BUF(65536);
	struct mr_smtp_to to[TO_MAX];
	struct mr_smtp_send s = { .name = "me", .to = to, .to_count = TO_MAX };
	struct server server = { .closes = true };
	struct outcome o;

	MR_NEED(t, arena);
	(void)mr_buf_adds(&words, ALL_ OK_);
	for (size_t i = 0; i < TO_MAX; i++) {
		to[i].address = MR_SPAN("x@d");
		(void)mr_buf_adds(&words, i % 3 == 0 ? NO_ : OK_);
	}
	(void)mr_buf_adds(&words, GO_ TAKEN_);
	MR_NEED(t, mr_buf_err(&words) == 0);
	server.words = mr_buf_str(&words);
	run(t, &s, &server, arena, &o);
	if (t->oom)
		return;
	MR_CHECK_INT(t, 0, o.err);
	for (size_t i = 0; i < TO_MAX; i++)
		MR_CHECK_INT(t, i % 3 == 0 ? 550 : 250, to[i].reply.code);
}
