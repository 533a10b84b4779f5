#include "milters/spam/trick.h"

#define SEED_TRICK 0x5A01u

static const char *const texts[MR_SPAM_TRICKS] = {
	[MR_SPAM_INVISIBLE] = "invisible signs inside words",
	[MR_SPAM_SOFT_HYPHEN] = "soft hyphens inside words",
	[MR_SPAM_ALIKE] = "letters of other alphabets inside words",
	[MR_SPAM_STYLED] = "ornamental letters",
	[MR_SPAM_SPLIT] = "words whose letters stand apart",
	[MR_SPAM_DIGITS] = "digits for letters",
	[MR_SPAM_RANDOM] = "words that look random",
	[MR_SPAM_JOINED] = "comments or empty tags inside words",
	[MR_SPAM_NUMBERED] = "letters written as numbers",
	[MR_SPAM_PERCENT] = "letters of links written as numbers",
	[MR_SPAM_NOT_SHOWN] = "text that is not displayed",
	[MR_SPAM_NO_SIZE] = "text of no size",
	[MR_SPAM_NO_CONTRAST] = "text in the colour of its background",
	[MR_SPAM_AWAY] = "text outside of the window",
};

void mr_spam_tricks_add(const struct mr_spam_tricks *t, struct mr_spam_features *f)
{
	for (unsigned i = 0; i < MR_SPAM_TRICKS; i++) {
		struct mr_span text = mr_span_str(texts[i]);
		uint64_t magnitude, n = t->count[i];

		if (n == 0)
			continue;
		magnitude = 64 - (uint64_t)__builtin_clzll(n);
		mr_spam_feature_add(f, MR_SPAM_HTML, mr_spam_hash(SEED_TRICK, text), "trick",
				    MR_SPAN(""), text);
		mr_spam_feature_add(f, MR_SPAM_HTML,
				    mr_spam_hash(SEED_TRICK + (magnitude << 32), text),
				    i < MR_SPAM_NOT_SHOWN ? "trick-count" : "trick-bytes",
				    mr_spam_range((unsigned)magnitude), text);
	}
}
