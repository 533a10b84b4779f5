#include "lda/mapd/dict.h"

#include <inttypes.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"

#define VERSION_MAJOR 3
#define FIELDS_MAX    8 /* of a line; H and I have five */
#define ADDRESS_SIZE  (MR_NAME_LOCAL_MAX + 1 + MR_NAME_DOMAIN_MAX + 1)
#define ESCAPE        '\001'

static const char storage_key[] = "priv/quota/storage";
static const char messages_key[] = "priv/quota/messages";
static const char userdb_path[] = "shared/quota/userdb/";

enum dict_name { NAME_QUOTA, NAME_DOMAIN };

/* Of storage, of messages. */
struct change {
	bool set, added;
	int64_t number;
};

struct txn {
	bool open, bad; /* bad: something in it was not understood, and commit says so */
	bool unset;
	uint64_t id;
	char user[ADDRESS_SIZE];
	struct change octets, messages;
};

struct conn {
	bool greeted;
	enum dict_name name;
	char user[ADDRESS_SIZE]; /* of H; may be empty */
	struct txn txn[MR_DICT_TRANSACTIONS];
	char room[MR_DICT_REQUEST_MAX]; /* the line, without escapes */
};

struct line {
	char command;
	struct mr_span field[FIELDS_MAX];
	size_t count;
};

int mr_dict_frame(struct mr_span input, size_t *len_out)
{
	size_t at = mr_span_find(input, '\n');

	if (at >= MR_DICT_REQUEST_MAX)
		return MR_EINVAL;
	*len_out = at < input.len ? at + 1 : 0;
	return 0;
}

/* -- lines ------------------------------------------------------------------------------------ */

/* Undo the escapes of one field, into room that has space for it. */
static int unescape(struct mr_span in, char *room, struct mr_span *out)
{
	static const char letters[] = "01trn";
	static const char octets[] = { '\0', ESCAPE, '\t', '\r', '\n' };
	size_t len = 0;

	for (size_t i = 0; i < in.len; i++) {
		const char *at;

		room[len] = in.p[i];
		if (in.p[i] == ESCAPE) {
			i++;
			at = i < in.len && in.p[i] ? strchr(letters, in.p[i]) : NULL;
			if (!at)
				return MR_ESYNTAX;
			room[len] = octets[at - letters];
		}
		len++;
	}
	*out = mr_span(room, len);
	return 0;
}

static int line_split(struct mr_span text, char *room, struct line *line_out)
{
	bool more;
	int err;

	*line_out = (struct line){ .command = text.len > 0 ? text.p[0] : '\0' };
	if (text.len == 0)
		return MR_ESYNTAX;
	text = mr_span_sub(text, 1, text.len);
	do {
		struct mr_span field;

		if (line_out->count == FIELDS_MAX)
			return MR_ESYNTAX;
		more = mr_span_split(text, '\t', &field, &text);
		err = unescape(field, room, &line_out->field[line_out->count++]);
		room += field.len;
	} while (more && err == 0);
	return err;
}

/* ["-"] 1*DIGIT */
static int number_of(struct mr_span text, int64_t *number_out)
{
	struct mr_cur c = mr_cur(text);
	bool minus = mr_cur_byte(&c, '-');
	uint64_t number;
	int err = mr_span_u64(mr_cur_rest(&c), MR_QUOTA_MAX, &number);

	if (err == 0)
		*number_out = minus ? -(int64_t)number : (int64_t)number;
	return err;
}

/* A user of ours, in our spelling. MR_ENOENT: is none; what the directory says. */
static int user_of(const struct mr_dict *d, struct mr_span address, struct mr_span *local_out,
		   struct mr_span *domain_out)
{
	int err;

	if (mr_name_split(address, local_out, domain_out) < 0)
		return MR_ENOENT;
	err = d->user(d->arg, *local_out, *domain_out);
	return err == MR_EINVAL || err == MR_ELIMIT ? MR_ENOENT : err;
}

/* -- look up ---------------------------------------------------------------------------------- */

static void failed(struct mr_buf *reply, int err)
{
	if (err == MR_ENOENT)
		(void)mr_buf_adds(reply, "N\n");
	else
		(void)mr_buf_printf(reply, "F%s\n", mr_err_text(err));
}

static void rule_put(struct mr_buf *out, const char *name, struct mr_limit limit)
{
	(void)mr_buf_printf(out, "\"%s\":\"*:bytes=%" PRId64 ":messages=%" PRId64 "\"", name,
			    limit.octets, limit.messages);
}

/* A limit of 0 is none to Dovecot, too, and keeps the usage counted. */
static int userdb(const struct mr_dict *d, struct mr_span address, struct mr_buf *reply)
{
	struct mr_limit user, domain;
	struct mr_span local, of;
	int err = user_of(d, address, &local, &of);

	if (err == 0)
		err = d->limits(d->arg, local, of, &user, &domain);
	if (err < 0)
		return err;
	(void)mr_buf_adds(reply, "O{");
	rule_put(reply, "quota_rule", user);
	(void)mr_buf_addc(reply, ',');
	rule_put(reply, "quota2_rule", domain);
	(void)mr_buf_adds(reply, "}\n");
	return 0;
}

static int used(const struct mr_dict *d, const struct conn *c, struct mr_span address, bool octets,
		struct mr_buf *reply)
{
	struct mr_usage usage;
	struct mr_span local, of;
	int err = user_of(d, address, &local, &of);

	if (err == 0)
		err = d->used(d->arg, c->name == NAME_DOMAIN ? MR_SPAN("") : local, of, &usage);
	if (err < 0)
		return err;
	(void)mr_buf_printf(reply, "O%" PRId64 "\n", octets ? usage.octets : usage.messages);
	return 0;
}

static struct mr_span user_or(const struct line *l, size_t i, const struct conn *c)
{
	return l->count > i && l->field[i].len > 0 ? l->field[i] : mr_span_str(c->user);
}

static void look_up(const struct mr_dict *d, const struct conn *c, const struct line *l,
		    struct mr_buf *reply)
{
	struct mr_span key = l->field[0], user = user_or(l, 1, c);
	struct mr_span path = mr_span_str(userdb_path);
	int err = MR_ENOENT;

	if (mr_span_has_prefix(key, path))
		err = userdb(d, mr_span_sub(key, path.len, key.len), reply);
	else if (mr_span_eq(key, mr_span_str(storage_key)))
		err = used(d, c, user, true, reply);
	else if (mr_span_eq(key, mr_span_str(messages_key)))
		err = used(d, c, user, false, reply);
	if (err < 0)
		failed(reply, err);
}

/* -- transactions ----------------------------------------------------------------------------- */

/* NULL: there is none of this id. */
static struct txn *txn_of(struct conn *c, struct mr_span id)
{
	uint64_t number;

	if (mr_span_u64(id, UINT32_MAX, &number) < 0)
		return NULL;
	for (size_t i = 0; i < MR_DICT_TRANSACTIONS; i++) {
		if (c->txn[i].open && c->txn[i].id == number)
			return &c->txn[i];
	}
	return NULL;
}

static int begin(struct conn *c, const struct line *l)
{
	struct mr_span user = user_or(l, 1, c);
	struct txn *t = NULL;
	uint64_t id;

	if (mr_span_u64(l->field[0], UINT32_MAX, &id) < 0 || txn_of(c, l->field[0]))
		return MR_ESYNTAX;
	for (size_t i = 0; i < MR_DICT_TRANSACTIONS && !t; i++) {
		if (!c->txn[i].open)
			t = &c->txn[i];
	}
	if (!t)
		return MR_ELIMIT;
	*t = (struct txn){ .open = true, .id = id };
	t->bad = mr_span_copyz(user, t->user, sizeof(t->user)) < 0;
	return 0;
}

static struct change *change_of(struct txn *t, struct mr_span key)
{
	if (mr_span_eq(key, mr_span_str(storage_key)))
		return &t->octets;
	return mr_span_eq(key, mr_span_str(messages_key)) ? &t->messages : NULL;
}

/* S, A, U. A key that is none of ours makes the commit fail; a transaction that is not there is no
 * protocol. */
static int change(struct conn *c, const struct line *l)
{
	struct txn *t = txn_of(c, l->field[0]);
	struct change *ch = t ? change_of(t, l->field[1]) : NULL;
	int64_t number = 0;

	if (!t || l->count != (l->command == 'U' ? 2 : 3))
		return MR_ESYNTAX;
	if (!ch || (l->command != 'U' && number_of(l->field[2], &number) < 0) ||
	    (l->command == 'S' && number < 0)) {
		t->bad = true;
		return 0;
	}
	if (l->command == 'U') {
		*ch = (struct change){ .set = false };
		t->unset = true;
	} else if (l->command == 'S') {
		*ch = (struct change){ .set = true, .number = number };
	} else {
		ch->added = true;
		if (__builtin_add_overflow(ch->number, number, &ch->number))
			t->bad = true;
	}
	return 0;
}

static int commit_to(const struct mr_dict *d, const struct conn *c, const struct txn *t)
{
	const struct mr_usage usage = { t->octets.number, t->messages.number };
	struct mr_span local, domain;
	int err = user_of(d, mr_span_str(t->user), &local, &domain);
	bool sets = t->octets.set || t->messages.set;

	if (err < 0)
		return err;
	if (!sets && (t->octets.added || t->messages.added))
		return d->add(d->arg, local, domain, usage);
	if (t->octets.set && t->messages.set && c->name == NAME_QUOTA)
		return d->set(d->arg, local, domain, usage);
	return sets || t->unset ? d->touch(d->arg, local, domain) : 0;
}

static int commit(const struct mr_dict *d, struct conn *c, const struct line *l,
		  struct mr_buf *reply)
{
	struct txn *t = txn_of(c, l->field[0]);
	int err;

	if (!t || l->count != 1)
		return MR_ESYNTAX;
	err = t->bad ? MR_EINVAL : commit_to(d, c, t);
	if (err < 0)
		(void)mr_buf_printf(reply, "F%" PRIu64 "\t%s\n", t->id, mr_err_text(err));
	else
		(void)mr_buf_printf(reply, "%c%" PRIu64 "\n", l->command == 'C' ? 'O' : 'A', t->id);
	t->open = false;
	return 0;
}

static int roll_back(struct conn *c, const struct line *l)
{
	struct txn *t = txn_of(c, l->field[0]);

	if (!t || l->count != 1)
		return MR_ESYNTAX;
	t->open = false;
	return 0;
}

/* -- a conversation --------------------------------------------------------------------------- */

static int hello(struct conn *c, const struct line *l)
{
	static const char *const names[] = { [NAME_QUOTA] = "quota", [NAME_DOMAIN] = "domain" };
	uint64_t major, minor;

	if (c->greeted || l->command != 'H' || l->count != 5 ||
	    mr_span_u64(l->field[0], VERSION_MAJOR, &major) < 0 || major != VERSION_MAJOR ||
	    mr_span_u64(l->field[1], UINT32_MAX, &minor) < 0 ||
	    mr_span_copyz(l->field[3], c->user, sizeof(c->user)) < 0)
		return MR_ESYNTAX;
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		if (mr_span_eq(l->field[4], mr_span_str(names[i]))) {
			c->name = (enum dict_name)i;
			c->greeted = true;
			return 0;
		}
	}
	return MR_ESYNTAX;
}

static int obey(const struct mr_dict *d, struct conn *c, const struct line *l, struct mr_buf *reply)
{
	switch (l->command) {
	case 'L':
		if (l->count > 2)
			return MR_ESYNTAX;
		look_up(d, c, l, reply);
		return 0;
	case 'I':
		(void)mr_buf_addc(reply, '\n');
		return 0;
	case 'B':
		return l->count <= 2 ? begin(c, l) : MR_ESYNTAX;
	case 'S':
	case 'A':
	case 'U':
		return l->count >= 2 ? change(c, l) : MR_ESYNTAX;
	case 'T':
		return txn_of(c, l->field[0]) ? 0 : MR_ESYNTAX;
	case 'C':
	case 'D':
		return commit(d, c, l, reply);
	case 'R':
		return roll_back(c, l);
	default:
		return MR_ESYNTAX;
	}
}

int mr_dict_answer(void *arg, void **state, struct mr_span request, struct mr_buf *reply)
{
	struct conn *c = *state;
	struct line line;
	int err;

	if (!c && !(c = *state = mr_calloc(1, sizeof(*c))))
		return MR_ENOMEM;
	if (request.len > sizeof(c->room))
		return MR_ELIMIT;
	if (request.len > 0 && request.p[request.len - 1] == '\n')
		request.len--;
	if ((err = line_split(request, c->room, &line)) < 0)
		return err;
	err = c->greeted ? obey(arg, c, &line, reply) : hello(c, &line);
	return err < 0 ? err : mr_buf_err(reply);
}

void mr_dict_forget(void *arg MR_UNUSED, void *state)
{
	mr_free(state);
}
