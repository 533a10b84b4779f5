#include "lib/base/mr_secret.h"

#include <sodium.h>
#include <string.h>

#include "lib/base/mr_err.h"

int mr_secret_init(struct mr_secret *secret, struct mr_span s)
{
	uint8_t *bytes;

	if (s.len > MR_SECRET_MAX)
		return MR_ELIMIT;
	if (sodium_init() < 0)
		return MR_ETEMP;
	bytes = sodium_malloc(s.len > 0 ? s.len : 1); /* mlock, MADV_DONTDUMP, guard pages */
	if (!bytes)
		return MR_ENOMEM;
	if (s.len > 0)
		memcpy(bytes, s.p, s.len);
	*secret = (struct mr_secret){ bytes, s.len };
	return 0;
}

void mr_secret_done(struct mr_secret *secret)
{
	sodium_free(secret->bytes); /* wipes first */
	*secret = (struct mr_secret){ NULL, 0 };
}

struct mr_span mr_secret_span(const struct mr_secret *secret)
{
	return mr_span_bytes(secret->bytes, secret->size);
}

bool mr_secret_eq(struct mr_span a, struct mr_span b)
{
	return a.len == b.len && (a.len == 0 || sodium_memcmp(a.p, b.p, a.len) == 0);
}

void mr_secret_wipe(void *p, size_t size)
{
	sodium_memzero(p, size);
}
