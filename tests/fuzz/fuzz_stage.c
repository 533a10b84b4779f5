/* The runner itself, with a stage that deletes, inserts, changes, adds and replaces the body as the
 * message asks. */
#include "tests/fuzz/mr_stage_fuzz.h"
#include "tests/unit/mr_note_stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return mr_stage_fuzz(&mr_note_stage, NULL, NULL, data, size);
}
