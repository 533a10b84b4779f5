/* mr_dump_test: a store as the text of its dump, and back; for tests and fuzz targets. */
#ifndef MR_DUMP_TEST_H
#define MR_DUMP_TEST_H

#include "lib/base/mr_buf.h"
#include "lib/store/mr_store_dump.h"

/* For write of mr_store_dump(): to the struct mr_buf that is its arg. */
int mr_dump_test_line(void *arg, struct mr_span line);
/* All groups; as mr_store_dump(). rows_out: of all of them; NULL: nobody asks. */
MR_MUST_USE int mr_dump_test(struct mr_store *store, struct mr_buf *out, size_t *rows_out);
/* As mr_store_load(); line_out: the last one that was read. */
MR_MUST_USE int mr_load_test(struct mr_store *store, struct mr_span text, size_t *line_out);

#endif
