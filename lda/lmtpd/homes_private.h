/* homes_private: what lmtpd (homes.c) and its helper (homes_helper.c) say to each other: whole structs
 * over SOCK_SEQPACKET, as both are one program. */
#ifndef HOMES_PRIVATE_H
#define HOMES_PRIVATE_H

#include "lda/lmtpd/homes.h"
#include "lib/mail/mr_name.h"

#define NAME_ROOM 1024 /* of a folder's name; its directory's has MR_MAILDIR_FOLDER_MAX */

/* To the helper. The answer is one octet and the descriptor of a channel to the writer. */
struct homes_order {
	char local[MR_NAME_LOCAL_MAX + 1];
	char name[NAME_ROOM]; /* "": INBOX */
	char host[MR_MAILDIR_HOST_MAX + 1];
	unsigned flags;
};

/* From the writer, with the file's descriptor. */
struct homes_begun {
	int err;
	bool inbox;
};

/* To the writer: all is written. */
struct homes_commit {
	uint64_t size, lines_lf;
	bool synced;
};

/* From the writer, its last word. */
struct homes_done {
	int err;
	char name[MR_MAILDIR_NAME_SIZE];
};

/* Send a struct, and fd with it unless it is -1. MR_ETEMP. */
MR_MUST_USE int homes_send(int sock, const void *p, size_t size, int fd);
/* Receive one of exactly size, and a descriptor if fd_out is not NULL (-1: none came). MR_ECLOSED: the other is
 * gone; MR_ETEMP, also after wait_ms (-1: no limit). */
MR_MUST_USE int homes_recv(int sock, void *p, size_t size, int *fd_out, int wait_ms);

/* The helper. Never comes back. */
_Noreturn void homes_helper(int sock, int64_t uid_min);

#endif
