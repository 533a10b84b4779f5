/* mr_store_name: an address in our spelling, as parameters of a statement; private to lib/store. */
#ifndef MR_STORE_NAME_H
#define MR_STORE_NAME_H

#include "lib/mail/mr_name.h"
#include "lib/store/mr_db.h"

struct mr_store_name {
	char local[MR_NAME_LOCAL_MAX + 1], domain[MR_NAME_DOMAIN_MAX + 1];
};

/* MR_EINVAL, MR_ELIMIT as mr_name.h has them. */
MR_MUST_USE static inline int mr_store_name(struct mr_span local, struct mr_span domain,
					    struct mr_store_name *name_out)
{
	int err = mr_name_domain(domain, name_out->domain);

	if (err >= 0)
		err = mr_name_local(local, name_out->local);
	return err < 0 ? err : 0;
}

/* A value for a char array that ends in NUL. */
#define MR_VARRAY(array) MR_VTEXT(mr_span_str(array))

/* 0 if a statement changed a row, else none. */
static inline int mr_store_changed_or(int changed, int none)
{
	return changed < 0 ? changed : changed > 0 ? 0 : none;
}

#endif
