/*
 * setting: what `millrace user` and `millrace domain` share: settings of a user, of a domain, or of
 * all (lib/store/mr_user_settings.h).
 */
#ifndef SETTING_H
#define SETTING_H

#include "tools/commands.h"

/* Whose: both empty: of all. shown: as the operator wrote it, for complaints. The caller knows that
 * there is such a user or domain. */
struct setting_owner {
	struct mr_span local, domain;
	const char *shown;
};

/* Set name to value; "--unset": the next wider scope counts again. Returns the exit code. */
int setting_set(struct mr_store *store, const struct setting_owner *owner, const char *name,
		const char *value);

/* Print what is in force for owner, and where it was set. Returns the exit code. */
int setting_show(struct cli *cli, struct mr_store *store, const struct setting_owner *owner);

#endif
