#include "lda/mapd/map.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_name.h"
#include "lib/run/mr_srs_ask.h"

#define CONTENT_MAX 4096
#define DIGITS_MAX  4

/* -- netstrings ------------------------------------------------------------------------------- */

/* netstring = 1*DIGIT ":" *OCTET ","; no leading zeros. 1: whole; 0: more must come; MR_EINVAL. */
static int netstring(struct mr_cur *c, struct mr_span *content_out)
{
	struct mr_span digits = mr_cur_take(c, MR_DIGIT);
	uint64_t len;

	if (digits.len > DIGITS_MAX)
		return MR_EINVAL;
	if (mr_cur_left(c) == 0)
		return digits.len > 1 && digits.p[0] == '0' ? MR_EINVAL : 0;
	if (mr_span_u64(digits, CONTENT_MAX, &len) < 0 || (digits.len > 1 && digits.p[0] == '0') ||
	    !mr_cur_byte(c, ':'))
		return MR_EINVAL;
	if (!mr_cur_take_n(c, len, content_out))
		return 0;
	if (mr_cur_left(c) == 0)
		return 0;
	return mr_cur_byte(c, ',') ? 1 : MR_EINVAL;
}

int mr_map_frame(struct mr_span input, size_t *len_out)
{
	struct mr_cur c = mr_cur(input);
	struct mr_span content;
	int got = netstring(&c, &content);

	if (got < 0)
		return got;
	*len_out = got == 1 ? input.len - mr_cur_left(&c) : 0;
	return 0;
}

/* -- maps ------------------------------------------------------------------------------------- */

/* A question, and what is known of the answer. */
struct asked {
	const struct mr_map *map;
	const struct mr_settings *set;
	struct mr_span key;
	struct mr_arena *arena;
	struct mr_buf data;
};

static int of_domains(struct asked *a)
{
	char name[MR_NAME_DOMAIN_MAX + 1];
	int err = mr_name_domain(a->key, name);

	if (err < 0)
		return MR_ENOENT;
	err = a->map->table.domain(a->map->table.arg, a->key);
	return err < 0 ? err : mr_buf_adds(&a->data, name);
}

static int resolve(const struct asked *a, struct mr_resolved *resolved_out)
{
	struct mr_span local, domain;

	/* An address of SRS is nobody's alias, also where the domain has a catch-all. */
	if (mr_name_split(a->key, &local, &domain) < 0 || mr_srs_ask_is(a->set, local, domain))
		return MR_ENOENT;
	return mr_resolve(&a->map->table, a->set->recipient_separator, local, domain, a->arena,
			  resolved_out);
}

static int user_put(struct mr_buf *data, const struct mr_user *user)
{
	mr_buf_add(data, user->local);
	mr_buf_addc(data, '@');
	return mr_buf_add(data, user->domain);
}

/* Ours, and not too old: a bounce may come. 1: it is no address of SRS. */
static int of_srs(struct asked *a)
{
	struct mr_span local, domain, ignored;
	int err;

	if (mr_name_split(a->key, &local, &domain) < 0 || !mr_srs_ask_is(a->set, local, domain))
		return 1;
	err = mr_srs_ask_reverse(a->set, local, mr_time_s(), a->arena, &ignored);
	if (err == MR_EPERM || err == MR_ELIMIT)
		return MR_ENOENT;
	return err < 0 ? err : mr_buf_adds(&a->data, "srs");
}

static int of_recipients(struct asked *a)
{
	struct mr_resolved r;
	int err = of_srs(a);

	if (err <= 0)
		return err;
	err = resolve(a, &r);

	if (err < 0)
		return err;
	/* Of the key nothing: it may hold anything. */
	return r.alias ? mr_buf_adds(&a->data, "alias") : user_put(&a->data, &r.mailbox[0].user);
}

/* Checked once more: whatever came into the directory, no MTA gets anything but addresses from us. */
static int mailbox_put(struct mr_buf *data, const struct mr_resolve_mailbox *m)
{
	size_t at = data->len;

	mr_buf_add(data, m->user.local);
	if (m->separator) {
		mr_buf_addc(data, m->separator);
		mr_buf_add(data, m->detail);
	}
	mr_buf_addc(data, '@');
	mr_buf_add(data, m->user.domain);
	if (mr_buf_err(data) < 0)
		return mr_buf_err(data);
	return mr_store_alias_target_check(mr_span_sub(mr_buf_span(data), at, data->len)) < 0
		       ? MR_ENOENT
		       : 0;
}

static int of_aliases(struct asked *a)
{
	struct mr_resolved r;
	int err = resolve(a, &r);

	if (err < 0)
		return err;
	if (!r.alias || r.outside_count > 0)
		return MR_ENOENT;
	for (size_t i = 0; i < r.mailbox_count && err == 0; i++) {
		if (i > 0)
			mr_buf_addc(&a->data, ',');
		err = mailbox_put(&a->data, &r.mailbox[i]);
	}
	return err == MR_ELIMIT ? MR_ENOENT : err; /* too long: the LDA does it */
}

static int of_senders(struct asked *a)
{
	struct mr_resolved r;
	int err = resolve(a, &r);

	/* The address may be his own as well as an alias for others: his mailbox comes of its own name then. */
	if (err == 0 && r.alias) {
		struct mr_user user;
		struct mr_span local, domain;

		err = mr_name_split(a->key, &local, &domain);
		if (err == 0)
			err = a->map->table.user(a->map->table.arg, local, domain, a->arena, &user);
		if (err == 0 && !user.disabled)
			return user_put(&a->data, &user);
		if (err < 0 && err != MR_ENOENT && err != MR_EINVAL && err != MR_ELIMIT)
			return err;
		err = 0;
	}
	if (err < 0)
		return err == MR_ELIMIT ? MR_ENOENT : err;
	if (r.outside_count > 0 || r.mailbox_count != 1 || r.mailbox[0].user.disabled)
		return MR_ENOENT;
	return user_put(&a->data, &r.mailbox[0].user);
}

/* NAME=VALUE. False: it is none. */
static bool transport_split(const char *item, struct mr_span *name_out, struct mr_span *value_out)
{
	struct mr_span value;

	if (!mr_span_split(mr_span_str(item), '=', name_out, value_out))
		return false;
	value = *value_out;
	if (name_out->len == 0 || value.len == 0 ||
	    !mr_span_only(*name_out, MR_ALNUM | MR_HYPHEN | MR_UNDERSCORE))
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] <= ' ' || value.p[i] > '~')
			return false;
	}
	return true;
}

bool mr_map_transports_valid(struct mr_list transports)
{
	struct mr_span name, value;
	bool valid = true;

	for (size_t i = 0; i < transports.count && valid; i++)
		valid = transport_split(transports.item[i], &name, &value);
	return valid;
}

static int of_transports(struct asked *a)
{
	struct mr_list list = a->set->map_transports;
	struct mr_span local, key, wanted, name, value;
	char domain[MR_NAME_DOMAIN_MAX + 1];
	int err;

	/* Postfix asks for the address alone. */
	if (mr_name_split(a->key, &local, &key) < 0)
		key = a->key;
	if (list.count == 0 || mr_name_domain(key, domain) < 0)
		return MR_ENOENT;
	err = a->map->transport(a->map->arg, key, a->arena, &wanted);
	if (err < 0)
		return err;
	for (size_t i = 0; i < list.count; i++) {
		if (transport_split(list.item[i], &name, &value) && mr_span_eq(name, wanted))
			return mr_buf_add(&a->data, value);
	}
	return MR_ENOENT;
}

static int of_policy(struct asked *a)
{
	if (!a->map->policy)
		return MR_ENOENT;
	return a->map->policy(a->map->arg, a->set, a->key, a->arena, &a->data);
}

static const struct {
	const char *name;
	/* 0: it is in a->data; MR_ENOENT, MR_EPERM: it is not there; MR_ELIMIT, another error. */
	int (*ask)(struct asked *a);
} maps[] = {
	{ "domains", of_domains }, { "recipients", of_recipients }, { "aliases", of_aliases },
	{ "senders", of_senders }, { "transports", of_transports }, { "policy", of_policy },
};

/* -- answers ---------------------------------------------------------------------------------- */

static int reply_put(struct mr_buf *reply, const char *word, struct mr_span text)
{
	mr_buf_printf(reply, "%zu:%s ", strlen(word) + 1 + text.len, word);
	mr_buf_add(reply, text);
	mr_buf_addc(reply, ',');
	return mr_buf_err(reply);
}

static int reply_for(int err, const struct asked *a, struct mr_buf *reply)
{
	switch (err) {
	case 0:
		return reply_put(reply, "OK", mr_buf_span(&a->data));
	case MR_ENOENT:
	case MR_EPERM: /* a domain of others */
	case MR_EINVAL:
		return reply_put(reply, "NOTFOUND", MR_SPAN(""));
	case MR_ELIMIT:
		return reply_put(reply, "TEMP",
				 MR_SPAN("aliases in a loop, or too many behind each other"));
	default:
		return reply_put(reply, "TEMP", MR_SPAN("the directory is away"));
	}
}

int mr_map_answer(const struct mr_map *map, const struct mr_settings *set, struct mr_span request,
		  struct mr_arena *arena, struct mr_buf *reply)
{
	struct mr_cur c = mr_cur(request);
	struct mr_span content, name;
	struct asked a = { .map = map, .set = set, .arena = arena };
	int err = MR_ENOENT;

	MR_ASSERT(netstring(&c, &content) == 1); /* the caller has framed it */
	if (!mr_span_split(content, ' ', &name, &a.key))
		return reply_put(reply, "PERM", MR_SPAN("a request is NAME KEY"));
	for (size_t i = 0; i < MR_COUNT(maps); i++) {
		if (!mr_span_eq(name, mr_span_str(maps[i].name)))
			continue;
		mr_buf_init(&a.data, MR_MAP_REPLY_MAX);
		err = maps[i].ask(&a);
		err = reply_for(err, &a, reply);
		mr_buf_done(&a.data);
		return err;
	}
	return reply_put(reply, "PERM", MR_SPAN("no such map"));
}
