#include "lib/mail/mr_url.h"

#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"

#define SCHEME_MAX 32
#define PORT_MAX   65535

/* RFC 3986 3.1: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static bool is_scheme(char c)
{
	return mr_is(c, MR_ALNUM | MR_HYPHEN | MR_DOT) || c == '+';
}

/* URL 3.1: the schemes in which "\" is a slash and any number of slashes will do. "file" is one,
 * too, but names no host that matters. */
static bool is_special(struct mr_span scheme)
{
	static const struct mr_span names[] = { MR_SPAN("http"), MR_SPAN("https"), MR_SPAN("ftp"),
						MR_SPAN("ws"), MR_SPAN("wss") };

	return mr_span_among_nocase(scheme, names, MR_COUNT(names));
}

static bool is_slash(int c, bool special)
{
	return c == '/' || (special && c == '\\');
}

static void skip_slashes(struct mr_cur *c)
{
	while (c->p < c->end && is_slash(*c->p, true))
		c->p++;
}

/* Behind the host: what begins with "/", "?", "#", or nothing. */
static void split_tail(struct mr_span tail, struct mr_url *url)
{
	mr_span_split(tail, '#', &tail, &url->fragment);
	mr_span_split(tail, '?', &url->path, &url->query);
}

/* The last "@" of s divides: that is how "http://bank.example@evil.example" deceives. */
static struct mr_span split_userinfo(struct mr_span s, struct mr_url *url)
{
	size_t at = mr_span_rfind(s, '@');

	if (at == s.len)
		return s;
	url->userinfo = mr_span_sub(s, 0, at);
	return mr_span_sub(s, at + 1, s.len);
}

/* -- one URL -- */

/* URL 4.4: tab, CR and LF are nothing, wherever they stand. */
static int without_breaks(struct mr_span s, struct mr_arena *arena, struct mr_span *clean_out)
{
	size_t len = 0;
	char *text;

	*clean_out = s;
	if (mr_span_find(s, '\t') == s.len && mr_span_find(s, '\n') == s.len &&
	    mr_span_find(s, '\r') == s.len)
		return 0;
	text = mr_arena_text(arena, s.len);
	if (!text)
		return MR_ENOMEM;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r')
			text[len++] = s.p[i];
	*clean_out = mr_span(text, len);
	return 0;
}

/* URL 4.4: C0 controls and spaces around it are nothing. */
static struct mr_span trim_controls(struct mr_span s)
{
	while (s.len > 0 && (uint8_t)s.p[0] <= ' ')
		s = mr_span_sub(s, 1, s.len);
	while (s.len > 0 && (uint8_t)s.p[s.len - 1] <= ' ')
		s.len--;
	return s;
}

static struct mr_span take_scheme(struct mr_cur *c)
{
	struct mr_cur at = *c;
	struct mr_span scheme;

	while (at.p < at.end && is_scheme(*at.p))
		at.p++;
	scheme = mr_span(c->p, (size_t)(at.p - c->p));
	if (!mr_span_starts(scheme, MR_ALPHA) || !mr_cur_byte(&at, ':'))
		return mr_span(c->p, 0);
	*c = at;
	return scheme;
}

/* URL 4.4, authority, host and port state: up to the path */
static int take_authority(struct mr_cur *c, bool special, struct mr_url *url)
{
	const char *start = c->p;
	struct mr_span s;
	uint64_t port;
	size_t host_len;

	while (c->p < c->end && !is_slash(*c->p, special) && *c->p != '?' && *c->p != '#')
		c->p++;
	s = split_userinfo(mr_span(start, (size_t)(c->p - start)), url);
	host_len = 0;
	if (mr_span_has_prefix(s, MR_SPAN("[")))
		host_len = mr_span_find(s, ']');
	host_len += mr_span_find(mr_span_sub(s, host_len, s.len), ':');
	url->host = mr_span_sub(s, 0, host_len);
	if (host_len < s.len)
		url->port = mr_span_sub(s, host_len + 1, s.len);
	if (url->port.len > 0 && mr_span_u64(url->port, PORT_MAX, &port) < 0)
		return MR_ESYNTAX;
	return special && url->host.len == 0 ? MR_ESYNTAX : 0;
}

/* All parts empty, and within the text. */
static struct mr_url empty_url(const char *p)
{
	struct mr_span none = mr_span(p, 0);

	return (struct mr_url){ none, none, none, none, none, none, none, none };
}

int mr_url_parse(struct mr_span s, struct mr_arena *arena, struct mr_url *url_out)
{
	struct mr_url url;
	struct mr_cur c;
	bool special, host = true;
	int err;

	if ((err = without_breaks(trim_controls(s), arena, &s)) < 0)
		return err;
	c = mr_cur(s);
	url = empty_url(c.end);
	url.whole = s;
	url.scheme = take_scheme(&c);
	special = url.scheme.len == 0 || is_special(url.scheme);
	if (url.scheme.len == 0)
		host = (is_slash(mr_cur_peek(&c, 0), true) && is_slash(mr_cur_peek(&c, 1), true)) ||
		       mr_span_has_prefix_nocase(s, MR_SPAN("www."));
	if (!host)
		return MR_ESYNTAX; /* relative */
	if (special)
		skip_slashes(&c);
	else
		host = mr_cur_text(&c, MR_SPAN("//")); /* else "mailto:x", all path */
	if (host && (err = take_authority(&c, special, &url)) < 0)
		return err;
	split_tail(mr_cur_rest(&c), &url);
	*url_out = url;
	return 0;
}

/* -- URLs in text -- */

/*
 * A word is a run of what names are made of. Each is looked at once: is it a scheme, or a name that
 * counts without one? A URL that is accepted is stepped over whole; one that is not costs at most
 * the way to the next slash, before which no other can begin. So the time is linear.
 */

/* Signs in Unicode that end a URL: spaces, quotes, brackets and sentence signs. */
static bool is_stop_code(uint32_t code)
{
	static const struct {
		uint16_t from, to;
	} rows[] = {
		{ 0x0080, 0x00A0 }, { 0x00AB, 0x00AB }, { 0x00BB, 0x00BB }, { 0x2000, 0x200A },
		{ 0x2018, 0x201F }, { 0x2026, 0x2029 }, { 0x2039, 0x203A }, { 0x3000, 0x3003 },
		{ 0x3008, 0x3011 }, { 0xFF01, 0xFF01 }, { 0xFF08, 0xFF09 }, { 0xFF0C, 0xFF0C },
		{ 0xFF1A, 0xFF1B }, { 0xFF1F, 0xFF1F },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++)
		if (code >= rows[i].from && code <= rows[i].to)
			return true;
	return false;
}

/* The character under c, which is not at its end: how many octets, and whether a URL ends there. */
static size_t char_len(const struct mr_cur *c, bool *stop_out)
{
	struct mr_cur at = *c;

	if (!mr_is(*c->p, MR_HIGH)) {
		*stop_out = (uint8_t)*c->p <= ' ' || *c->p == 0x7F ||
			    memchr("\"<>|^`", *c->p, 6) != NULL;
		return 1;
	}
	*stop_out = is_stop_code((uint32_t)mr_utf8_next(&at, NULL));
	return (size_t)(at.p - c->p);
}

/* The run of characters that names are made of; may be empty. */
static struct mr_span take_word(struct mr_cur *c)
{
	const char *start = c->p;

	while (c->p < c->end) {
		bool stop;
		size_t n;

		if (mr_is(*c->p, MR_ALNUM | MR_HYPHEN | MR_DOT | MR_UNDERSCORE)) {
			c->p++;
			continue;
		}
		if (!mr_is(*c->p, MR_HIGH) || (n = char_len(c, &stop), stop))
			break;
		c->p += n;
	}
	return mr_span(start, (size_t)(c->p - start));
}

static bool is_name_edge(char c)
{
	return c == '.' || c == '-' || c == '_';
}

/* A name in a sentence, as in "_www.example.com_.". */
static struct mr_span trim_name(struct mr_span s)
{
	while (s.len > 0 && is_name_edge(s.p[0]))
		s = mr_span_sub(s, 1, s.len);
	while (s.len > 0 && is_name_edge(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* What stands behind the last sentence sign and closing bracket that are not the URL's own. */
static const char *trim_end(const char *start, const char *end)
{
	static const char open[] = "([{", close[] = ")]}";
	long depth[3] = { 0 };

	for (const char *p = start; p < end; p++) {
		for (size_t i = 0; i < MR_COUNT(depth); i++)
			depth[i] += (*p == open[i]) - (*p == close[i]);
	}
	for (; end > start; end--) {
		const char *bracket = memchr(close, end[-1], sizeof(close) - 1);

		if (bracket && depth[bracket - close] < 0)
			depth[bracket - close]++;
		else if (!memchr(".,;:!?'*_~", end[-1], 10))
			break;
	}
	return end;
}

/* "[...]" of what an IPv6 address is written with, or a name; false, and c stays */
static bool take_text_host(struct mr_cur *c, struct mr_url *url)
{
	struct mr_cur at = *c;

	if (mr_cur_byte(&at, '[')) {
		mr_cur_take(&at, MR_HEX | MR_COLON | MR_DOT);
		if (!mr_cur_byte(&at, ']'))
			return false;
		url->host = mr_span(c->p, (size_t)(at.p - c->p));
	} else {
		url->host = take_word(&at);
		while (url->host.len > 0 && is_name_edge(mr_span_end(url->host)[-1]))
			url->host.len--;
		if (url->host.len == 0)
			return false;
		/* What was cut off the end ends the URL, unless it is the root's dot. */
		if (mr_span_end(url->host) < at.p && *mr_span_end(url->host) != '.')
			at.p = mr_span_end(url->host);
	}
	*c = at;
	return true;
}

/* Host, port and what follows, under c, which is left behind the URL. start: where that begins */
static bool take_text_rest(struct mr_cur *c, const char *start, bool special, struct mr_url *url)
{
	const char *end;
	int next;

	if (!take_text_host(c, url))
		return false;
	if (mr_cur_peek(c, 0) == ':') {
		struct mr_cur at = *c;

		mr_cur_skip(&at, 1);
		url->port = mr_cur_take(&at, MR_DIGIT);
		next = mr_cur_peek(&at, 0);
		if (url->port.len > 0 || is_slash(next, special))
			*c = at;
	}
	next = mr_cur_peek(c, 0);
	end = url->port.len > 0 ? mr_span_end(url->port) : mr_span_end(url->host);
	if (is_slash(next, special) || next == '?' || next == '#') {
		const char *tail = c->p;
		bool stop;
		size_t n;

		while (c->p < c->end && (n = char_len(c, &stop), !stop))
			c->p += n;
		c->p = trim_end(tail, c->p);
		if (c->p > tail)
			end = c->p;
		split_tail(mr_span(tail, (size_t)(c->p - tail)), url);
	}
	url->whole = mr_span(start, (size_t)(end - start));
	return true;
}

/* The end of word is a scheme, and "://" and a host follow it. */
static bool take_scheme_url(struct mr_cur *c, struct mr_span word, struct mr_url *url)
{
	struct mr_cur at = *c, host;
	struct mr_span s = word;
	bool special;

	while (s.len > 0 && is_scheme(mr_span_end(s)[-1]))
		s.len--;
	s = mr_span_sub(word, s.len, word.len);
	while (s.len > 0 && !mr_is(s.p[0], MR_ALPHA))
		s = mr_span_sub(s, 1, s.len);
	if (s.len == 0 || s.len > SCHEME_MAX)
		return false;
	special = is_special(s);
	if (mr_cur_peek(&at, 0) != ':' || !is_slash(mr_cur_peek(&at, 1), special) ||
	    !is_slash(mr_cur_peek(&at, 2), special))
		return false;
	mr_cur_skip(&at, 3);
	if (special)
		skip_slashes(&at);
	host = at;
	while (at.p < at.end && !is_slash(*at.p, special) && *at.p != '?' && *at.p != '#') {
		bool stop;
		size_t n = char_len(&at, &stop);

		if (stop)
			break;
		at.p += n;
	}
	*url = empty_url(s.p);
	url->scheme = s;
	host.p = split_userinfo(mr_span(host.p, (size_t)(at.p - host.p)), url).p;
	if (!take_text_rest(&host, s.p, special, url))
		return false;
	*c = host;
	return true;
}

/* "www." where a name begins, perhaps behind letters of a script that needs no spaces. */
static struct mr_span find_www(struct mr_span word)
{
	for (size_t i = 0; i < word.len; i++) {
		struct mr_span name = mr_span_sub(word, i, word.len);

		if ((i == 0 || mr_is(word.p[i - 1], MR_HIGH)) &&
		    mr_span_has_prefix_nocase(name, MR_SPAN("www.")) &&
		    mr_span_find(mr_span_sub(name, 4, name.len), '.') < name.len - 4)
			return name;
	}
	return mr_span(word.p, 0);
}

/* ":80/" or "/" stands under c. */
static bool at_path(const struct mr_cur *c)
{
	struct mr_cur at = *c;

	if (mr_cur_byte(&at, ':') && mr_cur_take(&at, MR_DIGIT).len == 0)
		return false;
	return mr_cur_peek(&at, 0) == '/';
}

/* name ends in a top-level domain, with something before it. */
static bool has_tld(struct mr_span name, const struct mr_psl *psl)
{
	size_t dot = mr_span_rfind(name, '.');

	return dot < name.len && psl && mr_psl_tld(psl, mr_span_sub(name, dot + 1, name.len));
}

/* word is a name that counts without a scheme. */
static bool take_bare_url(struct mr_cur *c, struct mr_span word, const struct mr_psl *psl,
			  struct mr_url *url)
{
	struct mr_span name = trim_name(word), www = find_www(name);
	struct mr_cur at = { www.len > 0 ? www.p : name.p, c->end };

	if (mr_cur_peek(c, 0) == '@')
		return false; /* the user of a mail address */
	/* Only what is sure to be taken may look at the rest: see above. */
	if (www.len == 0 && (mr_span_end(name) != c->p || !at_path(c) || !has_tld(name, psl)))
		return false;
	*url = empty_url(at.p);
	if (!take_text_rest(&at, at.p, true, url))
		return false;
	*c = at;
	return true;
}

bool mr_url_next(struct mr_cur *text, const struct mr_psl *psl, struct mr_url *url_out)
{
	bool at_sign = false;

	while (text->p < text->end) {
		struct mr_span word = take_word(text);
		struct mr_url url;
		bool stop;

		if (word.len == 0) {
			at_sign = *text->p == '@';
			text->p += char_len(text, &stop);
		} else if (at_sign) {
			at_sign = false; /* the domain of a mail address */
		} else if (mr_cur_peek(text, 0) != ':' && mr_span_find(word, '.') == word.len) {
			continue; /* the most of all words: no scheme, no name with a dot */
		} else if (take_scheme_url(text, word, &url) ||
			   take_bare_url(text, word, psl, &url)) {
			*url_out = url;
			return true;
		}
	}
	return false;
}
