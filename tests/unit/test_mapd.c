/* millrace-mapd without its sockets: the socketmap protocol and its maps, and a connection's conversation. */
#include "lda/mapd/map.h"
#include "lda/mapd/server.h"
#include "lda/mapd/talk.h"
#include "lib/base/mr_err.h"
#include "lib/net/mr_conns.h"
#include "tests/unit/mr_test.h"

#define S(text) mr_span_str(text)

/* -- framing ---------------------------------------------------------------------------------- */

#define X64   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1024 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64
#define X4096 X1024 X1024 X1024 X1024

MR_TEST(map_frame)
{
	static const struct {
		const char *in;
		int want; /* length, or an error; 0: more must come */
	} rows[] = {
		{ "5:a b c,", 8 },
		{ "5:a b c,3:x y,", 8 },
		{ "0:,", 3 },
		{ "", 0 },
		{ "5", 0 },
		{ "5:", 0 },
		{ "5:a b c", 0 },
		{ "5:a b cd", MR_EINVAL },
		{ "05:a b c,", MR_EINVAL }, /* no leading zeros */
		{ "00", MR_EINVAL },
		{ ":,", MR_EINVAL },
		{ "x", MR_EINVAL },
		{ "5x", MR_EINVAL },
		{ "-1:,", MR_EINVAL },
		{ " 5:a b c,", MR_EINVAL },
		{ "4096:" X4096 ",", 4102 },
		{ "4097:", MR_EINVAL },
		{ "99999", MR_EINVAL }, /* known before the colon comes */
		{ "GET / HTTP/1.0\r\n", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		size_t len = 0;
		int err = mr_map_frame(mr_block_span(in), &len);

		MR_CHECK_INT(t, rows[i].want, err < 0 ? err : (int)len);
	}
}

/* -- maps ------------------------------------------------------------------------------------- */

struct world {
	struct mr_store *store;
	struct mr_map map;
	struct mr_settings set;
	struct mr_arena *arena;
};

static int find_transport(void *arg, struct mr_span domain, struct mr_arena *arena,
			  struct mr_span *name_out)
{
	return mr_store_setting_get(arg, S(""), domain, S("transport"), arena, name_out);
}

static bool world_open(struct mr_t *t, struct world *w)
{
	static const char *const transports[] = { "one=smtp:[192.0.2.1]:25", "two=lmtp:unix:/x=y" };
	static const struct {
		const char *local, *target;
	} aliases[] = {
		{ "sales", "ann@example.org" }, { "sales", "bob@example.org" },
		{ "boss", "ann@example.org" },  { "out", "zoe@elsewhere.example" },
		{ "out", "ann@example.org" },   { "bob", "bob@example.org" },
		{ "bob", "ann@example.org" },   { "lists", "ann+Lists@example.org" },
		{ "quiet", "off@example.org" }, { "off", "ann@example.org" },
	};
	char url[MR_PATH_MAX + 16];
	int err;

	memset(w, 0, sizeof(*w));
	snprintf(url, sizeof(url), "sqlite:%s/state", mr_test_dir(t));
	err = mr_store_open(url, MR_GROUP_DIRECTORY, MR_STORE_CREATE, &w->store);
	for (int i = 0; i < 2 && err == 0; i++)
		err = mr_store_domain_add(w->store, S(i ? "b.example" : "example.org"));
	if (err == 0 &&
	    ((err = mr_store_user_add(w->store, S("ann"), S("example.org"), 0)) < 0 ||
	     (err = mr_store_user_add(w->store, S("bob"), S("example.org"), 0)) < 0 ||
	     (err = mr_store_user_add(w->store, S("off"), S("example.org"), 0)) < 0 ||
	     (err = mr_store_user_disable(w->store, S("off"), S("example.org"), true)) < 0))
		return false;
	for (size_t i = 0; i < MR_COUNT(aliases) && err == 0; i++)
		err = mr_store_alias_add(w->store, S(aliases[i].local), S("example.org"),
					 S(aliases[i].target), 0);
	if (err == 0)
		err = mr_store_alias_add(w->store, S(""), S("b.example"), S("bob@example.org"), 0);
	if (err == 0)
		err = mr_store_setting_set(w->store, S(""), S("example.org"), S("transport"),
					   S("two"));
	if (err == 0)
		err = mr_store_setting_set(w->store, S(""), S("b.example"), S("transport"),
					   S("smtp:[198.51.100.7]"));
	w->arena = mr_arena_new(1 << 20);
	w->set.recipient_separator = "+";
	w->set.srs_domain = "b.example";
	w->set.srs_socket = "unix:/nowhere/at/all";
	w->set.srs_hash_length = 8;
	w->set.map_transports = (struct mr_list){ transports, 2 };
	if (err < 0 || !w->arena)
		return false;
	mr_resolve_store(w->store, &w->map.table);
	w->map.transport = find_transport;
	w->map.arg = w->store;
	return true;
}

static void world_close(struct world *w)
{
	mr_store_close(w->store);
	mr_arena_free(w->arena);
}

static void netstring(struct mr_buf *out, struct mr_span text)
{
	mr_buf_printf(out, "%zu:", text.len);
	mr_buf_add(out, text);
	mr_buf_addc(out, ',');
}

static const struct {
	const char *ask, *want;
} answers[] = {
	{ "domains example.org", "OK example.org" },
	{ "domains EXAMPLE.org", "OK example.org" },
	{ "domains elsewhere.example", "NOTFOUND " },
	{ "domains [192.0.2.1]", "NOTFOUND " },
	{ "domains ", "NOTFOUND " },
	{ "recipients ann@example.org", "OK ann@example.org" },
	{ "recipients Ann+x@Example.org", "OK ann@example.org" },
	{ "recipients ann+a b@example.org", "OK ann@example.org" }, /* RFC 5321: a quoted string */
	{ "recipients off@example.org", "OK alias" },
	{ "recipients zoe@example.org", "NOTFOUND " },
	{ "recipients sales@example.org", "OK alias" },
	{ "recipients out@example.org", "OK alias" },
	{ "recipients any@b.example", "OK alias" },
	{ "recipients ann@elsewhere.example", "NOTFOUND " },
	/* SRS comes before the catch-all; srsd is away */
	{ "recipients SRS0=abcdefgh=JN=x.example=s@b.example", "TEMP the directory is away" },
	{ "recipients SRS0=abc=JN=x.example=s@b.example", "NOTFOUND " },
	{ "recipients SRS0=abcdefgh@b.example", "NOTFOUND " },
	{ "recipients SRS0=abcdefgh=JN=x.example=s@example.org", "NOTFOUND " },
	{ "aliases SRS0=abcdefgh=JN=x.example=s@b.example", "NOTFOUND " },
	/* Postfix asks for these, too */
	{ "recipients ann", "NOTFOUND " },
	{ "recipients @example.org", "NOTFOUND " },
	{ "recipients @b.example", "NOTFOUND " },
	{ "recipients ", "NOTFOUND " },
	{ "aliases ann@example.org", "NOTFOUND " },
	{ "aliases sales@example.org", "OK ann@example.org,bob@example.org" },
	{ "aliases Sales+x@Example.org", "OK ann+x@example.org,bob+x@example.org" },
	{ "aliases sales+a b@example.org", "NOTFOUND " }, /* no address we would hand out */
	{ "aliases sales+a,|c@example.org", "NOTFOUND " },
	{ "aliases lists@example.org", "OK ann+Lists@example.org" },
	{ "aliases out@example.org", "NOTFOUND " }, /* the LDA's */
	{ "aliases bob@example.org", "OK ann@example.org,bob@example.org" },
	{ "aliases any@b.example", "OK ann@example.org,bob@example.org" },
	{ "aliases @b.example", "NOTFOUND " },
	{ "aliases ann@elsewhere.example", "NOTFOUND " },
	{ "senders ann@example.org", "OK ann@example.org" },
	{ "senders Ann+x@example.org", "OK ann@example.org" },
	{ "senders boss@example.org", "OK ann@example.org" },
	{ "senders sales@example.org", "NOTFOUND " }, /* two */
	{ "senders out@example.org", "NOTFOUND " },
	{ "senders bob@example.org", "OK bob@example.org" }, /* his own, whoever gets copies */
	{ "senders off@example.org", "OK ann@example.org" }, /* he may not, she may */
	{ "senders zoe@example.org", "NOTFOUND " },
	{ "senders ann@elsewhere.example", "NOTFOUND " },
	{ "transports example.org", "OK lmtp:unix:/x=y" },
	{ "transports b.example", "NOTFOUND " }, /* not in the operator's list */
	{ "transports ann@example.org", "OK lmtp:unix:/x=y" },
	{ "transports elsewhere.example", "NOTFOUND " },
	{ "passwords ann@example.org", "PERM no such map" },
	{ "domains", "PERM a request is NAME KEY" },
	{ "", "PERM a request is NAME KEY" },
	{ " ann@example.org", "PERM no such map" },
};

MR_TEST(map_answers)
{
	struct world w;

	if (world_open(t, &w)) {
		for (size_t i = 0; i < MR_COUNT(answers); i++) {
			MR_AUTO_BUF ask = MR_BUF(4096), want = MR_BUF(4096), got = MR_BUF(4096);
			MR_AUTO(mr_block) *in = NULL;

			netstring(&ask, S(answers[i].ask));
			netstring(&want, S(answers[i].want));
			in = mr_test_exact(t, i, mr_buf_str(&ask));
			if (!in || mr_buf_err(&ask) < 0)
				break;
			MR_CHECK_INT(
				t, 0,
				mr_map_answer(&w.map, &w.set, mr_block_span(in), w.arena, &got));
			MR_CHECK_SPANS(t, mr_buf_span(&want), mr_buf_span(&got));
			mr_arena_reset(w.arena);
		}
	} else {
		MR_CHECK(t, t->oom);
	}
	world_close(&w);
}

static int away_domain(void *arg MR_UNUSED, struct mr_span domain MR_UNUSED)
{
	return MR_ETEMP;
}

static int away_transport(void *arg MR_UNUSED, struct mr_span domain MR_UNUSED,
			  struct mr_arena *arena MR_UNUSED, struct mr_span *name_out MR_UNUSED)
{
	return MR_ETEMP;
}

/* A directory that is away never says that somebody does not exist. */
MR_TEST(map_store_away)
{
	static const char *const asks[] = { "domains a.example", "recipients a@a.example",
					    "aliases a@a.example", "senders a@a.example",
					    "transports a.example" };
	static const char *const transports[] = { "x=y" };
	const struct mr_map map = { .table.domain = away_domain, .transport = away_transport };
	const struct mr_settings set = { .recipient_separator = "+",
					 .srs_domain = "",
					 .map_transports = { transports, 1 } };
	MR_AUTO(mr_arena) *arena = mr_arena_new(1 << 16);

	MR_NEED(t, arena);
	for (size_t i = 0; i < MR_COUNT(asks); i++) {
		MR_AUTO_BUF ask = MR_BUF(4096), got = MR_BUF(4096);

		t->row = (long)i;
		netstring(&ask, S(asks[i]));
		MR_NEED(t, mr_buf_err(&ask) == 0);
		MR_CHECK_INT(t, 0, mr_map_answer(&map, &set, mr_buf_span(&ask), arena, &got));
		MR_CHECK_SPAN(t, "26:TEMP the directory is away,", mr_buf_span(&got));
	}
}

MR_TEST(map_transports_valid)
{
	static const struct {
		const char *item;
		bool want;
	} rows[] = {
		{ "a=smtp:[192.0.2.1]", true },
		{ "a-b_1=x", true },
		{ "a=b=c", true },
		{ "a", false },
		{ "=x", false },
		{ "a=", false },
		{ "a b=x", false },
		{ "a=x y", false },
		{ "a=x\ny", false },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want,
			     mr_map_transports_valid((struct mr_list){ &rows[i].item, 1 }));
	}
}

MR_TEST(mapd_check)
{
	static const struct {
		const char *listen, *mode, *transport, *store;
		const char *says; /* NULL: it is right */
	} rows[] = {
		{ "unix:/run/x", "0660", "a=b", "sqlite:/x", NULL },
		{ "inet:127.0.0.1:99", "660", "a=b", "postgresql://h/d", NULL },
		{ "bogus", "0660", "a=b", "sqlite:/x", "map_listen: bogus: neither" },
		{ "unix:/x", "999", "a=b", "sqlite:/x", "map_socket_mode: 999: no octal" },
		{ "unix:/x", "0660", "b", "sqlite:/x", "map_transports: " },
		{ "unix:/x", "0660", "a=b", "x", "store: x: neither" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF error = MR_BUF(4096);
		const struct mr_settings set = { .map_listen = { &rows[i].listen, 1 },
						 .map_socket_mode = rows[i].mode,
						 .map_transports = { &rows[i].transport, 1 },
						 .policy_tell = "",
						 .srs_domain = "",
						 .reinject = "",
						 .store = rows[i].store };

		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].says ? MR_EINVAL : 0, mr_mapd_check(&set, &error));
		MR_CHECK(t, t->oom || strstr(mr_buf_str(&error), rows[i].says ? rows[i].says : ""));
	}
}

/* -- a connection ----------------------------------------------------------------------------- */

/* A protocol of lines: "n\n" is answered by n times "n"; "!\n" ends it; a line without letters is none. */
static int line_frame(struct mr_span input, size_t *len_out)
{
	size_t at = mr_span_find(input, '\n');

	if (input.len > 0 && input.p[0] == '\n')
		return MR_EINVAL;
	*len_out = at < input.len ? at + 1 : 0;
	return 0;
}

static int forgotten;

static int line_answer(void *arg, void **state, struct mr_span request, struct mr_buf *reply)
{
	*state = arg;
	if (request.p[0] == '!')
		return MR_ECLOSED;
	for (size_t i = 0; i < (size_t)(request.p[0] - '0'); i++)
		mr_buf_addc(reply, request.p[0]);
	return 0;
}

static void line_forget(void *arg, void *state)
{
	forgotten += arg == state;
}

static const struct mr_ask line_ask = {
	.word = "map",
	.request_max = 8,
	.frame = line_frame,
	.answer = line_answer,
	.forget = line_forget,
	.arg = &forgotten,
};

/* As the loop does: feed, work, fetch; pieces of size octets, until it closes or all is fed. */
static void feed(struct mr_talking *talk, struct mr_span in, size_t size, struct mr_buf *out)
{
	while (in.len > 0 && !mr_talk_closed(talk)) {
		mr_talk_input(talk, mr_span_sub(in, 0, size), 0);
		in = mr_span_sub(in, size < in.len ? size : in.len, in.len);
		while (mr_talk_busy(talk)) {
			mr_talk_work(talk);
			mr_talk_worked(talk, 0);
			mr_buf_add(out, mr_talk_output(talk));
			mr_talk_sent(talk, mr_talk_output(talk).len, 0);
		}
	}
}

MR_TEST(talk_conversations)
{
	static const struct {
		const char *in, *out;
		bool closed;
	} rows[] = {
		{ "1\n2\n3\n", "122333", false },
		{ "1\n2", "1", false },
		{ "0\n", "", false }, /* a request without an answer */
		{ "2\n!\n3\n", "22", true }, /* what was answered is sent first */
		{ "2\n\n", "22", true }, /* no longer the protocol */
		{ "1234567\n", "1", false },
		{ "12345678\n", "", true }, /* nine octets */
		{ "2\n123456789", "22", true }, /* also before its end has come */
	};

	for (size_t i = 0; i < 2 * MR_COUNT(rows); i++) {
		size_t row = i / 2;
		MR_AUTO_BUF out = MR_BUF(4096);
		struct mr_talking *talk = mr_talk_new(&line_ask, 1000, 0);

		MR_NEED(t, talk);
		t->row = (long)row;
		feed(talk, S(rows[row].in), i % 2 ? 1 : 4096, &out);
		MR_CHECK_SPAN(t, rows[row].out, mr_buf_span(&out));
		MR_CHECK_INT(t, rows[row].closed, mr_talk_closed(talk));
		forgotten = 0;
		mr_talk_free(talk);
	}
	MR_CHECK_INT(t, 1, forgotten);
}

MR_TEST(talk_time)
{
	struct mr_talking *talk = mr_talk_new(&line_ask, 1000, 5);

	MR_NEED(t, talk);
	MR_CHECK_INT(t, 1005, mr_talk_deadline_ms(talk));
	mr_talk_input(talk, S("1"), 900); /* half a request buys no time */
	MR_CHECK_INT(t, 1005, mr_talk_deadline_ms(talk));
	mr_talk_input(talk, S("\n"), 1000);
	if (mr_talk_busy(talk)) {
		MR_CHECK_INT(t, INT64_MAX, mr_talk_deadline_ms(talk));
		mr_talk_tick(talk, 5000);
		mr_talk_work(talk);
		mr_talk_worked(talk, 6000);
		MR_CHECK_INT(t, 7000, mr_talk_deadline_ms(talk));
		mr_talk_tick(talk, 6999);
		MR_CHECK(t, !mr_talk_closed(talk));
		mr_talk_tick(talk, 7000);
		MR_CHECK(t, mr_talk_closed(talk));
	}
	mr_talk_free(talk);
}

/* Stopping: what came whole is answered, what did not is dropped. */
MR_TEST(talk_stop)
{
	struct mr_talking *talk = mr_talk_new(&line_ask, 1000, 0);

	MR_NEED(t, talk);
	mr_talk_input(talk, S("1\n2\n3"), 0);
	if (mr_talk_busy(talk)) {
		mr_talk_stop(talk);
		MR_CHECK(t, !mr_talk_closed(talk));
		mr_talk_work(talk);
		mr_talk_worked(talk, 0);
		MR_CHECK(t, mr_talk_closed(talk));
		MR_CHECK_SPAN(t, "122", mr_talk_output(talk));
	}
	mr_talk_free(talk);
	talk = mr_talk_new(&line_ask, 1000, 0);
	MR_NEED(t, talk);
	mr_talk_stop(talk);
	MR_CHECK(t, mr_talk_closed(talk));
	mr_talk_free(talk);
}

/* Who asks and does not read is not read any more; nothing is lost when he does. */
MR_TEST(talk_unread_answers)
{
	struct mr_talking *talk = mr_talk_new(&line_ask, 1000, 0);
	size_t fed = 0, got = 0;

	MR_NEED(t, talk);
	for (int i = 0; i < 100 && mr_talk_reads(talk); i++) {
		char room[2000];

		for (size_t k = 0; k < sizeof(room); k += 2)
			memcpy(room + k, "9\n", 2);
		mr_talk_input(talk, mr_span(room, sizeof(room)), 0);
		fed += sizeof(room) / 2 * 9;
		while (mr_talk_busy(talk)) {
			mr_talk_work(talk);
			mr_talk_worked(talk, 0);
		}
	}
	MR_CHECK(t, fed < 2 * MR_TALK_OUT_MAX);
	while (mr_talk_output(talk).len > 0 || mr_talk_busy(talk)) {
		if (mr_talk_busy(talk)) {
			mr_talk_work(talk);
			mr_talk_worked(talk, 0);
		}
		got += mr_talk_output(talk).len < 1000 ? mr_talk_output(talk).len : 1000;
		mr_talk_sent(talk, 1000, 0);
	}
	MR_CHECK_INT(t, fed, got);
	mr_talk_free(talk);
}
