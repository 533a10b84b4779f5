#include "milters/spam/text.h"

#include "lib/base/mr_ascii.h"

/* 1: in a word; 2: in a host name. */
static const uint8_t class_of[256] = {
	['0' ... '9'] = 3, ['A' ... 'Z'] = 3, ['a' ... 'z'] = 3, [128 ... 255] = 3, ['$'] = 3,
	['\''] = 3,        ['-'] = 3,         ['_'] = 3,         ['.'] = 2,
};

struct mr_span mr_spam_lower(struct mr_span name, char *out, size_t size)
{
	size_t len = name.len < size ? name.len : size;

	for (size_t i = 0; i < len; i++)
		out[i] = mr_lower(name.p[i]);
	return mr_span(out, len);
}

struct mr_span mr_spam_word_fold(struct mr_span word, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < word.len && len < size; i++) {
		char c = mr_lower(word.p[i]);

		if (c >= '0' && c <= '9') {
			if (len > 0 && out[len - 1] == '0')
				continue;
			c = '0';
		}
		out[len++] = c;
	}
	return mr_span(out, len);
}

static uint64_t add_word(struct mr_spam_words *w, struct mr_span word)
{
	char folded[MR_SPAM_TOKEN_MAX];
	uint64_t hash;

	if (word.len > MR_SPAM_TOKEN_MAX) /* noise: base64, keys, long lines of one sign */
		hash = mr_spam_mix(w->seed ^ (word.len < 100 ? 1 : 2));
	else
		hash = mr_spam_hash(w->seed, mr_spam_word_fold(word, folded, sizeof(folded)));
	mr_spam_feature_add(w->f, w->family, hash, w->kind, w->field, word);
	return hash;
}

static struct mr_span trim_signs(struct mr_span s)
{
	while (s.len > 0 && (s.p[0] == '\'' || s.p[0] == '-' || s.p[0] == '_' || s.p[0] == '.'))
		s = mr_span_sub(s, 1, s.len);
	while (s.len > 0 && (s.p[s.len - 1] == '\'' || s.p[s.len - 1] == '-' ||
			     s.p[s.len - 1] == '_' || s.p[s.len - 1] == '.'))
		s.len--;
	return s;
}

/* The labels of a.b.c one by one: the list of words is bounded by the family's limit. */
static void add_labels(struct mr_spam_words *w, struct mr_span host)
{
	struct mr_span label, rest = host;

	while (rest.len > 0) {
		mr_span_split(rest, '.', &label, &rest);
		if (label.len > 1 && label.len < host.len)
			add_word(w, label);
	}
}

void mr_spam_words_add(struct mr_spam_words *w, struct mr_span text)
{
	uint8_t wanted = w->hosts ? 2 : 1;
	const char *p = text.p, *end = mr_span_end(text), *from;

	while (p < end) {
		struct mr_span word;
		uint64_t hash;

		while (p < end && !(class_of[(uint8_t)*p] & wanted))
			p++;
		for (from = p; p < end && class_of[(uint8_t)*p] & wanted; p++)
			;
		word = trim_signs(mr_span(from, (size_t)(p - from)));
		if (word.len == 0)
			continue;
		hash = add_word(w, word);
		if (w->hosts && word.len <= 255)
			add_labels(w, word);
		if (w->pairs && w->last != 0)
			mr_spam_feature_add(w->f, w->family, mr_spam_mix(w->last * 3 + hash),
					    "pair", w->last_word, word);
		w->last = hash;
		w->last_word = word;
	}
}
