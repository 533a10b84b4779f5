/*
 * mr_time: two clocks that are never taken for each other. Deadlines and durations are milliseconds
 * of the monotonic clock; dates are seconds of the wall clock, UTC, since 1970. Logic takes a struct
 * mr_clock, so that a test hands in its own and lets five minutes pass in no time.
 */
#ifndef MR_TIME_H
#define MR_TIME_H

#include "lib/base/mr_span.h"

/* Milliseconds of the monotonic clock; never goes back. */
int64_t mr_now_ms(void);
/* Seconds of the wall clock; may jump. */
int64_t mr_time_s(void);

struct mr_clock {
	int64_t (*now_ms)(void *arg);
	int64_t (*time_s)(void *arg);
	void *arg;
};
/* The machine's clocks. */
extern const struct mr_clock mr_clock_real;

/* A clock that stands still until it is told to move. */
struct mr_clock_fake {
	int64_t now_ms, time_s;
};
struct mr_clock mr_clock_fake(struct mr_clock_fake *fake);

/* A date in the civil calendar, UTC. */
struct mr_date {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second; /* second 0 to 60 */
	int weekday; /* 0 is Sunday */
};
void mr_date_from_s(int64_t time_s, struct mr_date *date_out);
/* Proleptic Gregorian; fields out of range carry over (day 0 is the day before the 1st). */
int64_t mr_date_to_s(const struct mr_date *date);

/* "Thu, 01 Jan 1970 00:00:00 +0000" (RFC 5322 3.3) and "1970-01-01T00:00:00Z" (RFC 3339). */
#define MR_DATE_SIZE 40
void mr_date_rfc5322(int64_t time_s, char out[MR_DATE_SIZE]);
void mr_date_rfc3339(int64_t time_s, char out[MR_DATE_SIZE]);

#endif
