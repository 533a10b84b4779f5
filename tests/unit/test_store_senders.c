#include "lib/store/mr_store_senders.h"

#include "lib/base/mr_err.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define S(text) mr_span_str(text)
#define ORG     MR_SPAN("example.org")
#define ANN     MR_SPAN("ann")
#define NOBODY  MR_SPAN("")

static struct mr_sender_entry entry(const char *text, enum mr_sender_action action)
{
	return (struct mr_sender_entry){ S(text), S("n"), action, 5 };
}

static int put(struct mr_store *st, struct mr_span local, const char *text,
	       enum mr_sender_action action)
{
	const struct mr_sender_entry e = entry(text, action);

	return mr_store_sender_put(st, local, ORG, &e, 1);
}

static int list_one(void *arg, const struct mr_sender_entry *e)
{
	return mr_buf_printf(arg, "%.*s=%s:%d:%.*s ", (int)e->entry.len, e->entry.p,
			     mr_sender_action_name(e->action), (int)e->made_s, (int)e->note.len,
			     e->note.p);
}

/* An owner's own entries, none of others. */
MR_TEST(senders_put_and_list)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_SENDERS);
	MR_AUTO_BUF ann = MR_BUF(4096), org = MR_BUF(4096);

	MR_NEED(t, st);
	MR_CHECK_INT(t, 0, put(st, S("ANN"), "Bob@X.example", MR_SENDER_FRIEND));
	MR_CHECK_INT(t, 0, put(st, ANN, "*@y.example", MR_SENDER_DROP));
	MR_CHECK_INT(t, 0, put(st, NOBODY, "*.y.example", MR_SENDER_REJECT));
	MR_CHECK_INT(t, 0, put(st, S("zoe"), "z.example", MR_SENDER_FOLDER));
	MR_CHECK_INT(t, 0, mr_store_sender_each(st, ANN, S("Example.org"), list_one, &ann));
	MR_CHECK_SPAN(t, "bob@x.example=friend:5:n y.example=drop:5:n ", mr_buf_span(&ann));
	MR_CHECK_INT(t, 0, mr_store_sender_each(st, NOBODY, ORG, list_one, &org));
	MR_CHECK_SPAN(t, "*.y.example=reject:5:n ", mr_buf_span(&org));
}

MR_TEST(senders_last_word)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_SENDERS);
	MR_AUTO_BUF all = MR_BUF(4096);
	const struct mr_sender_entry many[] = { entry("a.example", MR_SENDER_FOLDER),
						entry("b.example", MR_SENDER_FRIEND),
						entry("B.example", MR_SENDER_REJECT) };
	const struct mr_sender_entry bad[] = { entry("c.example", MR_SENDER_FOLDER),
					       entry("*", MR_SENDER_FOLDER) };

	MR_NEED(t, st);
	MR_CHECK_INT(t, 0, put(st, ANN, "a.example", MR_SENDER_FRIEND));
	MR_CHECK_INT(t, 1, put(st, ANN, "*@a.example", MR_SENDER_DROP));
	MR_CHECK_INT(t, 0, put(st, ANN, "a.example", MR_SENDER_REJECT));
	MR_CHECK_INT(t, 1, put(st, ANN, "a.example", MR_SENDER_FRIEND));
	/* a.example, and b.example within the call */
	MR_CHECK_INT(t, 2, mr_store_sender_put(st, ANN, ORG, many, MR_COUNT(many)));
	/* all or none */
	MR_CHECK_INT(t, MR_EINVAL, mr_store_sender_put(st, ANN, ORG, bad, MR_COUNT(bad)));
	MR_CHECK_INT(t, 0, mr_store_sender_put(st, ANN, ORG, bad, 0));
	MR_CHECK_INT(t, 0, mr_store_sender_each(st, ANN, ORG, list_one, &all));
	MR_CHECK_SPAN(t, "a.example=folder:5:n b.example=reject:5:n ", mr_buf_span(&all));
}

MR_TEST(senders_refused)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_SENDERS);
	struct mr_sender_entry e = entry("a.example", MR_SENDER_FOLDER);
	struct mr_sender_found found;
	struct mr_sender_keys keys = { .count = 0 };

	MR_NEED(t, st);
	MR_CHECK_INT(t, MR_EINVAL, mr_store_sender_put(st, ANN, NOBODY, &e, 1));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_sender_put(st, S("a b"), ORG, &e, 1));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_sender_find(st, ANN, S("a b"), &keys, &found));
	e.note = S("two\nlines");
	MR_CHECK_INT(t, MR_EINVAL, mr_store_sender_put(st, ANN, ORG, &e, 1));
	e = entry("a.example", MR_SENDER_NONE);
	MR_CHECK_INT(t, MR_EINVAL, mr_store_sender_put(st, ANN, ORG, &e, 1));
}

MR_TEST(senders_remove)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_SENDERS);

	MR_NEED(t, st);
	MR_NEED(t, put(st, ANN, "a.example", MR_SENDER_FRIEND) == 0);
	MR_NEED(t, put(st, ANN, "b.example", MR_SENDER_DROP) == 0);
	MR_NEED(t, put(st, S("zoe"), "b.example", MR_SENDER_DROP) == 0);
	MR_NEED(t, put(st, NOBODY, "b.example", MR_SENDER_DROP) == 0);
	/* of the other kind, of another owner */
	MR_CHECK_INT(t, MR_ENOENT, mr_store_sender_remove(st, ANN, ORG, S("a.example"), false));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_sender_remove(st, ANN, ORG, S("b.example"), true));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_sender_remove(st, NOBODY, ORG, S("a.example"), true));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_sender_remove(st, ANN, ORG, S("*"), true));
	MR_CHECK_INT(t, 0, mr_store_sender_remove(st, ANN, ORG, S("*@A.example"), true));
	MR_CHECK_INT(t, 0, mr_store_sender_remove(st, ANN, ORG, S("b.example"), false));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_sender_remove(st, ANN, ORG, S("b.example"), false));
	/* a user; a domain with its users */
	MR_NEED(t, put(st, ANN, "c.example", MR_SENDER_DROP) == 0);
	MR_CHECK_INT(t, 1, mr_store_sender_forget(st, ANN, ORG));
	MR_CHECK_INT(t, 2, mr_store_sender_forget(st, NOBODY, ORG));
	MR_CHECK_INT(t, 0, mr_store_sender_forget(st, NOBODY, ORG));
}

MR_TEST(senders_find)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_SENDERS);
	struct mr_sender_keys keys;
	struct mr_sender_found found;

	MR_NEED(t, st);
	MR_NEED(t, put(st, ANN, "bob@m.x.example", MR_SENDER_FRIEND) == 0);
	MR_NEED(t, put(st, ANN, "*.x.example", MR_SENDER_FOLDER) == 0);
	MR_NEED(t, put(st, NOBODY, "m.x.example", MR_SENDER_REJECT) == 0);
	MR_NEED(t, put(st, NOBODY, "*.example", MR_SENDER_DROP) == 0);
	MR_NEED(t, put(st, S("zoe"), "m.x.example", MR_SENDER_FRIEND) == 0);
	MR_NEED(t, put(st, ANN, "x.example", MR_SENDER_DROP) == 0); /* the parent itself */
	MR_NEED(t, mr_sender_keys(S("Bob"), S("M.X.Example"), &keys) == 0);
	MR_CHECK_INT(t, 4, keys.count);
	MR_NEED(t, mr_store_sender_find(st, S("Ann"), ORG, &keys, &found) == 0);
	MR_CHECK_INT(t, MR_SENDER_FRIEND, found.user[0]);
	MR_CHECK_INT(t, MR_SENDER_NONE, found.user[1]);
	MR_CHECK_INT(t, MR_SENDER_FOLDER, found.user[2]);
	MR_CHECK_INT(t, MR_SENDER_NONE, found.user[3]);
	MR_CHECK_INT(t, MR_SENDER_NONE, found.domain[0]);
	MR_CHECK_INT(t, MR_SENDER_REJECT, found.domain[1]);
	MR_CHECK_INT(t, MR_SENDER_NONE, found.domain[2]);
	MR_CHECK_INT(t, MR_SENDER_DROP, found.domain[3]);
	/* a domain's lists alone */
	MR_NEED(t, mr_store_sender_find(st, NOBODY, ORG, &keys, &found) == 0);
	MR_CHECK_INT(t, MR_SENDER_NONE, found.user[0]);
	MR_CHECK_INT(t, MR_SENDER_REJECT, found.domain[1]);
	/* another domain's */
	MR_NEED(t, mr_store_sender_find(st, ANN, S("example.net"), &keys, &found) == 0);
	MR_CHECK_INT(t, MR_SENDER_NONE, found.user[0]);
	MR_CHECK_INT(t, MR_SENDER_NONE, found.domain[1]);
}
