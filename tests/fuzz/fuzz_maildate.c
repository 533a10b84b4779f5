/* mr_maildate: the input is a field's value. A date that is read is written and read as the same. */
#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_maildate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t time_s = 1, again_s;
	int zone_min = 1, zero;
	char text[MR_DATE_SIZE];
	int err = mr_maildate_parse(mr_span_bytes(data, size), &time_s, &zone_min);

	if (err < 0) {
		MR_ASSERT(err == MR_ESYNTAX && time_s == 1 && zone_min == 1); /* untouched */
		return 0;
	}
	MR_ASSERT(zone_min >= -5999 && zone_min <= 5999);
	/* The zone may carry it over the years that a date may have. */
	if (time_s < -2208988800 || time_s > 253402300799)
		return 0;
	mr_date_rfc5322(time_s, text);
	MR_ASSERT(mr_maildate_parse(mr_span_str(text), &again_s, &zero) == 0);
	MR_ASSERT(again_s == time_s && zero == 0);
	return 0;
}
