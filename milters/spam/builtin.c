#include "milters/spam/builtin.h"

/* The assembler puts the file between two symbols; paths start where make runs, at the top. */
__asm__(".section .rodata\n"
	".balign 16\n"
	".globl mr_spam_builtin_begin\n"
	"mr_spam_builtin_begin:\n"
	".incbin \"milters/spam/model/builtin.model.zst\"\n"
	".globl mr_spam_builtin_end\n"
	"mr_spam_builtin_end:\n"
	".byte 0\n"
	".previous\n");

extern const char mr_spam_builtin_begin[], mr_spam_builtin_end[];

struct mr_span mr_spam_builtin(void)
{
	return mr_span(mr_spam_builtin_begin,
		       (size_t)(mr_spam_builtin_end - mr_spam_builtin_begin));
}
