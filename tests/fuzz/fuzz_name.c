/*
 * A name of a user and of a domain in our spelling. Promised: within its bounds, nothing in it that would leave its
 * folder, and spelled once it stays so.
 */
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_local(struct mr_span in)
{
	char once[MR_NAME_LOCAL_MAX + 1], twice[MR_NAME_LOCAL_MAX + 1];
	int len = mr_name_local(in, once);
	struct mr_span name = mr_span_str(once);

	MR_ASSERT(len == MR_EINVAL || len == MR_ELIMIT || (len > 0 && (size_t)len == name.len));
	if (len < 0) {
		MR_ASSERT(once[0] == 0);
		return;
	}
	MR_ASSERT(name.len <= MR_NAME_LOCAL_MAX && mr_utf8_valid(name) && once[0] != '.');
	MR_ASSERT(mr_span_find(name, '/') == name.len && mr_span_find(name, '@') == name.len);
	MR_ASSERT(mr_name_local(name, twice) == len && strcmp(once, twice) == 0);
}

static void check_domain(struct mr_span in)
{
	char once[MR_NAME_DOMAIN_MAX + 1], twice[MR_NAME_DOMAIN_MAX + 1];
	int len = mr_name_domain(in, once);
	struct mr_span name = mr_span_str(once);

	MR_ASSERT(len == MR_EINVAL || len == MR_ELIMIT || (len > 0 && (size_t)len == name.len));
	if (len < 0)
		return;
	MR_ASSERT(mr_span_find(name, '/') == name.len && once[0] != '.');
	MR_ASSERT(mr_name_domain(name, twice) == len && strcmp(once, twice) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_span in = mr_span_bytes(data, size);

	check_local(in);
	check_domain(in);
	return 0;
}
