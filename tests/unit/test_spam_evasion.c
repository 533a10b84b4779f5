/* What senders do so that people read one thing and filters another, and what becomes of it. */
#include "lib/base/mr_buf.h"
#include "lib/base/mr_utf8.h"
#include "milters/spam/disguise.h"
#include "milters/spam/extract.h"
#include "milters/spam/fold.h"
#include "milters/spam/text.h"
#include "milters/spam/url.h"
#include "tests/unit/mr_spam_test.h"

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

/* -- parts --------------------------------------------------------------------------------------- */

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
		struct mr_spam_test s;

		if (mr_spam_test_init(t, &s, i, rows[i].raw) && mr_spam_test_message(t, &s))
			MR_CHECK_SPAN(t, rows[i].seen, mr_spam_test_words(&s));
		mr_spam_test_done(&s);
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
		struct mr_spam_test s;

		if (mr_spam_test_init(t, &s, i, rows[i].raw) && mr_spam_test_message(t, &s))
			MR_CHECK_SPAN(t, rows[i].seen, mr_spam_test_words(&s));
		mr_spam_test_done(&s);
	}
}

/* What nobody sees moves no feature, in neither model. */
MR_TEST(spam_unseen_says_nothing)
{
	static const char *const raw[] = {
		ALT("b") "--b\n\nviagra\n--b\n" HTML "bb\n--b--\n",
		ALT("b") "--b\n\nminutes of the meeting\n--b\n" HTML "bb\n--b--\n",
	};
	struct mr_spam_test a, b;

	/* No way out between the two: both are done. */
	if (mr_spam_test_init(t, &a, 0, raw[0]) & mr_spam_test_init(t, &b, 1, raw[1]) &&
	    mr_spam_test_message(t, &a) && mr_spam_test_message(t, &b)) {
		for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
			const struct mr_spam_list *l = &a.f->family[i], *m = &b.f->family[i];

			MR_CHECK_SPANS(t, mr_span_bytes(l->key, l->count * sizeof(*l->key)),
				       mr_span_bytes(m->key, m->count * sizeof(*m->key)));
		}
	}
	mr_spam_test_done(&a);
	mr_spam_test_done(&b);
}

/* -- addresses and features ---------------------------------------------------------------------- */

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
