/* watchdog.c - see watchdog.h. */
#include "watchdog.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "finite.h"
#include "weights.h"

/* ---- parameters ------------------------------------------------------------------------------------------------- */

/* Fails where something stored of a parameter is not finite; `what` comes before the parameter's name. */
static int expect_stored(struct sy_cohort *cohort, struct sy_member *member, int32_t stored, int32_t index,
                         const char *what, struct sy_error *err) {
    const struct sy_param *param = member->node->graph->graph.params[index];
    struct sy_tensor values = sy_param_tensor(param, SY_F32, cohort->parameter_scratch);
    size_t count = sy_param_count(param);
    int status = cohort->experiment->backend_ops->get(member->plan, stored, index, &values, err);
    size_t at = status == SY_OK ? sy_first_not_finite(cohort->parameter_scratch, count) : count;
    if (status == SY_OK && at < count) {
        cohort->not_finite = (int32_t)(member - cohort->members);
        status = sy_fail(err, SY_ERANGE, "%s%s is not finite (%g at element %zu); %s", what, param->name,
                         (double)cohort->parameter_scratch[at], at, SY_DIVERGED);
    }
    return status;
}

/* Gradients first, for they say more. Values are looked at as well, since an update can go too far, and running statistics
 * have no gradient; second moments, since they overflow before anything else and stop a parameter without a trace. */
int sy_watch_parameters(struct sy_cohort *cohort, const struct sy_moment *now, struct sy_error *err) {
    int status = SY_OK;
    for (int32_t n = 0; n < cohort->experiment->n_nodes && status == SY_OK; n++) {
        struct sy_member *member = &cohort->members[n];
        const struct sy_graph *graph = &member->node->graph->graph;
        bool moments = member->on && member->node->follow.kind != SY_FOLLOWS_WEIGHTS &&
                       sy_optimizer_slots(&member->node->optimizer) > 1;
        for (int32_t i = 0; i < graph->n_params && member->node->frozen != SY_FROZEN_EVAL && status == SY_OK; i++) {
            bool trainable = graph->params[i]->role == SY_TRAINABLE;
            if (trainable && member->on) {
                status = expect_stored(cohort, member, SY_PARAMETER_GRADIENT, i, "the gradient of ", err);
            }
            if (trainable && moments && status == SY_OK) {
                status = expect_stored(cohort, member, SY_OPTIMIZER_SLOT_1, i, "the second moment of ", err);
            }
            status = status == SY_OK ? expect_stored(cohort, member, SY_PARAMETER_VALUE, i, "", err) : status;
        }
        status = sy_blame(err, status, member->node->name, now);
    }
    return status;
}

/* ---- what becomes of a step ------------------------------------------------------------------------------------- */

SY_PRINTF(2, 3) static void add_reason(struct sy_error *err, const char *format, ...) {
    size_t used = strlen(err->text);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text + used, sizeof err->text - used, format, args);
    va_end(args);
}

bool sy_may_skip(const struct sy_cohort *cohort, const struct sy_totals *totals, struct sy_error *err) {
    const struct sy_train_settings *train = &cohort->experiment->train;
    if (train->on_nonfinite != SY_NONFINITE_SKIP_BATCH || cohort->not_finite < 0) {
        return false;
    }
    if (totals->skipped_in_row >= train->skip_limit) {
        add_reason(err, "; the %lld batches before it were skipped for the same reason (train.skip_limit)",
                   (long long)totals->skipped_in_row);
        return false;
    }
    return true;
}

bool sy_may_lower(const struct sy_cohort *cohort, const struct sy_totals *totals, struct sy_error *err) {
    const struct sy_train_settings *train = &cohort->experiment->train;
    if (train->on_nonfinite != SY_NONFINITE_LOWER_RATE || cohort->not_finite < 0) {
        return false;
    }
    if (totals->lowered >= train->lower_limit) {
        add_reason(err, "; the learning rates were lowered %lld times before (train.lower_limit)",
                   (long long)totals->lowered);
        return false;
    }
    return true;
}

void sy_short_reason(char *out, size_t room, const struct sy_error *err) {
    snprintf(out, room, "%.*s", (int)strcspn(err->text, ";"), err->text);
}

json_t *sy_skipped_line(const struct sy_cohort *cohort, const struct sy_batch *batch, const struct sy_moment *now,
                        const char *why) {
    const struct sy_experiment *experiment = cohort->experiment;
    json_t *nodes = json_object(), *samples = json_array();
    for (int32_t b = 0; b < batch->count; b++) {
        sy_json_add(&samples, json_integer(batch->samples[b]));
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        sy_json_put(&nodes, experiment->nodes[i].name,
                    json_pack("{s:n, s:n, s:b, s:o, s:n}", "loss", "label_loss", "on", 0, "lr",
                              sy_json_number(cohort->members[i].lr), "correct"));
    }
    return json_pack("{s:I, s:I, s:{s:s, s:o, s:o}, s:o, s:[]}", "step", (json_int_t)now->step, "epoch",
                     (json_int_t)now->epoch, "skipped", "node", experiment->nodes[cohort->not_finite].name, "why",
                     sy_json_string(why), "samples", samples, "nodes", nodes, "gates");
}

void sy_add_incident(json_t **line, const struct sy_cohort *cohort, const struct sy_incident *incident) {
    sy_json_put(line, "went_back",
                json_pack("{s:I, s:s, s:o, s:o}", "from", (json_int_t)incident->step, "node",
                          cohort->experiment->nodes[incident->node].name, "rate_factor",
                          sy_json_number(cohort->rate_factor), "why", sy_json_string(incident->why)));
}

/* ---- back ------------------------------------------------------------------------------------------------------- */

void sy_lower_rates(struct sy_cohort *cohort, const struct sy_totals *totals) {
    cohort->rate_factor = 1;
    for (int64_t i = 0; i < totals->lowered; i++) {
        cohort->rate_factor *= cohort->experiment->train.lower_factor;
    }
}

int sy_go_back(struct sy_snapshot *snapshot, struct sy_run_folder *folder, struct sy_error *err) {
    struct sy_checkpoint checkpoint;
    int64_t lowered = snapshot->totals->lowered;
    int status = sy_checkpoint_of(&checkpoint, folder, sy_snapshot_epoch_start(snapshot), err);
    if (status != SY_OK) {
        return status;
    }
    status = sy_snapshot_restore(snapshot, &checkpoint, err);
    if (status == SY_OK) { /* before journals are cut: a later checkpoint wants them as long as they were */
        status = sy_checkpoint_forget_after(folder, checkpoint.step, err);
    }
    snapshot->totals->lowered = lowered + 1;
    sy_lower_rates(snapshot->cohort, snapshot->totals);
    sy_checkpoint_finish(&checkpoint);
    return status;
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

void sy_note_divergence(const struct sy_cohort *cohort, const struct sy_moment *now, struct sy_run_folder *folder,
                        const char *reason) {
    struct sy_error ignored = {.size = sizeof ignored};
    if (cohort && cohort->not_finite >= 0) {
        sy_write_json(sy_run_folder_file(folder, "failure.json"),
                      json_pack("{s:o, s:{s:s, s:I, s:I}}", "reason", sy_json_string(reason), "diverged", "node",
                                cohort->experiment->nodes[cohort->not_finite].name, "step", (json_int_t)now->step,
                                "epoch", (json_int_t)now->epoch),
                      &ignored);
    }
}
