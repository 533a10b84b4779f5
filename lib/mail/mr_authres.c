#include "lib/mail/mr_authres.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_cfws.h"

/* RFC 5321 4.1.2: Keyword = Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig. Empty: there is none. */
static struct mr_span keyword(struct mr_cur *c)
{
	struct mr_cur at = *c;
	struct mr_span word = mr_cur_take(&at, MR_ALNUM | MR_HYPHEN);

	if (word.len == 0 || word.p[word.len - 1] == '-')
		return mr_span(c->p, 0);
	*c = at;
	return word;
}

/* 1*DIGIT */
static int version_number(struct mr_cur *c, uint32_t *version_out)
{
	uint64_t number;
	int err = mr_span_u64(mr_cur_take(c, MR_DIGIT), MR_AUTHRES_VERSION_MAX, &number);

	if (err < 0)
		return err;
	*version_out = (uint32_t)number;
	return 0;
}

/* RFC 5322 3.2.4: what stands between quotes. Control characters are known to be absent. */
static bool quoted_string(struct mr_cur *c, struct mr_span *inside_out)
{
	struct mr_cur at = *c;

	if (!mr_cur_byte(&at, '"'))
		return false;
	while (at.p < at.end && *at.p != '"')
		mr_cur_skip(&at, *at.p == '\\' ? 2 : 1);
	*inside_out = mr_span(c->p + 1, (size_t)(at.p - c->p) - 1);
	if (!mr_cur_byte(&at, '"'))
		return false;
	*c = at;
	return true;
}

/*
 * A value without quotes. The grammar has a token or an address here; what is neither but cannot be
 * taken for anything else is let through (DEVIATIONS: IPv6 addresses, base64). An "=" is part of a
 * local part or ends base64; elsewhere a value is missing, and this is the next property.
 */
static struct mr_span unquoted(struct mr_cur *c)
{
	const char *start = c->p;
	struct mr_span word, tail;

	while (c->p < c->end && !mr_is(*c->p, MR_FWS | MR_CTL) && *c->p != ';' && *c->p != '(' &&
	       *c->p != ')' && *c->p != '"' && *c->p != '\\' && *c->p != ',')
		c->p++;
	word = mr_span(start, (size_t)(c->p - start));
	tail = mr_span_sub(word, mr_span_find(word, '='), word.len);
	if (mr_span_find(tail, '@') < tail.len)
		return word;
	while (tail.len > 0 && tail.p[tail.len - 1] == '=')
		tail.len--;
	return tail.len == 0 ? word : mr_span(start, 0);
}

/* RFC 8601 2.2: pvalue, without CFWS around it. MR_ESYNTAX: there is none. */
static int take_value(struct mr_cur *c, struct mr_authres_value *value_out)
{
	const char *start = c->p;
	struct mr_authres_value value = { .quoted = mr_cur_peek(c, 0) == '"' };

	if (!value.quoted) {
		value.raw = unquoted(c);
		if (value.raw.len == 0)
			return MR_ESYNTAX;
	} else if (!quoted_string(c, &value.raw)) {
		return MR_ESYNTAX;
	} else if (mr_cur_peek(c, 0) == '@') { /* "a b"@example.org */
		if (unquoted(c).len < 2)
			return MR_ESYNTAX;
		value = (struct mr_authres_value){ mr_span(start, (size_t)(c->p - start)), false };
	}
	*value_out = value;
	return 0;
}

/* methodspec = [CFWS] method [ [CFWS] "/" [CFWS] method-version ] [CFWS] "=" [CFWS] result; the
 * method itself is behind the cursor. */
static int methodspec(struct mr_cur *c, struct mr_authres_result *r)
{
	int err;

	r->version = 1;
	if (mr_cur_byte(mr_cfws(c), '/') && (err = version_number(mr_cfws(c), &r->version)) < 0)
		return err;
	if (!mr_cur_byte(mr_cfws(c), '='))
		return MR_ESYNTAX;
	r->result = keyword(mr_cfws(c));
	return r->result.len > 0 ? 0 : MR_ESYNTAX;
}

/* propspec = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue; ptype is behind the cursor. */
static int propspec(struct mr_cur *c, struct mr_span ptype, struct mr_authres *ar)
{
	struct mr_authres_prop prop = { .ptype = ptype };
	int err;

	if (!mr_cur_byte(mr_cfws(c), '.'))
		return MR_ESYNTAX;
	prop.property = keyword(mr_cfws(c));
	if (prop.property.len == 0 || !mr_cur_byte(mr_cfws(c), '='))
		return MR_ESYNTAX;
	if ((err = take_value(mr_cfws(c), &prop.value)) < 0)
		return err;
	if (ar->prop_count == MR_AUTHRES_PROPS_MAX)
		return MR_ELIMIT;
	ar->prop[ar->prop_count++] = prop;
	return 0;
}

/* resinfo = [CFWS] ";" methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]; the method is behind the
 * cursor. */
static int resinfo(struct mr_cur *c, struct mr_span method, struct mr_authres *ar)
{
	struct mr_authres_result r = { .method = method, .prop_first = ar->prop_count };
	struct mr_span word;
	int err = methodspec(c, &r);

	if (err < 0)
		return err;
	for (bool first = true; (word = keyword(mr_cfws(c))).len > 0; first = false) {
		if (first && mr_span_eq_nocase(word, MR_SPAN("reason")) &&
		    mr_cur_byte(mr_cfws(c), '='))
			err = take_value(mr_cfws(c), &r.reason);
		else
			err = propspec(c, word, ar);
		if (err < 0)
			return err;
	}
	if (ar->result_count == MR_AUTHRES_RESULTS_MAX)
		return MR_ELIMIT;
	r.prop_count = ar->prop_count - r.prop_first;
	ar->result[ar->result_count++] = r;
	return 0;
}

/* ( no-result / 1*resinfo ) [CFWS] */
static int results(struct mr_cur *c, struct mr_authres *ar)
{
	struct mr_span word;
	int err = MR_ESYNTAX;

	while (mr_cur_byte(mr_cfws(c), ';')) {
		word = keyword(mr_cfws(c));
		if (word.len == 0)
			return MR_ESYNTAX;
		mr_cfws(c);
		/* no-result = [CFWS] ";" [CFWS] "none" */
		if (ar->result_count == 0 && c->p == c->end)
			return mr_span_eq_nocase(word, MR_SPAN("none")) ? 0 : MR_ESYNTAX;
		if ((err = resinfo(c, word, ar)) < 0)
			return err;
	}
	return err < 0 || c->p == c->end ? err : MR_ESYNTAX;
}

int mr_authres_parse_id(struct mr_span value, struct mr_authres_value *id_out)
{
	struct mr_cur c = mr_cur(value);

	return take_value(mr_cfws(&c), id_out);
}

/* authres-payload = [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo ) */
int mr_authres_parse(struct mr_span value, struct mr_authres *ar_out)
{
	struct mr_authres ar;
	struct mr_cur c = mr_cur(value);
	int err;

	if (value.len > MR_AUTHRES_SIZE_MAX)
		return MR_ELIMIT;
	for (size_t i = 0; i < value.len; i++) {
		if (mr_is(value.p[i], MR_CTL))
			return MR_ESYNTAX;
	}
	ar.version = 1;
	ar.result_count = ar.prop_count = 0;
	if ((err = take_value(mr_cfws(&c), &ar.id)) < 0)
		return err;
	if (mr_span_starts(mr_cur_rest(mr_cfws(&c)), MR_DIGIT) &&
	    (err = version_number(&c, &ar.version)) < 0)
		return err;
	if ((err = results(&c, &ar)) < 0)
		return err;
	*ar_out = ar;
	return 0;
}

/*
 * The octet of value at *at, what is undone being undone, and *at behind it; -1 at the end. A fold
 * may also be in an address whose local part is quoted.
 */
static int octet(const struct mr_authres_value *value, size_t *at)
{
	struct mr_span raw = value->raw;
	bool pair = false;

	for (; *at < raw.len; ++*at) {
		if (raw.p[*at] == '\\' && value->quoted && !pair)
			pair = true;
		else if (!mr_is(raw.p[*at], MR_CRLF))
			break;
	}
	return *at < raw.len ? (uint8_t)raw.p[(*at)++] : -1;
}

bool mr_authres_is(const struct mr_authres_value *value, struct mr_span text)
{
	size_t at = 0;
	int next;

	for (size_t i = 0; i < text.len; i++) {
		if ((next = octet(value, &at)) < 0 || mr_lower((char)next) != mr_lower(text.p[i]))
			return false;
	}
	return octet(value, &at) < 0;
}

int mr_authres_text(const struct mr_authres_value *value, char *buf, size_t size,
		    struct mr_span *text_out)
{
	struct mr_span raw = value->raw;
	size_t at = 0, len = 0;
	int next;

	if ((!value->quoted || mr_span_find(raw, '\\') == raw.len) &&
	    mr_span_find(raw, '\r') == raw.len && mr_span_find(raw, '\n') == raw.len) {
		*text_out = raw;
		return 0;
	}
	while ((next = octet(value, &at)) >= 0) {
		if (len == size)
			return MR_ELIMIT;
		buf[len++] = (char)next;
	}
	*text_out = mr_span(buf, len);
	return 0;
}

const struct mr_authres_prop *mr_authres_prop(const struct mr_authres *ar,
					      const struct mr_authres_result *result,
					      struct mr_span ptype, struct mr_span property)
{
	for (uint32_t i = 0; i < result->prop_count; i++) {
		const struct mr_authres_prop *prop = &ar->prop[result->prop_first + i];

		if (mr_span_eq_nocase(prop->ptype, ptype) &&
		    mr_span_eq_nocase(prop->property, property))
			return prop;
	}
	return NULL;
}
