#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_html.h"
#include "tests/unit/mr_test.h"

#define TEXT_MAX (8u << 20)

/* All tokens as one text: words are S(name attrs) or S/(...), E(name), C(comment), D(doctype),
 * T(text), with r for raw and & for references. */
static void tokens(struct mr_span in, struct mr_buf *out)
{
	static const char letters[] = "TSECD";
	struct mr_html_token tok;
	struct mr_html h;

	mr_html_init(&h, in);
	while (mr_html_next(&h, &tok)) {
		MR_ASSERT(mr_span_within(tok.text, in) && mr_span_within(tok.name, in) &&
			  mr_span_within(tok.attrs, in));
		mr_buf_addc(out, letters[tok.kind]);
		mr_buf_adds(out, tok.self_closing ? "/" : "");
		mr_buf_adds(out, tok.raw ? "r" : "");
		mr_buf_adds(out, tok.refs ? "&(" : "(");
		mr_buf_add(out, tok.name);
		mr_buf_add(out, tok.attrs);
		mr_buf_add(out, tok.text);
		mr_buf_addc(out, ')');
	}
}

static void check_tokens(struct mr_t *t, size_t row, const char *text, const char *want)
{
	MR_AUTO(mr_block) *in = mr_test_exact(t, row, text);
	MR_AUTO_BUF got = MR_BUF(TEXT_MAX);

	tokens(mr_block_span(in), &got);
	MR_CHECK_SPAN(t, want, mr_buf_span(&got));
}

struct row {
	const char *in, *want;
};

static void check_rows(struct mr_t *t, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_tokens(t, i, rows[i].in, rows[i].want);
}

MR_TEST(html_tags)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "text", "T&(text)" },
		{ "a<b>c</b >d", "T&(a)S(b)T&(c)E(b)T&(d)" },
		{ "<A HREF=x>", "S(A HREF=x)" },
		{ "<br/>", "S/(br/)" },
		{ "<br / >", "S(br / )" }, /* 13.2.5.40: only at once before ">" */
		{ "<a b=c/>", "S(a b=c/)" }, /* 13.2.5.38: part of the value */
		{ "<a b='c'/>", "S/(a b='c'/)" },
		{ "<a b=c />", "S/(a b=c /)" },
		{ "<a/b>", "S(a/b)" },
		{ "</a b=c/>", "E(a)" }, /* attributes of an end tag mean nothing */
		{ "<a b='>'>", "S(a b='>')" },
		{ "<a b\">\">", "S(a b\")T&(\">)" }, /* 13.2.5.33: a quote in a name */
		{ "<a\r\nb\f=\tc>", "S(a\r\nb\f=\tc)" },
		{ "<a<b>", "S(a<b)" }, /* 13.2.5.8: a name holds anything */
		{ "a < b <3 << c", "T&(a < b <3 << c)" }, /* 13.2.5.6 */
		{ "a</>b", "T&(a)T&(b)" }, /* 13.2.5.7: nothing */
		{ "<", "T&(<)" },
		{ "x</", "T&(x</)" },
		{ "x<a", "T&(x)" }, /* eof-in-tag */
		{ "x<a b", "T&(x)" },
		{ "x<a b=", "T&(x)" },
		{ "x<a b='c>d", "T&(x)" },
		{ "x</a", "T&(x)" },
	};

	check_rows(t, rows, MR_COUNT(rows));
}

MR_TEST(html_comments)
{
	static const struct row rows[] = {
		{ "<!--a-->b", "C(a)T&(b)" },
		{ "<!-->b", "C()T&(b)" }, /* 13.2.5.43 */
		{ "<!--->b", "C()T&(b)" }, /* 13.2.5.44 */
		{ "<!---->b", "C()T&(b)" },
		{ "<!----->b", "C(-)T&(b)" }, /* 13.2.5.51: a dash too many is text */
		{ "<!--a--!>b", "C(a)T&(b)" }, /* 13.2.5.52 */
		{ "<!--a--!b-->c", "C(a--!b)T&(c)" },
		{ "<!--a--b->c-->d", "C(a--b->c)T&(d)" },
		{ "<!-- a > <b> -- >", "C( a > <b> -- >)" },
		{ "<!--a<!-->b", "C(a<!)T&(b)" }, /* 13.2.5.46 to 49 */
		{ "<!--a", "C(a)" },
		{ "<!--a-", "C(a)" },
		{ "<!--a--", "C(a)" },
		{ "<!--a---", "C(a-)" },
		{ "<!--a--!", "C(a)" },
		{ "<!--", "C()" },
		{ "<!-", "C(-)" },
		{ "<!", "C()" },
		{ "<!-a>b", "C(-a)T&(b)" },
		{ "<?xml a?>b", "C(?xml a?)T&(b)" },
		{ "</ a>b", "C( a)T&(b)" },
		{ "<![CDATA[a>b]]>", "C([CDATA[a)T&(b]]>)" },
		{ "<!doctype html>a", "D(html)T&(a)" },
		{ "<!DOCTYPE>a", "D()T&(a)" },
		{ "<!DOCTYPEhtml\tPUBLIC \"-//x>y\">", "D(html)T&(y\">)" },
		{ "<!DOCTYPE h", "D(h)" },
		{ "<!DOCTYP h>", "C(DOCTYP h)" },
	};

	check_rows(t, rows, MR_COUNT(rows));
}

MR_TEST(html_raw)
{
	static const struct row rows[] = {
		{ "<title>a<b>&amp;</title>c", "S(title)Tr&(a<b>&amp;)E(title)T&(c)" },
		{ "<TEXTAREA>a</b></textArea\n>c", "S(TEXTAREA)Tr&(a</b>)E(textArea)T&(c)" },
		{ "<style>a</styles></style/>b", "S(style)Tr(a</styles>)E(style)T&(b)" },
		{ "<xmp><b></xmp>", "S(xmp)Tr(<b>)E(xmp)" },
		{ "<iframe></iframe>a", "S(iframe)E(iframe)T&(a)" },
		{ "<noscript><b></noscript>", "S(noscript)S(b)E(noscript)" }, /* scripting is off */
		{ "<plaintext>a</plaintext>", "S(plaintext)Tr(a</plaintext>)" },
		{ "<titles>a<b>", "S(titles)T&(a)S(b)" },
		{ "<title>a</title", "S(title)Tr&(a</title)" },
		{ "<title>a</title b", "S(title)Tr&(a)" }, /* eof-in-tag */
		{ "<style/>a<b>", "S/(style/)Tr(a<b>)" }, /* such a slash means nothing */
		{ "<script>a<b</script>c", "S(script)Tr(a<b)E(script)T&(c)" },
		{ "<script><!--a</script>c", "S(script)Tr(<!--a)E(script)T&(c)" },
		{ "<script><!--<script></script>--></script>c",
		  "S(script)Tr(<!--<script></script>-->)E(script)T&(c)" },
		{ "<script><!--><script></script>c", "S(script)Tr(<!--><script>)E(script)T&(c)" },
		{ "<script><!--<script --><x</script>c",
		  "S(script)Tr(<!--<script --><x)E(script)T&(c)" },
		{ "<script><!--<scripts></script>c", "S(script)Tr(<!--<scripts>)E(script)T&(c)" },
		{ "<script><!-- --<></script>c", "S(script)Tr(<!-- --<>)E(script)T&(c)" },
		{ "<script><!--<script></scripts></script></script>c",
		  "S(script)Tr(<!--<script></scripts></script>)E(script)T&(c)" },
		{ "<script>a", "S(script)Tr(a)" },
	};

	check_rows(t, rows, MR_COUNT(rows));
}

MR_TEST(html_attributes)
{
	/* Each as name=value| */
	static const struct row rows[] = {
		{ "", "" },
		{ " / ", "" },
		{ " a b=c d='e f' g=\"h\"i", "a=|b=c|d=e f|g=h|i=|" },
		{ " a = b", "a=b|" },
		{ "/a/=b", "a=|=b=|" }, /* 13.2.5.32: "=" first is a name */
		{ "=a=b", "=a=b|" },
		{ " a=\"x&amp;y\"", "a=x&amp;y|" },
		{ " a=b=c\"'<", "a=b=c\"'<|" }, /* 13.2.5.38: errors, but part of the value */
		{ " a=1 A=2", "a=1|A=2|" },
		{ " a=''", "a=|" },
		{ " a= ", "a=|" },
		{ " a=>b", "a=|" }, /* such a span is none of ours; it ends there */
		{ " a='b", "a=b|" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_span attrs = mr_block_span(in);
		struct mr_html_attr attr;
		MR_AUTO_BUF got = MR_BUF(TEXT_MAX);

		while (mr_html_attr_next(&attrs, &attr)) {
			mr_buf_add(&got, attr.name);
			mr_buf_addc(&got, '=');
			mr_buf_add(&got, attr.value);
			mr_buf_addc(&got, '|');
		}
		MR_CHECK_INT(t, 0, attrs.len);
		MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&got));
	}
}

MR_TEST(html_nul_is_a_byte)
{
	static const char text[] = "a\0<b c\0=\0>";
	MR_AUTO(mr_block) *in = mr_test_block(t, mr_span(text, sizeof(text) - 1));
	struct mr_html_token tok;
	struct mr_html h;

	MR_NEED(t, in);
	mr_html_init(&h, mr_block_span(in));
	MR_NEED(t, mr_html_next(&h, &tok));
	MR_CHECK_SPANS(t, MR_SPAN("a\0"), tok.text);
	MR_NEED(t, mr_html_next(&h, &tok));
	MR_CHECK_SPANS(t, MR_SPAN(" c\0=\0"), tok.attrs);
	MR_CHECK(t, !mr_html_next(&h, &tok));
	MR_CHECK(t, !mr_html_next(&h, &tok));
}

MR_TEST(html_references)
{
	static const struct {
		const char *in, *text, *attr;
	} rows[] = {
		{ "", "", "" },
		{ "plain", "plain", "plain" },
		{ "&amp;&lt;&#65;&#x42;&#X43;", "&<ABC", "&<ABC" },
		/* 13.2.5.73: the standard's own example */
		{ "I'm &notit; I tell you", "I'm \xC2\xACit; I tell you",
		  "I'm &notit; I tell you" },
		{ "I'm &notin; I tell you", "I'm \xE2\x88\x89 I tell you",
		  "I'm \xE2\x88\x89 I tell you" },
		{ "?a=b&copy=1&reg", "?a=b\xC2\xA9=1\xC2\xAE", "?a=b&copy=1\xC2\xAE" },
		{ "&copy.", "\xC2\xA9.", "\xC2\xA9." },
		{ "&Copy;&unknown;&;&&", "&Copy;&unknown;&;&&", "&Copy;&unknown;&;&&" },
		{ "&nGt;", "\xE2\x89\xAB\xE2\x83\x92", "\xE2\x89\xAB\xE2\x83\x92" },
		{ "&ngt", "&ngt", "&ngt" }, /* without ";" only the old ones */
		{ "&CounterClockwiseContourIntegral;", "\xE2\x88\xB3", "\xE2\x88\xB3" },
		{ "&CounterClockwiseContourIntegral", "&CounterClockwiseContourIntegral",
		  "&CounterClockwiseContourIntegral" },
		{ "&#0;&#xD800;&#x110000;&#99999999999999999999;",
		  "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
		  "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "&#4294967361;", "\xEF\xBF\xBD", "\xEF\xBF\xBD" }, /* 2^32 + 'A' */
		{ "&#x80;&#x9f&#129;", "\xE2\x82\xAC\xC5\xB8\xC2\x81",
		  "\xE2\x82\xAC\xC5\xB8\xC2\x81" },
		{ "&#65B&#x", "AB&#x", "AB&#x" },
		{ "&#;&#a;&#xg;&#", "&#;&#a;&#xg;&#", "&#;&#a;&#xg;&#" },
		{ "&#x1F600;", "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(TEXT_MAX);
		struct mr_span out = MR_SPAN("");

		MR_NEED(t, in && arena);
		MR_CHECK_INT(t, 0, mr_html_text(mr_block_span(in), false, arena, &out));
		MR_CHECK_SPAN(t, rows[i].text, out);
		MR_CHECK_INT(t, 0, mr_html_text(mr_block_span(in), true, arena, &out));
		MR_CHECK_SPAN(t, rows[i].attr, out);
	}
}

/* Where there are none, nothing is copied; where there is no room, the result is untouched. */
MR_TEST(html_text_memory)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(1);
	struct mr_span in = MR_SPAN("a & b"), out = MR_SPAN("untouched");

	MR_NEED(t, arena);
	MR_CHECK_INT(t, MR_ENOMEM, mr_html_text(MR_SPAN("&amp;"), false, arena, &out));
	MR_CHECK_SPAN(t, "untouched", out);
	MR_CHECK_INT(t, 0, mr_html_text(in, false, arena, &out));
	MR_CHECK(t, out.p == in.p && out.len == in.len);
}
