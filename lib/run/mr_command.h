/*
 * mr_command: what the commands of mr_control.h do, as text: no socket here. On the control thread.
 */
#ifndef MR_COMMAND_H
#define MR_COMMAND_H

#include "lib/run/mr_control.h"
#include "lib/run/mr_run.h"

/*
 * Append the answer to a command line to out: its lines, and the last one. For trace there is no last
 * line: returns 1, and *cmd_out is what to listen to. Else 0, or MR_ENOMEM, MR_ELIMIT: out is not
 * whole.
 */
MR_MUST_USE int mr_command_run(struct mr_run *run, struct mr_span line, struct mr_buf *out,
			       struct mr_control_cmd *cmd_out);

/* Append a traced line as trace answers it. After an mr_buf_err() out is not whole. */
void mr_command_trace_line(struct mr_buf *out, struct mr_span line, bool json);

#endif
