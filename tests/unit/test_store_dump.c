#include "lib/store/mr_store_dump.h"

#include <sqlite3.h>

#include "lib/base/mr_err.h"
#include "lib/store/mr_db.h"
#include "lib/store/mr_store_quota.h"
#include "lib/store/mr_store_senders.h"
#include "tests/unit/mr_dump_test.h"
#include "tests/unit/mr_test.h"

#define TEXT_MAX ((size_t)1 << 20)

static struct mr_store *store_at(struct mr_t *t, const char *dir, enum mr_store_access access)
{
	char url[MR_PATH_MAX + 16];
	struct mr_store *store = NULL;

	snprintf(url, sizeof(url), "sqlite:%s/state", dir);
	MR_CHECK_INT(t, 0, mr_store_open(url, MR_GROUP_ALL, access, &store));
	return store;
}

#define S(text) mr_span_str(text)

/* What is in a dump, by docs/STORE.md, and that a second store filled from it dumps the same. */
MR_TEST(dump_and_load)
{
	static const char want[] =
		"millrace-store\t1\n"
		"group\tdirectory\t2\n"
		"table\tdomain\tname\n"
		"row\tta.example\n"
		"table\tmail_user\tid, domain, local, disabled, created_s\n"
		"table\tsetting\tdomain, local, name, value\n"
		"row\tta.example\tt\ttone\\\\two\tta\\tb\\nc\\rd\n"
		"table\talias\tdomain, local, disabled, created_s\n"
		"table\talias_target\tdomain, local, target, to_domain, to_local\n"
		"end\t2\n"
		"group\tspam\t2\n"
		"table\tlesson\tdigest, teacher, is_spam, taught_s, expires_s, features\n"
		"row\tb0707070707070707070707070707070707070707070707070707070707070707\tt\ti1"
		"\ti-5\ti0\tb00ff0a\n"
		"table\tcorrection\towner, made_s, changes\n"
		"end\t1\n"
		"group\tsenders\t1\n"
		"table\tsender\tdomain, local, entry, action, made_s, note\n"
		"row\tta.example\tt\tt*.b.example\ti2\ti7\ttwhy\n"
		"end\t1\n"
		"group\tquota\t1\n"
		"table\tmailbox_usage\tdomain, local, octets, messages, version, settled, file\n"
		"row\tta.example\ttann\ti-5\ti2\ti1\ti0\ti0\n"
		"table\tover_quota\tdomain, local, since_s, warned\n"
		"row\tta.example\tt\ti0\ti80\n"
		"end\t2\n"
		"group\tlimits\t2\n"
		"table\tsent\towner, span, slot_s, ends_s, messages, recipients\n"
		"table\tnotice\towner, told_s\n"
		"table\tanswered\towner, sender, ends_s\n"
		"end\t0\n";
	MR_AUTO(mr_store) *a = store_at(t, mr_test_dir(t), MR_STORE_CREATE);
	MR_AUTO(mr_store) *b = store_at(t, mr_test_dir(t), MR_STORE_CREATE);
	MR_AUTO_BUF text = MR_BUF(TEXT_MAX), again = MR_BUF(TEXT_MAX);
	struct mr_lesson lesson = { .spam = true,
				    .taught_s = -5,
				    .features = MR_SPAN("\x00\xff\n") };
	const struct mr_sender_entry blocked = { MR_SPAN("*.b.example"), MR_SPAN("why"),
						 MR_SENDER_FOLDER, 7 };
	size_t line;

	MR_NEED(t, a && b);
	memset(lesson.digest, 7, sizeof(lesson.digest));
	MR_NEED(t, mr_store_domain_add(a, S("a.example")) == 0);
	MR_NEED(t, mr_store_setting_set(a, S(""), S("a.example"), S("one\\two"), S("a\tb\nc\rd")) ==
			   0);
	MR_NEED(t, mr_store_lesson_put(a, &lesson) == 0);
	MR_NEED(t, mr_store_sender_put(a, S(""), S("a.example"), &blocked, 1) == 0);
	MR_NEED(t,
		mr_store_usage_add(a, S("ann"), S("a.example"), (struct mr_usage){ -5, 2 }) == 0);
	MR_NEED(t, mr_store_over_warned(a, S(""), S("a.example"), 80) == 1);
	MR_NEED(t, mr_dump_test(a, &text, NULL) == 0);
	MR_CHECK_SPAN(t, want, mr_buf_span(&text));
	MR_CHECK_INT(t, 0, mr_load_test(b, mr_buf_span(&text), &line));
	MR_NEED(t, mr_dump_test(b, &again, NULL) == 0);
	MR_CHECK_SPANS(t, mr_buf_span(&text), mr_buf_span(&again));
	/* Onto what is there nothing is loaded. */
	MR_CHECK_INT(t, MR_EEXIST, mr_load_test(b, mr_buf_span(&text), &line));
	MR_CHECK_INT(t, 2, line);
}

#define HEAD   "millrace-store\t1\n"
#define GROUP  HEAD "group\tdirectory\t2\n"
#define DOMAIN GROUP "table\tdomain\tname\n"

/* What is no dump is refused, and the group is left empty. */
MR_TEST(load_refuses)
{
	static const struct {
		const char *text;
		int want;
		size_t line;
	} rows[] = {
		{ "", MR_ESYNTAX, 0 },
		{ "millrace-store\t2\n", MR_ESYNTAX, 1 },
		{ HEAD, 0, 1 }, /* no group at all is a dump, of nothing */
		{ HEAD "row\ttx\n", MR_ESYNTAX, 2 },
		{ HEAD "group\tcredentials\t1\n", MR_ENOENT, 2 },
		{ HEAD "group\tdirectory\t9999\n", MR_EINVAL, 2 },
		{ HEAD "group\tdirectory\tx\n", MR_ESYNTAX, 2 },
		{ GROUP, MR_ESYNTAX, 2 },
		{ GROUP "row\ttx\n", MR_ESYNTAX, 3 },
		{ GROUP "table\tschema_version\tid, version\n", MR_ESYNTAX, 3 },
		{ GROUP "table\tlesson\tdigest\n", MR_ESYNTAX, 3 }, /* of another group */
		{ GROUP "table\tdomain\tid\n", MR_ESYNTAX, 3 },
		{ DOMAIN "row\n", MR_ESYNTAX, 4 },
		{ DOMAIN "row\t\n", MR_ESYNTAX, 4 },
		{ DOMAIN "row\tta\ttb\n", MR_ESYNTAX, 4 },
		{ DOMAIN "row\txa\n", MR_ESYNTAX, 4 },
		{ DOMAIN "row\tta\\x\n", MR_ESYNTAX, 4 },
		{ DOMAIN "row\tta\\\n", MR_ESYNTAX, 4 },
		{ DOMAIN "row\ti99999999999999999999\n", MR_ELIMIT, 4 },
		{ DOMAIN "row\tb123\n", MR_ESYNTAX, 4 },
		{ DOMAIN "row\tb1g\n", MR_ESYNTAX, 4 },
		{ DOMAIN "row\tnx\n", MR_ESYNTAX, 4 },
		{ DOMAIN "row\tta\nrow\tta\n", MR_ESYNTAX, 5 }, /* twice */
		{ DOMAIN "row\tta\nend\t2\n", MR_ESYNTAX, 5 }, /* a row is missing */
		{ DOMAIN "row\tta\nend\n", MR_ESYNTAX, 5 },
		{ DOMAIN "row\tta\n", MR_ESYNTAX, 4 }, /* it breaks off */
		{ GROUP "table\tmail_user\tid, domain, local, disabled, created_s\n"
			"row\tt1\ttno\tta\ti0\ti0\n",
		  MR_ESYNTAX, 4 }, /* no such domain */
	};
	MR_AUTO(mr_store) *st = store_at(t, mr_test_dir(t), MR_STORE_CREATE);

	MR_NEED(t, st);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *block = mr_test_exact(t, i, rows[i].text);
		size_t line = 0;

		MR_CHECK_INT(t, rows[i].want, mr_load_test(st, mr_block_span(block), &line));
		MR_CHECK_INT(t, rows[i].line, line);
		MR_CHECK_INT(t, MR_ENOENT, mr_store_domain_exists(st, S("a")));
	}
}

struct names {
	char text[4096];
};

static int name_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	struct names *names = arg;
	size_t len = strlen(names->text);

	snprintf(names->text + len, sizeof(names->text) - len, "table\t%.*s\t", (int)c[0].bytes.len,
		 c[0].bytes.p);
	return 0;
}

static int names_once(struct mr_txn *txn, void *arg)
{
	return mr_txn_each(txn,
			   "SELECT name FROM sqlite_schema WHERE type = 'table'"
			   " AND name <> 'schema_version' AND name NOT LIKE 'sqlite%'",
			   NULL, 0, name_row, arg);
}

static size_t count_of(struct mr_span text, const char *word)
{
	size_t count = 0, at;

	while ((at = mr_span_search(text, S(word))) < text.len) {
		count++;
		text = mr_span_sub(text, at + 1, text.len);
	}
	return count;
}

/* A migration that adds a table must tell the dump. Its columns: what is left out would be NULL, and
 * all of ours are NOT NULL. */
MR_TEST(dump_knows_every_table)
{
	enum mr_store_group group;
	MR_AUTO(mr_store) *st = store_at(t, mr_test_dir(t), MR_STORE_CREATE);

	MR_NEED(t, st);
	for (size_t i = 0; mr_store_group_name(i, &group); i++) {
		MR_AUTO_BUF text = MR_BUF(TEXT_MAX);
		struct names names = { "" };
		struct mr_span rest = { names.text, 0 }, name;

		t->row = (long)i;
		MR_NEED(t, mr_store_dump(st, group, mr_dump_test_line, NULL, &text, NULL) == 0);
		MR_NEED(t, mr_store_txn(st, group, MR_TXN_READ, names_once, &names) == 0);
		rest = S(names.text);
		MR_CHECK_INT(t, count_of(rest, "table\t"), count_of(mr_buf_span(&text), "table\t"));
		while (mr_span_split(rest, '\t', &name, &rest) &&
		       mr_span_split(rest, '\t', &name, &rest)) {
			char line[256];

			snprintf(line, sizeof(line), "table\t%.*s\t", (int)name.len, name.p);
			MR_CHECK_INT(t, 1, count_of(mr_buf_span(&text), line));
		}
	}
}

static void on_problem(void *arg, const char *text)
{
	(void)mr_buf_printf(arg, "%s\n", text);
}

/* Rows that do not fit together, and a file that is damaged. */
MR_TEST(verify_finds)
{
	const char *dir = mr_test_dir(t);
	MR_AUTO(mr_store) *st = store_at(t, dir, MR_STORE_CREATE);
	MR_AUTO_BUF said = MR_BUF(TEXT_MAX);
	char path[MR_PATH_MAX + 32];
	size_t rows = 0;
	sqlite3 *raw;

	MR_NEED(t, st);
	MR_NEED(t, mr_store_domain_add(st, S("a.example")) == 0);
	MR_CHECK_INT(t, 0, mr_store_verify(st, MR_GROUP_DIRECTORY, on_problem, NULL, &said, &rows));
	MR_CHECK_INT(t, 1, rows);
	MR_CHECK_INT(t, 0, mr_store_verify(st, MR_GROUP_SPAM, on_problem, NULL, &said, &rows));
	MR_CHECK_INT(t, 0, rows);
	MR_CHECK_SPAN(t, "", mr_buf_span(&said));
	snprintf(path, sizeof(path), "%s/state/directory.db", dir);
	MR_NEED(t, sqlite3_open(path, &raw) == SQLITE_OK);
	MR_CHECK_INT(t, SQLITE_OK,
		     sqlite3_exec(raw, "INSERT INTO mail_user VALUES ('1', 'b.example', 'x', 0, 0)",
				  NULL, NULL, NULL));
	sqlite3_close(raw);
	/* SQLite's own look at foreign keys, and ours. */
	MR_CHECK_INT(t, 2, mr_store_verify(st, MR_GROUP_DIRECTORY, on_problem, NULL, &said, &rows));
	MR_CHECK(t, mr_span_search(mr_buf_span(&said), S("user x@b.example: no such domain")) <
			    said.len);
}
