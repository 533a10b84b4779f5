#include "tests/unit/mr_lda_test.h"

#include "lib/base/mr_err.h"

int mr_lda_test_find(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain,
		     struct mr_arena *arena, struct mr_user *user_out)
{
	struct mr_user user = { .disabled = false };

	if (mr_arena_dup(arena, local, &user.local) < 0 ||
	    mr_arena_dup(arena, domain, &user.domain) < 0)
		return MR_ENOMEM;
	*user_out = user;
	return 0;
}
