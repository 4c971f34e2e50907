/* stages_start.c - init = "@STAGE.NODE:WHEN": read, and checked against the stage it names. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../config/values.h"
#include "experiment_parts.h"
#include "stages_parts.h"
#include "trajectory.h"
#include "weights.h"

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* The stage of that name, the last of its repetitions, or stages->count. */
static size_t find_stage(const struct sy_stages *stages, const char *name) {
    size_t length = strlen(name), found = stages->count;
    for (size_t i = 0; i < stages->count; i++) {
        const char *there = stages->at[i].name, *dash = strrchr(there, '-');
        if (!strcmp(there, name)) {
            return i;
        }
        if (dash == there + length && !strncmp(there, name, length) &&
            strspn(dash + 1, "0123456789") == strlen(dash + 1)) {
            found = i;
        }
    }
    return found;
}

static void unknown_stage(const struct sy_stages *stages, const char *name, const struct sy_setting *at,
                          struct sy_problems *problems) {
    const char **names = calloc(stages->count + 1, sizeof *names);
    for (size_t i = 0; names && i < stages->count; i++) {
        names[i] = stages->at[i].name;
    }
    const char *near = names ? sy_nearest_name(name, names, stages->count) : NULL;
    if (!strcmp(name, "previous")) {
        sy_problem(problems, at, "\"@previous\" is for stages with `repeat`; name the stage instead");
    } else {
        sy_problem(problems, at, "no stage is called \"%s\"%s%s%s", name, near ? "; did you mean \"" : "",
                   near ? near : "", near ? "\"?" : "");
    }
    free(names);
}

/* ":last", ":best", ":40" or nothing. */
static bool read_moment(struct sy_stage_start *start, const char *when, struct sy_problems *problems) {
    if (!when || !strcmp(when, "last")) {
        start->moment = SY_STAGE_LAST;
    } else if (!strcmp(when, "best")) {
        start->moment = SY_STAGE_BEST;
    } else if (*when && strlen(when) < 10 && strspn(when, "0123456789") == strlen(when) && atol(when) > 0) {
        start->moment = SY_STAGE_EPOCH;
        start->epoch = atol(when);
    } else {
        sy_problem(problems, start->at, "\"%s\" says no moment of a stage; :last, :best or the epochs done, as :40",
                   when);
        return false;
    }
    return true;
}

/* False after a problem. */
static bool read_start(const struct sy_stages *stages, size_t own, struct sy_stage_start *start,
                       struct sy_problems *problems) {
    char *name = sy_arena_text(stages->arena, start->at->string + 1);
    if (!name) {
        sy_problem(problems, NULL, "memory is used up");
        return false;
    }
    char *when = strchr(name, ':'), *dot;
    if (when) {
        *when++ = 0;
    }
    if ((dot = strchr(name, '.'))) {
        *dot = 0;
    }
    start->source = dot ? dot + 1 : start->node;
    start->stage = find_stage(stages, name);
    if (start->stage == stages->count) {
        unknown_stage(stages, name, start->at, problems);
        return false;
    }
    if (start->stage >= own) {
        sy_problem(
            problems, start->at,
            "stage \"%s\" is not before \"%s\": stages run in the order they are written, and a node starts from "
            "what is done",
            stages->at[start->stage].name, stages->at[own].name);
        return false;
    }
    const struct sy_stage *from = &stages->at[start->stage];
    start->previous = from->choice && from->first == stages->at[own].first;
    if (from->choice && !start->previous && start->stage != from->last) {
        sy_problem(problems, start->at,
                   "stage \"%s\" may be passed over; \"@%s\" is the last of its kind, which is not", from->name,
                   from->group);
        return false;
    }
    return read_moment(start, when, problems);
}

/* nodes.NODE.init once more among the stage's places, where problems find file, line and path. */
static struct sy_setting *place_of(struct sy_stage *stage, const struct sy_setting *init) {
    const char *const path[] = {"nodes", init->parent->name};
    struct sy_setting *at = stage->places ? stage->places : calloc(1, sizeof *at); /* an empty group */
    stage->places = at;
    for (size_t i = 0; i < 2 && at; i++) {
        struct sy_setting *there = sy_setting_get(at, path[i]);
        at = there ? there : sy_setting_add(at, SY_SETTING_GROUP, path[i]);
    }
    at = at ? sy_setting_add(at, SY_SETTING_STRING, "init") : NULL;
    char *file = strdup(init->file);
    if (!at || !file || !sy_setting_set_string(at, init->string)) {
        free(file);
        return NULL;
    }
    free((char *)at->file);
    at->file = file;
    at->line = init->line;
    return at;
}

void sy_stages_take_starts(struct sy_stages *stages, size_t index, struct sy_problems *problems) {
    struct sy_stage *stage = &stages->at[index];
    struct sy_setting *nodes = sy_setting_get(stage->config, "nodes");
    size_t count = nodes && nodes->kind == SY_SETTING_GROUP ? nodes->n_children : 0;
    stage->starts = sy_arena_take(stages->arena, (count + 1) * sizeof *stage->starts);
    for (size_t i = 0; i < count && stage->starts; i++) {
        struct sy_setting *node = nodes->children[i], *init = sy_setting_get(node, "init");
        if (!init || init->kind != SY_SETTING_STRING || init->string[0] != '@') {
            continue;
        }
        struct sy_stage_start start = {.node = sy_arena_text(stages->arena, node->name), .at = place_of(stage, init)};
        sy_setting_remove(node, "init");
        if (!start.at || !start.node) {
            sy_problem(problems, NULL, "memory is used up");
        } else if (read_start(stages, index, &start, problems)) {
            stage->starts[stage->n_starts++] = start;
        }
    }
    if (!stage->starts) {
        sy_problem(problems, NULL, "memory is used up");
    }
}

/* ---- checking --------------------------------------------------------------------------------------------------- */

static void check_moment(const struct sy_stage_start *start, const struct sy_stage *from,
                         struct sy_problems *problems) {
    int64_t epochs = from->train.epochs;
    if (start->moment == SY_STAGE_BEST && !from->tested) {
        sy_problem(problems, start->at,
                   "stage \"%s\" has neither a test split nor a validation part, and so no best epoch", from->name);
    } else if (start->moment == SY_STAGE_EPOCH && start->epoch > epochs) {
        sy_problem(problems, start->at, "stage \"%s\" has %" PRId64 " epochs only", from->name, epochs);
    } else if (start->moment == SY_STAGE_EPOCH && start->epoch < epochs &&
               !sy_trajectory_has(&from->train, start->epoch)) {
        sy_problem(problems, start->at,
                   "stage \"%s\" keeps no snapshot after %" PRId64 " epochs; train.snapshots = [%" PRId64
                   "] in that stage, or snapshot_every, keeps it",
                   from->name, start->epoch, start->epoch);
    }
}

static void check_start(const struct sy_stages *stages, const struct sy_stage_start *start,
                        const struct sy_experiment *experiment, struct sy_problems *problems) {
    const struct sy_stage *from = &stages->at[start->stage];
    const struct sy_built_graph *there = NULL, *here = NULL;
    if (!from->known) {
        return; /* its problems are told already */
    }
    check_moment(start, from, problems);
    for (size_t i = 0; i < from->n_nodes; i++) {
        there = strcmp(from->nodes[i], start->source) ? there : from->graphs[i];
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        here = strcmp(experiment->nodes[i].name, start->node) ? here : experiment->nodes[i].full;
    }
    if (!there) {
        const char *near = sy_nearest_name(start->source, from->nodes, from->n_nodes);
        sy_problem(problems, start->at, "stage \"%s\" has no node \"%s\"%s%s%s", from->name, start->source,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    } else if (here) {
        const char *whose = sy_arena_print(stages->arena, "stage \"%s\", node \"%s\"", from->name, start->source);
        sy_weights_match(&there->graph, whose ? whose : from->name, &here->graph, start->at, problems);
    }
}

void sy_stages_check_starts(struct sy_stages *stages, size_t index, const struct sy_experiment *experiment,
                            struct sy_problems *problems) {
    const struct sy_stage *stage = &stages->at[index];
    for (size_t i = 0; i < stage->n_starts; i++) {
        check_start(stages, &stage->starts[i], experiment, problems);
    }
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

void sy_stage_folder(char *out, size_t room, const struct sy_stages *stages, const char *folder, size_t index) {
    snprintf(out, room, "%s%sstages/%zu-%s", folder, *folder ? "/" : "", index + 1, stages->at[index].name);
}

/* What the file has for a node outside its stages, for one that has no predecessor; false: nothing, or no memory. */
static bool own_init(char *out, size_t room, const struct sy_stages *stages, const char *node) {
    char key[512];
    snprintf(key, sizeof key, "nodes.%s.init", node);
    const struct sy_setting *init = sy_setting_find(stages->config, key);
    char *path = init && init->kind == SY_SETTING_STRING ? sy_absolute_path(init->string, init->file) : NULL;
    if (path) {
        snprintf(out, room, "%s", path);
    }
    free(path);
    return path != NULL;
}

/* The file a start of stage `index` names; false: none. At a stage's end that is its last checkpoint, which is always
 * kept. */
static bool start_file(char *out, size_t room, const struct sy_stages *stages, size_t index, const char *folder,
                       const struct sy_stage_start *start) {
    size_t there = start->previous ? sy_stages_previous(stages, index) : start->stage;
    if (there == stages->count) {
        return own_init(out, room, stages, start->node);
    }
    const struct sy_stage *from = &stages->at[there];
    char inside[3072];
    sy_stage_folder(inside, sizeof inside, stages, folder, there);
    if (start->moment == SY_STAGE_BEST) {
        snprintf(out, room, "%s/checkpoints/best/%s.safetensors", inside, start->source);
    } else if (start->moment == SY_STAGE_EPOCH && start->epoch < from->train.epochs) {
        snprintf(out, room, "%s/snapshots/%" PRId64 "/%s.safetensors", inside, start->epoch, start->source);
    } else {
        snprintf(out, room, "%s/checkpoints/%" PRId64 "/%s.safetensors", inside, from->steps, start->source);
    }
    return true;
}

struct sy_setting *sy_stage_ready_config(const struct sy_stages *stages, size_t index, const char *folder) {
    const struct sy_stage *stage = &stages->at[index];
    struct sy_setting *config = sy_setting_copy(stage->config);
    for (size_t i = 0; i < stage->n_starts && config; i++) {
        char path[4096];
        struct sy_setting *node = sy_setting_get(sy_setting_get(config, "nodes"), stage->starts[i].node);
        if (!start_file(path, sizeof path, stages, index, folder, &stage->starts[i])) {
            continue;
        }
        struct sy_setting *init = node ? sy_setting_add(node, SY_SETTING_STRING, "init") : NULL;
        if (!init || !sy_setting_set_string(init, path)) {
            sy_setting_destroy(config);
            config = NULL;
        }
    }
    return config;
}
