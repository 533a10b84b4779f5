#include "lib/mail/mr_params.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_charset.h"
#include "lib/mail/mr_words.h"

/* Step over one comment, nested ones in it (RFC 5322 3.2.2); one that never ends takes all. */
static void comment(struct mr_cur *c)
{
	size_t depth = 0;

	do {
		char octet = *c->p++;

		if (octet == '(')
			depth++;
		else if (octet == ')')
			depth--;
		else if (octet == '\\' && c->p < c->end)
			c->p++;
	} while (depth > 0 && c->p < c->end);
}

/* Step over blanks, folds and comments. */
static void cfws(struct mr_cur *c)
{
	if (c->p < c->end && !mr_is(*c->p, MR_FWS) && *c->p != '(') /* mostly */
		return;
	while (mr_cur_peek(mr_cur_fws(c), 0) == '(')
		comment(c);
}

/* RFC 2045 5.1: token; raw 8-bit is let through. */
static struct mr_span token(struct mr_cur *c)
{
	const char *start = c->p;

	while (c->p < c->end && !mr_is(*c->p, MR_TSPECIAL | MR_FWS | MR_CTL))
		c->p++;
	return mr_span(start, (size_t)(c->p - start));
}

bool mr_params_type(struct mr_cur *c, struct mr_span *type_out, struct mr_span *subtype_out)
{
	struct mr_cur at = *c;
	struct mr_span type, subtype;

	cfws(&at);
	type = token(&at);
	cfws(&at);
	if (type.len == 0 || !mr_cur_byte(&at, '/'))
		return false;
	cfws(&at);
	subtype = token(&at);
	if (subtype.len == 0)
		return false;
	*type_out = type;
	*subtype_out = subtype;
	*c = at;
	return true;
}

struct mr_span mr_params_word(struct mr_cur *c)
{
	cfws(c);
	return token(c);
}

struct mr_span mr_params_first_word(struct mr_span value)
{
	struct mr_span word = mr_span_ltrim(value);
	size_t len = 0;

	while (len < word.len && !mr_is(word.p[len], MR_FWS))
		len++;
	return mr_span(word.p, len);
}

/* What stands between quotes, from behind the first one; takes the last one. */
static struct mr_span quoted(struct mr_cur *c)
{
	const char *start = c->p;
	struct mr_span inside;

	while (c->p < c->end && *c->p != '"') {
		if (*c->p == '\\')
			c->p++;
		if (c->p < c->end)
			c->p++;
	}
	inside = mr_span(start, (size_t)(c->p - start));
	mr_cur_byte(c, '"');
	return inside;
}

/* A name up to "=", a semicolon, a blank or a comment. */
static struct mr_span param_name(struct mr_cur *c)
{
	const char *start = c->p;

	while (c->p < c->end && *c->p != '=' && *c->p != ';' && *c->p != '(' && *c->p != '"' &&
	       !mr_is(*c->p, MR_FWS))
		c->p++;
	return mr_span(start, (size_t)(c->p - start));
}

static bool at_name_and_equals(struct mr_cur c)
{
	return token(&c).len > 0 && mr_cur_byte(mr_cur_fws(&c), '=');
}

/*
 * An unquoted value. The grammar has a token here; mail has "=_boundary", "file(1).doc", "my
 * file.doc". It ends at a semicolon, and at a blank if a comment, or another parameter whose
 * semicolon was forgotten, comes next.
 */
static struct mr_span unquoted(struct mr_cur *c)
{
	const char *start = c->p, *end = c->p;

	for (;;) {
		while (c->p < c->end && *c->p != ';' && !mr_is(*c->p, MR_FWS))
			c->p++;
		end = c->p;
		mr_cur_fws(c);
		if (c->p == c->end || *c->p == ';' || *c->p == '(' || at_name_and_equals(*c))
			return mr_span(start, (size_t)(end - start));
	}
}

bool mr_params_next(struct mr_cur *c, struct mr_param *param_out)
{
	struct mr_param param;

	for (;;) {
		cfws(c);
		if (c->p == c->end)
			return false;
		param.name = param_name(c);
		cfws(c);
		if (param.name.len > 0 && mr_cur_byte(c, '='))
			break;
		/* No parameter: a word is behind us; else it is one octet that is out of place. */
		if (param.name.len == 0 && mr_cur_byte(c, '"'))
			quoted(c);
		else if (param.name.len == 0)
			mr_cur_skip(c, 1);
	}
	cfws(c);
	param.quoted = mr_cur_byte(c, '"');
	param.value = param.quoted ? quoted(c) : unquoted(c);
	*param_out = param;
	return true;
}

int mr_param_value(const struct mr_param *param, struct mr_arena *arena, struct mr_span *value_out)
{
	struct mr_span in = param->value;
	size_t len = 0;
	char *out;

	for (size_t i = 0; i < in.len; i++)
		len += in.p[i] == '\r' || in.p[i] == '\n' || (in.p[i] == '\\' && param->quoted);
	if (len == 0) {
		*value_out = in;
		return 0;
	}
	out = mr_arena_text(arena, in.len);
	if (!out)
		return MR_ENOMEM;
	len = 0;
	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] == '\\' && param->quoted && i + 1 < in.len)
			i++;
		if (in.p[i] != '\r' && in.p[i] != '\n')
			out[len++] = in.p[i];
	}
	*value_out = mr_span(out, len);
	return 0;
}

/* -- RFC 2231 ------------------------------------------------------------------------------------ */

enum form {
	FORM_OTHER,
	FORM_PLAIN, /* name */
	FORM_EXTENDED, /* name*: percent-encoded, with a charset */
	FORM_SERIES, /* name*0, name*0* */
};

#define UTF8_GROWTH_MAX 4 /* octets that one octet of any charset becomes */
#define NUMBER_MAX      99999 /* of a segment; a Content-Type of 64 KiB cannot hold so many */

struct segment {
	bool there, extended;
	struct mr_span value;
};

/* What param is to name; for a series, its number. */
static enum form form_of(const struct mr_param *param, struct mr_span name, size_t *number_out,
			 bool *extended_out)
{
	struct mr_span rest;
	uint64_t number;

	if (!mr_span_has_prefix_nocase(param->name, name))
		return FORM_OTHER;
	rest = mr_span_sub(param->name, name.len, SIZE_MAX);
	if (rest.len == 0)
		return FORM_PLAIN;
	if (rest.p[0] != '*')
		return FORM_OTHER;
	rest = mr_span_sub(rest, 1, SIZE_MAX);
	if (rest.len == 0)
		return FORM_EXTENDED;
	*extended_out = rest.p[rest.len - 1] == '*';
	rest.len -= *extended_out;
	if (mr_span_u64(rest, NUMBER_MAX, &number) < 0)
		return FORM_OTHER;
	*number_out = (size_t)number;
	return FORM_SERIES;
}

/* The octet that the %XX at offset at stands for, or -1: no such thing is there. */
static int percent_value(struct mr_span in, size_t at)
{
	int high, low;

	if (in.p[at] != '%' || in.len - at < 3)
		return -1;
	high = mr_hex_value(in.p[at + 1]);
	low = mr_hex_value(in.p[at + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Undo %XX; a "%" before anything else stands for itself. */
static int percent_decode(struct mr_span in, struct mr_arena *arena, struct mr_span *out)
{
	char *p = mr_arena_text(arena, in.len);
	size_t len = 0;

	if (!p)
		return MR_ENOMEM;
	for (size_t i = 0; i < in.len; i++) {
		int octet = percent_value(in, i);

		p[len++] = octet < 0 ? in.p[i] : (char)octet;
		i += octet < 0 ? 0 : 2;
	}
	*out = mr_span(p, len);
	return 0;
}

/* RFC 2231 4: charset "'" language "'" text. Without both quotes all is text. */
static void charset_split(struct mr_span *text_inout, struct mr_span *charset_out)
{
	struct mr_span charset, rest, language;

	if (mr_span_split(*text_inout, '\'', &charset, &rest) &&
	    mr_span_split(rest, '\'', &language, &rest)) {
		*charset_out = charset;
		*text_inout = rest;
	}
}

/* Fill the segments 0 to count - 1 of the series; the first of two with one number counts. */
static int segments_fill(struct mr_span params, struct mr_span name, struct mr_arena *arena,
			 struct segment *segment, size_t count)
{
	struct mr_cur c = mr_cur(params);
	struct mr_param param;
	size_t number;
	bool extended;
	int err;

	while (mr_params_next(&c, &param)) {
		if (form_of(&param, name, &number, &extended) != FORM_SERIES || number >= count ||
		    segment[number].there)
			continue;
		err = mr_param_value(&param, arena, &segment[number].value);
		if (err < 0)
			return err;
		segment[number].there = true;
		segment[number].extended = extended;
	}
	return 0;
}

/* Join a series of which count segments were seen, so that those beyond count lie behind a gap. */
static int series_join(struct mr_span params, struct mr_span name, size_t count,
		       struct mr_arena *arena, struct mr_span *bytes_out,
		       struct mr_span *charset_out)
{
	struct segment *segment = mr_arena_array(arena, count, sizeof(*segment));
	size_t len = 0, used = 0;
	char *out;
	int err;

	if (!segment)
		return MR_ENOMEM;
	err = segments_fill(params, name, arena, segment, count);
	if (err < 0)
		return err;
	if (segment[0].extended)
		charset_split(&segment[0].value, charset_out);
	for (; used < count && segment[used].there; used++) {
		struct mr_span *value = &segment[used].value;

		if (segment[used].extended && (err = percent_decode(*value, arena, value)) < 0)
			return err;
		len += value->len;
	}
	if (used == 0)
		return MR_ENOENT;
	out = mr_arena_text(arena, len);
	if (!out)
		return MR_ENOMEM;
	*bytes_out = mr_span(out, len);
	for (size_t i = 0; i < used; i++) {
		if (segment[i].value.len > 0)
			memcpy(out, segment[i].value.p, segment[i].value.len);
		out += segment[i].value.len;
	}
	return 0;
}

/* The bytes of a parameter, their charset ("" is none), and whether RFC 2231's form was used. */
static int find(struct mr_span params, struct mr_span name, struct mr_arena *arena,
		struct mr_span *bytes_out, struct mr_span *charset_out, bool *rfc2231_out)
{
	struct mr_param param, plain = { .name = { NULL, 0 } }, extended = { .name = { NULL, 0 } };
	struct mr_cur c = mr_cur(params);
	size_t series_count = 0, number;
	bool is_extended;
	int err;

	while (mr_params_next(&c, &param)) {
		enum form form = form_of(&param, name, &number, &is_extended);

		if (form == FORM_PLAIN && !plain.name.p)
			plain = param;
		else if (form == FORM_EXTENDED && !extended.name.p)
			extended = param;
		series_count += form == FORM_SERIES;
	}
	*rfc2231_out = true;
	if (extended.name.p) {
		if ((err = mr_param_value(&extended, arena, bytes_out)) < 0)
			return err;
		charset_split(bytes_out, charset_out);
		return percent_decode(*bytes_out, arena, bytes_out);
	}
	if (series_count > 0) {
		err = series_join(params, name, series_count, arena, bytes_out, charset_out);
		if (err != MR_ENOENT)
			return err;
	}
	*rfc2231_out = false;
	return plain.name.p ? mr_param_value(&plain, arena, bytes_out) : MR_ENOENT;
}

int mr_params_get(struct mr_span params, struct mr_span name, struct mr_arena *arena,
		  struct mr_span *utf8_out)
{
	struct mr_span bytes, charset = MR_SPAN("");
	bool rfc2231;
	int err = find(params, name, arena, &bytes, &charset, &rfc2231);
	size_t size_max;

	if (err < 0)
		return err;
	size_max = UTF8_GROWTH_MAX * bytes.len;
	/* RFC 2047 5 (3) forbids words in parameters; many programs write them all the same. */
	if (!rfc2231 && mr_span_search(bytes, MR_SPAN("=?")) < bytes.len)
		return mr_words_decode(bytes, size_max, arena, utf8_out);
	return mr_charset_to_utf8(charset, bytes, size_max, arena, utf8_out);
}

/* -- boundaries ---------------------------------------------------------------------------------- */

struct fixed {
	char *p;
	size_t len, size;
	bool cut;
};

/* Append the value of param: folds and backslashes undone, and %XX if it is extended. */
static void fixed_add(struct fixed *f, const struct mr_param *param, bool extended)
{
	struct mr_span in = param->value;

	for (size_t i = 0; i < in.len; i++) {
		char octet = in.p[i];

		if (octet == '\\' && param->quoted && i + 1 < in.len) {
			octet = in.p[++i];
		} else if (extended && percent_value(in, i) >= 0) {
			octet = (char)percent_value(in, i);
			i += 2;
		}
		if (octet == '\r' || octet == '\n')
			continue;
		if (f->len == f->size) {
			f->cut = true;
			return;
		}
		f->p[f->len++] = octet;
	}
}

/* The value stands as it is: nothing in it is undone. */
static bool in_one_piece(const struct mr_param *param)
{
	struct mr_span v = param->value;

	return mr_span_find(v, '\n') == v.len && mr_span_find(v, '\\') == v.len;
}

struct mr_span mr_params_boundary(struct mr_span params, char *buf, size_t size, bool *cut_out)
{
	struct mr_cur c = mr_cur(params);
	struct fixed series = { .p = buf, .size = size };
	struct mr_span found, charset;
	struct mr_param param;
	size_t number, next = 0;
	bool extended = false, in_charset = false;

	*cut_out = false;
	while (mr_params_next(&c, &param)) {
		enum form form = form_of(&param, MR_SPAN("boundary"), &number, &extended);

		if (form == FORM_PLAIN && next == 0) {
			if (!param.quoted)
				return mr_params_first_word(param.value);
			if (in_one_piece(&param))
				return param.value;
			fixed_add(&series, &param, false);
			break;
		}
		if (form == FORM_EXTENDED)
			number = 0;
		else if (form != FORM_SERIES || number != next)
			continue;
		in_charset |= number == 0 && (form == FORM_EXTENDED || extended);
		fixed_add(&series, &param, form == FORM_EXTENDED || extended);
		next++;
	}
	*cut_out = series.cut;
	found = mr_span(buf, series.cut ? 0 : series.len);
	if (in_charset)
		charset_split(&found, &charset);
	return found;
}
