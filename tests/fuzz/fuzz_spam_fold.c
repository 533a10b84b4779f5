/*
 * What undoes evasions promises: folded text is no longer than what it came from, folding it again
 * changes nothing, valid UTF-8 stays valid; a style is read to colours that are colours; a word's
 * letters are as many as it has signs.
 */
#include "lib/base/mr_arena.h"
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "milters/spam/css.h"
#include "milters/spam/disguise.h"
#include "milters/spam/fold.h"
#include "milters/spam/sheet.h"

#define FUZZ_ARENA_MAX ((size_t)16 << 20)
#define WORD_MAX       40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fold(struct mr_span in, struct mr_arena *arena)
{
	struct mr_spam_tricks tricks = { 0 };
	struct mr_span once, twice;

	MR_ASSERT(mr_spam_fold(in, arena, &tricks, &once) == 0);
	MR_ASSERT(once.len <= in.len);
	MR_ASSERT(!mr_utf8_valid(in) || mr_utf8_valid(once));
	MR_ASSERT(!mr_span_only(in, ~(unsigned)MR_HIGH) || mr_span_eq(in, once));
	for (int i = 0; i < MR_SPAM_TRICKS; i++)
		MR_ASSERT(tricks.count[i] <= in.len);
	/* What is no UTF-8 may come together to a character when a sign between is gone. */
	if (!mr_utf8_valid(in))
		return;
	MR_ASSERT(mr_spam_fold(once, arena, NULL, &twice) == 0);
	MR_ASSERT(mr_span_eq(once, twice));
}

static void check_color(uint32_t color)
{
	MR_ASSERT(color <= 0xFFFFFF || color == MR_SPAM_COLOR_UNSAID ||
		  color == MR_SPAM_COLOR_UNKNOWN || color == MR_SPAM_COLOR_CURRENT ||
		  color == MR_SPAM_COLOR_CLEAR);
}

static void check_style(struct mr_span in)
{
	struct mr_spam_style style;

	mr_spam_style_init(&style);
	mr_spam_style_read(in, &style);
	check_color(style.color);
	check_color(style.background);
	check_color(mr_spam_color(in));
	for (unsigned i = 0; i < MR_SPAM_TRAITS; i++)
		MR_ASSERT(style.says[i] <= MR_SPAM_SAID_YES);
}

static void check_sheet(struct mr_span in)
{
	struct mr_spam_sheet sheet = { .count = 0 };
	MR_AUTO(mr_arena) *arena = mr_arena_new((size_t)4 << 20);
	struct mr_spam_style style;

	MR_ASSERT(arena != NULL && mr_spam_sheet_read(&sheet, in, arena) == 0);
	MR_ASSERT(sheet.count <= MR_SPAM_RULES_MAX);
	mr_spam_style_init(&style);
	mr_spam_sheet_apply(&sheet, MR_SPAN("p"), in, in, 0, &style);
	check_color(style.color);
}

static void check_word(struct mr_span in)
{
	struct mr_span word = mr_span_sub(in, 0, WORD_MAX);
	char out[WORD_MAX];
	size_t len;

	(void)mr_spam_word_random(word);
	if (mr_spam_word_letters(word, out))
		MR_ASSERT(mr_span_only(mr_span(out, word.len), MR_LOWER));
	len = mr_spam_word_apart(word, out);
	MR_ASSERT(len == 0 || len == word.len / 2 + 1);
	MR_ASSERT(mr_span_only(mr_span(out, len), MR_LOWER | MR_DIGIT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(FUZZ_ARENA_MAX);
	struct mr_span in = mr_span_bytes(data, size);

	MR_ASSERT(arena != NULL);
	check_fold(in, arena);
	check_style(in);
	check_sheet(in);
	check_word(in);
	return 0;
}
