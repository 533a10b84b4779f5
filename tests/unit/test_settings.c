#include "lib/run/mr_settings.h"

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "tests/unit/mr_test.h"

MR_TEST(settings_defaults)
{
	struct mr_settings set = { .owned = NULL };

	MR_NEED(t, mr_settings_default(&set) == 0);
	MR_CHECK_INT(t, 300000, set.lmtp_timeout_ms); /* RFC 5321 4.5.3.2.7: five minutes */
	MR_CHECK(t, set.sandbox);
	MR_CHECK_STR(t, "/run/millrace", set.run_dir);
	MR_CHECK_STR(t, "", set.user);
	MR_CHECK_INT(t, 1, set.lmtp_listen.count);
	MR_CHECK_STR(t, "unix:/run/millrace/lmtp.sock", set.lmtp_listen.item[0]);
	mr_settings_done(&set);
	mr_settings_done(&set);
}

MR_TEST(settings_rows)
{
	size_t count;
	const struct mr_setting *rows = mr_settings_rows(&count);

	MR_CHECK_STR(t, "run_dir", rows[0].name);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(rows[i].text);

		t->row = (long)i;
		MR_CHECK(t, len > 10 && rows[i].text[len - 1] == '.'); /* a sentence */
		MR_CHECK(t, rows[i].programs[0] != '\0');
		MR_CHECK(t, rows[i].default_text[0] != '\0');
		for (size_t j = 0; j < i; j++)
			MR_CHECK(t, strcmp(rows[i].name, rows[j].name) != 0);
	}
}

/* What the sample file shows can be written as it stands, and is the default. */
MR_TEST(settings_default_texts)
{
	size_t count;
	const struct mr_setting *rows = mr_settings_rows(&count);
	struct mr_settings want = { .owned = NULL };

	MR_NEED(t, mr_settings_default(&want) == 0);
	for (size_t i = 0; i < count; i++) {
		struct mr_settings got = { .owned = NULL };
		const char *a = (const char *)&want + rows[i].offset;
		const char *b = (const char *)&got + rows[i].offset;
		MR_AUTO_BUF text = MR_BUF(5000);
		MR_AUTO_BUF error = MR_BUF(5000);

		t->row = (long)i;
		mr_buf_printf(&text, "%s = %s\n", rows[i].name, rows[i].default_text);
		MR_CHECK_INT(t, 0, mr_settings_parse(mr_buf_str(&text), "x.conf", &got, &error));
		MR_CHECK_STR(t, "", mr_buf_str(&error));
		if (!got.owned)
			continue;
		if (rows[i].type == MR_SETTING_INT)
			MR_CHECK_INT(t, *(const mr_setting_int *)(const void *)a,
				     *(const mr_setting_int *)(const void *)b);
		if (rows[i].type == MR_SETTING_BOOL)
			MR_CHECK_INT(t, *(const mr_setting_bool *)(const void *)a,
				     *(const mr_setting_bool *)(const void *)b);
		if (rows[i].type == MR_SETTING_STR)
			MR_CHECK_STR(t, *(const mr_setting_str *)(const void *)a,
				     *(const mr_setting_str *)(const void *)b);
		if (rows[i].type == MR_SETTING_LIST)
			MR_CHECK_INT(t, ((const struct mr_list *)(const void *)a)->count,
				     ((const struct mr_list *)(const void *)b)->count);
		mr_settings_done(&got);
	}
	mr_settings_done(&want);
}

MR_TEST(settings_values)
{
	static const char text[] = "# comment\n"
				   "lmtp_timeout_ms = 600000\n"
				   "lmtp_connections_max = 010 // ten: no octal\n"
				   "sandbox = no\n"
				   "mail_dir = /srv/mail\n"
				   "spam_folder = \"Ham # and = eggs\"\n"
				   "lmtp_listen = { \"unix:/a\", inet:127.0.0.1:24 }\n"
				   "lmtp_listen += { \"unix:/b\" }\n"
				   "user = ''\n";
	struct mr_settings set = { .owned = NULL };
	MR_AUTO_BUF error = MR_BUF(1000);

	MR_NEED(t, mr_settings_parse(text, "x.conf", &set, &error) == 0);
	MR_CHECK_INT(t, 600000, set.lmtp_timeout_ms);
	MR_CHECK_INT(t, 10, set.lmtp_connections_max);
	MR_CHECK(t, !set.sandbox);
	MR_CHECK_STR(t, "/srv/mail", set.mail_dir);
	MR_CHECK_STR(t, "Ham # and = eggs", set.spam_folder);
	MR_CHECK_STR(t, "", set.user);
	MR_CHECK_INT(t, 3, set.lmtp_listen.count);
	MR_CHECK_STR(t, "inet:127.0.0.1:24", set.lmtp_listen.item[1]);
	MR_CHECK_STR(t, "unix:/b", set.lmtp_listen.item[2]);
	mr_settings_done(&set);
}

MR_TEST(settings_empty_list)
{
	struct mr_settings set = { .owned = NULL };
	MR_AUTO_BUF error = MR_BUF(1000);

	MR_NEED(t, mr_settings_parse("lmtp_listen = {}\n", "x.conf", &set, &error) == 0);
	MR_CHECK_INT(t, 0, set.lmtp_listen.count); /* not the default */
	mr_settings_done(&set);
	MR_NEED(t, mr_settings_parse("", "x.conf", &set, &error) == 0);
	MR_CHECK_INT(t, 1, set.lmtp_listen.count);
	mr_settings_done(&set);
}

/* Where the fault is, and a word that must be in the text. */
static const struct {
	const char *in, *where, *word;
} broken[] = {
	{ "nosuch = 1\n", "x.conf:1: ", "nosuch" },
	{ "\n\n\nnosuch = 1\n", "x.conf:4: ", "nosuch" },
	{ "\nlmtp_timeout_ms = 299999\n", "x.conf:2: ", "300000 to 3600000" },
	{ "lmtp_timeout_ms = 3600001\n", "x.conf:1: ", "lmtp_timeout_ms" },
	{ "lmtp_timeout_ms = 99999999999999999999\n", "x.conf:1: ", "lmtp_timeout_ms" },
	{ "lmtp_timeout_ms = -300000\n", "x.conf:1: ", "lmtp_timeout_ms" },
	{ "lmtp_timeout_ms = 600s\n", "x.conf:1: ", "not a number" },
	{ "lmtp_timeout_ms = 0x927C0\n", "x.conf:1: ", "not a number" },
	{ "lmtp_timeout_ms = \"\"\n", "x.conf:1: ", "not a number" },
	{ "\nsandbox = perhaps\n", "x.conf:2: ", "sandbox" },
	{ "run_dir = \"\"\n", "x.conf:1: ", "1 to 100" },
	{ "user = \"123456789012345678901234567890123\"\n", "x.conf:1: ", "33 characters" },
	{ "user = a\nuser = b\n", "x.conf:2: ", "second time" },
	{ "user = \"a\\nb\"\n", "x.conf:1: ", "control character" },
	{ "lmtp_listen = { a, b, c, d, e, f, g, h, i }\n", "x.conf:1: ", "more than 8" },
	{ "lmtp_listen = { \"a\\x01\" }\n", "x.conf:1: ", "control character" },
	{ "user\n", "x.conf:", "" },
	{ "user = \n", "x.conf:", "" },
	{ "user = \"a\n", "x.conf:", "" },
	{ "user { a = b }\n", "x.conf:1: ", "" },
	{ "= = =\n", "x.conf:1: ", "" },
};

MR_TEST(settings_errors)
{
	for (size_t i = 0; i < MR_COUNT(broken); i++) {
		struct mr_settings set = { .lmtp_timeout_ms = 7 };
		MR_AUTO(mr_block) *in = mr_test_block(
			t, mr_span(broken[i].in, strlen(broken[i].in) + 1)); /* with its NUL */
		struct mr_span got;
		MR_AUTO_BUF error = MR_BUF(1000);

		t->row = (long)i;
		MR_NEED(t, in != NULL);
		MR_CHECK_INT(t, MR_EINVAL, mr_settings_parse(in->bytes, "x.conf", &set, &error));
		MR_CHECK_INT(t, 7, set.lmtp_timeout_ms);
		got = mr_buf_span(&error);
		if (!mr_span_has_prefix(got, mr_span_str(broken[i].where)))
			MR_CHECK_SPAN(t, broken[i].where, got);
		if (mr_span_search(got, mr_span_str(broken[i].word)) == got.len)
			MR_CHECK_SPAN(t, broken[i].word, got);
		MR_CHECK(t, mr_span_find(got, '\n') == got.len);
	}
}

MR_TEST(settings_file)
{
	struct mr_settings set = { .owned = NULL };
	char path[MR_PATH_MAX];
	MR_AUTO_BUF error = MR_BUF(5000);

	MR_NEED(t, mr_path_join(mr_test_dir(t), "millrace.conf", path) == 0);
	MR_CHECK_INT(t, MR_ENOENT, mr_settings_load(path, &set, &error));
	MR_CHECK(t, t->oom || strstr(mr_buf_str(&error), "millrace.conf: ") != NULL);
	MR_NEED(t, mr_replace_file(path, MR_SPAN("user = mail"), 0600) == 0);
	MR_NEED(t, mr_settings_load(path, &set, &error) == 0);
	MR_CHECK_STR(t, "mail", set.user);
	mr_settings_done(&set);
	/* A NUL would hide what stands behind it. */
	MR_NEED(t, mr_replace_file(path, MR_SPAN("user = a\n\0junk = 1\n"), 0600) == 0);
	MR_CHECK_INT(t, MR_EINVAL, mr_settings_load(path, &set, &error));
}
