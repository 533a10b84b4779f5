/*
 * mr_scrape: as much of HTTP/1.1 (RFC 9112) as a Prometheus server needs: GET or HEAD of /metrics,
 * one answer, close. For the control thread, which reads the bytes.
 */
#ifndef MR_SCRAPE_H
#define MR_SCRAPE_H

#include "lib/run/mr_metrics.h"

#define MR_SCRAPE_REQUEST_MAX 4096 /* bytes of request line and fields; more is 431 */

/*
 * request: what has come so far. Returns 0: more must come; 1: the answer is in out, send it and
 * close; MR_ENOMEM, MR_ELIMIT: close.
 */
MR_MUST_USE int mr_scrape(struct mr_span request, const struct mr_metrics *m, struct mr_buf *out);

#endif
