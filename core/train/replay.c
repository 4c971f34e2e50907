/* replay.c - see replay.h. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "../host/call.h"
#include "../record/signal_file.h"
#include "recording.h"

struct replay {
    struct sy_experiment *experiment;
    struct sy_signal_reader *reader;
    struct sy_deciding deciding;
    struct sy_signals *signals; /* per node that is recorded */
    struct sy_decision *decisions;
    struct sy_moment now;
    int32_t n_recorded;
};

static int32_t node_called(const struct sy_experiment *experiment, const char *name) {
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        if (!strcmp(experiment->nodes[i].name, name)) {
            return i;
        }
    }
    return -1;
}

/* Room for what is recorded, and to whom it belongs. */
static int match(struct replay *replay, const char *path, struct sy_error *err) {
    const struct sy_experiment *experiment = replay->experiment;
    const struct sy_signal_layout *layout = sy_signal_reader_layout(replay->reader);
    replay->signals = calloc((size_t)layout->n_nodes, sizeof *replay->signals);
    replay->decisions = calloc((size_t)experiment->n_gates + 1, sizeof *replay->decisions);
    if (!replay->signals || !replay->decisions || !sy_deciding_init(&replay->deciding, experiment)) {
        return sy_fail(err, SY_ENOMEM, "no memory for a replay");
    }
    if (layout->classes != experiment->dataset_info.classes) {
        return sy_fail(err, SY_EINVAL, "%s: is of %d classes, the data has %d", path, layout->classes,
                       experiment->dataset_info.classes);
    }
    for (int32_t i = 0; i < layout->n_nodes; i++) {
        int32_t node = node_called(experiment, layout->nodes[i]);
        if (!sy_signals_init(&replay->signals[replay->n_recorded], layout->max_batch, layout->classes)) {
            return sy_fail(err, SY_ENOMEM, "no memory for a replay");
        }
        replay->n_recorded++;
        if (node >= 0) {
            replay->deciding.signals[node] = &replay->signals[i];
        }
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        const struct sy_watch *gate = &experiment->gates[g];
        int32_t missing = !replay->deciding.signals[gate->teacher]   ? gate->teacher
                          : !replay->deciding.signals[gate->student] ? gate->student
                                                                     : -1;
        if (missing >= 0) {
            return sy_fail(err, SY_EINVAL, "%s: has nothing of node \"%s\", which a policy looks at", path,
                           experiment->nodes[missing].name);
        }
    }
    return SY_OK;
}

static int end_epoch(struct replay *replay, struct sy_error *err) {
    int status = SY_OK;
    for (int32_t g = 0; g < replay->experiment->n_gates && status == SY_OK; g++) {
        const struct sy_watch *gate = &replay->experiment->gates[g];
        if (gate->ops->epoch) {
            status =
                SY_CALLED(gate->policy->found, "epoch", gate->ops->epoch(gate->policy->self, replay->now.epoch, err));
        }
    }
    return status;
}

/* To the next step; ends the epoch where that was its last. */
static int advance(struct replay *replay, struct sy_error *err) {
    int status = SY_OK;
    replay->now.step++;
    if (++replay->now.batch == sy_experiment_steps_per_epoch(replay->experiment)) {
        status = end_epoch(replay, err);
        replay->now.epoch++;
        replay->now.batch = 0;
    }
    return status;
}

/* Over the steps that the run took back: nobody saw anything in them. */
static int pass_skipped(struct replay *replay, int64_t step, struct sy_error *err) {
    int status = SY_OK;
    while (status == SY_OK && replay->now.step < step &&
           replay->experiment->train.on_nonfinite == SY_NONFINITE_SKIP_BATCH) {
        status = advance(replay, err);
    }
    return status;
}

static int one_step(struct replay *replay, const struct sy_signal_record *record, const char *path,
                    struct sy_error *err) {
    const struct sy_experiment *experiment = replay->experiment;
    int status = pass_skipped(replay, record->step, err);
    if (status == SY_OK && record->step != replay->now.step) {
        return sy_fail(err, SY_EINVAL, "%s: has step %lld where step %lld should be; steps are missing", path,
                       (long long)record->step, (long long)replay->now.step);
    }
    for (int32_t i = 0; i < replay->n_recorded; i++) {
        sy_signals_set(&replay->signals[i], record->logits[i], record->batch);
    }
    for (int32_t g = 0; g < experiment->n_gates && status == SY_OK; g++) {
        status =
            sy_decide(&replay->decisions[g], &replay->deciding, g, record->batch, record->labels, &replay->now, err);
    }
    return status;
}

static int all_steps(struct replay *replay, const char *path, sy_replayed replayed, void *context,
                     struct sy_error *err) {
    struct sy_signal_record record;
    int status = SY_OK;
    while (status == SY_OK && sy_signal_reader_next(replay->reader, &record)) {
        status = one_step(replay, &record, path, err);
        if (status == SY_OK) {
            status = replayed(context, &replay->now, replay->decisions, err);
        }
        status = status == SY_OK ? advance(replay, err) : status;
    }
    return status;
}

int sy_replay(struct sy_experiment *experiment, const char *path, sy_replayed replayed, void *context, bool *damaged,
              struct sy_error *err) {
    struct replay replay = {.experiment = experiment};
    int status = sy_signal_reader_open(&replay.reader, path, err);
    if (status == SY_OK) {
        status = match(&replay, path, err);
    }
    if (status == SY_OK) {
        status = all_steps(&replay, path, replayed, context, err);
        *damaged = sy_signal_reader_damaged(replay.reader);
    }
    for (int32_t i = 0; i < replay.n_recorded; i++) {
        sy_signals_finish(&replay.signals[i]);
    }
    free(replay.signals);
    free(replay.decisions);
    sy_deciding_finish(&replay.deciding);
    sy_signal_reader_close(replay.reader);
    return status;
}
