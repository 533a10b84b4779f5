#include "lib/mail/mr_sender.h"

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "tests/unit/mr_test.h"

#define L63  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L255 L63 "a" L63 "a" L63 "a" L63

MR_TEST(sender_entry)
{
	static const struct {
		const char *in, *out;
		int want; /* 0: its length */
	} rows[] = {
		{ "Ann@Example.ORG", "ann@example.org", 0 },
		{ "ann+a@example.org.", "ann+a@example.org", 0 },
		{ "/c=de/o=x@example.org", "/c=de/o=x@example.org", 0 }, /* RFC 2156 gateways */
		{ "a..b.@example.org", "a..b.@example.org", 0 }, /* given out in Japan */
		{ "\xC3\xA4nn@example.org", "\xC3\xA4nn@example.org", 0 }, /* RFC 6532 3.2 */
		{ "\xE4nn@example.org", "", MR_EINVAL },
		{ L255 "@example.org", L255 "@example.org", 0 },
		{ L255 "a@example.org", "", MR_ELIMIT },
		{ "Example.org", "example.org", 0 },
		{ "*@Example.org", "example.org", 0 },
		{ "*.Example.org", "*.example.org", 0 },
		{ "*.org", "*.org", 0 },
		{ "*.1.2.3.4.5.6.7.8", "*.1.2.3.4.5.6.7.8", 0 },
		{ "*.1.2.3.4.5.6.7.8.9", "", MR_ELIMIT },
		{ "1.2.3.4.5.6.7.8.9", "1.2.3.4.5.6.7.8.9", 0 },
		{ "", "", MR_EINVAL },
		{ "*", "", MR_EINVAL },
		{ "*@", "", MR_EINVAL },
		{ "*.", "", MR_EINVAL },
		{ "*@*", "", MR_EINVAL },
		{ "*@*.example.org", "", MR_EINVAL },
		{ "*.*.example.org", "", MR_EINVAL },
		{ "*example.org", "", MR_EINVAL },
		{ "a.*.example.org", "", MR_EINVAL },
		{ "ann*@example.org", "", MR_EINVAL },
		{ "a@b@example.org", "", MR_EINVAL },
		{ "@example.org", "", MR_EINVAL },
		{ "ann@", "", MR_EINVAL },
		{ ".example.org", "", MR_EINVAL },
		{ "ann@[192.0.2.1]", "", MR_EINVAL },
		{ "\"ann\"@example.org", "", MR_EINVAL },
		{ "Ann <ann@example.org>", "", MR_EINVAL },
		{ "a b@example.org", "", MR_EINVAL },
		{ " example.org", "", MR_EINVAL },
		{ "exam\nple.org", "", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		char out[MR_SENDER_SIZE] = "?";
		const char *why = NULL;
		int err = mr_sender_entry(mr_block_span(in), out, &why);

		MR_CHECK_INT(t, rows[i].want ? rows[i].want : (int)strlen(rows[i].out), err);
		MR_CHECK_STR(t, rows[i].out, out);
		MR_CHECK(t, err >= 0 || (why && strlen(why) > 10));
	}
}

MR_TEST(sender_entry_domain)
{
	static const char *const rows[][2] = {
		{ "ann@example.org", "example.org" },
		{ "example.org", "example.org" },
		{ "*.example.org", "example.org" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_SPAN(t, rows[i][1], mr_sender_domain(mr_span_str(rows[i][0])));
	}
}

MR_TEST(sender_keys)
{
	static const struct {
		const char *local, *domain, *keys;
		int want;
	} rows[] = {
		{ "Ann", "A.Example.org", "ann@a.example.org a.example.org *.example.org *.org ",
		  0 },
		{ "ann", "localhost", "ann@localhost localhost ", 0 },
		{ "a b", "example.org", "example.org *.org ", 0 },
		{ "*", "example.org", "example.org *.org ", 0 }, /* is no entry for all */
		{ "", "example.org", "example.org *.org ", 0 },
		{ "x", "0.1.2.3.4.5.6.7.8",
		  "x@0.1.2.3.4.5.6.7.8 0.1.2.3.4.5.6.7.8 *.1.2.3.4.5.6.7.8 *.2.3.4.5.6.7.8 "
		  "*.3.4.5.6.7.8 *.4.5.6.7.8 *.5.6.7.8 *.6.7.8 *.7.8 *.8 ",
		  0 },
		{ "x", "-.0.1.2.3.4.5.6.7.8", "", MR_EINVAL },
		{ "x", "z.0.1.2.3.4.5.6.7.8",
		  "x@z.0.1.2.3.4.5.6.7.8 z.0.1.2.3.4.5.6.7.8 *.1.2.3.4.5.6.7.8 *.2.3.4.5.6.7.8 "
		  "*.3.4.5.6.7.8 *.4.5.6.7.8 *.5.6.7.8 *.6.7.8 *.7.8 *.8 ",
		  0 },
		{ "ann", "", "", MR_EINVAL },
		{ "ann", "[192.0.2.1]", "", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *local = mr_test_exact(t, i, rows[i].local);
		MR_AUTO(mr_block) *domain = mr_test_exact(t, i, rows[i].domain);
		MR_AUTO_BUF got = MR_BUF(MR_SENDER_KEYS_MAX * MR_SENDER_SIZE);
		struct mr_sender_keys keys = { .count = 9 };

		MR_CHECK_INT(t, rows[i].want,
			     mr_sender_keys(mr_block_span(local), mr_block_span(domain), &keys));
		for (size_t k = 0; k < keys.count; k++)
			(void)mr_buf_printf(&got, "%s ", keys.key[k]);
		MR_CHECK_SPAN(t, rows[i].keys, mr_buf_span(&got));
	}
}

MR_TEST(sender_note)
{
	static const struct {
		const char *note;
		bool ok;
	} rows[] = {
		{ "", true },
		{ "my aunt, \xC3\xA4", true },
		{ "two\nlines", false },
		{ "tab\t", false },
		{ "\xE4", false },
		{ L63 L63 L63 "aaaaaaaaaaa", true }, /* 200 */
		{ L63 L63 L63 "aaaaaaaaaaaa", false },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *note = mr_test_exact(t, i, rows[i].note);

		MR_CHECK_INT(t, rows[i].ok, mr_sender_note_ok(mr_block_span(note)));
	}
}
