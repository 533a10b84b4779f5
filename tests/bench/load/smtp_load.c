/*
 * smtp_load: sends messages over SMTP or LMTP on several connections at once, and prints how long
 * each took, as one JSON line. For the benchmark rows alone.
 *
 *	smtp_load [--lmtp] [--pipeline] [--from IP] ADDRESS CONNECTIONS COUNT SIZE RECIPIENT [FILE...]
 *
 * ADDRESS is HOST:PORT or a socket's path; IP the address that the client has. Each message is
 * unique. Its body is words of the files given (one message a
 * file, in turn), or numbers, cut or filled to SIZE bytes. A latency is from MAIL to the answer
 * after the dot. --pipeline sends MAIL, RCPT and DATA in one piece, as MTAs do where it is offered.
 *
 * --idle N holds N sessions open after HELO instead, says so, and waits for standard input to end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_arena.h"
#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "tests/bench/load/message.h"

#define CONNECTIONS_MAX 2000
#define FILES_MAX       20000
#define REPLY_MAX       4096
#define FILE_SIZE_MAX   (1024 * 1024)

static struct {
	const char *address, *recipient, *from;
	bool lmtp, pipeline;
	long connections, count, size;
	char **file;
	long files;
} load;

static _Atomic long next_message;
static _Atomic long accepted, refused, failed;
static int64_t *latency_us;

static int bind_from(int fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (!load.from)
		return 0;
	if (inet_pton(AF_INET, load.from, &in.sin_addr) != 1)
		return -1;
	return bind(fd, (struct sockaddr *)&in, sizeof(in));
}

static int dial(void)
{
	const char *colon = strrchr(load.address, ':');
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	char host[64];
	int fd, on = 1;

	if (load.address[0] == '/') {
		if (mr_span_copyz(mr_span_str(load.address), un.sun_path, sizeof(un.sun_path)) < 0)
			return -1;
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		return fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 ? fd : -1;
	}
	if (!colon ||
	    mr_span_copyz(mr_span(load.address, (size_t)(colon - load.address)), host,
			  sizeof(host)) < 0 ||
	    inet_pton(AF_INET, host, &in.sin_addr) != 1)
		return -1;
	in.sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind_from(fd) < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Read one reply; its code, or -1. Nothing is pipelined, so a reply ends what was read. */
static int reply(int fd)
{
	char text[REPLY_MAX];
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, text + len, sizeof(text) - len - 1);
		char *line;

		if (n <= 0)
			return -1;
		len += (size_t)n;
		text[len] = '\0';
		if (text[len - 1] != '\n')
			continue;
		line = memrchr(text, '\n', len - 1);
		line = line ? line + 1 : text;
		if (strlen(line) >= 4 && line[3] == ' ')
			return (int)strtol(line, NULL, 10);
	}
}

/* "VERB", and behind it argument and ">" or nothing. */
static int command(int fd, const char *verb, const char *argument)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "%s%s%s\r\n", verb, argument,
			   strchr(verb, '<') ? ">" : "");

	if (len < 0 || (size_t)len >= sizeof(line) ||
	    mr_write_all(fd, mr_span(line, (size_t)len)) < 0)
		return -1;
	return reply(fd);
}

/* Words of a file as lines, without what would be a header of its own or a dot line. */
static void put_file(struct mr_buf *b, const char *path, long size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(2 * FILE_SIZE_MAX);
	struct mr_span text;
	size_t column = 0;

	if (!arena || mr_read_file(path, FILE_SIZE_MAX, arena, &text) < 0)
		return;
	for (size_t i = 0; i < text.len && b->len < (size_t)size; i++) {
		char c = text.p[i];

		if (c == '\r')
			continue;
		if (c == '\n' || column == 900) {
			(void)mr_buf_adds(b, "\r\n");
			column = 0;
			if (c == '\n')
				continue;
		}
		if (column == 0 && c == '.')
			(void)mr_buf_addc(b, '.');
		(void)mr_buf_addc(b, c ? c : ' ');
		column++;
	}
}

static void compose(struct mr_buf *b, long i)
{
	mr_buf_reset(b);
	if (load.files > 0) {
		/* The message itself, with a field of ours in front that makes it unique. */
		(void)mr_buf_printf(b, "X-Load: %ld.%d\r\n", i, (int)getpid());
		put_file(b, load.file[i % load.files], load.size);
	} else {
		load_header(b, load.recipient, i, "\r\n");
	}
	load_fill(b, i, load.size, "\r\n");
	(void)mr_buf_adds(b, "\r\n.\r\n");
}

/* The codes of count replies of a line each, whatever pieces they come in. */
static bool replies(int fd, int count, int *code)
{
	char text[REPLY_MAX];
	size_t len = 0;

	for (int got = 0; got < count;) {
		ssize_t n = read(fd, text + len, sizeof(text) - len);
		size_t at = 0;

		if (n <= 0)
			return false;
		len += (size_t)n;
		for (char *lf; (lf = memchr(text + at, '\n', len - at)) != NULL;
		     at = (size_t)(lf - text) + 1) {
			if (got == count || lf - (text + at) < 4 || text[at + 3] != ' ')
				return false;
			code[got++] = (int)strtol(text + at, NULL, 10);
		}
		len -= at;
		memmove(text, text + at, len);
	}
	return len == 0;
}

static bool envelope(int fd)
{
	char text[1024];
	int code[3], len;

	if (!load.pipeline)
		return command(fd, "MAIL FROM:<", "sender@example.net") == 250 &&
		       command(fd, "RCPT TO:<", load.recipient) == 250 &&
		       command(fd, "DATA", "") == 354;
	len = snprintf(text, sizeof(text),
		       "MAIL FROM:<sender@example.net>\r\nRCPT TO:<%s>\r\nDATA\r\n",
		       load.recipient);
	return len > 0 && (size_t)len < sizeof(text) &&
	       mr_write_all(fd, mr_span(text, (size_t)len)) == 0 && replies(fd, 3, code) &&
	       code[0] == 250 && code[1] == 250 && code[2] == 354;
}

static bool send_one(int fd, struct mr_buf *b, long i)
{
	int64_t start;
	int code;

	compose(b, i);
	start = load_now_us();
	if (!envelope(fd) || mr_write_all(fd, mr_buf_span(b)) < 0)
		return false;
	code = reply(fd);
	latency_us[i] = load_now_us() - start;
	if (code == 250)
		accepted++;
	else if (code > 0)
		refused++;
	return code > 0;
}

static int greet(void)
{
	int fd = dial();

	if (fd < 0 || reply(fd) != 220 ||
	    command(fd, load.lmtp ? "LHLO " : "EHLO ", "load.example") != 250) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void *connection(void *arg MR_UNUSED)
{
	struct mr_buf b;
	int fd = -1;
	long i;

	mr_buf_init(&b, FILE_SIZE_MAX * 2);
	while ((i = next_message++) < load.count) {
		if (fd < 0)
			fd = greet();
		if (fd < 0 || !send_one(fd, &b, i)) {
			failed++;
			if (fd >= 0)
				close(fd);
			fd = -1;
		}
	}
	if (fd >= 0) {
		(void)command(fd, "QUIT", "");
		close(fd);
	}
	mr_buf_done(&b);
	return NULL;
}

static int run(void)
{
	static pthread_t thread[CONNECTIONS_MAX];
	int64_t start = load_now_us(), took;

	latency_us = mr_calloc((size_t)load.count, sizeof(*latency_us));
	if (!latency_us)
		return 1;
	for (long i = 0; i < load.connections; i++) {
		if (pthread_create(&thread[i], NULL, connection, NULL) != 0)
			return 1;
	}
	for (long i = 0; i < load.connections; i++)
		pthread_join(thread[i], NULL);
	took = load_now_us() - start;
	printf("{\"accepted\":%ld,\"refused\":%ld,\"failed\":%ld,\"seconds\":%.3f,", accepted,
	       refused, failed, (double)took / 1e6);
	load_print_latencies(latency_us, load.count);
	printf("}\n");
	mr_free(latency_us);
	return failed > 0;
}

static int idle(long sessions)
{
	for (long i = 0; i < sessions; i++) {
		if (greet() < 0) {
			fprintf(stderr, "smtp_load: session %ld failed\n", i);
			return 1;
		}
	}
	printf("{\"idle\":%ld}\n", sessions);
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--lmtp") == 0) {
		load.lmtp = true;
		argc--;
		argv++;
	}
	if (argc > 1 && strcmp(argv[1], "--pipeline") == 0) {
		load.pipeline = true;
		argc--;
		argv++;
	}
	if (argc > 2 && strcmp(argv[1], "--from") == 0) {
		load.from = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc == 4 && strcmp(argv[1], "--idle") == 0) {
		load.address = argv[3];
		return idle(strtol(argv[2], NULL, 10));
	}
	if (argc < 6) {
		fputs("usage: smtp_load [--lmtp] [--pipeline] [--from IP] ADDRESS CONNECTIONS "
		      "COUNT SIZE "
		      "RECIPIENT [FILE...]\n"
		      "       smtp_load [--from IP] --idle SESSIONS ADDRESS\n",
		      stderr);
		return 64;
	}
	load.address = argv[1];
	load.connections = strtol(argv[2], NULL, 10);
	load.count = strtol(argv[3], NULL, 10);
	load.size = strtol(argv[4], NULL, 10);
	load.recipient = argv[5];
	load.file = argv + 6;
	load.files = argc - 6;
	if (load.connections < 1 || load.connections > CONNECTIONS_MAX || load.count < 1 ||
	    load.files > FILES_MAX || load.size < 1 || load.size > FILE_SIZE_MAX)
		return 64;
	return run();
}
