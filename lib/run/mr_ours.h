/*
 * mr_ours: who we are on this host, and whose fields are believed: mr_belief.h from the settings
 * authserv_id, auth_milter, rbl_milter, tls_milter, virus_milter. For every reader of a field that
 * another filter wrote.
 */
#ifndef MR_OURS_H
#define MR_OURS_H

#include "lib/mail/mr_belief.h"
#include "lib/run/mr_settings.h"

#define MR_OURS_NAME_MAX 256

struct mr_ours {
	char name[MR_OURS_NAME_MAX]; /* authserv_id, or the host's name */
	struct mr_belief belief; /* its authserv_id is name: a struct mr_ours is not copied */
};

void mr_ours_init(struct mr_ours *ours, const struct mr_settings *set);

#endif
