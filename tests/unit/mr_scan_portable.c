#define MR_SCAN_PORTABLE
#include "tests/unit/mr_scan_portable.h"

#include "lib/mail/mr_scan.h"

const char *mr_portable_either(const char *p, const char *end, char a, char b)
{
	return mr_scan_either(p, end, a, b);
}

const char *mr_portable_not_ftext(const char *p, const char *end)
{
	return mr_scan_not_ftext(p, end);
}

const char *mr_portable_dashes(const char *p, const char *end)
{
	return mr_scan_dashes(p, end);
}
