/* What the daemons refuse in their settings before anything is touched (-n, start, reload). */
#include "lda/lmtpd/server.h"
#include "lib/base/mr_err.h"
#include "lib/run/mr_milter_priv.h"
#include "tests/unit/mr_test.h"

#define ERROR_MAX 4096

/* 106 octets: the longest path that libmilter takes */
#define X21       "xxxxxxxxxxxxxxxxxxxxx"
#define PATH_106  "/" X21 X21 X21 X21 X21
#define LONG_PATH PATH_106 "xx" /* sun_path has 108, and a path ends with a NUL */

/* -- millrace-lmtpd --------------------------------------------------------------------------- */

/* Watchers, and the domain of the system's users. */
MR_TEST(check_lmtpd_others)
{
	static const struct {
		const char *wake[2], *domain;
		int want;
		const char *says;
	} rows[] = {
		{ { "unix:/run/w", "unix:/run/v" }, "host.example", 0, "" },
		{ { "unix:/run/w", "run/v" }, "", MR_EINVAL, "lmtp_wake: run/v: not unix:/PATH" },
		{ { "unix:" LONG_PATH }, "", MR_EINVAL, "too long" },
		{ { NULL }, "no domain", MR_EINVAL, "system_domain: no domain: no domain" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF error = MR_BUF(ERROR_MAX);
		const char *wake[2] = { rows[i].wake[0], rows[i].wake[1] };
		struct mr_settings set;

		t->row = (long)i;
		MR_NEED(t, mr_settings_default(&set) == 0);
		set.lmtp_wake = (struct mr_list){ wake, (wake[0] != NULL) + (wake[1] != NULL) };
		set.system_domain = rows[i].domain;
		MR_CHECK_INT(t, rows[i].want, mr_lmtpd_check(&set, &error));
		MR_CHECK(t, strstr(mr_buf_str(&error), rows[i].says) != NULL);
		mr_settings_done(&set);
	}
}

MR_TEST(check_lmtpd)
{
	static const struct {
		const char *listen[2], *mode, *store;
		int want;
		const char *says; /* the setting, the value, and why */
	} rows[] = {
		{ { "unix:/run/x" }, "0660", "sqlite:/x", 0, "" },
		{ { "unix:/run/x", "inet:[::1]:24" }, "600", "sqlite:x", 0, "" },
		{ { NULL }, "0660", "sqlite:/x", 0, "" },
		{ { "bogus" }, "0660", "sqlite:/x", MR_EINVAL, "lmtp_listen: bogus: neither" },
		{ { "unix:/x", "inet:24" },
		  "0660",
		  "sqlite:/x",
		  MR_EINVAL,
		  "lmtp_listen: inet:24: " },
		{ { "inet:192.0.2.1:65536" },
		  "0660",
		  "sqlite:/x",
		  MR_EINVAL,
		  "lmtp_listen: inet:" },
		{ { "unix:" LONG_PATH }, "0660", "sqlite:/x", MR_EINVAL, "too long" },
		{ { "unix:/x" }, "999", "sqlite:/x", MR_EINVAL, "lmtp_socket_mode: 999: no octal" },
		{ { "unix:/x" }, "1777", "sqlite:/x", MR_EINVAL, "lmtp_socket_mode: 1777: " },
		{ { "unix:/x" },
		  "0660",
		  "mysql:x@y/z",
		  MR_EINVAL,
		  "store: mysql:x@y/z: neither sqlite:" },
		{ { "unix:/x" }, "0660", "postgresql://u@h/d", 0, "" },
		{ { "unix:/x" },
		  "0660",
		  "postgresql://u:pw@h/d",
		  MR_EINVAL,
		  "store: postgresql://: a password" },
		{ { "unix:/x" },
		  "0660",
		  "sqlite:",
		  MR_EINVAL,
		  "store: sqlite:: not sqlite:FOLDER" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF error = MR_BUF(ERROR_MAX);
		struct mr_settings set = { .lmtp_socket_mode = rows[i].mode,
					   .reinject = "",
					   .system_domain = "",
					   .srs_domain = "",
					   .quota_warning = "",
					   .quota_warning_domain = "",
					   .lmtp_handover = "",
					   .store = rows[i].store };

		t->row = (long)i;
		set.lmtp_listen.item = (const char *const *)rows[i].listen;
		while (set.lmtp_listen.count < 2 && rows[i].listen[set.lmtp_listen.count])
			set.lmtp_listen.count++;
		MR_CHECK_INT(t, rows[i].want, mr_lmtpd_check(&set, &error));
		MR_CHECK(t, t->oom || strstr(mr_buf_str(&error), rows[i].says));
		MR_CHECK(t, rows[i].want < 0 || error.len == 0);
	}
}

/* -- milters ---------------------------------------------------------------------------------- */

static const char *listen_of(const struct mr_settings *set)
{
	return set->spam_listen;
}

static const char *mode_of(const struct mr_settings *set)
{
	return set->spam_socket_mode;
}

/* The forms are those of libmilter's smfi_setconn(3), as far as they can be seen without a lookup;
 * each row with 0 was seen to start, each other one but those marked to be refused by it. */
MR_TEST(check_milter)
{
	static const struct mr_milter milter = {
		.name = "millrace-spam",
		.listen = listen_of,
		.socket_mode = mode_of,
		.listen_setting = "spam_listen",
		.socket_mode_setting = "spam_socket_mode",
	};
	static const struct {
		const char *listen, *mode;
		int want;
		const char *says;
	} rows[] = {
		{ "unix:/run/millrace/spam.sock", "0660", 0, "" },
		{ "local:/run/millrace/spam.sock", "777", 0, "" },
		{ "UNIX:s", "0660", 0, "" },
		{ "/run/millrace/spam.sock", "0660", 0, "" },
		{ "unix:" PATH_106, "0660", 0, "" },
		{ "unix:" PATH_106 "x", "0660", MR_EINVAL, "spam_listen: unix:/" },
		{ "unix:" LONG_PATH, "0660", MR_EINVAL, "path too long" },
		{ "unix:", "0660", MR_EINVAL, "spam_listen: unix:: " },
		{ "/run/a:b", "0660", MR_EINVAL, "spam_listen: /run/a:b: " },
		{ "tcp:foo", "0660", MR_EINVAL, "spam_listen: tcp:foo: neither" },
		{ "foo", "0660", MR_EINVAL, "spam_listen: foo: " }, /* a file in the root folder */
		{ "", "0660", MR_EINVAL, "spam_listen: : " },
		{ "inet:8891@127.0.0.1", "0660", 0, "" },
		{ "inet:8891@[127.0.0.1]", "0660", 0, "" },
		{ "INET:8891@localhost", "0660", 0, "" },
		{ "inet:8891", "0660", 0, "" },
		{ "inet6:8891", "0660", 0, "" },
		{ "inet6:8891@[::1]", "0660", 0, "" },
		{ "inet6:8891@::1", "0660", 0, "" },
		{ "inet6:8891@[IPv6:::1]", "0660", 0, "" },
		{ "inet:8891@[::1]", "0660", MR_EINVAL, "not an address" },
		{ "inet:8891@::1", "0660", MR_EINVAL, "not an address" },
		{ "inet:8891@999.1.1.1", "0660", MR_EINVAL, "not an address" },
		{ "inet:8891@[mail.example.org]", "0660", MR_EINVAL, "not an address" },
		{ "inet:8891@[127.0.0.1", "0660", MR_EINVAL, "not an address" },
		{ "inet6:8891@[::g]", "0660", MR_EINVAL, "not an address" },
		{ "inet:8891@", "0660", MR_EINVAL, "no host" },
		{ "inet:8891@a b", "0660", MR_EINVAL, "no host" },
		{ "inet:@127.0.0.1", "0660", MR_EINVAL, "no port" },
		{ "inet:127.0.0.1:8891", "0660", MR_EINVAL, "no port" },
		{ "inet:", "0660", MR_EINVAL, "no port" },
		{ "inet:smtpx@localhost", "0660", MR_EINVAL, "no port" },
		{ "inet:0@127.0.0.1", "0660", MR_EINVAL, "no port" }, /* any; no MTA finds it */
		{ "inet:70000@127.0.0.1", "0660", MR_EINVAL, "no port" }, /* another, 4464 */
		{ "unix:/x", "999", MR_EINVAL, "spam_socket_mode: 999: no octal" },
		{ "unix:/x", "1777", MR_EINVAL, "spam_socket_mode: 1777: " },
		{ "unix:/x", "rw-", MR_EINVAL, "spam_socket_mode: rw-: " },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF error = MR_BUF(ERROR_MAX);
		const struct mr_settings set = { .spam_listen = rows[i].listen,
						 .spam_socket_mode = rows[i].mode };

		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want, mr_socket_check(&milter, &set, &error));
		MR_CHECK(t, t->oom || strstr(mr_buf_str(&error), rows[i].says));
		MR_CHECK(t, rows[i].want < 0 || error.len == 0);
	}
}
