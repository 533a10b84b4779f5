#include "lib/run/mr_settings.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "lib/base/mr_arena.h"
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"

/* What the strings and lists of one file may take. */
#define OWNED_MAX (4 * MR_SETTINGS_SIZE_MAX)

/* The text of a default as it would stand in the file. */
#define MR_TEXT_int(dflt)  #dflt
#define MR_TEXT_bool(dflt) ((dflt) ? "true" : "false")
#define MR_TEXT_str(dflt)  "\"" dflt "\""
#define MR_TEXT_list(dflt) (sizeof(dflt) > 1 ? "{ \"" dflt "\" }" : "{}")

#define MR_INT_int(dflt)  (dflt)
#define MR_INT_bool(dflt) (dflt)
#define MR_INT_str(dflt)  0
#define MR_INT_list(dflt) 0

#define MR_STR_int(dflt)  NULL
#define MR_STR_bool(dflt) NULL
#define MR_STR_str(dflt)  dflt
#define MR_STR_list(dflt) dflt

#define MR_TYPE_int  MR_SETTING_INT
#define MR_TYPE_bool MR_SETTING_BOOL
#define MR_TYPE_str  MR_SETTING_STR
#define MR_TYPE_list MR_SETTING_LIST

static const struct mr_setting rows[] = {
/* clang-format off */
#define MR_SETTING(name_, type_, dflt_, min_, max_, unit_, text_, programs_)                       \
	{ .name = #name_,                                                                          \
	  .type = MR_TYPE_##type_,                                                                 \
	  .offset = offsetof(struct mr_settings, name_),                                           \
	  .default_text = MR_TEXT_##type_(dflt_),                                                  \
	  .min = min_,                                                                             \
	  .max = max_,                                                                             \
	  .default_int = MR_INT_##type_(dflt_),                                                    \
	  .default_str = MR_STR_##type_(dflt_),                                                    \
	  .unit = unit_,                                                                           \
	  .text = text_,                                                                           \
	  .programs = programs_ },
#include "conf/settings.def"
	/* clang-format on */
};

/* A default outside its own range does not compile. */
#define MR_RANGE_int(name, dflt, min, max)                                                         \
	_Static_assert((dflt) >= (min) && (dflt) <= (max), name ": default out of range");
#define MR_RANGE_bool(name, dflt, min, max)                                                        \
	_Static_assert((dflt) == true || (dflt) == false, name ": default is no bool");
#define MR_RANGE_str(name, dflt, min, max)                                                         \
	_Static_assert(sizeof(dflt) - 1 >= (min) && sizeof(dflt) - 1 <= (max),                     \
		       name ": default's length out of range");
#define MR_RANGE_list(name, dflt, min, max)                                                        \
	_Static_assert((sizeof(dflt) > 1) >= (min) && (sizeof(dflt) > 1) <= (max),                 \
		       name ": default has too many items");
#define MR_SETTING(name, type, dflt, min, max, ...) MR_RANGE_##type(#name, dflt, min, max)
#include "conf/settings.def"

/* The error of the file being read, and which names it had. libconfuse hands its callbacks no
 * pointer of ours, and its scanner has global state: one file at a time. */
static pthread_mutex_t parsing = PTHREAD_MUTEX_INITIALIZER;
static struct {
	const char *name;
	struct mr_buf *error;
	bool failed;
	bool seen[MR_COUNT(rows)];
} now;

const struct mr_setting *mr_settings_rows(size_t *count_out)
{
	*count_out = MR_COUNT(rows);
	return rows;
}

/* -- reading ------------------------------------------------------------------------------- */

/* The first error is the one that says what is wrong; libconfuse may report what follows from it. */
static MR_PRINTF(2, 0) void on_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[500];

	if (now.failed)
		return;
	now.failed = true;
	vsnprintf(text, sizeof(text), format, args); /* longer ones are cut: it is for people */
	for (char *p = text; *p; p++) {
		if (mr_is(*p, MR_CTL | MR_CRLF))
			*p = '?';
	}
	mr_buf_printf(now.error, "%s:%d: %s", now.name, cfg->line, text);
}

static const struct mr_setting *row_of(cfg_t *cfg, cfg_opt_t *opt)
{
	return &rows[opt - cfg->opts];
}

/* Decimal only: libconfuse alone would take 010 for eight. */
static int read_int(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result_out)
{
	const struct mr_setting *row = row_of(cfg, opt);
	struct mr_span digits = mr_span_str(value);
	bool minus = digits.len > 0 && digits.p[0] == '-';
	uint64_t number;
	int err = mr_span_u64(minus ? mr_span_sub(digits, 1, digits.len) : digits, INT64_MAX,
			      &number);
	int64_t n;

	if (err == MR_ESYNTAX) {
		cfg_error(cfg, "%s: '%s' is not a number", row->name, value);
		return -1;
	}
	n = err < 0 ? INT64_MAX : (int64_t)number;
	n = minus ? -n : n;
	if (n < row->min || n > row->max) {
		cfg_error(cfg, "%s: %s is not from %lld to %lld", row->name, value,
			  (long long)row->min, (long long)row->max);
		return -1;
	}
	*(long *)result_out = n;
	return 0;
}

static int check_text(cfg_t *cfg, const struct mr_setting *row, const char *value)
{
	for (const char *p = value; *p; p++) {
		/* They would break lines of the log and of the control socket. */
		if (mr_is(*p, MR_CTL | MR_CRLF)) {
			cfg_error(cfg, "%s: a control character in the value", row->name);
			return -1;
		}
	}
	return 0;
}

/* Called by libconfuse behind each value, when cfg->line is still the value's. */
static int check_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct mr_setting *row = row_of(cfg, opt);
	unsigned count = cfg_opt_size(opt);
	const char *last = NULL;
	size_t len;

	if (row->type == MR_SETTING_LIST) {
		if (count > row->max) {
			cfg_error(cfg, "%s: more than %lld items", row->name, (long long)row->max);
			return -1;
		}
		last = count > 0 ? cfg_opt_getnstr(opt, count - 1) : NULL;
		return last ? check_text(cfg, row, last) : 0;
	}
	/* The second might be the one that an operator reads, or the first: neither may win. */
	if (now.seen[row - rows]) {
		cfg_error(cfg, "%s: set a second time", row->name);
		return -1;
	}
	now.seen[row - rows] = true;
	if (row->type != MR_SETTING_STR)
		return 0;
	last = cfg_opt_getnstr(opt, 0);
	len = strlen(last);
	if ((int64_t)len < row->min || (int64_t)len > row->max) {
		cfg_error(cfg, "%s: the value has %zu characters, not %lld to %lld", row->name, len,
			  (long long)row->min, (long long)row->max);
		return -1;
	}
	return check_text(cfg, row, last);
}

/* What libconfuse is to know of a row; defaults are ours. */
static cfg_opt_t opt_of(const struct mr_setting *row)
{
	static const cfg_type_t types[] = {
		[MR_SETTING_INT] = CFGT_INT,
		[MR_SETTING_BOOL] = CFGT_BOOL,
		[MR_SETTING_STR] = CFGT_STR,
		[MR_SETTING_LIST] = CFGT_STR,
	};
	cfg_opt_t opt = { .name = row->name, .type = types[row->type] };

	opt.flags = row->type == MR_SETTING_LIST ? CFGF_LIST : CFGF_NONE;
	opt.flags |= CFGF_NODEFAULT;
	opt.parsecb = row->type == MR_SETTING_INT ? read_int : NULL;
	opt.validcb = check_value;
	return opt;
}

static cfg_t *reader_new(void)
{
	cfg_opt_t opts[MR_COUNT(rows) + 1];
	cfg_t *cfg;

	for (size_t i = 0; i < MR_COUNT(rows); i++)
		opts[i] = opt_of(&rows[i]);
	opts[MR_COUNT(rows)] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg)
		cfg_set_error_function(cfg, on_error);
	return cfg;
}

/* -- into the struct ------------------------------------------------------------------------- */

static int store_list(struct mr_arena *arena, const struct mr_setting *row, cfg_opt_t *opt,
		      struct mr_list *list_out)
{
	bool given = opt && (opt->flags & CFGF_MODIFIED);
	size_t count = given ? cfg_opt_size(opt) : row->default_str[0] != '\0';
	const char **items = mr_arena_array(arena, count + 1, sizeof(*items));

	if (!items)
		return MR_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const char *s = given ? cfg_opt_getnstr(opt, (unsigned)i) : row->default_str;

		if (!(items[i] = mr_arena_strz(arena, mr_span_str(s))))
			return MR_ENOMEM;
	}
	*list_out = (struct mr_list){ items, count };
	return 0;
}

/* opt: NULL for the default. */
static int store_value(struct mr_arena *arena, const struct mr_setting *row, cfg_opt_t *opt,
		       struct mr_settings *set)
{
	char *field = (char *)set + row->offset;
	bool given = opt && cfg_opt_size(opt) > 0;
	const char *s;

	switch (row->type) {
	case MR_SETTING_INT:
		*(mr_setting_int *)(void *)field =
			given ? cfg_opt_getnint(opt, 0) : row->default_int;
		return 0;
	case MR_SETTING_BOOL:
		*(mr_setting_bool *)(void *)field =
			given ? cfg_opt_getnbool(opt, 0) == cfg_true : row->default_int != 0;
		return 0;
	case MR_SETTING_STR:
		s = given ? cfg_opt_getnstr(opt, 0) : row->default_str;
		s = mr_arena_strz(arena, mr_span_str(s));
		*(mr_setting_str *)(void *)field = s;
		return s ? 0 : MR_ENOMEM;
	case MR_SETTING_LIST:
		return store_list(arena, row, opt, (struct mr_list *)(void *)field);
	}
	return MR_EINVAL;
}

/* cfg: NULL for all defaults. */
static int store_all(cfg_t *cfg, struct mr_settings *set_out)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(OWNED_MAX);
	struct mr_settings set = { .owned = NULL };

	if (!arena)
		return MR_ENOMEM;
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		int err = store_value(arena, &rows[i], cfg ? &cfg->opts[i] : NULL, &set);

		if (err < 0)
			return err;
	}
	set.owned = MR_TAKE(arena);
	*set_out = set;
	return 0;
}

int mr_settings_default(struct mr_settings *set_out)
{
	return store_all(NULL, set_out);
}

int mr_settings_parse(const char *text, const char *name, struct mr_settings *set_out,
		      struct mr_buf *error)
{
	cfg_t *cfg;
	int err = 0;

	pthread_mutex_lock(&parsing);
	memset(&now, 0, sizeof(now));
	now.name = name;
	now.error = error;
	cfg = reader_new();
	if (!cfg)
		err = MR_ENOMEM;
	else if (cfg_parse_buf(cfg, text) != CFG_SUCCESS || now.failed)
		err = MR_EINVAL;
	if (err == MR_EINVAL && !now.failed)
		mr_buf_printf(error, "%s:%d: syntax error", name, cfg->line);
	if (err == 0)
		err = store_all(cfg, set_out);
	if (cfg)
		cfg_free(cfg);
	pthread_mutex_unlock(&parsing);
	return err;
}

int mr_settings_load(const char *path, struct mr_settings *set_out, struct mr_buf *error)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(3 * MR_SETTINGS_SIZE_MAX);
	struct mr_span content;
	char *text;
	int err;

	if (!arena)
		return MR_ENOMEM;
	err = mr_read_file(path, MR_SETTINGS_SIZE_MAX, arena, &content);
	if (err == MR_ELIMIT || (err == 0 && mr_span_find(content, '\0') < content.len)) {
		mr_buf_printf(error, "%s:1: this is no settings file", path);
		return MR_EINVAL;
	}
	if (err < 0) {
		mr_buf_printf(error, "%s: %s", path, mr_err_text(err));
		return err;
	}
	text = mr_arena_strz(arena, content);
	return text ? mr_settings_parse(text, path, set_out, error) : MR_ENOMEM;
}

static bool same_list(const struct mr_list *a, const struct mr_list *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = strcmp(a->item[i], b->item[i]) == 0;
	return same;
}

bool mr_setting_same(const struct mr_setting *row, const struct mr_settings *a,
		     const struct mr_settings *b)
{
	const void *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;

	switch (row->type) {
	case MR_SETTING_INT:
		return *(const mr_setting_int *)x == *(const mr_setting_int *)y;
	case MR_SETTING_BOOL:
		return *(const mr_setting_bool *)x == *(const mr_setting_bool *)y;
	case MR_SETTING_STR:
		return strcmp(*(const mr_setting_str *)x, *(const mr_setting_str *)y) == 0;
	case MR_SETTING_LIST:
		return same_list(x, y);
	}
	return false;
}

void mr_settings_done(struct mr_settings *set)
{
	mr_arena_free(set->owned);
	set->owned = NULL;
}
