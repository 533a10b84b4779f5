/* The parser row: ours. */
#include "lib/base/mr_err.h"
#include "lib/mail/mr_body.h"
#include "lib/mail/mr_charset.h"
#include "lib/mail/mr_words.h"
#include "tests/bench/parser/work.h"

#define ARENA_MAX       (64u * 1024 * 1024)
#define HEADER_UTF8_MAX (1024u * 1024)

static struct mr_arena *arena;

void work_init(void)
{
	mr_charset_preload(); /* as every daemon does at start */
	arena = mr_arena_new(ARENA_MAX);
	MR_ASSERT(arena);
}

static void header(struct work *w, const struct mr_msg *msg, const char *name)
{
	const struct mr_field *field = mr_msg_field(msg, 0, mr_span_str(name));
	struct mr_span text = MR_SPAN("");

	if (field)
		MR_ASSERT(mr_words_decode(field->value, HEADER_UTF8_MAX, arena, &text) == 0);
	work_text(w, name, text.p, text.len);
}

static enum work_encoding encoding_of(const struct mr_part *part)
{
	static const enum work_encoding map[] = {
		[MR_ENC_7BIT] = WORK_78BIT,    [MR_ENC_8BIT] = WORK_78BIT,
		[MR_ENC_BINARY] = WORK_BINARY, [MR_ENC_QP] = WORK_QP,
		[MR_ENC_BASE64] = WORK_BASE64, [MR_ENC_UNKNOWN] = WORK_OTHER,
	};
	return map[part->encoding];
}

void work_message(struct work *w, const char *raw, size_t len)
{
	struct mr_msg msg;

	mr_arena_reset(arena);
	MR_ASSERT(mr_msg_parse(mr_span(raw, len), &mr_msg_limits_default, arena, &msg) == 0);
	header(w, &msg, "Subject");
	header(w, &msg, "From");
	header(w, &msg, "To");
	for (uint32_t i = 0; i < msg.part_count; i++) {
		const struct mr_part *part = &msg.part[i];
		struct mr_span name = MR_SPAN("");
		int err;

		work_part(w, part->depth);
		work_word(w, "type", part->type.p, part->type.len);
		work_word(w, "subtype", part->subtype.p, part->subtype.len);
		if (part->kind != MR_PART_LEAF)
			continue;
		work_word(w, "charset", part->charset.p, part->charset.len);
		work_number(w, "encoding", encoding_of(part));
		err = mr_part_filename(&msg, i, arena, &name);
		MR_ASSERT(err == 0 || err == MR_ENOENT);
		work_text(w, "name", name.p, name.len);
		work_number(w, "len", mr_body_decoded_len(part));
	}
}
