#include "lda/mapd/limit.h"

#include <inttypes.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_name.h"

/* -- who sends -------------------------------------------------------------------------------- */

static int odd_account(struct mr_span account, char out[MR_LIMIT_OWNER_MAX + 1])
{
	bool utf8 = mr_utf8_valid(account);

	if (account.len >= MR_LIMIT_OWNER_MAX)
		return MR_ELIMIT;
	/* "?" before it: it must not count as a domain, or as somebody's address. */
	out[0] = '?';
	for (size_t i = 0; i < account.len; i++) {
		char c = mr_lower(account.p[i]);

		out[1 + i] = mr_is(c, MR_CTL | MR_CRLF) || (!utf8 && mr_is(c, MR_HIGH)) ? '?' : c;
	}
	out[1 + account.len] = '\0';
	return 0;
}

int mr_limit_account(struct mr_span account, const char *default_domain,
		     char out[MR_LIMIT_OWNER_MAX + 1], struct mr_span *local_out,
		     struct mr_span *domain_out)
{
	char name[MR_NAME_DOMAIN_MAX + 1];
	struct mr_span local = account, domain = mr_span_str(default_domain);
	int local_len, domain_len, err;

	if (mr_span_find(account, '@') < account.len && mr_name_split(account, &local, &domain) < 0)
		domain = MR_SPAN("");
	local_len = mr_name_local(local, name);
	if (local_len > 0)
		memcpy(out, name, (size_t)local_len);
	domain_len = mr_name_domain(domain, name);
	if (local_len <= 0 || domain_len <= 0) {
		if ((err = odd_account(account, out)) < 0)
			return err;
		*local_out = *domain_out = MR_SPAN("");
		return 0;
	}
	out[local_len] = '@';
	memcpy(out + local_len + 1, name, (size_t)domain_len + 1);
	*local_out = mr_span(out, (size_t)local_len);
	*domain_out = mr_span(out + local_len + 1, (size_t)domain_len);
	return 0;
}
_Static_assert(MR_NAME_LOCAL_MAX + 1 + MR_NAME_DOMAIN_MAX <= MR_LIMIT_OWNER_MAX, "an owner");

static bool any(const struct mr_sent max[MR_LIMIT_WINDOWS])
{
	for (unsigned w = 0; w < MR_LIMIT_WINDOWS; w++) {
		if (max[w].messages > 0 || max[w].recipients > 0)
			return true;
	}
	return false;
}

/* domain is "@example.org". It is counted where it has a limit: its counts are changed by all its accounts. */
static void limit_fill(struct mr_send_limit *l, const struct mr_user_settings *s,
		       struct mr_span account, struct mr_span domain)
{
	l->owner[MR_LIMIT_ACCOUNT].name = account;
	memcpy(l->owner[MR_LIMIT_ACCOUNT].max, s->send, sizeof(s->send));
	if (domain.len > 0 && any(s->domain_send)) {
		l->owner[MR_LIMIT_DOMAIN].name = domain;
		memcpy(l->owner[MR_LIMIT_DOMAIN].max, s->domain_send, sizeof(s->domain_send));
	}
}

static void verdict_away(struct mr_limit_verdict *v, int err)
{
	v->err = err;
	v->code = 451;
	v->status = "4.3.0"; /* RFC 3463 3.4: other or undefined mail system status */
	snprintf(v->text, sizeof(v->text), "Cannot tell now how much was sent; try again later");
}

/* Which may be said to a thief, too. */
static void verdict_over(struct mr_limit_verdict *v, const struct mr_send_limit *l, bool reject)
{
	static const char *const windows[MR_LIMIT_WINDOWS] = { "in a short time", "an hour",
							       "a day" };
	const struct mr_limit_owner *owner = &l->owner[l->over_owner];
	const struct mr_sent *max = &owner->max[l->over_window];
	int64_t number = l->over_recipients ? max->recipients : max->messages;
	const char *what = l->over_recipients ? "recipients" : "messages";

	v->over = true;
	v->tell = l->tell;
	(void)!mr_span_copyz(owner->name, v->owner, sizeof(v->owner));
	/* It will not become less by waiting. RFC 3463 3.6: too many recipients. */
	if (l->over_recipients && l->recipients > number) {
		v->code = 550;
		v->status = "5.5.3";
		snprintf(v->text, sizeof(v->text),
			 "Too many recipients in one message: %" PRId64 " at most", number);
		return;
	}
	/* RFC 3463 3.8: delivery not authorized, message refused. */
	v->code = reject ? 550 : 450;
	v->status = reject ? "5.7.1" : "4.7.1";
	snprintf(v->text, sizeof(v->text), "Too many %s%s: %" PRId64 " %s%s", what,
		 l->over_owner == MR_LIMIT_DOMAIN ? " from this domain" : "", number,
		 windows[l->over_window], reject ? "" : "; try again later");
}

void mr_limit_sender(const struct mr_limit_table *table, const struct mr_settings *set,
		     struct mr_span account, int64_t recipients, bool count, struct mr_arena *arena,
		     struct mr_limit_verdict *verdict_out)
{
	/* "@" before the domain makes its name as an owner. */
	char name[MR_LIMIT_OWNER_MAX + 1], at_domain[MR_NAME_DOMAIN_MAX + 2] = "";
	struct mr_span local, domain;
	struct mr_user_settings settings;
	struct mr_send_limit limit = {
		.length_s = { set->policy_burst_s, set->policy_hour_s, set->policy_day_s },
		.recipients = recipients > 0 ? recipients : 1,
		.now_s = table->clock.time_s(table->clock.arg),
		.tell_s = set->policy_tell_s,
	};
	int err = mr_limit_account(account, set->lmtp_default_domain, name, &local, &domain);

	*verdict_out = (struct mr_limit_verdict){ .status = "" };
	if (err == 0)
		err = table->settings(table->arg, local, domain, arena, &settings);
	if (err == 0) {
		if (domain.len > 0)
			snprintf(at_domain, sizeof(at_domain), "@%.*s", (int)domain.len, domain.p);
		limit_fill(&limit, &settings, mr_span_str(name), mr_span_str(at_domain));
		err = count ? table->take(table->arg, &limit) : table->peek(table->arg, &limit);
		/* Who is refused at RCPT never comes to DATA, where take() would tell. */
		if (err == 0 && !count && limit.over)
			err = table->tell(table->arg, &limit);
	}
	if (err < 0)
		verdict_away(verdict_out, err);
	else if (limit.over)
		verdict_over(verdict_out, &limit, settings.send_reject);
}

/* -- who receives ----------------------------------------------------------------------------- */

static void verdict_full(struct mr_limit_verdict *v, bool for_good, bool whole)
{
	/* RFC 3463 3.3: mailbox full. */
	v->code = for_good ? 552 : 452;
	v->status = for_good ? "5.2.2" : "4.2.2";
	snprintf(v->text, sizeof(v->text), "%s",
		 whole ? "Mailboxes of this domain are full" : "Mailbox is full");
}

static int recipient(const struct mr_limit_table *table, struct mr_span address,
		     struct mr_quota_ask *ask, struct mr_arena *arena, struct mr_limit_verdict *v)
{
	int64_t now_s = table->clock.time_s(table->clock.arg), since_s;
	struct mr_user_settings settings;
	struct mr_span local, domain;
	struct mr_user user;
	enum mr_quota_fit fit;
	int err;

	if (mr_name_split(address, &local, &domain) < 0)
		return 0; /* "postmaster": the MTA's own */
	if ((err = table->mailbox(table->arg, local, domain, arena, &user)) < 0 ||
	    (err = table->settings(table->arg, user.local, user.domain, arena, &settings)) < 0)
		return err;
	ask->user = settings.quota;
	ask->domain = settings.domain_quota;
	if (!mr_limit_is_none(ask->user))
		err = table->usage(table->arg, user.local, user.domain, &ask->user_used);
	if (err == 0 && !mr_limit_is_none(ask->domain))
		err = table->usage(table->arg, MR_SPAN(""), user.domain, &ask->domain_used);
	fit = err == 0 ? mr_quota_fits(ask) : MR_QUOTA_FITS;
	if (fit == MR_QUOTA_FITS)
		return err;
	if (fit == MR_QUOTA_NEVER_FITS) {
		v->code = 552;
		v->status = "5.2.3"; /* RFC 3463 3.3: message length exceeds administrative limit */
		snprintf(v->text, sizeof(v->text), "Message is larger than the mailbox may be");
		return 0;
	}
	err = table->over(table->arg, fit == MR_QUOTA_DOMAIN_FULL ? MR_SPAN("") : user.local,
			  user.domain, now_s, &since_s);
	verdict_full(v, err == 0 && mr_quota_grace_over(since_s, settings.quota_grace_hours, now_s),
		     fit == MR_QUOTA_DOMAIN_FULL);
	return err;
}

void mr_limit_recipient(const struct mr_limit_table *table, struct mr_span address, int64_t size,
			bool no_sender, struct mr_arena *arena,
			struct mr_limit_verdict *verdict_out)
{
	struct mr_quota_ask ask = { .size = size, .no_sender = no_sender };
	struct mr_limit_verdict v = { .status = "" };
	int err = recipient(table, address, &ask, arena, &v);

	/* Nobody of ours, or a name that nobody can have. */
	if (err != MR_ENOENT && err != MR_EINVAL && err != MR_ELIMIT && err != MR_EPERM)
		v.err = err;
	*verdict_out = v;
}
