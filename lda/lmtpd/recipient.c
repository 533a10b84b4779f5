#include "lda/lmtpd/recipient.h"

#include "lda/lmtpd/deliver.h"
#include "lda/lmtpd/forward.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"
#include "lib/run/mr_srs_ask.h"

#define ADDRESS_MAX 65536 /* a command line at most */

static const struct mr_lmtp_reply no_user = { 550, "5.1.1", "No such user" };
static const struct mr_lmtp_reply no_domain = { 550, "5.1.2", "No such domain" };
static const struct mr_lmtp_reply disabled = { 450, "4.2.1", "Mailbox is disabled" };
static const struct mr_lmtp_reply no_directory = { 451, "4.3.0", "Directory of users is away" };
static const struct mr_lmtp_reply no_memory = { 451, "4.3.0", "Out of memory" };
static const struct mr_lmtp_reply aliases_wrong = { 451, "4.3.5",
						    "Aliases lead nowhere, or to too many" };
/* RFC 3463 3.4: system incorrectly configured: an operator mends it. */
static const struct mr_lmtp_reply no_reinject = { 451, "4.3.5",
						  "Mail cannot be sent on: no reinject is set" };
/* RFC 3463 3.8: the address gives no right to send there. */
static const struct mr_lmtp_reply srs_forged = { 550, "5.7.1", "Address is forged or too old" };
static const struct mr_lmtp_reply srs_no_bounce = { 550, "5.7.1",
						    "Only bounces come to this address" };
static const struct mr_lmtp_reply srs_away = { 451, "4.3.0", "Address cannot be checked now" };
static const struct mr_lmtp_reply accepted = { 250, "2.1.5", "OK" };

/* The field's value must be one line that is read as it was written. */
static int address_put(const struct mr_resolve_mailbox *m, struct mr_arena *arena,
		       struct mr_span *address_out)
{
	MR_AUTO_BUF local = MR_BUF(ADDRESS_MAX);
	MR_AUTO_BUF address = MR_BUF(2 * ADDRESS_MAX);

	(void)mr_buf_add(&local, m->user.local);
	if (m->separator) {
		(void)mr_buf_addc(&local, m->separator);
		(void)mr_buf_add(&local, m->detail);
	}
	mr_smtp_path_put(&address, mr_buf_span(&local), m->user.domain);
	if (mr_buf_err(&local) < 0 || mr_buf_err(&address) < 0)
		return MR_ENOMEM;
	return mr_arena_dup(arena, mr_buf_span(&address), address_out);
}

static int settings_get(const struct mr_deliver *d, struct mr_arena *arena,
			struct mr_target *target)
{
	return d->directory.settings(d->directory.arg, target->local, target->domain, arena,
				     &target->settings);
}

/* One mailbox of ours. */
static int mailbox_make(const struct mr_deliver *d, const struct mr_resolve_mailbox *m,
			struct mr_arena *arena, struct mr_target *target)
{
	int err;

	target->mailbox =
		mr_arena_printf(arena, "%.*s/%.*s", (int)m->user.domain.len, m->user.domain.p,
				(int)m->user.local.len, m->user.local.p);
	if (!target->mailbox || mr_arena_dup(arena, m->detail, &target->detail) < 0 ||
	    address_put(m, arena, &target->address) < 0)
		return MR_ENOMEM;
	target->local = m->user.local;
	target->domain = m->user.domain;
	if ((err = settings_get(d, arena, target)) < 0)
		return err;
	return mr_forward_wanted(target, arena);
}

/* The alias's own address, as it would be spelled in the directory. */
static int alias_address(struct mr_span local, struct mr_span domain, struct mr_arena *arena,
			 struct mr_target *target)
{
	char name[MR_NAME_LOCAL_MAX + 1], host[MR_NAME_DOMAIN_MAX + 1];
	struct mr_resolve_mailbox m = { .separator = 0 };
	int err;

	if (mr_name_domain(domain, host) <= 0)
		return MR_EPERM;
	/* One that leads to a catch-all need not be a name that a user can have. */
	m.user.local = mr_name_local(local, name) > 0 ? mr_span_str(name) : local;
	m.user.domain = mr_span_str(host);
	if ((err = mr_arena_dup(arena, m.user.domain, &target->domain)) < 0)
		return err;
	return address_put(&m, arena, &target->address);
}

/* Several addresses, or one outside. */
static int alias_make(const struct mr_deliver *d, struct mr_span local, struct mr_span domain,
		      const struct mr_resolved *r, struct mr_arena *arena, struct mr_target *target)
{
	size_t count = r->mailbox_count + r->outside_count;
	int err = alias_address(local, domain, arena, target);

	if (err < 0)
		return err;
	target->onward = mr_arena_array(arena, count, sizeof(*target->onward));
	if (!target->onward)
		return MR_ENOMEM;
	for (size_t i = 0; i < r->mailbox_count; i++) {
		if (address_put(&r->mailbox[i], arena, &target->onward[i]) < 0)
			return MR_ENOMEM;
	}
	for (size_t i = 0; i < r->outside_count; i++)
		target->onward[r->mailbox_count + i] = r->outside[i];
	target->onward_count = count;
	target->ours_count = r->mailbox_count;
	target->local = MR_SPAN("");
	return settings_get(d, arena, target);
}

static struct mr_lmtp_reply reply_of(int err)
{
	switch (err) {
	case 0:
		return accepted;
	case MR_ENOENT:
		return no_user;
	case MR_EPERM:
		return no_domain;
	case MR_ELIMIT:
		return aliases_wrong;
	case MR_ENOMEM:
		return no_memory;
	default:
		return no_directory;
	}
}

/* A bounce comes back to who it is for: the sender whose mail we sent on. */
static void srs_rcpt(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
		     struct mr_lmtp_rcpt *rcpt, struct mr_target *target)
{
	int64_t now_s = d->clock.time_s(d->clock.arg);
	int err;

	/* What has a sender could be anybody's mail to an address that somebody saw. */
	if (mail->mail.from.text.len > 0) {
		rcpt->reply = srs_no_bounce;
		return;
	}
	target->onward = mr_arena_array(mail->arena, 1, sizeof(*target->onward));
	err = target->onward ? mr_srs_ask_reverse(mail->set, rcpt->path.local, now_s, mail->arena,
						  target->onward)
			     : MR_ENOMEM;
	target->onward_count = 1;
	target->bounce = true;
	target->address = rcpt->path.text;
	target->local = MR_SPAN("");
	target->domain = rcpt->path.domain;
	mr_user_settings_default(&target->settings);
	if (err == MR_ENOENT || err == MR_EPERM || err == MR_ELIMIT)
		rcpt->reply = srs_forged;
	else if (err < 0)
		rcpt->reply = err == MR_ENOMEM ? no_memory : srs_away;
	else
		rcpt->reply = accepted;
}

static void name_rcpt(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
		      struct mr_lmtp_rcpt *rcpt, struct mr_target *target)
{
	struct mr_span local = rcpt->path.local, domain = rcpt->path.domain;
	struct mr_resolved r;
	bool one;
	int err;

	if (domain.len == 0)
		domain = mr_span_str(mail->set->lmtp_default_domain);
	err = mr_resolve(&d->directory.names, mail->set->recipient_separator, local, domain,
			 mail->arena, &r);
	if (err < 0) {
		rcpt->reply = reply_of(err);
		return;
	}
	one = r.mailbox_count == 1 && r.outside_count == 0;
	if (one && r.mailbox[0].user.disabled) {
		rcpt->reply = disabled;
		return;
	}
	err = one ? mailbox_make(d, &r.mailbox[0], mail->arena, target)
		  : alias_make(d, local, domain, &r, mail->arena, target);
	rcpt->reply = err < 0 && err != MR_ENOMEM ? no_directory : reply_of(err);
	/* What is only sent on needs no room. */
	if (err == 0 && target->mailbox && (target->keep || target->onward_count == 0))
		(void)mr_recipient_has_room(d, mail, target, -1, (int64_t)mail->mail.size,
					    &rcpt->reply);
}

void mr_recipient(const struct mr_deliver *d, struct mr_lmtp_mail *mail, struct mr_lmtp_rcpt *rcpt)
{
	struct mr_target *target = mr_arena_alloc(mail->arena, sizeof(*target));

	rcpt->memo = target;
	if (!target)
		rcpt->reply = no_memory;
	else if (mr_srs_ask_is(mail->set, rcpt->path.local, rcpt->path.domain))
		srs_rcpt(d, mail, rcpt, target);
	else
		name_rcpt(d, mail, rcpt, target);
	if (rcpt->reply.code < 300 && target->onward_count > 0 && !mr_own_able(d->own))
		rcpt->reply = no_reinject;
}

/* The message has been at this address. */
static bool was_at(struct mr_span address, const struct mr_head *head)
{
	for (size_t i = 0; i < head->delivered_count; i++) {
		if (mr_span_eq_nocase(head->delivered[i], address))
			return true;
	}
	return false;
}

void mr_recipient_look(struct mr_target *target, const struct mr_head *head)
{
	size_t left = 0, ours = 0;

	target->loop = was_at(target->address, head);
	for (size_t i = 0; i < target->onward_count; i++) {
		if (was_at(target->onward[i], head))
			continue;
		ours += i < target->ours_count;
		target->onward[left++] = target->onward[i];
	}
	target->onward_count = left;
	target->ours_count = ours;
	/* Round and round: whom a mailbox can keep it for has it now, all others are told. */
	if (head->forwarded_count >= MR_FORWARD_HOPS_MAX ||
	    head->received_count >= MR_FORWARD_RECEIVED_MAX)
		target->onward_count = 0;
	if (target->onward_count == 0) {
		target->keep = true;
		target->loop = target->loop || !target->mailbox;
	}
}
