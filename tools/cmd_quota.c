/* millrace quota: what mailboxes hold, and may hold. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_json.h"
#include "lib/store/mr_quota.h"
#include "tools/commands.h"
#include "tools/owner.h"
#include "tools/quota.h"

#define SETTINGS_MAX 65536 /* bytes of one user's settings */
#define JSON_MAX     4096 /* of one line */

struct show {
	struct cli *cli;
	struct mr_store *store, *usage;
	struct mr_arena *arena; /* of settings */
	size_t shown;
};

/* "1.5M"; exact where it is a whole number of the unit. */
static const char *octets_text(int64_t octets, char out[32])
{
	static const char units[] = "KMGTP";
	double number = (double)octets;
	int unit = -1;

	while (number >= 1024 && unit < 4) {
		number /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(out, 32, "%" PRId64, octets);
	else
		snprintf(out, 32, octets % ((int64_t)1 << (10 * (unit + 1))) ? "%.1f%c" : "%.0f%c",
			 number, units[unit]);
	return out;
}

static void json_line(const struct show *s, const char *name, struct mr_usage used,
		      struct mr_limit limit, const struct mr_over *over)
{
	MR_AUTO_BUF out = MR_BUF(JSON_MAX);
	char date[MR_DATE_SIZE];
	struct mr_json json;

	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '{');
	mr_json_str(&json, "name", mr_span_str(name));
	mr_json_int(&json, "octets", used.octets);
	mr_json_int(&json, "octets_limit", limit.octets);
	mr_json_int(&json, "messages", used.messages);
	mr_json_int(&json, "messages_limit", limit.messages);
	mr_json_int(&json, "percent", mr_quota_percent(limit, used));
	mr_json_int(&json, "warned", over->warned);
	if (over->since_s > 0) {
		mr_date_rfc3339(over->since_s, date);
		mr_json_str(&json, "full_since", mr_span_str(date));
	}
	mr_json_close(&json);
	printf("%s%s", s->shown > 0 ? "," : "", mr_buf_str(&out));
}

static void text_line(const char *name, struct mr_usage used, struct mr_limit limit,
		      const struct mr_over *over)
{
	char a[32], b[32], c[32], percent[16] = "-";

	snprintf(c, sizeof(c), "%" PRId64, limit.messages);
	if (!mr_limit_is_none(limit))
		snprintf(percent, sizeof(percent), "%d%%", mr_quota_percent(limit, used));
	printf("%-40s %8s of %-8s %8" PRId64 " of %-8s %5s%s\n", name, octets_text(used.octets, a),
	       limit.octets ? octets_text(limit.octets, b) : "-", used.messages,
	       limit.messages ? c : "-", percent, over->since_s > 0 ? " full" : "");
}

/* A user, or a domain (local empty). */
static int line(struct show *s, struct mr_span local, struct mr_span domain)
{
	struct mr_user_settings set;
	struct mr_over user, whole;
	struct mr_usage used;
	char *name;
	int err;

	mr_arena_reset(s->arena);
	name = mr_arena_printf(s->arena, "%.*s%s%.*s", (int)local.len, local.p,
			       local.len > 0 ? "@" : "", (int)domain.len, domain.p);
	if (!name)
		return MR_ENOMEM;
	if ((err = mr_user_settings_get(s->store, local, domain, s->arena, &set)) < 0 ||
	    (err = mr_store_usage_get(s->usage, local, domain, &used)) < 0 ||
	    (err = mr_store_over_get(s->usage, local, domain, &user, &whole)) < 0)
		return err;
	if (s->cli->json)
		json_line(s, name, used, local.len > 0 ? set.quota : set.domain_quota,
			  local.len > 0 ? &user : &whole);
	else
		text_line(name, used, local.len > 0 ? set.quota : set.domain_quota,
			  local.len > 0 ? &user : &whole);
	s->shown++;
	return 0;
}

static int lines(struct show *s, const struct owner *owner, const struct quota_users *users)
{
	struct mr_span before = MR_SPAN("");
	int err = 0;

	if (owner->local.len > 0)
		return line(s, owner->local, owner->domain);
	for (size_t i = 0; i < users->count && err == 0; i++) {
		const struct mr_user *u = &users->user[i];

		if (!mr_span_eq(u->domain, before))
			err = line(s, MR_SPAN(""), u->domain);
		before = u->domain;
		if (err == 0 && owner->domain.len > 0)
			err = line(s, u->local, u->domain);
	}
	/* A domain without users, too. */
	if (err == 0 && users->count == 0 && owner->domain.len > 0)
		err = line(s, MR_SPAN(""), owner->domain);
	return err;
}

static int show(struct cli *cli, const char *word)
{
	static const char what[] = "cannot show quota of";
	MR_AUTO(mr_store) *store = NULL;
	MR_AUTO(mr_store) *usage = NULL;
	MR_AUTO(mr_arena) *arena = mr_arena_new(SETTINGS_MAX);
	MR_AUTO(mr_arena) *names = mr_arena_new(QUOTA_ARENA_MAX);
	struct quota_users users = { .arena = names };
	struct show s = { .cli = cli, .arena = arena };
	struct owner owner;
	int err;

	if (quota_owner(word, what, &owner) != CLI_OK ||
	    !(store = owner_store(cli, MR_STORE_READ, &owner, what)) ||
	    !(usage = cli_store(cli, MR_GROUP_QUOTA, MR_STORE_READ)))
		return cli->away ? CLI_TEMP : CLI_FAILED;
	if (!arena || !names)
		return cli_complain(MR_ENOMEM, what, owner.shown);
	s.store = store;
	s.usage = usage;
	err = owner.local.len > 0 ? 0 : quota_users(store, owner.domain, &users);
	if (cli->json)
		putchar('[');
	if (err == 0)
		err = lines(&s, &owner, &users);
	if (cli->json)
		puts("]");
	return err < 0 ? cli_complain(err, what, owner.shown) : CLI_OK;
}

int quota_owner(const char *word, const char *what, struct owner *owner_out)
{
	*owner_out = (struct owner){ .shown = "all" };
	if (!word)
		return CLI_OK;
	return strchr(word, '@') ? owner_user(word, what, owner_out)
				 : owner_domain(word, what, owner_out);
}

static int add_user(void *arg, const struct mr_user *user)
{
	struct quota_users *u = arg;
	struct mr_user copy = *user;
	int err;

	if ((err = mr_arena_grow(u->arena, &u->user, &u->room, u->count + 1, sizeof(copy))) < 0 ||
	    (err = mr_arena_dup(u->arena, user->local, &copy.local)) < 0 ||
	    (err = mr_arena_dup(u->arena, user->domain, &copy.domain)) < 0)
		return err;
	u->user[u->count++] = copy;
	return 0;
}

int quota_users(struct mr_store *store, struct mr_span domain, struct quota_users *users_out)
{
	return mr_store_user_each(store, domain, add_user, users_out);
}

int cmd_quota(struct cli *cli, int argc, char **argv)
{
	bool recount = argc > 1 && strcmp(argv[1], "recount") == 0;
	const char *word = argv[recount ? 2 : 1];

	if (argc > (recount ? 3 : 2))
		return cli_usage(cli);
	return recount ? quota_recount(cli, word) : show(cli, word);
}
