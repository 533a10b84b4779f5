/* Quotas, as a part of the program: what is opened, and the thread that settles and warns. */
#include "lda/lmtpd/server_private.h"
#include "lda/lmtpd/warning.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"

#define ARENA_MAX ((size_t)2 * MR_WARNING_TEMPLATE_MAX)

/* What the operator wrote, appended to out; a name that is empty: nothing. */
static int template_read(const char *path, struct mr_buf *out)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_span text;
	int err;

	if (path[0] == '\0')
		return 0;
	if (!arena)
		return MR_ENOMEM;
	err = mr_read_file(path, MR_WARNING_TEMPLATE_MAX, arena, &text);
	if (err == 0)
		err = mr_warning_check(text);
	return err < 0 ? err : mr_buf_add(out, text);
}

static int template_check(const char *setting, const char *path, struct mr_buf *error)
{
	MR_AUTO_BUF ignored = MR_BUF(MR_WARNING_TEMPLATE_MAX);
	int err = template_read(path, &ignored);

	if (err == MR_EINVAL)
		return mr_run_refuse(error, setting, path,
				     "not a subject, an empty line and a text, with names that "
				     "are known");
	return err < 0 ? mr_run_refuse(error, setting, path, mr_err_text(err)) : 0;
}

int mr_lmtpd_quota_check(const struct mr_settings *set, struct mr_buf *error)
{
	int err = template_check("quota_warning", set->quota_warning, error);

	return err < 0 ? err
		       : template_check("quota_warning_domain", set->quota_warning_domain, error);
}

/* On the thread that settles. */
static int warn(void *arg, const struct mr_quota_warning *w)
{
	struct server *server = arg;
	const struct mr_buf *text =
		w->local.len > 0 ? &server->warning_user : &server->warning_domain;
	int err = mr_warning_send(server->deliver.own, mr_buf_span(text), w,
				  server->deliver.clock.time_s(server->deliver.clock.arg));

	mr_log(err < 0 ? MR_LOG_WARN : MR_LOG_INFO, err < 0 ? "warning not sent" : "warned",
	       MR_KV_SPAN("user", w->local), MR_KV_SPAN("domain", w->domain),
	       MR_KV_INT("percent", w->percent), MR_KV_INT("octets", w->used.octets),
	       MR_KV("error", err < 0 ? mr_err_text(err) : NULL));
	/* What the MTA refuses for good is not tried again. */
	return err == MR_EPERM ? 0 : err;
}

int mr_lmtpd_quota_open(struct server *server, const struct mr_settings *set,
			int (*settings)(void *arg, struct mr_span local, struct mr_span domain,
					struct mr_arena *arena,
					struct mr_user_settings *settings_out))
{
	struct mr_settle_with with = { .mail_fd = server->deliver.mail_fd,
				       .clock = server->deliver.clock,
				       .settings = settings,
				       .arg = server };
	int err;

	server->warning_user = server->warning_domain = MR_BUF(MR_WARNING_TEMPLATE_MAX);
	if ((err = template_read(set->quota_warning, &server->warning_user)) == 0)
		err = template_read(set->quota_warning_domain, &server->warning_domain);
	/* A file of its own, which an older installation does not have yet. */
	if (err == 0)
		err = mr_store_open(set->store, MR_GROUP_QUOTA,
				    mr_store_is_remote(set->store) ? MR_STORE_WRITE
								   : MR_STORE_CREATE,
				    &server->usage);
	if (err < 0) {
		mr_log(MR_LOG_ERROR, "cannot open quotas",
		       MR_KV("store", mr_store_shown(set->store)), MR_KV_ERR(err),
		       MR_KV("why", mr_store_why()));
		return err;
	}
	server->deliver.quota = mr_quota_new(server->usage, server->deliver.clock);
	with.quota = server->deliver.quota;
	with.store = server->usage;
	if (mr_own_able(server->deliver.own))
		with.warn = warn;
	if (with.quota)
		server->settle = mr_settle_new(&with);
	return server->settle ? 0 : MR_ENOMEM;
}

void mr_lmtpd_quota_start(struct server *server)
{
	if (mr_settle_start(server->settle) < 0)
		mr_log(MR_LOG_ERROR, "no thread to count usage: restart");
}

void mr_lmtpd_quota_stop(struct server *server)
{
	mr_settle_free(server->settle);
	server->settle = NULL;
}

void mr_lmtpd_quota_close(struct server *server)
{
	mr_lmtpd_quota_stop(server);
	mr_quota_free(server->deliver.quota);
	mr_store_close(server->usage);
	mr_buf_done(&server->warning_user);
	mr_buf_done(&server->warning_domain);
}
