#include "lib/mail/mr_sender.h"

#include <stdio.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"

static const struct mr_span any_at = MR_SPAN("*@"), below = MR_SPAN("*.");

#define WHAT "an address (ann@example.org), a domain (example.org) or all below one (*.example.org)"

/* RFC 5322 3.2.3 atext without the star, and dots wherever they are: some providers gave out such names. */
static int local_check(struct mr_span local)
{
	if (local.len > MR_SENDER_LOCAL_MAX)
		return MR_ELIMIT;
	if (local.len == 0 || !mr_span_only(local, MR_ATEXT | MR_DOT) ||
	    mr_span_find(local, '*') < local.len || !mr_utf8_valid(local))
		return MR_EINVAL;
	return 0;
}

static size_t labels(const char *domain)
{
	size_t count = 1;

	for (; *domain; domain++)
		count += *domain == '.';
	return count;
}

static int put(const char *before, struct mr_span local, const char *domain,
	       char out[MR_SENDER_SIZE])
{
	int len =
		snprintf(out, MR_SENDER_SIZE, "%.*s%s%s", (int)local.len, local.p, before, domain);

	for (char *c = out; *c; c++)
		*c = mr_lower(*c);
	return len;
}

int mr_sender_entry(struct mr_span text, char out[MR_SENDER_SIZE], const char **why_out)
{
	char domain[MR_NAME_DOMAIN_MAX + 1];
	struct mr_span local = MR_SPAN(""), rest = text;
	const char *before = "";
	int err = 0;

	out[0] = '\0';
	*why_out = WHAT;
	if (mr_span_has_prefix(text, any_at)) {
		rest = mr_span_sub(text, any_at.len, text.len);
	} else if (mr_span_has_prefix(text, below)) {
		rest = mr_span_sub(text, below.len, text.len);
		before = "*.";
	} else if (mr_span_find(text, '@') < text.len) {
		if (mr_name_split(text, &local, &rest) < 0)
			return MR_EINVAL;
		before = "@";
		if ((err = local_check(local)) < 0) {
			*why_out = "before the @ stand letters, digits and signs without blanks, "
				   "quotes or stars; to name all at a domain give the domain alone";
			return err;
		}
	}
	if (mr_span_find(rest, '*') < rest.len)
		*why_out = "a star stands alone before the @, or before the first dot of a domain: "
			   "*@example.org, *.example.org";
	if ((err = mr_name_domain(rest, domain)) < 0)
		return err;
	if (before[0] == '*' && labels(domain) > MR_SENDER_LABELS_MAX) {
		*why_out = "behind *. a domain has at most 8 parts";
		return MR_ELIMIT;
	}
	return put(before, local, domain, out);
}

struct mr_span mr_sender_domain(struct mr_span entry)
{
	size_t at = mr_span_rfind(entry, '@');

	if (at < entry.len)
		return mr_span_sub(entry, at + 1, entry.len);
	return mr_span_has_prefix(entry, below) ? mr_span_sub(entry, below.len, entry.len) : entry;
}

bool mr_sender_note_ok(struct mr_span note)
{
	for (size_t i = 0; i < note.len; i++) {
		if (mr_is(note.p[i], MR_CTL | MR_CRLF) || note.p[i] == '\t')
			return false;
	}
	return note.len <= MR_SENDER_NOTE_MAX && mr_utf8_valid(note);
}

int mr_sender_keys(struct mr_span local, struct mr_span domain, struct mr_sender_keys *keys_out)
{
	char name[MR_NAME_DOMAIN_MAX + 1];
	int err = mr_name_domain(domain, name);
	const char *at = name;

	keys_out->count = 0;
	if (err < 0)
		return err;
	if (local_check(local) == 0)
		(void)put("@", local, name, keys_out->key[keys_out->count++]);
	(void)put("", MR_SPAN(""), name, keys_out->key[keys_out->count++]);
	while ((at = strchr(at, '.'))) {
		at++;
		if (labels(at) <= MR_SENDER_LABELS_MAX)
			(void)put("*.", MR_SPAN(""), at, keys_out->key[keys_out->count++]);
	}
	return 0;
}
