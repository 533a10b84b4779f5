/* mr_addr: the input is a field's value. What we write of an address reads back as the same one. */
#include "lib/base/mr_arena.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_addr.h"

#define COUNT_MAX 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mr_addr *addr, struct mr_arena *arena)
{
	const struct mr_addr *again;
	struct mr_span text;

	MR_ASSERT(addr->name.len <= MR_ADDR_NAME_MAX && mr_utf8_valid(addr->name));
	MR_ASSERT(addr->local.len <= MR_ADDR_LOCAL_MAX && addr->domain.len <= MR_ADDR_DOMAIN_MAX);
	MR_ASSERT(addr->local.len > 0 || addr->domain.len > 0);
	MR_ASSERT(mr_addr_text(addr, arena, &text) == 0);
	MR_ASSERT(mr_addr_parse(text, COUNT_MAX, arena, &again) == 1);
	MR_ASSERT(mr_span_eq(addr->local, again->local));
	MR_ASSERT(mr_span_eq(addr->domain, again->domain));
	MR_ASSERT(again->name.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(16 * 1024 * 1024);
	struct mr_span in = mr_span_bytes(data, size);
	const struct mr_addr *addrs = NULL;
	int count;

	MR_ASSERT(arena);
	count = mr_addr_parse(in, COUNT_MAX, arena, &addrs);
	MR_ASSERT(count >= 0 && count <= COUNT_MAX);
	for (int i = 0; i < count; i++)
		check(&addrs[i], arena);
	return 0;
}
