/*
 * mr_psl: where the domain that somebody registered begins, by the Public Suffix List
 * (publicsuffix.org; libpsl). Loaded once, at start-up; read by any number of threads.
 */
#ifndef MR_PSL_H
#define MR_PSL_H

#include "lib/base/mr_span.h"

#define MR_DOMAIN_MAX 253 /* RFC 1035 2.3.4, as text without a dot at the end */

struct mr_psl;

/* From a file of the list's text or DAFSA form; path NULL: the system's file or the one compiled
 * into libpsl, whichever is newer. NULL: there is none, or out of memory. */
MR_MUST_USE struct mr_psl *mr_psl_new(const char *path);
/* NULL is allowed. */
void mr_psl_free(struct mr_psl *psl);
MR_AUTO_DECLARE(mr_psl, mr_psl_free)

/* The list knows the label as a top-level domain: "com", not "html". Any case. */
bool mr_psl_tld(const struct mr_psl *psl, struct mr_span label);

/*
 * The registrable domain of host ("b.co.uk" of "a.b.co.uk"), a part of it. The list's private
 * section counts ("x.blogspot.com" is one). Empty where there is none: host is itself a public
 * suffix, or longer than MR_DOMAIN_MAX. A top-level domain that the list does not know is a suffix.
 * host: lower case, UTF-8 or xn--, no dot at the end, no address.
 */
struct mr_span mr_psl_registrable(const struct mr_psl *psl, struct mr_span host);

#endif
