/* Letters of our own: what stands in their fields, and that readers see the text that was meant. */
#include "lib/mail/mr_letter.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_msg.h"
#include "lib/mail/mr_qp.h"
#include "lib/mail/mr_words.h"
#include "tests/unit/mr_test.h"

#define OUT_MAX   65536
#define ARENA_MAX (1 << 20)
#define UE        "\xc3\xbc" /* U+00FC, two octets */
#define UE10      UE UE UE UE UE UE UE UE UE UE

static size_t longest_line(struct mr_span text)
{
	size_t longest = 0;

	while (text.len > 0) {
		struct mr_span line;

		(void)mr_span_split(text, '\n', &line, &text);
		longest = line.len > longest ? line.len : longest;
	}
	return longest;
}

MR_TEST(letter_words)
{
	static const struct {
		const char *text;
		size_t column;
		const char *want;
	} rows[] = {
		{ "Out of office", 9, "Out of office" },
		{ "", 9, "" },
		/* RFC 2047 4.2: "=" and two hexadecimal digits, upper case */
		{ "Gr" UE UE "e", 9, "=?utf-8?q?Gr=C3=BC=C3=BCe?=" },
		/* What looks like an encoded word would be decoded */
		{ "=?utf-8?q?x?=", 9, "=?utf-8?q?=3D=3Futf=2D8=3Fq=3Fx=3F=3D?=" },
		/* A line of text cannot become a field */
		{ "a\nBcc: x@y", 9, "=?utf-8?q?a=20Bcc=3A=20x=40y?=" },
		{ "a\xff", 0, "=?utf-8?q?a=EF=BF=BD?=" }, /* U+FFFD */
		{ " a", 0, "=?utf-8?q?=20a?=" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF out = MR_BUF(OUT_MAX);

		t->row = (long)i;
		mr_letter_words_put(&out, mr_span_str(rows[i].text), rows[i].column);
		MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&out));
	}
}

/* RFC 2047 2: 75 characters of a word, 76 of a line; 5: no character is split; 6.2: it is one text. */
MR_TEST(letter_words_long)
{
	static const char text[] = UE10 " " UE10 UE10 UE10 "a" UE10 UE10 UE10;

	for (size_t column = 0; column < 100; column += 7) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO_BUF out = MR_BUF(OUT_MAX);
		struct mr_span back, first, rest;

		t->row = (long)column;
		MR_NEED(t, arena);
		mr_letter_words_put(&out, mr_span_str(text), column);
		MR_NEED(t, mr_buf_err(&out) == 0);
		(void)mr_span_split(mr_buf_span(&out), '\n', &first, &rest);
		MR_CHECK(t, first.len == 0 || column + first.len <= 76);
		MR_CHECK(t, longest_line(mr_buf_span(&out)) <= 76);
		MR_NEED(t, mr_words_decode(mr_buf_span(&out), OUT_MAX, arena, &back) == 0);
		MR_CHECK_SPAN(t, text, back);
	}
}

/* RFC 2045 6.7 (1) to (5), by hand. */
MR_TEST(letter_qp)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "a=b\n", "a=3Db\n" },
		{ "a \n\tb\t", "a=20\n\tb=09\n" },
		{ UE "\r\n", "=C3=BC\n" },
		{ "", "" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789012345678"
		  "9",
		  "012345678901234567890123456789012345678901234567890123456789012345678901234=\n"
		  "56789\n" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF out = MR_BUF(OUT_MAX);

		t->row = (long)i;
		mr_letter_qp_put(&out, mr_span_str(rows[i].text));
		MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&out));
	}
}

MR_TEST(letter_whole)
{
	struct mr_letter letter = {
		.from = MR_SPAN("postmaster@example.org"),
		.to = MR_SPAN("ann@example.org"),
		.from_name = MR_SPAN("J" UE "rgen"),
		.subject = MR_SPAN("Your mailbox"),
		.text = MR_SPAN("It is full.\n"),
		.auto_submitted = "auto-generated",
		.host = "mx.example.org",
		.more = MR_SPAN("References: <a@b>\n"),
		.date_s = 0,
	};
	MR_AUTO_BUF out = MR_BUF(OUT_MAX);
	struct mr_span text;

	mr_letter_put(&out, &letter);
	MR_NEED(t, mr_buf_err(&out) == 0);
	text = mr_buf_span(&out);
	MR_CHECK(t, mr_span_has_prefix(text, MR_SPAN("Date: Thu, 01 Jan 1970 00:00:00 +0000\n"
						     "From: =?utf-8?q?J=C3=BCrgen?=\n"
						     " <postmaster@example.org>\n"
						     "To: ann@example.org\n"
						     "Subject: Your mailbox\nMessage-ID: <")));
	MR_CHECK(t, mr_span_has_suffix_nocase(
			    text, MR_SPAN("@mx.example.org>\nAuto-Submitted: auto-generated\n"
					  "References: <a@b>\nMIME-Version: 1.0\n"
					  "Content-Type: text/plain; charset=utf-8\n"
					  "Content-Transfer-Encoding: 7bit\n\nIt is full.\n")));
	letter.text = MR_SPAN("It is " UE "\n.\n");
	letter.from_name = MR_SPAN("");
	mr_buf_reset(&out);
	mr_letter_put(&out, &letter);
	MR_NEED(t, mr_buf_err(&out) == 0);
	text = mr_buf_span(&out);
	MR_CHECK(t, mr_span_search(text, MR_SPAN("\nFrom: postmaster@example.org\n")) < text.len);
	MR_CHECK(t, mr_span_has_suffix_nocase(text, MR_SPAN("quoted-printable\n\n"
							    "It is =C3=BC\n.\n")));
}
