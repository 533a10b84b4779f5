#include "lib/run/mr_srs_ask.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_name.h"
#include "lib/net/mr_smtp.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_program.h"

#define ANSWER_MAX (MR_SRS_SECRETS_MAX * MR_SRS_HASH_SIZE)
#define TEXT_MAX   8192

int mr_srs_ask_check(const struct mr_settings *set, struct mr_buf *error)
{
	char name[MR_NAME_DOMAIN_MAX + 1];

	if (!set->srs_domain[0])
		return 0;
	if (mr_name_domain(mr_span_str(set->srs_domain), name) < 0)
		return mr_run_refuse(error, "srs_domain", set->srs_domain, "no domain");
	if (mr_sock_is_local(set->srs_socket) <= 0)
		return mr_run_refuse(error, "srs_socket", set->srs_socket, "not unix:PATH");
	return 0;
}

bool mr_srs_ask_able(const struct mr_settings *set)
{
	return set->srs_domain[0] != '\0';
}

bool mr_srs_ask_is(const struct mr_settings *set, struct mr_span local, struct mr_span domain)
{
	return mr_srs_ask_able(set) && mr_srs_is(local) &&
	       mr_span_eq_nocase(domain, mr_span_str(set->srs_domain));
}

/* The answer to the question that was sent, its LF included. */
static int answer_read(int fd, int64_t deadline_ms, char answer[ANSWER_MAX], size_t *len_out)
{
	size_t len = 0;

	while (len < ANSWER_MAX) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ms - mr_now_ms();
		ssize_t n;

		if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
			return MR_ETEMP;
		n = recv(fd, answer + len, ANSWER_MAX - len, 0);
		if (n <= 0)
			return MR_ETEMP;
		len += (size_t)n;
		if (answer[len - 1] == '\n') {
			*len_out = len - 1;
			return 0;
		}
	}
	return MR_ETEMP;
}

/* hash [ SP hash ] */
static int hashes_take(struct mr_span answer, struct mr_srs_hashes *hashes_out)
{
	struct mr_srs_hashes hashes = { .count = 0 };
	struct mr_span one;

	while (answer.len > 0) {
		(void)mr_span_split(answer, ' ', &one, &answer);
		if (hashes.count == MR_SRS_SECRETS_MAX || one.len != MR_SRS_HASH_SIZE - 1 ||
		    mr_span_copyz(one, hashes.hash[hashes.count++], MR_SRS_HASH_SIZE) < 0)
			return MR_ETEMP;
	}
	*hashes_out = hashes;
	return hashes.count > 0 ? 0 : MR_ETEMP;
}

static int ask(void *arg, struct mr_span text, struct mr_srs_hashes *hashes_out)
{
	const char *socket = arg;
	int64_t deadline_ms = mr_now_ms() + MR_SRS_ASK_MS;
	char answer[ANSWER_MAX];
	MR_AUTO_BUF line = MR_BUF(TEXT_MAX);
	MR_AUTO_FD fd = -1;
	size_t len;
	int err;

	(void)mr_buf_add(&line, text);
	if ((err = mr_buf_addc(&line, '\n')) < 0)
		return err;
	if (mr_span_find(text, '\n') < text.len)
		return MR_ENOENT;
	/* So little always fits into a socket's buffer. */
	if (mr_sock_connect(socket, MR_SRS_ASK_MS, &fd) < 0 ||
	    send(fd, line.p, line.len, MSG_NOSIGNAL) != (ssize_t)line.len ||
	    answer_read(fd, deadline_ms, answer, &len) < 0)
		return MR_ETEMP;
	return hashes_take(mr_span(answer, len), hashes_out);
}

static struct mr_srs srs_of(const struct mr_settings *set)
{
	return (struct mr_srs){ .hash = ask,
				.arg = (void *)(uintptr_t)set->srs_socket,
				.hash_length = (size_t)set->srs_hash_length };
}

static int address_of(struct mr_span local, struct mr_span domain, struct mr_arena *arena,
		      struct mr_span *address_out)
{
	MR_AUTO_BUF text = MR_BUF(TEXT_MAX);
	struct mr_smtp_path path;
	int err;

	mr_smtp_path_put(&text, local, domain);
	if ((err = mr_buf_err(&text)) < 0)
		return err;
	if ((err = mr_smtp_path_from_arg(mr_buf_span(&text), arena, &path)) < 0)
		return err == MR_ENOMEM ? err : MR_ENOENT;
	*address_out = path.text;
	return 0;
}

int mr_srs_ask_reverse(const struct mr_settings *set, struct mr_span local, int64_t now_s,
		       struct mr_arena *arena, struct mr_span *address_out)
{
	struct mr_srs srs = srs_of(set);
	struct mr_span user, domain;
	int err = mr_srs_reverse(&srs, local, now_s, arena, &user, &domain);

	return err < 0 ? err : address_of(user, domain, arena, address_out);
}

int mr_srs_ask_forward(const struct mr_settings *set, struct mr_span local, struct mr_span domain,
		       int64_t now_s, struct mr_arena *arena, struct mr_span *address_out)
{
	struct mr_srs srs = srs_of(set);
	struct mr_span user;
	int err = mr_srs_forward(&srs, local, domain, now_s, arena, &user);

	return err < 0 ? err : address_of(user, mr_span_str(set->srs_domain), arena, address_out);
}
