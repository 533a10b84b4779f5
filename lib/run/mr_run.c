#include "lib/run/mr_run.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_folders.h"
#include "lib/run/mr_notify.h"
#include "lib/run/mr_rights.h"

/* -- settings in force ------------------------------------------------------------------------ */

static struct mr_snapshot *snapshot_new(struct mr_settings *set)
{
	struct mr_snapshot *s = mr_calloc(1, sizeof(*s));

	if (s) {
		s->set = *set;
		s->holders = 1;
		memset(set, 0, sizeof(*set));
	}
	return s;
}

const struct mr_settings *mr_run_settings_hold(struct mr_run *run)
{
	struct mr_snapshot *s;

	pthread_mutex_lock(&run->lock);
	s = run->now;
	s->holders++;
	pthread_mutex_unlock(&run->lock);
	return &s->set;
}

void mr_run_settings_release(struct mr_run *run, const struct mr_settings *set)
{
	struct mr_snapshot *s = (struct mr_snapshot *)(uintptr_t)set;
	bool last;

	pthread_mutex_lock(&run->lock);
	MR_ASSERT(s->holders > 0);
	last = --s->holders == 0;
	pthread_mutex_unlock(&run->lock);
	if (last) {
		mr_settings_done(&s->set);
		mr_free(s);
	}
}

static void snapshot_swap(struct mr_run *run, struct mr_snapshot *next)
{
	struct mr_snapshot *old;

	pthread_mutex_lock(&run->lock);
	old = run->now;
	run->now = next;
	pthread_mutex_unlock(&run->lock);
	mr_run_settings_release(run, &old->set);
}

const char *mr_run_metrics_address(const struct mr_settings *set, const char *word)
{
	const char *found = "";

	for (size_t i = 0; i < set->metrics_listen.count; i++) {
		struct mr_span name, address, item = mr_span_str(set->metrics_listen.item[i]);

		if (!mr_span_split(item, '=', &name, &address))
			return NULL;
		if (mr_span_eq(name, mr_span_str(word)))
			found = address.p; /* the end of item, so it ends in NUL as that does */
	}
	return found;
}

static void warn(const char *setting)
{
	mr_log(MR_LOG_WARN, "takes effect at the next start", MR_KV("setting", setting));
}

static bool is_in(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

/* What was bound or entered at the start stays as it was then, whatever other reloads said since. */
static void warn_fixed(const struct mr_run *run, const struct mr_settings *next)
{
	static const char *const ours[] = { "run_dir", "user", "sandbox", NULL };
	const struct mr_settings *start = &run->start->set;
	const char *word = run->program->word;
	const char *old_metrics = mr_run_metrics_address(start, word);
	const char *metrics = mr_run_metrics_address(next, word);
	size_t count;
	const struct mr_setting *rows = mr_settings_rows(&count);

	for (size_t i = 0; i < count; i++) {
		if ((is_in(ours, rows[i].name) || is_in(run->program->fixed, rows[i].name)) &&
		    !mr_setting_same(&rows[i], start, next))
			warn(rows[i].name);
	}
	if (!old_metrics || !metrics || strcmp(old_metrics, metrics) != 0)
		warn("metrics_listen");
}

static int reload_once(struct mr_run *run, struct mr_buf *error)
{
	struct mr_settings next = { .owned = NULL };
	struct mr_snapshot *s = NULL;
	int err;

	err = run->settings_path ? mr_settings_load(run->settings_path, &next, error)
				 : mr_settings_default(&next);
	if (err == 0 && run->program->check)
		err = run->program->check(&next, error);
	if (err == 0)
		err = mr_rights_suffice(run, &next, error);
	if (err == 0 && !(s = snapshot_new(&next)))
		err = MR_ENOMEM;
	if (err == 0 && run->program->reload) {
		err = run->program->reload(run, &s->set);
		if (err < 0)
			mr_buf_printf(error, "%s: %s", run->program->name, mr_err_text(err));
	}
	if (err == 0) {
		warn_fixed(run, &s->set);
		snapshot_swap(run, s);
		return 0;
	}
	mr_settings_done(&next);
	if (s)
		mr_run_settings_release(run, &s->set);
	if (error->len == 0)
		mr_buf_adds(error, mr_err_text(err));
	return err;
}

int mr_run_reload(struct mr_run *run, struct mr_buf *error)
{
	int err;

	mr_notify_reloading(run->notify_fd);
	err = reload_once(run, error);
	if (err < 0) {
		run->reload_errors++;
		mr_log(MR_LOG_ERROR, "settings not reloaded, the old ones stay",
		       MR_KV("error", mr_buf_str(error)));
	} else {
		run->reloads++;
		mr_log(MR_LOG_INFO, "settings reloaded", MR_KV("settings", run->settings_path));
	}
	mr_notify(run->notify_fd, "READY=1");
	return err;
}

/* -- life ------------------------------------------------------------------------------------- */

int mr_run_init(struct mr_run *run, const struct mr_program *program, const char *settings_path,
		struct mr_settings *start)
{
	*run = (struct mr_run){ .program = program, .notify_fd = -1, .start_ms = mr_now_ms() };
	pthread_mutex_init(&run->lock, NULL);
	mr_trace_init(&run->trace, -1);
	run->metrics = mr_metrics_new(program->metrics, program->metric_count);
	run->settings_path = settings_path ? mr_strdup(settings_path) : NULL;
	run->now = snapshot_new(start);
	if (run->metrics && run->now && (run->settings_path || !settings_path)) {
		run->start = run->now;
		run->start->holders++;
		return 0;
	}
	mr_run_done(run);
	return MR_ENOMEM;
}

static void paths_done(struct mr_run_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		mr_free(paths->path[i]);
	paths->count = 0;
}

void mr_run_done(struct mr_run *run)
{
	if (run->start)
		mr_run_settings_release(run, &run->start->set);
	if (run->now)
		mr_run_settings_release(run, &run->now->set);
	run->start = run->now = NULL;
	paths_done(&run->read);
	paths_done(&run->write);
	mr_folders_free(run->folders);
	run->folders = NULL;
	mr_metrics_free(run->metrics);
	mr_free(run->settings_path);
	if (run->notify_fd >= 0)
		close(run->notify_fd);
	mr_trace_done(&run->trace);
	pthread_mutex_destroy(&run->lock);
}

void mr_run_stop(struct mr_run *run, bool drain)
{
	mr_log(MR_LOG_INFO, drain ? "draining" : "stopping", MR_KV("version", mr_version()));
	if (!run->stopping)
		mr_notify(run->notify_fd, "STOPPING=1");
	run->stopping = true;
	run->draining = drain;
	run->program->stop(run, drain);
}

/* -- for the program -------------------------------------------------------------------------- */

void mr_run_set_state(struct mr_run *run, void *state)
{
	run->state = state;
}

void *mr_run_state(struct mr_run *run)
{
	return run->state;
}

const struct mr_clock *mr_run_clock(struct mr_run *run MR_UNUSED)
{
	return &mr_clock_real;
}

struct mr_metrics *mr_run_metrics(struct mr_run *run)
{
	return run->metrics;
}

static int add_path(struct mr_run_paths *paths, const char *path)
{
	char *copy;

	if (paths->count == MR_RUN_PATHS_MAX)
		return MR_ELIMIT;
	if (!(copy = mr_strdup(path)))
		return MR_ENOMEM;
	paths->path[paths->count++] = copy;
	return 0;
}

int mr_run_may_read(struct mr_run *run, const char *path)
{
	return add_path(&run->read, path);
}

int mr_run_may_write(struct mr_run *run, const char *path)
{
	return add_path(&run->write, path);
}

int mr_run_give(struct mr_run *run, const char *path)
{
	if (!run->becomes)
		return 0;
	return lchown(path, run->user.uid, run->user.gid) < 0 ? mr_err_from_errno(errno) : 0;
}

bool mr_run_traced(struct mr_run *run)
{
	return run && mr_trace_wanted(&run->trace);
}

/* The log line reaches the listeners by the log's sink, so it is written once. */
void mr_run_trace(struct mr_run *run, const char *queue_id, const char *format, ...)
{
	char text[MR_LOG_LINE_MAX + 1], line[MR_LOG_LINE_MAX + 1];
	struct mr_kv kv[2];
	va_list args;

	if (!mr_run_traced(run))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args); /* a longer one is cut, as in the log */
	va_end(args);
	kv[0] = MR_KV("id", queue_id);
	kv[1] = MR_KV("text", text);
	if (mr_log_debugs("trace")) {
		mr_log_line(MR_LOG_DEBUG, "trace", kv, MR_COUNT(kv));
		return;
	}
	mr_log_format(line, "trace", kv, MR_COUNT(kv));
	mr_trace_put(&run->trace, line);
}
