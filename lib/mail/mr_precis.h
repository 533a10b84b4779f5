/*
 * mr_precis: how a user's name in Unicode is spelled (RFC 8265 3.3, UsernameCaseMapped), with the tables of
 * libunistring. For mr_name.h alone: others call that.
 */
#ifndef MR_PRECIS_H
#define MR_PRECIS_H

#include "lib/mail/mr_name.h"

/*
 * Map name, UTF-8 of at most MR_NAME_LOCAL_MAX octets, and write it to room; mapped_out is a view of that. MR_EINVAL: it is no
 * UTF-8, or holds what no name may (ASCII is not looked at); MR_ELIMIT: too long, or no memory.
 */
MR_MUST_USE int mr_precis_username(struct mr_span name, char room[MR_NAME_LOCAL_MAX],
				   struct mr_span *mapped_out);

#endif
