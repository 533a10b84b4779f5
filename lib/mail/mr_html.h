/*
 * mr_html: a tokenizer for HTML after WHATWG 13.2.5: tokens and a shallow state, no tree, so time
 * is linear and memory constant whatever is nested in what. Input is UTF-8; whatever else is in it
 * passes through, NULs too. CR counts as white space, so the text need not be preprocessed
 * (13.2.3.5). A tag that the end of the input cuts off is no token (13.2.5: "eof-in-tag"), so it
 * hides what follows its last open quote, as it does in a browser. One thread at a time.
 *
 *	struct mr_html h;
 *	struct mr_html_token tok;
 *
 *	mr_html_init(&h, text);
 *	while (mr_html_next(&h, &tok))
 *		...
 */
#ifndef MR_HTML_H
#define MR_HTML_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_cur.h"

enum mr_html_kind {
	MR_HTML_TEXT, /* text: raw, character references not decoded (see mr_html_text) */
	MR_HTML_START, /* <name attr=value> */
	MR_HTML_END, /* </name> */
	MR_HTML_COMMENT, /* text: what is in it */
	MR_HTML_DOCTYPE, /* text: the name */
};

/* All spans lie in the input. Those that a kind does not have are empty. */
struct mr_html_token {
	enum mr_html_kind kind;
	struct mr_span text; /* of text, comment, doctype */
	struct mr_span name; /* of a tag, as written: compare with mr_span_eq_nocase */
	struct mr_span attrs; /* of a start tag: read with mr_html_attr_next() */
	bool self_closing; /* <br/> */
	bool raw; /* text inside script, style, title, textarea, xmp ...: in script and
			       * style no character references exist (13.2.5.2 to 13.2.5.5) */
	bool refs; /* text: character references mean something in it */
};

/* What kind of text comes next. The start tag before it decides; scripting is off, as in a mail
 * reader, so noscript holds markup. */
enum mr_html_state {
	MR_HTML_IN_DATA,
	MR_HTML_IN_RCDATA, /* title, textarea */
	MR_HTML_IN_RAWTEXT, /* style, xmp, iframe, noembed, noframes */
	MR_HTML_IN_SCRIPT, /* script */
	MR_HTML_IN_PLAINTEXT, /* plaintext: nothing ends it */
};

struct mr_html {
	struct mr_cur in; /* private from here */
	struct mr_span raw_name; /* inside <script> and its kind: what ends it */
	enum mr_html_state state; /* tests set it, to begin in the midst of things */
};

void mr_html_init(struct mr_html *h, struct mr_span text);
/* The next token, false at the end. A text may come in several tokens. */
bool mr_html_next(struct mr_html *h, struct mr_html_token *tok_out);

struct mr_html_attr {
	struct mr_span name; /* as written */
	struct mr_span value; /* without quotes, character references not decoded; may be empty */
};
/* Take the next attribute off attrs; false at the end. A repeated name comes each time: the first
 * one counts (13.2.5.33). */
bool mr_html_attr_next(struct mr_span *attrs_inout, struct mr_html_attr *attr_out);

/*
 * Character references decoded (13.2.5.72 and the table of 2,231 names in 13.5), as UTF-8: a span
 * of raw itself where there are none. in_attr: the rule for attributes (13.2.5.73: "&copy=1"
 * stays). Returns 0, or MR_ENOMEM.
 */
MR_MUST_USE int mr_html_text(struct mr_span raw, bool in_attr, struct mr_arena *arena,
			     struct mr_span *utf8_out);

#endif
