#include "lib/store/mr_user_settings.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/base/mr_utf8.h"
#include "lib/store/mr_store_alias.h"

/* Take value into settings; MR_EINVAL: it is none. */
typedef int take_fn(struct mr_span value, struct mr_user_settings *settings);

static int take_spam(struct mr_span value, struct mr_user_settings *settings)
{
	static const char *const places[] = {
		[MR_SPAM_PLACE_FOLDER] = "folder",
		[MR_SPAM_PLACE_TAG] = "tag",
		[MR_SPAM_PLACE_INBOX] = "inbox",
	};

	for (size_t i = 0; i < MR_COUNT(places); i++) {
		if (mr_span_eq(value, mr_span_str(places[i]))) {
			settings->spam = (enum mr_spam_place)i;
			return 0;
		}
	}
	return MR_EINVAL;
}

/* It goes into a header field, and must come out of it as it was. */
static int take_tag(struct mr_span value, struct mr_user_settings *settings)
{
	struct mr_span trimmed = mr_span_trim(value);

	if (value.len == 0 || value.len > MR_SPAM_TAG_MAX || trimmed.len != value.len ||
	    !mr_utf8_valid(value))
		return MR_EINVAL;
	for (size_t i = 0; i < value.len; i++) {
		if (mr_is(value.p[i], MR_CTL | MR_CRLF) || value.p[i] == '\t')
			return MR_EINVAL;
	}
	/* What looks like an encoded word would be undone by readers (RFC 2047 2). */
	if (mr_span_search(value, MR_SPAN("=?")) < value.len)
		return MR_EINVAL;
	settings->spam_tag = value;
	return 0;
}

/* 1*3DIGIT [ "." 1*3DIGIT ], in thousandths. */
static int take_threshold(struct mr_span value, struct mr_user_settings *settings)
{
	struct mr_span whole, part;
	uint64_t points, rest = 0;
	bool dot = mr_span_split(value, '.', &whole, &part);

	if (mr_span_u64(whole, MR_SPAM_THRESHOLD_MAX, &points) < 0 || part.len > 3 ||
	    (dot && mr_span_u64(part, 999, &rest) < 0))
		return MR_EINVAL;
	for (size_t i = part.len; i < 3; i++)
		rest *= 10;
	if (points * 1000 + rest > (uint64_t)MR_SPAM_THRESHOLD_MAX * 1000)
		return MR_EINVAL;
	settings->spam_threshold = (int)(points * 1000 + rest);
	return 0;
}

static int take_days(struct mr_span value, struct mr_user_settings *settings)
{
	uint64_t days;

	if (mr_span_u64(value, MR_SPAM_EXPIRE_DAYS_MAX, &days) < 0)
		return MR_EINVAL;
	settings->spam_expire_days = (int)days;
	return 0;
}

/* 1*DIGIT [ "K" / "M" / "G" / "T" ], of 1024. */
static int take_octets(struct mr_span value, int64_t *octets_out)
{
	static const char units[] = "KMGT";
	const char *unit = value.len > 1 ? strchr(units, value.p[value.len - 1]) : NULL;
	unsigned shift = unit && *unit ? 10 * (unsigned)(unit - units + 1) : 0;
	uint64_t number;

	if (shift > 0)
		value.len--;
	if (mr_span_u64(value, MR_QUOTA_MAX >> shift, &number) < 0)
		return MR_EINVAL;
	*octets_out = (int64_t)(number << shift);
	return 0;
}

static int take_number(struct mr_span value, int64_t *number_out)
{
	uint64_t number;

	if (mr_span_u64(value, MR_QUOTA_MAX, &number) < 0)
		return MR_EINVAL;
	*number_out = (int64_t)number;
	return 0;
}

static int take_quota(struct mr_span value, struct mr_user_settings *settings)
{
	return take_octets(value, &settings->quota.octets);
}

static int take_quota_messages(struct mr_span value, struct mr_user_settings *settings)
{
	return take_number(value, &settings->quota.messages);
}

static int take_domain_quota(struct mr_span value, struct mr_user_settings *settings)
{
	return take_octets(value, &settings->domain_quota.octets);
}

static int take_domain_quota_messages(struct mr_span value, struct mr_user_settings *settings)
{
	return take_number(value, &settings->domain_quota.messages);
}

static int take_grace(struct mr_span value, struct mr_user_settings *settings)
{
	uint64_t hours;

	if (mr_span_u64(value, MR_QUOTA_GRACE_MAX, &hours) < 0)
		return MR_EINVAL;
	settings->quota_grace_hours = (int)hours;
	return 0;
}

/* For a burst, an hour and a day: 1*DIGIT "/" 1*DIGIT "/" 1*DIGIT */
static int take_windows(struct mr_span value, uint64_t numbers_out[MR_LIMIT_WINDOWS])
{
	for (unsigned w = 0; w < MR_LIMIT_WINDOWS; w++) {
		struct mr_span number;
		bool more = mr_span_split(value, '/', &number, &value);

		if (more != (w + 1 < MR_LIMIT_WINDOWS) ||
		    mr_span_u64(number, MR_SEND_MAX, &numbers_out[w]) < 0)
			return MR_EINVAL;
	}
	return 0;
}

static int take_messages(struct mr_span value, struct mr_sent max[MR_LIMIT_WINDOWS])
{
	uint64_t numbers[MR_LIMIT_WINDOWS];
	int err = take_windows(value, numbers);

	for (unsigned w = 0; w < MR_LIMIT_WINDOWS && err == 0; w++)
		max[w].messages = (int64_t)numbers[w];
	return err;
}

static int take_recipients(struct mr_span value, struct mr_sent max[MR_LIMIT_WINDOWS])
{
	uint64_t numbers[MR_LIMIT_WINDOWS];
	int err = take_windows(value, numbers);

	for (unsigned w = 0; w < MR_LIMIT_WINDOWS && err == 0; w++)
		max[w].recipients = (int64_t)numbers[w];
	return err;
}

static int take_send_messages(struct mr_span value, struct mr_user_settings *settings)
{
	return take_messages(value, settings->send);
}

static int take_send_recipients(struct mr_span value, struct mr_user_settings *settings)
{
	return take_recipients(value, settings->send);
}

static int take_domain_send_messages(struct mr_span value, struct mr_user_settings *settings)
{
	return take_messages(value, settings->domain_send);
}

static int take_domain_send_recipients(struct mr_span value, struct mr_user_settings *settings)
{
	return take_recipients(value, settings->domain_send);
}

static int take_send_over(struct mr_span value, struct mr_user_settings *settings)
{
	bool reject = mr_span_eq(value, MR_SPAN("reject"));

	if (!reject && !mr_span_eq(value, MR_SPAN("defer")))
		return MR_EINVAL;
	settings->send_reject = reject;
	return 0;
}

#define WINDOWS "BURST/HOUR/DAY, such as 60/300/1500; 0: no limit"
#define OCTETS  "a number of octets, or of K, M, G, T, such as 500M; 0: no limit"
#define NUMBER  "a number of messages; 0: no limit"

static int take_yes(struct mr_span value, bool *yes_out)
{
	if (!mr_span_eq(value, MR_SPAN("yes")) && !mr_span_eq(value, MR_SPAN("no")))
		return MR_EINVAL;
	*yes_out = value.p[0] == 'y';
	return 0;
}

/* What an alias may have for a target: addresses alone, that no MTA takes for something else. */
static int take_forward(struct mr_span value, struct mr_user_settings *settings)
{
	struct mr_span one, rest = value;
	int count = 0;

	while (rest.len > 0) {
		(void)mr_span_split(rest, ',', &one, &rest);
		if (++count > MR_FORWARD_MAX || mr_store_alias_target_check(mr_span_trim(one)) < 0)
			return MR_EINVAL;
	}
	settings->forward = value;
	return 0;
}

static int take_mailbox(struct mr_span value, struct mr_user_settings *settings)
{
	settings->handover = mr_span_eq(value, MR_SPAN("handover"));
	return settings->handover || mr_span_eq(value, MR_SPAN("maildir")) ? 0 : MR_EINVAL;
}

static int take_forward_keep(struct mr_span value, struct mr_user_settings *settings)
{
	return take_yes(value, &settings->forward_keep);
}

static int take_spam_reject(struct mr_span value, struct mr_user_settings *settings)
{
	return take_yes(value, &settings->spam_reject);
}

static int take_forward_spam(struct mr_span value, struct mr_user_settings *settings)
{
	return take_yes(value, &settings->forward_spam);
}

static int take_vacation(struct mr_span value, struct mr_user_settings *settings)
{
	return take_yes(value, &settings->vacation.on);
}

/* Text of lines that end in LF. */
static int take_vacation_text(struct mr_span value, struct mr_user_settings *settings)
{
	if (value.len > MR_VACATION_TEXT_MAX || !mr_utf8_valid(value))
		return MR_EINVAL;
	for (size_t i = 0; i < value.len; i++) {
		if (mr_is(value.p[i], MR_CTL))
			return MR_EINVAL;
	}
	settings->vacation.text = value;
	return 0;
}

static int take_vacation_subject(struct mr_span value, struct mr_user_settings *settings)
{
	if (value.len > MR_VACATION_SUBJECT_MAX || !mr_utf8_valid(value) ||
	    !mr_span_only(value, (unsigned)~(MR_CTL | MR_CRLF)))
		return MR_EINVAL;
	settings->vacation.subject = value;
	return 0;
}

/* RFC 3339 full-date; of a day that there is. */
static int take_date(struct mr_span value, int64_t *day_s_out)
{
	struct mr_date date = { .year = 0 };
	struct mr_span year, month, day, rest;
	char again[MR_DATE_SIZE];
	uint64_t y, m, d;

	if (value.len != 10 || !mr_span_split(value, '-', &year, &rest) ||
	    !mr_span_split(rest, '-', &month, &day) || year.len != 4 || month.len != 2 ||
	    mr_span_u64(year, 9999, &y) < 0 || mr_span_u64(month, 12, &m) < 0 ||
	    mr_span_u64(day, 31, &d) < 0)
		return MR_EINVAL;
	date.year = (int)y;
	date.month = (int)m;
	date.day = (int)d;
	*day_s_out = mr_date_to_s(&date);
	mr_date_rfc3339(*day_s_out, again);
	return mr_span_has_prefix(mr_span_str(again), value) ? 0 : MR_EINVAL;
}

static int take_vacation_from(struct mr_span value, struct mr_user_settings *settings)
{
	settings->vacation.from_s = INT64_MIN;
	return value.len == 0 ? 0 : take_date(value, &settings->vacation.from_s);
}

/* The last day is one of them. */
static int take_vacation_until(struct mr_span value, struct mr_user_settings *settings)
{
	int err = 0;

	settings->vacation.until_s = INT64_MAX;
	if (value.len > 0 && (err = take_date(value, &settings->vacation.until_s)) == 0)
		settings->vacation.until_s += 86400;
	return err;
}

static int take_vacation_days(struct mr_span value, struct mr_user_settings *settings)
{
	uint64_t days;

	if (mr_span_u64(value, MR_VACATION_DAYS_MAX, &days) < 0 || days == 0)
		return MR_EINVAL;
	settings->vacation.days = (int)days;
	return 0;
}

/* Only a name: what the MTA is told stands in the settings of the operator. */
static int take_transport(struct mr_span value, struct mr_user_settings *settings MR_UNUSED)
{
	return value.len <= MR_TRANSPORT_MAX &&
			       mr_span_only(value, MR_ALNUM | MR_HYPHEN | MR_UNDERSCORE)
		       ? 0
		       : MR_EINVAL;
}

#define YES  "yes or no"
#define DATE "a date, such as 2026-12-24"

static const struct {
	const char *name, *dflt, *why;
	take_fn *take;
} rows[MR_USER_SETTINGS] = {
	[MR_USER_SPAM] = { "spam", "folder", "folder, tag or inbox", take_spam },
	[MR_USER_SPAM_TAG] = { "spam_tag", "[SPAM]",
			       "1 to 40 octets of text, without blanks at its ends", take_tag },
	[MR_USER_SPAM_THRESHOLD] = { "spam_threshold", "5",
				     "points from 0 to 100, such as 4.5; 5 is the filter's own",
				     take_threshold },
	[MR_USER_SPAM_REJECT] = { "spam_reject", "yes", YES, take_spam_reject },
	[MR_USER_SPAM_EXPIRE_DAYS] = { "spam_expire_days", "0", "days from 1 to 3650; 0: never",
				       take_days },
	[MR_USER_QUOTA] = { "quota", "0", OCTETS, take_quota },
	[MR_USER_QUOTA_MESSAGES] = { "quota_messages", "0", NUMBER, take_quota_messages },
	[MR_USER_QUOTA_GRACE_HOURS] = { "quota_grace_hours", "24", "hours from 0 to 8760",
					take_grace },
	[MR_USER_DOMAIN_QUOTA] = { "domain_quota", "0", OCTETS, take_domain_quota },
	[MR_USER_DOMAIN_QUOTA_MESSAGES] = { "domain_quota_messages", "0", NUMBER,
					    take_domain_quota_messages },
	[MR_USER_SEND_MESSAGES] = { "send_messages", "60/300/1500", WINDOWS, take_send_messages },
	[MR_USER_SEND_RECIPIENTS] = { "send_recipients", "200/1000/3000", WINDOWS,
				      take_send_recipients },
	[MR_USER_SEND_OVER] = { "send_over", "defer", "defer or reject", take_send_over },
	[MR_USER_DOMAIN_SEND_MESSAGES] = { "domain_send_messages", "0/0/0", WINDOWS,
					   take_domain_send_messages },
	[MR_USER_DOMAIN_SEND_RECIPIENTS] = { "domain_send_recipients", "0/0/0", WINDOWS,
					     take_domain_send_recipients },
	[MR_USER_TRANSPORT] = { "transport", "",
				"a name of map_transports, of 32 letters and digits at most",
				take_transport },
	[MR_USER_FORWARD] = { "forward", "", "1 to 20 addresses, separated by commas",
			      take_forward },
	[MR_USER_FORWARD_KEEP] = { "forward_keep", "yes", YES, take_forward_keep },
	[MR_USER_FORWARD_SPAM] = { "forward_spam", "no", YES, take_forward_spam },
	[MR_USER_VACATION] = { "vacation", "no", YES, take_vacation },
	[MR_USER_VACATION_TEXT] = { "vacation_text", "", "text of 16384 octets at most",
				    take_vacation_text },
	[MR_USER_VACATION_SUBJECT] = { "vacation_subject", "", "a line of 200 octets at most",
				       take_vacation_subject },
	[MR_USER_VACATION_FROM] = { "vacation_from", "", DATE, take_vacation_from },
	[MR_USER_VACATION_UNTIL] = { "vacation_until", "", DATE, take_vacation_until },
	[MR_USER_MAILBOX] = { "mailbox", "maildir", "maildir or handover", take_mailbox },
	[MR_USER_VACATION_DAYS] = { "vacation_days", "7", "days from 1 to 365",
				    take_vacation_days },
};

const char *mr_user_setting_name(enum mr_user_setting setting)
{
	return rows[setting].name;
}

const char *mr_setting_scope_name(enum mr_setting_scope scope)
{
	static const char *const names[] = {
		[MR_SCOPE_DEFAULT] = "default",
		[MR_SCOPE_ALL] = "all",
		[MR_SCOPE_DOMAIN] = "domain",
		[MR_SCOPE_USER] = "user",
	};

	return names[scope];
}

/* MR_USER_SETTINGS: no such name. */
static enum mr_user_setting setting_of(struct mr_span name)
{
	enum mr_user_setting i = 0;

	while (i < MR_USER_SETTINGS && !mr_span_eq(name, mr_span_str(rows[i].name)))
		i++;
	return i;
}

static bool is_shared(enum mr_user_setting i)
{
	return i == MR_USER_DOMAIN_QUOTA || i == MR_USER_DOMAIN_QUOTA_MESSAGES ||
	       i == MR_USER_DOMAIN_SEND_MESSAGES || i == MR_USER_DOMAIN_SEND_RECIPIENTS ||
	       i == MR_USER_TRANSPORT;
}

bool mr_user_setting_is_shared(struct mr_span name)
{
	return is_shared(setting_of(name));
}

static bool is_own(enum mr_user_setting i)
{
	return i == MR_USER_FORWARD || (i >= MR_USER_VACATION && i <= MR_USER_VACATION_UNTIL);
}

bool mr_user_setting_is_own(struct mr_span name)
{
	return is_own(setting_of(name));
}

int mr_user_setting_check(struct mr_span name, struct mr_span value, const char **why_out)
{
	enum mr_user_setting i = setting_of(name);
	struct mr_user_settings ignored;

	if (i == MR_USER_SETTINGS) {
		*why_out = "settings are spam, spam_tag, spam_threshold, spam_reject, "
			   "spam_expire_days, quota,"
			   " quota_messages, quota_grace_hours, domain_quota,"
			   " domain_quota_messages, send_messages, send_recipients, send_over,"
			   " domain_send_messages, domain_send_recipients, transport, forward, "
			   "forward_keep,"
			   " forward_spam, vacation, vacation_text, vacation_subject,"
			   " vacation_from, vacation_until, vacation_days,"
			   " mailbox";
		return MR_ENOENT;
	}
	if (i == MR_USER_SPAM && mr_span_eq(value, MR_SPAN("digest"))) {
		*why_out = "a daily digest comes with the web pages; for now: folder, tag or inbox";
		return MR_EINVAL;
	}
	*why_out = rows[i].why;
	return rows[i].take(value, &ignored);
}

void mr_user_settings_default(struct mr_user_settings *settings_out)
{
	for (unsigned i = 0; i < MR_USER_SETTINGS; i++) {
		settings_out->text[i] = mr_span_str(rows[i].dflt);
		settings_out->scope[i] = MR_SCOPE_DEFAULT;
		MR_ASSERT(rows[i].take(settings_out->text[i], settings_out) == 0);
	}
}

struct get {
	struct mr_arena *arena;
	struct mr_user_settings settings;
};

/* From the widest scope to the narrowest, so the last one counts. */
static int get_each(void *arg, struct mr_span local, struct mr_span domain, struct mr_span name,
		    struct mr_span value)
{
	struct get *get = arg;
	enum mr_user_setting i = setting_of(name);
	int err;

	if (i == MR_USER_SETTINGS || (is_shared(i) && local.len > 0) ||
	    (is_own(i) && local.len == 0))
		return 0;
	if ((err = mr_arena_dup(get->arena, value, &value)) < 0)
		return err;
	if (rows[i].take(value, &get->settings) < 0)
		return 0;
	get->settings.text[i] = value;
	get->settings.scope[i] = local.len > 0    ? MR_SCOPE_USER
				 : domain.len > 0 ? MR_SCOPE_DOMAIN
						  : MR_SCOPE_ALL;
	return 0;
}

int mr_user_settings_get(struct mr_store *store, struct mr_span local, struct mr_span domain,
			 struct mr_arena *arena, struct mr_user_settings *settings_out)
{
	struct get get = { .arena = arena };
	int err;

	mr_user_settings_default(&get.settings);
	err = mr_store_setting_each(store, local, domain, get_each, &get);
	if (err == 0)
		*settings_out = get.settings;
	return err;
}
