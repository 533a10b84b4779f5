#include "lib/net/mr_smtp.h"

#include "lib/base/mr_err.h"

void mr_smtp_command(struct mr_span line, struct mr_span *verb_out, struct mr_span *args_out)
{
	struct mr_span verb, args;

	(void)mr_span_split(line, ' ', &verb, &args);
	*verb_out = verb;
	*args_out = mr_span_trim(args);
}

/* -- paths ------------------------------------------------------------------------------------ */

/* RFC 5321 4.1.2: Quoted-string = DQUOTE *QcontentSMTP DQUOTE, into arena without its quotes. */
static int quoted_string(struct mr_cur *c, struct mr_arena *arena, struct mr_span *text_out)
{
	char *text = mr_arena_text(arena, mr_cur_left(c));
	size_t len = 0;

	if (!text)
		return MR_ENOMEM;
	if (!mr_cur_byte(c, '"'))
		return MR_ESYNTAX;
	while (!mr_cur_byte(c, '"')) {
		if (mr_cur_byte(c, '\\') && mr_cur_peek(c, 0) < 0)
			return MR_ESYNTAX;
		/* quoted-pairSMTP and qtextSMTP alike: 32 to 126, and UTF-8 (RFC 6531 3.3) */
		if (mr_cur_peek(c, 0) < ' ' || mr_cur_peek(c, 0) == 127)
			return MR_ESYNTAX;
		text[len++] = *c->p;
		mr_cur_skip(c, 1);
	}
	*text_out = mr_span(text, len);
	return 0;
}

/* RFC 5321 4.1.2: Local-part = Dot-string / Quoted-string; dots as they come. */
static int local_part(struct mr_cur *c, struct mr_arena *arena, struct mr_span *local_out)
{
	if (mr_cur_peek(c, 0) == '"')
		return quoted_string(c, arena, local_out);
	*local_out = mr_cur_take(c, MR_ATEXT | MR_DOT);
	return local_out->len > 0 ? 0 : MR_ESYNTAX;
}

/* RFC 5321 4.1.2: Domain / address-literal; 4.1.3: dcontent = 33-90 / 94-126 */
static int domain(struct mr_cur *c, struct mr_span *domain_out)
{
	const char *start = c->p;

	if (!mr_cur_byte(c, '[')) {
		*domain_out =
			mr_cur_take(c, MR_ALNUM | MR_HYPHEN | MR_UNDERSCORE | MR_DOT | MR_HIGH);
		return domain_out->len > 0 ? 0 : MR_ESYNTAX;
	}
	while (c->p<c->end && * c->p> ' ' && *c->p < 127 && *c->p != '[' && *c->p != ']' &&
	       *c->p != '\\')
		c->p++;
	if (!mr_cur_byte(c, ']') || c->p - start < 3)
		return MR_ESYNTAX;
	*domain_out = mr_span(start, (size_t)(c->p - start));
	return 0;
}

/* RFC 5321 4.1.2: A-d-l ":", which 3.6.1 and appendix C tell us to ignore. */
static int source_route(struct mr_cur *c)
{
	struct mr_span ignored;
	int err;

	if (mr_cur_peek(c, 0) != '@')
		return 0;
	do {
		if (!mr_cur_byte(c, '@'))
			return MR_ESYNTAX;
		if ((err = domain(c, &ignored)) < 0)
			return err;
	} while (mr_cur_byte(c, ','));
	return mr_cur_byte(c, ':') ? 0 : MR_ESYNTAX;
}

static bool has_high(struct mr_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (mr_is(s.p[i], MR_HIGH))
			return true;
	}
	return false;
}

/* RFC 5321 4.1.2: Mailbox; without "@" too: <Postmaster> (4.5.1), and what local programs write */
static int mailbox(struct mr_cur *c, struct mr_arena *arena, struct mr_smtp_path *path_out)
{
	struct mr_smtp_path path = { .domain = mr_span(c->end, 0) };
	const char *start = c->p;
	int err;

	if ((err = local_part(c, arena, &path.local)) < 0 ||
	    (mr_cur_byte(c, '@') && (err = domain(c, &path.domain)) < 0))
		return err;
	path.text = mr_span(start, (size_t)(c->p - start));
	path.utf8 = has_high(path.text);
	*path_out = path;
	return 0;
}

/* The spans of path lie in the caller's line: make them last as long as arena. */
static int path_keep(struct mr_smtp_path *path, struct mr_arena *arena)
{
	struct mr_smtp_path kept = *path;

	if (mr_arena_dup(arena, path->text, &kept.text) < 0 ||
	    mr_arena_dup(arena, path->local, &kept.local) < 0 ||
	    mr_arena_dup(arena, path->domain, &kept.domain) < 0)
		return MR_ENOMEM;
	*path = kept;
	return 0;
}

int mr_smtp_path(struct mr_cur *c, struct mr_arena *arena, struct mr_smtp_path *path_out)
{
	struct mr_smtp_path path = { .utf8 = false };
	int err;

	if (!mr_cur_byte(c, '<'))
		return MR_ESYNTAX;
	if (mr_cur_byte(c, '>')) {
		path.text = path.local = path.domain = MR_SPAN("");
		*path_out = path;
		return 0;
	}
	if ((err = source_route(c)) < 0 || (err = mailbox(c, arena, &path)) < 0)
		return err;
	if (!mr_cur_byte(c, '>'))
		return MR_ESYNTAX;
	if ((err = path_keep(&path, arena)) < 0)
		return err;
	*path_out = path;
	return 0;
}

static bool is_plain_local(struct mr_span local)
{
	return local.len > 0 && mr_span_only(local, MR_ATEXT | MR_DOT);
}

void mr_smtp_path_put(struct mr_buf *out, struct mr_span local, struct mr_span domain)
{
	bool quoted = !is_plain_local(local);

	if (quoted)
		(void)mr_buf_addc(out, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			(void)mr_buf_addc(out, '\\');
		(void)mr_buf_addc(out, local.p[i]);
	}
	if (quoted)
		(void)mr_buf_addc(out, '"');
	if (domain.len > 0) {
		(void)mr_buf_addc(out, '@');
		(void)mr_buf_add(out, domain);
	}
}

/* What no path can hold, however it is quoted. */
static bool has_control(struct mr_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((uint8_t)s.p[i] < ' ' || s.p[i] == 127)
			return true;
	}
	return false;
}

int mr_smtp_path_from_arg(struct mr_span arg, struct mr_arena *arena, struct mr_smtp_path *path_out)
{
	struct mr_cur c = mr_cur(arg);
	struct mr_smtp_path path = { .text = MR_SPAN(""),
				     .local = MR_SPAN(""),
				     .domain = MR_SPAN("") };
	size_t at = mr_span_rfind(arg, '@');
	MR_AUTO_BUF text = MR_BUF(2 * arg.len + 3); /* each octet escaped, two quotes, "@" */
	int err;

	if (arg.len == 0) {
		*path_out = path;
		return 0;
	}
	if (has_control(arg))
		return MR_ESYNTAX;
	err = mailbox(&c, arena, &path);
	if (err == MR_ENOMEM)
		return err;
	if (err == 0 && c.p == c.end) {
		err = path_keep(&path, arena);
	} else {
		/* Not as a protocol writes it: quote it, and read that. */
		mr_smtp_path_put(&text, mr_span_sub(arg, 0, at), mr_span_sub(arg, at + 1, arg.len));
		if ((err = mr_buf_err(&text)) == 0) {
			c = mr_cur(mr_buf_span(&text));
			err = mailbox(&c, arena, &path);
			if (err == 0 && c.p != c.end)
				err = MR_ESYNTAX;
			if (err == 0)
				err = path_keep(&path, arena);
		}
	}
	if (err == 0)
		*path_out = path;
	return err;
}

/* -- senders ---------------------------------------------------------------------------------- */

/* What may stand in a domain that is none, so that a field's value is one line that ends where it
 * should. */
static bool is_loose_domain(struct mr_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 127 || s.p[i] == '<' || s.p[i] == '>')
			return false;
	}
	return s.len > 0;
}

/*
 * RFC 5321 4.1.2 has no such path, and the MTA took it all the same. We are the last to see it, and use it
 * for Return-Path alone: refused, the mail would bounce to an address that cannot be. Where even the
 * text is unfit for a line, the null sender says that nobody can be answered.
 */
static int odd_sender(struct mr_span text, struct mr_arena *arena, struct mr_smtp_path *path_out)
{
	struct mr_cur c = mr_cur(text);
	struct mr_smtp_path path = { .utf8 = false };
	int err = source_route(&c);

	path.text = mr_cur_rest(&c);
	if (err == 0)
		err = local_part(&c, arena, &path.local);
	if (err == MR_ENOMEM)
		return err;
	if (err == 0 && mr_cur_byte(&c, '@') && is_loose_domain(mr_cur_rest(&c))) {
		path.domain = mr_cur_rest(&c);
		path.utf8 = has_high(path.text);
	} else {
		path.text = path.local = path.domain = MR_SPAN("");
	}
	if ((err = path_keep(&path, arena)) == 0)
		*path_out = path;
	return err;
}

int mr_smtp_sender_from_arg(struct mr_span arg, struct mr_arena *arena,
			    struct mr_smtp_path *path_out)
{
	size_t at = mr_span_rfind(arg, '@');
	MR_AUTO_BUF text = MR_BUF(2 * arg.len + 3);
	int err = mr_smtp_path_from_arg(arg, arena, path_out);

	if (err != MR_ESYNTAX)
		return err;
	if ((err = odd_sender(arg, arena, path_out)) < 0 || path_out->text.len > 0)
		return err;
	mr_smtp_path_put(&text, mr_span_sub(arg, 0, at), mr_span_sub(arg, at + 1, arg.len));
	err = mr_buf_err(&text);
	return err < 0 ? err : odd_sender(mr_buf_span(&text), arena, path_out);
}

/* -- parameters ------------------------------------------------------------------------------- */

/* RFC 5321 4.1.2: esmtp-value = 1*(%d33-60 / %d62-126); RFC 6531 3.3 adds UTF-8 */
static struct mr_span esmtp_value(struct mr_cur *c)
{
	const char *start = c->p;

	while (c->p < c->end && !mr_is(*c->p, MR_CTL | MR_FWS) && *c->p != '=')
		c->p++;
	return mr_span(start, (size_t)(c->p - start));
}

/* RFC 5321 4.1.2: esmtp-param = esmtp-keyword ["=" esmtp-value] */
int mr_smtp_param(struct mr_cur *c, struct mr_smtp_param *param_out)
{
	struct mr_smtp_param param;

	if (mr_cur_blank(c))
		return 0;
	mr_cur_take(c, MR_WSP);
	param.name = mr_cur_take(c, MR_ALNUM | MR_HYPHEN);
	param.value = mr_span(c->p, 0);
	if (!mr_span_starts(param.name, MR_ALNUM))
		return MR_ESYNTAX;
	if (mr_cur_byte(c, '=')) {
		param.value = esmtp_value(c);
		if (param.value.len == 0)
			return MR_ESYNTAX;
	}
	*param_out = param;
	return 1;
}

static int param_size(struct mr_span value, struct mr_smtp_mail *mail)
{
	/* RFC 1870 3: 1*20DIGIT */
	if (value.len > 20)
		return MR_ESYNTAX;
	return mr_span_u64(value, UINT64_MAX, &mail->size) < 0 ? MR_ESYNTAX : 0;
}

static int param_body(struct mr_span value, struct mr_smtp_mail *mail)
{
	if (mr_span_eq_nocase(value, MR_SPAN("7BIT")))
		mail->body = MR_SMTP_BODY_7BIT;
	else if (mr_span_eq_nocase(value, MR_SPAN("8BITMIME")))
		mail->body = MR_SMTP_BODY_8BITMIME;
	else /* RFC 6152 2 */
		return MR_ESYNTAX;
	return 0;
}

static int param_smtputf8(struct mr_span value, struct mr_smtp_mail *mail)
{
	mail->smtputf8 = true;
	return value.len > 0 ? MR_ESYNTAX : 0; /* RFC 6531 3.4: takes no value */
}

static const struct {
	struct mr_span name;
	int (*take)(struct mr_span value, struct mr_smtp_mail *mail);
} params[] = {
	{ MR_SPAN("SIZE"), param_size },
	{ MR_SPAN("BODY"), param_body },
	{ MR_SPAN("SMTPUTF8"), param_smtputf8 },
};

static int param_take(const struct mr_smtp_param *param, struct mr_smtp_mail *mail)
{
	for (size_t i = 0; i < MR_COUNT(params); i++) {
		if (mr_span_eq_nocase(params[i].name, param->name))
			return params[i].take(param->value, mail);
	}
	return MR_EINVAL;
}

/* "FROM:" or "TO:"; blanks behind it are common though RFC 5321 3.3 forbids them. */
static int path_argument(struct mr_cur *c, struct mr_span word, struct mr_arena *arena,
			 struct mr_smtp_path *path_out)
{
	int err;

	if (!mr_cur_text(c, word))
		return MR_ESYNTAX;
	mr_cur_take(c, MR_WSP);
	if ((err = mr_smtp_path(c, arena, path_out)) < 0)
		return err;
	return mr_cur_left(c) == 0 || mr_is(*c->p, MR_WSP) ? 0 : MR_ESYNTAX;
}

/* "FROM:<...>", whatever stands there. Its end is the last ">": no parameter of ours has one. */
static int sender_argument(struct mr_cur *c, struct mr_arena *arena, struct mr_smtp_path *path_out)
{
	struct mr_cur start = *c;
	struct mr_span rest;
	size_t end;
	int err = path_argument(c, MR_SPAN("FROM:"), arena, path_out);

	if (err != MR_ESYNTAX)
		return err;
	*c = start;
	if (!mr_cur_text(c, MR_SPAN("FROM:")))
		return MR_ESYNTAX;
	mr_cur_take(c, MR_WSP);
	if (!mr_cur_byte(c, '<'))
		return MR_ESYNTAX;
	rest = mr_cur_rest(c);
	end = mr_span_rfind(rest, '>');
	if (end == rest.len || (end + 1 < rest.len && !mr_is(rest.p[end + 1], MR_WSP)))
		return MR_ESYNTAX;
	mr_cur_skip(c, end + 1);
	return odd_sender(mr_span_sub(rest, 0, end), arena, path_out);
}

int mr_smtp_mail(struct mr_span args, struct mr_arena *arena, struct mr_smtp_mail *mail_out)
{
	struct mr_cur c = mr_cur(args);
	struct mr_smtp_mail mail = { .size = 0 };
	struct mr_smtp_param param;
	int err = sender_argument(&c, arena, &mail.from);

	while (err == 0 && (err = mr_smtp_param(&c, &param)) > 0)
		err = param_take(&param, &mail);
	if (err == 0)
		*mail_out = mail;
	return err;
}

int mr_smtp_rcpt(struct mr_span args, struct mr_arena *arena, struct mr_smtp_path *path_out)
{
	struct mr_cur c = mr_cur(args);
	struct mr_smtp_path path;
	struct mr_smtp_param param;
	int err = path_argument(&c, MR_SPAN("TO:"), arena, &path);

	if (err == 0 && path.text.len == 0)
		err = MR_ESYNTAX;
	if (err < 0 || (err = mr_smtp_param(&c, &param)) < 0)
		return err;
	if (err > 0) /* NOTIFY and ORCPT come only to who announced DSN */
		return MR_EINVAL;
	*path_out = path;
	return 0;
}

/* -- xtext and replies ------------------------------------------------------------------------ */

int mr_smtp_xtext(struct mr_span in, struct mr_arena *arena, struct mr_span *text_out)
{
	char *text = mr_arena_text(arena, in.len);
	size_t len = 0;

	if (!text)
		return MR_ENOMEM;
	for (size_t i = 0; i < in.len; i++) {
		char c = in.p[i];

		if (c == '+') { /* RFC 3461 4: hexchar = "+" 2(0-9 / A-F) */
			if (in.len - i < 3 || mr_hex_value(in.p[i + 1]) < 0 ||
			    mr_hex_value(in.p[i + 2]) < 0)
				return MR_ESYNTAX;
			c = (char)(mr_hex_value(in.p[i + 1]) * 16 + mr_hex_value(in.p[i + 2]));
			i += 2;
		}
		text[len++] = c;
	}
	if (has_control(mr_span(text, len)))
		return MR_ESYNTAX;
	*text_out = mr_span(text, len);
	return 0;
}

void mr_smtp_xtext_put(struct mr_buf *out, struct mr_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c <= ' ' || c > '~' || c == '+' || c == '=')
			(void)mr_buf_printf(out, "+%02X", (unsigned)(uint8_t)c);
		else
			(void)mr_buf_addc(out, c);
	}
}

/* RFC 2034 4: class "." subject "." detail SP; the class is that of the code */
static struct mr_span status_code(struct mr_cur *c, char class)
{
	struct mr_cur ahead = *c;
	const char *start = ahead.p;

	/* 1*3digit: of no digit, len - 1 is huge */
	if (!mr_cur_byte(&ahead, class) || !mr_cur_byte(&ahead, '.') ||
	    mr_cur_take(&ahead, MR_DIGIT).len - 1 > 2 || !mr_cur_byte(&ahead, '.') ||
	    mr_cur_take(&ahead, MR_DIGIT).len - 1 > 2 || (ahead.p != ahead.end && *ahead.p != ' '))
		return mr_span(c->p, 0);
	*c = ahead;
	return mr_span(start, (size_t)(ahead.p - start));
}

/* RFC 5321 4.2: Reply-line; also the bare code of 4.2.1 */
int mr_smtp_reply(struct mr_span line, struct mr_smtp_reply *reply_out)
{
	struct mr_cur c = mr_cur(line);
	struct mr_smtp_reply reply;
	struct mr_span code;
	uint64_t number = 0;

	if (!mr_cur_take_n(&c, 3, &code) || mr_span_u64(code, 599, &number) < 0 || number < 200)
		return MR_ESYNTAX;
	reply.code = (int)number;
	reply.last = !mr_cur_byte(&c, '-');
	if (reply.last && !mr_cur_byte(&c, ' ') && c.p != c.end)
		return MR_ESYNTAX;
	reply.status = status_code(&c, code.p[0]);
	reply.text = mr_span_trim(mr_cur_rest(&c));
	*reply_out = reply;
	return 0;
}
