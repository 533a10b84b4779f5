/*
 * disk: what the kernel was told about files, and what a power cut would leave of them. For
 * test_durable*.c alone, since linking it replaces libc's calls, for libraries such as SQLite's too.
 *
 * From disk_begin() on every call that makes, writes, names or syncs a file below the folders of the
 * test is noted, in a model of a disk that forgets all it may: octets are kept by fsync of the file,
 * a name by fsync of its folder. What was not synced may be kept all the same: so a file that is
 * given its final name (by link or rename) must have its octets before. fsync itself is only noted
 * meanwhile, and not done. One thread.
 */
#ifndef DISK_H
#define DISK_H

#include "lib/base/mr_def.h"

/* Forget all, and note from now on; what is there already counts as kept. */
void disk_begin(void);
void disk_end(void);

/* Calls noted since disk_begin(): open, write, pread, link, rename, mkdir, fsync and their like. */
unsigned disk_calls(void);
/* The call nth from now (1: the next one) fails with error and does nothing. */
void disk_fail(unsigned nth, int error);

/* What a power cut after some call so far would have left half, NULL: nothing. */
const char *disk_wrong(void);
/* The file or folder name below dir_fd survives a power cut now: octets, name, and the folders it is in. */
bool disk_keeps(int dir_fd, const char *name);
/* How many files that have a name are not kept whole, but those whose names end in except. */
unsigned disk_dirty(const char *except);

#endif
