/*
 * mr_note_stage: a stage for tests of the runners. It writes X-Note and does what the message's field
 * X-Do asks for, one word for each field: change, empty, add8, body, rcpts, reject, tempfail,
 * discard, fail, slow, env.
 */
#ifndef MR_NOTE_STAGE_H
#define MR_NOTE_STAGE_H

#include "lib/run/mr_stage.h"

/* With all hooks: connect refuses HELO bad.example, rcpt refuses nobody@... */
extern const struct mr_stage mr_note_stage;
/* message alone, and nothing but X-Note: what most stages are. */
extern const struct mr_stage mr_note_quiet_stage;
/* Needs no body. */
extern const struct mr_stage mr_note_header_stage;

#endif
