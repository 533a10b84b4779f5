/* mr_lda_test: a directory in which everybody is a user, for tests of what is delivered. */
#ifndef MR_LDA_TEST_H
#define MR_LDA_TEST_H

#include "lda/lmtpd/deliver.h"

/* find of struct mr_directory; needs no arg. */
int mr_lda_test_find(void *arg, struct mr_span local, struct mr_span domain, struct mr_arena *arena,
		     struct mr_user *user_out);

#endif
