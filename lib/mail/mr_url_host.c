#include "lib/mail/mr_url.h"

#include <arpa/inet.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"

#define IPV4_PARTS_MAX 4
#define MAPPED_NOTHING UINT32_MAX

/* URL 3.4: a forbidden domain code point, in ASCII: what cannot be in a host that was decoded */
static bool is_forbidden(char c)
{
	return (uint8_t)c <= ' ' || c == 0x7F || memchr("#%/:<>?@[\\]^|", c, 13) != NULL;
}

/* UTS 46, the part that costs no table: what is nothing, a dot, or ASCII in disguise. */
static uint32_t mapped(uint32_t code)
{
	switch (code) {
	case 0x00AD: /* soft hyphen */
	case 0x200B: /* zero width space */
	case 0x2060: /* word joiner */
	case 0xFEFF: /* zero width no-break space */
		return MAPPED_NOTHING;
	case 0x3002: /* ideographic full stop, and half-width */
	case 0xFF61:
		return '.';
	}
	if (code >= 0xFF01 && code <= 0xFF5E) /* full-width forms */
		return code - 0xFF01 + '!';
	return code;
}

/* URL 3.5, domain to ASCII, as far as the header says; out has room for size. */
static int map_name(struct mr_span decoded, char *out, size_t size, size_t *len_out)
{
	struct mr_cur c = mr_cur(decoded);
	size_t len = 0;

	while (c.p < c.end) {
		char utf8[MR_UTF8_MAX];
		bool valid;
		uint32_t code = mapped((uint32_t)mr_utf8_next(&c, &valid));
		size_t n;

		if (!valid)
			return MR_ESYNTAX;
		if (code == MAPPED_NOTHING)
			continue;
		n = mr_utf8_put(code, utf8);
		if (n == 1) {
			utf8[0] = mr_lower(utf8[0]);
			if (is_forbidden(utf8[0]))
				return MR_ESYNTAX;
		}
		if (n > size - len)
			return MR_ELIMIT;
		memcpy(out + len, utf8, n);
		len += n;
	}
	*len_out = len;
	return 0;
}

/* URL 1.3: percent-decode; a "%" that begins nothing stays. out has room for size. */
static int percent_decode(struct mr_span s, char *out, size_t size, size_t *len_out)
{
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		int high = -1, low = -1;

		if (s.p[i] == '%' && s.len - i > 2) {
			high = mr_hex_value(s.p[i + 1]);
			low = mr_hex_value(s.p[i + 2]);
		}
		if (len == size)
			return MR_ELIMIT;
		if (high >= 0 && low >= 0) {
			out[len++] = (char)(high * 16 + low);
			i += 2;
		} else {
			out[len++] = s.p[i];
		}
	}
	*len_out = len;
	return 0;
}

/* URL 3.5, IPv4 number parser: decimal, octal behind "0", hexadecimal behind "0x" */
static bool ipv4_number(struct mr_span s, uint64_t *value_out)
{
	uint64_t base = 10, value = 0;

	if (s.len == 0)
		return false;
	if (mr_span_has_prefix_nocase(s, MR_SPAN("0x"))) {
		base = 16;
		s = mr_span_sub(s, 2, s.len);
	} else if (s.len > 1 && s.p[0] == '0') {
		base = 8;
		s = mr_span_sub(s, 1, s.len);
	}
	for (size_t i = 0; i < s.len; i++) {
		int digit = mr_hex_value(s.p[i]);

		if (digit < 0 || (uint64_t)digit >= base)
			return false;
		if (value <= UINT32_MAX) /* it stays too large once it is */
			value = value * base + (uint64_t)digit;
	}
	*value_out = value;
	return true;
}

/* URL 3.5, ends in a number checker: then it is an IPv4 address or nothing */
static bool ends_in_number(struct mr_span name)
{
	size_t dot = mr_span_rfind(name, '.');
	struct mr_span last = dot == name.len ? name : mr_span_sub(name, dot + 1, name.len);
	uint64_t value;

	return last.len > 0 && (mr_span_only(last, MR_DIGIT) || ipv4_number(last, &value));
}

/* URL 3.5, IPv4 parser: the last part fills the octets that the others leave */
static int ipv4_parse(struct mr_span name, uint8_t ip_out[4])
{
	uint64_t part[IPV4_PARTS_MAX], address = 0;
	size_t count = 0;
	struct mr_span head;
	bool more = true;

	while (more) {
		more = mr_span_split(name, '.', &head, &name);
		if (count == IPV4_PARTS_MAX || !ipv4_number(head, &part[count++]))
			return MR_ESYNTAX;
	}
	for (size_t i = 0; i + 1 < count; i++) {
		if (part[i] > 255)
			return MR_ESYNTAX;
		address |= part[i] << (24 - 8 * i);
	}
	if (part[count - 1] >> (8 * (IPV4_PARTS_MAX + 1 - count)))
		return MR_ESYNTAX;
	address |= part[count - 1];
	for (size_t i = 0; i < 4; i++)
		ip_out[i] = (uint8_t)(address >> (24 - 8 * i));
	return 0;
}

/* RFC 3986 3.2.2: "[" IPv6address "]"; no zone */
static int ipv6_parse(struct mr_span host, uint8_t ip_out[16])
{
	char text[INET6_ADDRSTRLEN];

	if (host.len < 2 || host.p[host.len - 1] != ']' ||
	    mr_span_copyz(mr_span_sub(host, 1, host.len - 2), text, sizeof(text)) < 0 ||
	    inet_pton(AF_INET6, text, ip_out) != 1)
		return MR_ESYNTAX;
	return 0;
}

static bool has_empty_label(struct mr_span name)
{
	return name.len == 0 || name.p[0] == '.' || name.p[name.len - 1] == '.' ||
	       mr_span_search(name, MR_SPAN("..")) < name.len;
}

/* A name or an IPv4 address. name has room for size; its length in len_out. */
static int name_parse(struct mr_span host, char *name, size_t size, struct mr_url_host *result,
		      size_t *len_out)
{
	/* A character may be written with nine octets, "%EF%BC%A1", and become one. */
	char decoded[MR_DOMAIN_MAX * 4];
	size_t len = 0;
	int err;

	if ((err = percent_decode(host, decoded, sizeof(decoded), &len)) < 0 ||
	    (err = map_name(mr_span(decoded, len), name, size, &len)) < 0)
		return err;
	if (len > 0 && name[len - 1] == '.')
		len--; /* RFC 1034 3.1: the root */
	if (has_empty_label(mr_span(name, len)))
		return MR_ESYNTAX;
	if (len > MR_DOMAIN_MAX)
		return MR_ELIMIT;
	if (ends_in_number(mr_span(name, len))) {
		result->kind = MR_URL_IPV4;
		return ipv4_parse(mr_span(name, len), result->ip);
	}
	*len_out = len;
	return 0;
}

int mr_url_host(struct mr_span host, const struct mr_psl *psl, struct mr_arena *arena,
		struct mr_url_host *host_out)
{
	struct mr_url_host result = { .kind = MR_URL_NAME };
	char text[MR_DOMAIN_MAX + 1]; /* a dot at the end is still there */
	size_t len = 0;
	int err;

	if (mr_span_has_prefix(host, MR_SPAN("["))) {
		result.kind = MR_URL_IPV6;
		err = ipv6_parse(host, result.ip);
	} else {
		err = name_parse(host, text, sizeof(text), &result, &len);
	}
	if (err < 0)
		return err;
	if (result.kind != MR_URL_NAME) {
		MR_ASSERT(inet_ntop(result.kind == MR_URL_IPV4 ? AF_INET : AF_INET6, result.ip,
				    text, sizeof(text)));
		len = strlen(text);
	}
	if ((err = mr_arena_dup(arena, mr_span(text, len), &result.text)) < 0)
		return err;
	result.domain = mr_span(result.text.p, 0);
	if (result.kind == MR_URL_NAME && psl)
		result.domain = mr_psl_registrable(psl, result.text);
	*host_out = result;
	return 0;
}
