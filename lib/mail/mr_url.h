/*
 * mr_url: URLs in text and in attributes: found, cut into their parts, and the host made
 * comparable. For features and lists of spam, so it errs on the side of what a reader's program
 * would open, as the WHATWG URL standard has it, not of what RFC 3986 allows. Time is linear in the
 * text. Nothing is fetched. Any thread.
 *
 *	struct mr_cur rest = mr_cur(text);
 *
 *	while (mr_url_next(&rest, psl, &url))
 *		if (mr_url_host(url.host, psl, arena, &host) == 0)
 *			count(host.text, host.domain);
 */
#ifndef MR_URL_H
#define MR_URL_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_cur.h"
#include "lib/mail/mr_psl.h"

/* As written, without the signs that divide them. A part that is not there is empty. */
struct mr_url {
	struct mr_span whole;
	struct mr_span scheme; /* "http" in any case; empty: "//a.example", "www.a.example" */
	struct mr_span userinfo; /* before "@" */
	struct mr_span host; /* an IPv6 address in its brackets; empty: "mailto:", "cid:" */
	struct mr_span port; /* digits, at most 65535 when read as a number */
	struct mr_span path; /* with the slash it begins with; all of it when opaque */
	struct mr_span query; /* behind "?" */
	struct mr_span fragment; /* behind "#" */
};

/*
 * Read s as one absolute URL, the value of an href: blanks around it and any tab, CR, LF in it are
 * ignored (URL 4.4), in http, https, ftp, ws and wss "\" is a slash and slashes may be missing or
 * too many. Also "//host" and "www." without a scheme. The parts lie in s, or in the arena where
 * something in the midst was ignored. Returns 0, or MR_ESYNTAX: a relative or an empty reference,
 * no host where the scheme must have one, a bad port; MR_ENOMEM.
 */
MR_MUST_USE int mr_url_parse(struct mr_span s, struct mr_arena *arena, struct mr_url *url_out);

/*
 * The next URL in plain text: "scheme://host..." of any scheme (the part of one
 * behind "+"), "www.name...", and "name.tld/..."
 * where psl knows the top-level domain (psl NULL: none of these). It ends at white space, a quote,
 * an angle bracket, "|", "^", "`", or the like in Unicode; sentence signs at its end, and a closing
 * bracket that it did not open, do not belong to it. What follows "@" is no URL. A URL within the
 * path or query of another is not found: read those parts again for it. The parts lie in the
 * text. False at the end.
 */
bool mr_url_next(struct mr_cur *text, const struct mr_psl *psl, struct mr_url *url_out);

enum mr_url_host_kind {
	MR_URL_NAME,
	MR_URL_IPV4,
	MR_URL_IPV6,
};

struct mr_url_host {
	enum mr_url_host_kind kind;
	/* A name: percent-decoded, ASCII in lower case, full-width forms as ASCII, ideographic stops
	 * as dots, invisible characters gone, no dot at the end; other UTF-8 is kept and not turned
	 * into xn-- (nor the other way). "192.0.2.1". "2001:db8::1" (RFC 5952). */
	struct mr_span text;
	struct mr_span domain; /* of a name: what was registered (mr_psl_registrable), or empty */
	uint8_t ip[16]; /* of an address: 4 or 16 octets in network order */
};

/*
 * Read the host of a URL. An IPv4 address may be a number, hexadecimal, octal, of one to four parts
 * (URL 3.5): "0x7f.1", "2130706433", "0177.0.0.1" are 127.0.0.1. psl NULL: no domain. text lies in
 * the arena, domain in text. Returns 0, or MR_ESYNTAX: empty, an empty label, an octet that no host
 * holds, an address that is none; MR_ELIMIT: longer than MR_DOMAIN_MAX; MR_ENOMEM.
 */
MR_MUST_USE int mr_url_host(struct mr_span host, const struct mr_psl *psl, struct mr_arena *arena,
			    struct mr_url_host *host_out);

#endif
