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
static const struct {
	const char *html, *seen;
	int trick;
} hidden_rows[] = {
	{ "<p>aa</p><p>bb</p>", "aa bb", NOTHING },
	{ "<p style='display:none'>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "<p style='display:none'>aa<div>bb</div>", "bb", MR_SPAM_NOT_SHOWN },
	{ "<div STYLE=\"Display : NONE !important\">aa</div>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "<div hidden>aa<div>aa</div>aa</div>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "<div style='visibility:hidden'>aa<b style='visibility:visible'>bb</b></div>", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<title>aa</title>bb", "bb", MR_SPAM_NOT_SHOWN },
	/* the usual table of newsletters: no size outside, a size inside */
	{ "<td style='font-size:0'>aa<div style='font-size:14px'>bb</div>", "bb", MR_SPAM_NO_SIZE },
	{ "<p style='font-size:1px;line-height:1px'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
	{ "<p style='font:0px/0 Arial'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
	{ "<p style='font: 700 12px Arial'>aa</p>bb", "aa bb", NOTHING },
	{ "<p style='font-size:.8em'>aa</p>", "aa", NOTHING },
	{ "<p style='max-height:0px;overflow:hidden'>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
	{ "<p style='height:0'>aa</p>bb", "aa bb", NOTHING }, /* it overflows, and is seen */
	{ "<p style='opacity:0'>aa</p>bb", "bb", MR_SPAM_NO_CONTRAST },
	{ "<p style='opacity:.9'>aa</p>bb", "aa bb", NOTHING },
	{ "<font color=white>aa</font>bb", "bb", MR_SPAM_NO_CONTRAST },
	{ "<font color=#fdfdfd>aa</font>bb", "bb", MR_SPAM_NO_CONTRAST },
	{ "<font color=#999>aa</font>bb", "aabb", NOTHING },
	{ "<body bgcolor=black text=#000><p>aa</p>", "", MR_SPAM_NO_CONTRAST },
	{ "<body bgcolor=black><font color=white>aa</font>", "aa", NOTHING },
	{ "<table bgcolor=#336699><tr><td><font color='#FFFFFF'>aa</font></table>bb", "aa bb",
	  NOTHING },
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
	{ "<p style='color:#123;background:currentcolor'>aa</p>bb", "bb", MR_SPAM_NO_CONTRAST },
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
	{ "<style> /* } */ P.y , .x\n{ Display : none; } </style><p class='z x'>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style><!-- #x{font-size:0} --></style><p id=x>aa</p>bb", "bb", MR_SPAM_NO_SIZE },
	{ "<style>b{color:white}</style><b>aa</b> bb", "bb", MR_SPAM_NO_CONTRAST },
	{ "<style>@media screen{.x{display:none}}</style><p class=x>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>@import 'a'; .x{display:none}</style><p class=x>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>.x{display:none} .x{display:block}</style><p class=x>aa</p>bb", "aa bb",
	  NOTHING },
	{ "<style>.x{display:none}</style><p class=x style='display:block'>aa</p>bb", "aa bb",
	  NOTHING },
	/* names together, and one within another */
	{ "<style>p.x.y{display:none}</style><p class='y x'>aa</p><p class=y>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>DIV .x{display:none}</style><div><p class=x>aa</p></div>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>.w > p#x , i{display:none}</style><div class=w><p id=x>aa</p></div>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>html body .x{display:none}</style><p class=x>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "<style>.w p{display:none}</style><p class=x>aa</p>", "aa", NOTHING },
	{ "<style>.w + p{display:none}</style><i class=w></i><p>aa</p>", "aa", NOTHING },
	{ "<style>p[x]{display:none}</style><p x>aa</p>", "aa", NOTHING },
	{ "<style>.x{/*}*/dis\\70lay:none}</style><p class=x>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "<style>.\\78/**/{display:none}</style><p class=x>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
	/* what a narrow window, a printer, a pointer or a place would decide */
	{ "<style>@media (max-width:9px){.x{display:none}}</style><p class=x>aa", "aa", NOTHING },
	{ "<style>@media print{.x{display:none}} .y{}</style><p class=x>aa", "aa", NOTHING },
	{ "<style>.x:hover{display:none} div .x{display:none}</style><p class=x>aa", "aa",
	  NOTHING },
	/* groups that count wherever mail is read, and such that do not */
	{ "<style>@media{.x{display:none}}</style><p class=x>aa</p>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "<style>@MEDIA Screen{.y{color:red}}.x{display:none}</style><p class=x>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>@media/**/all{.x{display:none}}</style><p class=x>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>@media print, screen{.x{display:none}}</style><p class=x>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>@media only screen and (min-width: 1px) and (max-width:9999px){"
	  ".x{display:none}}</style><p class=x>aa</p>bb",
	  "bb", MR_SPAM_NOT_SHOWN },
	{ "<style>@media (min-width:0){.x{display:none}}</style><p class=x>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>@media not print{.x{display:none}}</style><p class=x>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>@media not screen{.x{display:none}}</style><p class=x>aa", "aa", NOTHING },
	{ "<style>@media not all{.x{display:none}}</style><p class=x>aa", "aa", NOTHING },
	{ "<style>@media not print and (min-width:0){.x{display:none}}</style><p class=x>"
	  "aa",
	  "aa", NOTHING },
	{ "<style>@media screen and (min-width:600px){.x{display:none}}</style><p class=x>"
	  "aa",
	  "aa", NOTHING },
	{ "<style>@media screen and (hover){.x{display:none}}</style><p class=x>aa", "aa",
	  NOTHING },
	{ "<style>@media screening{.x{display:none}}</style><p class=x>aa", "aa", NOTHING },
	{ "<style>@media print{.y{}@media screen{.x{display:none}}}</style><p class=x>aa", "aa",
	  NOTHING },
	{ "<style>@supports (display:block){.x{display:none}}</style><p class=x>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>@supports (Display: flex) and (color:#fff){@media screen{"
	  ".x{display:none}}}</style><p class=x>aa</p>bb",
	  "bb", MR_SPAM_NOT_SHOWN },
	{ "<style>@supports (display:block){.y{}}.x{display:none}</style><p class=x>aa</p>"
	  "bb",
	  "bb", MR_SPAM_NOT_SHOWN },
	{ "<style>@supports not (display:block){.x{display:none}}</style><p class=x>aa", "aa",
	  NOTHING },
	{ "<style>@supports (display:hologram){.x{display:none}}</style><p class=x>aa", "aa",
	  NOTHING },
	{ "<style>@supports (display:block) and (smell:x){.x{display:none}}</style>"
	  "<p class=x>aa",
	  "aa", NOTHING },
	{ "<style>@font-face{src:url(x)}.x{display:none}</style><p class=x>aa</p>bb", "bb",
	  MR_SPAM_NOT_SHOWN },
	{ "<style>@keyframes k{from{opacity:0}to{opacity:1}}</style><to>aa</to>", "aa", NOTHING },
	/* the button of a style sheet: white, and not on white */
	{ "<style>.x{background:#369}</style><a class=x style='color:#fff'>aa</a>", "aa", NOTHING },
	{ "<style>.x{display:none", "", NOTHING },
	{ "<style>/*</style>aa<style>{}}{@", "aa", NOTHING },
	{ "<div style='clip:rect(0 0 0 0)'>aa</div>bb", "bb", MR_SPAM_AWAY },
	/* ends that are left out, stray or crossed */
	{ "<tr><td style='display:none'>aa<td>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "<tr style='display:none'><td>aa<tr><td>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "<ul><li style='display:none'>aa<li>bb</ul>", "bb", MR_SPAM_NOT_SHOWN },
	{ "<div style='display:none'><table></div>aa</table></div>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "<div style='display:none'><b>aa</div>bb", "bb", MR_SPAM_NOT_SHOWN },
	{ "</p></div>aa", "aa", NOTHING },
	/* an img or a br has no end: it hides nothing that follows */
	{ "<img style='display:none'>aa<br hidden>bb", "aa bb", NOTHING },
	{ "<img alt='aa'>bb<p hidden><img alt='cc'>", "aa bb", NOTHING },
};

MR_TEST(spam_html_hidden)
{
	for (size_t i = 0; i < MR_COUNT(hidden_rows); i++) {
		struct mr_spam_test s;

		if (mr_spam_test_init(t, &s, i, hidden_rows[i].html) && mr_spam_test_html(t, &s)) {
			MR_CHECK_SPAN(t, hidden_rows[i].seen, mr_spam_test_words(&s));
			for (int k = MR_SPAM_NOT_SHOWN; k <= MR_SPAM_AWAY; k++)
				MR_CHECK_INT(t, k == hidden_rows[i].trick, s.tricks.count[k] > 0);
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

/* What a sheet says of td with these classes. */
static uint32_t color_of(const struct mr_spam_sheet *sheet, const char *classes)
{
	struct mr_spam_style style;

	mr_spam_style_init(&style);
	mr_spam_sheet_apply(sheet, MR_SPAN("td"), mr_span_str(classes), MR_SPAN(""), 0, &style);
	return style.color;
}

/* Rule n of many: it is read. */
static void add_numbered(struct mr_buf *css, int from, int to)
{
	for (int i = from; i < to; i++)
		(void)mr_buf_printf(css, "td.a%d,b%d:x{color:red}\n", i, i);
}

MR_TEST(spam_sheet_of_many_rules)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_spam_sheet sheet = { .count = 0 };
	MR_AUTO_BUF css = MR_BUF(1000000);
	char name[16];

	MR_NEED(t, arena != NULL);
	add_numbered(&css, 0, 3000);
	MR_NEED(t, mr_buf_err(&css) == 0);
	MR_NEED(t, mr_spam_sheet_read(&sheet, mr_buf_span(&css), arena) == 0);
	MR_CHECK_INT(t, 3000, sheet.count);
	for (int i = 0; i < 3000; i += 7) {
		snprintf(name, sizeof(name), "x a%d", i);
		MR_CHECK_INT(t, 0xFF0000, color_of(&sheet, name));
	}
	MR_CHECK_INT(t, MR_SPAM_COLOR_UNSAID, color_of(&sheet, "a3000"));
	mr_buf_reset(&css);
	add_numbered(&css, 3000, 2 * MR_SPAM_RULES_MAX);
	MR_NEED(t, mr_spam_sheet_read(&sheet, mr_buf_span(&css), arena) == 0);
	MR_CHECK_INT(t, MR_SPAM_RULES_MAX, sheet.count);
	MR_CHECK_INT(t, 0xFF0000, color_of(&sheet, "a3000"));
}

/* One selector ten thousand times is one rule, and the last word counts, as in a browser. */
MR_TEST(spam_sheet_says_it_again)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_spam_sheet sheet = { .count = 0 };
	MR_AUTO_BUF css = MR_BUF(1000000);

	MR_NEED(t, arena != NULL);
	for (int i = 0; i < 10000; i++)
		mr_buf_adds(&css, ".a{color:red}");
	mr_buf_adds(&css, ".a{color:lime}.a{display:none}");
	MR_NEED(t, mr_buf_err(&css) == 0);
	MR_NEED(t, mr_spam_sheet_read(&sheet, mr_buf_span(&css), arena) == 0);
	MR_CHECK_INT(t, 1, sheet.count);
	MR_CHECK_INT(t, 0x00FF00, color_of(&sheet, "a"));
}

/* So many bytes of all sheets together, and not one more. */
MR_TEST(spam_sheet_too_long)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_spam_sheet sheet = { .count = 0 };
	MR_AUTO_BUF css = MR_BUF(MR_SPAM_SHEET_SIZE_MAX + 100);

	MR_NEED(t, arena != NULL);
	mr_buf_adds(&css, ".a{color:red}/*");
	while (css.len < MR_SPAM_SHEET_SIZE_MAX - 20)
		mr_buf_adds(&css, "x");
	mr_buf_adds(&css, "*/.b{color:red}");
	MR_NEED(t, mr_buf_err(&css) == 0);
	MR_NEED(t, mr_spam_sheet_read(&sheet, mr_buf_span(&css), arena) == 0);
	MR_NEED(t, mr_spam_sheet_read(&sheet, MR_SPAN(".c{color:red}"), arena) == 0);
	MR_CHECK_INT(t, 0xFF0000, color_of(&sheet, "a"));
	MR_CHECK_INT(t, 0xFF0000, color_of(&sheet, "b"));
	MR_CHECK_INT(t, MR_SPAM_COLOR_UNSAID, color_of(&sheet, "c"));
}
