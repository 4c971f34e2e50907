/* recording.h - what policies see, kept on disk while a run goes: train.record_signals. */
#ifndef SY_TRAIN_RECORDING_H
#define SY_TRAIN_RECORDING_H

#include "../record/run_folder.h"
#include "cohort.h"

struct sy_recording;

/* Opens signals.bin in the folder, cut back to before `next_step`, and hangs it on the cohort; *out is NULL where the
 * experiment asks for none, or nobody looks at any node. */
int sy_recording_open(struct sy_recording **out, struct sy_cohort *cohort, struct sy_run_folder *folder,
                      int64_t next_step, struct sy_error *err);
/* After policies decided and before anything moved. */
int sy_recording_step(struct sy_recording *recording, const struct sy_cohort *cohort, const struct sy_batch *batch,
                      const struct sy_moment *now, struct sy_error *err);
int sy_recording_flush(struct sy_recording *recording, struct sy_error *err); /* NULL is fine */
int sy_recording_close(struct sy_recording *recording, struct sy_error *err); /* NULL is fine */

/* Whether some gate looks at the node. */
bool sy_is_watched(const struct sy_experiment *experiment, int32_t node);

#endif
