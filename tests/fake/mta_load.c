/*
 * mta_load: an MTA that sends many messages to a milter, to measure and to shake it.
 *
 *	mta_load SOCKET CONNECTIONS MESSAGES SIZE [PER_CONNECTION [BURST]]
 *	mta_load SOCKET CONNECTIONS idle SECONDS
 *
 * SOCKET: unix:PATH or inet:PORT@127.0.0.1. Each message is unique, has fourteen header fields and
 * SIZE bytes in all. PER_CONNECTION: messages before a connection is closed and another opened; 0:
 * one connection for all. BURST 0: each packet is a write of its own, with Nagle's algorithm off.
 * Prints messages a second and latency, from MAIL to the answer of the end, in microseconds. idle:
 * CONNECTIONS that said HELO are held open for SECONDS.
 */
#include <libmilter/mfdef.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_arena.h"
#include "lib/base/mr_err.h"
#include "tests/unit/mr_mta.h"

#define SIZE_MIN 1000
#define SAID_MAX 65536

static const char *milter_socket;
static size_t messages, size, per_connection;
static bool burst = true;
static atomic_size_t next_message, errors;
static int64_t *latency_us;

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static const char *const rcpts[] = { "<b@example.org>", NULL };
static const struct mr_mta_mail blank_mail = { .addr = "192.0.2.1",
					       .host = "mx.example.net",
					       .helo = "mx.example.net",
					       .from = "<a@example.net> SIZE=4096",
					       .rcpt = rcpts,
					       .queue_id = "4bXyZ0" };

static struct mr_span message_make(struct mr_arena *arena, size_t number)
{
	char *p = mr_arena_text(arena, size + 1);
	int n;

	MR_ASSERT(p);
	n = snprintf(
		p, size + 1,
		"Received: from a.example.net (a.example.net [192.0.2.7])\r\n"
		"\tby mx.example.net (Postfix) with ESMTPS id 4bXyZ%zu\r\n"
		"\tfor <b@example.org>; Mon,  1 Jan 2024 00:00:00 +0000 (UTC)\r\n"
		"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.net; s=%zu;\r\n"
		"\tbh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=BBBB\r\n"
		"From: A <a@example.net>\r\nTo: B <b@example.org>\r\nSubject: number %zu\r\n"
		"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <%zu@example.net>\r\n"
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\nList-Id: <x.example.net>\r\n"
		"Precedence: list\r\nX-Mailer: load\r\nReply-To: a@example.net\r\n\r\n",
		number, number, number, number);
	MR_ASSERT(n > 0 && (size_t)n < size);
	for (size_t at = (size_t)n; at < size; at++)
		p[at] = at % 72 == 71 ? '\n' : (char)('a' + (at * 7 + number) % 26);
	return mr_span(p, size);
}

static int session_open(struct mr_mta *mta, struct mr_buf *said)
{
	int err = mr_mta_open(mta, milter_socket);

	mta->burst = burst;
	if (err == 0)
		err = mr_mta_negotiate(mta, MR_MTA_ACTIONS, MR_MTA_STEPS);
	if (err == 0)
		err = mr_mta_connect(mta, &blank_mail, said);
	return err;
}

static int one_mail(struct mr_mta *mta, size_t number, struct mr_buf *said)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(2 * size + 65536);
	struct mr_mta_mail mail = blank_mail;
	int64_t began_us;
	int err;

	MR_ASSERT(arena);
	mail.message = message_make(arena, number);
	mr_buf_reset(said);
	began_us = now_us();
	err = mr_mta_mail(mta, &mail, said);
	latency_us[number] = now_us() - began_us;
	if (err == 0 &&
	    (!strstr(mr_buf_str(said), "X-Note") || !strstr(mr_buf_str(said), "continue\n")))
		err = MR_ESYNTAX;
	return err;
}

static void *work(void *arg)
{
	struct mr_mta mta = { .fd = -1 };
	size_t number, on_this = 0;
	MR_AUTO_BUF said = MR_BUF(SAID_MAX);
	int err = 0;

	while ((number = atomic_fetch_add(&next_message, 1)) < messages) {
		if (mta.fd < 0)
			err = session_open(&mta, &said);
		if (err == 0)
			err = one_mail(&mta, number, &said);
		if (err < 0) {
			fprintf(stderr, "message %zu: %s\n", number, mr_err_text(err));
			atomic_fetch_add(&errors, 1);
		}
		if (err < 0 || ++on_this == per_connection) {
			if (err == 0)
				mr_mta_quit(&mta, SMFIC_QUIT);
			mr_mta_close(&mta);
			on_this = 0;
			err = 0;
		}
	}
	mr_mta_close(&mta);
	return arg;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int load(size_t connections)
{
	pthread_t *thread = mr_calloc(connections, sizeof(*thread));
	int64_t began_us = now_us();
	double s;

	latency_us = mr_calloc(messages, sizeof(*latency_us));
	MR_ASSERT(thread && latency_us && messages > 0);
	for (size_t i = 0; i < connections; i++)
		MR_ASSERT(pthread_create(&thread[i], NULL, work, NULL) == 0);
	for (size_t i = 0; i < connections; i++)
		pthread_join(thread[i], NULL);
	s = (double)(now_us() - began_us) / 1e6;
	qsort(latency_us, messages, sizeof(*latency_us), by_value);
	printf("messages %zu errors %zu per_s %.0f p50_us %lld p99_us %lld max_us %lld\n", messages,
	       (size_t)errors, (double)messages / s, (long long)latency_us[messages / 2],
	       (long long)latency_us[messages * 99 / 100], (long long)latency_us[messages - 1]);
	mr_free(thread);
	mr_free(latency_us);
	return errors > 0;
}

static int idle(size_t connections, unsigned seconds)
{
	struct mr_mta *mta = mr_calloc(connections, sizeof(*mta));
	MR_AUTO_BUF said = MR_BUF(SAID_MAX);

	MR_ASSERT(mta);
	for (size_t i = 0; i < connections; i++) {
		MR_ASSERT(session_open(&mta[i], &said) == 0);
		/* What needs no answer lies in our buffer still. */
		MR_ASSERT(mr_mta_abort(&mta[i]) == 0);
	}
	printf("open %zu\n", connections);
	fflush(stdout);
	sleep(seconds);
	for (size_t i = 0; i < connections; i++)
		mr_mta_close(&mta[i]);
	mr_free(mta);
	return 0;
}

int main(int argc, char **argv)
{
	size_t connections = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (argc < 5 || connections == 0) {
		fprintf(stderr, "usage: mta_load SOCKET CONNECTIONS MESSAGES SIZE "
				"[PER_CONNECTION [BURST]]\n"
				"       mta_load SOCKET CONNECTIONS idle SECONDS\n");
		return 64;
	}
	milter_socket = argv[1];
	if (strcmp(argv[3], "idle") == 0)
		return idle(connections, (unsigned)strtoul(argv[4], NULL, 10));
	messages = strtoul(argv[3], NULL, 10);
	size = strtoul(argv[4], NULL, 10);
	if (size < SIZE_MIN)
		size = SIZE_MIN;
	per_connection = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
	burst = argc <= 6 || strcmp(argv[6], "0") != 0;
	return load(connections);
}
