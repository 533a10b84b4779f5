/* A settings file: it loads and every value keeps its declared range, or an error says where. */
#include <stdio.h>
#include <sys/mman.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/run/mr_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct mr_setting *row, const struct mr_settings *set)
{
	const void *field = (const char *)set + row->offset;
	const struct mr_list *list = field;
	int64_t len;

	switch (row->type) {
	case MR_SETTING_INT:
		MR_ASSERT(*(const mr_setting_int *)field >= row->min);
		MR_ASSERT(*(const mr_setting_int *)field <= row->max);
		break;
	case MR_SETTING_STR:
		len = (int64_t)strlen(*(const mr_setting_str *)field);
		MR_ASSERT(len >= row->min && len <= row->max);
		break;
	case MR_SETTING_LIST:
		MR_ASSERT((int64_t)list->count <= row->max);
		for (size_t i = 0; i < list->count; i++)
			MR_ASSERT(list->item[i] != NULL);
		break;
	case MR_SETTING_BOOL:
		break;
	}
}

/* From a file it is the same, but for the name. */
static void check_file(struct mr_span in, int want, const struct mr_settings *same)
{
	size_t count;
	const struct mr_setting *rows = mr_settings_rows(&count);
	MR_AUTO_FD fd = memfd_create("settings", MFD_CLOEXEC);
	MR_AUTO_BUF error = MR_BUF(4096);
	struct mr_settings set = { .owned = NULL };
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* 64 bytes hold it */
	MR_ASSERT(fd >= 0 && mr_write_all(fd, in) == 0);
	MR_ASSERT(mr_settings_load(path, &set, &error) == want);
	MR_ASSERT(want == 0 || mr_span_has_prefix(mr_buf_span(&error), mr_span_str(path)));
	for (size_t i = 0; want == 0 && i < count; i++)
		MR_ASSERT(mr_setting_same(&rows[i], &set, same));
	mr_settings_done(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_settings set = { .owned = NULL };
	char *text = mr_malloc(size + 1);
	size_t count;
	const struct mr_setting *rows = mr_settings_rows(&count);
	MR_AUTO_BUF error = MR_BUF(4096);
	int err;

	MR_ASSERT(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	err = mr_settings_parse(text, "x.conf", &set, &error);
	MR_ASSERT(err == 0 || err == MR_EINVAL);
	if (err < 0) {
		MR_ASSERT(mr_span_has_prefix(mr_buf_span(&error), MR_SPAN("x.conf:")));
		MR_ASSERT(mr_span_find(mr_buf_span(&error), '\n') == error.len);
		MR_ASSERT(set.owned == NULL);
	}
	for (size_t i = 0; err == 0 && i < count; i++)
		check_row(&rows[i], &set);
	/* A file with NUL in it is none, nor is one of a megabyte. */
	if (memchr(text, '\0', size + 1) == text + size && size <= MR_SETTINGS_SIZE_MAX)
		check_file(mr_span_bytes(data, size), err, &set);
	mr_settings_done(&set);
	mr_free(text);
	return 0;
}
