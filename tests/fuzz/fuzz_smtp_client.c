/*
 * mr_smtp_send promises, whatever a server says: 0 only when one recipient at least has a 2xx of the
 * end; 1 with 4xx or 5xx; replies are in range and each line of them is whole; half a message has no end;
 * memory is bounded. The first octet chooses what is sent, the rest are the server's words.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_smtp_client.h"

#define FUZZ_ARENA_MAX (1u << 20)
#define WORDS_MAX      32768 /* fits a socket's buffer */
#define TO_COUNT       3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int no_more(void *arg, char *to, size_t size, size_t *len_out)
{
	int *calls = arg;

	if ((*calls)++ > 0)
		return MR_ETEMP;
	MR_ASSERT(size > 4);
	memcpy(to, "body", 4);
	*len_out = 4;
	return 0;
}

static void check(const struct mr_smtp_send *s, int err, const struct mr_smtp_reply *reply)
{
	size_t taken = 0;

	MR_ASSERT(err == 0 || err == 1 || err == MR_ETEMP || err == MR_ENOMEM);
	for (size_t i = 0; i < s->to_count; i++) {
		int code = s->to[i].reply.code;

		MR_ASSERT(code == 0 || (code >= 200 && code <= 599));
		MR_ASSERT(mr_span_find(s->to[i].reply.text, '\n') == s->to[i].reply.text.len);
		taken += code >= 200 && code < 300;
	}
	MR_ASSERT(err != 0 || (taken > 0 && !s->read));
	MR_ASSERT(err != 0 || !s->all_or_none || s->lmtp || taken == s->to_count);
	MR_ASSERT(err != 1 || (reply->code >= 400 && reply->code <= 599));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(FUZZ_ARENA_MAX);
	struct mr_smtp_to to[TO_COUNT] = { { .address = MR_SPAN("x@d") },
					   { .address = MR_SPAN("y@d") },
					   { .address = MR_SPAN("z@d") } };
	struct mr_smtp_reply reply = { .code = 0 };
	int calls = 0, pair[2], err;
	struct mr_smtp_send s = { .name = "me",
				  .to = to,
				  .to_count = TO_COUNT,
				  .head = MR_SPAN("X: 1\n"),
				  .arg = &calls,
				  .final_ms = 1000 };

	if (size < 1 || size > WORDS_MAX || !arena)
		return 0;
	s.lmtp = data[0] & 1;
	s.all_or_none = data[0] & 2;
	s.utf8 = data[0] & 4;
	s.read = data[0] & 8 ? no_more : NULL; /* breaks off */
	s.deadline_ms = mr_now_ms() + 1000;
	MR_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	MR_ASSERT(size == 1 || send(pair[1], data + 1, size - 1, 0) == (ssize_t)size - 1);
	shutdown(pair[1], SHUT_WR);
	err = mr_smtp_send(pair[0], &s, arena, &reply);
	check(&s, err, &reply);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
