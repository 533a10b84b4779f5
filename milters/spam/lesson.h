/*
 * lesson: a message's features as bytes, for the journal: no text can be read from them. Each family
 * is its number of keys and then, in rising order, the distances between them:
 *
 *	lesson = version families *( count *distance )	; all of them LEB128 numbers
 *
 * Seven kilobytes for a message of three thousand features.
 */
#ifndef MR_SPAM_LESSON_H
#define MR_SPAM_LESSON_H

#include "lib/base/mr_buf.h"
#include "milters/spam/feature.h"

#define MR_SPAM_LESSON_VERSION  1
#define MR_SPAM_LESSON_SIZE_MAX ((size_t)64 << 10) /* at most 4 bytes a key, and some */

/* Append the lesson that f is to out. MR_ENOMEM, MR_ELIMIT (out's). */
MR_MUST_USE int mr_spam_lesson_encode(const struct mr_spam_features *f, struct mr_buf *out);

/* The keys of each family in f, which is reset before; they have no origin. MR_ESYNTAX: no lesson, or
 * one that is cut short; MR_EINVAL: of another version. */
MR_MUST_USE int mr_spam_lesson_decode(struct mr_span lesson, struct mr_spam_features *f);

#endif
