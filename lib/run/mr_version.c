#include "lib/run/mr_program.h"

const char *mr_version(void)
{
	return MR_VERSION;
}
