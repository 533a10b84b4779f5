#include "lib/mail/mr_align.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_addr.h"

/* domain in lower case in buf, without a dot at its end; empty: it is none, but an address. */
static struct mr_span domain_in(struct mr_span domain, char buf[MR_DOMAIN_MAX])
{
	struct mr_span top;

	if (domain.len > 0 && domain.p[domain.len - 1] == '.')
		domain.len--;
	if (domain.len == 0 || domain.len > MR_DOMAIN_MAX)
		return MR_SPAN("");
	for (size_t i = 0; i < domain.len; i++) {
		if (!mr_is(domain.p[i], MR_ALNUM | MR_HYPHEN | MR_DOT | MR_UNDERSCORE | MR_HIGH))
			return MR_SPAN("");
		buf[i] = mr_lower(domain.p[i]);
	}
	top = mr_span_sub(domain, mr_span_rfind(domain, '.'), domain.len);
	if (top.len == 0)
		top = domain;
	/* RFC 3696 2: no top-level domain is all digits, but an IPv4 address ends so. */
	return mr_span_only(top, MR_DIGIT | MR_DOT) ? MR_SPAN("") : mr_span(buf, domain.len);
}

int mr_align_from(const struct mr_msg *msg, struct mr_arena *arena, char buf[MR_DOMAIN_MAX],
		  struct mr_span *domain_out)
{
	const struct mr_field *from = mr_msg_field(msg, 0, MR_SPAN("From"));
	const struct mr_addr *addr;
	struct mr_span domain;
	int count;

	if (from == NULL || mr_msg_field_next(msg, 0, from) != NULL)
		return MR_ENOENT;
	if ((count = mr_addr_parse(from->value, 2, arena, &addr)) < 0)
		return count;
	if (count != 1 || (domain = domain_in(addr[0].domain, buf)).len == 0)
		return MR_ENOENT;
	*domain_out = domain;
	return 0;
}

/* The domain that a property is, or, if it is an address, what stands behind its last "@"; empty: no
 * such property, or no domain. */
static struct mr_span property(const struct mr_authres *ar, const struct mr_authres_result *result,
			       const char *ptype, const char *name, bool address,
			       char buf[MR_DOMAIN_MAX])
{
	const struct mr_authres_prop *prop =
		mr_authres_prop(ar, result, mr_span_str(ptype), mr_span_str(name));
	struct mr_span value;
	size_t at;

	if (prop == NULL)
		return MR_SPAN("");
	/* Nothing is unquoted: what would have to be is no domain. */
	value = prop->value.raw;
	if (address && value.len > 1 && value.p[0] == '<' && value.p[value.len - 1] == '>')
		value = mr_span_sub(value, 1, value.len - 2);
	at = address ? mr_span_rfind(value, '@') : value.len;
	return domain_in(at < value.len ? mr_span_sub(value, at + 1, value.len) : value, buf);
}

static bool is_method(const struct mr_authres_result *result, const char *method)
{
	return result->version == 1 && mr_span_eq_nocase(result->method, mr_span_str(method));
}

/* smtp.mailfrom is there and says something: "<>" and "" are the null sender. */
static bool has_sender(const struct mr_authres *ar, const struct mr_authres_result *result)
{
	const struct mr_authres_prop *prop =
		mr_authres_prop(ar, result, MR_SPAN("smtp"), MR_SPAN("mailfrom"));

	return prop != NULL && prop->value.raw.len > 0 &&
	       !mr_span_eq(prop->value.raw, MR_SPAN("<>"));
}

struct mr_span mr_align_identity(const struct mr_authres *ar,
				 const struct mr_authres_result *result, char buf[MR_DOMAIN_MAX])
{
	if (is_method(result, "dkim"))
		return mr_authres_prop(ar, result, MR_SPAN("header"), MR_SPAN("d")) != NULL
			       ? property(ar, result, "header", "d", false, buf)
			       : property(ar, result, "header", "i", true, buf);
	if (is_method(result, "spf"))
		return has_sender(ar, result) ? property(ar, result, "smtp", "mailfrom", true, buf)
					      : property(ar, result, "smtp", "helo", false, buf);
	if (is_method(result, "dmarc"))
		return property(ar, result, "header", "from", true, buf);
	return MR_SPAN("");
}

bool mr_align(struct mr_span a, struct mr_span b, const struct mr_psl *psl)
{
	struct mr_span x, y;

	if (a.len == 0 || b.len == 0)
		return false;
	if (mr_span_eq(a, b))
		return true;
	if (psl == NULL)
		return false;
	x = mr_psl_registrable(psl, a);
	y = mr_psl_registrable(psl, b);
	return x.len > 0 && mr_span_eq(x, y);
}

bool mr_align_pass(const struct mr_authres *ar, struct mr_span domain, const struct mr_psl *psl)
{
	for (uint32_t i = 0; i < ar->result_count; i++) {
		const struct mr_authres_result *r = &ar->result[i];
		char buf[MR_DOMAIN_MAX];
		struct mr_span identity = mr_align_identity(ar, r, buf);

		if (!mr_span_eq_nocase(r->result, MR_SPAN("pass")))
			continue;
		if (is_method(r, "dmarc") ? mr_span_eq(identity, domain) && domain.len > 0
					  : mr_align(identity, domain, psl))
			return true;
	}
	return false;
}
