#include "lib/store/mr_store.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/store/mr_db.h"
#include "lib/store/mr_user_settings.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define WRITERS       4
#define ADDS_A_WRITER 50

#define BOTH    (MR_GROUP_DIRECTORY | MR_GROUP_SPAM)
#define S(text) mr_span_str(text)

MR_TEST(store_users)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);
	struct mr_user user;

	MR_NEED(t, st && arena);
	MR_CHECK_INT(t, MR_ENOENT, mr_store_domain_exists(st, S("example.org")));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_user_add(st, S("alice"), S("example.org"), 7));
	MR_CHECK_INT(t, 0, mr_store_domain_add(st, S("Example.Org")));
	MR_CHECK_INT(t, MR_EEXIST, mr_store_domain_add(st, S("example.org")));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_domain_add(st, S("exa mple")));
	MR_CHECK_INT(t, 0, mr_store_domain_exists(st, S("EXAMPLE.org")));
	MR_CHECK_INT(t, 0, mr_store_user_add(st, S("Alice"), S("example.org"), 7));
	MR_CHECK_INT(t, MR_EEXIST, mr_store_user_add(st, S("alice"), S("example.org"), 8));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_user_add(st, S("../x"), S("example.org"), 8));
	MR_NEED(t, mr_store_user_find(st, S("aLICE"), S("example.ORG"), arena, &user) == 0);
	MR_CHECK_SPAN(t, "alice", user.local);
	MR_CHECK_SPAN(t, "example.org", user.domain);
	MR_CHECK_INT(t, 7, user.created_s);
	MR_CHECK_INT(t, MR_ID_SIZE - 1, strlen(user.id));
	MR_CHECK(t, !user.disabled);
	MR_CHECK_INT(t, 0, mr_store_user_disable(st, S("alice"), S("example.org"), true));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_user_disable(st, S("bob"), S("example.org"), true));
	MR_NEED(t, mr_store_user_find(st, S("alice"), S("example.org"), arena, &user) == 0);
	MR_CHECK(t, user.disabled);
	MR_CHECK_INT(t, MR_ENOENT,
		     mr_store_user_find(st, S("bob"), S("example.org"), arena, &user));
	MR_CHECK_INT(t, MR_EPERM, mr_store_domain_remove(st, S("example.org")));
	MR_CHECK_INT(t, 0, mr_store_user_remove(st, S("alice"), S("example.org")));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_user_remove(st, S("alice"), S("example.org")));
	MR_CHECK_INT(t, 0, mr_store_domain_remove(st, S("example.org")));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_domain_remove(st, S("example.org")));
}

struct listing {
	char text[512];
	int stop_after;
};

static int list_domain(void *arg, struct mr_span domain, int64_t users)
{
	struct listing *l = arg;
	size_t len = strlen(l->text);

	snprintf(l->text + len, sizeof(l->text) - len, "%.*s=%d ", (int)domain.len, domain.p,
		 (int)users);
	return 0;
}

static int list_user(void *arg, const struct mr_user *user)
{
	struct listing *l = arg;
	size_t len = strlen(l->text);

	snprintf(l->text + len, sizeof(l->text) - len, "%.*s@%.*s ", (int)user->local.len,
		 user->local.p, (int)user->domain.len, user->domain.p);
	return l->stop_after > 0 && --l->stop_after == 0 ? 42 : 0;
}

MR_TEST(store_walks)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	struct listing all = { "", 0 }, one = { "", 0 }, stopped = { "", 1 }, domains = { "", 0 };

	MR_NEED(t, st);
	MR_NEED(t, mr_store_domain_add(st, S("b.example")) == 0);
	MR_NEED(t, mr_store_domain_add(st, S("a.example")) == 0);
	MR_NEED(t, mr_store_user_add(st, S("zoe"), S("a.example"), 0) == 0);
	MR_NEED(t, mr_store_user_add(st, S("ann"), S("b.example"), 0) == 0);
	MR_NEED(t, mr_store_user_add(st, S("bob"), S("a.example"), 0) == 0);
	MR_CHECK_INT(t, 0, mr_store_domain_each(st, list_domain, &domains));
	MR_CHECK_STR(t, "a.example=2 b.example=1 ", domains.text);
	MR_CHECK_INT(t, 0, mr_store_user_each(st, S(""), list_user, &all));
	MR_CHECK_STR(t, "bob@a.example zoe@a.example ann@b.example ", all.text);
	MR_CHECK_INT(t, 0, mr_store_user_each(st, S("B.example"), list_user, &one));
	MR_CHECK_STR(t, "ann@b.example ", one.text);
	MR_CHECK_INT(t, 42, mr_store_user_each(st, S(""), list_user, &stopped));
	MR_CHECK_STR(t, "bob@a.example ", stopped.text);
}

MR_TEST(store_settings)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);
	struct mr_span value = MR_SPAN("untouched");

	MR_NEED(t, st && arena);
	MR_CHECK_INT(t, MR_ENOENT,
		     mr_store_setting_get(st, S("a"), S("b.c"), S("x"), arena, &value));
	MR_CHECK_SPAN(t, "untouched", value);
	MR_CHECK_INT(t, MR_EINVAL, mr_store_setting_set(st, S("a"), S(""), S("x"), S("1")));
	MR_CHECK_INT(t, 0, mr_store_setting_set(st, S("a"), S("b.c"), S("x"), S("1")));
	MR_CHECK_INT(t, 0, mr_store_setting_set(st, S(""), S("b.c"), S("x"), S("2")));
	MR_CHECK_INT(t, 0, mr_store_setting_set(st, S(""), S(""), S("x"), S("3")));
	MR_CHECK_INT(t, 0, mr_store_setting_set(st, S("A"), S("B.c"), S("x"), S("4")));
	MR_CHECK_INT(t, 0, mr_store_setting_get(st, S("a"), S("b.c"), S("x"), arena, &value));
	MR_CHECK_SPAN(t, "4", value);
	MR_CHECK_INT(t, 0, mr_store_setting_get(st, S(""), S("b.c"), S("x"), arena, &value));
	MR_CHECK_SPAN(t, "2", value);
	MR_CHECK_INT(t, 0, mr_store_setting_set(st, S("a"), S("b.c"), S("x"), S("")));
	MR_CHECK_INT(t, MR_ENOENT,
		     mr_store_setting_get(st, S("a"), S("b.c"), S("x"), arena, &value));
}

static int list_setting(void *arg, struct mr_span local, struct mr_span domain, struct mr_span name,
			struct mr_span value)
{
	struct listing *l = arg;
	size_t len = strlen(l->text);

	snprintf(l->text + len, sizeof(l->text) - len, "%.*s@%.*s:%.*s=%.*s ", (int)local.len,
		 local.p, (int)domain.len, domain.p, (int)name.len, name.p, (int)value.len,
		 value.p);
	return 0;
}

/* The widest scope first; of nobody else. */
MR_TEST(store_setting_walk)
{
	static const struct {
		const char *local, *domain, *name, *value;
	} set[] = {
		{ "a", "b.c", "x", "1" }, { "a", "b.c", "y", "2" }, { "", "b.c", "x", "3" },
		{ "", "", "x", "4" },     { "z", "b.c", "x", "5" }, { "a", "d.e", "x", "6" },
		{ "", "d.e", "x", "7" },
	};
	static const struct {
		const char *local, *domain, *want;
	} rows[] = {
		{ "A", "B.C", "@:x=4 @b.c:x=3 a@b.c:x=1 a@b.c:y=2 " },
		{ "", "b.c", "@:x=4 @b.c:x=3 " },
		{ "", "", "@:x=4 " },
		{ "n", "f.g", "@:x=4 " },
	};
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);

	MR_NEED(t, st);
	for (size_t i = 0; i < MR_COUNT(set); i++)
		MR_NEED(t, mr_store_setting_set(st, S(set[i].local), S(set[i].domain),
						S(set[i].name), S(set[i].value)) == 0);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct listing all = { "", 0 };

		t->row = (long)i;
		MR_CHECK_INT(t, 0,
			     mr_store_setting_each(st, S(rows[i].local), S(rows[i].domain),
						   list_setting, &all));
		MR_CHECK_STR(t, rows[i].want, all.text);
	}
	t->row = -1;
	MR_CHECK_INT(t, MR_EINVAL, mr_store_setting_each(st, S("a"), S(""), list_setting, NULL));
}

MR_TEST(user_setting_values)
{
	static const struct {
		const char *name, *value;
		int want;
	} rows[] = {
		{ "spam", "folder", 0 },
		{ "spam", "tag", 0 },
		{ "spam", "inbox", 0 },
		{ "spam", "Folder", MR_EINVAL },
		{ "spam", "", MR_EINVAL },
		{ "spam", "digest", MR_EINVAL }, /* with the web pages */
		{ "Spam", "folder", MR_ENOENT },
		{ "spam_folder", "1", MR_ENOENT },
		{ "spam_tag", "[SPAM]", 0 },
		{ "spam_tag", "two words", 0 },
		{ "spam_tag", "\xe2\x9a\xa0", 0 },
		{ "spam_tag", "1234567890123456789012345678901234567890", 0 },
		{ "spam_tag", "12345678901234567890123456789012345678901", MR_EINVAL },
		{ "spam_tag", " x", MR_EINVAL },
		{ "spam_tag", "x\ny", MR_EINVAL },
		{ "spam_tag", "\xff", MR_EINVAL },
		{ "spam_tag", "=?utf-8?q?x?=", MR_EINVAL },
		{ "spam_threshold", "0", 0 },
		{ "spam_threshold", "4.5", 0 },
		{ "spam_threshold", "4.125", 0 },
		{ "spam_threshold", "100", 0 },
		{ "spam_threshold", "100.001", MR_EINVAL },
		{ "spam_threshold", "4.1255", MR_EINVAL },
		{ "spam_threshold", "-1", MR_EINVAL },
		{ "spam_threshold", "4.", MR_EINVAL },
		{ "spam_threshold", ".5", MR_EINVAL },
		{ "spam_threshold", "4,5", MR_EINVAL },
		{ "spam_threshold", "1e1", MR_EINVAL },
		{ "spam_expire_days", "0", 0 },
		{ "spam_expire_days", "3650", 0 },
		{ "spam_expire_days", "3651", MR_EINVAL },
		{ "spam_expire_days", "30d", MR_EINVAL },
		{ "quota", "0", 0 },
		{ "quota", "500M", 0 },
		{ "quota", "1048576T", 0 }, /* 2^60 */
		{ "quota", "1048577T", MR_EINVAL },
		{ "quota", "1152921504606846976", 0 },
		{ "quota", "1152921504606846977", MR_EINVAL },
		{ "quota", "M", MR_EINVAL },
		{ "quota", "", MR_EINVAL },
		{ "quota", "5MM", MR_EINVAL },
		{ "quota", "5m", MR_EINVAL },
		{ "quota", "-1", MR_EINVAL },
		{ "quota", "1.5G", MR_EINVAL },
		{ "quota_messages", "100", 0 },
		{ "quota_messages", "1K", MR_EINVAL },
		{ "quota_grace_hours", "0", 0 },
		{ "quota_grace_hours", "8760", 0 },
		{ "quota_grace_hours", "8761", MR_EINVAL },
		{ "domain_quota", "2G", 0 },
		{ "domain_quota_messages", "2G", MR_EINVAL },
		{ "send_messages", "0/0/0", 0 },
		{ "send_messages", "1/22/1000000000", 0 },
		{ "send_messages", "1/22/1000000001", MR_EINVAL },
		{ "send_messages", "1/22", MR_EINVAL },
		{ "send_messages", "1/22/3/4", MR_EINVAL },
		{ "send_messages", "1/22/3/", MR_EINVAL },
		{ "send_messages", "1//3", MR_EINVAL },
		{ "send_messages", "1/-2/3", MR_EINVAL },
		{ "send_messages", "100", MR_EINVAL },
		{ "send_messages", "", MR_EINVAL },
		{ "send_recipients", "1/2/3", 0 },
		{ "send_recipients", "1/2/x", MR_EINVAL },
		{ "domain_send_messages", "1/2/3", 0 },
		{ "transport", "backup-1", 0 },
		{ "transport", "smtp:[192.0.2.1]", MR_EINVAL },
		{ "domain_send_recipients", "1/2/3", 0 },
		{ "spam_reject", "no", 0 },
		{ "spam_reject", "yes", 0 },
		{ "spam_reject", "", MR_EINVAL },
		{ "spam_reject", "0", MR_EINVAL },
		{ "send_over", "defer", 0 },
		{ "send_over", "reject", 0 },
		{ "send_over", "Defer", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		const char *why = NULL;

		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want,
			     mr_user_setting_check(S(rows[i].name), S(rows[i].value), &why));
		MR_CHECK(t, why != NULL);
	}
}

/* A domain's shared quota is not for its users to change. */
MR_TEST(user_settings_quota)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);
	struct mr_user_settings s;

	MR_NEED(t, st && arena);
	MR_NEED(t, mr_user_settings_get(st, S("a"), S("b.c"), arena, &s) == 0);
	MR_CHECK_INT(t, 0, s.quota.octets);
	MR_CHECK_INT(t, 0, s.domain_quota.messages);
	MR_CHECK_INT(t, 24, s.quota_grace_hours);
	MR_NEED(t, mr_store_setting_set(st, S(""), S("b.c"), S("quota"), S("3K")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S("a"), S("b.c"), S("quota_messages"), S("7")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S(""), S("b.c"), S("domain_quota"), S("2M")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S("a"), S("b.c"), S("domain_quota"), S("9M")) == 0);
	MR_NEED(t, mr_user_settings_get(st, S("a"), S("b.c"), arena, &s) == 0);
	MR_CHECK_INT(t, 3072, s.quota.octets);
	MR_CHECK_INT(t, 7, s.quota.messages);
	MR_CHECK_INT(t, 2097152, s.domain_quota.octets);
	MR_CHECK(t, mr_user_setting_is_shared(S("domain_quota")));
	MR_CHECK(t, !mr_user_setting_is_shared(S("quota")));
	MR_CHECK(t, !mr_user_setting_is_shared(S("x")));
}

/* What everybody may send, without a setting: a person never notices, a thief does. */
MR_TEST(user_settings_send)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);
	struct mr_user_settings s;

	MR_NEED(t, st && arena);
	mr_user_settings_default(&s);
	MR_CHECK_INT(t, 60, s.send[MR_LIMIT_BURST].messages);
	MR_CHECK_INT(t, 1000, s.send[MR_LIMIT_HOUR].recipients);
	MR_CHECK_INT(t, 1500, s.send[MR_LIMIT_DAY].messages);
	MR_CHECK_INT(t, 0, s.domain_send[MR_LIMIT_DAY].messages);
	MR_CHECK(t, !s.send_reject);
	MR_NEED(t,
		mr_store_setting_set(st, S(""), S("b.c"), S("send_recipients"), S("4/5/6")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S("a"), S("b.c"), S("send_over"), S("reject")) == 0);
	MR_NEED(t,
		mr_store_setting_set(st, S(""), S(""), S("domain_send_messages"), S("7/8/9")) == 0);
	/* A thief must not lift what is his domain's. */
	MR_NEED(t, mr_store_setting_set(st, S("a"), S("b.c"), S("domain_send_messages"),
					S("0/0/0")) == 0);
	MR_NEED(t, mr_user_settings_get(st, S("a"), S("b.c"), arena, &s) == 0);
	MR_CHECK_INT(t, 4, s.send[MR_LIMIT_BURST].recipients);
	MR_CHECK_INT(t, 300, s.send[MR_LIMIT_HOUR].messages);
	MR_CHECK_INT(t, 6, s.send[MR_LIMIT_DAY].recipients);
	MR_CHECK_INT(t, 8, s.domain_send[MR_LIMIT_HOUR].messages);
	MR_CHECK(t, s.send_reject);
	MR_CHECK(t, mr_user_setting_is_shared(S("domain_send_messages")));
	MR_CHECK(t, !mr_user_setting_is_shared(S("send_messages")));
}

/* His own, else his domain's, else that of all, else the default. */
MR_TEST(user_settings)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);
	struct mr_user_settings s;

	MR_NEED(t, st && arena);
	MR_NEED(t, mr_user_settings_get(st, S("a"), S("b.c"), arena, &s) == 0);
	MR_CHECK_INT(t, MR_SPAM_PLACE_FOLDER, s.spam);
	MR_CHECK_SPAN(t, "[SPAM]", s.spam_tag);
	MR_CHECK_INT(t, 5000, s.spam_threshold);
	MR_CHECK_INT(t, 0, s.spam_expire_days);
	MR_CHECK_INT(t, MR_SCOPE_DEFAULT, s.scope[MR_USER_SPAM]);
	MR_NEED(t, mr_store_setting_set(st, S(""), S(""), S("spam"), S("inbox")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S(""), S(""), S("spam_threshold"), S("7.25")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S(""), S("b.c"), S("spam"), S("tag")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S(""), S("b.c"), S("spam_expire_days"), S("30")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S("a"), S("b.c"), S("spam_expire_days"), S("0")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S("a"), S("b.c"), S("spam"), S("nonsense")) == 0);
	MR_NEED(t, mr_store_setting_set(st, S("a"), S("b.c"), S("unknown"), S("1")) == 0);
	MR_NEED(t, mr_user_settings_get(st, S("a"), S("b.c"), arena, &s) == 0);
	MR_CHECK_INT(t, MR_SPAM_PLACE_TAG, s.spam); /* his own is none */
	MR_CHECK_INT(t, MR_SCOPE_DOMAIN, s.scope[MR_USER_SPAM]);
	MR_CHECK_INT(t, 7250, s.spam_threshold);
	MR_CHECK_SPAN(t, "7.25", s.text[MR_USER_SPAM_THRESHOLD]);
	MR_CHECK_INT(t, MR_SCOPE_ALL, s.scope[MR_USER_SPAM_THRESHOLD]);
	MR_CHECK_INT(t, 0, s.spam_expire_days);
	MR_CHECK_INT(t, MR_SCOPE_USER, s.scope[MR_USER_SPAM_EXPIRE_DAYS]);
	MR_NEED(t, mr_user_settings_get(st, S(""), S(""), arena, &s) == 0);
	MR_CHECK_INT(t, MR_SPAM_PLACE_INBOX, s.spam);
}

static struct mr_lesson lesson(uint8_t digest, const char *teacher, bool spam, int64_t expires_s)
{
	struct mr_lesson l = { .teacher = S(teacher),
			       .spam = spam,
			       .taught_s = 100,
			       .expires_s = expires_s,
			       .features = MR_SPAN("a\0b") };

	memset(l.digest, digest, sizeof(l.digest));
	return l;
}

static int list_lesson(void *arg, const struct mr_lesson *l)
{
	struct listing *list = arg;
	size_t len = strlen(list->text);

	snprintf(list->text + len, sizeof(list->text) - len, "%d:%.*s:%s:%zu ", l->digest[31],
		 (int)l->teacher.len, l->teacher.p, l->spam ? "spam" : "ham", l->features.len);
	return 0;
}

MR_TEST(store_lessons)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	const struct mr_lesson lessons[] = { lesson(9, "", true, 0), lesson(3, "b@x.y", true, 50),
					     lesson(3, "a@x.y", false, 60),
					     lesson(9, "", false, 0) };
	struct listing all = { "", 0 }, rest = { "", 0 };

	MR_NEED(t, st);
	for (size_t i = 0; i < MR_COUNT(lessons); i++)
		MR_NEED(t, mr_store_lesson_put(st, &lessons[i]) == 0);
	MR_CHECK_INT(t, 0, mr_store_lesson_each(st, list_lesson, &all));
	/* In order of digest and teacher, and the second lesson on 9 replaced the first. */
	MR_CHECK_STR(t, "3:a@x.y:ham:3 3:b@x.y:spam:3 9::ham:3 ", all.text);
	MR_CHECK_INT(t, 0, mr_store_lesson_expire(st, 49, 100));
	MR_CHECK_INT(t, 1, mr_store_lesson_expire(st, 60, 1)); /* at most one: the older */
	MR_CHECK_INT(t, 0, mr_store_lesson_remove(st, S(""), lessons[0].digest));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_lesson_remove(st, S(""), lessons[0].digest));
	MR_CHECK_INT(t, 0, mr_store_lesson_each(st, list_lesson, &rest));
	MR_CHECK_STR(t, "3:a@x.y:ham:3 ", rest.text);
}

MR_TEST(store_corrections_made)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	int64_t made_s[2] = { 1, 1 };

	MR_NEED(t, st);
	MR_NEED(t, mr_store_correction_made(st, S("a@b.c"), S("@b.c"), made_s) == 0);
	MR_CHECK(t, made_s[0] == MR_CORRECTION_NONE && made_s[1] == MR_CORRECTION_NONE);
	MR_NEED(t, mr_store_correction_put(st, S("@b.c"), 7, S("x")) == 0);
	MR_NEED(t, mr_store_correction_put(st, S("z@b.c"), 8, S("x")) == 0);
	MR_NEED(t, mr_store_correction_made(st, S("a@b.c"), S("@b.c"), made_s) == 0);
	MR_CHECK(t, made_s[0] == MR_CORRECTION_NONE && made_s[1] == 7);
	MR_NEED(t, mr_store_correction_put(st, S("a@b.c"), 9, S("x")) == 0);
	MR_NEED(t, mr_store_correction_made(st, S("a@b.c"), S("@b.c"), made_s) == 0);
	MR_CHECK(t, made_s[0] == 9 && made_s[1] == 7);
}

MR_TEST(store_lessons_together)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	const struct mr_lesson lessons[] = { lesson(2, "", true, 0), lesson(1, "", false, 0),
					     lesson(2, "", false, 0) };
	const struct mr_lesson more[] = { lesson(2, "", true, 0), lesson(1, "", false, 0),
					  lesson(2, "a@x.y", true, 0), lesson(2, "", true, 0) };
	bool fresh[MR_COUNT(more)];
	struct listing all = { "", 0 };

	MR_NEED(t, st);
	MR_CHECK_INT(t, 0, mr_store_lesson_put_all(st, lessons, 0));
	MR_NEED(t, mr_store_lesson_put_all(st, lessons, MR_COUNT(lessons)) == 0);
	MR_CHECK_INT(t, 0, mr_store_lesson_each(st, list_lesson, &all));
	/* the last one on a digest counts, as if they had come one by one */
	MR_CHECK_STR(t, "1::ham:3 2::ham:3 ", all.text);
	/* what says something new: the other class, and another teacher */
	MR_NEED(t, mr_store_lesson_teach(st, more, MR_COUNT(more), fresh) == 0);
	MR_CHECK(t, fresh[0] && !fresh[1] && fresh[2] && !fresh[3]);
}

static int list_teacher(void *arg, const struct mr_teacher *who)
{
	struct listing *l = arg;
	size_t len = strlen(l->text);

	snprintf(l->text + len, sizeof(l->text) - len, "%.*s:%d:%d:%d:%d ", (int)who->name.len,
		 who->name.p, (int)who->spam_count, (int)who->ham_count, (int)who->first_s,
		 (int)who->last_s);
	return 0;
}

MR_TEST(store_lessons_of_one_teacher)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	struct listing newest = { "", 0 }, left = { "", 0 }, who = { "", 0 }, nobody = { "", 0 };

	MR_NEED(t, st);
	for (uint8_t i = 1; i <= 4; i++) {
		struct mr_lesson l = lesson(i, "a@x.y", i % 2 == 0, 0),
				 own = lesson(i, "", true, 0);

		l.taught_s = i < 4 ? 100 + i : 101; /* 4 is as old as 1 */
		MR_NEED(t, mr_store_lesson_put(st, &l) == 0 && mr_store_lesson_put(st, &own) == 0);
	}
	MR_CHECK_INT(t, 0, mr_store_lesson_each_of(st, S("a@x.y"), 3, list_lesson, &newest));
	MR_CHECK_STR(t, "3:a@x.y:ham:3 2:a@x.y:spam:3 1:a@x.y:ham:3 ", newest.text);
	MR_CHECK_INT(t, 0, mr_store_lesson_each_of(st, S("b@x.y"), 3, list_lesson, &nobody));
	MR_CHECK_STR(t, "", nobody.text);
	MR_CHECK_INT(t, 0, mr_store_teacher_each(st, list_teacher, &who));
	MR_CHECK_STR(t, ":4:0:100:100 a@x.y:2:2:101:103 ", who.text);
	MR_CHECK_INT(t, 0, mr_store_lesson_trim(st, S("a@x.y"), 4));
	MR_CHECK_INT(t, 2, mr_store_lesson_trim(st, S("a@x.y"), 2));
	MR_CHECK_INT(t, 0, mr_store_lesson_each_of(st, S("a@x.y"), 9, list_lesson, &left));
	MR_CHECK_STR(t, "3:a@x.y:ham:3 2:a@x.y:spam:3 ", left.text);
}

/* A user goes with all that is his; a domain with all of its users; the operator's lessons stay. */
MR_TEST(store_teacher_removed)
{
	static const char *const names[] = { "", "a@x.y", "ba@x.y", "@x.y", "b@zx.y", "b@sub.x.y" };
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	struct listing before = { "", 0 }, after = { "", 0 };
	int64_t made_s[2];

	MR_NEED(t, st);
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		struct mr_lesson one = lesson(1, names[i], true, 0),
				 two = lesson(2, names[i], true, 0);

		one.taught_s = two.taught_s = 1;
		MR_NEED(t,
			mr_store_lesson_put(st, &one) == 0 && mr_store_lesson_put(st, &two) == 0);
		if (names[i][0])
			MR_NEED(t, mr_store_correction_put(st, S(names[i]), 7, S("x")) == 0);
	}
	MR_CHECK_INT(t, MR_EINVAL, mr_store_teacher_remove(st, S("")));
	MR_CHECK_INT(t, 3, mr_store_teacher_remove(st, S("a@x.y")));
	MR_CHECK_INT(t, 0, mr_store_teacher_remove(st, S("a@x.y")));
	MR_CHECK_INT(t, 0, mr_store_teacher_each(st, list_teacher, &before));
	MR_CHECK_STR(t, ":2:0:1:1 @x.y:2:0:1:1 b@sub.x.y:2:0:1:1 b@zx.y:2:0:1:1 ba@x.y:2:0:1:1 ",
		     before.text);
	MR_CHECK_INT(t, 6, mr_store_teacher_remove(st, S("@x.y")));
	MR_CHECK_INT(t, 0, mr_store_teacher_each(st, list_teacher, &after));
	MR_CHECK_STR(t, ":2:0:1:1 b@sub.x.y:2:0:1:1 b@zx.y:2:0:1:1 ", after.text);
	MR_NEED(t, mr_store_correction_made(st, S("ba@x.y"), S("@x.y"), made_s) == 0);
	MR_CHECK(t, made_s[0] == MR_CORRECTION_NONE && made_s[1] == MR_CORRECTION_NONE);
	MR_NEED(t, mr_store_correction_made(st, S("b@zx.y"), S("@x.y"), made_s) == 0);
	MR_CHECK_INT(t, 7, made_s[0]);
}

MR_TEST(store_access)
{
	char url[MR_PATH_MAX];
	struct mr_store *st = NULL;

	if (mr_store_test_server())
		MR_SKIP(t, "about files");
	MR_NEED(t, mr_span_copyz(S(mr_store_test_url(mr_test_dir(t))), url, sizeof(url)) == 0);
	MR_CHECK_INT(t, MR_EINVAL, mr_store_check_url("mysql:x"));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_check_url("sqlite:"));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_check_url(""));
	MR_CHECK_INT(t, 0, mr_store_check_url(url)); /* nothing is there yet */
	MR_CHECK_INT(t, 0, mr_store_check_url("postgresql://a.example,b.example:5433/x"));
	MR_CHECK_INT(t, 0, mr_store_check_url("postgresql:///x?host=/run/a,/run/b&user=y"));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_check_url("postgresql://a/x?colour=red"));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_check_url("postgresql://u:secret@a/x"));
	MR_CHECK(t, strstr(mr_store_why(), "passfile") && !strstr(mr_store_why(), "secret"));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_check_url("postgresql://a/x?password=secret"));
	MR_CHECK(t, !strstr(mr_store_why(), "secret"));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_open("mysql:x", MR_GROUP_SPAM, MR_STORE_READ, &st));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_open("sqlite:", MR_GROUP_SPAM, MR_STORE_READ, &st));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_open(url, MR_GROUP_SPAM, MR_STORE_WRITE, &st));
	/* A group is a file of its own: opening one makes no other. */
	MR_NEED(t, mr_store_open(url, MR_GROUP_DIRECTORY, MR_STORE_CREATE, &st) == 0);
	mr_store_close(st);
	MR_CHECK_INT(t, MR_ENOENT, mr_store_open(url, MR_GROUP_SPAM, MR_STORE_READ, &st));
	MR_NEED(t, mr_store_open(url, MR_GROUP_DIRECTORY, MR_STORE_READ, &st) == 0);
	mr_store_close(st);
}

/* A file written by a newer program, or by none, is refused, and left as it is. */
MR_TEST(store_foreign_files)
{
	const char *dir = mr_test_dir(t);
	char path[MR_PATH_MAX + 32], url[MR_PATH_MAX];
	struct mr_store *st = NULL;
	sqlite3 *raw;

	if (mr_store_test_server())
		MR_SKIP(t, "about files");
	MR_NEED(t, mr_span_copyz(S(mr_store_test_url(dir)), url, sizeof(url)) == 0);
	MR_NEED(t, mr_store_open(url, MR_GROUP_SPAM, MR_STORE_CREATE, &st) == 0);
	mr_store_close(st);
	snprintf(path, sizeof(path), "%s/state/spam.db", dir);
	MR_NEED(t, sqlite3_open(path, &raw) == SQLITE_OK);
	MR_CHECK_INT(
		t, SQLITE_OK,
		sqlite3_exec(raw, "UPDATE schema_version SET version = 9999", NULL, NULL, NULL));
	sqlite3_close(raw);
	MR_CHECK_INT(t, MR_EINVAL, mr_store_open(url, MR_GROUP_SPAM, MR_STORE_CREATE, &st));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_open(url, MR_GROUP_SPAM, MR_STORE_WRITE, &st));
	MR_NEED(t, mr_replace_file(path,
				   MR_SPAN("This is no database, but it is long enough. "
					   "This is no database, but it is long enough. "
					   "This is no database, but it is long enough."),
				   0600) == 0);
	MR_CHECK_INT(t, MR_ECORRUPT, mr_store_open(url, MR_GROUP_SPAM, MR_STORE_WRITE, &st));
}

static void rename_all(const char *from, const char *to)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char a[MR_PATH_MAX + 40], b[MR_PATH_MAX + 40];

	for (size_t i = 0; i < MR_COUNT(ends); i++) {
		snprintf(a, sizeof(a), "%s%s", from, ends[i]);
		snprintf(b, sizeof(b), "%s%s", to, ends[i]);
		(void)!rename(a, b);
	}
}

static void add_user(struct mr_t *t, const char *url, const char *local)
{
	struct mr_store *st = NULL;

	MR_CHECK_INT(t, 0, mr_store_open(url, MR_GROUP_DIRECTORY, MR_STORE_CREATE, &st));
	if (!st)
		return;
	(void)!mr_store_domain_add(st, S("x.example")); /* may be there */
	MR_CHECK_INT(t, 0, mr_store_user_add(st, S(local), S("x.example"), 0));
	mr_store_close(st);
}

/* A file that is moved away and replaced, as by who restores a backup, under a program that runs: what
 * counts is what stands there now; while nothing does, nobody is nobody. */
MR_TEST(store_file_replaced)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);
	const char *dir = mr_test_dir(t);
	char url[MR_PATH_MAX], path[MR_PATH_MAX + 32], aside[MR_PATH_MAX + 40];
	struct mr_store *st = NULL;
	struct mr_user user;
	sqlite3 *raw;

	if (mr_store_test_server() || t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "about files");
	MR_NEED(t, arena && mr_span_copyz(S(mr_store_test_url(dir)), url, sizeof(url)) == 0);
	snprintf(path, sizeof(path), "%s/state/directory.db", dir);
	snprintf(aside, sizeof(aside), "%s.aside", path);
	add_user(t, url, "ann");
	MR_NEED(t, mr_store_open(url, MR_GROUP_DIRECTORY, MR_STORE_READ, &st) == 0);
	MR_CHECK_INT(t, 0, mr_store_user_find(st, S("ann"), S("x.example"), arena, &user));
	rename_all(path, aside);
	for (int i = 0; i < 2; i++)
		MR_CHECK_INT(t, MR_ETEMP,
			     mr_store_user_find(st, S("ann"), S("x.example"), arena, &user));
	MR_CHECK_STR(t, "its file is gone", mr_store_why());
	add_user(t, url, "bob");
	MR_CHECK_INT(t, 0, mr_store_user_find(st, S("bob"), S("x.example"), arena, &user));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_user_find(st, S("ann"), S("x.example"), arena, &user));
	/* One step: never was there no file. */
	rename_all(aside, path);
	MR_CHECK_INT(t, 0, mr_store_user_find(st, S("ann"), S("x.example"), arena, &user));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_user_find(st, S("bob"), S("x.example"), arena, &user));
	/* One of another version says nothing about users, however often it is asked. */
	rename_all(path, aside);
	add_user(t, url, "bob");
	MR_NEED(t, sqlite3_open(path, &raw) == SQLITE_OK);
	MR_CHECK_INT(
		t, SQLITE_OK,
		sqlite3_exec(raw, "UPDATE schema_version SET version = 9999", NULL, NULL, NULL));
	sqlite3_close(raw);
	for (int i = 0; i < 2; i++)
		MR_CHECK_INT(t, MR_ETEMP,
			     mr_store_user_find(st, S("ann"), S("x.example"), arena, &user));
	mr_store_close(st);
}

/* Several programs write at once: each waits for its turn, nothing is lost. */
MR_TEST(store_writers_at_once)
{
	char url[MR_PATH_MAX];
	struct mr_store *st = NULL;
	struct listing domains = { "", 0 };
	char want[32];

	if (t->oom || getenv("MR_TEST_OOM"))
		return; /* a child's failures would not be seen */
	MR_NEED(t, mr_span_copyz(S(mr_store_test_url(mr_test_dir(t))), url, sizeof(url)) == 0);
	for (int w = 0; w < WRITERS; w++) {
		if (fork() == 0) {
			int bad = 0;

			if (mr_store_open(url, MR_GROUP_DIRECTORY, MR_STORE_CREATE, &st) < 0)
				_exit(1);
			(void)!mr_store_domain_add(st, S("x.example")); /* one of them is first */
			for (int i = 0; i < ADDS_A_WRITER; i++) {
				char local[32];

				snprintf(local, sizeof(local), "u%d.%d", w, i);
				bad += mr_store_user_add(st, S(local), S("x.example"), 0) < 0;
			}
			mr_store_close(st);
			_exit(bad > 0);
		}
	}
	for (int w = 0; w < WRITERS; w++) {
		int status = -1;

		MR_CHECK(t, wait(&status) > 0);
		MR_CHECK_INT(t, 0, status);
	}
	MR_NEED(t, mr_store_open(url, MR_GROUP_DIRECTORY, MR_STORE_READ, &st) == 0);
	MR_CHECK_INT(t, 0, mr_store_domain_each(st, list_domain, &domains));
	snprintf(want, sizeof(want), "x.example=%d ", WRITERS * ADDS_A_WRITER);
	MR_CHECK_STR(t, want, domains.text);
	mr_store_close(st);
}

static int add_then_fail(struct mr_txn *txn, void *arg)
{
	int *calls = arg;
	const struct mr_value in[] = { MR_VTEXT(MR_SPAN("gone.example")) };
	int err = mr_txn_run(txn, "INSERT INTO domain (name) VALUES ($1)", in, 1);

	if (err < 0)
		return err;
	return ++*calls < 3 ? MR_ECONFLICT : MR_ELIMIT;
}

/* A conflict runs the transaction again; another error rolls all of it back. */
MR_TEST(store_retries)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, BOTH);
	int calls = 0;

	MR_NEED(t, st);
	MR_CHECK_INT(t, MR_ELIMIT,
		     mr_store_txn(st, MR_GROUP_DIRECTORY, MR_TXN_WRITE, add_then_fail, &calls));
	MR_CHECK_INT(t, 3, calls);
	MR_CHECK_INT(t, MR_ENOENT, mr_store_domain_exists(st, S("gone.example")));
}
