#include "lib/net/mr_json.h"

#include <math.h>

#include "lib/base/mr_err.h"
#include "tests/unit/mr_test.h"

/* RFC 8259 2 to 7. */
MR_TEST(json_writes)
{
	MR_AUTO_BUF b = MR_BUF(1000);
	struct mr_json j;

	mr_json_init(&j, &b);
	mr_json_open(&j, NULL, '{');
	mr_json_str(&j, "a\"b", MR_SPAN("q\"\\\n\x7f\xC3\xA4\xE2\x80\xA8\xFF"));
	mr_json_open(&j, "list", '[');
	mr_json_int(&j, NULL, INT64_MIN);
	mr_json_real(&j, NULL, 5.0);
	mr_json_real(&j, NULL, NAN);
	mr_json_open(&j, NULL, '{');
	mr_json_close(&j);
	mr_json_close(&j);
	mr_json_bool(&j, "yes", true);
	mr_json_close(&j);
	MR_CHECK_SPAN(t,
		      "{\"a\\\"b\":\"q\\\"\\\\\\u000a\\u007f\xC3\xA4\\u2028\xEF\xBF\xBD\","
		      "\"list\":[-9223372036854775808,5.000,null,{}],\"yes\":true}",
		      mr_buf_span(&b));
	MR_CHECK_INT(t, 0, mr_buf_err(&b));
}

MR_TEST(json_full_buffer)
{
	MR_AUTO_BUF b = MR_BUF(5);
	struct mr_json j;

	mr_json_init(&j, &b);
	mr_json_open(&j, NULL, '[');
	mr_json_str(&j, NULL, MR_SPAN("too long"));
	mr_json_close(&j);
	MR_CHECK(t, mr_buf_err(&b) == MR_ELIMIT || t->oom);
}
