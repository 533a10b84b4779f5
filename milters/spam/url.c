#include "milters/spam/url.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_url.h"
#include "milters/spam/text.h"

#define SEED_HOST   0x7531u
#define SEED_DOMAIN 0x7532u
#define SEED_LABEL  0x7533u
#define SEED_TRAIT  0x7534u
#define SEED_PATH   0x7535u
#define SEED_SCHEME 0x7536u

#define PATH_SIZE_MAX 200 /* bytes of path and of query whose words count */
#define LABELS_MANY   5

static const struct mr_span none = { "", 0 };

static void add(struct mr_spam_features *f, uint64_t seed, struct mr_span text, const char *kind)
{
	mr_spam_feature_add(f, MR_SPAM_URL, mr_spam_hash(seed, text), kind, none, text);
}

static void trait(struct mr_spam_features *f, const char *what)
{
	add(f, SEED_TRAIT, mr_span_str(what), "link-trait");
}

static void add_name(struct mr_spam_features *f, const struct mr_url_host *host)
{
	struct mr_span label = host->text;
	size_t labels = 1;

	for (size_t i = 0; i < host->text.len; i++)
		labels += host->text.p[i] == '.';
	if (labels > 1)
		label = mr_span_sub(label, mr_span_rfind(label, '.'), label.len);
	if (host->domain.len > 0)
		add(f, SEED_DOMAIN, host->domain, "domain");
	add(f, SEED_LABEL, label, "top-level");
	if (labels >= LABELS_MANY)
		trait(f, "a host of many labels");
}

static int add_host(struct mr_spam_features *f, struct mr_span written, struct mr_arena *arena)
{
	struct mr_url_host host;
	int err = mr_url_host(written, f->psl, arena, &host);

	if (err == MR_ENOMEM)
		return err;
	if (err < 0) {
		trait(f, "a host that is none");
		return 0;
	}
	add(f, SEED_HOST, host.text, "host");
	if (host.kind == MR_URL_NAME)
		add_name(f, &host);
	else
		trait(f, "a number for a host");
	return 0;
}

/* "%61" as the letter it is; what is no letter or digit stays. */
static size_t unescape(struct mr_span text, struct mr_spam_tricks *tricks, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '%' && i + 2 < text.len && mr_is(text.p[i + 1], MR_HEX) &&
		    mr_is(text.p[i + 2], MR_HEX)) {
			char code = (char)(mr_hex_value(text.p[i + 1]) * 16 +
					   mr_hex_value(text.p[i + 2]));

			if (mr_is(code, MR_ALNUM)) {
				mr_spam_trick(tricks, MR_SPAM_PERCENT, 1);
				c = code;
				i += 2;
			}
		}
		out[len++] = c;
	}
	return len;
}

/* Words of path and query: "unsubscribe", "cgi-bin", "php". */
static int add_words(struct mr_spam_features *f, const char *kind, struct mr_span text,
		     struct mr_spam_tricks *tricks, struct mr_arena *arena)
{
	struct mr_spam_words w = {
		.f = f, .family = MR_SPAM_URL, .kind = kind, .field = none, .seed = SEED_PATH
	};
	struct mr_span read = mr_span_sub(text, 0, PATH_SIZE_MAX);
	char *plain;

	if (mr_span_find(read, '%') < read.len) {
		if ((plain = mr_arena_text(arena, read.len)) == NULL)
			return MR_ENOMEM;
		read = mr_span(plain, unescape(read, tricks, plain));
	}
	mr_spam_words_add(&w, read);
	return 0;
}

static int add_url(struct mr_spam_features *f, const struct mr_url *url,
		   struct mr_spam_tricks *tricks, struct mr_arena *arena)
{
	char folded[16];
	struct mr_span scheme = mr_spam_word_fold(url->scheme, folded, sizeof(folded));
	int err;

	mr_spam_feature_add(f, MR_SPAM_URL, mr_spam_hash(SEED_SCHEME, scheme), "scheme", none,
			    url->scheme);
	if (url->userinfo.len > 0)
		trait(f, "a user name before the host");
	if (url->port.len > 0)
		trait(f, "a port");
	/* What a mailto: or data: link holds is no path. */
	if (url->host.len == 0)
		return 0;
	if ((err = add_words(f, "path", url->path, tricks, arena)) < 0 ||
	    (err = add_words(f, "query", url->query, tricks, arena)) < 0)
		return err;
	return add_host(f, url->host, arena);
}

int mr_spam_url_add(struct mr_spam_features *f, struct mr_span link, struct mr_spam_tricks *tricks,
		    struct mr_arena *arena)
{
	struct mr_url url;
	int err = mr_url_parse(mr_span_sub(link, 0, MR_SPAM_LINK_SIZE_MAX), arena, &url);

	if (err < 0)
		return err == MR_ENOMEM ? err : 0; /* a relative one: nothing to say */
	return add_url(f, &url, tricks, arena);
}

int mr_spam_url_find(struct mr_spam_features *f, struct mr_span text, struct mr_spam_tricks *tricks,
		     struct mr_arena *arena)
{
	struct mr_cur rest = mr_cur(text);
	struct mr_url url;
	int err = 0;

	for (int i = 0; i < MR_SPAM_LINKS_MAX && err == 0 && mr_url_next(&rest, f->psl, &url); i++)
		err = add_url(f, &url, tricks, arena);
	return err;
}
