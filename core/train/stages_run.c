/* stages_run.c - stages one after the other: checked and trained. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../config/values.h"
#include "memory.h"
#include "run_config.h"
#include "stages_parts.h"

/* ---- checking --------------------------------------------------------------------------------------------------- */

/* What later stages need to know of one; takes its networks' graphs. False when memory is used up. */
static bool remember(struct sy_stages *stages, struct sy_stage *stage, struct sy_experiment *experiment) {
    size_t count = (size_t)experiment->n_nodes, bytes = experiment->train.snapshots.count * sizeof(int64_t);
    int64_t *snapshots = sy_arena_take(stages->arena, bytes + 1);
    stage->nodes = sy_arena_take(stages->arena, count * sizeof *stage->nodes);
    stage->graphs = sy_arena_take(stages->arena, count * sizeof *stage->graphs);
    if (!snapshots || !stage->nodes || !stage->graphs) {
        return false;
    }
    stage->experiment = sy_arena_text(stages->arena, experiment->name);
    stage->seed = experiment->seed;
    stage->steps = sy_experiment_steps(experiment);
    stage->tested = experiment->dataset_info.count[SY_TEST_SPLIT] > 0 || experiment->parts.n_validation > 0;
    stage->train = experiment->train;
    if (bytes) {
        memcpy(snapshots, experiment->train.snapshots.at, bytes);
    }
    stage->train.snapshots.at = snapshots;
    for (; stage->n_nodes < count; stage->n_nodes++) {
        struct sy_node *node = &experiment->nodes[stage->n_nodes];
        stage->nodes[stage->n_nodes] = sy_arena_text(stages->arena, node->name);
        if (!stage->nodes[stage->n_nodes]) {
            return false;
        }
        stage->graphs[stage->n_nodes] = node->full;
        node->full = NULL;
    }
    stage->known = true;
    return stage->experiment != NULL;
}

/* Makes the paths that an experiment made absolute absolute in the file's own tree, so that it runs from anywhere. False
 * when memory is used up. */
static bool take_paths(struct sy_setting *mine, const struct sy_setting *theirs) {
    bool good = true;
    for (size_t i = 0; i < mine->n_children; i++) {
        struct sy_setting *child = mine->children[i];
        const struct sy_setting *there = child->name              ? sy_setting_find(theirs, child->name)
                                         : i < theirs->n_children ? theirs->children[i]
                                                                  : NULL;
        if (!there || there->kind != child->kind) {
            continue;
        }
        bool same = child->line == there->line && child->file && there->file && !strcmp(child->file, there->file);
        if (child->kind == SY_SETTING_STRING && same && child->string[0] != '/' && there->string[0] == '/') {
            char *path = sy_absolute_path(child->string, child->file); /* not theirs: a $ stays one */
            good = path && sy_setting_set_string(child, path) && good;
            free(path);
        }
        good = take_paths(child, there) && good;
    }
    return good;
}

static void check_stage(struct sy_stages *stages, size_t index,
                        void (*show)(void *context, const struct sy_stages *stages, size_t stage,
                                     struct sy_experiment *experiment, const struct sy_memory *need),
                        void *context, struct sy_problems *problems) {
    struct sy_memory need;
    struct sy_stage *stage = &stages->at[index];
    struct sy_setting *config = sy_setting_copy(stage->config), *groups = sy_setting_get(stages->config, "stages");
    struct sy_experiment *experiment = config ? sy_experiment_create(config, stages->registry, problems) : NULL;
    if (!experiment) {
        return;
    }
    sy_stages_check_starts(stages, index, experiment, problems);
    sy_stages_check_choice(stage, experiment, problems);
    bool good = take_paths(stages->config, experiment->config);
    for (size_t i = 0; i < groups->n_children; i++) {
        good = take_paths(groups->children[i], experiment->config) && good;
    }
    if (!sy_problems_count(problems) && sy_memory_check(&need, experiment, problems)) {
        stages->memory = need.total > stages->memory ? need.total : stages->memory;
        if (show) {
            show(context, stages, index, experiment, &need);
        }
    }
    if (!remember(stages, stage, experiment) || !good) {
        sy_problem(problems, NULL, "memory is used up");
    }
    sy_experiment_destroy(experiment);
}

bool sy_stages_check(struct sy_stages *stages,
                     void (*show)(void *context, const struct sy_stages *stages, size_t stage,
                                  struct sy_experiment *experiment, const struct sy_memory *need),
                     void *context, struct sy_problems *problems) {
    size_t before = sy_problems_count(problems);
    for (size_t i = 0; i < stages->count; i++) {
        struct sy_problems *own = sy_problems_create();
        if (!own) {
            sy_problem(problems, NULL, "memory is used up");
            return false;
        }
        check_stage(stages, i, sy_problems_count(problems) == before ? show : NULL, context, own);
        sy_problems_add(problems, own);
        sy_problems_destroy(own);
    }
    return sy_problems_count(problems) == before;
}

void sy_stages_name(const struct sy_stages *stages, const char **name, int64_t *seed) {
    *name = stages->at[0].experiment;
    *seed = stages->at[0].seed;
}

/* ---- training --------------------------------------------------------------------------------------------------- */

static bool is_there(const char *folder, const char *name) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

struct sy_experiment *sy_stage_experiment(const struct sy_stages *stages, size_t index, const char *folder,
                                          struct sy_error *err) {
    struct sy_problems *problems = sy_problems_create();
    struct sy_setting *config = problems ? sy_stage_ready_config(stages, index, folder) : NULL;
    struct sy_experiment *experiment = config ? sy_experiment_create(config, stages->registry, problems) : NULL;
    if (!config) {
        sy_fail(err, SY_ENOMEM, "no memory for stage %s", stages->at[index].name);
    } else if (!experiment) {
        sy_fail(err, SY_EINVAL, "stage %s: %s", stages->at[index].name, sy_problems_text(problems, 0));
    }
    sy_problems_destroy(problems);
    return experiment;
}

static int train_stage(const struct sy_stages *stages, size_t index, const struct sy_run_options *options,
                       int64_t steps, int *end, struct sy_error *err) {
    char folder[4096];
    const struct sy_progress *progress = options->progress;
    sy_stage_folder(folder, sizeof folder, stages, options->folder, index);
    if (is_there(folder, "result.json")) {
        *end = SY_RUN_FINISHED;
        return SY_OK;
    }
    struct sy_experiment *experiment = sy_stage_experiment(stages, index, options->folder, err);
    if (!experiment) {
        return err->code;
    }
    int status = sy_stages_point_at(stages, index, options->folder, err);
    if (status != SY_OK) {
        sy_experiment_destroy(experiment);
        return status;
    }
    if (progress && progress->stage) {
        progress->stage(progress->context, index, stages->count, stages->at[index].name);
    }
    struct sy_run_options own = *options;
    own.folder = folder;
    own.resume = is_there(folder, "run.cfg");
    own.steps = steps;
    status = sy_run_train(experiment, &own, end, err);
    sy_experiment_destroy(experiment);
    return status;
}

int sy_stages_train(struct sy_stages *stages, const struct sy_run_options *options, int *end, struct sy_error *err) {
    struct sy_run_folder *folder;
    bool slightly;
    int64_t before = 0;
    int status = sy_run_folder_open(&folder, options->folder, options->resume, err);
    if (status == SY_OK) {
        status = sy_run_config_keep(folder, stages->config, options->resume, &slightly, err);
    }
    if (status == SY_OK) {
        unlink(sy_run_folder_file(folder, "failure.json"));
    }
    *end = SY_RUN_FINISHED;
    for (size_t i = 0; i < stages->count && status == SY_OK && *end == SY_RUN_FINISHED; i++) {
        int64_t steps = options->steps > 0 ? options->steps - before : 0;
        const struct sy_stage *stage = &stages->at[i];
        if (stage->skipped) {
            continue;
        }
        if (options->steps > 0 && steps <= 0) {
            *end = SY_RUN_STOPPED;
            break;
        }
        if (stage->choice && !stage->chosen) {
            status = sy_stages_choose(stages, i, options, err);
        }
        if (stage->skipped) {
            continue;
        }
        if (status == SY_OK) {
            status = train_stage(stages, i, options, steps, end, err);
            if (status != SY_OK) {
                sy_stages_link_failure(stages, i, options->folder);
            }
        }
        before += stages->at[i].steps;
    }
    if (status == SY_OK && *end == SY_RUN_FINISHED) {
        status = sy_stages_conclude(stages, folder, err);
    }
    sy_run_folder_close(folder);
    return status;
}
