#include "lib/store/mr_sender_rule.h"

#include "lib/base/mr_err.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define S(text) mr_span_str(text)

/* Entries as "ACTION ENTRY", of the user and of the domain; the recipient is ann@example.org. */
static int fill(struct mr_store *st, struct mr_span local, const char *list)
{
	struct mr_span rest = S(list), one, action, entry;
	int err = 0;

	while (rest.len > 0 && err >= 0) {
		struct mr_sender_entry e = { .action = MR_SENDER_FRIEND };

		(void)mr_span_split(rest, ',', &one, &rest);
		(void)mr_span_split(one, ' ', &action, &entry);
		while (e.action < MR_SENDER_DROP &&
		       !mr_span_eq(action, S(mr_sender_action_name(e.action))))
			e.action++;
		e.entry = entry;
		err = mr_store_sender_put(st, local, S("example.org"), &e, 1);
	}
	return err < 0 ? err : 0;
}

static void origin(const char *from, const char *envelope, bool proven, bool suspect,
		   struct mr_origin *o)
{
	struct mr_span rest = S(from), one, local, domain;

	o->from_count = o->envelope.count = 0;
	o->proven = proven;
	o->suspect = suspect;
	o->answerable = false;
	while (rest.len > 0) {
		(void)mr_span_split(rest, ',', &one, &rest);
		MR_ASSERT(mr_name_split(one, &local, &domain) == 0);
		MR_ASSERT(mr_sender_keys(local, domain, &o->from[o->from_count++]) == 0);
	}
	if (mr_name_split(S(envelope), &local, &domain) == 0)
		MR_ASSERT(mr_sender_keys(local, domain, &o->envelope) == 0);
}

/* p: proven, v: a virus filter objects */
static const struct {
	const char *user, *domain, *from, *envelope, *flags, *want;
} rows[] = {
	{ "", "", "bob@b.example", "bob@b.example", "p", "none" },
	/* a friend must be proven, and free of viruses */
	{ "friend bob@b.example", "", "bob@b.example", "x@y.example", "p",
	  "friend user bob@b.example" },
	{ "friend bob@b.example", "", "Bob@B.example", "", "", "none" },
	{ "friend bob@b.example", "", "bob@b.example", "", "pv", "none" },
	/* ... and is whom people see, alone */
	{ "friend bob@b.example", "", "eve@e.example", "bob@b.example", "p", "none" },
	{ "friend bob@b.example", "", "bob@b.example,eve@e.example", "", "p", "none" },
	{ "friend b.example", "", "bob@m.b.example", "", "p", "none" },
	{ "friend *.b.example", "", "bob@m.b.example", "", "p", "friend user *.b.example" },
	{ "friend *.b.example", "", "bob@b.example", "", "p", "none" },
	/* a block needs no proof, and catches From and the envelope */
	{ "folder b.example", "", "bob@b.example", "", "", "folder user b.example" },
	{ "drop b.example", "", "bob@b.example", "", "p", "drop user b.example" },
	{ "reject b.example", "", "eve@e.example", "x@b.example", "", "reject user b.example" },
	{ "drop b.example", "", "eve@e.example,bob@b.example", "", "", "drop user b.example" },
	/* his own list before his domain's, whatever either says */
	{ "friend *.example", "drop bob@b.example", "bob@b.example", "", "p",
	  "friend user *.example" },
	{ "folder *.example", "friend bob@b.example", "bob@b.example", "", "p",
	  "folder user *.example" },
	{ "", "friend b.example", "bob@b.example", "", "p", "friend domain b.example" },
	{ "folder x.example", "drop b.example", "bob@b.example", "", "", "drop domain b.example" },
	/* the more exact entry */
	{ "folder b.example,friend bob@b.example", "", "bob@b.example", "", "p",
	  "friend user bob@b.example" },
	{ "friend b.example,drop bob@b.example", "", "bob@b.example", "", "p",
	  "drop user bob@b.example" },
	{ "drop *.example,friend *.b.example", "", "bob@m.b.example", "", "p",
	  "friend user *.b.example" },
	{ "friend *.example,reject *.b.example", "", "bob@m.b.example", "", "p",
	  "reject user *.b.example" },
	{ "friend *.example,reject b.example", "", "bob@b.example", "", "p",
	  "reject user b.example" },
	/* an unproven friend is as if not there: the next entry counts */
	{ "folder b.example,friend bob@b.example", "", "bob@b.example", "", "",
	  "folder user b.example" },
	{ "friend bob@b.example", "drop b.example", "bob@b.example", "", "",
	  "drop domain b.example" },
	/* one entry for From, one for the envelope: equally exact, then the milder one */
	{ "friend b.example,drop l.example", "", "bob@b.example", "x@l.example", "p",
	  "friend user b.example" },
	{ "friend b.example,drop x@l.example", "", "bob@b.example", "x@l.example", "p",
	  "drop user x@l.example" },
	{ "drop b.example,folder l.example", "", "bob@b.example", "x@l.example", "",
	  "folder user l.example" },
	{ "reject b.example,drop l.example", "", "bob@b.example", "x@l.example", "",
	  "reject user b.example" },
	/* never his own address or domain, nor one that an alias of his is in */
	{ "drop ann@example.org,drop *.org,drop example.org", "drop example.org", "ann@example.org",
	  "ann@example.org", "", "none" },
	{ "drop *.org", "", "zoe@Example.org", "", "", "none" },
	{ "drop *.org", "", "zoe@example.org", "x@spam.org", "", "none" },
	{ "drop *.org", "", "bob@b.example", "srs@example.org", "", "none" },
	{ "drop *.org,drop b.example", "", "bob@b.example", "srs@example.org", "",
	  "drop user b.example" },
	{ "drop *.net", "", "bob@alias.net", "bob@alias.net", "", "none" },
	{ "drop *.net", "", "bob@sub.alias.net", "", "", "drop user *.net" },
	{ "friend example.org", "", "zoe@example.org", "", "p", "friend user example.org" },
	/* nobody's */
	{ "drop b.example", "", "", "", "", "none" },
};

MR_TEST(sender_rule)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(1u << 20);
	struct mr_origin *o = arena ? mr_arena_alloc(arena, sizeof(*o)) : NULL;
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_SENDERS);

	MR_NEED(t, o && st);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_sender_says says;
		char got[MR_SENDER_SIZE + 32];
		int err;

		t->row = (long)i;
		MR_NEED(t, mr_store_sender_forget(st, S(""), S("example.org")) >= 0);
		MR_NEED(t, fill(st, S("ann"), rows[i].user) == 0);
		MR_NEED(t, fill(st, S(""), rows[i].domain) == 0);
		origin(rows[i].from, rows[i].envelope, strchr(rows[i].flags, 'p'),
		       strchr(rows[i].flags, 'v'), o);
		err = mr_sender_rule_ask(st, S("ann"), S("example.org"), S("Alias.net"), o, &says);
		MR_CHECK_INT(t, 0, err);
		MR_NEED(t, err == 0);
		snprintf(got, sizeof(got), "%s%s%s%s", mr_sender_action_name(says.action),
			 says.action == MR_SENDER_NONE ? ""
			 : says.of_user                ? " user"
						       : " domain",
			 says.entry[0] ? " " : "", says.entry);
		MR_CHECK_STR(t, rows[i].want, got);
	}
}
