#include "lib/mail/mr_letter.h"

#include "lib/base/mr_cur.h"
#include "lib/base/mr_random.h"
#include "lib/base/mr_time.h"
#include "lib/base/mr_utf8.h"

#define WORD_MAX   75 /* RFC 2047 2: characters of an encoded word */
#define WORD_BEGIN "=?utf-8?q?"
#define WORD_END   "?="
#define FIELD_LINE 76 /* RFC 2047 2: of a line that holds one */
#define QP_LINE    75 /* RFC 2045 6.7 (5): 76, one of them for "=" */
#define PLAIN_LINE 78 /* RFC 5322 2.1.1: a longer one is encoded */

/* -- fields ----------------------------------------------------------------------------------- */

/* Text that a field can hold as it is. What looks like an encoded word would be decoded. */
static bool is_plain(struct mr_span text, size_t column)
{
	return mr_span_only(text, (unsigned)~(MR_HIGH | MR_CTL | MR_CRLF)) &&
	       mr_span_search(text, MR_SPAN("=?")) == text.len && column + text.len <= FIELD_LINE &&
	       mr_span_trim(text).len == text.len;
}

/* RFC 2047 4.2; letters and digits alone stand for themselves, so that it is right in a phrase, too. */
static size_t char_put(int32_t code, char out[3 * MR_UTF8_MAX])
{
	static const char hex[] = "0123456789ABCDEF";
	char octets[MR_UTF8_MAX];
	size_t n = mr_utf8_put(code < ' ' || code == 127 ? ' ' : (uint32_t)code, octets), len = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t octet = (uint8_t)octets[i];

		if (mr_is(octets[i], MR_ALNUM)) {
			out[len++] = octets[i];
			continue;
		}
		out[len++] = '=';
		out[len++] = hex[octet >> 4];
		out[len++] = hex[octet & 15];
	}
	return len;
}

void mr_letter_words_put(struct mr_buf *out, struct mr_span text, size_t column)
{
	struct mr_cur c = mr_cur(text);
	char one[3 * MR_UTF8_MAX];
	size_t used = 0, room;
	int32_t code;

	if (is_plain(text, column)) {
		(void)mr_buf_add(out, text);
		return;
	}
	room = column < FIELD_LINE - WORD_MAX / 2 ? FIELD_LINE - column : 0;
	if (room == 0)
		(void)mr_buf_adds(out, "\n ");
	if (room == 0 || room > WORD_MAX)
		room = WORD_MAX;
	room -= strlen(WORD_BEGIN WORD_END);
	(void)mr_buf_adds(out, WORD_BEGIN);
	while ((code = mr_utf8_next(&c, NULL)) >= 0) {
		size_t n = char_put(code, one);

		/* RFC 2047 5: a character is never split. */
		if (used + n > room) {
			(void)mr_buf_adds(out, WORD_END "\n " WORD_BEGIN);
			used = 0;
			room = WORD_MAX - strlen(WORD_BEGIN WORD_END);
		}
		(void)mr_buf_add(out, mr_span(one, n));
		used += n;
	}
	(void)mr_buf_adds(out, WORD_END);
}

static void field_put(struct mr_buf *out, const char *name, struct mr_span value)
{
	(void)mr_buf_adds(out, name);
	(void)mr_buf_adds(out, ": ");
	(void)mr_buf_add(out, value);
	(void)mr_buf_adds(out, "\n");
}

/* RFC 5322 3.4: display-name is a phrase; an encoded word may always stand for it. */
static void from_put(struct mr_buf *out, const struct mr_letter *l)
{
	(void)mr_buf_adds(out, "From: ");
	if (l->from_name.len > 0) {
		if (mr_span_only(l->from_name, MR_ALNUM | MR_WSP))
			(void)mr_buf_add(out, mr_span_trim(l->from_name));
		else
			mr_letter_words_put(out, l->from_name, strlen("From: "));
		(void)mr_buf_adds(out, "\n <");
	}
	(void)mr_buf_add(out, l->from);
	(void)mr_buf_adds(out, l->from_name.len > 0 ? ">\n" : "\n");
}

/* -- text ------------------------------------------------------------------------------------- */

void mr_letter_qp_put(struct mr_buf *out, struct mr_span text)
{
	struct mr_cur c = mr_cur(text);
	struct mr_span line;

	while (mr_cur_line(&c, &line)) {
		size_t column = 0;

		for (size_t i = 0; i < line.len; i++) {
			char octet = line.p[i];
			/* RFC 2045 6.7 (3): no blank at the end of a line. */
			bool plain = octet > ' ' && octet <= '~' && octet != '=';
			bool blank = (octet == ' ' || octet == '\t') && i + 1 < line.len;
			size_t len = plain || blank ? 1 : 3;

			if (column + len > QP_LINE) {
				(void)mr_buf_adds(out, "=\n");
				column = 0;
			}
			if (len == 1)
				(void)mr_buf_addc(out, octet);
			else
				(void)mr_buf_printf(out, "=%02X", (unsigned)(uint8_t)octet);
			column += len;
		}
		(void)mr_buf_addc(out, '\n');
	}
}

static bool needs_qp(struct mr_span text)
{
	struct mr_cur c = mr_cur(text);
	struct mr_span line;

	while (mr_cur_line(&c, &line)) {
		if (line.len > PLAIN_LINE ||
		    !mr_span_only(line, (unsigned)~(MR_HIGH | MR_CTL | MR_CRLF)))
			return true;
	}
	return false;
}

static bool is_one_line(struct mr_span s)
{
	return mr_span_only(s, (unsigned)~(MR_CTL | MR_CRLF));
}

void mr_letter_put(struct mr_buf *out, const struct mr_letter *l)
{
	bool qp = needs_qp(l->text);
	char date[MR_DATE_SIZE], id[MR_ID_SIZE];
	struct mr_span subject = mr_span_sub(l->subject, 0, MR_LETTER_SUBJECT_MAX);

	MR_ASSERT(is_one_line(l->from) && is_one_line(l->to));
	mr_date_rfc5322(l->date_s, date);
	mr_random_id(id);
	field_put(out, "Date", mr_span_str(date));
	from_put(out, l);
	field_put(out, "To", l->to);
	(void)mr_buf_adds(out, "Subject: ");
	mr_letter_words_put(out, subject, strlen("Subject: "));
	(void)mr_buf_printf(out, "\nMessage-ID: <%s@%s>\nAuto-Submitted: %s\n", id, l->host,
			    l->auto_submitted);
	(void)mr_buf_add(out, l->more);
	(void)mr_buf_printf(out,
			    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
			    "Content-Transfer-Encoding: %s\n\n",
			    qp ? "quoted-printable" : "7bit");
	if (qp)
		mr_letter_qp_put(out, l->text);
	else
		(void)mr_buf_add(out, l->text);
	if (!qp && l->text.len > 0 && l->text.p[l->text.len - 1] != '\n')
		(void)mr_buf_addc(out, '\n');
}
