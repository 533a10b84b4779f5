/* mr_scan as a machine without SSE2 has it, under names of its own, for test_scan. */
#ifndef MR_SCAN_PORTABLE_H
#define MR_SCAN_PORTABLE_H

const char *mr_portable_either(const char *p, const char *end, char a, char b);
const char *mr_portable_not_ftext(const char *p, const char *end);
const char *mr_portable_dashes(const char *p, const char *end);

#endif
