/* stages_choose.c - which repetitions of a stage are trained: the furthest that is not too far, after each one.
 *
 * Greedy, as a walk along a trajectory wants it: at every halt all that lie ahead are measured, with the nodes as they
 * would start there, and the last one within reach is next. Where none is, the nearest is, so that there is an end. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../record/json.h"
#include "../record/run_folder.h"
#include "experiment_parts.h"
#include "stages_parts.h"

const struct sy_field sy_stage_choice_fields[] = {
    SY_PARAM(struct sy_stage_choice, edge,
             .doc = "whose loss, without its weight, says how far a repetition is; not needed where there is one edge"),
    SY_PARAM(struct sy_stage_choice, most, .min = 0, .max = 1e12, .flags = SY_REQUIRED,
             .doc = "the furthest repetition with at most this on the validation part is next; the nearest if all have "
                    "more",
             .reference = "Jin et al., ICCV 2019: greedy search"),
    SY_END,
};

/* ---- reading and checking --------------------------------------------------------------------------------------- */

void sy_stages_read_choice(const struct sy_stage_choice **out, const struct sy_stages *stages, struct sy_setting *group,
                           const struct sy_stage_settings *settings, struct sy_problems *problems) {
    static const struct sy_table table = {sy_stage_choice_fields, 0};
    struct sy_setting *at = sy_setting_get(group, "choose");
    *out = NULL;
    if (!at) {
        return;
    }
    struct sy_stage_choice *choice = sy_arena_take(stages->arena, sizeof *choice);
    at->used = true;
    if (!choice) {
        sy_problem(problems, NULL, "memory is used up");
    } else if (at->kind != SY_SETTING_GROUP) {
        sy_problem(problems, at, "must be a group: choose: { edge = \"teacher->student\"; most = 0.5; };");
    } else if (!settings->repeat.count) {
        sy_problem(problems, at, "chooses among the numbers of `repeat`, and there are none");
    } else if (!settings->restart) {
        sy_problem(
            problems, at,
            "with restart = false schedules see one run of a known length; how many repetitions are chosen is not "
            "known before");
    } else if (sy_fields_read(choice, &table, at, stages->arena, problems)) {
        sy_fields_finish(at, (const struct sy_table *const[]){&table}, 1, NULL, problems);
        choice->at = at;
        *out = choice;
    }
}

/* Index of the edge that is measured; -1: none of that name, or several and no name. */
static int32_t find_edge(const struct sy_stage_choice *choice, const struct sy_experiment *experiment) {
    for (int32_t e = 0; choice->edge && e < experiment->n_edges; e++) {
        if (!strcmp(experiment->edges[e].name, choice->edge)) {
            return e;
        }
    }
    return !choice->edge && experiment->n_edges == 1 ? 0 : -1;
}

void sy_stages_check_choice(const struct sy_stage *stage, const struct sy_experiment *experiment,
                            struct sy_problems *problems) {
    const struct sy_stage_choice *choice = stage->choice;
    if (!choice) {
        return;
    }
    if (!experiment->parts.n_validation) {
        sy_problem(problems, choice->at, "needs samples that nobody trains on: data.validation = 0.1, say");
    }
    if (find_edge(choice, experiment) >= 0) {
        return;
    }
    char known[512] = "none";
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        size_t used = e ? strlen(known) : 0;
        snprintf(known + used, sizeof known - used, "%s\"%s\"", e ? ", " : "", experiment->edges[e].name);
    }
    sy_problem(problems, choice->at, "%s%s%s; there is %s",
               choice->edge ? "no edge is called \"" : "edge must say which of several is measured",
               choice->edge ? choice->edge : "", choice->edge ? "\"" : "", known);
}

size_t sy_stages_previous(const struct sy_stages *stages, size_t index) {
    for (size_t i = index; i-- > stages->at[index].first;) {
        if (!stages->at[i].skipped) {
            return i;
        }
    }
    return stages->count;
}

/* ---- measuring -------------------------------------------------------------------------------------------------- */

/* Mean of the edge's loss over the validation part. */
static int measure_cohort(double *out, struct sy_cohort *cohort, int32_t edge, struct sy_loader *loader,
                          struct sy_error *err) {
    const struct sy_moment now = {0, 0, 0};
    struct sy_batch batch;
    double sum = 0, value;
    int64_t samples = 0;
    int more, status = sy_loader_start(loader, 0, 0, err);
    while (status == SY_OK && (more = sy_loader_next(loader, &batch, err)) != 0) {
        status = more < 0 ? more : sy_cohort_infer(cohort, &batch, err);
        status = status == SY_OK ? sy_cohort_edge_loss(cohort, edge, &batch, &now, &value, err) : status;
        if (status == SY_OK) {
            sum += batch.count * value;
            samples += batch.count;
        }
    }
    *out = samples ? sum / (double)samples : (double)NAN;
    return status;
}

/* How far a repetition is from where the last one that was trained ended. */
static int measure(double *out, const struct sy_stages *stages, size_t index, const char *folder,
                   struct sy_error *err) {
    struct sy_experiment *experiment = sy_stage_experiment(stages, index, folder, err);
    struct sy_cohort *cohort = NULL;
    struct sy_loader *loader = NULL;
    if (!experiment) {
        return err->code;
    }
    int32_t edge = find_edge(stages->at[index].choice, experiment);
    int status =
        edge >= 0 ? SY_OK : sy_fail(err, SY_EINVAL, "stage %s has no edge to be measured", stages->at[index].name);
    status = status == SY_OK ? sy_cohort_create(&cohort, experiment, err) : status;
    status = status == SY_OK ? sy_experiment_loader(&loader, experiment, SY_VALIDATION_PART, err) : status;
    status = status == SY_OK ? measure_cohort(out, cohort, edge, loader, err) : status;
    sy_loader_destroy(loader);
    sy_cohort_destroy(cohort);
    sy_experiment_destroy(experiment);
    return status;
}

/* ---- what is written of it -------------------------------------------------------------------------------------- */

/* What was chosen before, if it was: of a run that is resumed. */
static bool recall(size_t *chosen, const struct sy_stages *stages, size_t index, const json_t *choices, size_t before) {
    const json_t *line;
    size_t i;
    json_array_foreach(choices, i, line) {
        const json_t *after = json_object_get(line, "after"), *number = json_object_get(line, "chosen");
        bool first = before == stages->count;
        if (first ? !json_is_null(after) : json_integer_value(after) != stages->at[before].number) {
            continue;
        }
        for (*chosen = index; *chosen <= stages->at[index].last && json_is_integer(number); ++*chosen) {
            if (stages->at[*chosen].number == json_integer_value(number)) {
                return true;
            }
        }
    }
    return false;
}

static int choose(size_t *chosen, json_t **measured, const struct sy_stages *stages, size_t index,
                  const struct sy_run_options *options, struct sy_error *err) {
    const struct sy_stage *stage = &stages->at[index];
    int status = SY_OK;
    *chosen = index;
    for (size_t i = index; i <= stage->last && status == SY_OK; i++) {
        double value = NAN;
        status = measure(&value, stages, i, options->folder, err);
        if (status == SY_OK) {
            *chosen = value <= stage->choice->most ? i : *chosen;
            sy_json_add(measured, json_pack("{s:I, s:o}", "number", (json_int_t)stages->at[i].number, "loss",
                                            sy_json_number(value)));
        }
    }
    return status;
}

/* One line for a person. */
static void tell(const struct sy_stages *stages, size_t index, size_t chosen, const struct sy_progress *progress) {
    char text[256];
    if (progress && progress->note) {
        snprintf(text, sizeof text, "stage %s: %" PRId64 " is next, %zu passed over", stages->at[index].group,
                 stages->at[chosen].number, chosen - index);
        progress->note(progress->context, text);
    }
}

/* Adds what was measured to what is written already; takes over all but `path`. */
static int note_choice(const char *path, json_t *choices, json_t *after, json_t *measured, int64_t chosen,
                       struct sy_error *err) {
    sy_json_add(&choices,
                json_pack("{s:o, s:o, s:I}", "after", after, "measured", measured, "chosen", (json_int_t)chosen));
    return sy_write_json(path, choices, err);
}

int sy_stages_choose(struct sy_stages *stages, size_t index, const struct sy_run_options *options,
                     struct sy_error *err) {
    struct sy_stage *stage = &stages->at[index];
    size_t before = sy_stages_previous(stages, index), chosen;
    char path[4200];
    snprintf(path, sizeof path, "%s/stages", options->folder);
    int status = sy_make_folders(path, err);
    snprintf(path, sizeof path, "%s/stages/%s-choices.json", options->folder, stage->group);
    bool begins = !options->resume && before == stages->count;
    json_t *choices = begins ? json_array() : json_load_file(path, 0, NULL);
    if (!json_is_array(choices)) { /* not there yet, or damaged: what is measured anew is the same */
        json_decref(choices);
        choices = json_array();
    }
    if (recall(&chosen, stages, index, choices, before)) {
        json_decref(choices);
    } else {
        json_t *measured = json_array();
        for (size_t i = index; i <= stage->last; i++) {
            stages->at[i].skipped = true; /* what comes before a candidate is what was trained last */
        }
        status = status == SY_OK ? choose(&chosen, &measured, stages, index, options, err) : status;
        if (status != SY_OK) {
            json_decref(choices);
            json_decref(measured);
            return status;
        }
        json_t *after = before == stages->count ? json_null() : json_integer(stages->at[before].number);
        status = note_choice(path, choices, after, measured, stages->at[chosen].number, err);
        tell(stages, index, chosen, options->progress);
    }
    for (size_t i = index; i <= stage->last; i++) {
        stages->at[i].skipped = i < chosen;
    }
    stages->at[chosen].chosen = true;
    return status;
}
