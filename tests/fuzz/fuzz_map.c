/*
 * A connection of mapd that speaks the socketmap protocol, over a directory that pretends. Promised: as many answers
 * as whole requests, each a netstring of one of four words; in single bytes the same; what is handed out for an
 * alias are addresses; nothing else than mr_talk's bounds is kept.
 */
#include "lda/mapd/map.h"
#include "lda/mapd/talk.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"

#define OUT_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names say what they are: domains with an "o" are ours, locals with a "u" users, with an "a" aliases. */
static bool has(struct mr_span s, char c)
{
	return mr_span_find(s, c) < s.len;
}

static int fake_domain(void *arg MR_UNUSED, struct mr_span domain)
{
	return has(domain, 't') ? MR_ETEMP : has(domain, 'o') ? 0 : MR_ENOENT;
}

static int fake_user(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain,
		     struct mr_arena *arena, struct mr_user *user_out)
{
	char name[MR_NAME_LOCAL_MAX + 1], of[MR_NAME_DOMAIN_MAX + 1];
	int err = mr_name_local(local, name);

	if (err < 0 || (err = mr_name_domain(domain, of)) < 0)
		return err;
	if (!has(local, 'u'))
		return MR_ENOENT;
	*user_out = (struct mr_user){ .disabled = has(local, 'd') };
	user_out->local = mr_span_str(mr_arena_strz(arena, mr_span_str(name)));
	user_out->domain = mr_span_str(mr_arena_strz(arena, mr_span_str(of)));
	return user_out->local.p && user_out->domain.p ? 0 : MR_ENOMEM;
}

static int fake_alias(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain,
		      struct mr_arena *arena, struct mr_alias *alias_out)
{
	struct mr_span *target = mr_arena_array(arena, 3, sizeof(*target));
	char *text = mr_arena_printf(arena, "b%.*s@%.*s", (int)local.len, local.p, (int)domain.len,
				     domain.p);

	if (!target || !text)
		return MR_ENOMEM;
	if (!has(local, 'a') && local.len > 0)
		return MR_ENOENT;
	target[0] = mr_span_str(text);
	target[1] = has(local, 'x') ? MR_SPAN("zoe@elsewhere.example") : MR_SPAN("u@o");
	target[2] = MR_SPAN("|x@o");
	*alias_out = (struct mr_alias){
		.local = local, .domain = domain, .target = target, .target_count = 3
	};
	return 0;
}

static int fake_transport(void *arg MR_UNUSED, struct mr_span domain, struct mr_arena *arena,
			  struct mr_span *name_out)
{
	return mr_arena_dup(arena, domain, name_out);
}

static struct world {
	struct mr_map map;
	struct mr_settings set;
	struct mr_arena *arena;
	size_t asked;
} world;

static int answer(void *arg, void **state MR_UNUSED, struct mr_span request, struct mr_buf *reply)
{
	struct world *w = arg;
	int err = mr_map_answer(&w->map, &w->set, request, w->arena, reply);

	w->asked++;
	mr_arena_reset(w->arena);
	return err;
}

/* What an alias stands for: addresses, of ours. */
static void check_addresses(struct mr_span data)
{
	struct mr_span one;
	bool more;

	do {
		more = mr_span_split(data, ',', &one, &data);
		MR_ASSERT(mr_store_alias_target_check(one) == 0);
	} while (more);
}

static size_t check_replies(struct mr_span out)
{
	static const struct mr_span words[] = { MR_SPAN("OK "), MR_SPAN("NOTFOUND "),
						MR_SPAN("TEMP "), MR_SPAN("PERM ") };
	size_t count = 0;

	while (out.len > 0) {
		struct mr_span digits, rest, content;
		uint64_t len;
		bool known = false;

		MR_ASSERT(mr_span_split(out, ':', &digits, &rest));
		MR_ASSERT(mr_span_u64(digits, rest.len, &len) == 0 && len < rest.len);
		MR_ASSERT(len <= MR_MAP_REPLY_MAX + 3 && rest.p[len] == ',');
		content = mr_span_sub(rest, 0, len);
		for (size_t i = 0; i < MR_COUNT(words); i++)
			known = known || mr_span_has_prefix(content, words[i]);
		MR_ASSERT(known);
		if (mr_span_has_prefix(content, words[0]) && has(content, '@'))
			check_addresses(mr_span_sub(content, 3, content.len));
		out = mr_span_sub(rest, len + 1, rest.len);
		count++;
	}
	return count;
}

static void run(struct mr_span in, size_t piece, struct mr_buf *out)
{
	const struct mr_ask ask = { .word = "map",
				    .request_max = MR_MAP_REQUEST_MAX,
				    .frame = mr_map_frame,
				    .answer = answer,
				    .arg = &world };
	struct mr_talking *talk = mr_talk_new(&ask, 1000, 0);

	MR_ASSERT(talk);
	world.asked = 0;
	while (in.len > 0 && !mr_talk_closed(talk)) {
		MR_ASSERT(mr_talk_reads(talk));
		mr_talk_input(talk, mr_span_sub(in, 0, piece), 0);
		in = mr_span_sub(in, piece < in.len ? piece : in.len, in.len);
		while (mr_talk_busy(talk)) {
			mr_talk_work(talk);
			mr_talk_worked(talk, 0);
			mr_buf_add(out, mr_talk_output(talk));
			mr_talk_sent(talk, mr_talk_output(talk).len, 0);
		}
	}
	MR_ASSERT(check_replies(mr_buf_span(out)) == world.asked);
	mr_talk_free(talk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const transports[] = { "o=smtp:[192.0.2.1]" };
	MR_AUTO_BUF whole = MR_BUF(OUT_MAX), bytes = MR_BUF(OUT_MAX);
	struct mr_span in = mr_span_bytes(data, size < 20000 ? size : 20000);

	if (!world.arena) {
		world.arena = mr_arena_new(MR_MAP_ARENA_MAX);
		world.set.recipient_separator = "+-";
		world.set.srs_domain = "";
		world.set.map_transports = (struct mr_list){ transports, 1 };
		world.map.table =
			(struct mr_resolve_table){ fake_domain, fake_user, fake_alias, NULL, NULL };
		world.map.transport = fake_transport;
	}
	MR_ASSERT(world.arena);
	run(in, 16384, &whole);
	run(in, 1, &bytes);
	MR_ASSERT(mr_buf_err(&whole) == 0 && mr_buf_err(&bytes) == 0);
	MR_ASSERT(mr_span_eq(mr_buf_span(&whole), mr_buf_span(&bytes)));
	return 0;
}
