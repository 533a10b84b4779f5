/* Whom a vacation has answered: once, until the time has come. */
#include "lib/store/mr_store_vacation.h"

#include "lib/base/mr_err.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define ANN MR_SPAN("ann@example.org")
#define BOB MR_SPAN("bob@example.org")
#define S   MR_SPAN("s@far.example")

MR_TEST(vacation_once)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);

	MR_NEED(t, st);
	MR_CHECK_INT(t, 1, mr_store_vacation_take(st, ANN, S, 1000, 2000));
	MR_CHECK_INT(t, 0, mr_store_vacation_take(st, ANN, S, 1000, 2000));
	MR_CHECK_INT(t, 0, mr_store_vacation_take(st, ANN, S, 1999, 3000));
	MR_CHECK_INT(t, 1, mr_store_vacation_take(st, ANN, S, 2000, 3000)); /* it has come */
	MR_CHECK_INT(t, 0, mr_store_vacation_take(st, ANN, S, 2001, 3000));
	/* Others are others. */
	MR_CHECK_INT(t, 1, mr_store_vacation_take(st, BOB, S, 1000, 2000));
	MR_CHECK_INT(t, 1, mr_store_vacation_take(st, ANN, MR_SPAN("x@far.example"), 1000, 2000));
}

MR_TEST(vacation_untake)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);

	MR_NEED(t, st);
	MR_CHECK_INT(t, 1, mr_store_vacation_take(st, ANN, S, 1000, 2000));
	MR_CHECK_INT(t, 0, mr_store_vacation_untake(st, ANN, S));
	MR_CHECK_INT(t, 1, mr_store_vacation_take(st, ANN, S, 1000, 2000));
	MR_CHECK_INT(t, 0, mr_store_vacation_untake(st, ANN, MR_SPAN("nobody@far.example")));
}

MR_TEST(vacation_expire)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);

	MR_NEED(t, st);
	MR_CHECK_INT(t, 1, mr_store_vacation_take(st, ANN, S, 1000, 2000));
	MR_CHECK_INT(t, 1, mr_store_vacation_take(st, BOB, S, 1000, 1500));
	MR_CHECK_INT(t, 1, mr_store_vacation_take(st, BOB, MR_SPAN("x@y"), 1000, 1501));
	MR_CHECK_INT(t, 0, mr_store_vacation_expire(st, 1499, 10));
	MR_CHECK_INT(t, 1, mr_store_vacation_expire(st, 1600, 1));
	MR_CHECK_INT(t, 1, mr_store_vacation_expire(st, 1600, 10));
	MR_CHECK_INT(t, 0, mr_store_vacation_take(st, ANN, S, 1600, 3000));
}

MR_TEST(vacation_no_names)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);

	MR_NEED(t, st);
	MR_CHECK_INT(t, MR_EINVAL, mr_store_vacation_take(st, MR_SPAN(""), S, 1, 2));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_vacation_take(st, ANN, MR_SPAN("a\0b"), 1, 2));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_vacation_take(st, ANN, MR_SPAN("\xff@y"), 1, 2));
}
