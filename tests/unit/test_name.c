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
		/* RFC 8265 3.3.1: case, then NFC: U+00D6, and O with U+0308 */
		{ "J\xC3\x96RG", "j\xC3\xB6rg", 0 },
		{ "JO\xCC\x88rg", "j\xC3\xB6rg", 0 },
		/* and first width: U+FF21, half-width ka U+FF76 with U+FF9E is U+30AC */
		{ "\xEF\xBC\xA1nn", "ann", 0 },
		{ "\xEF\xBD\xB6\xEF\xBE\x9E", "\xE3\x82\xAC", 0 },
		/* RFC 8265 3.5, tables 1 to 3 */
		{ "fussball", "fussball", 0 },
		{ "fu\xC3\x9F"
		  "ball",
		  "fu\xC3\x9F"
		  "ball",
		  0 },
		{ "\xCF\x80", "\xCF\x80", 0 }, /* pi */
		{ "\xCE\xA3", "\xCF\x83", 0 }, /* sigma, capital */
		{ "\xCF\x83", "\xCF\x83", 0 },
		{ "\xCF\x82", "\xCF\x82", 0 }, /* final */
		{ "henry\xE2\x85\xA3", "", MR_EINVAL }, /* U+2163 */
		{ "\xE2\x88\x9E", "", MR_EINVAL }, /* infinity */
		{ "foo bar", "", MR_EINVAL },
		/* what a full-width form must not smuggle in: "/", "@", ".", RFC 8264 9.17 */
		{ "a\xEF\xBC\x8F"
		  "b",
		  "", MR_EINVAL },
		{ "a\xEF\xBC\xA0"
		  "b",
		  "", MR_EINVAL },
		{ "a\xEF\xBC\x8E\xEF\xBC\x8E"
		  "b",
		  "", MR_EINVAL },
		{ "\xEF\xBC\x8E", "", MR_EINVAL },
		{ "a\xE2\x80\x8B"
		  "b",
		  "", MR_EINVAL }, /* U+200B: not seen */
		{ "a\xE2\x80\xAE"
		  "b",
		  "", MR_EINVAL }, /* U+202E: turns the direction */
		{ "\xEF\xAC\x81", "", MR_EINVAL }, /* U+FB01, a ligature */
		/* RFC 5893 2: alef, bet; with a letter of the other direction; digits at the end */
		{ "\xD7\x90\xD7\x91", "\xD7\x90\xD7\x91", 0 },
		{ "\xD7\x90"
		  "a",
		  "", MR_EINVAL },
		{ "a\xD7\x90", "", MR_EINVAL },
		{ "\xD7\x90"
		  "1",
		  "\xD7\x90"
		  "1",
		  0 },
		{ "1\xD7\x90", "", MR_EINVAL },
		{ "\xF0\x9F\x98\x80", "", MR_EINVAL }, /* U+1F600, a symbol */
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
