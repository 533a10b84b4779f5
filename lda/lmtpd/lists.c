#include "lda/lmtpd/lists.h"

#include <pthread.h>

#include "lda/lmtpd/content.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_ours.h"

/* The tables of 10,000 fields, and what is read of a few. */
#define ARENA_SIZE ((size_t)8 << 20)

struct mr_lists {
	char *url;
	struct mr_clock clock;
	struct mr_psl *psl; /* NULL: there is none here; domains must then be equal */
	pthread_mutex_t lock; /* of what follows */
	struct mr_store *store;
	int64_t retry_ms;
	int open_err, err; /* of the last try to open; of the last question */
};

struct mr_lists *mr_lists_new(const char *store, struct mr_clock clock)
{
	struct mr_lists *l = mr_calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->clock = clock;
	l->url = mr_strdup(store);
	if (!l->url) {
		mr_free(l);
		return NULL;
	}
	l->psl = mr_psl_new(NULL);
	MR_ASSERT(pthread_mutex_init(&l->lock, NULL) == 0);
	return l;
}

void mr_lists_free(struct mr_lists *l)
{
	if (!l)
		return;
	mr_store_close(l->store);
	mr_psl_free(l->psl);
	mr_free(l->url);
	pthread_mutex_destroy(&l->lock);
	mr_free(l);
}

/* -- the store -------------------------------------------------------------------------------- */

/* MR_ENOENT: nobody has entries yet, so there is no such group: it is looked for each time. */
static int store_open(struct mr_lists *l, struct mr_store **store_out)
{
	int64_t now = l->clock.now_ms(l->clock.arg);
	int err;

	pthread_mutex_lock(&l->lock);
	if (!l->store && (l->open_err == 0 || l->open_err == MR_ENOENT || now >= l->retry_ms)) {
		l->retry_ms = now + MR_LISTS_RETRY_MS;
		l->open_err = mr_store_open(l->url, MR_GROUP_SENDERS, MR_STORE_READ, &l->store);
	}
	err = l->store ? 0 : l->open_err;
	*store_out = l->store;
	pthread_mutex_unlock(&l->lock);
	return err;
}

/* An outage is one line, and its end another. */
static void told(struct mr_lists *l, int err)
{
	int before;

	err = err == MR_ENOENT ? 0 : err;
	pthread_mutex_lock(&l->lock);
	before = l->err;
	l->err = err;
	pthread_mutex_unlock(&l->lock);
	if (err < 0 && before == 0)
		mr_log(MR_LOG_ERROR, "lists of senders cannot be read: mail waits",
		       MR_KV("store", mr_store_shown(l->url)), MR_KV_ERR(err),
		       MR_KV("why", mr_store_why()));
	else if (err == 0 && before < 0)
		mr_log(MR_LOG_INFO, "lists of senders can be read again");
}

/* -- the message ------------------------------------------------------------------------------ */

/* Through the empty line that ends the header; all, if there is none. */
static struct mr_span header_of(struct mr_span raw)
{
	size_t end = raw.len > 0 && raw.p[0] == '\n' ? 0 : mr_span_search(raw, MR_SPAN("\n\n"));

	return mr_span_sub(raw, 0, end < raw.len ? end + 2 : end);
}

static int origin_read(const struct mr_lists *l, struct mr_lmtp_mail *mail,
		       struct mr_origin *origin)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_SIZE);
	struct mr_span raw;
	struct mr_ours ours;
	struct mr_msg msg;
	uint32_t end;
	int err = MR_ENOMEM;

	if (!arena || (err = mr_content_whole(mail, &raw)) < 0)
		return err;
	raw = header_of(mr_span_sub(raw, 0, MR_LISTS_HEADER_MAX));
	if ((err = mr_msg_parse(raw, &mr_msg_limits_default, arena, &msg)) < 0)
		return err;
	mr_ours_init(&ours, mail->set);
	end = mr_belief_delivered(&ours.belief, msg.field, msg.part[0].field_count);
	return mr_origin_read(&msg, mail->mail.from.text, &ours.belief, end, l->psl, arena, origin);
}

/* Read once for all recipients. */
static int origin_of(const struct mr_lists *l, struct mr_lmtp_mail *mail,
		     const struct mr_origin **origin_out)
{
	struct mr_content *c = mail->memo;
	struct mr_origin *origin;
	int err;

	if (!c->origin) {
		if (!(origin = mr_arena_alloc(mail->arena, sizeof(*origin))))
			return MR_ENOMEM;
		if ((err = origin_read(l, mail, origin)) < 0)
			return err;
		c->origin = origin;
	}
	*origin_out = c->origin;
	return 0;
}

int mr_lists_ask(struct mr_lists *l, struct mr_lmtp_mail *mail, struct mr_span local,
		 struct mr_span domain, struct mr_span also, struct mr_sender_says *says_out)
{
	static const struct mr_sender_says nothing = { .action = MR_SENDER_NONE };
	const struct mr_origin *origin = NULL;
	struct mr_store *store;
	int err = store_open(l, &store);

	if (err == 0 && (err = origin_of(l, mail, &origin)) < 0)
		return err;
	if (err == 0)
		err = mr_sender_rule_ask(store, local, domain, also, origin, says_out);
	told(l, err);
	if (err == MR_ENOENT) {
		*says_out = nothing;
		return 0;
	}
	if (err == 0 && says_out->action == MR_SENDER_REJECT && !origin->answerable)
		says_out->action = MR_SENDER_FOLDER;
	return err;
}
