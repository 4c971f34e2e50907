/* replay.h - policies asked again about a finished run, from its recorded signals: open loop, nothing is trained. */
#ifndef SY_TRAIN_REPLAY_H
#define SY_TRAIN_REPLAY_H

#include "decide.h"

/* A replayed step: what every gate's policy decided. Policies that only watch are told as they decided. A failure ends the
 * replay. */
typedef int (*sy_replayed)(void *context, const struct sy_moment *now, const struct sy_decision *decisions,
                           struct sy_error *err);

/* Asks the experiment's policies about every step that signals.bin (`path`) has, in order, and ends their epochs as the run
 * did. SY_EINVAL where the file is of other nodes or classes, or steps are missing. *damaged: the last record was not
 * whole, as after a crash. */
int sy_replay(struct sy_experiment *experiment, const char *path, sy_replayed replayed, void *context, bool *damaged,
              struct sy_error *err);

#endif
