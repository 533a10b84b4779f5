/*
 * mr_ban: functions that may not be used, as compile errors. The Makefile includes this file before
 * every other (-include); the system headers that declare them come first, so that the poison meets
 * only our own lines.
 *
 * Unbounded: strcpy and its family, gets, sprintf, sscanf, strtok. Ambiguous on overflow: atoi.
 * Shared static storage: gmtime, localtime, ctime, asctime. Races or a shell: mktemp, system,
 * popen. Bound to the locale, where protocols are ASCII (mr_ascii.h has what to use): tolower and
 * its family, strcasecmp.
 */
#ifndef MR_BAN_H
#define MR_BAN_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* <ctype.h> has some of these as macros too. */
#undef tolower
#undef toupper
#undef isalpha
#undef isalnum
#undef isdigit
#undef isspace
#undef isupper
#undef islower
#undef isxdigit

/* With _FORTIFY_SOURCE and clang, these too. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf sscanf vsscanf
#pragma GCC poison strtok strtok_r gets atoi atol atoll atof
#pragma GCC poison gmtime localtime ctime ctime_r asctime asctime_r
#pragma GCC poison mktemp tempnam tmpnam system popen
#pragma GCC poison tolower toupper isalpha isalnum isdigit isspace isupper islower isxdigit
#pragma GCC poison strcasecmp strncasecmp strcasestr

#endif
