#include "lib/base/mr_utf8.h"

/* RFC 3629 4: what may follow each first octet; the second octet's range is what keeps out overlong
 * forms, surrogates and numbers above U+10FFFF. */
static const struct sequence {
	uint8_t first_min, first_max, more, second_min, second_max;
} sequences[] = {
	{ 0xC2, 0xDF, 1, 0x80, 0xBF }, { 0xE0, 0xE0, 2, 0xA0, 0xBF }, { 0xE1, 0xEC, 2, 0x80, 0xBF },
	{ 0xED, 0xED, 2, 0x80, 0x9F }, { 0xEE, 0xEF, 2, 0x80, 0xBF }, { 0xF0, 0xF0, 3, 0x90, 0xBF },
	{ 0xF1, 0xF3, 3, 0x80, 0xBF }, { 0xF4, 0xF4, 3, 0x80, 0x8F },
};

static const struct sequence *sequence_find(uint8_t first)
{
	for (size_t i = 0; i < MR_COUNT(sequences); i++) {
		if (first >= sequences[i].first_min && first <= sequences[i].first_max)
			return &sequences[i];
	}
	return NULL;
}

int32_t mr_utf8_next(struct mr_cur *c, bool *valid_out)
{
	const struct sequence *seq;
	uint32_t code;
	int first = mr_cur_peek(c, 0);

	if (first < 0)
		return -1;
	mr_cur_skip(c, 1);
	if (valid_out)
		*valid_out = true;
	if (first < 0x80)
		return first;
	seq = sequence_find((uint8_t)first);
	code = seq ? (uint32_t)first & (0x3Fu >> seq->more) : 0;
	for (unsigned i = 0; seq && i < seq->more; i++) {
		int next = mr_cur_peek(c, 0);

		if (next < (i == 0 ? seq->second_min : 0x80) ||
		    next > (i == 0 ? seq->second_max : 0xBF)) {
			seq = NULL;
			break;
		}
		code = code << 6 | ((uint32_t)next & 0x3F);
		mr_cur_skip(c, 1);
	}
	if (!seq && valid_out)
		*valid_out = false;
	return (int32_t)(seq ? code : MR_UTF8_REPLACEMENT);
}

size_t mr_utf8_put(uint32_t code, char out[MR_UTF8_MAX])
{
	if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
		code = MR_UTF8_REPLACEMENT;
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xE0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3F));
		out[2] = (char)(0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3F));
	out[2] = (char)(0x80 | (code >> 6 & 0x3F));
	out[3] = (char)(0x80 | (code & 0x3F));
	return 4;
}

bool mr_utf8_valid(struct mr_span s)
{
	struct mr_cur c = mr_cur(s);
	bool valid = true;

	while (valid && mr_utf8_next(&c, &valid) >= 0)
		;
	return valid;
}

/* C0, DEL, C1 (ECMA-48); zero-width characters, marks, embeddings and isolates of direction (Unicode 23.2). */
static bool is_hidden(int32_t code)
{
	return code < 32 || (code >= 127 && code < 160) || (code >= 0x200B && code <= 0x200F) ||
	       (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) ||
	       code == (int32_t)MR_UTF8_REPLACEMENT || code == 0xFEFF;
}

int mr_utf8_show(struct mr_buf *out, struct mr_span text)
{
	struct mr_cur c = mr_cur(text);
	int32_t code;

	while ((code = mr_utf8_next(&c, NULL)) >= 0) {
		char utf8[MR_UTF8_MAX];

		if (code == '\n' || code == '\r' || code == '\t')
			code = ' ';
		if (is_hidden(code))
			code = '?';
		(void)mr_buf_add(out, mr_span(utf8, mr_utf8_put((uint32_t)code, utf8)));
	}
	return mr_buf_err(out);
}
