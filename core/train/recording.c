/* recording.c - see recording.h. */
#include "recording.h"

#include <stdlib.h>

#include "../record/signal_file.h"

struct sy_recording {
    struct sy_signal_writer *writer;
    int32_t *watched; /* nodes */
    const char **names;
    const float **logits;
    int32_t n_watched;
};

bool sy_is_watched(const struct sy_experiment *experiment, int32_t node) {
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        if (experiment->gates[g].teacher == node || experiment->gates[g].student == node) {
            return true;
        }
    }
    return false;
}

static int start(struct sy_recording *recording, const struct sy_experiment *experiment, struct sy_run_folder *folder,
                 int64_t next_step, struct sy_error *err) {
    size_t n = (size_t)experiment->n_nodes;
    recording->watched = calloc(n, sizeof *recording->watched);
    recording->names = calloc(n, sizeof *recording->names);
    recording->logits = calloc(n, sizeof *recording->logits);
    if (!recording->watched || !recording->names || !recording->logits) {
        return sy_fail(err, SY_ENOMEM, "no memory for recorded signals");
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        if (sy_is_watched(experiment, i)) {
            recording->watched[recording->n_watched] = i;
            recording->names[recording->n_watched++] = experiment->nodes[i].name;
        }
    }
    const struct sy_signal_layout layout = {experiment->dataset_info.classes, experiment->data.batch,
                                            recording->n_watched, recording->names};
    return sy_signal_writer_open(&recording->writer, sy_run_folder_file(folder, "signals.bin"), &layout, next_step,
                                 err);
}

int sy_recording_open(struct sy_recording **out, struct sy_cohort *cohort, struct sy_run_folder *folder,
                      int64_t next_step, struct sy_error *err) {
    struct sy_error ignored = {.size = sizeof ignored};
    *out = NULL;
    if (cohort->experiment->train.record_signals == SY_SIGNALS_NONE || !cohort->experiment->n_gates) {
        return SY_OK;
    }
    struct sy_recording *recording = calloc(1, sizeof *recording);
    int status = recording ? start(recording, cohort->experiment, folder, next_step, err)
                           : sy_fail(err, SY_ENOMEM, "no memory for recorded signals");
    if (status != SY_OK) {
        sy_recording_close(recording, &ignored);
        return status;
    }
    cohort->recording = *out = recording;
    return SY_OK;
}

int sy_recording_step(struct sy_recording *recording, const struct sy_cohort *cohort, const struct sy_batch *batch,
                      const struct sy_moment *now, struct sy_error *err) {
    for (int32_t i = 0; i < recording->n_watched; i++) {
        recording->logits[i] = cohort->members[recording->watched[i]].signals[0].logits;
    }
    const struct sy_signal_record record = {now->step, now->epoch, batch->count, batch->labels, recording->logits};
    return sy_signal_writer_append(recording->writer, &record, err);
}

int sy_recording_flush(struct sy_recording *recording, struct sy_error *err) {
    return recording ? sy_signal_writer_flush(recording->writer, err) : SY_OK;
}

int sy_recording_close(struct sy_recording *recording, struct sy_error *err) {
    if (!recording) {
        return SY_OK;
    }
    int status = sy_signal_writer_close(recording->writer, err);
    free(recording->watched);
    free((void *)recording->names);
    free((void *)recording->logits);
    free(recording);
    return status;
}
