/* What a header says about whether it may be answered, and the decision. */
#include "lda/lmtpd/vacation.h"
#include "lib/base/mr_err.h"

#define SUBJECT_MAX 1000 /* octets, as written */
#define ID_MAX      250 /* octets of a message id */
#define REFS_COUNT  20

/* -- message ids ------------------------------------------------------------------------------ */

/* RFC 5322 3.6.4: msg-id, as something of one line that we can write again. */
static bool id_next(struct mr_cur *c, struct mr_span *id_out)
{
	while (mr_cur_left(c) > 0) {
		struct mr_span rest, id;
		size_t end;

		(void)mr_cur_until(c, '<');
		rest = mr_cur_rest(c);
		end = mr_span_find(rest, '>');
		if (end == rest.len)
			return false;
		id = mr_span_sub(rest, 0, end + 1);
		mr_cur_skip(c, id.len);
		if (id.len <= ID_MAX && id.len > 2 &&
		    mr_span_only(id, (unsigned)~(MR_HIGH | MR_CTL | MR_FWS))) {
			*id_out = id;
			return true;
		}
	}
	return false;
}

/* The last ones that fit, since they are nearest. */
static int references_take(struct mr_span value, struct mr_arena *arena, struct mr_span *out)
{
	struct mr_span ring[REFS_COUNT], id;
	struct mr_cur c = mr_cur(value);
	size_t count = 0, first;
	MR_AUTO_BUF text = MR_BUF(MR_VACATION_REFS_MAX + REFS_COUNT * (ID_MAX + 1));

	while (id_next(&c, &id))
		ring[count++ % REFS_COUNT] = id;
	first = count > REFS_COUNT ? count - REFS_COUNT : 0;
	for (size_t i = first, left = 0; i < count; i++, left = 0) {
		for (size_t k = i; k < count; k++)
			left += ring[k % REFS_COUNT].len + 1;
		if (left > MR_VACATION_REFS_MAX)
			continue;
		if (text.len > 0)
			(void)mr_buf_addc(&text, ' ');
		(void)mr_buf_add(&text, ring[i % REFS_COUNT]);
	}
	return mr_buf_err(&text) < 0 ? MR_ENOMEM : mr_arena_dup(arena, mr_buf_span(&text), out);
}

/* -- fields ----------------------------------------------------------------------------------- */

struct reading {
	struct mr_vacation_mail mail;
	struct mr_addr *addr;
	struct mr_arena *arena;
	bool subject, references;
};

static int take_auto(struct reading *r, struct mr_span value)
{
	/* RFC 3834 5: auto-submitted-type, then parameters and comments */
	struct mr_cur c = mr_cur(value);
	struct mr_span word = mr_cur_take(mr_cur_fws(&c), MR_ALPHA | MR_HYPHEN);

	if (!mr_span_eq_nocase(word, MR_SPAN("no")))
		r->mail.automatic = true;
	return 0;
}

static int take_list(struct reading *r, struct mr_span value MR_UNUSED)
{
	r->mail.list = true;
	return 0;
}

static int take_precedence(struct reading *r, struct mr_span value)
{
	static const struct mr_span words[] = { MR_SPAN("bulk"), MR_SPAN("list"), MR_SPAN("junk") };

	if (mr_span_among_nocase(mr_span_trim(value), words, MR_COUNT(words)))
		r->mail.bulk = true;
	return 0;
}

/* Exchange's: all that is not "None" says that no answer is wanted (MS-OXCMAIL 2.1.3.2.20). */
static int take_suppress(struct reading *r, struct mr_span value)
{
	static const struct mr_span oof[] = { MR_SPAN("All"), MR_SPAN("OOF"),
					      MR_SPAN("AutoReply") };
	struct mr_span one;

	while (value.len > 0) {
		(void)mr_span_split(value, ',', &one, &value);
		if (mr_span_among_nocase(mr_span_trim(one), oof, MR_COUNT(oof)))
			r->mail.automatic = true;
	}
	return 0;
}

static int take_addresses(struct reading *r, struct mr_span value)
{
	size_t room = MR_VACATION_ADDRS_MAX - r->mail.addr_count;
	const struct mr_addr *addr;
	int count = room > 0 ? mr_addr_parse(value, room, r->arena, &addr) : 0;

	for (int i = 0; i < count; i++) {
		struct mr_addr *kept = &r->addr[r->mail.addr_count++];

		if (mr_arena_dup(r->arena, addr[i].local, &kept->local) < 0 ||
		    mr_arena_dup(r->arena, addr[i].domain, &kept->domain) < 0)
			return MR_ENOMEM;
	}
	return count < 0 ? count : 0;
}

static int take_id(struct reading *r, struct mr_span value)
{
	struct mr_cur c = mr_cur(value);
	struct mr_span id;

	if (r->mail.message_id.len > 0 || !id_next(&c, &id))
		return 0;
	return mr_arena_dup(r->arena, id, &r->mail.message_id);
}

static int take_references(struct reading *r, struct mr_span value)
{
	r->references = true;
	return references_take(value, r->arena, &r->mail.references);
}

static int take_in_reply_to(struct reading *r, struct mr_span value)
{
	return r->references ? 0 : references_take(value, r->arena, &r->mail.references);
}

static int take_subject(struct reading *r, struct mr_span value)
{
	if (r->subject)
		return 0;
	r->subject = true;
	return mr_arena_dup(r->arena, mr_span_sub(value, 0, SUBJECT_MAX), &r->mail.subject);
}

static const struct {
	struct mr_span name;
	int (*take)(struct reading *r, struct mr_span value);
} fields[] = {
	{ MR_SPAN("Auto-Submitted"), take_auto },
	{ MR_SPAN("X-Auto-Response-Suppress"), take_suppress },
	/* RFC 2369, RFC 2919; what list managers wrote before them */
	{ MR_SPAN("Mailing-List"), take_list },
	{ MR_SPAN("X-Mailing-List"), take_list },
	{ MR_SPAN("X-Loop"), take_list },
	{ MR_SPAN("Precedence"), take_precedence },
	{ MR_SPAN("To"), take_addresses },
	{ MR_SPAN("Cc"), take_addresses },
	{ MR_SPAN("Bcc"), take_addresses },
	{ MR_SPAN("Resent-To"), take_addresses },
	{ MR_SPAN("Resent-Cc"), take_addresses },
	{ MR_SPAN("Resent-Bcc"), take_addresses },
	{ MR_SPAN("Message-ID"), take_id },
	{ MR_SPAN("References"), take_references },
	{ MR_SPAN("In-Reply-To"), take_in_reply_to },
	{ MR_SPAN("Subject"), take_subject },
};

static int take_field(struct reading *r, struct mr_span name, struct mr_span value)
{
	int err = 0;

	if (mr_span_has_prefix_nocase(name, MR_SPAN("List-")))
		return take_list(r, value);
	for (size_t i = 0; i < MR_COUNT(fields) && err == 0; i++) {
		if (mr_span_eq_nocase(name, fields[i].name))
			err = fields[i].take(r, value);
	}
	return err;
}

int mr_vacation_read(struct mr_span content, struct mr_arena *arena,
		     struct mr_vacation_mail *mail_out)
{
	struct reading r = { .arena = arena };
	struct mr_cur c = mr_cur(content);
	struct mr_span name, value;
	int err = 0;

	r.addr = mr_arena_array(arena, MR_VACATION_ADDRS_MAX, sizeof(*r.addr));
	if (!r.addr)
		return MR_ENOMEM;
	while (err == 0 && mr_head_next(&c, &name, &value))
		err = take_field(&r, name, value);
	r.mail.addr = r.addr;
	if (err == 0)
		*mail_out = r.mail;
	return err;
}

/* -- the decision ----------------------------------------------------------------------------- */

/* RFC 3834 2: no answers to these; the last three are programs that nobody reads answers to. */
static bool is_robot(struct mr_span local)
{
	static const struct mr_span names[] = { MR_SPAN("mailer-daemon"), MR_SPAN("listserv"),
						MR_SPAN("majordomo"),     MR_SPAN("noreply"),
						MR_SPAN("no-reply"),      MR_SPAN("bounce"),
						MR_SPAN("bounces") };

	return mr_span_among_nocase(local, names, MR_COUNT(names)) ||
	       mr_span_has_prefix_nocase(local, MR_SPAN("owner-")) ||
	       mr_span_has_suffix_nocase(local, MR_SPAN("-request")) ||
	       mr_span_has_suffix_nocase(local, MR_SPAN("-owner"));
}

enum mr_vacation_why mr_vacation_decide(const struct mr_user_settings *settings,
					const struct mr_vacation_mail *mail,
					const struct mr_smtp_path *from, struct mr_span local,
					struct mr_span domain, bool spam, int64_t now_s)
{
	if (!settings->vacation.on || settings->vacation.text.len == 0 ||
	    now_s < settings->vacation.from_s || now_s >= settings->vacation.until_s)
		return MR_VACATION_OFF;
	if (spam)
		return MR_VACATION_SPAM;
	if (from->local.len == 0 || from->domain.len == 0)
		return MR_VACATION_NULL_SENDER;
	if (is_robot(from->local))
		return MR_VACATION_ROBOT;
	if (mr_span_eq_nocase(from->local, local) && mr_span_eq_nocase(from->domain, domain))
		return MR_VACATION_SELF;
	if (mail->automatic)
		return MR_VACATION_AUTOMATIC;
	if (mail->list)
		return MR_VACATION_LIST;
	return mail->bulk ? MR_VACATION_BULK : MR_VACATION_ANSWER;
}
