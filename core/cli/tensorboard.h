/* tensorboard.h - what a run tells whoever watches, as event files too (record/events.h): FOLDER/tensorboard/, for runs of
 * stages a folder in it for each.
 *
 * Every step: loss/NODE and, of every gate, expert/TEACHER-STUDENT and what its policy observes; every epoch: the figures of
 * epochs.jsonl. Steps are those of the journals. That it cannot be written is said once, and no reason to stop. */
#ifndef SY_CLI_TENSORBOARD_H
#define SY_CLI_TENSORBOARD_H

#include "../record/events.h"
#include "../train/run.h"

struct sy_tensorboard {
    struct sy_progress progress;      /* hand out &tensorboard.progress */
    const struct sy_progress *beside; /* is told everything as well */
    char run[4096], folder[4400];     /* the run's, and where files go now */
    struct sy_events *events;         /* opened by the first step that is told */
    bool failed;
};

/* folder: the run's. `beside` outlives it. */
void sy_tensorboard_init(struct sy_tensorboard *tensorboard, const char *folder, const struct sy_progress *beside);
void sy_tensorboard_finish(struct sy_tensorboard *tensorboard);

#endif
