/* Dovecot's dict protocol. The conversations are what Dovecot 2.3.19 says to a server that listens. */
#include "lda/mapd/dict.h"

#include "lda/mapd/talk.h"
#include "lib/base/mr_err.h"
#include "tests/unit/mr_test.h"

#define H_QUOTA  "H3\t2\t0\t\tquota\n"
#define H_DOMAIN "H3\t2\t0\t\tdomain\n"

/* A store that notes what is asked of it. away: it does not answer. */
struct world {
	struct mr_dict dict;
	struct mr_buf told;
	bool away;
};

static int is_user(void *arg, struct mr_span local, struct mr_span domain)
{
	struct world *w = arg;

	if (w->away)
		return MR_ETEMP;
	if (mr_span_find(local, ' ') < local.len)
		return MR_EINVAL;
	return mr_span_eq(local, MR_SPAN("ann")) && mr_span_eq(domain, MR_SPAN("example.org"))
		       ? 0
		       : MR_ENOENT;
}

static int used(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain MR_UNUSED,
		struct mr_usage *usage_out)
{
	*usage_out = local.len > 0 ? (struct mr_usage){ 5000, 7 } : (struct mr_usage){ 90000, 99 };
	return 0;
}

static int limits(void *arg MR_UNUSED, struct mr_span local MR_UNUSED,
		  struct mr_span domain MR_UNUSED, struct mr_limit *user_out,
		  struct mr_limit *domain_out)
{
	*user_out = (struct mr_limit){ 1048576, 0 };
	*domain_out = (struct mr_limit){ 0, 12 };
	return 0;
}

static int note(struct world *w, const char *what, struct mr_span local, struct mr_span domain,
		struct mr_usage u)
{
	return mr_buf_printf(&w->told, "%s %.*s@%.*s %d %d; ", what, (int)local.len, local.p,
			     (int)domain.len, domain.p, (int)u.octets, (int)u.messages);
}

static int add(void *arg, struct mr_span local, struct mr_span domain, struct mr_usage change)
{
	return note(arg, "add", local, domain, change);
}

static int set(void *arg, struct mr_span local, struct mr_span domain, struct mr_usage now)
{
	return note(arg, "set", local, domain, now);
}

static int touch(void *arg, struct mr_span local, struct mr_span domain)
{
	return note(arg, "touch", local, domain, (struct mr_usage){ 0, 0 });
}

static void world_init(struct world *w)
{
	*w = (struct world){ .told = MR_BUF(4096) };
	w->dict = (struct mr_dict){ is_user, used, limits, add, set, touch, w };
}

/* Each line a request, as the loop would cut them; what is answered in out. Returns what the last call did. */
static int say(struct world *w, struct mr_span in, struct mr_buf *out)
{
	void *state = NULL;
	int err = 0;

	while (in.len > 0 && err == 0) {
		size_t len = 0;

		err = mr_dict_frame(in, &len);
		if (err < 0 || len == 0)
			break;
		err = mr_dict_answer(&w->dict, &state, mr_span_sub(in, 0, len), out);
		in = mr_span_sub(in, len, in.len);
	}
	mr_dict_forget(&w->dict, state);
	return err;
}

MR_TEST(dict_conversations)
{
	static const struct {
		const char *in, *out, *told;
	} rows[] = {
		/* the userdb */
		{ H_QUOTA "Lshared/quota/userdb/ann@example.org\tann@example.org\n",
		  "O{\"quota_rule\":\"*:bytes=1048576:messages=0\","
		  "\"quota2_rule\":\"*:bytes=0:messages=12\"}\n",
		  "" },
		/* quota2 = dict, before an APPEND */
		{ H_DOMAIN "Lpriv/quota/storage\tann@example.org\n"
			   "Lpriv/quota/messages\tann@example.org\n",
		  "O90000\nO99\n", "" },
		{ H_QUOTA "Lpriv/quota/storage\tann@example.org\n"
			  "Lpriv/quota/messages\tann@example.org\n",
		  "O5000\nO7\n", "" },
		/* and after it; after an expunge */
		{ H_DOMAIN "B2\tann@example.org\nA2\tpriv/quota/storage\t1012\n"
			   "A2\tpriv/quota/messages\t1\nC2\n",
		  "O2\n", "add ann@example.org 1012 1; " },
		{ H_DOMAIN "B3\tann@example.org\nA3\tpriv/quota/storage\t-1012\n"
			   "A3\tpriv/quota/messages\t-1\nC3\n",
		  "O3\n", "add ann@example.org -1012 -1; " },
		/* quota_clone */
		{ H_QUOTA "B1\tann@example.org\nS1\tpriv/quota/storage\t222\n"
			  "S1\tpriv/quota/messages\t1\nC1\n",
		  "O1\n", "set ann@example.org 222 1; " },
		/* quota2 that counts one user's mailbox: news of it, no sum of the domain */
		{ H_DOMAIN "B1\tann@example.org\nU1\tpriv/quota/storage\nU1\tpriv/quota/messages\n"
			   "S1\tpriv/quota/storage\t0\nS1\tpriv/quota/messages\t0\nC1\n",
		  "O1\n", "touch ann@example.org 0 0; " },
		/* of two things, one */
		{ H_QUOTA "B1\tann@example.org\nS1\tpriv/quota/storage\t222\nC1\n", "O1\n",
		  "touch ann@example.org 0 0; " },
		{ H_QUOTA "B1\tann@example.org\nA1\tpriv/quota/storage\t5\n"
			  "A1\tpriv/quota/storage\t6\nC1\n",
		  "O1\n", "add ann@example.org 11 0; " },
		/* two at once; D; R; T */
		{ H_QUOTA "B1\tann@example.org\nB2\tann@example.org\nA2\tpriv/quota/storage\t2\n"
			  "T1\t1700000000\t5\nA1\tpriv/quota/storage\t1\nD2\nR1\n",
		  "A2\n", "add ann@example.org 2 0; " },
		{ H_QUOTA "B1\tann@example.org\nC1\n", "O1\n", "" },
		/* the user of H; escapes */
		{ "H3\t0\t0\tann@example.org\tquota\nLpriv/quota/storage\n", "O5000\n", "" },
		{ H_QUOTA "Lpriv/quota/storage\tann@exam\001"
			  "1ple.org\n",
		  "N\n", "" },
		/* nobody of ours; nothing that we have */
		{ H_QUOTA "Lpriv/quota/storage\tzoe@example.org\n"
			  "Lpriv/quota/storage\tann@elsewhere.example\n"
			  "Lpriv/quota/storage\tann\nLpriv/quota/storage\ta b@example.org\n"
			  "Lshared/quota/userdb/zoe@example.org\tzoe@example.org\n"
			  "Lshared/passdb/ann@example.org\tann@example.org\n"
			  "Lpriv/quota/limit\tann@example.org\nL\n",
		  "N\nN\nN\nN\nN\nN\nN\nN\n", "" },
		{ H_QUOTA "I1\t0\tpriv/quota/\tann@example.org\n", "\n", "" },
		{ H_QUOTA "B1\tzoe@example.org\nA1\tpriv/quota/storage\t5\nC1\n", "F1\tnot found\n",
		  "" },
		/* what makes no sense is not done by half */
		{ H_QUOTA "B1\tann@example.org\nA1\tpriv/quota/storage\t5\n"
			  "S1\tpriv/sieve\tx\nC1\nB2\tann@example.org\nC2\n",
		  "F1\tinvalid value\nO2\n", "" },
		{ H_QUOTA "B1\tann@example.org\nA1\tpriv/quota/storage\t5x\nC1\n",
		  "F1\tinvalid value\n", "" },
		{ H_QUOTA "B1\tann@example.org\nS1\tpriv/quota/storage\t-5\nC1\n",
		  "F1\tinvalid value\n", "" },
		{ H_QUOTA "B1\tann@example.org\nA1\tpriv/quota/storage\t1152921504606846977\nC1\n",
		  "F1\tinvalid value\n", "" },
	};
	struct world w;

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO_BUF out = MR_BUF(4096);

		MR_NEED(t, in);
		world_init(&w);
		MR_CHECK_INT(t, 0, say(&w, mr_block_span(in), &out));
		MR_CHECK_SPAN(t, rows[i].out, mr_buf_span(&out));
		MR_CHECK_SPAN(t, rows[i].told, mr_buf_span(&w.told));
		mr_buf_done(&w.told);
	}
}

/* Not this protocol: the connection is closed. */
MR_TEST(dict_refused)
{
	static const char *const rows[] = {
		"Lpriv/quota/storage\tann@example.org\n", /* no H */
		"H2\t0\t0\t\tquota\n",
		"H4\t0\t0\t\tquota\n",
		"H3\t2\t0\t\tacl\n",
		"H3\t2\t0\t\n",
		"H3\t2\t0\t\tquota\tx\n",
		"Hx\t2\t0\t\tquota\n",
		"\n",
		"GET / HTTP/1.0\n",
		H_QUOTA H_QUOTA,
		H_QUOTA "X1\n",
		H_QUOTA "\n",
		H_QUOTA "C1\n",
		H_QUOTA "A1\tpriv/quota/storage\t5\n",
		H_QUOTA "Bx\n",
		H_QUOTA "B-1\n",
		H_QUOTA "B4294967296\n",
		H_QUOTA "B1\nB1\n",
		H_QUOTA "B1\nA1\tpriv/quota/storage\n",
		H_QUOTA "B1\nU1\tpriv/quota/storage\t5\n",
		H_QUOTA "B1\nC1\t2\n",
		H_QUOTA "Lx\001x\n",
		H_QUOTA "Lx\001\n",
		H_QUOTA "L1\t2\t3\t4\t5\t6\t7\t8\t9\n",
		H_QUOTA
		"B1\nB2\nB3\nB4\nB5\nB6\nB7\nB8\nB9\nB10\nB11\nB12\nB13\nB14\nB15\nB16\nB17\n",
	};
	struct world w;

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i]);
		MR_AUTO_BUF out = MR_BUF(4096);

		MR_NEED(t, in);
		world_init(&w);
		MR_CHECK(t, say(&w, mr_block_span(in), &out) < 0);
		MR_CHECK_SPAN(t, "", mr_buf_span(&out));
		MR_CHECK_SPAN(t, "", mr_buf_span(&w.told));
		mr_buf_done(&w.told);
	}
}

/* The store does not answer: nobody is told that there is nothing. */
MR_TEST(dict_store_away)
{
	MR_AUTO_BUF out = MR_BUF(4096);
	struct world w;

	world_init(&w);
	w.away = true;
	MR_CHECK_INT(t, 0,
		     say(&w,
			 MR_SPAN(H_QUOTA "Lpriv/quota/storage\tann@example.org\n"
					 "Lshared/quota/userdb/ann@example.org\n"
					 "B1\tann@example.org\n"
					 "A1\tpriv/quota/storage\t5\nC1\n"),
			 &out));
	MR_CHECK(t, mr_span_has_prefix(mr_buf_span(&out), MR_SPAN("F")));
	MR_CHECK(t, mr_span_search(mr_buf_span(&out), MR_SPAN("\nF1\t")) < out.len);
	MR_CHECK(t, mr_span_search(mr_buf_span(&out), MR_SPAN("N\n")) == out.len);
	MR_CHECK_SPAN(t, "", mr_buf_span(&w.told));
	mr_buf_done(&w.told);
}

MR_TEST(dict_frame)
{
	static char text[MR_DICT_REQUEST_MAX + 1];
	size_t len = 42;

	memset(text, 'x', sizeof(text));
	MR_CHECK_INT(t, 0, mr_dict_frame(MR_SPAN(""), &len));
	MR_CHECK_INT(t, 0, len);
	MR_CHECK_INT(t, 0, mr_dict_frame(MR_SPAN("B1\nC1\n"), &len));
	MR_CHECK_INT(t, 3, len);
	MR_CHECK_INT(t, 0, mr_dict_frame(mr_span(text, MR_DICT_REQUEST_MAX - 1), &len));
	MR_CHECK_INT(t, 0, len);
	MR_CHECK_INT(t, MR_EINVAL, mr_dict_frame(mr_span(text, MR_DICT_REQUEST_MAX), &len));
	text[MR_DICT_REQUEST_MAX - 1] = '\n';
	MR_CHECK_INT(t, 0, mr_dict_frame(mr_span(text, sizeof(text)), &len));
	MR_CHECK_INT(t, MR_DICT_REQUEST_MAX, len);
}
