/* What senders do so that people read one thing and filters another, and what becomes of it. */
#include <stdio.h>

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "milters/spam/css.h"
#include "milters/spam/disguise.h"
#include "milters/spam/extract.h"
#include "milters/spam/fold.h"
#include "milters/spam/html.h"
#include "milters/spam/sheet.h"
#include "milters/spam/url.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX ((size_t)16 << 20)
#define NOTHING   -1 /* no trick */

/* Code points by Unicode 15.0, names beside them. */
MR_TEST(spam_fold)
{
	static const struct {
		const char *in, *want;
		int trick, count;
	} rows[] = {
		{ "", "", NOTHING, 0 },
		{ "Viagra, 20 $\r\n", "Viagra, 20 $\r\n", NOTHING, 0 },
		/* ZERO WIDTH SPACE, NON-JOINER, JOINER; WORD JOINER; NO-BREAK SPACE of no width */
		{ "vi\u200Bag\u200Cr\u200Da", "viagra", MR_SPAM_INVISIBLE, 3 },
		{ "vi\u2060ag\uFEFFra", "viagra", MR_SPAM_INVISIBLE, 2 },
		{ "vi\u00ADagra", "viagra", MR_SPAM_SOFT_HYPHEN, 1 },
		/* between words they are no trick: an emoji, an end of a line */
		{ "a \u200B b\uFEFF", "a  b", MR_SPAM_INVISIBLE, 0 },
		/* COMBINING DIAERESIS is an accent apart */
		{ "u\u0308ber", "uber", MR_SPAM_INVISIBLE, 0 },
		/* CYRILLIC SMALL LETTER A, IE in a Latin word; GREEK SMALL LETTER OMICRON */
		{ "vi\u0430gr\u0430 fr\u0435e", "viagra free", MR_SPAM_ALIKE, 2 },
		{ "l\u03BFan", "loan", MR_SPAM_ALIKE, 1 },
		/* a capital looks like another letter than its small one: CYRILLIC EN, GREEK ETA */
		{ "\u041Dello", "hello", MR_SPAM_ALIKE, 1 },
		{ "\u0397ello \u03B7ow", "hello now", MR_SPAM_ALIKE, 2 },
		/* a word of such letters alone in a text that has no others: CYRILLIC IE, HA */
		{ "the s\u0435x \u0435\u0445\u043E", "the sex exo", MR_SPAM_ALIKE, 2 },
		/* Russian: privet, and "on", whose letters all look Latin, beside it */
		{ "\u043F\u0440\u0438\u0432\u0435\u0442 \u0431\u044F",
		  "\u043F\u0440\u0438\u0432\u0435\u0442 \u0431\u044F", MR_SPAM_ALIKE, 0 },
		{ "\u0440\u043E\u0442 \u044F", "\u0440\u043E\u0442 \u044F", MR_SPAM_ALIKE, 0 },
		/* Greek: logos has a GREEK SMALL LETTER LAMDA, which looks like nothing */
		{ "\u03BB\u03CC\u03B3\u03BF\u03C2", "\u03BB\u03CC\u03B3\u03BF\u03C2", MR_SPAM_ALIKE,
		  0 },
		/* FULLWIDTH V, I; MATHEMATICAL BOLD SMALL A; CIRCLED LATIN SMALL LETTER G */
		{ "\uFF36\uFF49\U0001D41A\u24D6ra", "viagra", MR_SPAM_STYLED, 4 },
		{ "\uFF11\U0001D7CE", "10", MR_SPAM_STYLED, 0 },
		/* accents, EN DASH, NO-BREAK SPACE, quotes */
		{ "Vi\u00E0gr\u00C5", "Viagra", MR_SPAM_STYLED, 0 },
		{ "a\u2013b\u00A0c\u201Cd\u201D don\u2019t", "a b c d  don't", NOTHING, 0 },
		/* what looks like nothing stays: HIRAGANA LETTER A, a pictogram, EURO SIGN */
		{ "\u3042 \U0001F525 \u20AC5", "\u3042 \U0001F525 \u20AC5", NOTHING, 0 },
		/* a tag character; what is no UTF-8 */
		{ "a\U000E0061b", "ab", MR_SPAM_INVISIBLE, 1 },
		{ "a\xFF\xC3", "a\xFF\xC3", NOTHING, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_spam_tricks tricks = { 0 };
		struct mr_span got = MR_SPAN("?");

		MR_NEED(t, arena != NULL && in != NULL);
		MR_NEED(t, mr_spam_fold(mr_block_span(in), arena, &tricks, &got) == 0);
		MR_CHECK_SPAN(t, rows[i].want, got);
		if (rows[i].trick != NOTHING)
			MR_CHECK_INT(t, rows[i].count, tricks.count[rows[i].trick]);
		MR_NEED(t, mr_spam_fold(mr_block_span(in), arena, NULL, &got) == 0);
	}
}

/* Nothing is as long as what it was folded from promises no more; random bytes say so, too. */
MR_TEST(spam_fold_of_anything)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	char text[MR_UTF8_MAX];

	MR_NEED(t, arena != NULL);
	for (uint32_t code = 0; code < 0x110000; code += code < 0x20000 ? 1 : 251) {
		struct mr_span in = mr_span(text, mr_utf8_put(code, text)), got, again;

		mr_arena_reset(arena);
		MR_NEED(t, mr_spam_fold(in, arena, NULL, &got) == 0);
		MR_CHECK(t, got.len <= in.len && mr_utf8_valid(got));
		MR_NEED(t, mr_spam_fold(got, arena, NULL, &again) == 0);
		MR_CHECK(t, mr_span_eq(got, again));
	}
}

MR_TEST(spam_word_random)
{
	static const struct {
		const char *word;
		bool random;
	} rows[] = {
		{ "viagra", false },
		{ "rhythms", false },
		{ "strengths", false },
		{ "windows2000", false },
		{ "a1b2", false }, /* too short to tell */
		{ "x86_64", false },
		{ "mp3player", false },
		{ "l2j3g8h8", true },
		{ "1cw9k8", true },
		{ "fscwceectwtf", false },
		{ "xkqjvzt", true },
		{ "zjqkvw", true },
		{ "\u044F1a1a1", false },
		{ "192.0.2.7", false },
		{ "a1.b2.c3.example", false }, /* a host: its labels are looked at */
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].word);

		MR_NEED(t, in != NULL);
		MR_CHECK_INT(t, rows[i].random, mr_spam_word_random(mr_block_span(in)));
	}
}

MR_TEST(spam_word_letters)
{
	static const struct {
		const char *word, *want; /* empty: it is no such word */
	} rows[] = {
		{ "V1agra", "viagra" },
		{ "fr33dom", "freedom" },
		{ "m0rtg4ge", "mortgage" },
		{ "pre$$ure", "pressure" },
		{ "a777b", "" },
		{ "ca$h", "cash" },
		{ "h3ll0", "hello" },
		{ "mp3", "" },
		{ "win2000", "" },
		{ "3com", "" },
		{ "i18n", "" }, /* 8 is no letter */
		{ "b4", "" },
		{ "100", "" },
		{ "viagra", "" },
		{ "v1-agra", "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].word);
		char out[20];

		MR_NEED(t, in != NULL);
		MR_CHECK_INT(t, rows[i].want[0] != '\0',
			     mr_spam_word_letters(mr_block_span(in), out));
		if (rows[i].want[0] != '\0')
			MR_CHECK_SPAN(t, rows[i].want, mr_span(out, in->size));
	}
}

/* -- words ------------------------------------------------------------------------------------ */

/* The text has a word that the text "viagra" has. */
MR_TEST(spam_words_apart)
{
	static const struct {
		const char *text;
		bool same;
		int trick, count;
	} rows[] = {
		{ "buy v i a g r a", true, MR_SPAM_SPLIT, 1 },
		{ "v.i.a.g.r.a!", true, MR_SPAM_SPLIT, 1 },
		{ "V*I*A*G*R*A", true, MR_SPAM_SPLIT, 1 },
		{ "v-i-a-g-r-a now", true, MR_SPAM_SPLIT, 1 },
		{ "v_i_a_g_r_a", true, MR_SPAM_SPLIT, 1 },
		{ "v i a g r a  c i a l i s", true, MR_SPAM_SPLIT, 2 },
		{ "v1agra", true, MR_SPAM_DIGITS, 1 },
		{ "v  i  a  g  r  a", false, MR_SPAM_SPLIT, 0 },
		{ "plan A or B, a b c", false, MR_SPAM_SPLIT, 0 }, /* three */
		{ "v-i_a-g-r-a", false, MR_SPAM_SPLIT, 0 },
		{ "e-mail", false, MR_SPAM_SPLIT, 0 },
		{ "U.S.A.", false, MR_SPAM_SPLIT, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].text);
		struct mr_spam_tricks tricks = { 0 };
		struct mr_spam_words w = {
			.f = f, .family = MR_SPAM_WORD, .kind = "word", .tricks = &tricks
		};
		uint32_t before;

		MR_NEED(t, f != NULL && in != NULL);
		mr_spam_words_add(&w, mr_block_span(in));
		MR_CHECK_INT(t, rows[i].count, tricks.count[rows[i].trick]);
		before = f->family[MR_SPAM_WORD].count;
		mr_spam_words_add(&w, MR_SPAN("viagra"));
		MR_CHECK_INT(t, rows[i].same, f->family[MR_SPAM_WORD].count == before);
	}
}

/* As long a run as one likes: cut, not overrun. */
MR_TEST(spam_words_apart_long)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	struct mr_spam_tricks tricks = { 0 };
	struct mr_spam_words w = {
		.f = f, .family = MR_SPAM_WORD, .kind = "word", .tricks = &tricks
	};
	MR_AUTO_BUF text = MR_BUF(1000);

	MR_NEED(t, f != NULL);
	for (int i = 0; i < 2 * MR_SPAM_RUN_MAX + 1; i++)
		mr_buf_adds(&text, "a ");
	MR_NEED(t, mr_buf_err(&text) == 0);
	mr_spam_words_add(&w, mr_buf_span(&text));
	MR_CHECK_INT(t, 2, tricks.count[MR_SPAM_SPLIT]); /* the last letter is alone */
}

/* Words that count, with a blank between; pairs are left out. */
static void words(const struct mr_spam_features *f, struct mr_buf *out)
{
	const struct mr_spam_list *l = &f->family[MR_SPAM_WORD];

	for (uint32_t i = 0; i < l->count; i++) {
		if (strcmp(l->origin[i].kind, "word") != 0)
			continue;
		if (i > 0)
			mr_buf_addc(out, ' ');
		mr_buf_add(out, l->origin[i].text);
	}
}

/* -- HTML ------------------------------------------------------------------------------------- */

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
		MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].html);
		struct mr_spam_tricks tricks = { 0 };
		struct mr_spam_words w = {
			.f = f, .family = MR_SPAM_WORD, .kind = "word", .tricks = &tricks
		};
		MR_AUTO_BUF seen = MR_BUF(1000);

		MR_NEED(t, f != NULL && arena != NULL && in != NULL);
		MR_NEED(t, mr_spam_html_add(&w, mr_block_span(in), arena) == 0);
		words(f, &seen);
		MR_CHECK_SPAN(t, rows[i].seen, mr_buf_span(&seen));
		for (int k = MR_SPAM_NOT_SHOWN; k <= MR_SPAM_AWAY; k++)
			MR_CHECK_INT(t, k == rows[i].trick, tricks.count[k] > 0);
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
		MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].html);
		struct mr_spam_tricks tricks = { 0 };
		struct mr_spam_words w = {
			.f = f, .family = MR_SPAM_WORD, .kind = "word", .tricks = &tricks
		};
		MR_AUTO_BUF seen = MR_BUF(1000);

		MR_NEED(t, f != NULL && arena != NULL && in != NULL);
		MR_NEED(t, mr_spam_html_add(&w, mr_block_span(in), arena) == 0);
		words(f, &seen);
		MR_CHECK_SPAN(t, rows[i].seen, mr_buf_span(&seen));
		MR_CHECK_INT(t, rows[i].count, tricks.count[rows[i].trick]);
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

#define ALT(boundary) "Content-Type: multipart/alternative; boundary=" boundary "\n\n"
#define MIX(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\n\n"
#define HTML          "Content-Type: text/html\n\n"
#define ATTACHED      "Content-Type: text/html\nContent-Disposition: attachment\n\n"

/* RFC 2046 5.1.4: the last part that can be shown is. */
MR_TEST(spam_alternative)
{
	static const struct {
		const char *raw, *seen;
	} rows[] = {
		{ ALT("b") "--b\n\naa\n--b\n" HTML "bb\n--b--\n", "bb" },
		{ MIX("b") "--b\n\naa\n--b\n" HTML "bb\n--b--\n", "aa bb" },
		{ ALT("b") "--b\n\naa\n--b\n\nbb\n--b--\n", "aa bb" },
		{ ALT("b") "--b\n" HTML "aa\n--b\n" HTML "bb\n--b--\n", "bb" },
		{ ALT("b") "--b\n" HTML "aa\n--b\n\nbb\n--b--\n", "aa bb" },
		/* an attached page is no way to show the text */
		{ ALT("b") "--b\n\naa\n--b\n" ATTACHED "bb\n--b--\n", "aa" },
		/* the HTML lies deeper, the text does, both do */
		{ ALT("b") "--b\n\naa\n--b\n" MIX("c") "--c\n" HTML "bb\n--c\n\ncc\n--c--\n--b--\n",
		  "bb cc" },
		{ ALT("b") "--b\n" MIX("c") "--c\n\naa\n--c--\n--b\n" HTML "bb\n--b--\n", "bb" },
		{ MIX("b") "--b\n" ALT("c") "--c\n\naa\n--c--\n--b\n" HTML "bb\n--b--\n", "aa bb" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].raw);
		struct mr_spam_view view;
		MR_AUTO_BUF seen = MR_BUF(1000);

		MR_NEED(t, f != NULL && arena != NULL && in != NULL);
		MR_NEED(t, mr_spam_extract_raw(mr_block_span(in), MR_SPAM_ARRIVING, MR_SPAN(""),
					       arena, f, &view) == 0);
		words(f, &seen);
		MR_CHECK_SPAN(t, rows[i].seen, mr_buf_span(&seen));
	}
}

#define FILE_TEXT "Content-Type: text/plain\nContent-Disposition: attachment\n\n"
#define MESSAGE   "Content-Type: message/rfc822\n\nSubject: x\n\n"

/* What a reader must open is no text that is shown, unless there is nothing else. */
MR_TEST(spam_attached)
{
	static const struct {
		const char *raw, *seen;
	} rows[] = {
		{ MIX("b") "--b\n\naa\n--b\n" FILE_TEXT "bbb\n--b--\n", "aa" },
		{ MIX("b") "--b\n" FILE_TEXT "bbb\n--b\n\naa\n--b--\n", "aa" },
		{ MIX("b") "--b\n\naa\n--b\n" ATTACHED "<p>bb\n--b--\n", "aa" },
		{ MIX("b") "--b\n\naa\n--b\n" MESSAGE "bbb\n--b--\n", "aa" },
		{ MIX("b") "--b\n\naa\n--b\nContent-Type: text/x-patch\n\nbbb\n--b--\n", "aa" },
		/* what is in an attached part is attached */
		{ MIX("b") "--b\n\naa\n--b\nContent-Disposition: attachment\n" MIX(
			  "c") "--c\n\nbbb\n--c--\n--b--\n",
		  "aa" },
		/* two texts are two texts */
		{ MIX("b") "--b\n\naa\n--b\n\nbb\n--b--\n", "aa bb" },
		{ MIX("b") "--b\n\naa\n--b\nContent-Disposition: inline; filename=x\n\nbb\n--b--\n",
		  "aa bb" },
		/* nothing else has words */
		{ FILE_TEXT "bbb", "bbb" },
		{ MESSAGE "bbb", "bbb" },
		{ MIX("b") "--b\n\n-\n--b\n" FILE_TEXT "bbb\n--b--\n", "bbb" },
		/* HTML in a message is no other way to show a text */
		{ ALT("b") "--b\n\naa\n--b\nContent-Type: message/rfc822\n\n" HTML "bbb\n--b--\n",
		  "aa" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].raw);
		struct mr_spam_view view;
		MR_AUTO_BUF seen = MR_BUF(1000);

		MR_NEED(t, f != NULL && arena != NULL && in != NULL);
		MR_NEED(t, mr_spam_extract_raw(mr_block_span(in), MR_SPAM_ARRIVING, MR_SPAN(""),
					       arena, f, &view) == 0);
		words(f, &seen);
		MR_CHECK_SPAN(t, rows[i].seen, mr_buf_span(&seen));
	}
}

/* What nobody sees moves no feature, in neither model. */
MR_TEST(spam_unseen_says_nothing)
{
	static const char *const raw[] = {
		ALT("b") "--b\n\nviagra\n--b\n" HTML "bb\n--b--\n",
		ALT("b") "--b\n\nminutes of the meeting\n--b\n" HTML "bb\n--b--\n",
	};
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO(mr_spam_features) *a = mr_spam_features_new(NULL), *b = mr_spam_features_new(NULL);
	struct mr_spam_view view;

	MR_NEED(t, arena != NULL && a != NULL && b != NULL);
	MR_NEED(t, mr_spam_extract_raw(mr_span_str(raw[0]), MR_SPAM_ARRIVING, MR_SPAN(""), arena, a,
				       &view) == 0);
	MR_NEED(t, mr_spam_extract_raw(mr_span_str(raw[1]), MR_SPAM_ARRIVING, MR_SPAN(""), arena, b,
				       &view) == 0);
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		const struct mr_spam_list *l = &a->family[i], *m = &b->family[i];

		MR_NEED(t, l->count == m->count);
		MR_CHECK(t, memcmp(l->key, m->key, l->count * sizeof(*l->key)) == 0);
	}
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

/* "%61" in a path is the letter it stands for; what is no letter or digit stays. */
MR_TEST(spam_url_percent)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_spam_tricks tricks = { 0 };
	uint32_t before;

	MR_NEED(t, f != NULL && arena != NULL);
	MR_NEED(t, mr_spam_url_add(f, MR_SPAN("http://a.example/vi%61gr%61%20x%4"), &tricks,
				   arena) == 0);
	MR_CHECK_INT(t, 2, tricks.count[MR_SPAM_PERCENT]);
	before = f->family[MR_SPAM_URL].count;
	MR_NEED(t, mr_spam_url_add(f, MR_SPAN("http://a.example/viagra"), &tricks, arena) == 0);
	MR_CHECK_INT(t, before, f->family[MR_SPAM_URL].count);
}

MR_TEST(spam_tricks_are_features)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	struct mr_spam_tricks tricks = { 0 };

	MR_NEED(t, f != NULL);
	mr_spam_tricks_add(&tricks, f);
	MR_CHECK_INT(t, 0, f->family[MR_SPAM_HTML].count);
	tricks.count[MR_SPAM_ALIKE] = 5;
	mr_spam_tricks_add(&tricks, f);
	MR_CHECK_INT(t, 2, f->family[MR_SPAM_HTML].count);
	tricks.count[MR_SPAM_ALIKE] = 7; /* as many as 5, on the whole */
	mr_spam_tricks_add(&tricks, f);
	MR_CHECK_INT(t, 2, f->family[MR_SPAM_HTML].count);
	tricks.count[MR_SPAM_ALIKE] = 8;
	mr_spam_tricks_add(&tricks, f);
	MR_CHECK_INT(t, 3, f->family[MR_SPAM_HTML].count);
}
