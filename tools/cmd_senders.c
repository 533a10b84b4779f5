/* millrace friend, millrace block: the lists of a user, or of a domain for all its users. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_psl.h"
#include "lib/net/mr_json.h"
#include "lib/store/mr_store_senders.h"
#include "tools/commands.h"
#include "tools/owner.h"

#define FILE_MAX   ((size_t)64 << 20) /* octets of --from */
#define ARENA_MAX  (FILE_MAX * 4)
#define OUTPUT_MAX ((size_t)256 << 20)

/* What the words say. */
struct request {
	struct cli *cli;
	bool friend, adds;
	enum mr_sender_action action;
	const char *note, *from; /* --note, --from; NULL: not there */
	struct owner owner;
	struct mr_arena *arena;
	struct mr_psl *psl;
	struct mr_sender_entry *entry;
	size_t count, room;
	char where[64]; /* "line 7: "; empty: it is a word */
};

static const char *what_of(const struct request *r)
{
	return r->friend ? "cannot change friends" : "cannot change blocks";
}

static int refuse(const struct request *r, struct mr_span entry, const char *why)
{
	fprintf(stderr, "millrace: %s%s ", r->where, r->friend ? "no friend" : "no block");
	cli_show(stderr, entry);
	fprintf(stderr, ": %s\n", why);
	return CLI_FAILED;
}

/* Behind "*." stands what nobody registered: "org", "co.uk". */
static bool is_suffix(const struct request *r, struct mr_span domain)
{
	return mr_span_find(domain, '.') == domain.len ||
	       (r->psl && mr_psl_registrable(r->psl, domain).len == 0);
}

/* What would be an entry, but not one that anybody means; NULL: it is one. */
static const char *nonsense(const struct request *r, struct mr_span entry)
{
	char own[MR_NAME_DOMAIN_MAX + 1];
	struct mr_span domain = mr_sender_domain(entry);
	bool wild = mr_span_has_prefix(entry, MR_SPAN("*."));

	if (domain.len == entry.len && mr_span_find(domain, '.') == domain.len)
		return "an address is NAME@DOMAIN, and a domain has a dot";
	if (wild && r->friend && is_suffix(r, domain))
		return "anybody can have a domain there: name the one that you trust";
	if (!wild && !r->friend && mr_name_domain(r->owner.domain, own) > 0 &&
	    mr_span_eq(domain, mr_span_str(own)))
		return "a block never catches one's own domain; mail that is forged there is what "
		       "DMARC is for";
	return NULL;
}

static int entry_add(struct request *r, struct mr_span text, struct mr_span note)
{
	char entry[MR_SENDER_SIZE];
	const char *why;
	struct mr_sender_entry *e;

	if (mr_sender_entry(text, entry, &why) < 0 ||
	    (r->adds && (why = nonsense(r, mr_span_str(entry)))))
		return refuse(r, text, why);
	if (!mr_sender_note_ok(note))
		return refuse(r, text, "a note is one line of at most 200 octets of UTF-8");
	if (r->count == r->room) {
		size_t room = r->room > 0 ? 2 * r->room : 64;
		struct mr_sender_entry *more = mr_arena_alloc(r->arena, room * sizeof(*more));

		if (!more)
			return cli_complain(MR_ENOMEM, what_of(r), NULL);
		if (r->count > 0)
			memcpy(more, r->entry, r->count * sizeof(*more));
		r->entry = more;
		r->room = room;
	}
	e = &r->entry[r->count];
	*e = (struct mr_sender_entry){ .action = r->action, .made_s = mr_time_s() };
	if (mr_arena_dup(r->arena, mr_span_str(entry), &e->entry) < 0 ||
	    mr_arena_dup(r->arena, note, &e->note) < 0)
		return cli_complain(MR_ENOMEM, what_of(r), NULL);
	r->count++;
	return CLI_OK;
}

/* A line: an entry, and behind blanks a note. One that is empty or begins with "#" is none. */
static int line_add(struct request *r, struct mr_span line)
{
	size_t at = 0;

	line = mr_span_trim(line);
	if (line.len == 0 || line.p[0] == '#')
		return CLI_OK;
	while (at < line.len && !mr_is(line.p[at], MR_WSP))
		at++;
	return entry_add(r, mr_span_sub(line, 0, at),
			 mr_span_trim(mr_span_sub(line, at, line.len)));
}

static int file_add(struct request *r)
{
	struct mr_span rest, line;
	int code = CLI_OK;
	size_t number = 0;
	int err = strcmp(r->from, "-") == 0 ? mr_read_fd(STDIN_FILENO, FILE_MAX, r->arena, &rest)
					    : mr_read_file(r->from, FILE_MAX, r->arena, &rest);

	if (err < 0)
		return cli_complain(err, "cannot read", r->from);
	while (rest.len > 0 && code == CLI_OK) {
		(void)mr_span_split(rest, '\n', &line, &rest);
		snprintf(r->where, sizeof(r->where), "line %zu: ", ++number);
		code = line_add(r, line);
	}
	return code;
}

/* Options may stand anywhere behind the verb. Returns the words that are left, or -1. */
static int options(struct request *r, int argc, char **argv)
{
	static const struct {
		const char *name;
		enum mr_sender_action action;
	} actions[] = {
		{ "--folder", MR_SENDER_FOLDER },
		{ "--reject", MR_SENDER_REJECT },
		{ "--drop", MR_SENDER_DROP },
	};
	int left = 0;

	for (int i = 0; i < argc; i++) {
		size_t a = r->friend ? MR_COUNT(actions) : 0;

		while (a < MR_COUNT(actions) && strcmp(argv[i], actions[a].name) != 0)
			a++;
		if (a < MR_COUNT(actions))
			r->action = actions[a].action;
		else if (strcmp(argv[i], "--note") == 0 && i + 1 < argc)
			r->note = argv[++i];
		else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc)
			r->from = argv[++i];
		else if (argv[i][0] == '-')
			return -1;
		else
			argv[left++] = argv[i];
	}
	return left;
}

/* Entries of the words and of the file, in that order. */
static int entries(struct request *r, int argc, char **argv)
{
	int code = CLI_OK;

	for (int i = 0; i < argc && code == CLI_OK; i++)
		code = entry_add(r, mr_span_str(argv[i]), mr_span_str(r->note));
	return code == CLI_OK && r->from ? file_add(r) : code;
}

static int owner_of(struct request *r, const char *word)
{
	return strchr(word, '@') ? owner_user(word, what_of(r), &r->owner)
				 : owner_domain(word, what_of(r), &r->owner);
}

/* The lists; NULL: said why, or, where there are none yet, *err_out is MR_ENOENT and nothing was said. */
static struct mr_store *lists(struct request *r, enum mr_store_access access, int *err_out)
{
	MR_AUTO(mr_store) *directory = owner_store(r->cli, MR_STORE_READ, &r->owner, what_of(r));
	struct mr_store *store = NULL;

	*err_out = MR_EINVAL;
	if (!directory)
		return NULL;
	*err_out = mr_store_open(r->cli->set.store, MR_GROUP_SENDERS, access, &store);
	if (*err_out < 0 && *err_out != MR_ENOENT)
		r->cli->away = cli_complain(*err_out, "cannot open the store",
					    mr_store_shown(r->cli->set.store)) == CLI_TEMP;
	return store;
}

static int add(struct request *r)
{
	MR_AUTO(mr_store) *store = NULL;
	int turned, err;

	if (!(store = lists(r, MR_STORE_CREATE, &err)))
		return CLI_FAILED;
	turned = mr_store_sender_put(store, r->owner.local, r->owner.domain, r->entry, r->count);
	if (turned < 0)
		return cli_complain(turned, what_of(r), r->owner.shown);
	if (r->cli->json)
		printf("{\"entries\":%zu,\"turned\":%d}\n", r->count, turned);
	else if (turned > 0)
		fprintf(stderr, "millrace: of %zu, %s until now: %d\n", r->count,
			r->friend ? "blocked" : "friends", turned);
	return CLI_OK;
}

static int remove_all(struct request *r)
{
	MR_AUTO(mr_store) *store = NULL;
	int err, code = CLI_OK;

	store = lists(r, MR_STORE_WRITE, &err);
	if (!store && err != MR_ENOENT)
		return CLI_FAILED;
	for (size_t i = 0; i < r->count; i++) {
		const struct mr_sender_entry *e = &r->entry[i];

		err = store ? mr_store_sender_remove(store, r->owner.local, r->owner.domain,
						     e->entry, r->friend)
			    : MR_ENOENT;
		if (err == MR_ENOENT)
			code = refuse(r, e->entry, "is not in the list");
		else if (err < 0)
			return cli_complain(err, what_of(r), r->owner.shown);
	}
	return code;
}

struct listing {
	const struct request *r;
	struct mr_json *json;
};

static int list_one(void *arg, const struct mr_sender_entry *e)
{
	const struct listing *l = arg;
	const char *action = mr_sender_action_name(e->action);
	char date[MR_DATE_SIZE];

	if ((e->action == MR_SENDER_FRIEND) != l->r->friend)
		return 0;
	mr_date_rfc3339(e->made_s, date);
	if (!l->r->cli->json) {
		printf("%-40.*s %-7s %.10s%s", (int)e->entry.len, e->entry.p, action, date,
		       e->note.len > 0 ? "  " : "");
		cli_show(stdout, e->note);
		putchar('\n');
		return 0;
	}
	mr_json_open(l->json, NULL, '{');
	mr_json_str(l->json, "entry", e->entry);
	mr_json_str(l->json, "action", mr_span_str(action));
	mr_json_str(l->json, "added", mr_span_str(date));
	mr_json_str(l->json, "note", e->note);
	mr_json_close(l->json);
	return 0;
}

static int list(struct request *r)
{
	MR_AUTO(mr_store) *store = NULL;
	MR_AUTO_BUF out = MR_BUF(OUTPUT_MAX);
	struct mr_json json;
	struct listing l = { r, &json };
	int err;

	store = lists(r, MR_STORE_READ, &err);
	if (!store && err != MR_ENOENT)
		return CLI_FAILED;
	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '[');
	err = store ? mr_store_sender_each(store, r->owner.local, r->owner.domain, list_one, &l)
		    : 0;
	mr_json_close(&json);
	if (err == 0 && (err = mr_buf_err(&out)) == 0 && r->cli->json)
		puts(mr_buf_str(&out));
	return err < 0 ? cli_complain(err, "cannot list", r->owner.shown) : CLI_OK;
}

static int run(struct request *r, const char *verb, int argc, char **argv)
{
	bool adds = r->adds = strcmp(verb, "add") == 0, removes = strcmp(verb, "remove") == 0;
	bool named = r->note || r->from || r->action > MR_SENDER_FOLDER;
	int code;

	if (argc < 1 || !(adds || removes || strcmp(verb, "list") == 0) || (!adds && named) ||
	    (adds && argc == 1 && !r->from) || (removes && argc == 1) ||
	    (!adds && !removes && argc > 1))
		return cli_usage(r->cli);
	r->note = r->note ? r->note : "";
	if ((code = owner_of(r, argv[0])) != CLI_OK ||
	    (code = entries(r, argc - 1, argv + 1)) != CLI_OK)
		return code;
	r->where[0] = '\0';
	return adds ? add(r) : removes ? remove_all(r) : list(r);
}

static int senders(struct cli *cli, bool friend, int argc, char **argv)
{
	struct request r = { .cli = cli,
			     .friend = friend,
			     .action = friend ? MR_SENDER_FRIEND : MR_SENDER_FOLDER };
	int words = argc > 2 ? options(&r, argc - 2, argv + 2) : -1, code;

	if (words < 0)
		return cli_usage(cli);
	r.arena = mr_arena_new(ARENA_MAX);
	if (!r.arena)
		return cli_complain(MR_ENOMEM, what_of(&r), NULL);
	r.psl = mr_psl_new(NULL);
	code = run(&r, argv[1], words, argv + 2);
	mr_psl_free(r.psl);
	mr_arena_free(r.arena);
	return code;
}

int cmd_friend(struct cli *cli, int argc, char **argv)
{
	return senders(cli, true, argc, argv);
}

int cmd_block(struct cli *cli, int argc, char **argv)
{
	return senders(cli, false, argc, argv);
}
