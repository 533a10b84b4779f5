#include "lib/run/mr_program.h"

/* MR_VERSION comes from the Makefile, which reads it from NEWS.md; this object alone has it. */
const char *mr_version(void)
{
	return MR_VERSION;
}
