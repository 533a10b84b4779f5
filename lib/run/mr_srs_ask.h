/*
 * mr_srs_ask: SRS (lib/mail/mr_srs.h) with the secret of millrace-srsd, as the settings srs_domain, srs_socket
 * and srs_hash_length say. For lmtpd and mapd; blocks for MR_SRS_ASK_MS at most. Any thread.
 */
#ifndef MR_SRS_ASK_H
#define MR_SRS_ASK_H

#include "lib/mail/mr_srs.h"
#include "lib/run/mr_settings.h"

#define MR_SRS_ASK_MS 2000

/* For a program's check(): MR_EINVAL, said in error. */
MR_MUST_USE int mr_srs_ask_check(const struct mr_settings *set, struct mr_buf *error);

/* The sender may be rewritten, since srs_domain is set. */
bool mr_srs_ask_able(const struct mr_settings *set);
/* domain is srs_domain, and local looks like an address of the scheme: it is settled by the next function. */
bool mr_srs_ask_is(const struct mr_settings *set, struct mr_span local, struct mr_span domain);

/* As mr_srs_reverse(), and the whole address as mr_smtp_path.text. MR_ENOENT also where no address came out;
 * MR_ETEMP: srsd does not answer. */
MR_MUST_USE int mr_srs_ask_reverse(const struct mr_settings *set, struct mr_span local,
				   int64_t now_s, struct mr_arena *arena,
				   struct mr_span *address_out);
/* As mr_srs_forward(), and the whole address. MR_ETEMP: srsd does not answer. */
MR_MUST_USE int mr_srs_ask_forward(const struct mr_settings *set, struct mr_span local,
				   struct mr_span domain, int64_t now_s, struct mr_arena *arena,
				   struct mr_span *address_out);

#endif
