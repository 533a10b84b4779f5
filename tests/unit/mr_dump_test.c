#include "tests/unit/mr_dump_test.h"

#include "lib/base/mr_err.h"

int mr_dump_test_line(void *arg, struct mr_span line)
{
	return mr_buf_add(arg, line);
}

int mr_dump_test(struct mr_store *store, struct mr_buf *out, size_t *rows_out)
{
	enum mr_store_group group;
	size_t all = 0;
	int err = mr_buf_add(out, mr_store_dump_head);

	mr_buf_adds(out, "\n");
	for (size_t i = 0; err == 0 && mr_store_group_name(i, &group); i++) {
		size_t rows = 0;

		err = mr_store_dump(store, group, mr_dump_test_line, NULL, out, &rows);
		all += rows;
	}
	if (err == 0 && rows_out)
		*rows_out = all;
	return err;
}

static int from_span(void *arg, struct mr_span *line_out)
{
	struct mr_span *rest = arg;

	if (rest->len == 0)
		return MR_ENOENT;
	(void)mr_span_split(*rest, '\n', line_out, rest);
	return 0;
}

int mr_load_test(struct mr_store *store, struct mr_span text, size_t *line_out)
{
	struct mr_store_load in = { .read = from_span, .arg = &text };
	int err = mr_store_load(store, &in);

	*line_out = in.line;
	return err;
}
