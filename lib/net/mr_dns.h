/*
 * mr_dns: questions to the domain name system: many at once, one deadline for all, and an answer that
 * tells "there is no such name" from "nobody said". A struct mr_dns is a process's one resolver, with its
 * cache and DNSSEC; any thread may use it. A struct mr_dns_set holds the questions of one message, and is
 * one thread's at a time.
 *
 *	set = mr_dns_set_new(dns);
 *	mr_dns_ask(set, "example.org", MR_DNS_TXT, &spf);	begun, not waited for
 *	mr_dns_ask(set, "_dmarc.example.org", MR_DNS_TXT, &dmarc);
 *	mr_dns_wait(set, 5000);
 *	answer = mr_dns_answer(set, spf);
 *	mr_dns_set_free(set);					what is not answered is cancelled
 *
 * A resolver may take half a minute to find out that a server is silent. So nothing here waits longer than
 * it is told to, and who must have an answer now takes MR_DNS_TIMEOUT for one.
 */
#ifndef MR_DNS_H
#define MR_DNS_H

#include "lib/base/mr_span.h"

#define MR_DNS_NAME_MAX     253 /* octets of a name as text, without a last dot (RFC 1035 2.3.4) */
#define MR_DNS_LABEL_MAX    63
#define MR_DNS_ASKED_MAX    256 /* questions of one set */
#define MR_DNS_AT_ONCE_MAX  4096 /* questions of one process; one more is MR_DNS_BUSY */
#define MR_DNS_RECORDS_MAX  512 /* of one answer; what goes beyond is left out */
#define MR_DNS_RECORD_BYTES 65535

/* IANA's registry of resource record types. */
enum mr_dns_type {
	MR_DNS_A = 1,
	MR_DNS_NS = 2,
	MR_DNS_CNAME = 5,
	MR_DNS_SOA = 6,
	MR_DNS_PTR = 12,
	MR_DNS_MX = 15,
	MR_DNS_TXT = 16,
	MR_DNS_AAAA = 28,
};

enum mr_dns_status {
	MR_DNS_OK, /* there are records */
	MR_DNS_NODATA, /* the name is there, without such records */
	MR_DNS_NXDOMAIN, /* the name is not there */
	MR_DNS_INVALID, /* no name that can be asked for; so it is not there either */
	/* Nobody knows: what depends on it is a temporary error. */
	MR_DNS_SERVFAIL, /* no server answered usefully */
	MR_DNS_BOGUS, /* the answer does not verify (DNSSEC) */
	MR_DNS_TIMEOUT, /* not yet */
	MR_DNS_BUSY, /* out of memory, or of MR_DNS_AT_ONCE_MAX */
};
/* Whether asking again may give another answer. */
static inline bool mr_dns_is_temporary(enum mr_dns_status status)
{
	return status >= MR_DNS_SERVFAIL;
}
/* "NXDOMAIN", for people. */
const char *mr_dns_status_name(enum mr_dns_status status);

struct mr_dns_answer {
	enum mr_dns_status status;
	bool secure; /* signed, and verified */
	const struct mr_span
		*record; /* RDATA, on the wire's form; names in it are not compressed */
	size_t count;
};

struct mr_dns;
struct mr_dns_set;

struct mr_dns_config {
	/* "192.0.2.1", "192.0.2.1@5353": asked instead of the servers of the names; none: resolv_conf. */
	const char *const *forward;
	size_t forward_count;
	const char *resolv_conf; /* a file, read at the start; NULL: neither: the root servers */
	const char *trust_anchor; /* a file of DS or DNSKEY records; NULL: nothing is verified */
	bool local; /* names that belong to no public zone, and addresses of loopback, are asked for, too */
};
/* MR_EINVAL: a value of config, logged; MR_ENOMEM. Makes threads: before a sandbox that forbids it. */
MR_MUST_USE int mr_dns_open(const struct mr_dns_config *config, struct mr_dns **dns_out);
/* No set of it is left. */
void mr_dns_close(struct mr_dns *dns);
MR_AUTO_DECLARE(mr_dns, mr_dns_close)

/* NULL: out of memory. */
MR_MUST_USE struct mr_dns_set *mr_dns_set_new(struct mr_dns *dns);
/* NULL is allowed. */
void mr_dns_set_free(struct mr_dns_set *set);
MR_AUTO_DECLARE(mr_dns_set, mr_dns_set_free)

/*
 * Ask for the records of name (text: labels with dots between them, one at the end is allowed; octets are taken
 * as they are, a backslash or a control character is MR_DNS_INVALID). Does not wait. *at_out names the
 * question for the calls below; one that the set has already asked is the same one. MR_ELIMIT:
 * MR_DNS_ASKED_MAX; MR_ENOMEM.
 */
MR_MUST_USE int mr_dns_ask(struct mr_dns_set *set, struct mr_span name, enum mr_dns_type type,
			   size_t *at_out);
/* Wait until all are answered, timeout_ms at most. Returns how many are not. */
size_t mr_dns_wait(struct mr_dns_set *set, int64_t timeout_ms);
/* The same for one of them: true: it is answered. */
bool mr_dns_wait_for(struct mr_dns_set *set, size_t at, int64_t timeout_ms);
/* Valid until the set is freed, unless its status is MR_DNS_TIMEOUT: then it may change by the next wait. */
const struct mr_dns_answer *mr_dns_answer(const struct mr_dns_set *set, size_t at);

#endif
