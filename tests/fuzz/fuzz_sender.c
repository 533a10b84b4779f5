/*
 * Entries of friends and blocks, and senders. Promised: an entry is spelled so that it is read again as itself;
 * a sender's keys are entries in their one spelling, each once, the address and the domain among them; and an
 * entry that is an address or a domain names whoever has it as a key. The origin of a message that says
 * anything at all proves nothing where nobody is believed.
 */
#include "lib/base/mr_err.h"
#include "lib/mail/mr_origin.h"

#define ARENA_MAX  ((size_t)64 << 20)
#define SIZE_LIMIT 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_keys(const struct mr_sender_keys *keys)
{
	MR_ASSERT(keys->count <= MR_SENDER_KEYS_MAX);
	for (size_t i = 0; i < keys->count; i++) {
		char again[MR_SENDER_SIZE];
		const char *why;

		MR_ASSERT(mr_sender_entry(mr_span_str(keys->key[i]), again, &why) > 0);
		MR_ASSERT(strcmp(again, keys->key[i]) == 0);
		for (size_t k = 0; k < i; k++)
			MR_ASSERT(strcmp(keys->key[k], keys->key[i]) != 0);
	}
}

static void check_entry(struct mr_span in)
{
	char entry[MR_SENDER_SIZE], again[MR_SENDER_SIZE];
	struct mr_span local = MR_SPAN(""), domain;
	struct mr_sender_keys keys;
	const char *why = NULL;
	int len = mr_sender_entry(in, entry, &why);

	if (len < 0) {
		MR_ASSERT(why && entry[0] == '\0');
		return;
	}
	MR_ASSERT((size_t)len == strlen(entry));
	MR_ASSERT(mr_sender_entry(mr_span_str(entry), again, &why) == len);
	MR_ASSERT(strcmp(entry, again) == 0);
	domain = mr_sender_domain(mr_span_str(entry));
	if (entry[0] == '*')
		return;
	if (domain.len < (size_t)len)
		local = mr_span(entry, (size_t)len - domain.len - 1);
	MR_ASSERT(mr_sender_keys(local, domain, &keys) == 0 && keys.count > 0);
	MR_ASSERT(strcmp(keys.key[0], entry) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mr_belief nobody = { .authserv_id = MR_SPAN("mx.example.org") };
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_span in = mr_span_bytes(data, size), line, rest;
	struct mr_origin *origin;
	struct mr_msg msg;

	if (size > SIZE_LIMIT)
		return 0;
	(void)mr_span_split(in, '\n', &line, &rest);
	check_entry(line);
	MR_ASSERT(arena && (origin = mr_arena_alloc(arena, sizeof(*origin))));
	MR_ASSERT(mr_msg_parse(in, &mr_msg_limits_default, arena, &msg) == 0);
	if (mr_origin_read(&msg, line, &nobody, msg.part[0].field_count, NULL, arena, origin) < 0)
		return 0;
	MR_ASSERT(origin->from_count <= MR_ORIGIN_FROM_MAX);
	MR_ASSERT(!origin->proven && !origin->answerable && !origin->suspect);
	check_keys(&origin->envelope);
	for (size_t i = 0; i < origin->from_count; i++)
		check_keys(&origin->from[i]);
	return 0;
}
