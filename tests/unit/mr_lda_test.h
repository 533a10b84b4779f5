/* mr_lda_test: a directory in which everybody is a user, for tests of what is delivered. */
#ifndef MR_LDA_TEST_H
#define MR_LDA_TEST_H

#include "lda/lmtpd/deliver.h"

/* names of struct mr_directory. */
extern const struct mr_resolve_table mr_lda_test_names;

/* For tables that have no aliases, and take any domain for theirs. */
int mr_lda_test_domain(void *arg, struct mr_span domain);
int mr_lda_test_alias(void *arg, struct mr_span local, struct mr_span domain,
		      struct mr_arena *arena, struct mr_alias *alias_out);

/* content without X-Millrace-Delivery, the third field of every copy, which is then in *mark_out, its line
 * ending included; what it says is not what most tests are about. In arena; without memory, content. */
struct mr_span mr_lda_test_unmarked(struct mr_span content, struct mr_arena *arena,
				    struct mr_span *mark_out);

#endif
