#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "lib/base/mr_err.h"
#include "lib/run/mr_spool.h"
#include "tests/unit/mr_test.h"

static int files_in(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count - 2; /* . and .. */
}

/* The same bytes, whatever of them is in memory and however they come. */
MR_TEST(spool_memory_and_file)
{
	static const size_t memory_max[] = { 1, 4, 5, 9, 10, 11, 100 };
	const char *dir = mr_test_dir(t);

	for (size_t i = 0; i < MR_COUNT(memory_max); i++) {
		struct mr_spool s;
		struct mr_span got = MR_SPAN("untouched");

		t->row = (long)i;
		mr_spool_init(&s, memory_max[i], dir);
		mr_spool_add(&s, MR_SPAN("0123"));
		mr_spool_add(&s, MR_SPAN(""));
		mr_spool_add(&s, MR_SPAN("4"));
		mr_spool_add(&s, MR_SPAN("56789"));
		MR_CHECK_INT(t, 10, mr_spool_size(&s));
		MR_CHECK_INT(t, 0, mr_spool_finish(&s, &got));
		MR_CHECK_SPAN(t, "0123456789", got);
		MR_CHECK_INT(t, 0, files_in(dir)); /* a crash leaves nothing */
		mr_spool_done(&s);
	}
}

MR_TEST(spool_empty)
{
	struct mr_spool s;
	struct mr_span got = MR_SPAN("x");

	mr_spool_init(&s, 10, "/nonexistent");
	MR_CHECK_INT(t, 0, mr_spool_finish(&s, &got));
	MR_CHECK_INT(t, 0, got.len);
	mr_spool_done(&s);
}

/* After a hole there is no message: the first error stays. */
MR_TEST(spool_errors_stay)
{
	struct mr_spool s;
	struct mr_span got = MR_SPAN("untouched");

	mr_spool_init(&s, 4, "/nonexistent");
	MR_CHECK_INT(t, 0, mr_spool_add(&s, MR_SPAN("1234")));
	MR_CHECK_INT(t, MR_ENOENT, mr_spool_add(&s, MR_SPAN("5")));
	MR_CHECK_INT(t, MR_ENOENT, mr_spool_add(&s, MR_SPAN("")));
	MR_CHECK_INT(t, MR_ENOENT, mr_spool_finish(&s, &got));
	MR_CHECK_SPAN(t, "untouched", got);
	MR_CHECK_INT(t, 4, mr_spool_size(&s));
	MR_CHECK_SPAN(t, "1234", mr_spool_kept(&s));
	mr_spool_done(&s);
}

/* A disk that is full in the middle of a piece: what is kept ends before that piece. */
MR_TEST(spool_kept_of_a_full_disk)
{
	struct rlimit old, limit;
	struct mr_spool s;

	MR_NEED(t, getrlimit(RLIMIT_FSIZE, &old) == 0);
	limit = (struct rlimit){ .rlim_cur = 6, .rlim_max = old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	mr_spool_init(&s, 4, mr_test_dir(t));
	mr_spool_add(&s, MR_SPAN("0123"));
	MR_CHECK_INT(t, 0, mr_spool_add(&s, MR_SPAN("4")));
	MR_NEED(t, setrlimit(RLIMIT_FSIZE, &limit) == 0);
	MR_CHECK(t, mr_spool_add(&s, MR_SPAN("5678")) < 0);
	MR_CHECK(t, setrlimit(RLIMIT_FSIZE, &old) == 0);
	MR_CHECK_SPAN(t, "01234", mr_spool_kept(&s));
	MR_CHECK_SPAN(t, "01234", mr_spool_kept(&s));
	mr_spool_done(&s);
}

MR_TEST(spool_fields)
{
	static const struct {
		const char *blank, *value, *want;
	} rows[] = {
		{ "", " a", "X: a\r\n" },
		{ "", "a", "X:a\r\n" }, /* no blank: a signature may cover that */
		{ " ", "a", "X: a\r\n" },
		{ "", "", "X:\r\n" },
		{ "", " a\n\tb\n c", "X: a\r\n\tb\r\n c\r\n" },
		{ "", " a\r\n b", "X: a\r\n b\r\n" },
		{ "", " a\r b", "X: a\r b\r\n" },
		{ "", " \xe4", "X: \xe4\r\n" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *value =
			mr_test_block(t, mr_span(rows[i].value, strlen(rows[i].value) + 1));
		struct mr_spool s;
		struct mr_span got = { NULL, 0 };

		MR_NEED(t, value);
		t->row = (long)i;
		mr_spool_init(&s, 100, "/nonexistent");
		mr_spool_field(&s, "X", rows[i].blank, value->bytes);
		MR_CHECK_INT(t, 0, mr_spool_finish(&s, &got));
		MR_CHECK_SPAN(t, rows[i].want, got);
		mr_spool_done(&s);
	}
}
