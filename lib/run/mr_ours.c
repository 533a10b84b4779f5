#include "lib/run/mr_ours.h"

#include <stdio.h>
#include <unistd.h>

void mr_ours_init(struct mr_ours *ours, const struct mr_settings *set)
{
	*ours = (struct mr_ours){ .name = "" };
	if (set->authserv_id[0] != '\0')
		snprintf(ours->name, sizeof(ours->name), "%s", set->authserv_id);
	else if (gethostname(ours->name, sizeof(ours->name) - 1) < 0)
		ours->name[0] = '\0'; /* then no Authentication-Results is ours */
	ours->belief.authserv_id = mr_span_str(ours->name);
	ours->belief.writers = (set->auth_milter ? (unsigned)MR_WRITER_AUTH : 0) |
			       (set->rbl_milter ? (unsigned)MR_WRITER_RBL : 0) |
			       (set->tls_milter ? (unsigned)MR_WRITER_TLS : 0) |
			       (set->virus_milter ? (unsigned)MR_WRITER_VIRUS : 0);
	ours->belief.below_received = set->auth_below_received;
}
