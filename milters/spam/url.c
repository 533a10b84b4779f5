#include "milters/spam/url.h"

#include "lib/base/mr_ascii.h"
#include "milters/spam/text.h"

#define SEED_HOST   0x7531u
#define SEED_DOMAIN 0x7532u
#define SEED_LABEL  0x7533u
#define SEED_TRAIT  0x7534u
#define SEED_PATH   0x7535u

static const struct mr_span none = { "", 0 };

static void trait(struct mr_spam_features *f, const char *what)
{
	struct mr_span text = mr_span_str(what);

	mr_spam_feature_add(f, MR_SPAM_URL, mr_spam_hash(SEED_TRAIT, text), "link-trait", none,
			    text);
}

/* The last two labels, or three where the one before the last has at most three letters. */
static struct mr_span domain_of(struct mr_span host)
{
	size_t last = mr_span_rfind(host, '.'), second, third;

	if (last == host.len)
		return host;
	second = mr_span_rfind(mr_span_sub(host, 0, last), '.');
	if (second == last)
		return host;
	if (last - second > 4 || host.len - last > 3)
		return mr_span_sub(host, second + 1, host.len);
	third = mr_span_rfind(mr_span_sub(host, 0, second), '.');
	return third == second ? host : mr_span_sub(host, third + 1, host.len);
}

static void add_host(struct mr_spam_features *f, struct mr_span host)
{
	char folded[256];
	struct mr_span domain, name = mr_span(folded, 0);
	size_t dots = 0;

	for (size_t i = 0; i < host.len && i < sizeof(folded); i++) {
		folded[name.len++] = mr_lower(host.p[i]);
		dots += host.p[i] == '.';
	}
	mr_spam_feature_add(f, MR_SPAM_URL, mr_spam_hash(SEED_HOST, name), "host", none, host);
	if (mr_span_only(name, MR_DIGIT | MR_DOT)) {
		trait(f, "a number for a host");
		return;
	}
	domain = domain_of(name);
	mr_spam_feature_add(f, MR_SPAM_URL, mr_spam_hash(SEED_DOMAIN, domain), "domain", none,
			    mr_span_sub(host, name.len - domain.len, domain.len));
	name = mr_span_sub(name, mr_span_rfind(name, '.'), name.len);
	mr_spam_feature_add(f, MR_SPAM_URL, mr_spam_hash(SEED_LABEL, name), "top-level", none,
			    mr_span_sub(host, host.len - name.len, name.len));
	if (dots > 3)
		trait(f, "a host of many labels");
}

static bool ends_authority(char c)
{
	return c == '/' || c == '?' || c == '#' || c == '\\' || c == '"' || c == '\'' || c == '<' ||
	       c == '>' || c == ')' || c == ']' || c == ',' || mr_is(c, MR_FWS | MR_CTL);
}

/* RFC 3986 3.2: authority = [ userinfo "@" ] host [ ":" port ]. Returns what stands behind it. */
static struct mr_span add_authority(struct mr_spam_features *f, struct mr_span s)
{
	size_t len = 0, at;
	struct mr_span host;

	while (len < s.len && !ends_authority(s.p[len]))
		len++;
	host = mr_span_sub(s, 0, len);
	at = mr_span_rfind(host, '@');
	if (at < host.len) {
		trait(f, "a user name before the host");
		host = mr_span_sub(host, at + 1, host.len);
	}
	at = mr_span_find(host, ':');
	if (at < host.len) {
		if (at + 1 < host.len)
			trait(f, "a port");
		host.len = at;
	}
	while (host.len > 0 && host.p[host.len - 1] == '.')
		host.len--;
	if (host.len > 0 && host.len <= 255)
		add_host(f, host);
	return mr_span_sub(s, len, s.len);
}

/* Words of path and query: "unsubscribe", "click", "cgi-bin", "php". */
static struct mr_span add_path(struct mr_spam_features *f, struct mr_span s)
{
	struct mr_spam_words w = {
		.f = f, .family = MR_SPAM_URL, .kind = "path", .field = none, .seed = SEED_PATH
	};
	size_t len = 0;

	while (len < s.len && len < 200 && !mr_is(s.p[len], MR_FWS | MR_CTL) && s.p[len] != '"' &&
	       s.p[len] != '<' && s.p[len] != '>' && s.p[len] != ')')
		len++;
	mr_spam_words_add(&w, mr_span_sub(s, 0, len));
	return mr_span_sub(s, len, s.len);
}

void mr_spam_url_add(struct mr_spam_features *f, struct mr_span url)
{
	struct mr_span s = mr_span_sub(mr_span_trim(url), 0, MR_SPAM_URL_SIZE_MAX), scheme, rest;
	size_t at = mr_span_search(s, MR_SPAN("://"));

	if (mr_span_split(s, ':', &scheme, &rest) && scheme.len < 12 &&
	    mr_span_only(scheme, MR_ALNUM)) {
		char folded[12];

		mr_spam_feature_add(
			f, MR_SPAM_URL,
			mr_spam_hash(SEED_TRAIT, mr_spam_word_fold(scheme, folded, sizeof(folded))),
			"scheme", none, scheme);
	}
	if (at < s.len)
		add_path(f, add_authority(f, mr_span_sub(s, at + 3, s.len)));
}

void mr_spam_url_find(struct mr_spam_features *f, struct mr_span text)
{
	struct mr_span s = text;

	while (s.len > 0 && f->family[MR_SPAM_URL].count < f->family[MR_SPAM_URL].room) {
		size_t at = mr_span_search(s, MR_SPAN("://"));

		if (at == s.len)
			return;
		s = mr_span_sub(s, at + 3, s.len);
		s = add_path(f, add_authority(f, s));
	}
}
