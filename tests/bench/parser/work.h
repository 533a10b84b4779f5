/*
 * The parser row of `make bench`: what each program does with a message, and how it is proven to be
 * the same. Each reads the part tree with type, charset, encoding, file name and the decoded length
 * of every leaf, and decodes Subject, From and To; each hands that to the functions here, which make
 * one number of it. White space is made alike, ASCII case is ignored where it means nothing.
 *
 *	PROGRAM ROUNDS <names	the whole corpus so many times; prints CPU seconds and the sum
 *	PROGRAM show <names	what was found, a line for each message and one for each part
 */
#ifndef BENCH_PARSER_WORK_H
#define BENCH_PARSER_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum work_encoding { WORK_78BIT, WORK_BINARY, WORK_QP, WORK_BASE64, WORK_OTHER };

struct work {
	FILE *show; /* NULL: only the sum */
};

/* UTF-8 text of any length, NULL is nothing. */
void work_text(struct work *w, const char *label, const char *text, size_t len);
/* A word whose ASCII case does not count. */
void work_word(struct work *w, const char *label, const char *text, size_t len);
void work_number(struct work *w, const char *label, uint64_t number);
void work_part(struct work *w, uint64_t depth);

/* What a program has to bring: all of the work on one message. */
void work_message(struct work *w, const char *raw, size_t len);
void work_init(void);

#endif
