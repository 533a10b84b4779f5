/* What HTML and its style sheets hide from people, and what of it is seen. */
#include <stdio.h>

#include "lib/base/mr_buf.h"
#include "milters/spam/css.h"
#include "milters/spam/html.h"
#include "milters/spam/sheet.h"
#include "tests/unit/mr_spam_test.h"

#define ARENA_MAX ((size_t)16 << 20)
#define NOTHING   -1 /* no trick */

MR_TEST(spam_colors)
{
	static const struct {
		const char *text;
		uint32_t color;
	} rows[] = {
		{ "#fff", 0xFFFFFF },
		{ "#FEfefE", 0xFEFEFE },
		{ " #123 !important", 0x112233 },
		{ "ffffff", 0xFFFFFF },
		{ "White", 0xFFFFFF },
		{ "rgb(255, 255,255)", 0xFFFFFF },
		{ "rgb(100% 0% 0%)", 0xFF0000 },
		{ "rgba(1,2,3,0.5)", 0x010203 },
		{ "rgba(1,2,3,0)", MR_SPAM_COLOR_CLEAR },
		{ "#12345600", MR_SPAM_COLOR_CLEAR },
		{ "#123456F0", 0x123456 },
		{ "transparent", MR_SPAM_COLOR_CLEAR },
		{ "inherit", MR_SPAM_COLOR_UNSAID },
		{ "", MR_SPAM_COLOR_UNKNOWN },
		{ "#", MR_SPAM_COLOR_UNKNOWN },
		{ "#12", MR_SPAM_COLOR_UNKNOWN },
		{ "rgb(1,2", MR_SPAM_COLOR_UNKNOWN },
		{ "windowtext", MR_SPAM_COLOR_UNKNOWN },
		{ "currentColor", MR_SPAM_COLOR_CURRENT },
		/* CSS Color 4, 7.1: red, lime, blue, white; half of green */
		{ "hsl(0, 100%, 50%)", 0xFF0000 },
		{ "hsl(120 100% 50%)", 0x00FF00 },
		{ "hsl(-120deg 100% 50% / 80%)", 0x0000FF },
		{ "hsl(77,0%,100%)", 0xFFFFFF },
		{ "hsl(480,100%,25%)", 0x008000 },
		{ "hsla(0,0%,0%,5%)", MR_SPAM_COLOR_CLEAR },
		{ "hsl(0,0%", MR_SPAM_COLOR_UNKNOWN },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].text);

		MR_NEED(t, in != NULL);
		MR_CHECK_INT(t, rows[i].color, mr_spam_color(mr_block_span(in)));
	}
	MR_CHECK(t, mr_spam_color_near(0xFFFFFF, 0xFDFDFD));
	MR_CHECK(t, mr_spam_color_near(0x101010, 0x202020));
	MR_CHECK(t, !mr_spam_color_near(0xFFFFFF, 0xCCCCCC)); /* pale, and can be read */
	MR_CHECK(t, !mr_spam_color_near(0xFF0000, 0x0000FF));
	MR_CHECK(t, !mr_spam_color_near(MR_SPAM_COLOR_UNKNOWN, MR_SPAM_COLOR_UNKNOWN));
}

/* What is seen, and the trick that hides the rest. */
MR_TEST(spam_html_hidden)
{
	static const struct {
		const char *html, *seen;
		int trick;
	} rows[] = {
		{ "<p>aa</p><p>bb</p>", "aa bb", NOTHING },
		{ "<p style='display:none'>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<p style='display:none'>aa<div>bb</div>", "bb", MR_SPAM_NOT_SHOWN },
		{ "<div STYLE=\"Display : NONE !important\">aa</div>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<div hidden>aa<div>aa</div>aa</div>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<div style='visibility:hidden'>aa<b style='visibility:visible'>bb</b></div>",
		  "bb", MR_SPAM_NOT_SHOWN },
		{ "<title>aa</title>bb", "bb", MR_SPAM_NOT_SHOWN },
		/* the usual table of newsletters: no size outside, a size inside */
		{ "<td style='font-size:0'>aa<div style='font-size:14px'>bb</div>", "bb",
		  MR_SPAM_NO_SIZE },
		{ "<p style='font-size:1px;line-height:1px'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
		{ "<p style='font:0px/0 Arial'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
		{ "<p style='font: 700 12px Arial'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='font-size:.8em'>aa</p>", "aa", NOTHING },
		{ "<p style='max-height:0px;overflow:hidden'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
		{ "<p style='height:0'>aa</p>bb", "aa bb",
		  NOTHING }, /* it overflows, and is seen */
		{ "<p style='opacity:0'>aa</p>bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<p style='opacity:.9'>aa</p>bb", "aa bb", NOTHING },
		{ "<font color=white>aa</font>bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<font color=#fdfdfd>aa</font>bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<font color=#999>aa</font>bb", "aabb", NOTHING },
		{ "<body bgcolor=black text=#000><p>aa</p>", "", MR_SPAM_NO_CONTRAST },
		{ "<body bgcolor=black><font color=white>aa</font>", "aa", NOTHING },
		{ "<table bgcolor=#336699><tr><td><font color='#FFFFFF'>aa</font></table>bb",
		  "aa bb", NOTHING },
		{ "<div style='background:#369'><p style='color:rgb(51,102,153)'>aa</div>bb", "bb",
		  MR_SPAM_NO_CONTRAST },
		/* on a picture nobody knows */
		{ "<td background=x.png><font color=white>aa</font></td>", "aa", NOTHING },
		{ "<p style='background:url(x) #fff;color:#fff'>aa", "aa", NOTHING },
		{ "<span style='color:transparent'>aa</span>bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<div style='position:absolute;left:-9999px'>aa</div>bb", "bb", MR_SPAM_AWAY },
		{ "<div style='text-indent:-5000px'>aa</div>bb", "bb", MR_SPAM_AWAY },
		{ "<div style='margin-left:-8px'>aa</div>bb", "aa bb", NOTHING },
		/* comments and escapes: CSS Syntax 4.3.2, 4.3.7; references */
		{ "<p style='/*;*/display/**/:/* : */none'>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<p style='dis\\70lay:none'>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<p style='d\\69 splay:n\\00006Fne'>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<p style='display\\:none'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='dis/**/play:none'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='display:block;/*display:none'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='dis&#112;lay&colon;none'>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
		/* colours by other names */
		{ "<p style='color:hsl(0,0%,100%)'>aa</p>bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<p style='color:hsl(120deg 100% 99% / 1)'>aa</p>bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<p style='color:hsla(0,0%,0%,0)'>aa</p>bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<p style='color:hsl(240,100%,50%)'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='color:#123;background:currentcolor'>aa</p>bb", "bb",
		  MR_SPAM_NO_CONTRAST },
		{ "<p style='color:currentcolor'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='-webkit-text-fill-color:#fff'>aa</p>bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<p style='-webkit-text-fill-color:transparent;color:#000'>aa</p>bb", "bb",
		  MR_SPAM_NO_CONTRAST },
		{ "<p style='color:#fff;-webkit-text-fill-color:#000'>aa</p>bb", "aa bb", NOTHING },
		{ "<p "
		  "style='-webkit-background-clip:text;-webkit-text-fill-color:transparent'>aa</"
		  "p>bb",
		  "aa bb", NOTHING },
		{ "<p style='filter:blur(0) opacity(0%)'>aa</p>bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<p style='filter:opacity(.9)'>aa</p>bb", "aa bb", NOTHING },
		/* moved, made small, cut */
		{ "<p style='transform:rotate(9deg) scale(0)'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
		{ "<p style='transform:scaleX(0.0)'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
		{ "<p style='transform:scale3d(1, 0, 1)'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
		{ "<p style='scale:0'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
		{ "<p style='transform:scale(-1,1)'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='transform:scaleZ(0)'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='transform:translate(-50%,-50%)'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='transform:translateX(-9999px)'>aa</p>bb", "bb", MR_SPAM_AWAY },
		{ "<p style='transform:translate3d(0,9999px,0)'>aa</p>bb", "bb", MR_SPAM_AWAY },
		{ "<p style='translate:-9999px'>aa</p>bb", "bb", MR_SPAM_AWAY },
		{ "<p style='clip-path:circle(0)'>aa</p>bb", "bb", MR_SPAM_AWAY },
		{ "<p style='clip-path:circle(0 at 50% 50%)'>aa</p>bb", "bb", MR_SPAM_AWAY },
		{ "<p style='clip-path:inset(100%)'>aa</p>bb", "bb", MR_SPAM_AWAY },
		{ "<p style='clip-path:polygon(0 0,0px 0px)'>aa</p>bb", "bb", MR_SPAM_AWAY },
		{ "<p style='clip-path:circle(50%)'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='clip-path:inset(5px)'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='clip-path:polygon(0 0,100% 0,0 100%)'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='zoom:.01'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
		{ "<p style='zoom:0'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='zoom:1'>aa</p>bb", "aa bb", NOTHING },
		{ "<p style='content-visibility:hidden'>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<p style='text-indent:100%;white-space:nowrap;overflow:hidden'>aa</p>bb", "bb",
		  MR_SPAM_AWAY },
		{ "<p style='text-indent:100%;overflow:hidden'>aa</p>bb", "aa bb", NOTHING },
		/* tags whose text is not shown, and such that programs for mail show */
		{ "<datalist><option>aa</datalist>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<template>aa</template>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<dialog>aa</dialog>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<dialog open>aa</dialog>bb", "aa bb", NOTHING },
		{ "<noscript>aa</noscript> <video>bb</video>", "aa bb", NOTHING },
		/* the text of an image that has no room for it */
		{ "<img width=1 height=1 alt='aa'>bb", "bb", NOTHING },
		{ "<img style='width:1px' alt='aa'>bb", "bb", NOTHING },
		{ "<img alt='aa' style='display:none'>bb", "bb", NOTHING },
		{ "<img width=100% height=10 alt='aa'>bb", "aa bb", NOTHING },
		/* style sheets */
		{ "<style>.x{display:none}</style><p class=x>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<style> /* } */ P.y , .x\n{ Display : none; } </style><p class='z x'>aa</p>bb",
		  "bb", MR_SPAM_NOT_SHOWN },
		{ "<style><!-- #x{font-size:0} --></style><p id=x>aa</p>bb", "bb",
		  MR_SPAM_NO_SIZE },
		{ "<style>b{color:white}</style><b>aa</b> bb", "bb", MR_SPAM_NO_CONTRAST },
		{ "<style>@media screen{.x{display:none}}</style><p class=x>aa</p>bb", "bb",
		  MR_SPAM_NOT_SHOWN },
		{ "<style>@import 'a'; .x{display:none}</style><p class=x>aa</p>bb", "bb",
		  MR_SPAM_NOT_SHOWN },
		{ "<style>.x{display:none} .x{display:block}</style><p class=x>aa</p>bb", "aa bb",
		  NOTHING },
		{ "<style>.x{display:none}</style><p class=x style='display:block'>aa</p>bb",
		  "aa bb", NOTHING },
		/* names together, and one within another */
		{ "<style>p.x.y{display:none}</style><p class='y x'>aa</p><p class=y>bb", "bb",
		  MR_SPAM_NOT_SHOWN },
		{ "<style>DIV .x{display:none}</style><div><p class=x>aa</p></div>bb", "bb",
		  MR_SPAM_NOT_SHOWN },
		{ "<style>.w > p#x , i{display:none}</style><div class=w><p id=x>aa</p></div>bb",
		  "bb", MR_SPAM_NOT_SHOWN },
		{ "<style>html body .x{display:none}</style><p class=x>aa</p>bb", "bb",
		  MR_SPAM_NOT_SHOWN },
		{ "<style>.w p{display:none}</style><p class=x>aa</p>", "aa", NOTHING },
		{ "<style>.w + p{display:none}</style><i class=w></i><p>aa</p>", "aa", NOTHING },
		{ "<style>p[x]{display:none}</style><p x>aa</p>", "aa", NOTHING },
		{ "<style>.x{/*}*/dis\\70lay:none}</style><p class=x>aa</p>bb", "bb",
		  MR_SPAM_NOT_SHOWN },
		{ "<style>.\\78/**/{display:none}</style><p class=x>aa</p>bb", "bb",
		  MR_SPAM_NOT_SHOWN },
		/* what a narrow window, a printer, a pointer or a place would decide */
		{ "<style>@media (max-width:9px){.x{display:none}}</style><p class=x>aa", "aa",
		  NOTHING },
		{ "<style>@media print{.x{display:none}} .y{}</style><p class=x>aa", "aa",
		  NOTHING },
		{ "<style>.x:hover{display:none} div .x{display:none}</style><p class=x>aa", "aa",
		  NOTHING },
		/* the button of a style sheet: white, and not on white */
		{ "<style>.x{background:#369}</style><a class=x style='color:#fff'>aa</a>", "aa",
		  NOTHING },
		{ "<style>.x{display:none", "", NOTHING },
		{ "<style>/*</style>aa<style>{}}{@", "aa", NOTHING },
		{ "<div style='clip:rect(0 0 0 0)'>aa</div>bb", "bb", MR_SPAM_AWAY },
		/* ends that are left out, stray or crossed */
		{ "<tr><td style='display:none'>aa<td>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<tr style='display:none'><td>aa<tr><td>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "<ul><li style='display:none'>aa<li>bb</ul>", "bb", MR_SPAM_NOT_SHOWN },
		{ "<div style='display:none'><table></div>aa</table></div>bb", "bb",
		  MR_SPAM_NOT_SHOWN },
		{ "<div style='display:none'><b>aa</div>bb", "bb", MR_SPAM_NOT_SHOWN },
		{ "</p></div>aa", "aa", NOTHING },
		/* an img or a br has no end: it hides nothing that follows */
		{ "<img style='display:none'>aa<br hidden>bb", "aa bb", NOTHING },
		{ "<img alt='aa'>bb<p hidden><img alt='cc'>", "aa bb", NOTHING },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_spam_test s;

		if (mr_spam_test_init(t, &s, i, rows[i].html) && mr_spam_test_html(t, &s)) {
			MR_CHECK_SPAN(t, rows[i].seen, mr_spam_test_words(&s));
			for (int k = MR_SPAM_NOT_SHOWN; k <= MR_SPAM_AWAY; k++)
				MR_CHECK_INT(t, k == rows[i].trick, s.tricks.count[k] > 0);
		}
		mr_spam_test_done(&s);
	}
}

MR_TEST(spam_html_words_go_on)
{
	static const struct {
		const char *html, *seen;
		int trick, count;
	} rows[] = {
		{ "vi<b></b>agra", "viagra", MR_SPAM_JOINED, 1 },
		{ "vi<!-- x -->ag<!y>ra", "viagra", MR_SPAM_JOINED, 2 },
		{ "vi<b>ag</b>ra", "viagra", MR_SPAM_JOINED, 0 }, /* a letter may be bold */
		{ "vi<xyz></xyz>agra", "viagra", MR_SPAM_JOINED, 1 },
		{ "aa<br>bb<td>cc<p></p>dd", "aa bb cc dd", MR_SPAM_JOINED, 0 },
		{ "aa <!-- x --> bb", "aa bb", MR_SPAM_JOINED, 0 },
		{ "&#118;i&#x61;gra", "viagra", MR_SPAM_NUMBERED, 2 },
		{ "caf&#233; &#32; &#8364;", "cafe \u20AC", MR_SPAM_NUMBERED, 0 },
		{ "a&nbsp;b", "a b", MR_SPAM_NUMBERED, 0 },
		{ "vi&#8203;agra &shy;", "viagra", MR_SPAM_INVISIBLE, 1 },
		{ "v&nbsp;i&nbsp;a&nbsp;g", "v i a g v i a g", MR_SPAM_SPLIT, 1 },
		{ "<style>x</style><script>y</script>aa", "aa", MR_SPAM_NOT_SHOWN, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_spam_test s;

		if (mr_spam_test_init(t, &s, i, rows[i].html) && mr_spam_test_html(t, &s)) {
			MR_CHECK_SPAN(t, rows[i].seen, mr_spam_test_words(&s));
			MR_CHECK_INT(t, rows[i].count, s.tricks.count[rows[i].trick]);
		}
		mr_spam_test_done(&s);
	}
}

/* More elements than are kept: what is deeper looks as the deepest kept one, and ends are not mixed up. */
MR_TEST(spam_html_deep)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_spam_words w = { .f = f, .family = MR_SPAM_WORD, .kind = "word" };
	MR_AUTO_BUF html = MR_BUF(100000);

	MR_NEED(t, f != NULL && arena != NULL);
	mr_buf_adds(&html, "<div hidden>");
	for (int i = 0; i < 1000; i++)
		mr_buf_adds(&html, "<div>");
	mr_buf_adds(&html, "aa");
	for (int i = 0; i < 1001; i++)
		mr_buf_adds(&html, "</div>");
	mr_buf_adds(&html, "bb");
	MR_NEED(t, mr_buf_err(&html) == 0);
	MR_NEED(t, mr_spam_html_add(&w, mr_buf_span(&html), arena) == 0);
	MR_CHECK_INT(t, 1, f->family[MR_SPAM_WORD].count);
	MR_CHECK_SPAN(t, "bb", f->family[MR_SPAM_WORD].origin[0].text);
}

/* A sheet has room for so many rules; what comes later is not read. */
MR_TEST(spam_sheet_full)
{
	struct mr_spam_sheet sheet = { .count = 0 };
	MR_AUTO_BUF css = MR_BUF(10000);
	struct mr_spam_style style;
	char rule[64];

	for (int i = 0; i < MR_SPAM_RULES_MAX + 1; i++) {
		snprintf(rule, sizeof(rule), "td.a%d,b%d:x{color:red}", i, i);
		mr_buf_adds(&css, rule);
	}
	MR_NEED(t, mr_buf_err(&css) == 0);
	mr_spam_sheet_read(&sheet, mr_buf_span(&css));
	mr_spam_style_init(&style);
	mr_spam_sheet_apply(&sheet, MR_SPAN("td"), MR_SPAN("a64"), MR_SPAN(""), 0, &style);
	MR_CHECK_INT(t, MR_SPAM_COLOR_UNSAID, style.color);
	mr_spam_sheet_apply(&sheet, MR_SPAN("td"), MR_SPAN("x a63"), MR_SPAN(""), 0, &style);
	MR_CHECK_INT(t, 0xFF0000, style.color);
}
