/*
 * disguise: single words that are not what they seem. ASCII; what is longer than a word of text.h is
 * looked at no further. Any thread.
 */
#ifndef MR_SPAM_DISGUISE_H
#define MR_SPAM_DISGUISE_H

#include "lib/base/mr_span.h"

/* No language has such a word: digits and letters change places three times, or six consonants stand in
 * a row. */
bool mr_spam_word_random(struct mr_span word);

/*
 * The word with letters for its digits, small: "V1agr4" is "viagra". False: it has none that stand
 * between letters, or one that no letter looks like; out then holds nothing of use. out: room for
 * word.len.
 */
bool mr_spam_word_letters(struct mr_span word, char *out);

/*
 * The letters of a word written as "v-i-a-g-r-a", with "-", "_" or "." between all of them, in out (room
 * for word.len); returns their number, 0 if it is no such word. At least four.
 */
size_t mr_spam_word_apart(struct mr_span word, char *out);

#endif
