#include "lib/store/mr_resolve.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"
#include "tests/unit/mr_test.h"

#define S(text) mr_span_str(text)

/* The directory of these tests. */
static const char *const users[] = { "ann", "bob", "ann+own", "off" };
static const struct {
	const char *local, *targets;
} aliases[] = {
	{ "sales", "ann@example.org bob@example.org" },
	{ "boss", "Ann@Example.ORG" },
	{ "staff", "sales@example.org bob@example.org zoe@elsewhere.example" },
	{ "folder", "bob+x@example.org ann@example.org" },
	{ "out", "zoe@elsewhere.example Zoe@elsewhere.example zoe@Elsewhere.example" },
	{ "bob", "bob@example.org ann@example.org" }, /* a copy */
	{ "dead", "nobody@example.org" },
	{ "half", "nobody@example.org ann@example.org" },
	{ "evil", "|x@example.org /x@example.org ann@example.org" },
	{ "worse", "|x@example.org" },
	{ "loop1", "loop2@example.org" },
	{ "loop2", "loop1@example.org" },
	{ "loop3", "loop1@example.org ann@example.org" },
	{ "!asleep", "ann@example.org" },
	{ "d1", "d2@example.org" },
	{ "d2", "d3@example.org" },
	{ "d3", "d4@example.org" },
	{ "d4", "d5@example.org" },
	{ "d5", "d6@example.org" },
	{ "d6", "d7@example.org" },
	{ "d7", "d8@example.org" },
	{ "d8", "d9@example.org" },
	{ "d9", "d10@example.org" },
	{ "d10", "ann@example.org" },
	{ "d0", "d1@example.org" },
};

struct directory {
	const char *catch_all; /* NULL: none */
	int err; /* of every call; 0: none */
};

static bool ours(struct mr_span domain)
{
	return mr_span_eq_nocase(domain, S("example.org"));
}

static int find_domain(void *arg, struct mr_span domain)
{
	const struct directory *d = arg;

	return d->err ? d->err : ours(domain) ? 0 : MR_ENOENT;
}

static int find_user(void *arg, struct mr_span local, struct mr_span domain,
		     struct mr_arena *arena MR_UNUSED, struct mr_user *user_out)
{
	const struct directory *d = arg;

	if (d->err)
		return d->err;
	if (local.len == 0)
		return MR_EINVAL;
	for (size_t i = 0; ours(domain) && i < MR_COUNT(users); i++) {
		if (mr_span_eq_nocase(local, S(users[i]))) {
			*user_out = (struct mr_user){ .local = S(users[i]),
						      .domain = S("example.org") };
			return 0;
		}
	}
	return MR_ENOENT;
}

static int split(const char *words, struct mr_arena *arena, struct mr_alias *alias_out)
{
	struct mr_span rest = S(words), *target = mr_arena_array(arena, 3, sizeof(*target));

	if (!target)
		return MR_ENOMEM;
	alias_out->target_count = 0;
	while (rest.len > 0)
		(void)mr_span_split(rest, ' ', &target[alias_out->target_count++], &rest);
	alias_out->target = target;
	return 0;
}

static int find_alias(void *arg, struct mr_span local, struct mr_span domain,
		      struct mr_arena *arena, struct mr_alias *alias_out)
{
	const struct directory *d = arg;

	if (d->err)
		return d->err;
	*alias_out = (struct mr_alias){ .domain = S("example.org") };
	if (local.len == 0 && d->catch_all && ours(domain))
		return split(d->catch_all, arena, alias_out);
	for (size_t i = 0; ours(domain) && i < MR_COUNT(aliases); i++) {
		struct mr_span name = S(aliases[i].local);

		alias_out->disabled = name.p[0] == '!';
		name = mr_span_sub(name, alias_out->disabled, name.len);
		alias_out->local = name;
		if (mr_span_eq_nocase(local, name))
			return split(aliases[i].targets, arena, alias_out);
	}
	return MR_ENOENT;
}

/* "alias: ann+x bob | zoe@elsewhere.example" */
static void show(const struct mr_resolved *r, struct mr_buf *out)
{
	mr_buf_adds(out, r->alias ? "alias:" : "user:");
	for (size_t i = 0; i < r->mailbox_count; i++) {
		const struct mr_resolve_mailbox *m = &r->mailbox[i];

		mr_buf_addc(out, ' ');
		mr_buf_add(out, m->user.local);
		if (m->separator)
			mr_buf_addc(out, m->separator);
		mr_buf_add(out, m->detail);
	}
	for (size_t i = 0; i < r->outside_count; i++) {
		mr_buf_adds(out, i == 0 ? " | " : " ");
		mr_buf_add(out, r->outside[i]);
	}
}

static const struct {
	const char *local, *catch_all;
	const char *want;
	int err;
} rows[] = {
	{ "ann", NULL, "user: ann", 0 },
	{ "ANN", NULL, "user: ann", 0 },
	{ "nobody", NULL, "", MR_ENOENT },
	{ "", "ann@example.org", "", MR_ENOENT },
	{ "a b", NULL, "", MR_ENOENT },
	{ "ann+Lists", NULL, "user: ann+Lists", 0 },
	{ "ann-lists", NULL, "user: ann-lists", 0 }, /* separators are "+-" here */
	{ "ann+own", NULL, "user: ann+own", 0 }, /* the whole name first */
	{ "ann+own+x", NULL, "user: ann+own+x", 0 }, /* at the first separator */
	{ "+x", NULL, "", MR_ENOENT },
	{ "sales", NULL, "alias: ann bob", 0 },
	{ "boss", NULL, "alias: ann", 0 },
	{ "boss+x", NULL, "alias: ann+x", 0 },
	{ "folder", NULL, "alias: ann bob+x", 0 },
	{ "folder+y", NULL, "alias: ann+y bob+x", 0 },
	{ "staff", NULL, "alias: ann bob | zoe@elsewhere.example", 0 },
	/* RFC 5321 2.4: a local part that is not ours is compared as it is */
	{ "out", NULL, "alias: | zoe@elsewhere.example Zoe@elsewhere.example", 0 },
	{ "bob", NULL, "alias: bob ann", 0 },
	{ "dead", NULL, "", MR_ENOENT },
	{ "half", NULL, "alias: ann", 0 },
	{ "evil", NULL, "alias: ann", 0 },
	{ "worse", NULL, "", MR_ENOENT },
	{ "loop1", NULL, "", MR_ELIMIT },
	{ "loop3", NULL, "alias: ann", 0 },
	{ "asleep", NULL, "", MR_ENOENT },
	{ "asleep", "bob@example.org", "alias: bob ann", 0 },
	{ "d1", NULL, "alias: ann", 0 }, /* ten behind each other */
	{ "d0", NULL, "", MR_ELIMIT },
	{ "nobody", "ann@example.org", "alias: ann", 0 },
	{ "nobody+x", "ann@example.org", "alias: ann", 0 },
	{ "nobody", "all@example.org", "", MR_ELIMIT }, /* it catches itself */
	{ "nobody", "z@elsewhere.example", "alias: | z@elsewhere.example", 0 },
	{ "ann", "bob@example.org", "user: ann", 0 },
	{ "ann+x", "bob@example.org", "user: ann+x", 0 },
};

MR_TEST(resolve)
{
	struct directory d = { .err = 0 };
	const struct mr_resolve_table table = { find_domain, find_user, find_alias, NULL, &d };

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *local = mr_test_exact(t, i, rows[i].local);
		MR_AUTO(mr_arena) *arena = mr_arena_new(1 << 20);
		MR_AUTO_BUF text = MR_BUF(4096);
		struct mr_resolved r = { .alias = false };
		int err;

		MR_NEED(t, local && arena);
		d.catch_all = rows[i].catch_all;
		err = mr_resolve(&table, "+-", mr_block_span(local), S("example.org"), arena, &r);
		MR_CHECK_INT(t, rows[i].err, err);
		if (err == 0)
			show(&r, &text);
		MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&text));
	}
}

MR_TEST(resolve_errors)
{
	struct directory d = { .catch_all = NULL };
	const struct mr_resolve_table table = { find_domain, find_user, find_alias, NULL, &d };
	MR_AUTO(mr_arena) *arena = mr_arena_new(1 << 20);
	struct mr_resolved r;

	MR_NEED(t, arena);
	MR_CHECK_INT(t, MR_EPERM,
		     mr_resolve(&table, "+", S("ann"), S("elsewhere.example"), arena, &r));
	MR_CHECK_INT(t, MR_ENOENT, mr_resolve(&table, "", S("ann+x"), S("example.org"), arena, &r));
	d.err = MR_ETEMP;
	MR_CHECK_INT(t, MR_ETEMP, mr_resolve(&table, "+", S("ann"), S("example.org"), arena, &r));
	d.err = MR_ENOMEM;
	MR_CHECK_INT(t, MR_ENOMEM, mr_resolve(&table, "+", S("ann"), S("example.org"), arena, &r));
}

/* However an attacker with a domain of his own builds his aliases: work is bounded. */
static int fan_alias(void *arg, struct mr_span local MR_UNUSED, struct mr_span domain MR_UNUSED,
		     struct mr_arena *arena, struct mr_alias *alias_out)
{
	unsigned *made = arg;
	struct mr_span *target = mr_arena_array(arena, 5, sizeof(*target));

	if (!target)
		return MR_ENOMEM;
	for (int i = 0; i < 5; i++) {
		char *text = mr_arena_printf(arena, "n%u@example.org", ++*made);

		if (!text)
			return MR_ENOMEM;
		target[i] = S(text);
	}
	*alias_out = (struct mr_alias){
		.local = target[0], .domain = S("example.org"), .target = target, .target_count = 5
	};
	return 0;
}

static int any_domain(void *arg MR_UNUSED, struct mr_span domain MR_UNUSED)
{
	return 0;
}

MR_TEST(resolve_fans_out)
{
	unsigned made = 0;
	const struct mr_resolve_table table = { any_domain, find_user, fan_alias, NULL, &made };
	MR_AUTO(mr_arena) *arena = mr_arena_new(1 << 20);
	struct mr_resolved r;

	MR_NEED(t, arena);
	MR_CHECK_INT(t, MR_ELIMIT, mr_resolve(&table, "+", S("x"), S("example.org"), arena, &r));
	MR_CHECK(t, made <= 5 * MR_RESOLVE_ALIASES_MAX + 5);
}
