#include "tests/unit/mr_test_json.h"

#include <stdio.h>
#include <sys/stat.h>

#include "lib/base/mr_cur.h"
#include "lib/base/mr_utf8.h"

#define DEPTH_MAX 16

/* Four hexadecimal digits behind "\u". */
static uint32_t take_hex4(struct mr_cur *c)
{
	uint32_t code = 0;

	for (int i = 0; i < 4; i++) {
		int digit = mr_cur_peek(c, 0) < 0 ? -1 : mr_hex_value((char)mr_cur_peek(c, 0));

		MR_ASSERT(digit >= 0);
		code = code * 16 + (uint32_t)digit;
		c->p++;
	}
	return code;
}

/* An escape behind the backslash. */
static uint32_t take_escape(struct mr_cur *c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char letter = *c->p++;
	const char *at;
	uint32_t code, low;
	struct mr_cur ahead;

	if (letter != 'u') {
		at = strchr(from, letter);
		MR_ASSERT(at && letter);
		return (uint8_t)to[at - from];
	}
	code = take_hex4(c);
	ahead = *c;
	if (code < 0xD800 || code > 0xDBFF || !mr_cur_text(&ahead, MR_SPAN("\\u")))
		return code;
	low = take_hex4(&ahead);
	if (low < 0xDC00 || low > 0xDFFF)
		return code;
	*c = ahead;
	return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

bool mr_json_unescape(struct mr_span s, struct mr_arena *arena, struct mr_span *text_out)
{
	struct mr_cur c = mr_cur(s);
	size_t len = 0;
	char *text;

	*text_out = s;
	if (mr_span_find(s, '\\') == s.len)
		return true;
	text = mr_arena_text(arena, s.len); /* an escape is never shorter than what it means */
	if (!text)
		return false;
	while (c.p < c.end) {
		if (mr_cur_byte(&c, '\\'))
			len += mr_utf8_put(take_escape(&c), text + len);
		else
			text[len++] = *c.p++;
	}
	*text_out = mr_span(text, len);
	return true;
}

static bool take_string(struct mr_cur *c, struct mr_arena *arena, struct mr_span *text_out)
{
	const char *start = c->p;

	while (c->p < c->end && *c->p != '"')
		c->p += *c->p == '\\' ? 2 : 1;
	MR_ASSERT(c->p < c->end);
	return mr_json_unescape(mr_span(start, (size_t)(c->p++ - start)), arena, text_out);
}

/* A value, or the opening of one; in an object with its key. */
static struct mr_json *take_node(struct mr_cur *c, bool in_object, struct mr_arena *arena)
{
	struct mr_json *node = mr_arena_alloc(arena, sizeof(*node));

	if (!node)
		return NULL;
	if (in_object) {
		MR_ASSERT(mr_cur_byte(c, '"'));
		if (!take_string(c, arena, &node->key))
			return NULL;
		MR_ASSERT(mr_cur_byte(mr_cur_fws(c), ':'));
		mr_cur_fws(c);
	}
	if (mr_cur_byte(c, '"')) {
		node->kind = MR_JSON_STRING;
		return take_string(c, arena, &node->text) ? node : NULL;
	}
	node->kind = mr_cur_byte(c, '[')   ? MR_JSON_ARRAY
		     : mr_cur_byte(c, '{') ? MR_JSON_OBJECT
					   : MR_JSON_WORD;
	if (node->kind == MR_JSON_WORD) {
		node->text = mr_cur_take(c, MR_ALNUM | MR_HYPHEN | MR_DOT);
		MR_ASSERT(node->text.len > 0);
	}
	return node;
}

static struct mr_json *parse(struct mr_cur c, struct mr_arena *arena)
{
	struct mr_json *open[DEPTH_MAX], *root = NULL, **slot[DEPTH_MAX + 1] = { &root };
	size_t depth = 0;

	while (!mr_cur_blank(mr_cur_fws(&c))) {
		struct mr_json *node;

		if (depth > 0 &&
		    mr_cur_byte(&c, open[depth - 1]->kind == MR_JSON_ARRAY ? ']' : '}')) {
			depth--;
			continue;
		}
		if (mr_cur_byte(&c, ','))
			continue;
		node = take_node(&c, depth > 0 && open[depth - 1]->kind == MR_JSON_OBJECT, arena);
		if (!node)
			return NULL;
		*slot[depth] = node;
		slot[depth] = &node->next;
		if (node->kind >= MR_JSON_ARRAY) {
			MR_ASSERT(depth < DEPTH_MAX);
			open[depth++] = node;
			slot[depth] = &node->first;
		}
	}
	MR_ASSERT(depth == 0 && root);
	return root;
}

struct mr_json *mr_json_read(const char *path, struct mr_arena *arena)
{
	FILE *f = fopen(path, "rb");
	struct mr_json *root = NULL;
	struct stat st;
	char *text;

	MR_ASSERT(f && fstat(fileno(f), &st) == 0);
	text = mr_arena_text(arena, (size_t)st.st_size);
	if (text) {
		MR_ASSERT(fread(text, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
		root = parse(mr_cur(mr_span(text, (size_t)st.st_size)), arena);
	}
	fclose(f);
	return root;
}

const struct mr_json *mr_json_member(const struct mr_json *object, const char *name)
{
	for (const struct mr_json *node = object->first; node; node = node->next)
		if (mr_span_eq(node->key, mr_span_str(name)))
			return node;
	return NULL;
}
