#include "lib/net/mr_json.h"

#include <inttypes.h>
#include <math.h>

#include "lib/base/mr_utf8.h"

void mr_json_init(struct mr_json *j, struct mr_buf *out)
{
	*j = (struct mr_json){ .out = out };
}

/* RFC 8259 7: what must be escaped; U+2028 and U+2029 too, which JavaScript once took for line
 * ends. */
static void put_string(struct mr_buf *out, struct mr_span s)
{
	struct mr_cur c = mr_cur(s);
	int32_t code;

	(void)mr_buf_addc(out, '"');
	while ((code = mr_utf8_next(&c, NULL)) >= 0) {
		char text[MR_UTF8_MAX];

		if (code == '"' || code == '\\')
			(void)mr_buf_printf(out, "\\%c", (char)code);
		else if (code < ' ' || code == 127 || code == 0x2028 || code == 0x2029)
			(void)mr_buf_printf(out, "\\u%04x", (unsigned)code);
		else
			(void)mr_buf_add(out, mr_span(text, mr_utf8_put((uint32_t)code, text)));
	}
	(void)mr_buf_addc(out, '"');
}

static void begin(struct mr_json *j, const char *key)
{
	bool in_object = j->depth > 0 && j->closer[j->depth - 1] == '}';

	MR_ASSERT(in_object == (key != NULL));
	if (j->comma)
		(void)mr_buf_addc(j->out, ',');
	if (key) {
		put_string(j->out, mr_span_str(key));
		(void)mr_buf_addc(j->out, ':');
	}
	j->comma = true;
}

void mr_json_open(struct mr_json *j, const char *key, char kind)
{
	MR_ASSERT(j->depth < MR_JSON_DEPTH_MAX);
	begin(j, key);
	(void)mr_buf_addc(j->out, kind);
	j->closer[j->depth++] = kind == '{' ? '}' : ']';
	j->comma = false;
}

void mr_json_close(struct mr_json *j)
{
	MR_ASSERT(j->depth > 0);
	(void)mr_buf_addc(j->out, j->closer[--j->depth]);
	j->comma = true;
}

void mr_json_str(struct mr_json *j, const char *key, struct mr_span value)
{
	begin(j, key);
	put_string(j->out, value);
}

void mr_json_int(struct mr_json *j, const char *key, int64_t value)
{
	begin(j, key);
	(void)mr_buf_printf(j->out, "%" PRId64, value);
}

void mr_json_real(struct mr_json *j, const char *key, double value)
{
	begin(j, key);
	if (isfinite(value))
		(void)mr_buf_printf(j->out, "%.3f", value);
	else
		(void)mr_buf_adds(j->out, "null");
}

void mr_json_raw(struct mr_json *j, const char *key, struct mr_span text)
{
	begin(j, key);
	(void)mr_buf_add(j->out, text);
}

void mr_json_bool(struct mr_json *j, const char *key, bool value)
{
	begin(j, key);
	(void)mr_buf_adds(j->out, value ? "true" : "false");
}
