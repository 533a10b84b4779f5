#include "lib/mail/mr_psl.h"

#include <libpsl.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_ascii.h"

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */

struct mr_psl {
	psl_ctx_t *ctx; /* psl_free() knows the compiled-in one and leaves it */
};

struct mr_psl *mr_psl_new(const char *path)
{
	struct mr_psl *psl = mr_calloc(1, sizeof(*psl));

	if (!psl)
		return NULL;
	psl->ctx = path ? psl_load_file(path) : psl_latest(NULL);
	if (!psl->ctx) {
		mr_free(psl);
		return NULL;
	}
	return psl;
}

void mr_psl_free(struct mr_psl *psl)
{
	if (psl)
		psl_free(psl->ctx);
	mr_free(psl);
}

bool mr_psl_tld(const struct mr_psl *psl, struct mr_span label)
{
	char text[LABEL_MAX + 1];

	if (label.len == 0 || mr_span_copyz(label, text, sizeof(text)) < 0)
		return false;
	for (size_t i = 0; text[i]; i++)
		text[i] = mr_lower(text[i]);
	return psl_is_public_suffix2(psl->ctx, text, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0;
}

struct mr_span mr_psl_registrable(const struct mr_psl *psl, struct mr_span host)
{
	char text[MR_DOMAIN_MAX + 1];
	const char *domain;

	if (host.len == 0 || mr_span_copyz(host, text, sizeof(text)) < 0)
		return mr_span(host.p, 0);
	domain = psl_registrable_domain(psl->ctx, text);
	if (!domain)
		return mr_span(host.p, 0);
	return mr_span_sub(host, (size_t)(domain - text), host.len);
}
