#include "lib/mail/mr_maildate.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_cfws.h"

#define YEAR_MIN 1900 /* RFC 5322 3.3 */
#define YEAR_MAX 9999

/* Digits, digits_max at most, of a number from min to max. */
static int number(struct mr_cur *c, size_t digits_max, int min, int max, int *value_out)
{
	struct mr_span digits = mr_cur_take(mr_cfws(c), MR_DIGIT);
	uint64_t value;

	if (digits.len > digits_max || mr_span_u64(digits, (uint64_t)max, &value) < 0 ||
	    (int)value < min)
		return MR_ESYNTAX;
	*value_out = (int)value;
	return 0;
}

/* RFC 5322 3.3: month-name */
static int month(struct mr_cur *c, int *month_out)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	struct mr_span name = mr_cur_take(mr_cfws(c), MR_ALPHA);

	for (int i = 0; i < 12; i++) {
		if (mr_span_eq_nocase(name, mr_span(names + (size_t)i * 3, 3))) {
			*month_out = i + 1;
			return 0;
		}
	}
	return MR_ESYNTAX;
}

/* RFC 5322 3.3: year = 4*DIGIT; 4.3: two digits to 49 are of this century, other two and three of
 * the one that began in 1900. */
static int year(struct mr_cur *c, int *year_out)
{
	const char *from = mr_cfws(c)->p;
	size_t digits;
	int value, err = number(c, 4, 0, YEAR_MAX, &value);

	if (err < 0)
		return err;
	digits = (size_t)(c->p - from);
	if (digits == 2 && value < 50)
		value += 2000;
	else if (digits == 2 || digits == 3)
		value += 1900;
	if (value < YEAR_MIN)
		return MR_ESYNTAX;
	*year_out = value;
	return 0;
}

/* RFC 5322 3.3: time-of-day = hour ":" minute [ ":" second ]; second 60 is a leap second. */
static int time_of_day(struct mr_cur *c, struct mr_date *date)
{
	int err;

	if ((err = number(c, 2, 0, 23, &date->hour)) < 0)
		return err;
	if (!mr_cur_byte(mr_cfws(c), ':'))
		return MR_ESYNTAX;
	if ((err = number(c, 2, 0, 59, &date->minute)) < 0)
		return err;
	return mr_cur_byte(mr_cfws(c), ':') ? number(c, 2, 0, 60, &date->second) : 0;
}

/* RFC 5322 4.3: obs-zone; what is none of these names is -0000, military letters too. */
static int named_zone(struct mr_span name)
{
	static const struct {
		const char *name;
		int hours;
	} zones[] = {
		{ "EST", -5 }, { "EDT", -4 }, { "CST", -6 }, { "CDT", -5 },
		{ "MST", -7 }, { "MDT", -6 }, { "PST", -8 }, { "PDT", -7 },
	};

	for (size_t i = 0; i < MR_COUNT(zones); i++) {
		if (mr_span_eq_nocase(name, mr_span_str(zones[i].name)))
			return zones[i].hours * 60;
	}
	return 0;
}

/* RFC 5322 3.3: zone = ( "+" / "-" ) 4DIGIT, the last two at most 59 */
static int zone(struct mr_cur *c, int *zone_min_out)
{
	bool west = mr_cur_peek(mr_cfws(c), 0) == '-';
	struct mr_span digits;
	uint64_t value;

	if (!west && mr_cur_peek(c, 0) != '+') {
		*zone_min_out = named_zone(mr_cur_take(c, MR_ALPHA));
		return 0;
	}
	mr_cur_skip(c, 1);
	digits = mr_cur_take(c, MR_DIGIT);
	if (digits.len != 4 || mr_span_u64(digits, 9959, &value) < 0 || value % 100 > 59)
		return MR_ESYNTAX;
	*zone_min_out = (int)(value / 100 * 60 + value % 100) * (west ? -1 : 1);
	return 0;
}

static bool day_exists(const struct mr_date *date)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);

	return date->day <= days[date->month - 1] + (date->month == 2 && leap);
}

/* RFC 5322 3.3: date-time = [ day-of-week "," ] date time [CFWS]; 4.3: CFWS between all of it. */
int mr_maildate_parse(struct mr_span value, int64_t *time_s_out, int *zone_min_out)
{
	struct mr_cur c = mr_cur(value);
	struct mr_date date = { .second = 0 };
	int zone_min, err;

	if (mr_cur_take(mr_cfws(&c), MR_ALPHA).len > 0) /* whatever day it says */
		mr_cur_byte(mr_cfws(&c), ',');
	if ((err = number(&c, 2, 1, 31, &date.day)) < 0 || (err = month(&c, &date.month)) < 0 ||
	    (err = year(&c, &date.year)) < 0 || (err = time_of_day(&c, &date)) < 0 ||
	    (err = zone(&c, &zone_min)) < 0)
		return err;
	if (mr_cur_left(mr_cfws(&c)) > 0 || !day_exists(&date))
		return MR_ESYNTAX;
	*time_s_out = mr_date_to_s(&date) - (int64_t)zone_min * 60;
	*zone_min_out = zone_min;
	return 0;
}
