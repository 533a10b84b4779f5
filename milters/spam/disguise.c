#include "milters/spam/disguise.h"

#include "lib/base/mr_ascii.h"

#define CHANGES_MIN    3 /* between letters and digits */
#define CONSONANTS_MIN 6
#define APART_MIN      4 /* letters */
#define LETTERS_MIN    3 /* beside the signs that stand for some */
#define SIGNS_MAX      2 /* in a row, for letters: "freedom", "pressure" */

enum { OTHER, CONSONANT, VOWEL, DIGIT, BAR };

static const uint8_t class_of[256] = {
	['B' ... 'D'] = CONSONANT,
	['F' ... 'H'] = CONSONANT,
	['J' ... 'N'] = CONSONANT,
	['P' ... 'T'] = CONSONANT,
	['V' ... 'X'] = CONSONANT,
	['Z'] = CONSONANT,
	['b' ... 'd'] = CONSONANT,
	['f' ... 'h'] = CONSONANT,
	['j' ... 'n'] = CONSONANT,
	['p' ... 't'] = CONSONANT,
	['v' ... 'x'] = CONSONANT,
	['z'] = CONSONANT,
	['A'] = VOWEL,
	['E'] = VOWEL,
	['I'] = VOWEL,
	['O'] = VOWEL,
	['U'] = VOWEL,
	['Y'] = VOWEL,
	['a'] = VOWEL,
	['e'] = VOWEL,
	['i'] = VOWEL,
	['o'] = VOWEL,
	['u'] = VOWEL,
	['y'] = VOWEL,
	['0' ... '9'] = DIGIT,
	/* UTF-8: who knows; a host's labels are looked at one by one */
	[128 ... 255] = BAR,
	['.'] = BAR,
};

bool mr_spam_word_random(struct mr_span word)
{
	unsigned changes = 0, consonants = 0, digit = 0;

	if (word.len < CONSONANTS_MIN)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		unsigned c = class_of[(uint8_t)word.p[i]], now = c == DIGIT;

		consonants = c == CONSONANT ? consonants + 1 : 0;
		if (consonants == CONSONANTS_MIN)
			return true;
		if (c == OTHER)
			continue;
		if (c == BAR)
			return false;
		changes += i > 0 && now != digit;
		if (changes == CHANGES_MIN)
			return true;
		digit = now;
	}
	return false;
}

/* What a sign is written for; 0: none. */
static char letter_for(char c)
{
	static const char letters[128] = {
		['0'] = 'o', ['1'] = 'i', ['3'] = 'e', ['4'] = 'a',
		['5'] = 's', ['7'] = 't', ['$'] = 's',
	};

	return mr_is(c, MR_HIGH) ? 0 : letters[(uint8_t)c];
}

bool mr_spam_word_letters(struct mr_span word, char *out)
{
	bool between = false;
	size_t signs = 0, letters = 0;

	if (word.len < APART_MIN)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		char c = mr_lower(word.p[i]), letter = letter_for(c);

		out[i] = letter != 0 ? letter : c;
		if (letter != 0) {
			signs++;
			continue;
		}
		if (!mr_is(c, MR_LOWER))
			return false;
		between = between || (letters > 0 && signs > 0 && signs <= SIGNS_MAX);
		signs = 0;
		letters++;
	}
	return between && letters >= LETTERS_MIN;
}

size_t mr_spam_word_apart(struct mr_span word, char *out)
{
	size_t len = 0;

	if (word.len < 2 * APART_MIN - 1 || word.len % 2 == 0 ||
	    (word.p[1] != '-' && word.p[1] != '_' && word.p[1] != '.'))
		return 0;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.p[i];

		if (i % 2 == 1 ? c != word.p[1] : !mr_is(c, MR_ALNUM))
			return 0;
		if (i % 2 == 0)
			out[len++] = mr_lower(c);
	}
	return len;
}
