/* millrace spam: whose mail it is, and whether the directory knows him. */
#include "lib/base/mr_err.h"
#include "tools/spam.h"

#define USER_ROOM 4096 /* bytes of an arena */

struct owner spam_owner(const struct spam *s)
{
	struct owner owner = { .shown = s->owner };

	if (s->owner[0] != '\0')
		mr_span_split(mr_span_str(s->owner), '@', &owner.local, &owner.domain);
	return owner;
}

int spam_owner_known(struct spam *s, const char *what)
{
	struct owner owner = spam_owner(s);
	MR_AUTO(mr_store) *store = NULL;

	if (owner.domain.len == 0 || s->model_named)
		return CLI_OK;
	store = owner_store(s->cli, MR_STORE_READ, &owner, what);
	return store ? CLI_OK : CLI_FAILED;
}

/* Where there is no directory, nobody is in it. */
int spam_is_known(void *arg, struct mr_span owner)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(USER_ROOM);
	struct spam *s = arg;
	struct mr_span local, domain;
	struct mr_user user;
	int err = arena ? 0 : MR_ENOMEM;

	if (s->model_named)
		return 1;
	if (err == 0 && s->directory == NULL)
		err = mr_store_open(s->cli->set.store, MR_GROUP_DIRECTORY, MR_STORE_READ,
				    &s->directory);
	if (err < 0)
		return err == MR_ENOENT ? 0 : err;
	mr_span_split(owner, '@', &local, &domain);
	err = local.len > 0 ? mr_store_user_find(s->directory, local, domain, arena, &user)
			    : mr_store_domain_exists(s->directory, domain);
	return err == MR_ENOENT ? 0 : err < 0 ? err : 1;
}
