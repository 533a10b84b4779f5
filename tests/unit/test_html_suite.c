/*
 * The tokenizer cases of html5lib (tests/data/html5lib). Both sides are written as one text and
 * compared: adjacent text is one token, parse errors do not count. What the standard does to names,
 * to CR LF and to NUL is done here, since our tokens are raw spans; of a doctype we keep the name.
 */
#include "lib/base/mr_buf.h"
#include "lib/mail/mr_html.h"
#include "tests/unit/mr_test.h"
#include "tests/unit/mr_test_json.h"

#define ARENA_MAX  (64u << 20)
#define TEXT_MAX   (1u << 20)
#define ATTRS_MAX  64
#define OOM_STRIDE 97 /* with an allocation failing, a part of the cases is enough */

struct side {
	struct mr_buf out;
	struct mr_buf text; /* not yet written: more may follow */
};

static void side_init(struct side *s)
{
	mr_buf_init(&s->out, TEXT_MAX);
	mr_buf_init(&s->text, TEXT_MAX);
}

static void side_done(struct side *s)
{
	mr_buf_done(&s->out);
	mr_buf_done(&s->text);
}

static void flush_text(struct side *s)
{
	if (s->text.len > 0) {
		mr_buf_adds(&s->out, "text(");
		mr_buf_add(&s->out, mr_buf_span(&s->text));
		mr_buf_adds(&s->out, ") ");
	}
	mr_buf_reset(&s->text);
}

/* With NUL as U+FFFD where nul says so, in lower case where lower says so. */
static void add(struct mr_buf *b, struct mr_span s, bool lower, bool nul)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\0' && nul)
			mr_buf_adds(b, "\xEF\xBF\xBD");
		else
			mr_buf_addc(b, lower ? mr_lower(s.p[i]) : s.p[i]);
	}
}

static void item(struct side *s, const char *what, struct mr_span text)
{
	flush_text(s);
	mr_buf_adds(&s->out, what);
	add(&s->out, text, false, false);
	mr_buf_adds(&s->out, ") ");
}

/* What we say. False: out of memory. */
static bool add_attrs(struct side *s, struct mr_span attrs, struct mr_arena *arena)
{
	struct mr_span seen[ATTRS_MAX];
	struct mr_html_attr attr;
	size_t count = 0;

	while (mr_html_attr_next(&attrs, &attr)) {
		struct mr_span value;
		size_t i = 0;

		while (i < count && !mr_span_eq_nocase(seen[i], attr.name))
			i++;
		if (i < count)
			continue; /* 13.2.5.33: the first one counts */
		MR_ASSERT(count < ATTRS_MAX);
		seen[count++] = attr.name;
		if (mr_html_text(attr.value, true, arena, &value) < 0)
			return false;
		add(&s->out, attr.name, true, true);
		mr_buf_addc(&s->out, '=');
		add(&s->out, value, false, true);
		mr_buf_addc(&s->out, ',');
	}
	return true;
}

static bool add_token(struct side *s, const struct mr_html_token *tok, struct mr_arena *arena)
{
	static const char *const names[] = {
		[MR_HTML_START] = "start(",
		[MR_HTML_END] = "end(",
		[MR_HTML_COMMENT] = "comment(",
		[MR_HTML_DOCTYPE] = "doctype(",
	};
	struct mr_span text = tok->text;

	if (tok->kind == MR_HTML_TEXT) {
		if (tok->refs && mr_html_text(tok->text, false, arena, &text) < 0)
			return false;
		add(&s->text, text, false, tok->raw);
		return true;
	}
	flush_text(s);
	mr_buf_adds(&s->out, names[tok->kind]);
	add(&s->out, tok->text, tok->kind == MR_HTML_DOCTYPE, true);
	add(&s->out, tok->name, true, true);
	if (tok->kind == MR_HTML_START) {
		mr_buf_addc(&s->out, ' ');
		if (!add_attrs(s, tok->attrs, arena))
			return false;
		if (tok->self_closing)
			mr_buf_addc(&s->out, '/');
	}
	mr_buf_adds(&s->out, ") ");
	return true;
}

/* What the suite says: one token. */
static void add_wanted(struct side *s, const struct mr_json *tok, bool twice,
		       struct mr_arena *arena)
{
	struct mr_span kind, first = MR_SPAN("");
	const struct mr_json *rest;

	if (tok->kind != MR_JSON_ARRAY)
		return; /* "ParseError" */
	kind = tok->first->text;
	if (tok->first->next->kind == MR_JSON_STRING)
		first = tok->first->next->text;
	if (twice && !mr_json_unescape(first, arena, &first))
		return;
	rest = tok->first->next->next;
	if (mr_span_eq(kind, MR_SPAN("Character"))) {
		mr_buf_add(&s->text, first);
	} else if (mr_span_eq(kind, MR_SPAN("Comment"))) {
		item(s, "comment(", first);
	} else if (mr_span_eq(kind, MR_SPAN("DOCTYPE"))) {
		item(s, "doctype(", first);
	} else if (mr_span_eq(kind, MR_SPAN("EndTag"))) {
		item(s, "end(", first);
	} else {
		flush_text(s);
		mr_buf_adds(&s->out, "start(");
		mr_buf_add(&s->out, first);
		mr_buf_addc(&s->out, ' ');
		for (const struct mr_json *a = rest->first; a; a = a->next) {
			mr_buf_add(&s->out, a->key);
			mr_buf_addc(&s->out, '=');
			mr_buf_add(&s->out, a->text);
			mr_buf_addc(&s->out, ',');
		}
		mr_buf_adds(&s->out, rest->next ? "/) " : ") ");
	}
}

static enum mr_html_state state_of(struct mr_span name)
{
	if (mr_span_has_prefix(name, MR_SPAN("RCDATA")))
		return MR_HTML_IN_RCDATA;
	if (mr_span_has_prefix(name, MR_SPAN("RAWTEXT")))
		return MR_HTML_IN_RAWTEXT;
	MR_ASSERT(mr_span_has_prefix(name, MR_SPAN("PLAINTEXT")));
	return MR_HTML_IN_PLAINTEXT;
}

/* 13.2.3.5: CR LF and CR are LF. */
static bool preprocess(struct mr_span in, struct mr_buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] != '\r')
			mr_buf_addc(out, in.p[i]);
		else if (i + 1 == in.len || in.p[i + 1] != '\n')
			mr_buf_addc(out, '\n');
	}
	return mr_buf_err(out) == 0;
}

static void run(struct mr_t *t, const struct mr_json *test, enum mr_html_state state,
		struct mr_arena *arena)
{
	bool twice = mr_json_member(test, "doubleEscaped") != NULL;
	const struct mr_json *last = mr_json_member(test, "lastStartTag");
	__attribute__((cleanup(side_done))) struct side want, got;
	struct mr_span input = mr_json_member(test, "input")->text;
	MR_AUTO(mr_block) *block = NULL;
	struct mr_html_token tok;
	MR_AUTO_BUF clean = MR_BUF(TEXT_MAX);
	struct mr_html h;
	bool ok = true;

	side_init(&want);
	side_init(&got);
	if ((twice && !mr_json_unescape(input, arena, &input)) || !preprocess(input, &clean) ||
	    !(block = mr_test_block(t, mr_buf_span(&clean))))
		return;
	mr_html_init(&h, mr_block_span(block));
	h.state = state;
	h.raw_name = last ? last->text : MR_SPAN("");
	while (ok && mr_html_next(&h, &tok))
		ok = add_token(&got, &tok, arena);
	flush_text(&got);
	for (const struct mr_json *w = mr_json_member(test, "output")->first; w; w = w->next)
		add_wanted(&want, w, twice, arena);
	flush_text(&want);
	mr_check_span(t, mr_buf_span(&want.out), mr_buf_span(&got.out),
		      mr_arena_strz(arena, mr_json_member(test, "description")->text), __FILE__,
		      __LINE__);
}

static void run_file(struct mr_t *t, const char *path, size_t count_want)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX), *scratch = mr_arena_new(ARENA_MAX);
	const struct mr_json *root = NULL, *tests, *states;
	size_t count = 0;

	MR_NEED(t, arena && scratch && (root = mr_json_read(path, arena)));
	tests = mr_json_member(root, "tests");
	for (const struct mr_json *test = tests->first; test; test = test->next, count++) {
		if (t->oom && count % OOM_STRIDE)
			continue;
		t->row = (long)count;
		mr_arena_reset(scratch);
		states = mr_json_member(test, "initialStates");
		if (!states)
			run(t, test, MR_HTML_IN_DATA, scratch);
		for (const struct mr_json *s = states ? states->first : NULL; s; s = s->next)
			run(t, test, state_of(s->text), scratch);
	}
	MR_CHECK_INT(t, count_want, count); /* so that nobody believes an empty file */
}

#define SUITE(name, count)                                                                         \
	MR_TEST(suite_##name)                                                                      \
	{                                                                                          \
		run_file(t, "tests/data/html5lib/tokenizer/" #name ".test", count);                \
	}

SUITE(contentModelFlags, 12)
SUITE(domjs, 14)
SUITE(entities, 70)
SUITE(escapeFlag, 5)
SUITE(namedEntities, 4210)
SUITE(numericEntities, 327)
SUITE(pendingSpecChanges, 1)
SUITE(test1, 48)
SUITE(test2, 44)
SUITE(test3, 1511)
SUITE(test4, 84)
SUITE(unicodeChars, 323)
SUITE(unicodeCharsProblematic, 5)
