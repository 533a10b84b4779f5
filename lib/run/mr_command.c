#include "lib/run/mr_command.h"

#include <unistd.h>

#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_json.h"

#define LINES_MAX 1048576 /* bytes of the lines of one answer */

/* Lines "name value" as they are, or as one JSON object. The value is what stands behind the last
 * blank in stats, whose names may hold blanks, and behind the first one elsewhere. */
struct lines {
	struct mr_span text;
	bool last_blank;
};

static bool is_number(struct mr_span s)
{
	struct mr_cur c = mr_cur(s);
	struct mr_span whole;

	mr_cur_byte(&c, '-');
	whole = mr_cur_take(&c, MR_DIGIT);
	/* RFC 8259 6: no zero in front. */
	if (whole.len == 0 || (whole.len > 1 && whole.p[0] == '0'))
		return false;
	if (mr_cur_byte(&c, '.') && mr_cur_take(&c, MR_DIGIT).len == 0)
		return false;
	return mr_cur_left(&c) == 0;
}

/* A name is at most as long as a metric's and its labels. */
#define NAME_SIZE 512

static void put_json(struct mr_buf *out, struct lines lines)
{
	struct mr_cur c = mr_cur(lines.text);
	struct mr_span line;
	struct mr_json j;

	mr_buf_addc(out, ' ');
	mr_json_init(&j, out);
	mr_json_open(&j, NULL, '{');
	while (mr_cur_line(&c, &line)) {
		size_t at = lines.last_blank ? mr_span_rfind(line, ' ') : mr_span_find(line, ' ');
		struct mr_span value = mr_span_sub(line, at + 1, line.len);
		char name[NAME_SIZE];

		if (mr_span_copyz(mr_span_sub(line, 0, at), name, sizeof(name)) < 0)
			continue;
		if (is_number(value))
			mr_json_raw(&j, name, value);
		else
			mr_json_str(&j, name, value);
	}
	mr_json_close(&j);
	mr_buf_addc(out, '\n');
}

static void put_lines(struct mr_buf *out, struct lines lines, bool json)
{
	struct mr_cur c = mr_cur(lines.text);
	struct mr_span line;

	if (json) {
		put_json(out, lines);
		return;
	}
	while (mr_cur_line(&c, &line)) {
		mr_buf_addc(out, ' ');
		mr_buf_add(out, line);
		mr_buf_addc(out, '\n');
	}
}

void mr_command_trace_line(struct mr_buf *out, struct mr_span line, bool json)
{
	struct mr_json j;

	mr_buf_addc(out, ' ');
	if (json) {
		mr_json_init(&j, out);
		mr_json_open(&j, NULL, '{');
		mr_json_str(&j, "line", line);
		mr_json_close(&j);
	} else {
		mr_buf_add(out, line);
	}
	mr_buf_addc(out, '\n');
}

/* -- the commands: each writes lines and returns 0, or an error whose text is in lines ---------- */

static int run_status(struct mr_run *run, const struct mr_control_cmd *cmd MR_UNUSED,
		      struct mr_buf *lines)
{
	mr_buf_printf(lines, "program %s\nversion %s\npid %d\nuptime_s %lld\nsettings %s\n",
		      run->program->name, mr_version(), (int)getpid(),
		      (long long)((mr_now_ms() - run->start_ms) / 1000),
		      run->settings_path ? run->settings_path : "defaults");
	mr_buf_printf(lines, "state %s\nreloads %llu\nreload_errors %llu\n",
		      run->draining   ? "draining"
		      : run->stopping ? "stopping"
				      : "serving",
		      (unsigned long long)run->reloads, (unsigned long long)run->reload_errors);
	if (run->program->status)
		run->program->status(run, lines);
	return 0;
}

static int run_stats(struct mr_run *run, const struct mr_control_cmd *cmd MR_UNUSED,
		     struct mr_buf *lines)
{
	return mr_metrics_lines(run->metrics, lines);
}

static int run_reload(struct mr_run *run, const struct mr_control_cmd *cmd MR_UNUSED,
		      struct mr_buf *lines)
{
	return mr_run_reload(run, lines);
}

static int run_drain(struct mr_run *run, const struct mr_control_cmd *cmd MR_UNUSED,
		     struct mr_buf *lines MR_UNUSED)
{
	mr_run_stop(run, true);
	return 0;
}

static int run_debug(struct mr_run *run, const struct mr_control_cmd *cmd,
		     struct mr_buf *lines MR_UNUSED)
{
	char name[MR_CONTROL_WORD_MAX + 1];
	bool trace;

	if (mr_span_copyz(cmd->word, name, sizeof(name)) < 0)
		return MR_EINVAL;
	mr_log_debug(name, cmd->on);
	/* "all" may have switched it, too. */
	trace = mr_log_debugs("trace");
	if (trace != run->trace_logged)
		mr_trace_listen(&run->trace, trace ? 1 : -1);
	run->trace_logged = trace;
	return 0;
}

typedef int command_fn(struct mr_run *run, const struct mr_control_cmd *cmd, struct mr_buf *lines);

static command_fn *const commands[] = {
	[MR_CONTROL_STATUS] = run_status, [MR_CONTROL_STATS] = run_stats,
	[MR_CONTROL_TRACE] = NULL,        [MR_CONTROL_RELOAD] = run_reload,
	[MR_CONTROL_DRAIN] = run_drain,   [MR_CONTROL_DEBUG] = run_debug,
};

int mr_command_run(struct mr_run *run, struct mr_span line, struct mr_buf *out,
		   struct mr_control_cmd *cmd_out)
{
	struct mr_control_cmd cmd;
	struct lines answer;
	MR_AUTO_BUF lines = MR_BUF(LINES_MAX);
	int err = mr_control_parse(line, &cmd);

	if (err < 0) {
		mr_buf_adds(out, "ERROR no such command: status, stats, trace [ID], reload, drain, "
				 "debug NAME on|off; each may end in --json\n");
		return mr_buf_err(out);
	}
	if (cmd.verb == MR_CONTROL_TRACE) {
		*cmd_out = cmd;
		return 1;
	}
	err = commands[cmd.verb](run, &cmd, &lines);
	if (err < 0) {
		mr_buf_printf(out, "ERROR %s\n",
			      lines.len > 0 ? mr_buf_str(&lines) : mr_err_text(err));
		return mr_buf_err(out);
	}
	answer = (struct lines){ mr_buf_span(&lines), cmd.verb == MR_CONTROL_STATS };
	if (answer.text.len > 0 || cmd.json)
		put_lines(out, answer, cmd.json);
	mr_buf_adds(out, "OK\n");
	return mr_buf_err(out) < 0 ? mr_buf_err(out) : mr_buf_err(&lines);
}
