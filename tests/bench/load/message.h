/* message: the messages that load programs send. Each is unique: a constant one would flatter caches. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "lib/base/mr_buf.h"

/* Append the header of message i, with its empty line. */
void load_header(struct mr_buf *out, const char *recipient, long i, const char *eol);
/* Append numbered words of message i, in lines, until out has size octets. None begins with a dot. */
void load_fill(struct mr_buf *out, long i, long size, const char *eol);

/* Monotonic, for latencies. */
int64_t load_now_us(void);
/* Sorts latency_us and prints "p50_ms":...,"p99_ms":...; count > 0. */
void load_print_latencies(int64_t *latency_us, long count);

#endif
