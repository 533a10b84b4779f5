#include "lda/lmtpd/server_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "lda/lmtpd/content.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"
#include "lib/mail/mr_name.h"
#include "lib/run/mr_listen.h"
#include "lib/run/mr_srs_ask.h"

#define SWEEP_EVERY 256 /* deliveries: a busy folder is swept often enough */
#define ALL_WORD    "millrace_lmtpd_deliveries_total"

const struct mr_metric mr_lmtpd_metrics[] = {
	[ROW_STORED] = { MR_METRIC_COUNTER, ALL_WORD, "result=\"stored\"",
			 "Recipients by what was answered." },
	[ROW_SPAM] = { MR_METRIC_COUNTER, ALL_WORD, "result=\"spam\"", "" },
	[ROW_DEFERRED] = { MR_METRIC_COUNTER, ALL_WORD, "result=\"deferred\"", "" },
	[ROW_REFUSED] = { MR_METRIC_COUNTER, ALL_WORD, "result=\"refused\"", "" },
	[ROW_SECONDS] = { MR_METRIC_SECONDS, "millrace_lmtpd_delivery_seconds", "",
			  "From MAIL to the answer for a recipient." },
	[ROW_CONNECTIONS] = { MR_METRIC_COUNTER, "millrace_lmtpd_connections_total", "",
			      "Connections accepted." },
	[ROW_OPEN] = { MR_METRIC_GAUGE, "millrace_lmtpd_connections", "", "Connections open." },
	[ROW_TURNED_AWAY] = { MR_METRIC_COUNTER, "millrace_lmtpd_turned_away_total", "",
			      "Connections refused: too many, or out of memory." },
	[ROW_EXPIRED] = { MR_METRIC_COUNTER, "millrace_lmtpd_expired_total", "",
			  "Messages removed from spam folders for their age." },
};
const size_t mr_lmtpd_metric_count = MR_COUNT(mr_lmtpd_metrics);

/* -- the delivery, and what is said about it --------------------------------------------------- */

/* The store does not answer, or does again: a line when it changes, not for each recipient. */
static void store_told(struct server *server, int err)
{
	bool away = err < 0 && err != MR_ENOENT && err != MR_EINVAL && err != MR_ELIMIT;

	if (atomic_exchange(&server->store_away, away) == away)
		return;
	if (away)
		mr_log(MR_LOG_ERROR, "store is away: mail waits", MR_KV_ERR(err),
		       MR_KV("why", mr_store_why()));
	else
		mr_log(MR_LOG_INFO, "store is back");
}

static int store_domain(void *arg, struct mr_span domain)
{
	struct server *server = arg;
	int err = mr_store_domain_exists(server->store, domain);

	store_told(server, err);
	return err;
}

static int store_user(void *arg, struct mr_span local, struct mr_span domain,
		      struct mr_arena *arena, struct mr_user *user_out)
{
	struct server *server = arg;
	int err = mr_store_user_find(server->store, local, domain, arena, user_out);

	store_told(server, err);
	return err;
}

static int store_alias(void *arg, struct mr_span local, struct mr_span domain,
		       struct mr_arena *arena, struct mr_alias *alias_out)
{
	struct server *server = arg;
	int err = mr_store_alias_find(server->store, local, domain, arena, alias_out);

	store_told(server, err);
	return err;
}

static int store_address(void *arg, struct mr_span local, struct mr_span domain,
			 struct mr_arena *arena, struct mr_address *address_out)
{
	struct server *server = arg;
	int err = mr_store_address_find(server->store, local, domain, arena, address_out);

	store_told(server, err);
	return err;
}

static int store_settings(void *arg, struct mr_span local, struct mr_span domain,
			  struct mr_arena *arena, struct mr_user_settings *settings_out)
{
	struct server *server = arg;
	int err = mr_user_settings_get(server->store, local, domain, arena, settings_out);

	store_told(server, err);
	return err;
}

static void op_rcpt(void *arg, struct mr_lmtp_mail *mail, struct mr_lmtp_rcpt *rcpt)
{
	mr_recipient(&((struct server *)arg)->deliver, mail, rcpt);
}

static int op_more(void *arg, struct mr_lmtp_mail *mail)
{
	return mr_deliver_more(&((struct server *)arg)->deliver, mail);
}

static void op_store(void *arg, struct mr_lmtp_mail *mail)
{
	mr_deliver_store(&((struct server *)arg)->deliver, mail);
}

static void op_drop(void *arg, struct mr_lmtp_mail *mail)
{
	mr_deliver_drop(&((struct server *)arg)->deliver, mail);
}

static enum row row_of(const struct mr_lmtp_mail *mail, const struct mr_lmtp_rcpt *rcpt)
{
	if (rcpt->reply.code >= 500)
		return ROW_REFUSED;
	if (rcpt->reply.code >= 400)
		return ROW_DEFERRED;
	if (rcpt->folder && strcmp(rcpt->folder, mail->set->spam_folder) == 0)
		return ROW_SPAM;
	return ROW_STORED;
}

static void log_rcpt(const struct mr_lmtp_mail *mail, const struct mr_lmtp_rcpt *rcpt,
		     const char *result, int64_t ms)
{
	struct mr_kv kv[13];
	size_t count = 0;

	kv[count++] = MR_KV_SPAN("id", mail->queue_id);
	kv[count++] = MR_KV_SPAN("from", mail->mail.from.text);
	kv[count++] = MR_KV_SPAN("to", rcpt->path.text);
	kv[count++] = MR_KV("folder", rcpt->folder);
	kv[count++] = MR_KV_INT("size", (int64_t)mail->size);
	if (rcpt->score)
		kv[count++] = MR_KV("score", rcpt->score);
	if (rcpt->shared)
		kv[count++] = MR_KV("shared", rcpt->shared);
	if (rcpt->threshold)
		kv[count++] = MR_KV("threshold", rcpt->threshold);
	if (rcpt->reason)
		kv[count++] = MR_KV("reason", rcpt->reason);
	if (rcpt->entry)
		kv[count++] = MR_KV("entry", rcpt->entry);
	kv[count++] = MR_KV("result", result);
	kv[count++] = MR_KV("text", rcpt->reply.text);
	kv[count++] = MR_KV_INT("ms", ms);
	mr_log_line(MR_LOG_INFO, rcpt->reply.code < 300 ? "delivered" : "refused", kv, count);
}

static void op_told(void *arg, const struct mr_lmtp_mail *mail, const struct mr_lmtp_rcpt *rcpt,
		    int64_t now_ms)
{
	struct server *server = arg;
	struct mr_metrics *metrics = mr_run_metrics(server->run);
	int64_t ms = now_ms - mail->start_ms;
	char result[64], id[256];

	snprintf(result, sizeof(result), "%d %s", rcpt->reply.code, rcpt->reply.status);
	log_rcpt(mail, rcpt, result, ms);
	mr_metrics_add(metrics, row_of(mail, rcpt), 1);
	mr_metrics_observe_us(metrics, ROW_SECONDS, ms * 1000);
	if (!mr_run_traced(server->run) || mr_span_copyz(mail->queue_id, id, sizeof(id)) < 0)
		return;
	mr_run_trace(server->run, id, "to %.*s: %s %s, folder %s, reason %s%s%s",
		     (int)rcpt->path.text.len, rcpt->path.text.p, result, rcpt->reply.text,
		     rcpt->folder ? rcpt->folder : "-", rcpt->reason ? rcpt->reason : "-",
		     rcpt->entry ? " " : "", rcpt->entry ? rcpt->entry : "");
}

/* -- start ------------------------------------------------------------------------------------ */

int mr_lmtpd_check(const struct mr_settings *set, struct mr_buf *error)
{
	char domain[MR_NAME_DOMAIN_MAX + 1];
	int err = mr_listen_check("lmtp_listen", set->lmtp_listen, "lmtp_socket_mode",
				  set->lmtp_socket_mode, error);

	if (err < 0)
		return err;
	if (mr_own_check(set->reinject, error) < 0 ||
	    mr_own_check_lmtp(set->lmtp_handover, error) < 0 || mr_srs_ask_check(set, error) < 0 ||
	    mr_lmtpd_quota_check(set, error) < 0)
		return MR_EINVAL;
	if (mr_store_check_url(set->store) < 0)
		return mr_run_refuse(error, "store", mr_store_shown(set->store), mr_store_why());
	if (set->system_domain[0] && mr_name_domain(mr_span_str(set->system_domain), domain) <= 0)
		return mr_run_refuse(error, "system_domain", set->system_domain, "no domain");
	for (size_t i = 0; i < set->lmtp_wake.count; i++) {
		if (!mr_wake_is_name(set->lmtp_wake.item[i]))
			return mr_run_refuse(error, "lmtp_wake", set->lmtp_wake.item[i],
					     "not unix:/PATH, or too long");
	}
	return 0;
}

static int open_failed(const char *what, const char *name, int err)
{
	mr_log(MR_LOG_ERROR, what, MR_KV("name", name), MR_KV_ERR(err));
	return err;
}

static int mail_dir_open(struct server *server, const char *path)
{
	int err;

	if ((err = mr_mkdir_at(AT_FDCWD, path, 0700)) < 0 ||
	    (err = mr_open_dir_at(AT_FDCWD, path, &server->deliver.mail_fd)) < 0 ||
	    (err = mr_run_give(server->run, path)) < 0)
		return open_failed("cannot open mail_dir", path, err);
	(void)!mr_content_sweep(server->deliver.mail_fd); /* what stays costs room alone */
	return 0;
}

/* The first thing that is done: what the helper never saw it cannot lose. */
static int homes_open(struct server *server, const struct mr_settings *set)
{
	int err;

	if (!set->system_domain[0])
		return 0;
	err = mr_homes_open(set->system_domain, set->system_uid_min, &server->deliver.homes);
	if (err < 0)
		return open_failed(err == MR_EPERM ? "mail of system users needs a start as root"
						   : "no helper for system users",
				   set->system_domain, err);
	return 0;
}

static void name_host(struct server *server, const struct mr_settings *set)
{
	if (set->authserv_id[0])
		snprintf(server->host, sizeof(server->host), "%s", set->authserv_id);
	else if (gethostname(server->host, sizeof(server->host) - 1) < 0)
		snprintf(server->host, sizeof(server->host), "localhost");
	server->deliver.host = server->host;
}

int mr_lmtpd_open(struct mr_run *run)
{
	struct server *server = mr_calloc(1, sizeof(*server));
	const struct mr_settings *set;
	int err;

	if (!server)
		return MR_ENOMEM;
	server->wake.fd = -1;
	server->run = run;
	server->deliver.mail_fd = -1;
	server->deliver.wake = &server->wake;
	server->deliver.clock = *mr_run_clock(run);
	server->deliver.sweep_every = SWEEP_EVERY;
	server->ops = (struct mr_lmtp_ops){ op_rcpt, op_more, op_store, op_told, op_drop, server };
	mr_run_set_state(run, server);
	mr_listen_descriptors();
	set = mr_run_settings_hold(run);
	name_host(server, set);
	err = homes_open(server, set);
	if (err == 0)
		err = mr_conns_new(&mr_lmtpd_conns, server, server->deliver.clock, &server->conns);
	if (err == 0)
		err = mr_wake_init(&server->wake);
	if (err == 0)
		err = mail_dir_open(server, set->mail_dir);
	if (err == 0) {
		/* A PostgreSQL server is asked in serve(), as the user that we are by then. */
		err = mr_store_open(set->store, MR_GROUP_DIRECTORY, MR_STORE_READ, &server->store);
		if (err < 0)
			open_failed("cannot open the store; `millrace domain add` makes it",
				    mr_store_shown(set->store), err);
	}
	if (err == 0) {
		server->deliver.judge =
			mr_judge_new(set->store, set->spam_model, *mr_run_clock(run));
		server->deliver.expiry = mr_expiry_new();
		/* Half of the workers at most wait for the MTA. */
		server->deliver.own =
			mr_own_new(set->reinject, server->host, (unsigned)set->lmtp_workers / 2,
				   *mr_run_clock(run));
		server->deliver.handover =
			mr_own_new_lmtp(set->lmtp_handover, server->host,
					(unsigned)set->lmtp_workers, *mr_run_clock(run));
		server->deliver.lists = mr_lists_new(set->store, *mr_run_clock(run));
		server->deliver.vacation = mr_vacation_new(set->store, *mr_run_clock(run));
		err = server->deliver.judge && server->deliver.expiry && server->deliver.own &&
				      server->deliver.handover && server->deliver.lists &&
				      server->deliver.vacation
			      ? mr_listen_all(run, server->conns, set->lmtp_listen,
					      set->lmtp_socket_mode, NULL)
			      : MR_ENOMEM;
	}
	if (err == 0)
		err = mr_lmtpd_quota_open(server, set, store_settings);
	server->deliver.directory = (struct mr_directory){ { store_domain, store_user, store_alias,
							     store_address, server },
							   store_settings,
							   server };
	mr_run_settings_release(run, set);
	return err;
}

void mr_lmtpd_close(struct mr_run *run)
{
	struct server *server = mr_run_state(run);

	if (!server)
		return;
	mr_conns_free(server->conns);
	mr_lmtpd_quota_close(server);
	mr_close_at(&server->deliver.mail_fd);
	mr_wake_done(&server->wake);
	mr_homes_close(server->deliver.homes);
	mr_judge_free(server->deliver.judge);
	mr_lists_free(server->deliver.lists);
	mr_expiry_free(server->deliver.expiry);
	mr_own_free(server->deliver.own);
	mr_vacation_free(server->deliver.vacation);
	mr_own_free(server->deliver.handover);
	mr_store_close(server->store);
	mr_free(server);
}

/* -- the service ------------------------------------------------------------------------------ */

int mr_lmtpd_serve(struct mr_run *run)
{
	struct server *server = mr_run_state(run);
	const struct mr_settings *set = mr_run_settings_hold(run);
	unsigned workers = (unsigned)set->lmtp_workers;
	int err;

	mr_run_settings_release(run, set);
	store_told(server, mr_store_ping(server->store, MR_GROUP_DIRECTORY));
	mr_lmtpd_quota_start(server);
	err = mr_conns_serve(server->conns, workers);
	mr_lmtpd_quota_stop(server);
	return err;
}

void mr_lmtpd_stop(struct mr_run *run, bool drain)
{
	mr_conns_stop(((struct server *)mr_run_state(run))->conns, drain);
}

/* -- settings --------------------------------------------------------------------------------- */

/* All others are taken by each connection between two messages. */
int mr_lmtpd_reload(struct mr_run *run, const struct mr_settings *next)
{
	static const char *const fixed[] = {
		"lmtp_listen",
		"mail_dir",
		"store",
		"reinject",
		"srs_domain",
		"quota_warning",
		"quota_warning_domain",
		"lmtp_handover",
		"spam_model",
		"lmtp_workers",
	};

	return mr_run_keep(run, next, fixed, MR_COUNT(fixed));
}

void mr_lmtpd_status(struct mr_run *run, struct mr_buf *out)
{
	struct server *server = mr_run_state(run);

	(void)mr_buf_printf(out, "connections %zu\n", mr_conns_open(server->conns));
	(void)mr_buf_printf(out, "wakes %" PRIuFAST64 "\nwakes_lost %" PRIuFAST64 "\n",
			    atomic_load(&server->wake.told), atomic_load(&server->wake.lost));
}
