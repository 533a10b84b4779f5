#include "milters/spam/text.h"

#include "lib/base/mr_ascii.h"
#include "milters/spam/disguise.h"

/* 1: in a word; 2: in a host name; 4: may stand for a letter. */
static const uint8_t class_of[256] = {
	['0' ... '9'] = 7, ['A' ... 'Z'] = 3, ['a' ... 'z'] = 3, [128 ... 255] = 3, ['$'] = 7,
	['\''] = 3,        ['-'] = 3,         ['_'] = 3,         ['.'] = 2,
};

/* Words that are not told apart. */
#define CLASS_LONG    1
#define CLASS_ENDLESS 2
#define CLASS_RANDOM  3

#define RUN_MIN 4 /* letters that stand apart */

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

/* A word that is folded already; origin: as it stands in the message. */
static uint64_t add_folded(struct mr_spam_words *w, struct mr_span folded, struct mr_span origin)
{
	uint64_t hash = mr_spam_hash(w->seed, folded);

	mr_spam_feature_add(w->f, w->family, hash, w->kind, w->field, origin);
	return hash;
}

/* What all words of that class share. */
static uint64_t add_class(struct mr_spam_words *w, unsigned which, struct mr_span origin)
{
	uint64_t hash = mr_spam_mix(w->seed ^ which);

	mr_spam_feature_add(w->f, w->family, hash, w->kind, w->field, origin);
	return hash;
}

/* What the word stands for, if it is not what it seems. */
static void add_meant(struct mr_spam_words *w, struct mr_span word, uint8_t classes)
{
	char out[MR_SPAM_TOKEN_MAX];
	size_t len;

	if (classes & 4 && mr_spam_word_letters(word, out)) {
		add_folded(w, mr_span(out, word.len), word);
		mr_spam_trick(w->tricks, MR_SPAM_DIGITS, 1);
	} else if ((len = mr_spam_word_apart(word, out)) > 0) {
		add_folded(w, mr_span(out, len), word);
		mr_spam_trick(w->tricks, MR_SPAM_SPLIT, 1);
	}
}

/* classes: of its bytes, all together. */
static uint64_t add_word(struct mr_spam_words *w, struct mr_span word, uint8_t classes)
{
	char folded[MR_SPAM_TOKEN_MAX];

	if (word.len > MR_SPAM_TOKEN_MAX) /* noise: base64, keys, long lines of one sign */
		return add_class(w, word.len < 100 ? CLASS_LONG : CLASS_ENDLESS, word);
	if (mr_spam_word_random(word)) {
		mr_spam_trick(w->tricks, MR_SPAM_RANDOM, 1);
		return add_class(w, CLASS_RANDOM, word);
	}
	add_meant(w, word, classes);
	return add_folded(w, mr_spam_word_fold(word, folded, sizeof(folded)), word);
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

/*
 * The labels of a.b.c one by one: the list of words is bounded by the family's limit. For people the
 * last one, if it may be a domain's, is another kind of word: "com" by itself would say nothing.
 */
static void add_labels(struct mr_spam_words *w, struct mr_span host)
{
	struct mr_span label, rest = host;
	const char *kind = w->kind;

	while (rest.len > 0) {
		mr_span_split(rest, '.', &label, &rest);
		if (rest.len == 0 && mr_span_only(label, MR_ALPHA))
			w->kind = "name-end";
		if (label.len > 1 && label.len < host.len)
			add_word(w, label, 4);
		w->kind = kind;
	}
}

/* The letters that stood apart are a word, if they are enough. */
static void run_end(struct mr_spam_words *w)
{
	if (w->run_len >= RUN_MIN) {
		add_folded(w, mr_span(w->run, w->run_len),
			   mr_span(w->run_start, (size_t)(w->run_end - w->run_start)));
		mr_spam_trick(w->tricks, MR_SPAM_SPLIT, 1);
	}
	w->run_len = 0;
}

static void run_add(struct mr_spam_words *w, struct mr_span word)
{
	if (word.len != 1 || !mr_is(word.p[0], MR_ALNUM)) {
		run_end(w);
		return;
	}
	if (w->run_len > 0 && (word.p != w->run_end + 1 || w->run_len == MR_SPAM_RUN_MAX))
		run_end(w);
	if (w->run_len == 0)
		w->run_start = word.p;
	w->run[w->run_len++] = mr_lower(word.p[0]);
	w->run_end = word.p + 1;
}

static void add_next(struct mr_spam_words *w, struct mr_span word, uint8_t classes)
{
	uint64_t hash = add_word(w, word, classes);

	if (w->hosts && word.len <= 255)
		add_labels(w, word);
	run_add(w, word);
	if (w->pairs && w->last != 0)
		mr_spam_feature_add(w->f, w->family, mr_spam_mix(w->last * 3 + hash), "pair",
				    w->last_word, word);
	w->last = hash;
	w->last_word = word;
}

void mr_spam_words_add(struct mr_spam_words *w, struct mr_span text)
{
	uint8_t wanted = w->hosts ? 2 : 1;
	const char *p = text.p, *end = mr_span_end(text), *from;

	if (w->silent)
		return;
	while (p < end) {
		struct mr_span word;
		uint8_t classes = 0;

		while (p < end && !(class_of[(uint8_t)*p] & wanted))
			p++;
		for (from = p; p < end && class_of[(uint8_t)*p] & wanted; p++)
			classes |= class_of[(uint8_t)*p];
		word = trim_signs(mr_span(from, (size_t)(p - from)));
		if (word.len > 0)
			add_next(w, word, classes);
	}
	run_end(w);
}
