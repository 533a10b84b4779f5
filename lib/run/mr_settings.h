/*
 * mr_settings: one configuration file for all programs, by default /etc/millrace/millrace.conf,
 * read with libconfuse. What exists is declared in conf/settings.def, once. A loaded struct does
 * not change: a reload makes another.
 *
 *	lmtp_timeout_ms = 600000
 *	mail_dir = "/srv/mail"			# quoted, or bare if it has no blank or quote
 *	lmtp_listen = { "unix:/run/x", "inet:127.0.0.1:24" }
 *
 * libconfuse replaces ${NAME} in double quotes by the environment's NAME. Any thread.
 */
#ifndef MR_SETTINGS_H
#define MR_SETTINGS_H

#include "lib/base/mr_buf.h"
#include "lib/base/mr_def.h"

/* Where the file is when -c does not say. */
#define MR_SETTINGS_FILE     "/etc/millrace/millrace.conf"
#define MR_SETTINGS_SIZE_MAX 1048576 /* bytes of the file; a larger one is MR_EINVAL */

struct mr_list {
	const char *const *item;
	size_t count;
};

typedef int64_t mr_setting_int;
typedef bool mr_setting_bool;
typedef const char *mr_setting_str;
typedef struct mr_list mr_setting_list;

struct mr_settings {
#define MR_SETTING(name, type, ...) mr_setting_##type name;
#include "conf/settings.def"
	void *owned; /* private: what the strings live in */
};

/* All defaults, for tests and for a program started without a file. MR_ENOMEM. */
MR_MUST_USE int mr_settings_default(struct mr_settings *set_out);

/*
 * Read the file at path. Returns 0, or MR_EINVAL: an unknown name, a value of the wrong type or out
 * of its range, a syntax error, the first of which error says as "FILE:LINE: text"; MR_ENOENT,
 * MR_EPERM, MR_ETEMP: the file cannot be read (error says so too); MR_ENOMEM.
 */
MR_MUST_USE int mr_settings_load(const char *path, struct mr_settings *set_out,
				 struct mr_buf *error);
/* The same from text that ends in NUL; name stands for FILE in errors. MR_EINVAL, MR_ENOMEM. */
MR_MUST_USE int mr_settings_parse(const char *text, const char *name, struct mr_settings *set_out,
				  struct mr_buf *error);
/* Also allowed on a zeroed struct, and twice. */
void mr_settings_done(struct mr_settings *set);

/* A declaration as a row: for the manual page, the sample file and `millrace check`. */
enum mr_setting_type { MR_SETTING_INT, MR_SETTING_BOOL, MR_SETTING_STR, MR_SETTING_LIST };
struct mr_setting {
	const char *name;
	enum mr_setting_type type;
	size_t offset;
	const char *default_text; /* as it would stand in the file */
	int64_t min, max;
	int64_t default_int; /* of int and bool */
	const char *default_str; /* of str; of list: its one item, "" for none */
	const char *unit, *text, *programs;
};
/* Whether both have the same value of row. */
bool mr_setting_same(const struct mr_setting *row, const struct mr_settings *a,
		     const struct mr_settings *b);
/* All of them, in the order of settings.def. */
const struct mr_setting *mr_settings_rows(size_t *count_out);

#endif
