/*
 * Questions and answers: libunbound against a server of this test on loopback, which says what each name
 * asks it to, or nothing; and an engine that answers when the test says so, for the order of things.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/net/mr_dns_engine.h"
#include "tests/unit/mr_test.h"

#define S(text) mr_span_str(text)

/* Far more than any answer takes, and less than a test may. */
#define LONG_MS 20000

/* -- a name server ---------------------------------------------------------------------------- */

struct server {
	pthread_t thread;
	int fd, stop[2];
	char address[32]; /* "127.0.0.1@5353" */
};

/* RFC 1035 4.1: the header, one question, and what goes behind it. first: the first label. */
static size_t reply_make(unsigned char *m, size_t question, const char *first)
{
	/* The name is that of the question (4.1.4: a pointer to octet 12), IN, TTL 0. */
	static const unsigned char a[] = { 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 7 };
	static const unsigned char txt[] = { 0xC0, 12, 0, 16,  0,   1,   0, 0,   0,   0,
					     0,    8,  3, 'a', 'b', 'c', 3, 'd', 'e', 'f' };
	unsigned type = (unsigned)(m[question - 4] << 8 | m[question - 3]);
	size_t len = question;

	m[2] = 0x84; /* an answer, authoritative */
	m[3] = 0x80; /* recursion is available */
	memset(m + 6, 0, 6);
	if (strcmp(first, "nx") == 0)
		m[3] |= 3;
	else if (strcmp(first, "fail") == 0)
		m[3] |= 2;
	else if (strcmp(first, "none") != 0 && (type == MR_DNS_A || type == MR_DNS_TXT)) {
		const unsigned char *record = type == MR_DNS_A ? a : txt;
		size_t size = type == MR_DNS_A ? sizeof(a) : sizeof(txt);

		m[7] = strcmp(first, "two") == 0 ? 2 : 1;
		for (int i = 0; i < m[7]; i++) {
			memcpy(m + len, record, size);
			len += size;
			m[len - 1] = (unsigned char)(m[len - 1] + i); /* 192.0.2.8 */
		}
	}
	return len;
}

static void *serve(void *arg)
{
	struct server *s = arg;
	struct pollfd fds[] = { { .fd = s->fd, .events = POLLIN },
				{ .fd = s->stop[0], .events = POLLIN } };
	unsigned char m[4096];

	while (poll(fds, MR_COUNT(fds), -1) >= 0 && !fds[1].revents) {
		struct sockaddr_in peer;
		socklen_t peer_len = sizeof(peer);
		ssize_t n = recvfrom(s->fd, m, 512, 0, (struct sockaddr *)&peer, &peer_len);
		char first[64] = "";
		size_t at = 12;

		if (n < 17 || m[12] > 63)
			continue;
		memcpy(first, m + 13, m[12]);
		first[m[12]] = '\0';
		while (at < (size_t)n && m[at])
			at += m[at] + 1u;
		if (at + 5 > (size_t)n || strcmp(first, "silent") == 0)
			continue;
		(void)!sendto(s->fd, m, reply_make(m, at + 5, first), 0, (struct sockaddr *)&peer,
			      peer_len);
	}
	return NULL;
}

static bool server_start(struct server *s)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);

	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&addr, len) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&addr, &len) < 0 || pipe(s->stop) < 0)
		return false;
	snprintf(s->address, sizeof(s->address), "127.0.0.1@%u", ntohs(addr.sin_port));
	return pthread_create(&s->thread, NULL, serve, s) == 0;
}

static void server_stop(struct server *s)
{
	close(s->stop[1]);
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->fd);
}

static struct mr_dns *dns_of(const struct server *s)
{
	const char *const forward[] = { s->address };
	const struct mr_dns_config config = { .forward = forward,
					      .forward_count = 1,
					      .local = true };
	struct mr_dns *dns = NULL;

	return mr_dns_open(&config, &dns) == 0 ? dns : NULL;
}

#define L10 "abcdefghij"
#define L61 L10 L10 L10 L10 L10 L10 "k"
#define L63 L61 "lm"

/* -- libunbound ------------------------------------------------------------------------------- */

MR_TEST(dns_answers)
{
	static const struct {
		const char *name;
		enum mr_dns_type type;
		enum mr_dns_status status;
		size_t count;
	} rows[] = {
		{ "one.test", MR_DNS_A, MR_DNS_OK, 1 },
		{ "two.test.", MR_DNS_A, MR_DNS_OK, 2 },
		{ "one.test", MR_DNS_TXT, MR_DNS_OK, 1 },
		{ "one.test", MR_DNS_MX, MR_DNS_NODATA, 0 },
		{ "none.test", MR_DNS_A, MR_DNS_NODATA, 0 },
		{ "nx.test", MR_DNS_A, MR_DNS_NXDOMAIN, 0 },
		{ "fail.test", MR_DNS_A, MR_DNS_SERVFAIL, 0 },
		{ "_sip._tcp.example.invalid", MR_DNS_TXT, MR_DNS_OK, 1 },
		{ "2.0.0.127.in-addr.arpa", MR_DNS_A, MR_DNS_OK, 1 },
		{ "", MR_DNS_A, MR_DNS_INVALID, 0 },
		{ ".", MR_DNS_A, MR_DNS_INVALID, 0 },
		{ "a..test", MR_DNS_A, MR_DNS_INVALID, 0 },
		{ ".test", MR_DNS_A, MR_DNS_INVALID, 0 },
		{ "a.test..", MR_DNS_A, MR_DNS_INVALID, 0 },
		{ "a\\.b.test", MR_DNS_A, MR_DNS_INVALID, 0 },
		{ "a b.test", MR_DNS_A, MR_DNS_INVALID, 0 },
		{ "a\nb.test", MR_DNS_A, MR_DNS_INVALID, 0 },
		/* RFC 1035 2.3.4: 63 octets of a label, 253 of a name as text */
		{ L63 ".test", MR_DNS_A, MR_DNS_OK, 1 },
		{ L63 "x.test", MR_DNS_A, MR_DNS_INVALID, 0 },
		{ L63 "." L63 "." L63 "." L61, MR_DNS_A, MR_DNS_OK, 1 },
		{ L63 "." L63 "." L63 "." L61 "x", MR_DNS_A, MR_DNS_INVALID, 0 },
	};
	struct server server;
	MR_AUTO(mr_dns) *dns = NULL;
	size_t at[MR_COUNT(rows)];
	struct mr_dns_set *set = NULL;

	if (t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "libunbound allocates by itself");
	MR_NEED(t, server_start(&server));
	MR_NEED(t, (dns = dns_of(&server)) && (set = mr_dns_set_new(dns)));
	for (size_t i = 0; i < MR_COUNT(rows); i++)
		MR_CHECK_INT(t, 0, mr_dns_ask(set, S(rows[i].name), rows[i].type, &at[i]));
	MR_CHECK_INT(t, 0, mr_dns_wait(set, LONG_MS));
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		const struct mr_dns_answer *answer = mr_dns_answer(set, at[i]);

		MR_CHECK_STR(t, mr_dns_status_name(rows[i].status),
			     mr_dns_status_name(answer->status));
		MR_CHECK_INT(t, rows[i].count, answer->count);
		MR_CHECK_INT(t, false, answer->secure);
	}
	MR_CHECK(t,
		 mr_span_eq(mr_dns_answer(set, at[0])->record[0], mr_span("\xC0\x00\x02\x07", 4)));
	MR_CHECK_SPAN(t, "\003abc\003def", mr_dns_answer(set, at[2])->record[0]);
	mr_dns_set_free(set);
	mr_dns_close(dns);
	dns = NULL;
	server_stop(&server);
}

/* A silent server costs those who ask it their own time, and nobody else's. */
MR_TEST(dns_silence)
{
	struct server server;
	MR_AUTO(mr_dns) *dns = NULL;
	struct mr_dns_set *set = NULL;
	char name[64];
	size_t at, good;

	if (t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "libunbound allocates by itself");
	MR_NEED(t, server_start(&server));
	MR_NEED(t, (dns = dns_of(&server)) && (set = mr_dns_set_new(dns)));
	for (int i = 0; i < MR_DNS_ASKED_MAX - 1; i++) {
		snprintf(name, sizeof(name), "silent.n%d.test", i);
		MR_CHECK_INT(t, 0, mr_dns_ask(set, S(name), MR_DNS_A, &at));
	}
	MR_CHECK_INT(t, 0, mr_dns_ask(set, S("one.test"), MR_DNS_A, &good));
	MR_CHECK_INT(t, MR_ELIMIT, mr_dns_ask(set, S("two.test"), MR_DNS_A, &at));
	MR_CHECK(t, mr_dns_wait_for(set, good, LONG_MS));
	MR_CHECK_INT(t, MR_DNS_OK, mr_dns_answer(set, good)->status);
	MR_CHECK_INT(t, MR_DNS_ASKED_MAX - 1, mr_dns_wait(set, 1));
	MR_CHECK_INT(t, MR_DNS_TIMEOUT, mr_dns_answer(set, 0)->status);
	mr_dns_set_free(set); /* cancels them */
	mr_dns_close(dns);
	dns = NULL;
	server_stop(&server);
}

MR_TEST(dns_config)
{
	static const char *const bad[] = { "not an address" };
	const struct mr_dns_config forward = { .forward = bad, .forward_count = 1 },
				   anchor = { .trust_anchor = "/nonexistent/anchor" };
	struct mr_dns *dns = NULL;

	if (t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "libunbound allocates by itself");
	MR_CHECK_INT(t, MR_EINVAL, mr_dns_open(&forward, &dns));
	MR_CHECK_INT(t, MR_EINVAL, mr_dns_open(&anchor, &dns));
}

/* -- an engine that answers when it is told to ------------------------------------------------- */

struct slow {
	struct mr_dns_question *question[8];
	int count, cancelled;
	bool refuses; /* it cannot cancel: the answer is on its way */
	bool full;
};

static int slow_ask(void *arg, const char *name, enum mr_dns_type type MR_UNUSED,
		    struct mr_dns_question *question, int *id_out)
{
	struct slow *slow = arg;

	if (slow->full)
		return MR_ENOMEM;
	*id_out = slow->count;
	if (strcmp(name, "now.test") == 0)
		mr_dns_question_done(question, MR_DNS_OK, true,
				     (const struct mr_span[]){ S("x"), S("") }, 2);
	else
		slow->question[slow->count++] = question;
	return 0;
}

static bool slow_cancel(void *arg, int id)
{
	struct slow *slow = arg;

	if (slow->refuses)
		return false;
	slow->question[id] = NULL;
	slow->cancelled++;
	return true;
}

static void slow_close(void *arg MR_UNUSED)
{
}

MR_TEST(dns_sets)
{
	struct slow slow = { .count = 0 };
	const struct mr_dns_engine engine = { slow_ask, slow_cancel, slow_close, &slow };
	MR_AUTO(mr_dns) *dns = NULL;
	struct mr_dns_set *set = NULL;
	size_t a = 9, b = 9, again = 9, now = 9;

	if (t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "dns_memory");
	MR_NEED(t, mr_dns_new(&engine, &dns) == 0 && (set = mr_dns_set_new(dns)));
	MR_CHECK_INT(t, 0, mr_dns_ask(set, S("a.test"), MR_DNS_A, &a));
	MR_CHECK_INT(t, 0, mr_dns_ask(set, S("b.test"), MR_DNS_A, &b));
	/* The same question is asked once; another type is another question (RFC 4343: no case). */
	MR_CHECK_INT(t, 0, mr_dns_ask(set, S("A.TEST."), MR_DNS_A, &again));
	MR_CHECK_INT(t, a, again);
	MR_CHECK_INT(t, 2, slow.count);
	MR_CHECK_INT(t, 0, mr_dns_ask(set, S("a.test"), MR_DNS_TXT, &again));
	MR_CHECK_INT(t, 3, slow.count);
	MR_CHECK_INT(t, 0, mr_dns_ask(set, S("now.test"), MR_DNS_TXT, &now));
	MR_CHECK(t, mr_dns_wait_for(set, now, 0));
	MR_CHECK_INT(t, MR_DNS_OK, mr_dns_answer(set, now)->status);
	MR_CHECK_INT(t, 2, mr_dns_answer(set, now)->count);
	MR_CHECK_SPAN(t, "x", mr_dns_answer(set, now)->record[0]);
	MR_CHECK_INT(t, 0, mr_dns_answer(set, now)->record[1].len);
	MR_CHECK_INT(t, true, mr_dns_answer(set, now)->secure);
	mr_dns_question_done(slow.question[1], MR_DNS_NXDOMAIN, false, NULL, 0);
	MR_CHECK_INT(t, MR_DNS_NXDOMAIN, mr_dns_answer(set, b)->status);
	MR_CHECK_INT(t, 2, mr_dns_wait(set, 0));
	slow.full = true;
	MR_CHECK_INT(t, 0, mr_dns_ask(set, S("c.test"), MR_DNS_A, &again));
	MR_CHECK_INT(t, MR_DNS_BUSY, mr_dns_answer(set, again)->status);
	MR_CHECK_INT(t, 2, mr_dns_wait(set, 0));
	slow.full = false;
	mr_dns_set_free(set);
	MR_CHECK_INT(t, 2, slow.cancelled);
}

/* The set is gone before the answer comes. */
MR_TEST(dns_answer_after_the_set)
{
	struct slow slow = { .refuses = true };
	const struct mr_dns_engine engine = { slow_ask, slow_cancel, slow_close, &slow };
	MR_AUTO(mr_dns) *dns = NULL;
	struct mr_dns_set *set = NULL;
	size_t at;

	if (t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "dns_memory");
	MR_NEED(t, mr_dns_new(&engine, &dns) == 0 && (set = mr_dns_set_new(dns)));
	MR_CHECK_INT(t, 0, mr_dns_ask(set, S("a.test"), MR_DNS_A, &at));
	MR_CHECK_INT(t, 0, mr_dns_ask(set, S("b.test"), MR_DNS_A, &at));
	mr_dns_question_done(slow.question[0], MR_DNS_OK, false, (const struct mr_span[]){ S("x") },
			     1);
	mr_dns_set_free(set);
	mr_dns_question_done(slow.question[1], MR_DNS_OK, false, (const struct mr_span[]){ S("y") },
			     1);
	/* Nothing is counted as asked any more: as many again may be. */
	for (int i = 0; i < MR_DNS_AT_ONCE_MAX + 1; i++) {
		MR_NEED(t, (set = mr_dns_set_new(dns)) != NULL);
		MR_CHECK_INT(t, 0, mr_dns_ask(set, S("now.test"), MR_DNS_A, &at));
		MR_CHECK_INT(t, MR_DNS_OK, mr_dns_answer(set, at)->status);
		mr_dns_set_free(set);
	}
}

/* Every allocation fails once: a question says so, or is answered. */
MR_TEST(dns_memory)
{
	struct slow slow = { .count = 0 };
	const struct mr_dns_engine engine = { slow_ask, slow_cancel, slow_close, &slow };
	MR_AUTO(mr_dns) *dns = NULL;
	struct mr_dns_set *set = NULL;
	size_t at;

	if (mr_dns_new(&engine, &dns) < 0 || !(set = mr_dns_set_new(dns)))
		return;
	if (mr_dns_ask(set, S("now.test"), MR_DNS_A, &at) == 0)
		MR_CHECK(t, mr_dns_answer(set, at)->status == MR_DNS_OK ||
				    mr_dns_answer(set, at)->status == MR_DNS_BUSY);
	mr_dns_set_free(set);
}
