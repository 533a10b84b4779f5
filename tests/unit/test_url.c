#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_url.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX (1u << 20)
#define TEXT_MAX  (1u << 16)

/* scheme|userinfo|host|port|path|query|fragment */
static void add_url(struct mr_buf *out, const struct mr_url *url)
{
	const struct mr_span parts[] = { url->scheme, url->userinfo, url->host,    url->port,
					 url->path,   url->query,    url->fragment };

	for (size_t i = 0; i < MR_COUNT(parts); i++) {
		mr_buf_adds(out, i ? "|" : "");
		mr_buf_add(out, parts[i]);
	}
}

MR_TEST(url_parse)
{
	static const struct {
		const char *in, *want; /* NULL: MR_ESYNTAX */
	} rows[] = {
		/* RFC 3986 1.1.2 */
		{ "ftp://ftp.is.co.za/rfc/rfc1808.txt", "ftp||ftp.is.co.za||/rfc/rfc1808.txt||" },
		{ "http://www.ietf.org/rfc/rfc2396.txt", "http||www.ietf.org||/rfc/rfc2396.txt||" },
		{ "ldap://[2001:db8::7]/c=GB?objectClass?one",
		  "ldap||[2001:db8::7]||/c=GB|objectClass?one|" },
		{ "mailto:John.Doe@example.com", "mailto||||John.Doe@example.com||" },
		{ "news:comp.infosystems.www.servers.unix",
		  "news||||comp.infosystems.www.servers.unix||" },
		{ "tel:+1-816-555-1212", "tel||||+1-816-555-1212||" },
		{ "telnet://192.0.2.16:80/", "telnet||192.0.2.16|80|/||" },
		{ "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
		  "urn||||oasis:names:specification:docbook:dtd:xml:4.1.2||" },
		/* RFC 3986 3 */
		{ "foo://example.com:8042/over/there?name=ferret#nose",
		  "foo||example.com|8042|/over/there|name=ferret|nose" },
		{ "urn:example:animal:ferret:nose", "urn||||example:animal:ferret:nose||" },
		/* RFC 3986 7.6 */
		{ "ftp://cnn.example.com&story=breaking_news@10.0.0.1/top_story.htm",
		  "ftp|cnn.example.com&story=breaking_news|10.0.0.1||/top_story.htm||" },
		/* URL 4.5, the examples of the parser */
		{ "https:example.org", "https||example.org||||" },
		{ "https://////example.com///", "https||example.com||///||" },
		{ "https://user:password@example.org/", "https|user:password|example.org||/||" },
		{ "https://example.org/foo bar", "https||example.org||/foo bar||" },
		{ "https://example.com:demo", NULL },
		{ "example", NULL },
		{ "file:///C|/demo", "file||||/C|/demo||" },
		/* URL 4.4 */
		{ " \tHTTP:\\\\a.example\\b ", "HTTP||a.example||\\b||" },
		{ "ht\ntp://exa\r\n\tmple.com/", "http||example.com||/||" },
		{ "http://a@b@c/", "http|a@b|c||/||" },
		{ "http://a/b@c", "http||a||/b@c||" },
		{ "http://a?b@c", "http||a|||b@c|" },
		{ "http://a#b?c/d", "http||a||||b?c/d" },
		{ "http://a:65535/", "http||a|65535|/||" },
		{ "http://a:65536/", NULL },
		{ "http://a:/", "http||a||/||" },
		{ "http://", NULL },
		{ "http://?q", NULL },
		{ "http://u@/", NULL },
		{ "//a.example/b", "||a.example||/b||" },
		{ "www.a.example/b", "||www.a.example||/b||" },
		{ "/b/c", NULL },
		{ "#top", NULL },
		{ "", NULL },
		{ " \r\n", NULL },
		{ "x-y.z+1:q", "x-y.z+1||||q||" },
		{ "1x:q", NULL },
		{ "http://[::1", "http||[::1||||" }, /* for mr_url_host() to refuse */
		{ "http://[::1]:8/", "http||[::1]|8|/||" },
		{ "a:\\\\b\\c", "a||||\\\\b\\c||" }, /* no slash in a scheme that is not special */
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_url url;
		MR_AUTO_BUF got = MR_BUF(TEXT_MAX);
		int err;

		MR_NEED(t, in && arena);
		err = mr_url_parse(mr_block_span(in), arena, &url);
		MR_CHECK_INT(t, rows[i].want ? 0 : MR_ESYNTAX, err);
		if (err < 0)
			continue;
		add_url(&got, &url);
		MR_CHECK_SPAN(t, rows[i].want ? rows[i].want : "", mr_buf_span(&got));
	}
}

MR_TEST(url_host)
{
	static const struct {
		const char *in, *want; /* NULL: MR_ESYNTAX */
		enum mr_url_host_kind kind;
	} rows[] = {
		/* URL 3.5, the examples of the host parser; what it makes xn-- of stays UTF-8 */
		{ "EXAMPLE.COM", "example.com", MR_URL_NAME },
		{ "example%2Ecom", "example.com", MR_URL_NAME },
		{ "fa\xC3\x9F.example", "fa\xC3\x9F.example", MR_URL_NAME },
		{ "0", "0.0.0.0", MR_URL_IPV4 },
		{ "%30", "0.0.0.0", MR_URL_IPV4 },
		{ "0x", "0.0.0.0", MR_URL_IPV4 },
		{ "0xffffffff", "255.255.255.255", MR_URL_IPV4 },
		{ "[0:0::1]", "::1", MR_URL_IPV6 },
		{ "[0:0::1%5D", NULL, 0 },
		{ "[0:0::%31]", NULL, 0 },
		{ "09", NULL, 0 },
		{ "example.255", NULL, 0 },
		{ "example^example", NULL, 0 },
		/* 127.0.0.1 = 0x7f000001 = 2130706433 */
		{ "127.0.0.1", "127.0.0.1", MR_URL_IPV4 },
		{ "2130706433", "127.0.0.1", MR_URL_IPV4 },
		{ "0x7f.1", "127.0.0.1", MR_URL_IPV4 },
		{ "0177.0.0.01", "127.0.0.1", MR_URL_IPV4 },
		{ "0X7F.0x0.1", "127.0.0.1", MR_URL_IPV4 },
		{ "127.0.0.1.", "127.0.0.1", MR_URL_IPV4 },
		{ "1.65535", "1.0.255.255", MR_URL_IPV4 },
		{ "1.2.65535", "1.2.255.255", MR_URL_IPV4 },
		{ "1.2.65536", NULL, 0 },
		{ "1.16777215", "1.255.255.255", MR_URL_IPV4 },
		{ "1.16777216", NULL, 0 },
		{ "4294967295", "255.255.255.255", MR_URL_IPV4 },
		{ "4294967296", NULL, 0 },
		{ "99999999999999999999999", NULL, 0 },
		{ "256.0.0.1", NULL, 0 },
		{ "1.2.3.4.5", NULL, 0 },
		{ "1.2.3.0x", "1.2.3.0", MR_URL_IPV4 },
		{ "1.2.3.0xg", "1.2.3.0xg", MR_URL_NAME }, /* does not end in a number */
		{ "\xEF\xBC\x91.2.3.4", "1.2.3.4", MR_URL_IPV4 }, /* full-width 1 */
		/* names */
		{ "a.example.", "a.example", MR_URL_NAME },
		{ "a.example..", NULL, 0 },
		{ "a..example", NULL, 0 },
		{ ".example", NULL, 0 },
		{ ".", NULL, 0 },
		{ "", NULL, 0 },
		{ "a\xE3\x80\x82"
		  "example",
		  "a.example", MR_URL_NAME }, /* U+3002 */
		{ "a\xC2\xAD"
		  "b.example",
		  "ab.example", MR_URL_NAME }, /* soft hyphen */
		{ "%EF%BC%A1.example", "a.example", MR_URL_NAME }, /* full-width A */
		{ "%e2%80%8b", NULL, 0 }, /* nothing is left */
		{ "a b", NULL, 0 },
		{ "a%20b", NULL, 0 },
		{ "a%00b", NULL, 0 },
		{ "a%zzb", NULL, 0 },
		{ "a%2", NULL, 0 },
		{ "%ff", NULL, 0 }, /* no UTF-8 */
		{ "a<b", NULL, 0 },
		{ "under_score.example", "under_score.example", MR_URL_NAME },
		/* RFC 5952 4 */
		{ "[2001:DB8:0:0:1:0:0:1]", "2001:db8::1:0:0:1", MR_URL_IPV6 },
		{ "[2001:0db8::0001]", "2001:db8::1", MR_URL_IPV6 },
		{ "[::ffff:192.0.2.1]", "::ffff:192.0.2.1", MR_URL_IPV6 },
		{ "[::1", NULL, 0 },
		{ "[]", NULL, 0 },
		{ "[", NULL, 0 },
		{ "[fe80::1%25eth0]", NULL, 0 },
		{ "[www.example.com]", NULL, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_url_host host = { .text = MR_SPAN("untouched") };
		int err;

		MR_NEED(t, in && arena);
		err = mr_url_host(mr_block_span(in), NULL, arena, &host);
		MR_CHECK_INT(t, rows[i].want ? 0 : MR_ESYNTAX, err);
		MR_CHECK_SPAN(t, rows[i].want ? rows[i].want : "untouched", host.text);
		if (err == 0)
			MR_CHECK_INT(t, rows[i].kind, host.kind);
	}
}

MR_TEST(url_host_length)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_url_host host = { .kind = MR_URL_NAME };
	char name[MR_DOMAIN_MAX + 2];

	MR_NEED(t, arena);
	memset(name, 'a', sizeof(name));
	for (size_t i = 50; i < sizeof(name); i += 51)
		name[i] = '.';
	name[MR_DOMAIN_MAX] = '.';
	MR_CHECK_INT(t, 0, mr_url_host(mr_span(name, MR_DOMAIN_MAX), NULL, arena, &host));
	MR_CHECK_INT(t, 0, mr_url_host(mr_span(name, MR_DOMAIN_MAX + 1), NULL, arena, &host));
	MR_CHECK_INT(t, MR_DOMAIN_MAX, host.text.len);
	name[MR_DOMAIN_MAX] = 'a';
	MR_CHECK_INT(t, MR_ELIMIT,
		     mr_url_host(mr_span(name, MR_DOMAIN_MAX + 1), NULL, arena, &host));
	MR_CHECK_INT(t, MR_ELIMIT, mr_url_host(mr_span(name, sizeof(name)), NULL, arena, &host));
}

MR_TEST(url_domain)
{
	/* After the test vectors of publicsuffix.org (public domain). */
	static const struct {
		const char *host, *domain;
	} rows[] = {
		{ "COM", "" },
		{ "example.com", "example.com" },
		{ "b.example.COM", "example.com" },
		{ "a.b.example.com", "example.com" },
		{ "co.uk", "" },
		{ "a.b.co.uk", "b.co.uk" },
		{ "www.ck", "www.ck" }, /* !www.ck */
		{ "b.test.ck", "b.test.ck" }, /* *.ck */
		{ "a.b.example.local", "example.local" }, /* not listed: rule "*" */
		{ "www.\xE9\xA3\x9F\xE7\x8B\xAE.com.cn", "\xE9\xA3\x9F\xE7\x8B\xAE.com.cn" },
		{ "www.xn--85x722f.com.cn", "xn--85x722f.com.cn" },
		{ "x.y.blogspot.com", "y.blogspot.com" }, /* the private section */
		{ "10.1.2.3", "" },
		{ "[::1]", "" },
	};
	MR_AUTO(mr_psl) *psl = mr_psl_new(NULL);

	MR_NEED(t, psl);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].host);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_url_host host = { .kind = MR_URL_NAME };

		MR_NEED(t, in && arena);
		MR_CHECK_INT(t, 0, mr_url_host(mr_block_span(in), psl, arena, &host));
		MR_CHECK_SPAN(t, rows[i].domain, host.domain);
	}
	MR_CHECK(t, mr_psl_tld(psl, MR_SPAN("Com")));
	MR_CHECK(t, !mr_psl_tld(psl, MR_SPAN("html")));
	MR_CHECK(t, !mr_psl_tld(psl, MR_SPAN("")));
	MR_CHECK(t, mr_psl_new("/nonexistent") == NULL);
}

/* Every URL in a text, as its whole and its host. */
MR_TEST(url_in_text)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "no URL: here. // nothing www. www.x", "" },
		{ "see http://a.example/b.", "http://a.example/b a.example;" },
		{ "(http://a.example)", "http://a.example a.example;" },
		{ "<http://a.example/>", "http://a.example/ a.example;" },
		{ "\"http://a.example/\"", "http://a.example/ a.example;" },
		/* RFC 3986 appendix C */
		{ "Yes, Jim, I found it under \"http://www.w3.org/Addressing/\",\n"
		  "but you can probably pick it up from <ftp://foo.example.\n"
		  "com/rfc/>.  Note the warning in <http://www.ics.uci.edu/pub/\n"
		  "ietf/uri/historical.html#WARNING>.",
		  "http://www.w3.org/Addressing/ www.w3.org;ftp://foo.example foo.example;"
		  "http://www.ics.uci.edu/pub/ www.ics.uci.edu;" },
		{ "http://a.example/b_(c) (http://a.example/b_(c))",
		  "http://a.example/b_(c) a.example;http://a.example/b_(c) a.example;" },
		{ "http://a.example/?!", "http://a.example/ a.example;" },
		{ "http://a.example?b=c#d!", "http://a.example?b=c#d a.example;" },
		{ "http://a.example:8080/b http://a.example:80",
		  "http://a.example:8080/b a.example;"
		  "http://a.example:80 a.example;" },
		{ "http://a.example: that", "http://a.example a.example;" },
		{ "http://a.example:/b", "http://a.example:/b a.example;" },
		{ "http://a.example,http://b.example",
		  "http://a.example a.example;http://b.example b.example;" },
		{ "http://bank.example@evil.example/x",
		  "http://bank.example@evil.example/x evil.example;" },
		{ "http://u:p@[::1]:80/", "http://u:p@[::1]:80/ [::1];" },
		{ "http://[x]/", "" },
		{ "HTTPS:\\\\a.example\\b", "HTTPS:\\\\a.example\\b a.example;" },
		{ "http:////a.example", "http:////a.example a.example;" },
		{ "x:\\\\a.example y:/a.example", "" },
		{ "git+ssh://a.example/", "ssh://a.example/ a.example;" },
		{ "12http://a.example/", "http://a.example/ a.example;" },
		{ "://a.example http:// http://. http://- x", "" },
		{ "\xE8\xAF\xB7http://a.example/\xE3\x80\x82", "http://a.example/ a.example;" },
		{ "http://m\xC3\xBCller.example/\xC3\xBC\xC2\xBB",
		  "http://m\xC3\xBCller.example/\xC3\xBC m\xC3\xBCller.example;" },
		{ "http://0x7f.1/", "http://0x7f.1/ 0x7f.1;" },
		/* without a scheme */
		{ "www.a.example", "www.a.example www.a.example;" },
		{ "WWW.a.example.", "WWW.a.example WWW.a.example;" },
		{ "_www.a.example/b_", "www.a.example/b www.a.example;" },
		{ "www.a.example, www.b.example:81?x",
		  "www.a.example www.a.example;www.b.example:81?x www.b.example;" },
		{ "\xE7\x9C\x8Bwww.a.example", "www.a.example www.a.example;" },
		{ "wwww.a.example", "" },
		{ "example.com/x", "example.com/x example.com;" },
		{ "(example.com/)", "example.com/ example.com;" },
		{ "example.com:80/x", "example.com:80/x example.com;" },
		{ "example.com example.com:80 example.com?x and/or w.r.t/x file.html/x", "" },
		{ "user@example.com/x user@www.example.com www.example.com@x", "" },
		{ "mailto:user@example.com/x", "" },
	};
	MR_AUTO(mr_psl) *psl = mr_psl_new(NULL);

	MR_NEED(t, psl);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_cur rest = mr_cur(mr_block_span(in));
		struct mr_url url;
		MR_AUTO_BUF got = MR_BUF(TEXT_MAX);

		while (mr_url_next(&rest, psl, &url)) {
			mr_buf_add(&got, url.whole);
			mr_buf_addc(&got, ' ');
			mr_buf_add(&got, url.host);
			mr_buf_addc(&got, ';');
		}
		MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&got));
	}
}

MR_TEST(url_in_text_parts)
{
	struct mr_cur text = mr_cur(MR_SPAN("x http://u:p@a.example:8/b/c?d#e, www.f.example"));
	struct mr_url url;
	MR_AUTO_BUF got = MR_BUF(TEXT_MAX);

	while (mr_url_next(&text, NULL, &url)) {
		add_url(&got, &url);
		mr_buf_addc(&got, ' ');
	}
	MR_CHECK_SPAN(t, "http|u:p|a.example|8|/b/c|d|e ||www.f.example|||| ", mr_buf_span(&got));
}
