/*
 * setting: what `millrace user` and `millrace domain` share: settings of a user, of a domain, or of
 * all (lib/store/mr_user_settings.h).
 */
#ifndef SETTING_H
#define SETTING_H

#include "tools/owner.h"

/* The caller knows that there is such an owner (owner_store()).
 * Set name to value; "--unset": the next wider scope counts again. Returns the exit code. */
int setting_set(struct mr_store *store, const struct owner *owner, const char *name,
		const char *value);

/* Print what is in force for owner, and where it was set. Returns the exit code. */
int setting_show(struct cli *cli, struct mr_store *store, const struct owner *owner);

#endif
