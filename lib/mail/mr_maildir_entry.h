/*
 * mr_maildir_entry: whether a folder that was found is on the disk. A delivery into a folder which another
 * one made a moment ago must not be acknowledged before that folder's own entry is there, and cannot
 * know whether the other one's fsync is done. To sync the folder above each time would be three more waits
 * for the disk at each delivery. Any thread; 32 KiB for the whole process.
 */
#ifndef MR_MAILDIR_ENTRY_H
#define MR_MAILDIR_ENTRY_H

#include "lib/base/mr_def.h"

#define MR_MAILDIR_RECENT_S 60 /* what is older was synced by who made it */
/* Time stamps have steps, of a second at worst: two changes can have the same one. So a state counts as
 * known only if no further change could have its time when it was synced. */
#define MR_MAILDIR_STEP_S 2

/*
 * Return once the entry name of dir_fd is on the disk; it is there, and a folder. Nothing is to do for one
 * that was made long ago: its own birth is asked, since the folder above changes whenever a mail client
 * looks into the mailbox (Dovecot's index files lie there). One that was renamed lately does no harm:
 * should the new name be lost, the old one has the mail. Where a file system has no births, the change of
 * dir_fd counts; and a state of dir_fd that was synced here is remembered. now_s is mr_time_s(). MR_ETEMP.
 */
MR_MUST_USE int mr_maildir_entry_synced(int dir_fd, const char *name, int64_t now_s);

#endif
