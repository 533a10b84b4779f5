/*
 * client: one message to one recipient over LMTP, for millrace-deliver. Blocks, until a deadline.
 * Memory is bounded whatever the message is: it is passed on as it is read.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "lda/deliver/deliver_args.h"

/*
 * Speak LMTP on fd (a socket that does not block) and hand over what message_fd gives until its end.
 * Returns 0 or 1 with a reply, its spans in arena: 0: it answers the whole content and is 2xx; 1: the
 * first refusal, 4xx or 5xx. MR_ETEMP: silence until deadline_ms, or the connection ended, or nonsense
 * was said, such as 2xx or 3xx where it does not belong; MR_ENOMEM. Then nothing is known, and the mail must be tried again.
 */
MR_MUST_USE int mr_client_deliver(int fd, int message_fd, const struct mr_deliver_args *args,
				  int64_t deadline_ms, struct mr_arena *arena,
				  struct mr_smtp_reply *reply_out);

#endif
