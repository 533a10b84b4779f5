#include "lib/mail/mr_name.h"

#include "lib/base/mr_err.h"
#include "tests/unit/mr_test.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

MR_TEST(name_domain)
{
	static const struct {
		const char *in, *out;
		int want; /* 0: its length */
	} rows[] = {
		{ "Example.ORG", "example.org", 0 },
		{ "example.org.", "example.org", 0 },
		{ "localhost", "localhost", 0 },
		{ "3com.com", "3com.com", 0 }, /* RFC 1123 2.1 */
		{ L63 ".org", L63 ".org", 0 },
		{ L63 "a.org", "", MR_ELIMIT },
		{ L63 "." L63 "." L63 "." L63, L63 "." L63 "." L63 "." L63, 0 }, /* 255 */
		{ L63 "." L63 "." L63 "." L63 ".a", "", MR_ELIMIT },
		{ "b\xC3\xBC"
		  "cher.example",
		  "b\xC3\xBC"
		  "cher.example",
		  0 }, /* RFC 6531 3.3 */
		{ "b\xFC"
		  "cher.example",
		  "", MR_EINVAL }, /* no UTF-8 */
		{ "", "", MR_EINVAL },
		{ ".", "", MR_EINVAL },
		{ "a..b", "", MR_EINVAL },
		{ ".a", "", MR_EINVAL },
		{ "-a.b", "", MR_EINVAL },
		{ "a-.b", "", MR_EINVAL },
		{ "a_b.c", "", MR_EINVAL },
		{ "a/b", "", MR_EINVAL },
		{ "a b", "", MR_EINVAL },
		{ "[192.0.2.1]", "", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		char out[MR_NAME_DOMAIN_MAX + 1] = "?";
		int err = mr_name_domain(mr_block_span(in), out);

		MR_CHECK_INT(t, rows[i].want ? rows[i].want : (int)strlen(rows[i].out), err);
		MR_CHECK_STR(t, rows[i].out, out);
	}
}

MR_TEST(name_local)
{
	static const struct {
		const char *in, *out;
		int want;
	} rows[] = {
		{ "Alice", "alice", 0 },
		{ "alice+list", "alice+list", 0 },
		{ "o'neil", "o'neil", 0 },
		{ "a.b.c", "a.b.c", 0 },
		{ "J\xC3\xB6rg", "j\xC3\xB6rg", 0 },
		{ L63 "a", L63 "a", 0 }, /* 64 octets */
		{ L63 "aa", "", MR_ELIMIT },
		{ "", "", MR_EINVAL },
		{ ".a", "", MR_EINVAL },
		{ "a.", "", MR_EINVAL },
		{ "a..b", "", MR_EINVAL }, /* RFC 5321 4.1.2: Dot-string */
		{ "..", "", MR_EINVAL },
		{ "../x", "", MR_EINVAL },
		{ "a/b", "", MR_EINVAL },
		{ "a b", "", MR_EINVAL },
		{ "a@b", "", MR_EINVAL },
		{ "\"a\"", "", MR_EINVAL },
		{ "a\x01", "", MR_EINVAL },
		{ "\xFF", "", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		char out[MR_NAME_LOCAL_MAX + 1] = "?";
		int err = mr_name_local(mr_block_span(in), out);

		MR_CHECK_INT(t, rows[i].want ? rows[i].want : (int)strlen(rows[i].out), err);
		MR_CHECK_STR(t, rows[i].out, out);
	}
}

MR_TEST(name_split)
{
	struct mr_span local = MR_SPAN(""), domain = MR_SPAN("");

	MR_CHECK_INT(t, 0, mr_name_split(MR_SPAN("\"a@b\"@c"), &local, &domain));
	MR_CHECK_SPAN(t, "\"a@b\"", local);
	MR_CHECK_SPAN(t, "c", domain);
	MR_CHECK_INT(t, MR_EINVAL, mr_name_split(MR_SPAN("@c"), &local, &domain));
	MR_CHECK_INT(t, MR_EINVAL, mr_name_split(MR_SPAN("a@"), &local, &domain));
	MR_CHECK_INT(t, MR_EINVAL, mr_name_split(MR_SPAN("a"), &local, &domain));
	MR_CHECK_INT(t, MR_EINVAL, mr_name_split(MR_SPAN(""), &local, &domain));
}
