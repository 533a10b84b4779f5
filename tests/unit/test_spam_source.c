/* Messages in files: what is read while others write. */
#include <unistd.h>

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "milters/spam/source.h"
#include "tests/unit/mr_test.h"

#define LONG_SIZE 100000 /* some pages */

struct seen {
	const char *path;
	long count;
	size_t bytes;
	unsigned sum;
};

/* Makes the file shorter while its messages are in hand. */
static int shrink_and_read(void *arg, const struct mr_spam_item *item)
{
	struct seen *seen = arg;

	if (item->err < 0)
		return item->err;
	if (seen->count == 0 && truncate(seen->path, 10) < 0)
		return MR_ETEMP;
	for (size_t i = 0; i < item->raw.len; i++)
		seen->sum += (unsigned char)item->raw.p[i];
	seen->count++;
	seen->bytes += item->raw.len;
	return 0;
}

static void shrink(struct mr_t *t, const char *begin, long count)
{
	MR_AUTO(mr_spam_source) *source = mr_spam_source_new();
	struct seen seen = { .count = 0 };
	MR_AUTO_BUF text = MR_BUF(2 * LONG_SIZE);
	char path[MR_PATH_MAX];

	MR_NEED(t, source && mr_path_join(mr_test_dir(t), "shrinking", path) == 0);
	(void)mr_buf_adds(&text, begin);
	while (mr_buf_err(&text) == 0 && text.len < LONG_SIZE)
		(void)mr_buf_adds(&text, "word\n");
	MR_NEED(t, mr_buf_err(&text) == 0);
	if (count > 1)
		(void)mr_buf_adds(&text, "\nFrom b@y Thu Jan  1 00:00:00 1970\nA: b\n\nx\n");
	MR_NEED(t, mr_replace_file(path, mr_buf_span(&text), 0600) == 0);
	seen.path = path;
	if (mr_spam_source_add(source, path, 0) < 0 ||
	    mr_spam_source_each(source, shrink_and_read, &seen) < 0) {
		MR_CHECK(t, t->oom);
		return;
	}
	MR_CHECK_INT(t, count, seen.count);
	MR_CHECK(t, seen.bytes >= LONG_SIZE - strlen(begin));
}

/* A mail program rewrites an mbox while we read it: no signal, and what was read first counts. */
MR_TEST(spam_source_shrinks)
{
	shrink(t, "Subject: x\n\n", 1);
	shrink(t, "From a@x Thu Jan  1 00:00:00 1970\nSubject: x\n\n", 2);
}

static int count_bytes(void *arg, const struct mr_spam_item *item)
{
	struct seen *seen = arg;

	seen->count++;
	seen->bytes += item->raw.len;
	return item->err;
}

/* Files of all sizes through one room: none holds what was in the one before. */
MR_TEST(spam_source_sizes)
{
	static const size_t sizes[] = { 200000, 0, 1, 65535, 65536, 65537, 3 };
	char path[MR_PATH_MAX];

	MR_NEED(t, mr_path_join(mr_test_dir(t), "sized", path) == 0);
	for (size_t i = 0; i < MR_COUNT(sizes); i++) {
		MR_AUTO(mr_spam_source) *source = mr_spam_source_new();
		struct seen seen = { .count = 0 };
		MR_AUTO_BUF text = MR_BUF(300000);

		t->row = (long)i;
		while (mr_buf_err(&text) == 0 && text.len < sizes[i])
			(void)mr_buf_addc(&text, 'x');
		MR_NEED(t, source && mr_buf_err(&text) == 0 &&
				   mr_replace_file(path, mr_buf_span(&text), 0600) == 0);
		if (mr_spam_source_add(source, path, 0) < 0 ||
		    mr_spam_source_each(source, count_bytes, &seen) < 0) {
			MR_CHECK(t, t->oom);
			continue;
		}
		MR_CHECK_INT(t, 1, seen.count);
		MR_CHECK_INT(t, sizes[i], seen.bytes);
	}
}
