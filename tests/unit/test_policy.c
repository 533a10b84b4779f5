/* What mapd says to a message before it is taken: send limits, full mailboxes, and the two protocols that ask. */
#include "lda/mapd/limit.h"
#include "lda/mapd/notice.h"
#include "lda/mapd/policy.h"
#include "lib/base/mr_err.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define S(text) mr_span_str(text)
#define START   1728000000

/* -- the protocol ----------------------------------------------------------------------------- */

#define REQUEST "request=smtpd_access_policy\n"

MR_TEST(policy_frame)
{
	static const struct {
		const char *in;
		int want;
	} rows[] = {
		{ "", 0 },
		{ "a=b\n", 0 },
		{ "a=b\n\n", 5 },
		{ "a=b\n\nc=d\n\n", 5 },
		{ "a=\n\n\n", 4 },
		{ "\n\n", MR_EINVAL },
		{ "=x\n\n", MR_EINVAL },
		{ "\x16\x03\x01", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		size_t len = 0;
		int err;

		MR_NEED(t, in);
		err = mr_policy_frame(mr_block_span(in), &len);
		MR_CHECK_INT(t, rows[i].want, err < 0 ? err : (int)len);
	}
}

MR_TEST(policy_parse)
{
	static const struct {
		const char *in;
		int want;
		enum mr_policy_state state;
		const char *account, *recipient;
		int64_t recipients, size;
	} rows[] = {
		/* As in SMTPD_POLICY_README, with more of Postfix 3.7's attributes. */
		{ REQUEST
		  "protocol_state=RCPT\nprotocol_name=SMTP\nhelo_name=some.domain.tld\n"
		  "queue_id=8045F2AB23\nsender=foo@bar.tld\nrecipient=bar@foo.tld\n"
		  "recipient_count=0\nclient_address=1.2.3.4\nsasl_method=plain\n"
		  "sasl_username=you\nsasl_sender=\nsize=12345\ncompatibility_level=3.6\n\n",
		  0, MR_POLICY_RCPT, "you", "bar@foo.tld", 0, 12345 },
		{ REQUEST "protocol_state=DATA\nrecipient_count=7\n\n", 0, MR_POLICY_DATA, "", "",
		  7, 0 },
		{ REQUEST "protocol_state=END-OF-MESSAGE\nsize=\n\n", 0, MR_POLICY_DATA, "", "", 0,
		  0 },
		{ "protocol_state=MAIL\n" REQUEST "\n", 0, MR_POLICY_OTHER, "", "", 0, 0 },
		{ REQUEST "protocol_state=NEWS\n\n", 0, MR_POLICY_OTHER, "", "", 0, 0 },
		{ REQUEST "\n", 0, MR_POLICY_OTHER, "", "", 0, 0 },
		/* README: "may keep the first value or the last". */
		{ REQUEST "sasl_username=ann\nsasl_username=bob\n\n", 0, MR_POLICY_OTHER, "ann", "",
		  0, 0 },
		{ REQUEST "sasl_username=\nsasl_username=bob\n\n", 0, MR_POLICY_OTHER, "", "", 0,
		  0 },
		/* A value may hold anything else. */
		{ REQUEST "sasl_username=a=b c\xff\n\n", 0, MR_POLICY_OTHER, "a=b c\xff", "", 0,
		  0 },
		{ "request=junk\n\n", MR_ESYNTAX, 0, "", "", 0, 0 },
		{ "sender=x\n\n", MR_ESYNTAX, 0, "", "", 0, 0 },
		{ REQUEST "sender\n\n", MR_ESYNTAX, 0, "", "", 0, 0 },
		{ REQUEST "=x\n\n", MR_ESYNTAX, 0, "", "", 0, 0 },
		{ REQUEST "a-b=x\n\n", MR_ESYNTAX, 0, "", "", 0, 0 },
		{ REQUEST "sender=x\n", MR_ESYNTAX, 0, "", "", 0, 0 },
		{ REQUEST "sender=x", MR_ESYNTAX, 0, "", "", 0, 0 },
		{ REQUEST "recipient_count=x\n\n", MR_ESYNTAX, 0, "", "", 0, 0 },
		{ REQUEST "recipient_count=-1\n\n", MR_ESYNTAX, 0, "", "", 0, 0 },
		{ REQUEST "recipient_count=1000001\n\n", MR_ELIMIT, 0, "", "", 0, 0 },
		{ REQUEST "size=99999999999999999999\n\n", MR_ELIMIT, 0, "", "", 0, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_policy_request r = { .recipients = -7 };

		MR_NEED(t, in);
		MR_CHECK_INT(t, rows[i].want, mr_policy_parse(mr_block_span(in), &r));
		MR_CHECK(t, rows[i].want == 0 || r.recipients == -7);
		if (rows[i].want < 0)
			continue;
		MR_CHECK_INT(t, rows[i].state, r.state);
		MR_CHECK_SPAN(t, rows[i].account, r.account);
		MR_CHECK_SPAN(t, rows[i].recipient, r.recipient);
		MR_CHECK_INT(t, rows[i].recipients, r.recipients);
		MR_CHECK_INT(t, rows[i].size, r.size);
	}
}

MR_TEST(policy_parse_bounds)
{
	MR_AUTO_BUF text = MR_BUF(65536);
	struct mr_policy_request r;

	mr_buf_adds(&text, REQUEST);
	for (int i = 1; i < MR_POLICY_ATTRIBUTES_MAX; i++)
		mr_buf_adds(&text, "x=y\n");
	mr_buf_adds(&text, "\n");
	MR_NEED(t, mr_buf_err(&text) == 0);
	MR_CHECK_INT(t, 0, mr_policy_parse(mr_buf_span(&text), &r));
	mr_buf_cut(&text, text.len - 1);
	mr_buf_adds(&text, "x=y\n\n");
	MR_CHECK_INT(t, MR_ELIMIT, mr_policy_parse(mr_buf_span(&text), &r));
	MR_CHECK_INT(t, MR_ESYNTAX,
		     mr_policy_parse(mr_span(REQUEST "sender=a\0b\n\n", sizeof(REQUEST) + 11), &r));
}

/* -- names ------------------------------------------------------------------------------------ */

MR_TEST(limit_accounts)
{
	static const struct {
		const char *account, *dflt, *want, *domain;
	} rows[] = {
		{ "Ann@Example.ORG", "", "ann@example.org", "example.org" },
		{ "ann@example.org.", "", "ann@example.org", "example.org" },
		{ "ann", "Example.org", "ann@example.org", "example.org" },
		{ "ann", "", "?ann", "" },
		/* None may count as a domain, or as somebody else. */
		{ "@example.org", "", "?@example.org", "" },
		{ "@example.org", "example.org", "?@example.org", "" },
		{ "ann@", "example.org", "?ann@", "" },
		{ "A b@example.org", "", "?a b@example.org", "" },
		{ "a\xff\n@example.org", "", "?a??@example.org", "" },
		{ "\xc3\xa4@example.org", "", "\xc3\xa4@example.org", "example.org" },
	};
	char longest[MR_LIMIT_OWNER_MAX + 1], out[MR_LIMIT_OWNER_MAX + 1];
	struct mr_span local, domain;

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_INT(
			t, 0,
			mr_limit_account(S(rows[i].account), rows[i].dflt, out, &local, &domain));
		MR_CHECK_STR(t, rows[i].want, out);
		MR_CHECK_SPAN(t, rows[i].domain, domain);
	}
	t->row = -1;
	memset(longest, ' ', sizeof(longest));
	MR_CHECK_INT(t, 0,
		     mr_limit_account(mr_span(longest, MR_LIMIT_OWNER_MAX - 1), "", out, &local,
				      &domain));
	MR_CHECK_INT(
		t, MR_ELIMIT,
		mr_limit_account(mr_span(longest, MR_LIMIT_OWNER_MAX), "", out, &local, &domain));
}

/* -- decisions -------------------------------------------------------------------------------- */

struct world {
	struct mr_store *store;
	struct mr_arena *arena;
	struct mr_clock_fake clock;
	struct mr_settings set;
	struct mr_limit_table table;
	struct mr_policy_memory memory;
	int err; /* of every callback */
	struct mr_usage used, domain_used;
	int64_t since_s;
};

static int w_settings(void *arg, struct mr_span local, struct mr_span domain,
		      struct mr_arena *arena, struct mr_user_settings *settings_out)
{
	struct world *w = arg;

	return w->err < 0 ? w->err
			  : mr_user_settings_get(w->store, local, domain, arena, settings_out);
}

static int w_take(void *arg, struct mr_send_limit *limit)
{
	struct world *w = arg;

	return w->err < 0 ? w->err : mr_store_limit_take(w->store, limit);
}

static int w_peek(void *arg, struct mr_send_limit *limit)
{
	struct world *w = arg;

	return w->err < 0 ? w->err : mr_store_limit_peek(w->store, limit);
}

static int w_tell(void *arg, struct mr_send_limit *limit)
{
	struct world *w = arg;

	return w->err < 0 ? w->err : mr_store_limit_tell(w->store, limit);
}

static int w_mailbox(void *arg, struct mr_span local, struct mr_span domain,
		     struct mr_arena *arena MR_UNUSED, struct mr_user *user_out)
{
	struct world *w = arg;

	*user_out = (struct mr_user){ .local = local, .domain = domain };
	return w->err < 0 ? w->err : mr_span_eq(domain, S("example.org")) ? 0 : MR_EPERM;
}

static int w_usage(void *arg, struct mr_span local, struct mr_span domain MR_UNUSED,
		   struct mr_usage *usage_out)
{
	struct world *w = arg;

	*usage_out = local.len > 0 ? w->used : w->domain_used;
	return w->err;
}

static int w_over(void *arg, struct mr_span local MR_UNUSED, struct mr_span domain MR_UNUSED,
		  int64_t now_s, int64_t *since_s_out)
{
	struct world *w = arg;

	*since_s_out = w->since_s ? w->since_s : now_s;
	return w->err;
}

static bool world_open(struct mr_t *t, struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->store = mr_store_test_open(t, MR_GROUP_DIRECTORY | MR_GROUP_LIMITS);
	w->arena = mr_arena_new(MR_LIMIT_ARENA_MAX);
	w->clock = (struct mr_clock_fake){ 0, START };
	w->table = (struct mr_limit_table){ w_settings, w_take,  w_peek, w_tell,
					    w_mailbox,  w_usage, w_over, mr_clock_fake(&w->clock),
					    w };
	return mr_settings_default(&w->set) == 0 && w->store && w->arena;
}

static void world_close(struct world *w)
{
	mr_settings_done(&w->set);
	mr_store_close(w->store);
	mr_arena_free(w->arena);
}

static int set(struct world *w, const char *local, const char *domain, const char *name,
	       const char *value)
{
	return mr_store_setting_set(w->store, S(local), S(domain), S(name), S(value));
}

/* What Postfix is told. */
static void asks(struct mr_t *t, struct world *w, const char *attributes, const char *want)
{
	MR_AUTO_BUF text = MR_BUF(65536), reply = MR_BUF(1000);
	struct mr_policy_request r;
	struct mr_limit_verdict v;

	mr_buf_printf(&text, REQUEST "%s\n", attributes);
	MR_NEED(t, mr_buf_err(&text) == 0 && mr_policy_parse(mr_buf_span(&text), &r) == 0);
	mr_policy_decide(&w->table, &w->set, &r, &w->memory, w->arena, &v);
	(void)mr_policy_reply(&v, &reply);
	MR_CHECK_SPAN(t, want, mr_buf_span(&reply));
	mr_arena_reset(w->arena);
}

#define DUNNO      "action=DUNNO\n\n"
#define DATA(user) "protocol_state=DATA\nsasl_username=" user "\nrecipient_count=1\n"
#define RCPT(user) "protocol_state=RCPT\nsasl_username=" user "\nrecipient=zoe@elsewhere.example\n"

/* A stolen password is stopped at the limit, at each stage; others go on; later it goes on, too. */
MR_TEST(policy_send_limit)
{
	struct world w;

	if (world_open(t, &w) && set(&w, "", "example.org", "send_messages", "0/3/0") == 0 &&
	    set(&w, "bob", "example.org", "send_over", "reject") == 0) {
		for (int i = 0; i < 3; i++) {
			asks(t, &w, RCPT("ann@example.org"), DUNNO);
			asks(t, &w, DATA("ann@example.org"), DUNNO);
			asks(t, &w, DATA("bob@example.org"), DUNNO);
		}
		asks(t, &w, DATA("ANN@example.org"),
		     "action=450 4.7.1 Too many messages: 3 an hour; try again later\n\n");
		asks(t, &w, RCPT("ann@example.org"),
		     "action=450 4.7.1 Too many messages: 3 an hour; try again later\n\n");
		asks(t, &w, DATA("bob@example.org"),
		     "action=550 5.7.1 Too many messages: 3 an hour\n\n");
		asks(t, &w, DATA("cat@example.org"), DUNNO);
		/* Without a login nobody is counted, whatever the sender says. */
		for (int i = 0; i < 5; i++)
			asks(t, &w,
			     "protocol_state=DATA\nsasl_username=\nsender=cat@example.org\n"
			     "recipient_count=9\n",
			     DUNNO);
		asks(t, &w, DATA("cat@example.org"), DUNNO);
		w.clock.time_s += 4200;
		asks(t, &w, RCPT("ann@example.org"), DUNNO);
		asks(t, &w, DATA("ann@example.org"), DUNNO);
	}
	world_close(&w);
}

MR_TEST(policy_recipients)
{
	struct world w;

	if (world_open(t, &w) && set(&w, "", "", "send_recipients", "0/0/10") == 0 &&
	    set(&w, "", "example.org", "domain_send_recipients", "0/0/15") == 0) {
		asks(t, &w,
		     "protocol_state=DATA\nsasl_username=ann@example.org\nrecipient_count=11\n",
		     "action=550 5.5.3 Too many recipients in one message: 10 at most\n\n");
		asks(t, &w,
		     "protocol_state=DATA\nsasl_username=ann@example.org\nrecipient_count=9\n",
		     DUNNO);
		asks(t, &w,
		     "protocol_state=DATA\nsasl_username=ann@example.org\nrecipient_count=2\n",
		     "action=450 4.7.1 Too many recipients: 10 a day; try again later\n\n");
		asks(t, &w,
		     "protocol_state=DATA\nsasl_username=bob@example.org\nrecipient_count=7\n",
		     "action=450 4.7.1 Too many recipients from this domain: 15 a day; try again "
		     "later\n\n");
		asks(t, &w,
		     "protocol_state=DATA\nsasl_username=bob@example.org\nrecipient_count=6\n",
		     DUNNO);
		/* A login that is no address: what counts for all. */
		asks(t, &w, "protocol_state=DATA\nsasl_username=bob\nrecipient_count=10\n", DUNNO);
		asks(t, &w, "protocol_state=DATA\nsasl_username=bob\n",
		     "action=450 4.7.1 Too many recipients: 10 a day; try again later\n\n");
	}
	world_close(&w);
}

/* Postfix may ask at DATA, and again at the end of the same message. */
MR_TEST(policy_counts_once)
{
	static const char *const states[] = { "DATA", "END-OF-MESSAGE" };
	struct world w;

	if (world_open(t, &w) && set(&w, "", "", "send_messages", "0/0/2") == 0) {
		for (int i = 0; i < 6; i++) {
			char text[200];

			snprintf(text, sizeof(text),
				 "protocol_state=%s\nsasl_username=a@b.c\ninstance=%d\n",
				 states[i % 2], i / 2);
			asks(t, &w, text,
			     i < 4 ? DUNNO
				   : "action=450 4.7.1 Too many messages: 2 a day; try again "
				     "later\n\n");
		}
	}
	world_close(&w);
}

/* The store is away: who has logged in must wait; for others lmtpd asks again at delivery. */
MR_TEST(policy_away)
{
	static const int errors[] = { MR_ETEMP, MR_ECORRUPT, MR_EPERM, MR_ENOMEM };
	struct world w;

	if (world_open(t, &w)) {
		for (size_t i = 0; i < MR_COUNT(errors); i++) {
			t->row = (long)i;
			w.err = errors[i];
			asks(t, &w, DATA("ann@example.org"),
			     "action=451 4.3.0 Cannot tell now how much was sent; try again "
			     "later\n\n");
			asks(t, &w, RCPT("ann@example.org"),
			     "action=451 4.3.0 Cannot tell now how much was sent; try again "
			     "later\n\n");
			asks(t, &w,
			     "protocol_state=RCPT\nsender=x@y.z\nrecipient=ann@example.org\n",
			     DUNNO);
		}
	}
	world_close(&w);
}

MR_TEST(policy_full)
{
	static const struct {
		int64_t used, domain_used, hours; /* over for so long */
		const char *sender, *recipient, *size, *want;
	} rows[] = {
		{ 99, 0, 0, "x@y.z", "ann@example.org", "", DUNNO },
		{ 100, 0, 0, "x@y.z", "ann@example.org", "",
		  "action=452 4.2.2 Mailbox is full\n\n" },
		{ 100, 0, 23, "x@y.z", "ann@example.org", "",
		  "action=452 4.2.2 Mailbox is full\n\n" },
		{ 100, 0, 25, "x@y.z", "ann@example.org", "",
		  "action=552 5.2.2 Mailbox is full\n\n" },
		{ 90, 0, 0, "x@y.z", "ann@example.org", "11",
		  "action=452 4.2.2 Mailbox is full\n\n" },
		{ 90, 0, 0, "x@y.z", "ann@example.org", "10", DUNNO },
		{ 0, 0, 0, "x@y.z", "ann@example.org", "101",
		  "action=552 5.2.3 Message is larger than the mailbox may be\n\n" },
		{ 0, 1000, 0, "x@y.z", "ann@example.org", "",
		  "action=452 4.2.2 Mailboxes of this domain are full\n\n" },
		/* Who is full can be told so. */
		{ 100, 0, 25, "", "ann@example.org", "", DUNNO },
		{ 100, 0, 25, "x@y.z", "ann@elsewhere.example", "", DUNNO },
		{ 100, 0, 25, "x@y.z", "postmaster", "", DUNNO },
		{ 100, 0, 25, "x@y.z", "", "", DUNNO },
	};
	struct world w;

	if (world_open(t, &w) && set(&w, "", "example.org", "quota", "100") == 0 &&
	    set(&w, "", "example.org", "domain_quota", "1000") == 0) {
		for (size_t i = 0; i < MR_COUNT(rows); i++) {
			char text[300];

			t->row = (long)i;
			w.used.octets = rows[i].used;
			w.domain_used.octets = rows[i].domain_used;
			w.since_s = rows[i].hours ? START - rows[i].hours * 3600 : 0;
			snprintf(text, sizeof(text),
				 "protocol_state=RCPT\nsender=%s\nrecipient=%s\nsize=%s\n",
				 rows[i].sender, rows[i].recipient, rows[i].size);
			asks(t, &w, text, rows[i].want);
		}
	}
	world_close(&w);
}

/* What sendmail asks. */
MR_TEST(policy_keys)
{
	static const struct {
		const char *key;
		int err;
		const char *want; /* "": nothing is against it */
	} rows[] = {
		{ "auth:ann@example.org", 0, "" },
		{ "data:2:ann@example.org", 0, "" },
		{ "auth:ann@example.org", 0, "" },
		{ "data:1:ANN@example.org", 0, "" },
		{ "auth:ann@example.org", 0,
		  "ERROR:4.7.1:450 Too many messages: 2 an hour; try again later" },
		{ "data:1:ann@example.org", 0,
		  "ERROR:4.7.1:450 Too many messages: 2 an hour; try again later" },
		{ "auth:", 0, "" }, /* has not logged in */
		{ "data:1:", 0, "" },
		/* xtext: a+b is another account than ab; + alone is none */
		{ "data:1:a+2Bb@example.org", 0, "" },
		{ "data:1:a+b@example.org", MR_ESYNTAX, "" },
		{ "data:1:a+2", MR_ESYNTAX, "" },
		{ "data:1:a+", MR_ESYNTAX, "" },
		{ "data:x:ann@example.org", MR_ESYNTAX, "" },
		{ "data:ann", MR_ESYNTAX, "" },
		{ "rcpt:ann@example.org", 0, "ERROR:4.2.2:452 Mailbox is full" },
		{ "null:ann@example.org", 0, "" },
		{ "rcpt:ann@elsewhere.example", 0, "" },
		{ "rcpt:", 0, "" },
		{ "ann@example.org", MR_ESYNTAX, "" },
		{ "Auth:ann@example.org", MR_ESYNTAX, "" },
		{ "", MR_ESYNTAX, "" },
	};
	struct world w;

	if (world_open(t, &w) && set(&w, "", "", "send_messages", "0/2/0") == 0 &&
	    set(&w, "", "", "quota", "100") == 0) {
		w.used.octets = 100;
		for (size_t i = 0; i < MR_COUNT(rows); i++) {
			MR_AUTO(mr_block) *key = mr_test_exact(t, i, rows[i].key);
			MR_AUTO_BUF data = MR_BUF(500);
			struct mr_limit_verdict v = { .code = 0 };

			if (!key)
				break;
			MR_CHECK_INT(
				t, rows[i].err,
				mr_policy_key(&w.table, &w.set, mr_block_span(key), w.arena, &v));
			if (v.code != 0)
				(void)mr_policy_data(&v, &data);
			MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&data));
			mr_arena_reset(w.arena);
		}
	}
	world_close(&w);
}

/* The administrator hears of an account once, and what he may do. */
MR_TEST(policy_tells)
{
	MR_AUTO_BUF text = MR_BUF(8192);
	struct mr_limit_verdict v = { .status = "" };
	struct world w;
	int told = 0;

	if (world_open(t, &w) && set(&w, "", "", "send_messages", "0/2/0") == 0) {
		for (int i = 0; i < 9; i++) {
			/* Who is refused at RCPT comes to no DATA. */
			mr_limit_sender(&w.table, &w.set, S("ann@example.org"), 1, i < 2, w.arena,
					&v);
			told += v.tell;
			mr_arena_reset(w.arena);
		}
		MR_CHECK_INT(t, 1, told);
		MR_CHECK_STR(t, "ann@example.org", v.owner);
		mr_notice_write(&text, "root@example.org", "mx.example.org", S("Ann@example.org"),
				&v, START);
		MR_CHECK_INT(t, 0, mr_buf_err(&text));
		MR_CHECK(t, mr_span_search(mr_buf_span(&text),
					   S("Subject: Send limit reached: ann@example.org\n")) <
				    text.len);
		MR_CHECK(t,
			 mr_span_search(mr_buf_span(&text),
					S("millrace limits --reset ann@example.org\n")) < text.len);
	}
	world_close(&w);
}
