#include "lib/mail/mr_addr.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_buf.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_cfws.h"
#include "lib/mail/mr_words.h"

/*
 * The text is read once, token by token. Until its end an address may turn out to be a group's
 * name, or a display name in front of "<", so what was read is kept in both readings: as words of
 * a name, and as local part and domain. An error of these buffers is looked at when it is emitted.
 */
struct parser {
	struct mr_cur c;
	struct mr_arena *arena;
	struct mr_addr *addr;
	size_t count, room, count_max;

	struct mr_buf name; /* all words; still encoded */
	struct mr_buf local; /* the last of them: words joined by dots */
	struct mr_buf domain; /* behind "@" */
	size_t phrase_len; /* of name: the words in front of local */
	struct mr_span comment; /* the last one, without its outer parentheses */
	bool has_local, has_domain; /* has_domain: "@" was seen */
	bool in_angle, has_angle; /* inside "<>"; "<" was seen */
	bool blank; /* white space since the last token */
	bool dot; /* the last word ended in a dot */
	bool no_comment, no_quoted; /* no more of them: one was seen not to end */
};

static void forget(struct parser *p)
{
	mr_buf_reset(&p->name);
	mr_buf_reset(&p->local);
	mr_buf_reset(&p->domain);
	p->phrase_len = 0;
	p->comment = mr_span("", 0);
	p->has_local = p->has_domain = p->in_angle = p->has_angle = p->blank = p->dot = false;
}

static struct mr_cur *skip_octet(struct mr_cur *c)
{
	mr_cur_skip(c, 1);
	return c;
}

/* RFC 5322 3.2.2: CFWS. In a comment that does not end the parenthesis means nothing, and nor do
 * those behind it: so the rest is read twice at most. */
static void skip_cfws(struct parser *p)
{
	for (;;) {
		const char *from = p->c.p;

		if (mr_cur_fws(&p->c)->p > from)
			p->blank = true;
		if (mr_cur_peek(&p->c, 0) != '(' || p->no_comment)
			return;
		p->no_comment = !mr_cfws_comment(&p->c, &p->comment);
	}
}

/* Without backslashes (RFC 5322 3.2.1: quoted-pair) and line endings (2.2.3: unfolding). */
static void add_unquoted(struct mr_buf *out, struct mr_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\\' && i + 1 < s.len)
			i++;
		if (!mr_is(s.p[i], MR_CRLF))
			mr_buf_addc(out, s.p[i]);
	}
}

/* RFC 5322 3.2.4: quoted-string, what is between the quotes. One that does not end is
 * none, as for comments. */
static bool take_quoted(struct parser *p, struct mr_span *content_out)
{
	struct mr_cur c = p->c;
	const char *from = skip_octet(&c)->p;

	if (p->no_quoted)
		return false;
	while (c.p < c.end && *c.p != '"')
		mr_cur_skip(&c, *c.p == '\\' ? 2 : 1);
	p->no_quoted = c.p == c.end;
	if (p->no_quoted)
		return false;
	*content_out = mr_span(from, (size_t)(c.p - from));
	p->c = c;
	skip_octet(&p->c);
	return true;
}

/* RFC 5322 3.2.3, 4.1: atoms and dots; an encoded word is one whatever is in it (RFC 2047 5 (3)
 * allows less, but mailers write "=?utf-8?Q?Doe,_Ann?= <a@b>"). Empty: there is none. */
static struct mr_span take_atoms(struct mr_cur *c)
{
	const char *from = c->p;

	while (c->p < c->end && mr_is(*c->p, MR_ATEXT | MR_DOT)) {
		size_t word = *c->p == '=' ? mr_words_len(mr_cur_rest(c)) : 0;

		mr_cur_skip(c, word > 0 ? word : 1);
	}
	return mr_span(from, (size_t)(c->p - from));
}

/* A word that was too long keeps what came first: nothing follows a gap. */
static void add_name(struct parser *p, struct mr_span s, bool quoted)
{
	if (mr_buf_err(&p->name) < 0)
		return;
	if (quoted)
		add_unquoted(&p->name, s);
	else
		mr_buf_add(&p->name, s);
}

/* RFC 5322 4.4: obs-local-part = word *("." word), with CFWS between; 4.1: obs-phrase. So a word
 * goes on with the last one if a dot is between them, else it begins a new local part. */
static void on_word(struct parser *p, struct mr_span s, bool quoted)
{
	bool dotted = p->dot || (!quoted && s.p[0] == '.');

	if (p->has_angle && !p->in_angle)
		return;
	if (p->has_domain) { /* behind an address: a name's, if "<" follows */
		if (p->blank)
			add_name(p, MR_SPAN(" "), false);
		add_name(p, s, quoted);
		p->blank = false;
		return;
	}
	if (!p->has_local || !dotted) {
		mr_buf_reset(&p->local);
		p->phrase_len = p->name.len;
	}
	if (p->blank && p->name.len > 0)
		add_name(p, MR_SPAN(" "), false);
	add_name(p, s, quoted);
	if (quoted)
		add_unquoted(&p->local, s);
	else
		mr_buf_add(&p->local, s);
	p->has_local = true;
	p->blank = false;
	p->dot = !quoted && s.p[s.len - 1] == '.';
}

/* The word that begins at the cursor, if one does. */
static bool take_word(struct parser *p)
{
	struct mr_span word;
	bool quoted = mr_cur_peek(&p->c, 0) == '"';

	if (quoted && !take_quoted(p, &word))
		return false;
	if (!quoted)
		word = take_atoms(&p->c);
	if (!quoted && word.len == 0)
		return false;
	on_word(p, word, quoted);
	return true;
}

/* RFC 5322 3.4.1: domain-literal, without its blanks. One that does not end takes the rest. */
static void take_literal(struct parser *p)
{
	struct mr_cur c = mr_cur(mr_cur_until(&p->c, ']'));

	for (; c.p < c.end; c.p++) {
		if (!mr_is(*c.p, MR_FWS))
			mr_buf_addc(&p->domain, *c.p);
	}
	mr_buf_addc(&p->domain, ']');
	mr_cur_skip(&p->c, 1);
}

/* RFC 5322 3.4.1, 4.4: domain; atoms and dots, CFWS beside the dots. Behind "@". */
static void take_domain(struct parser *p)
{
	bool dot = true;

	mr_buf_reset(&p->domain);
	skip_cfws(p);
	if (mr_cur_peek(&p->c, 0) == '[') {
		take_literal(p);
		return;
	}
	while (dot || mr_cur_peek(&p->c, 0) == '.') {
		struct mr_span atoms = take_atoms(&p->c);

		if (atoms.len == 0)
			return;
		mr_buf_add(&p->domain, atoms);
		dot = atoms.p[atoms.len - 1] == '.';
		skip_cfws(p);
	}
}

/* "@" outside of "<>": what stands in front is a local part; or all this is yet a name. */
static void on_at(struct parser *p)
{
	bool first = p->has_local && !p->has_domain;

	mr_cur_skip(&p->c, 1);
	if (p->has_angle)
		return;
	p->has_domain = true;
	add_name(p, MR_SPAN("@"), false);
	p->blank = false;
	if (first) { /* else a route, or nonsense */
		take_domain(p);
		add_name(p, mr_buf_span(&p->domain), false);
	}
}

/* RFC 5322 4.4: obs-route = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":", or, as web pages
 * have it, "mailto:". What stands in front of a colon is no part of the address. */
static void on_angle(struct parser *p)
{
	size_t name_len = p->name.len;

	mr_cur_skip(&p->c, 1);
	mr_buf_reset(&p->local);
	mr_buf_reset(&p->domain);
	p->has_local = p->has_domain = p->dot = false;
	p->in_angle = p->has_angle = true;
	for (;;) {
		int next;

		skip_cfws(p);
		next = mr_cur_peek(&p->c, 0);
		if (next < 0 || next == '>' || next == '<' || (next == ',' && p->has_local))
			break;
		if (next == ':' && !p->has_domain) {
			p->has_local = p->dot = false;
			mr_buf_reset(&p->domain);
			mr_cur_skip(&p->c, 1);
		} else if (next == '@' && !p->has_domain) {
			mr_cur_skip(&p->c, 1);
			p->has_domain = p->has_local;
			take_domain(p);
		} else if (p->has_domain || !take_word(p)) {
			mr_cur_skip(&p->c, 1);
		}
	}
	mr_cur_byte(&p->c, '>');
	p->in_angle = false;
	mr_buf_cut(&p->name, name_len);
	p->comment = mr_span("", 0);
}

/* What was read is an address: a local part with a domain, or one word alone. */
static bool is_addr(const struct parser *p)
{
	if (!p->has_local || mr_buf_err(&p->local) < 0 || mr_buf_err(&p->domain) < 0)
		return false;
	if (p->has_angle || p->domain.len > 0)
		return p->local.len > 0 || p->domain.len > 0;
	return !p->has_domain && p->phrase_len == 0 && p->local.len > 0;
}

/* RFC 5322 3.4: display-name; or, from before it, the comment behind a bare address. */
static int name_decode(struct parser *p, struct mr_span *name_out)
{
	struct mr_span words = mr_buf_span(&p->name);
	int err;

	if (!p->has_angle)
		words = mr_span_sub(words, 0, p->phrase_len);
	if (words.len == 0 && p->comment.len > 0) {
		mr_buf_reset(&p->name);
		add_name(p, mr_span_sub(p->comment, 0, MR_ADDR_NAME_MAX), true);
		words = mr_buf_span(&p->name);
	}
	err = mr_buf_err(&p->name) == MR_ENOMEM ? MR_ENOMEM : 0;
	return err < 0 ? err : mr_words_decode(words, MR_ADDR_NAME_MAX, p->arena, name_out);
}

/* An address ends here: keep it if it is one, and begin the next. */
static int emit(struct parser *p)
{
	struct mr_addr addr;
	int err = 0;

	if (mr_buf_err(&p->local) == MR_ENOMEM || mr_buf_err(&p->domain) == MR_ENOMEM)
		return MR_ENOMEM;
	if (is_addr(p)) {
		if ((err = name_decode(p, &addr.name)) < 0 ||
		    (err = mr_arena_dup(p->arena, mr_buf_span(&p->local), &addr.local)) < 0 ||
		    (err = mr_arena_dup(p->arena, mr_buf_span(&p->domain), &addr.domain)) < 0 ||
		    (err = mr_arena_grow(p->arena, &p->addr, &p->room, p->count + 1,
					 sizeof(*p->addr))) < 0)
			return err;
		p->addr[p->count++] = addr;
	}
	forget(p);
	return err;
}

/* RFC 5322 3.4: address-list, one token of it. */
static int token(struct parser *p)
{
	int err = 0;

	if (take_word(p))
		return 0;
	switch (mr_cur_peek(&p->c, 0)) {
	case '<':
		if (p->has_angle) /* a comma is missing */
			err = emit(p);
		if (err == 0)
			on_angle(p);
		return err;
	case '@':
		on_at(p);
		return 0;
	case ':': /* a group: its name is forgotten, its members follow; 3.4: not nested */
		mr_cur_skip(&p->c, 1);
		if (!p->has_angle)
			forget(p);
		return 0;
	case ',':
	case ';':
		mr_cur_skip(&p->c, 1);
		return emit(p);
	default: /* no token of an address */
		mr_cur_skip(&p->c, 1);
		return 0;
	}
}

int mr_addr_parse(struct mr_span value, size_t count_max, struct mr_arena *arena,
		  const struct mr_addr **addrs_out)
{
	struct parser p = { .c = mr_cur(value), .arena = arena, .count_max = count_max };
	int err = 0;

	mr_buf_init(&p.name, 2 * MR_ADDR_NAME_MAX);
	mr_buf_init(&p.local, MR_ADDR_LOCAL_MAX);
	mr_buf_init(&p.domain, MR_ADDR_DOMAIN_MAX);
	forget(&p);
	while (err == 0 && p.count < count_max) {
		skip_cfws(&p);
		if (mr_cur_left(&p.c) == 0) {
			err = emit(&p);
			break;
		}
		err = token(&p);
	}
	mr_buf_done(&p.name);
	mr_buf_done(&p.local);
	mr_buf_done(&p.domain);
	if (err < 0)
		return err;
	*addrs_out = p.addr;
	return (int)p.count;
}

/* RFC 5322 3.2.3: dot-atom-text */
static bool is_dot_atom(struct mr_span s)
{
	bool dot = true;

	for (size_t i = 0; i < s.len; i++) {
		if (!mr_is(s.p[i], MR_ATEXT) && (s.p[i] != '.' || dot))
			return false;
		dot = s.p[i] == '.';
	}
	return !dot;
}

int mr_addr_text(const struct mr_addr *addr, struct mr_arena *arena, struct mr_span *text_out)
{
	struct mr_span local = addr->local;
	MR_AUTO_BUF out = MR_BUF(SIZE_MAX);

	/* In quotes nothing begins an encoded word, which the domain might seem to end. */
	if (is_dot_atom(local) && mr_span_search(local, MR_SPAN("=?")) == local.len) {
		mr_buf_add(&out, local);
	} else { /* RFC 5321 4.1.2: Quoted-string */
		mr_buf_addc(&out, '"');
		for (size_t i = 0; i < local.len; i++) {
			if (local.p[i] == '"' || local.p[i] == '\\')
				mr_buf_addc(&out, '\\');
			mr_buf_addc(&out, local.p[i]);
		}
		mr_buf_addc(&out, '"');
	}
	if (addr->domain.len > 0) {
		mr_buf_addc(&out, '@');
		mr_buf_add(&out, addr->domain);
	}
	if (mr_buf_err(&out) < 0)
		return MR_ENOMEM;
	return mr_arena_dup(arena, mr_buf_span(&out), text_out);
}
