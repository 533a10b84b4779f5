#include "lib/store/mr_store_alias.h"

#include "lib/base/mr_err.h"
#include "lib/store/mr_store_dump.h"
#include "tests/unit/mr_dump_test.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define S(text) mr_span_str(text)
#define ORG     MR_SPAN("example.org")
#define L64     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

MR_TEST(alias_target_check)
{
	static const struct {
		const char *in;
		int want;
	} rows[] = {
		{ "ann@example.org", 0 },
		{ "Ann+Lists@Example.ORG", 0 },
		{ "o'neil@example.org", 0 },
		{ "a/b@example.org", 0 }, /* RFC 5321 4.1.2: atext; X.400 gateways have it */
		{ L64 "@example.org", 0 },
		{ "j\xC3\xB6rg@b\xC3\xBC"
		  "cher.example",
		  0 }, /* RFC 6531 3.3 */
		{ L64 "a@example.org", MR_ELIMIT }, /* RFC 5321 4.5.3.1.1 */
		{ "|command", MR_EINVAL },
		{ "|command@example.org", MR_EINVAL },
		{ "/file", MR_EINVAL },
		{ "/var/mail/x@example.org", MR_EINVAL },
		{ ":include:/etc/passwd", MR_EINVAL },
		{ ":include:/etc/passwd@example.org", MR_EINVAL },
		{ "\"|command\"@example.org", MR_EINVAL },
		{ "\\ann@example.org", MR_EINVAL },
		{ "-bs@example.org", MR_EINVAL },
		{ "ann", MR_EINVAL },
		{ "ann@", MR_EINVAL },
		{ "@example.org", MR_EINVAL },
		{ "", MR_EINVAL },
		{ "a@b.example, c@d.example", MR_EINVAL },
		{ "a b@example.org", MR_EINVAL },
		{ "a@exa mple.org", MR_EINVAL },
		{ "a\n@example.org", MR_EINVAL },
		{ ".a@example.org", MR_EINVAL },
		{ "a.@example.org", MR_EINVAL },
		{ "a..b@example.org", MR_EINVAL },
		{ "@a@example.org", MR_EINVAL },
		{ "\xFF@example.org", MR_EINVAL },
		{ "a/\xFF@example.org", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);

		MR_CHECK_INT(t, rows[i].want, mr_store_alias_target_check(mr_block_span(in)));
	}
}

static struct mr_store *with_users(struct mr_t *t)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_DIRECTORY);

	if (!st || mr_store_domain_add(st, ORG) < 0 ||
	    mr_store_user_add(st, S("ann"), ORG, 1) < 0 ||
	    mr_store_user_add(st, S("bob"), ORG, 1) < 0)
		return NULL;
	return MR_TAKE(st);
}

static int add(struct mr_store *st, const char *local, const char *target)
{
	return mr_store_alias_add(st, S(local), ORG, S(target), 7);
}

static int list_one(void *arg, const struct mr_alias *a)
{
	return mr_buf_printf(arg, "%.*s@%.*s%s=%.*s ", (int)a->local.len, a->local.p,
			     (int)a->domain.len, a->domain.p, a->disabled ? "!" : "",
			     (int)a->target[0].len, a->target[0].p);
}

static void check_list(struct mr_t *t, struct mr_store *st, const char *want)
{
	MR_AUTO_BUF text = MR_BUF(4096);

	MR_CHECK_INT(t, 0, mr_store_alias_each(st, S(""), list_one, &text));
	MR_CHECK_SPAN(t, want, mr_buf_span(&text));
}

MR_TEST(alias_add_and_find)
{
	MR_AUTO(mr_store) *st = with_users(t);
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);
	struct mr_alias alias;

	MR_NEED(t, st && arena);
	MR_CHECK_INT(t, 0, add(st, "Sales", "Bob@Example.org"));
	MR_CHECK_INT(t, 0, add(st, "sales", "Zoe@Elsewhere.EXAMPLE"));
	MR_CHECK_INT(t, MR_EEXIST, add(st, "sales", "bob@example.org"));
	MR_CHECK_INT(t, 0, add(st, "", "ann@example.org"));
	MR_CHECK_INT(t, MR_EINVAL, add(st, "sales", "|x@example.org"));
	MR_CHECK_INT(t, MR_EINVAL, add(st, "a b", "ann@example.org"));
	MR_CHECK_INT(t, MR_ENOENT,
		     mr_store_alias_add(st, S("x"), S("no.example"), S("ann@example.org"), 7));
	MR_NEED(t, mr_store_alias_find(st, S("SALES"), S("EXAMPLE.org"), arena, &alias) == 0);
	MR_CHECK_SPAN(t, "sales", alias.local);
	MR_CHECK_SPAN(t, "example.org", alias.domain);
	MR_CHECK_INT(t, 7, alias.created_s);
	MR_CHECK(t, !alias.disabled);
	MR_NEED(t, alias.target_count == 2);
	MR_CHECK_SPAN(t, "Zoe@elsewhere.example", alias.target[0]); /* RFC 5321 2.4: her case */
	MR_CHECK_SPAN(t, "Bob@example.org", alias.target[1]);
	MR_CHECK_INT(t, MR_ENOENT, mr_store_alias_find(st, S("ann"), ORG, arena, &alias));
	MR_NEED(t, mr_store_alias_find(st, S(""), ORG, arena, &alias) == 0);
	MR_CHECK_INT(t, 1, alias.target_count);
	MR_CHECK_INT(t, 0, mr_store_alias_disable(st, S("sales"), ORG, true));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_alias_disable(st, S("none"), ORG, true));
	check_list(t, st,
		   "@example.org=ann@example.org sales@example.org!=Zoe@elsewhere.example "
		   "sales@example.org!=Bob@example.org ");
}

MR_TEST(alias_remove)
{
	MR_AUTO(mr_store) *st = with_users(t);

	MR_NEED(t, st);
	MR_NEED(t, add(st, "sales", "ann@example.org") == 0);
	MR_NEED(t, add(st, "sales", "bob@example.org") == 0);
	MR_NEED(t, add(st, "info", "bob@example.org") == 0);
	MR_CHECK_INT(t, MR_ENOENT,
		     mr_store_alias_remove(st, S("sales"), ORG, S("zoe@example.org")));
	MR_CHECK_INT(t, 0, mr_store_alias_remove(st, S("sales"), ORG, S("ANN@example.org")));
	check_list(t, st, "info@example.org=bob@example.org sales@example.org=bob@example.org ");
	MR_CHECK_INT(t, 0, mr_store_alias_remove(st, S("sales"), ORG, S("bob@example.org")));
	check_list(t, st, "info@example.org=bob@example.org ");
	MR_CHECK_INT(t, 0, mr_store_alias_remove(st, S("info"), ORG, S("")));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_alias_remove(st, S("info"), ORG, S("")));
	check_list(t, st, "");
}

/* Who is removed is nobody's target; what led to him alone is gone, too. */
MR_TEST(alias_of_removed_users)
{
	MR_AUTO(mr_store) *st = with_users(t);

	MR_NEED(t, st);
	MR_NEED(t, add(st, "sales", "ann@example.org") == 0);
	MR_NEED(t, add(st, "sales", "bob@example.org") == 0);
	MR_NEED(t, add(st, "info", "Ann@example.org") == 0);
	MR_CHECK_INT(t, 0, mr_store_user_remove(st, S("ann"), ORG));
	check_list(t, st, "sales@example.org=bob@example.org ");
	MR_CHECK_INT(t, 0, mr_store_user_remove(st, S("bob"), ORG));
	check_list(t, st, "");
	MR_NEED(t, add(st, "x", "y@elsewhere.example") == 0);
	MR_CHECK_INT(t, MR_EPERM, mr_store_domain_remove(st, ORG));
	MR_CHECK_INT(t, 0, mr_store_alias_remove(st, S("x"), ORG, S("")));
	MR_CHECK_INT(t, 0, mr_store_domain_remove(st, ORG));
}

MR_TEST(alias_loops)
{
	MR_AUTO(mr_store) *st = with_users(t);

	MR_NEED(t, st);
	MR_CHECK_INT(t, MR_EPERM, add(st, "self", "Self@example.org"));
	MR_CHECK_INT(t, 0, add(st, "ann", "ann@example.org")); /* her own mailbox */
	MR_CHECK_INT(t, 0, add(st, "ann", "bob@example.org")); /* and a copy */
	MR_CHECK_INT(t, MR_EPERM, add(st, "bob", "ann@example.org"));
	MR_CHECK_INT(t, 0, add(st, "a", "b@example.org"));
	MR_CHECK_INT(t, 0, add(st, "b", "c@example.org"));
	MR_CHECK_INT(t, MR_EPERM, add(st, "c", "A@Example.org"));
	MR_CHECK_INT(t, 0, add(st, "c", "ann@example.org"));
	check_list(t, st,
		   "a@example.org=b@example.org ann@example.org=ann@example.org "
		   "ann@example.org=bob@example.org b@example.org=c@example.org "
		   "c@example.org=ann@example.org ");
}

MR_TEST(alias_too_many_targets)
{
	MR_AUTO(mr_store) *st = with_users(t);
	char target[64];

	if (t->oom || getenv("MR_TEST_OOM"))
		return;
	MR_NEED(t, st);
	for (int i = 0; i < MR_ALIAS_TARGETS_MAX; i++) {
		snprintf(target, sizeof(target), "u%d@elsewhere.example", i);
		MR_NEED(t, add(st, "all", target) == 0);
	}
	MR_CHECK_INT(t, MR_ELIMIT, add(st, "all", "ann@example.org"));
}

MR_TEST(alias_dump)
{
	static const char want[] =
		"table\talias\tdomain, local, disabled, created_s\n"
		"row\ttexample.org\tt\ti0\ti7\n"
		"table\talias_target\tdomain, local, target, to_domain, to_local\n"
		"row\ttexample.org\tt\ttAnn@example.org\ttexample.org\ttann\n";
	MR_AUTO(mr_store) *st = with_users(t);
	MR_AUTO_BUF text = MR_BUF(65536);

	MR_NEED(t, st);
	MR_NEED(t, add(st, "", "Ann@example.org") == 0);
	MR_NEED(t,
		mr_store_dump(st, MR_GROUP_DIRECTORY, mr_dump_test_line, NULL, &text, NULL) == 0);
	MR_CHECK(t, mr_span_search(mr_buf_span(&text), S(want)) < text.len);
}

static void show_address(const struct mr_address *a, struct mr_buf *out)
{
	mr_buf_printf(out, "%s%s%s", a->ours ? "ours" : "theirs", a->has_user ? " user" : "",
		      a->has_alias ? " alias" : "");
	for (size_t i = 0; a->has_alias && i < a->alias.target_count; i++)
		mr_buf_printf(out, " %.*s", (int)a->alias.target[i].len, a->alias.target[i].p);
}

/* In one question what the others say in three. */
MR_TEST(address_find)
{
	static const struct {
		const char *local, *domain, *want;
	} rows[] = {
		{ "ann", "example.org", "ours user" },
		{ "ANN", "EXAMPLE.org", "ours user" },
		{ "bob", "example.org", "ours user alias Zoe@elsewhere.example" },
		{ "sales", "example.org", "ours alias ann@example.org" },
		{ "", "example.org", "ours alias bob@example.org" }, /* catch-all */
		{ "nobody", "example.org", "ours" },
		{ "a b", "example.org", "ours" }, /* nobody can have it */
		{ "@", "example.org", "ours" },
		{ "ann", "elsewhere.example", "theirs" },
		{ "ann", "[192.0.2.1]", "theirs" },
	};
	MR_AUTO(mr_store) *st = with_users(t);
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);

	MR_NEED(t, st && arena);
	MR_NEED(t, add(st, "bob", "Zoe@elsewhere.example") == 0);
	MR_NEED(t, add(st, "sales", "ann@example.org") == 0);
	MR_NEED(t, add(st, "", "bob@example.org") == 0);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF text = MR_BUF(4096);
		struct mr_address address;

		t->row = (long)i;
		MR_NEED(t, mr_store_address_find(st, S(rows[i].local), S(rows[i].domain), arena,
						 &address) == 0);
		show_address(&address, &text);
		MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&text));
	}
	t->row = -1;
	if (!t->oom) {
		struct mr_address address;

		MR_CHECK_INT(t, 0, mr_store_address_find(st, S("Ann"), ORG, arena, &address));
		MR_CHECK_SPAN(t, "ann", address.user.local);
		MR_CHECK_SPAN(t, "example.org", address.user.domain);
		MR_CHECK_INT(t, 1, address.user.created_s);
		MR_CHECK_INT(t, MR_ID_SIZE - 1, strlen(address.user.id));
	}
}
