/*
 * srsd: the only holder of the secret that SRS addresses are made with (lib/mail/mr_srs.h), until authd is
 * there. It reads it at the start, as root, and from then on only derives: one line in, the hashes of it under
 * each secret out, one question a connection. One thread, one client at a time, which it gives a second.
 *
 *	question	text LF				at most MR_SRSD_TEXT_MAX octets, any but LF
 *	answer		hash [ SP hash ] LF		base64 of HMAC-SHA1, the newest secret first
 *
 * Nothing is answered to what is no question. Who may ask, the rights of the socket say.
 */
#ifndef SRSD_H
#define SRSD_H

#include "lib/mail/mr_srs.h"
#include "lib/run/mr_program.h"

#define MR_SRSD_TEXT_MAX   4096
#define MR_SRSD_SECRET_MIN 16 /* octets */

struct mr_srsd_secrets;

/*
 * Read the file: a secret a line, at most MR_SRS_SECRETS_MAX, the newest first, as postsrsd has it. MR_EPERM: others
 * than its owner may read it; MR_EINVAL: none, too many, or one shorter than MR_SRSD_SECRET_MIN; MR_ENOENT,
 * MR_ETEMP, MR_ENOMEM.
 */
MR_MUST_USE int mr_srsd_secrets_read(const char *path, struct mr_srsd_secrets **secrets_out);
/* NULL is allowed. */
void mr_srsd_secrets_free(struct mr_srsd_secrets *secrets);
/* MR_ENOMEM. */
MR_MUST_USE int mr_srsd_hash(const struct mr_srsd_secrets *secrets, struct mr_span text,
			     struct mr_srs_hashes *hashes_out);

/* Hooks of struct mr_program. */
int mr_srsd_check(const struct mr_settings *set, struct mr_buf *error);
int mr_srsd_open(struct mr_run *run);
int mr_srsd_serve(struct mr_run *run);
void mr_srsd_stop(struct mr_run *run, bool drain);
void mr_srsd_close(struct mr_run *run);

#endif
