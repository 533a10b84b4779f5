#include "lib/mail/mr_name.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_precis.h"

/* Copy s in lower case; the caller has checked that it fits. */
static int put_lower(struct mr_span s, char *out)
{
	for (size_t i = 0; i < s.len; i++)
		out[i] = mr_lower(s.p[i]);
	out[s.len] = '\0';
	return (int)s.len;
}

/* RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str]; RFC 6531 3.3 adds U-labels. */
static int label_check(struct mr_span label)
{
	if (label.len == 0 || label.p[0] == '-' || label.p[label.len - 1] == '-')
		return MR_EINVAL;
	if (!mr_span_only(label, MR_ALNUM | MR_HYPHEN | MR_HIGH))
		return MR_EINVAL;
	return label.len > MR_NAME_LABEL_MAX ? MR_ELIMIT : 0;
}

int mr_name_domain(struct mr_span domain, char out[MR_NAME_DOMAIN_MAX + 1])
{
	struct mr_span rest, label;
	bool more;

	out[0] = '\0';
	if (domain.len > 0 && domain.p[domain.len - 1] == '.')
		domain.len--;
	if (domain.len > MR_NAME_DOMAIN_MAX)
		return MR_ELIMIT;
	if (domain.len == 0 || !mr_utf8_valid(domain))
		return MR_EINVAL;
	rest = domain;
	do {
		int err;

		more = mr_span_split(rest, '.', &label, &rest);
		if ((err = label_check(label)) < 0)
			return err;
	} while (more);
	return put_lower(domain, out);
}

int mr_name_local(struct mr_span local, char out[MR_NAME_LOCAL_MAX + 1])
{
	char mapped[MR_NAME_LOCAL_MAX];

	out[0] = '\0';
	if (local.len > MR_NAME_LOCAL_MAX)
		return MR_ELIMIT;
	if (mr_span_only(local, MR_ATEXT | MR_DOT) &&
	    !mr_span_only(local, (MR_ATEXT | MR_DOT) & ~(unsigned)MR_HIGH)) {
		int err = mr_precis_username(local, mapped, &local);

		if (err < 0)
			return err;
	}
	if (local.len == 0 || local.p[0] == '.' || local.p[local.len - 1] == '.')
		return MR_EINVAL;
	if (!mr_span_only(local, MR_ATEXT | MR_DOT) || mr_span_find(local, '/') < local.len ||
	    mr_span_search(local, MR_SPAN("..")) < local.len)
		return MR_EINVAL;
	return put_lower(local, out);
}

int mr_name_split(struct mr_span address, struct mr_span *local_out, struct mr_span *domain_out)
{
	size_t at = mr_span_rfind(address, '@');

	if (at == 0 || at + 1 >= address.len)
		return MR_EINVAL;
	*local_out = mr_span_sub(address, 0, at);
	*domain_out = mr_span_sub(address, at + 1, address.len);
	return 0;
}
