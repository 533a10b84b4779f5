#include "tests/unit/mr_lda_test.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"

static int find(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain,
		struct mr_arena *arena, struct mr_user *user_out)
{
	struct mr_user user = { .disabled = false };

	if (mr_arena_dup(arena, local, &user.local) < 0 ||
	    mr_arena_dup(arena, domain, &user.domain) < 0)
		return MR_ENOMEM;
	*user_out = user;
	return 0;
}

int mr_lda_test_domain(void *arg MR_UNUSED, struct mr_span domain)
{
	char name[MR_NAME_DOMAIN_MAX + 1];

	return mr_name_domain(domain, name) < 0 ? MR_EINVAL : 0;
}

int mr_lda_test_alias(void *arg MR_UNUSED, struct mr_span local MR_UNUSED,
		      struct mr_span domain MR_UNUSED, struct mr_arena *arena MR_UNUSED,
		      struct mr_alias *alias_out MR_UNUSED)
{
	return MR_ENOENT;
}

const struct mr_resolve_table mr_lda_test_names = {
	.domain = mr_lda_test_domain,
	.user = find,
	.alias = mr_lda_test_alias,
};

struct mr_span mr_lda_test_unmarked(struct mr_span content, struct mr_arena *arena,
				    struct mr_span *mark_out)
{
	static const struct mr_span name = MR_SPAN("X-Millrace-Delivery: ");
	size_t at = 0, end;
	char *text;

	*mark_out = MR_SPAN("");
	for (int line = 0; line < 2; line++)
		at += mr_span_find(mr_span_sub(content, at, content.len), '\n') + 1;
	if (!mr_span_has_prefix(mr_span_sub(content, at, content.len), name))
		return content;
	end = at;
	do
		end += mr_span_find(mr_span_sub(content, end, content.len), '\n') + 1;
	while (end < content.len && content.p[end] == '\t');
	if (!(text = mr_arena_text(arena, content.len)))
		return content;
	memcpy(text, content.p, at);
	memcpy(text + at, content.p + end, content.len - end);
	*mark_out = mr_span_sub(content, at, end - at);
	return mr_span(text, content.len - (end - at));
}
