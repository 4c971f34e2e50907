/* run.c - the loop over epochs and steps, and everything that is written on the way. */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/call.h"
#include "choices.h"
#include "lines.h"
#include "manifest.h"
#include "recording.h"
#include "result.h"
#include "run_config.h"
#include "selection.h"
#include "snapshot.h"
#include "trajectory.h"
#include "undo.h"
#include "watchdog.h"

/* A run under way. */
struct run {
    struct sy_experiment *experiment;
    const struct sy_run_options *options;
    struct sy_run_folder *folder;
    struct sy_cohort *cohort;
    struct sy_totals totals;
    struct sy_loader *loader;
    struct sy_selection selection;
    struct sy_energy_meter meter;
    struct sy_costs before;  /* what earlier processes spent on the run */
    double training_seconds; /* of this one */
    struct sy_snapshot snapshot;
    struct sy_recording *signals;
    struct sy_journal *times; /* seconds by phase: in a file of its own, since no two runs agree on them */
    int64_t per_epoch;
    int64_t saved;               /* the step of the last checkpoint; -1 before the first */
    struct sy_undo *undo;        /* NULL: no step is ever taken back */
    struct sy_incident incident; /* for the next line of steps.jsonl */
    double began;
};

static void note(const struct run *run, const char *text) {
    const struct sy_progress *progress = run->options->progress;
    if (progress && progress->note) {
        progress->note(progress->context, text);
    }
}

/* ---- start ------------------------------------------------------------------------------------------------------ */

static int open_folder(struct run *run, struct sy_error *err) {
    bool slightly = false;
    int status = sy_run_folder_open(&run->folder, run->options->folder, run->options->resume, err);
    if (status == SY_OK && run->options->resume) {
        status = sy_choices_recall(run->experiment, run->folder, err);
    }
    if (status == SY_OK) {
        status = sy_run_config_keep(run->folder, run->experiment->config, run->options->resume, &slightly, err);
    }
    if (status == SY_OK) {
        unlink(sy_run_folder_file(run->folder, "failure.json")); /* of an earlier end */
    }
    if (slightly) {
        note(run, "backend or number of threads are not those of the start: results may differ in their last bits");
    }
    return status == SY_OK ? sy_manifest_write(run->experiment, run->folder, err) : status;
}

/* What the backend measured for it belongs to the configuration from then on. */
static int make_cohort(struct run *run, struct sy_error *err) {
    bool noted = false, slightly;
    int status = sy_cohort_create(&run->cohort, run->experiment, err);
    if (status == SY_OK) {
        status = sy_choices_note(run->cohort, &noted, err);
    }
    return status == SY_OK && noted ? sy_run_config_keep(run->folder, run->experiment->config, false, &slightly, err)
                                    : status;
}

/* The newest checkpoint into the cohort, or nothing where there is none yet. */
static int restore(struct run *run, struct sy_error *err) {
    struct sy_checkpoint checkpoint = {0};
    struct sy_error none = {.size = sizeof none};
    char *notes = NULL;
    if (!run->options->resume) {
        return SY_OK;
    }
    int status = sy_checkpoint_newest(&checkpoint, &notes, run->folder, &none);
    if (notes) {
        note(run, notes);
        free(notes);
    }
    if (status == SY_EINVAL) {
        note(run, "no checkpoint yet: begins anew");
        return SY_OK;
    }
    if (status != SY_OK) {
        return sy_fail(err, status, "%s", none.text);
    }
    status = sy_snapshot_restore(&run->snapshot, &checkpoint, err);
    sy_checkpoint_finish(&checkpoint);
    sy_lower_rates(run->cohort, &run->totals);
    return status;
}

/* Journals from where the snapshot says on, and recorded signals from the next step on. */
static int open_journals(struct run *run, struct sy_error *err) {
    struct sy_snapshot *snapshot = &run->snapshot;
    int status =
        sy_journal_open(&snapshot->steps, sy_run_folder_file(run->folder, "steps.jsonl"), snapshot->steps_bytes, err);
    if (status == SY_OK) {
        status = sy_journal_open(&snapshot->epochs, sy_run_folder_file(run->folder, "epochs.jsonl"),
                                 snapshot->epochs_bytes, err);
    }
    return status == SY_OK ? sy_recording_open(&run->signals, run->cohort, run->folder, snapshot->next.step, err)
                           : status;
}

static int start(struct run *run, struct sy_error *err) {
    struct sy_experiment *experiment = run->experiment;
    int status = open_folder(run, err);
    if (status == SY_OK) {
        status = make_cohort(run, err);
    }
    if (status == SY_OK && !sy_totals_init(&run->totals, experiment)) {
        status = sy_fail(err, SY_ENOMEM, "no memory for totals");
    }
    run->snapshot = (struct sy_snapshot){.cohort = run->cohort, .totals = &run->totals};
    if (status == SY_OK) {
        status = restore(run, err);
    }
    run->before = run->snapshot.costs;
    if (status == SY_OK) {
        status = open_journals(run, err);
    }
    if (status == SY_OK) {
        int64_t keep = run->options->resume ? SY_JOURNAL_KEEP_ALL : 0;
        status = sy_journal_open(&run->times, sy_run_folder_file(run->folder, "times.jsonl"), keep, err);
    }
    if (status == SY_OK && experiment->train.on_nonfinite == SY_NONFINITE_SKIP_BATCH) {
        status = sy_undo_create(&run->undo, run->cohort, err);
    }
    if (status == SY_OK) {
        status = sy_experiment_loader(&run->loader, experiment, SY_TRAIN_SPLIT, err);
    }
    return status == SY_OK ? sy_selection_init(&run->selection, run->cohort, &run->totals, run->folder, err) : status;
}

static int finish(struct run *run, int status, struct sy_error *err) {
    struct sy_error ignored = {.size = sizeof ignored};
    struct sy_error *closing = status == SY_OK ? err : &ignored;
    struct sy_journal *journals[] = {run->snapshot.steps, run->snapshot.epochs, run->times};
    for (size_t i = 0; i < sizeof journals / sizeof *journals; i++) {
        int ended = sy_journal_close(journals[i], closing);
        status = status == SY_OK ? ended : status;
    }
    int closed = sy_recording_close(run->signals, closing);
    status = status == SY_OK ? closed : status;
    sy_loader_destroy(run->loader);
    sy_selection_finish(&run->selection);
    sy_undo_destroy(run->undo);
    sy_cohort_destroy(run->cohort);
    sy_totals_finish(&run->totals);
    sy_energy_meter_finish(&run->meter);
    sy_run_folder_close(run->folder);
    return status;
}

/* ---- epochs ----------------------------------------------------------------------------------------------------- */

/* A file that could not be written, but may be later. */
static void warn(const struct run *run, const char *what, const struct sy_error *why) {
    char text[SY_ERROR_ROOM + 128];
    snprintf(text, sizeof text, "warning: %s: %s; training goes on", what, why->text);
    note(run, text);
}

/* Seconds by phase since the last line, and images a second. */
static int note_times(struct run *run, const struct sy_moment *now, double seconds, double evaluation,
                      struct sy_error *err) {
    static const char *const names[SY_PHASES] = {"forward", "policy", "loss", "backward", "update", "loader", "record"};
    json_t *phases = json_object();
    for (int p = 0; p < SY_PHASES; p++) {
        sy_json_put(&phases, names[p], sy_json_number(run->cohort->seconds[p]));
        run->cohort->seconds[p] = 0;
    }
    json_t *line =
        json_pack("{s:I, s:I, s:o, s:o, s:o, s:o}", "epoch", (json_int_t)now->epoch, "step", (json_int_t)now->step,
                  "seconds", sy_json_number(seconds), "evaluation_seconds", sy_json_number(evaluation), "images_per_s",
                  sy_json_number(seconds > 0 ? (double)run->totals.samples / seconds : 0), "phases", phases);
    struct sy_error why = {.size = sizeof why};
    int status = sy_journal_append(run->times, line, err);
    if (status == SY_OK && sy_journal_flush(run->times, &why) != SY_OK) {
        warn(run, "held until there is room", &why);
    }
    return status;
}

static int end_epoch(struct run *run, const struct sy_moment *now, double seconds, struct sy_error *err) {
    struct sy_experiment *experiment = run->experiment;
    const struct sy_progress *progress = run->options->progress;
    double start = sy_seconds_now();
    int status = sy_selection_epoch(&run->selection, now->epoch, run->snapshot.next.step, err);
    double evaluation = sy_seconds_now() - start;
    if (status == SY_OK && run->selection.lost.code != SY_OK) {
        warn(run, "the best weights of this epoch are not kept", &run->selection.lost);
    }
    if (status == SY_OK) {
        status = sy_trajectory_keep(run->cohort, run->folder, now->epoch + 1, err);
    }
    for (int32_t g = 0; g < experiment->n_gates && status == SY_OK; g++) {
        const struct sy_watch *gate = &experiment->gates[g];
        status = gate->ops->epoch
                     ? SY_CALLED(gate->policy->found, "epoch", gate->ops->epoch(gate->policy->self, now->epoch, err))
                     : SY_OK;
    }
    if (status == SY_OK) {
        status = sy_journal_append(run->snapshot.epochs, sy_epoch_line(run->cohort, &run->totals, now), err);
    }
    if (status == SY_OK) {
        status = note_times(run, now, seconds, evaluation, err);
    }
    if (status == SY_OK && progress && progress->epoch) {
        progress->epoch(progress->context, run->cohort, &run->totals, now, sy_seconds_now() - run->began);
    }
    return status;
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static bool asked_to_stop(const struct run *run) {
    return run->options->interrupted && *run->options->interrupted;
}

static bool at_limit(const struct run *run) {
    return run->options->steps > 0 && run->snapshot.next.step >= run->options->steps;
}

/* Adds to the reason of a failed step which samples were in its batch, and where the run can go on from. */
static void tell_where(const struct run *run, const struct sy_batch *batch, struct sy_error *err) {
    enum { SHOWN = 16 };
    size_t used = strlen(err->text), room = sizeof err->text;
    for (int32_t b = 0; b < batch->count && b < SHOWN && used < room; b++) {
        used += (size_t)snprintf(err->text + used, room - used, "%s%lld",
                                 b ? ", " : "; samples of the batch: ", (long long)batch->samples[b]);
    }
    if (batch->count > SHOWN && used < room) {
        used += (size_t)snprintf(err->text + used, room - used, ", ... (%d in all)", batch->count);
    }
    if (used < room && run->saved >= 0) {
        snprintf(err->text + used, room - used, "; the last checkpoint is %s/checkpoints/%lld", run->options->folder,
                 (long long)run->saved);
    } else if (used < room) {
        snprintf(err->text + used, room - used, "; there is no checkpoint yet");
    }
}

/* Takes a failed step back; `err` says why it failed, and is empty afterwards where that worked. */
static int skip(struct run *run, const struct sy_batch *batch, struct sy_error *err) {
    char why[SY_ERROR_ROOM], text[SY_ERROR_ROOM + 64];
    struct sy_moment now = run->snapshot.next;
    sy_short_reason(why, sizeof why, err);
    snprintf(text, sizeof text, "warning: a batch was skipped: %s", why);
    note(run, text);
    json_t *line = sy_skipped_line(run->cohort, batch, &now, why);
    run->cohort->not_finite = -1;
    *err = (struct sy_error){.size = err->size};
    int status = sy_undo_restore(run->undo, err);
    if (status == SY_OK && run->signals) { /* the step may be in there already */
        status = sy_recording_close(run->signals, err);
        run->signals = run->cohort->recording = NULL;
        status = status == SY_OK ? sy_recording_open(&run->signals, run->cohort, run->folder, now.step, err) : status;
    }
    sy_totals_skip(&run->totals);
    if (status != SY_OK) {
        json_decref(line);
        return status;
    }
    run->snapshot.next.step++;
    run->snapshot.next.batch++;
    return sy_journal_append(run->snapshot.steps, line, err);
}

static int one_step(struct run *run, const struct sy_batch *batch, struct sy_error *err) {
    const struct sy_progress *progress = run->options->progress;
    struct sy_moment now = run->snapshot.next;
    int status = run->undo ? sy_undo_keep(run->undo, err) : SY_OK;
    status = status == SY_OK ? sy_cohort_step(run->cohort, batch, &now, err) : status;
    if (status != SY_OK && run->undo && sy_may_skip(run->cohort, &run->totals, err)) {
        return skip(run, batch, err);
    }
    if (status != SY_OK) {
        tell_where(run, batch, err);
        return status;
    }
    double start = sy_seconds_now();
    sy_totals_add(&run->totals, run->cohort, batch->count);
    json_t *line = sy_step_line(run->cohort, &now);
    if (run->incident.happened) {
        sy_add_incident(&line, run->cohort, &run->incident);
        run->incident.happened = false;
    }
    status = sy_journal_append(run->snapshot.steps, line, err);
    run->snapshot.next.step++;
    run->snapshot.next.batch++;
    if (status == SY_OK && progress && progress->step) {
        progress->step(progress->context, run->cohort, &run->totals, &now, start - run->began);
    }
    run->cohort->seconds[SY_PHASE_RECORD] += sy_seconds_now() - start;
    return status;
}

/* The costs of the run until now, over all processes that worked on it. */
static void count_costs(struct run *run) {
    double peak = sy_peak_mib();
    run->snapshot.costs = (struct sy_costs){
        .seconds = run->before.seconds + sy_seconds_now() - run->began,
        .training_seconds = run->before.training_seconds + run->training_seconds,
        .peak_mib = peak > run->before.peak_mib ? peak : run->before.peak_mib,
        .energy_joules = run->before.energy_joules + sy_energy_meter_read(&run->meter),
    };
}

/* What is said should a plugin crash or hang from here on. */
static void tell_checkpoint(const struct run *run) {
    char text[512] = "no checkpoint was kept yet";
    if (run->saved >= 0) {
        snprintf(
            text, sizeof text,
            "the checkpoint of step %lld in %.300s is whole, --resume goes on from there; train.checkpoint_steps says "
            "how often one is written",
            (long long)run->saved, run->options->folder);
    }
    sy_calls_last_words(text);
}

static int save(struct run *run, struct sy_error *err) {
    count_costs(run);
    int status = sy_recording_flush(run->signals, err);
    status = status != SY_OK ? status : sy_snapshot_save(&run->snapshot, run->folder, run->experiment->train.keep, err);
    run->saved = status == SY_OK ? run->snapshot.next.step : run->saved;
    tell_checkpoint(run);
    return status;
}

/* A checkpoint on the way that cannot be written, or journals that it needs, are no reason to lose what was trained: the
 * disk may have room again when the next one is due. At the end they are needed. Recorded signals
 * cannot be held, so that they end the run. */
static int save_if_possible(struct run *run, struct sy_error *err) {
    struct sy_error why = {.size = sizeof why};
    char text[64];
    int status = sy_recording_flush(run->signals, err);
    if (status == SY_OK && save(run, &why) != SY_OK) {
        snprintf(text, sizeof text, "no checkpoint of step %lld", (long long)run->snapshot.next.step);
        warn(run, text, &why);
    }
    return status;
}

/* The rest of the epoch; *whole says whether it got to its end. */
static int train_epoch(struct run *run, bool *whole, struct sy_error *err) {
    int64_t every = run->experiment->train.checkpoint_steps;
    struct sy_batch batch;
    *whole = false;
    int status = sy_loader_start(run->loader, run->experiment->train.first_epoch + run->snapshot.next.epoch,
                                 run->snapshot.next.batch, err);
    while (status == SY_OK && !asked_to_stop(run) && !at_limit(run)) {
        double start = sy_seconds_now();
        int more = sy_loader_next(run->loader, &batch, err);
        run->cohort->seconds[SY_PHASE_LOADER] += sy_seconds_now() - start;
        if (more <= 0) {
            *whole = more == 0;
            return more;
        }
        status = one_step(run, &batch, err);
        bool last = run->snapshot.next.batch == run->per_epoch;
        if (status == SY_OK && every && run->snapshot.next.step % every == 0 && !last) {
            status = save_if_possible(run, err);
        }
        if (status == SY_OK && last) {
            *whole = true;
            return SY_OK;
        }
    }
    return status;
}

/* After a step, or what follows an epoch, failed by a number that is not finite: the run goes on from the start of the
 * epoch with lower rates. `err` says why it failed, and is empty afterwards where that worked. */
static int go_back(struct run *run, struct sy_error *err) {
    struct sy_snapshot *snapshot = &run->snapshot;
    struct sy_error none = {.size = sizeof none}, why = *err;
    char text[SY_ERROR_ROOM + 128];
    run->incident =
        (struct sy_incident){.happened = true, .step = snapshot->next.step, .node = run->cohort->not_finite};
    sy_short_reason(run->incident.why, sizeof run->incident.why, err);
    *err = (struct sy_error){.size = err->size};
    int status = sy_go_back(snapshot, run->folder, &none);
    if (status != SY_OK) {
        snprintf(err->text, sizeof err->text, "%.600s; the run cannot go back: %.400s", why.text, none.text);
        return err->code = status;
    }
    sy_recording_close(run->signals, &none);
    sy_journal_close(snapshot->steps, &none);
    sy_journal_close(snapshot->epochs, &none);
    run->signals = run->cohort->recording = NULL;
    snapshot->steps = snapshot->epochs = NULL;
    run->cohort->not_finite = -1;
    status = open_journals(run, err);
    run->saved = snapshot->next.step;
    tell_checkpoint(run);
    snprintf(text, sizeof text, "warning: %.700s; goes on from step %lld with learning rates times %g",
             run->incident.why, (long long)snapshot->next.step, run->cohort->rate_factor);
    note(run, text);
    return status;
}

/* result.json and predictions.json. */
static int conclude(struct run *run, struct sy_error *err) {
    const struct sy_evaluation *selected;
    int status = sy_selection_conclude(&selected, &run->selection, run->snapshot.next.step, err);
    count_costs(run);
    struct sy_result result = {run->experiment, &run->totals, &run->snapshot.costs, selected};
    return status == SY_OK ? sy_result_write(&result, run->folder, err) : status;
}

/* The rest of an epoch, and what follows it. */
static int one_epoch(struct run *run, struct sy_error *err) {
    struct sy_moment *next = &run->snapshot.next;
    int64_t every = run->experiment->train.checkpoint_every;
    bool whole;
    double start = sy_seconds_now();
    if (next->batch == 0) {
        sy_totals_reset(&run->totals, run->experiment);
    }
    int status = train_epoch(run, &whole, err);
    run->training_seconds += sy_seconds_now() - start;
    if (status != SY_OK || !whole) {
        return status;
    }
    struct sy_moment last = {next->step - 1, next->epoch, next->batch - 1};
    status = end_epoch(run, &last, sy_seconds_now() - start, err);
    if (status == SY_OK) {
        next->epoch++;
        next->batch = 0;
        status = every && next->epoch % every == 0 ? save_if_possible(run, err) : SY_OK;
    }
    return status;
}

static int train(struct run *run, int *end, struct sy_error *err) {
    struct sy_experiment *experiment = run->experiment;
    struct sy_moment *next = &run->snapshot.next;
    int status = SY_OK;
    run->saved = next->step > 0 ? next->step : -1; /* what was resumed from is there already */
    run->began = sy_seconds_now();
    sy_energy_meter_init(&run->meter, NULL);
    tell_checkpoint(run);
    sy_calls_watch(experiment->train.call_limit);
    if (run->saved < 0) {
        status = save_if_possible(run, err); /* something to go on from, should a plugin crash in the first epoch */
    }
    while (status == SY_OK && next->epoch < experiment->train.epochs && !asked_to_stop(run) && !at_limit(run)) {
        status = one_epoch(run, err);
        if (status != SY_OK && sy_may_lower(run->cohort, &run->totals, err)) {
            status = go_back(run, err);
        }
    }
    if (status == SY_OK && run->saved != next->step) {
        status = save(run, err);
    }
    bool finished = next->epoch >= experiment->train.epochs;
    if (status == SY_OK && finished) {
        status = conclude(run, err);
    }
    sy_calls_watch(0);
    sy_calls_last_words(NULL);
    sy_calls_step(-1);
    *end = finished ? SY_RUN_FINISHED : asked_to_stop(run) ? SY_RUN_INTERRUPTED : SY_RUN_STOPPED;
    return status;
}

int sy_run_train(struct sy_experiment *experiment, const struct sy_run_options *options, int *end,
                 struct sy_error *err) {
    struct run run = {.experiment = experiment, .options = options};
    run.per_epoch = sy_experiment_steps_per_epoch(experiment);
    int status = start(&run, err);
    if (status == SY_OK) {
        status = train(&run, end, err);
        if (status != SY_OK) {
            sy_note_divergence(run.cohort, &run.snapshot.next, run.folder, err->text);
        }
    }
    return finish(&run, status, err);
}
