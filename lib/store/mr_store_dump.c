#include "lib/store/mr_store_dump.h"

#include <inttypes.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/store/mr_db.h"

#define SHOW_EVERY 256 /* rows */
#define TEXT_MAX   512 /* bytes of a problem */

const struct mr_span mr_store_dump_head = MR_SPAN("millrace-store\t1");

/* Every table but schema_version, which the line "group" stands for. A table follows those that it
 * refers to. tests/unit/test_store_dump.c finds what a migration has that this does not. */
#define TABLE(group_, name_, columns_, values_, key_)                                              \
	{                                                                                          \
		group_, name_, columns_, "SELECT count(*) FROM " name_,                            \
			"SELECT " columns_ " FROM " name_ " ORDER BY " key_,                       \
			"INSERT INTO " name_ " (" columns_ ") VALUES (" values_ ")"                \
	}
static const struct table {
	enum mr_store_group group;
	const char *name, *columns, *count, *select, *insert;
} tables[] = {
	TABLE(MR_GROUP_DIRECTORY, "domain", "name", "$1", "name"),
	TABLE(MR_GROUP_DIRECTORY, "mail_user", "id, domain, local, disabled, created_s",
	      "$1, $2, $3, $4, $5", "domain, local"),
	TABLE(MR_GROUP_DIRECTORY, "setting", "domain, local, name, value", "$1, $2, $3, $4",
	      "domain, local, name"),
	TABLE(MR_GROUP_DIRECTORY, "alias", "domain, local, disabled, created_s", "$1, $2, $3, $4",
	      "domain, local"),
	TABLE(MR_GROUP_DIRECTORY, "alias_target", "domain, local, target, to_domain, to_local",
	      "$1, $2, $3, $4, $5", "domain, local, to_domain, to_local"),
	TABLE(MR_GROUP_SPAM, "lesson", "digest, teacher, is_spam, taught_s, expires_s, features",
	      "$1, $2, $3, $4, $5, $6", "digest, teacher"),
	TABLE(MR_GROUP_SPAM, "correction", "owner, made_s, changes", "$1, $2, $3", "owner"),
	TABLE(MR_GROUP_SENDERS, "sender", "domain, local, entry, action, made_s, note",
	      "$1, $2, $3, $4, $5, $6", "domain, local, entry"),
	TABLE(MR_GROUP_QUOTA, "mailbox_usage",
	      "domain, local, octets, messages, version, settled, file",
	      "$1, $2, $3, $4, $5, $6, $7", "domain, local"),
	TABLE(MR_GROUP_QUOTA, "over_quota", "domain, local, since_s, warned", "$1, $2, $3, $4",
	      "domain, local"),
	TABLE(MR_GROUP_LIMITS, "sent", "owner, span, slot_s, ends_s, messages, recipients",
	      "$1, $2, $3, $4, $5, $6", "owner, span, slot_s"),
	TABLE(MR_GROUP_LIMITS, "notice", "owner, told_s", "$1, $2", "owner"),
	TABLE(MR_GROUP_LIMITS, "answered", "owner, sender, ends_s", "$1, $2, $3", "owner, sender"),
};

/* Statements whose rows say what is wrong with a group; what a foreign key or a type holds already is
 * not among them. */
static const struct {
	enum mr_store_group group;
	const char *sql;
} promises[] = {
	{ MR_GROUP_DIRECTORY, "SELECT 'user ' || local || '@' || domain || ': no such domain'"
			      " FROM mail_user WHERE domain NOT IN (SELECT name FROM domain)" },
	{ MR_GROUP_DIRECTORY, "SELECT 'alias ' || local || '@' || domain || ': has no target'"
			      " FROM alias WHERE NOT EXISTS (SELECT 1 FROM alias_target t"
			      " WHERE t.domain = alias.domain AND t.local = alias.local)" },
	{ MR_GROUP_SPAM,
	  "SELECT 'a lesson of \"' || teacher || '\" has a digest of ' || LENGTH(digest)"
	  " || ' octets' FROM lesson WHERE LENGTH(digest) <> 32" },
	{ MR_GROUP_SENDERS, "SELECT 'sender ' || entry || ' of ' || local || '@' || domain ||"
			    " ': no such action' FROM sender WHERE action NOT IN (1, 2, 3, 4)" },
};

/* -- out -------------------------------------------------------------------------------------- */

struct dump {
	enum mr_store_group group;
	int (*write)(void *arg, struct mr_span line);
	mr_store_progress_fn *progress;
	void (*problem)(void *arg, const char *text);
	void *arg;
	struct mr_buf line;
	size_t done, all, problems;
};

static void add_text(struct mr_buf *out, struct mr_span text)
{
	static const char octets[] = "\\\t\n\r", letters[] = "\\tnr";
	size_t from = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *at = text.p[i] ? strchr(octets, text.p[i]) : NULL;

		if (!at)
			continue;
		mr_buf_add(out, mr_span_sub(text, from, i - from));
		mr_buf_addc(out, '\\');
		mr_buf_addc(out, letters[at - octets]);
		from = i + 1;
	}
	mr_buf_add(out, mr_span_sub(text, from, text.len - from));
}

static void add_bytes(struct mr_buf *out, struct mr_span bytes)
{
	static const char digits[] = "0123456789abcdef";
	char piece[256];
	size_t n = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		piece[n++] = digits[(uint8_t)bytes.p[i] >> 4];
		piece[n++] = digits[(uint8_t)bytes.p[i] & 15];
		if (n == sizeof(piece) || i + 1 == bytes.len) {
			mr_buf_add(out, mr_span(piece, n));
			n = 0;
		}
	}
}

static void add_value(struct mr_buf *out, const struct mr_value *value)
{
	switch (value->kind) {
	case MR_VALUE_NULL:
		mr_buf_adds(out, "\tn");
		break;
	case MR_VALUE_INT:
		mr_buf_printf(out, "\ti%" PRId64, value->number);
		break;
	case MR_VALUE_TEXT:
		mr_buf_adds(out, "\tt");
		add_text(out, value->bytes);
		break;
	case MR_VALUE_BYTES:
		mr_buf_adds(out, "\tb");
		add_bytes(out, value->bytes);
		break;
	}
}

/* Hand out the line, if anybody wants it, and begin the next one. */
static int line_end(struct dump *d)
{
	int err = mr_buf_err(&d->line);

	if (err == 0 && d->write)
		err = d->write(d->arg, mr_buf_span(&d->line));
	mr_buf_reset(&d->line);
	return err;
}

static int dump_row(void *arg, const struct mr_value *columns, size_t count)
{
	struct dump *d = arg;

	d->done++;
	if (d->progress && d->done % SHOW_EVERY == 0)
		d->progress(d->arg, d->done, d->all);
	if (!d->write)
		return 0;
	mr_buf_adds(&d->line, "row");
	for (size_t i = 0; i < count; i++)
		add_value(&d->line, &columns[i]);
	mr_buf_addc(&d->line, '\n');
	return line_end(d);
}

static const char *name_of(enum mr_store_group group)
{
	enum mr_store_group found;
	const char *name;

	for (size_t i = 0; (name = mr_store_group_name(i, &found)) != NULL; i++) {
		if (found == group)
			return name;
	}
	return NULL;
}

static int tables_count(struct mr_txn *txn, struct dump *d)
{
	d->all = 0;
	for (size_t i = 0; i < MR_COUNT(tables); i++) {
		int64_t rows = 0;
		int err = tables[i].group == d->group
				  ? mr_txn_int(txn, tables[i].count, NULL, 0, &rows)
				  : 0;

		if (err < 0)
			return err;
		d->all += (size_t)rows;
	}
	return 0;
}

static int dump_once(struct mr_txn *txn, void *arg)
{
	struct dump *d = arg;
	int err = tables_count(txn, d);

	mr_buf_printf(&d->line, "group\t%s\t%d\n", name_of(d->group), mr_store_newest(d->group));
	for (size_t i = 0; i < MR_COUNT(tables) && err == 0; i++) {
		if (tables[i].group != d->group)
			continue;
		mr_buf_printf(&d->line, "table\t%s\t%s\n", tables[i].name, tables[i].columns);
		if ((err = line_end(d)) == 0)
			err = mr_txn_each(txn, tables[i].select, NULL, 0, dump_row, d);
	}
	if (err != 0)
		return err;
	mr_buf_printf(&d->line, "end\t%zu\n", d->done);
	return line_end(d);
}

static int dump_run(struct mr_store *store, struct dump *d, mr_txn_fn *fn, size_t *rows_out)
{
	int err;

	mr_buf_init(&d->line, MR_STORE_LINE_MAX);
	err = mr_store_txn(store, d->group, MR_TXN_WALK, fn, d);
	mr_buf_done(&d->line);
	if (err == 0 && rows_out)
		*rows_out = d->done;
	return err;
}

int mr_store_dump(struct mr_store *store, enum mr_store_group group,
		  int (*write)(void *arg, struct mr_span line), mr_store_progress_fn *progress,
		  void *arg, size_t *rows_out)
{
	struct dump d = { .group = group, .write = write, .progress = progress, .arg = arg };

	return dump_run(store, &d, dump_once, rows_out);
}

/* -- looking ---------------------------------------------------------------------------------- */

static int problem_row(void *arg, const struct mr_value *columns, size_t count)
{
	struct dump *d = arg;
	char text[TEXT_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < count && len < sizeof(text); i++) {
		const struct mr_value *c = &columns[i];
		const char *blank = i > 0 ? " " : "";

		if (c->kind == MR_VALUE_INT)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%" PRId64, blank,
						c->number);
		else
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", blank,
						(int)c->bytes.len,
						c->bytes.len > 0 ? c->bytes.p : "");
	}
	if (strcmp(text, "ok") == 0) /* SQLite's check says so */
		return 0;
	d->problems++;
	d->problem(d->arg, text);
	return 0;
}

static int verify_once(struct mr_txn *txn, void *arg)
{
	struct dump *d = arg;
	const char *const *checks = mr_txn_checks(txn);
	int err = 0;

	for (; *checks && err == 0; checks++)
		err = mr_txn_each(txn, *checks, NULL, 0, problem_row, d);
	for (size_t i = 0; i < MR_COUNT(promises) && err == 0; i++) {
		if (promises[i].group == d->group)
			err = mr_txn_each(txn, promises[i].sql, NULL, 0, problem_row, d);
	}
	return err < 0 ? err : dump_once(txn, d);
}

int mr_store_verify(struct mr_store *store, enum mr_store_group group,
		    void (*problem)(void *arg, const char *text), mr_store_progress_fn *progress,
		    void *arg, size_t *rows_out)
{
	struct dump d = { .group = group, .problem = problem, .progress = progress, .arg = arg };
	int err = dump_run(store, &d, verify_once, rows_out);

	return err < 0 ? err : (int)d.problems;
}

/* -- in --------------------------------------------------------------------------------------- */

struct load {
	struct mr_store_load *in;
	enum mr_store_group group;
	const struct table *table; /* of the last line "table"; NULL: none yet */
	struct mr_buf text; /* values without their escapes */
	size_t rows;
};

static int line_read(struct mr_store_load *in, struct mr_span *line_out)
{
	int err = in->read(in->arg, line_out);

	if (err == 0)
		in->line++;
	return err;
}

static int read_text(struct mr_span in, struct mr_buf *out)
{
	static const char octets[] = "\\\t\n\r", letters[] = "\\tnr";

	for (;;) {
		size_t at = mr_span_find(in, '\\');
		const char *letter;

		mr_buf_add(out, mr_span_sub(in, 0, at));
		if (at == in.len)
			return 0;
		letter = at + 1 < in.len && in.p[at + 1] ? strchr(letters, in.p[at + 1]) : NULL;
		if (!letter)
			return MR_ESYNTAX;
		mr_buf_addc(out, octets[letter - letters]);
		in = mr_span_sub(in, at + 2, in.len);
	}
}

static int read_bytes(struct mr_span in, struct mr_buf *out)
{
	if (in.len % 2 != 0)
		return MR_ESYNTAX;
	for (size_t i = 0; i < in.len; i += 2) {
		int high = mr_hex_value(in.p[i]), low = mr_hex_value(in.p[i + 1]);

		if (high < 0 || low < 0)
			return MR_ESYNTAX;
		mr_buf_addc(out, (char)(high * 16 + low));
	}
	return 0;
}

static int read_number(struct mr_span in, int64_t *number_out)
{
	bool minus = mr_span_has_prefix(in, MR_SPAN("-"));
	uint64_t digits;
	int err = mr_span_u64(mr_span_sub(in, minus, in.len), INT64_MAX, &digits);

	if (err == 0)
		*number_out = minus ? -(int64_t)digits : (int64_t)digits;
	return err;
}

/* One value; its bytes go to text, where they may still move: at_out is their offset. */
static int read_value(struct mr_span in, struct mr_buf *text, struct mr_value *value_out,
		      size_t *at_out)
{
	struct mr_span rest = mr_span_sub(in, 1, in.len);
	int err = 0;

	*value_out = (struct mr_value){ .kind = MR_VALUE_NULL };
	*at_out = text->len;
	switch (in.len > 0 ? in.p[0] : 0) {
	case 'n':
		return rest.len > 0 ? MR_ESYNTAX : 0;
	case 'i':
		value_out->kind = MR_VALUE_INT;
		return read_number(rest, &value_out->number);
	case 't':
		value_out->kind = MR_VALUE_TEXT;
		err = read_text(rest, text);
		break;
	case 'b':
		value_out->kind = MR_VALUE_BYTES;
		err = read_bytes(rest, text);
		break;
	default:
		return MR_ESYNTAX;
	}
	value_out->bytes.len = text->len - *at_out;
	return err < 0 ? err : mr_buf_err(text);
}

/* The fields behind "row". */
static int load_row(struct mr_txn *txn, struct load *l, struct mr_span fields, bool more)
{
	struct mr_value in[MR_DB_PARAMS_MAX];
	size_t at[MR_DB_PARAMS_MAX], count = 0, want = 1;
	int err;

	if (!l->table)
		return MR_ESYNTAX;
	for (const char *c = l->table->columns; *c; c++)
		want += *c == ',';
	mr_buf_reset(&l->text);
	while (more) {
		struct mr_span field;

		more = mr_span_split(fields, '\t', &field, &fields);
		if (count == want)
			return MR_ESYNTAX;
		if ((err = read_value(field, &l->text, &in[count], &at[count])) < 0)
			return err;
		count++;
	}
	if (count != want)
		return MR_ESYNTAX;
	for (size_t i = 0; i < count; i++) {
		if (in[i].kind == MR_VALUE_TEXT || in[i].kind == MR_VALUE_BYTES)
			in[i].bytes.p = mr_buf_str(&l->text) + at[i];
	}
	err = mr_txn_run(txn, l->table->insert, in, count);
	l->rows++;
	l->in->rows++;
	if (l->in->progress && l->rows % SHOW_EVERY == 0)
		l->in->progress(l->in->arg, l->group, l->rows);
	/* Keys that are taken or name nothing, texts that are none: it is not what we wrote. */
	if (err == MR_ENOENT || err == MR_EEXIST || err == MR_EINVAL)
		return MR_ESYNTAX;
	return err < 0 ? err : 0;
}

static int load_table(struct load *l, struct mr_span fields)
{
	struct mr_span name, columns;

	(void)mr_span_split(fields, '\t', &name, &columns);
	l->table = NULL;
	for (size_t i = 0; i < MR_COUNT(tables); i++) {
		if (tables[i].group == l->group && mr_span_eq(name, mr_span_str(tables[i].name)) &&
		    mr_span_eq(columns, mr_span_str(tables[i].columns)))
			l->table = &tables[i];
	}
	return l->table ? 0 : MR_ESYNTAX;
}

/* All of one group: in one transaction, which cannot run again, since the lines are gone by. */
static int load_once(struct mr_txn *txn, void *arg)
{
	struct dump empty = { .group = ((struct load *)arg)->group };
	struct load *l = arg;
	struct mr_span line, word, rest;
	uint64_t rows;
	int err = tables_count(txn, &empty);

	if (err == 0 && empty.all > 0)
		return MR_EEXIST;
	while (err == 0 && (err = line_read(l->in, &line)) == 0) {
		bool more = mr_span_split(line, '\t', &word, &rest);

		if (mr_span_eq(word, MR_SPAN("row")))
			err = load_row(txn, l, rest, more);
		else if (mr_span_eq(word, MR_SPAN("table")))
			err = load_table(l, rest);
		else if (mr_span_eq(word, MR_SPAN("end")) &&
			 mr_span_u64(rest, UINT64_MAX, &rows) == 0 && rows == l->rows)
			return 0;
		else
			err = MR_ESYNTAX;
	}
	return err == MR_ENOENT ? MR_ESYNTAX : err; /* it breaks off */
}

static int load_group(struct mr_store *store, struct mr_store_load *in, struct mr_span fields)
{
	struct load l = { .in = in, .group = MR_GROUP_ALL };
	enum mr_store_group group;
	struct mr_span wanted, version;
	const char *name;
	uint64_t number;
	int err;

	(void)mr_span_split(fields, '\t', &wanted, &version);
	for (size_t i = 0; (name = mr_store_group_name(i, &group)) != NULL; i++) {
		if (mr_span_eq(wanted, mr_span_str(name)))
			l.group = group;
	}
	if (l.group == MR_GROUP_ALL || !mr_store_has(store, l.group))
		return MR_ENOENT;
	if (mr_span_u64(version, INT32_MAX, &number) < 0)
		return MR_ESYNTAX;
	if ((int)number != mr_store_newest(l.group))
		return MR_EINVAL;
	mr_buf_init(&l.text, MR_STORE_LINE_MAX);
	err = mr_store_txn(store, l.group, MR_TXN_LOAD, load_once, &l);
	mr_buf_done(&l.text);
	return err;
}

int mr_store_load(struct mr_store *store, struct mr_store_load *load)
{
	struct mr_span line, word, rest;
	int err = line_read(load, &line);

	load->rows = 0;
	if (err == MR_ENOENT || (err == 0 && !mr_span_eq(line, mr_store_dump_head)))
		return MR_ESYNTAX;
	while (err == 0 && (err = line_read(load, &line)) == 0) {
		(void)mr_span_split(line, '\t', &word, &rest);
		err = mr_span_eq(word, MR_SPAN("group")) ? load_group(store, load, rest)
							 : MR_ESYNTAX;
		if (err == MR_ENOENT)
			return err;
	}
	return err == MR_ENOENT ? 0 : err;
}
