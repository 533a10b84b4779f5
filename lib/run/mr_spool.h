/*
 * mr_spool: a message as it comes in, piece by piece: in memory up to a limit, in a file beyond it,
 * and mapped read-only when it is complete. For the milter runtime; one thread at a time.
 *
 * The file has no name where the kernel can do that (O_TMPFILE), else its name is removed at once:
 * nothing is left behind by a crash. Disk space is that of the largest messages under way.
 */
#ifndef MR_SPOOL_H
#define MR_SPOOL_H

#include "lib/base/mr_buf.h"
#include "lib/base/mr_io.h"

struct mr_spool {
	/* private */
	struct mr_buf memory;
	const char *dir;
	size_t memory_max;
	uint64_t size;
	int fd, err;
	struct mr_map map;
};

/* Whether files can be made in dir, by who we are now: looked at alone. MR_ENOENT; MR_EINVAL: no
 * folder; MR_EPERM; MR_ETEMP. */
MR_MUST_USE int mr_spool_check(const char *dir);

/* dir must live as long as the spool. Takes no memory yet. */
void mr_spool_init(struct mr_spool *s, size_t memory_max, const char *dir);
void mr_spool_done(struct mr_spool *s);

/*
 * Append. Returns 0, or MR_EFULL, MR_ETEMP (dir away), MR_EPERM, MR_ENOMEM; after an error all
 * further calls return it: what has a hole is no message.
 */
int mr_spool_add(struct mr_spool *s, struct mr_span piece);
/* A field as libmilter hands it over: name, colon, value, CR LF. Each LF in value that has no CR in
 * front becomes CR LF. */
int mr_spool_field(struct mr_spool *s, const char *name, const char *blank, const char *value);

/* Bytes so far. */
uint64_t mr_spool_size(const struct mr_spool *s);

/* All of it, until done. No piece may follow. The errors of add; MR_ETEMP: cannot be mapped. */
MR_MUST_USE int mr_spool_finish(struct mr_spool *s, struct mr_span *message_out);

/*
 * After an error: what came before it, whole pieces, until done; empty where that cannot be read
 * either. For what must be known of a message that could not be kept, its header above all.
 */
struct mr_span mr_spool_kept(struct mr_spool *s);

#endif
