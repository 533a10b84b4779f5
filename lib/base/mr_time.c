#include "lib/base/mr_time.h"

#include <stdio.h>
#include <time.h>

#define DAY_S 86400

int64_t mr_now_ms(void)
{
	struct timespec t;

	MR_ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t mr_time_s(void)
{
	struct timespec t;

	MR_ASSERT(clock_gettime(CLOCK_REALTIME, &t) == 0);
	return (int64_t)t.tv_sec;
}

static int64_t real_now_ms(void *arg MR_UNUSED)
{
	return mr_now_ms();
}

static int64_t real_time_s(void *arg MR_UNUSED)
{
	return mr_time_s();
}

const struct mr_clock mr_clock_real = { real_now_ms, real_time_s, NULL };

static int64_t fake_now_ms(void *arg)
{
	return ((struct mr_clock_fake *)arg)->now_ms;
}

static int64_t fake_time_s(void *arg)
{
	return ((struct mr_clock_fake *)arg)->time_s;
}

struct mr_clock mr_clock_fake(struct mr_clock_fake *fake)
{
	return (struct mr_clock){ fake_now_ms, fake_time_s, fake };
}

/* Days since 1970-01-01. The year is taken to begin in March, so that the leap day is its last:
 * then the days before a month are a linear function of it, (153 m + 2) / 5. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t month_from_march = (month + 9) % 12;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

int64_t mr_date_to_s(const struct mr_date *d)
{
	int64_t month0 = (int64_t)d->month - 1;
	int64_t carry = (month0 >= 0 ? month0 : month0 - 11) / 12;
	int64_t days = days_from_civil(d->year + carry, month0 - carry * 12 + 1, d->day);

	return days * DAY_S + (int64_t)d->hour * 3600 + (int64_t)d->minute * 60 + d->second;
}

void mr_date_from_s(int64_t time_s, struct mr_date *date_out)
{
	int64_t days = (time_s >= 0 ? time_s : time_s - (DAY_S - 1)) / DAY_S;
	int64_t rest = time_s - days * DAY_S;
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t from_march = (5 * doy + 2) / 153;

	date_out->month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
	date_out->year = (int)(yoe + era * 400 + (date_out->month <= 2));
	date_out->day = (int)(doy - (153 * from_march + 2) / 5 + 1);
	date_out->hour = (int)(rest / 3600);
	date_out->minute = (int)(rest / 60 % 60);
	date_out->second = (int)(rest % 60);
	date_out->weekday = (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

void mr_date_rfc5322(int64_t time_s, char out[MR_DATE_SIZE])
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct mr_date d;
	int len;

	mr_date_from_s(time_s, &d);
	len = snprintf(out, MR_DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d +0000", days[d.weekday],
		       d.day, months[d.month - 1], d.year, d.hour, d.minute, d.second);
	MR_ASSERT(len > 0 && len < MR_DATE_SIZE);
}

void mr_date_rfc3339(int64_t time_s, char out[MR_DATE_SIZE])
{
	struct mr_date d;
	int len;

	mr_date_from_s(time_s, &d);
	len = snprintf(out, MR_DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", d.year, d.month, d.day,
		       d.hour, d.minute, d.second);
	MR_ASSERT(len > 0 && len < MR_DATE_SIZE);
}
