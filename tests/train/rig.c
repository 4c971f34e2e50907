/* rig.c - see rig.h. */
#include "rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "train/weights.h"

static void assign(struct sy_setting *config, const char *assignments, struct sy_problems *problems) {
    char *copy = strdup(assignments), *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        cr_assert(sy_setting_assign(config, line, 1, problems), "%s", line);
    }
    free(copy);
}

static void draw(struct rig *rig, struct rig_images images) {
    size_t batch = (size_t)rig->experiment->data.batch, views = (size_t)rig->experiment->n_views;
    size_t count = batch * 3 * (size_t)images.side * (size_t)images.side;
    views = views ? views : 1;
    rig->image = calloc(views * count, sizeof *rig->image);
    rig->labels = calloc(batch, sizeof *rig->labels);
    rig->samples = calloc(batch, sizeof *rig->samples);
    rig->views = calloc(views, sizeof *rig->views);
    cr_assert(rig->image && rig->labels && rig->samples && rig->views);
    for (size_t i = 0; i < views * count; i++) {
        rig->image[i] = (float)((double)((i * 37 + (i / 17) * 5 + (i * i) % 23) % 17) - 8) / 8;
    }
    for (size_t b = 0; b < batch; b++) {
        rig->labels[b] = (int32_t)((3 * b + 1) % (size_t)images.classes);
        rig->samples[b] = (int64_t)b;
    }
    for (size_t v = 0; v < views; v++) {
        rig->views[v] = rig->image + v * count;
    }
}

/* What a stage trains (NULL: the last), without what it would start from. */
static struct sy_setting *take_stage(struct sy_setting *config, const char *name, struct rig *rig) {
    rig->stages = sy_stages_create(config, rig->registry, rig->problems);
    cr_assert(rig->stages != NULL, "%s", sy_problems_text(rig->problems, 0));
    rig->stage = rig->stages->count - 1;
    for (size_t i = 0; name && i < rig->stages->count; i++) {
        rig->stage = strcmp(rig->stages->at[i].name, name) ? rig->stage : i;
    }
    cr_assert(!name || !strcmp(rig->stages->at[rig->stage].name, name), "no stage %s", name);
    struct sy_setting *stage = sy_setting_copy(rig->stages->at[rig->stage].config);
    cr_assert(stage != NULL);
    return stage;
}

static struct rig make(const char *text, const char *file, const char *stage, const char *assignments,
                       struct rig_images images) {
    const struct sy_dataset_info info = {.size = sizeof info,
                                         .classes = images.classes,
                                         .count = {64, 0},
                                         .shape = {3, {3, images.side, images.side}},
                                         .dtype = SY_F32};
    struct rig rig = {.problems = sy_problems_create(), .registry = sy_registry_create("/bin/sh")};
    struct sy_error err = {.size = sizeof err};
    char path[4096];
    const char *root = getenv("SWITCHYARD_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/%s", root ? root : ".", file ? file : "");
    struct sy_setting *config =
        text ? sy_setting_read_text(text, "test.cfg", rig.problems) : sy_setting_read(path, rig.problems);
    cr_assert(config != NULL, "%s: %s", path, sy_problems_text(rig.problems, 0));
    if (!text && sy_setting_find(config, "data.plugin")) {
        sy_setting_remove(sy_setting_get(config, "data"), "plugin"); /* the images come from here */
        sy_setting_remove(sy_setting_get(config, "data"), "path");
    }
    assign(config, assignments ? assignments : "", rig.problems);
    if (sy_is_staged(config)) {
        config = take_stage(config, stage, &rig);
    }
    rig.experiment = sy_experiment_create_unfed(config, rig.registry, &info, rig.problems);
    cr_assert(rig.experiment != NULL, "%s", sy_problems_text(rig.problems, 0));
    cr_assert_eq(sy_cohort_create(&rig.cohort, rig.experiment, &err), SY_OK, "%s", err.text);
    draw(&rig, images);
    return rig;
}

struct rig rig_make(const char *text, const char *file, const char *assignments, struct rig_images images) {
    return make(text, file, NULL, assignments, images);
}

struct rig rig_make_stage(const char *file, const char *stage, const char *assignments, struct rig_images images) {
    return make(NULL, file, stage, assignments, images);
}

void rig_finish(struct rig *rig) {
    sy_cohort_destroy(rig->cohort);
    sy_experiment_destroy(rig->experiment);
    sy_stages_destroy(rig->stages);
    sy_registry_destroy(rig->registry);
    sy_problems_destroy(rig->problems);
    free(rig->image);
    free(rig->labels);
    free(rig->samples);
    free(rig->views);
}

void rig_step(struct rig *rig, int64_t epoch) {
    struct sy_error err = {.size = sizeof err};
    const struct sy_batch batch = {rig->experiment->data.batch, rig->labels, rig->samples, rig->views};
    const struct sy_moment now = {rig->step++, epoch, 0};
    cr_assert_eq(sy_cohort_step(rig->cohort, &batch, &now, &err), SY_OK, "%s", err.text);
}

int32_t rig_node(const struct rig *rig, const char *name) {
    for (int32_t i = 0; i < rig->experiment->n_nodes; i++) {
        if (!strcmp(rig->experiment->nodes[i].name, name)) {
            return i;
        }
    }
    cr_assert(false, "no node %s", name);
    return -1;
}

float *rig_get(const struct rig *rig, const char *node, int32_t stored, const char *parameter, size_t *count) {
    const struct sy_member *member = &rig->cohort->members[rig_node(rig, node)];
    const struct sy_graph *graph = &member->node->graph->graph;
    struct sy_error err = {.size = sizeof err};
    for (int32_t i = 0; i < graph->n_params; i++) {
        if (!strcmp(graph->params[i]->name, parameter)) {
            *count = sy_param_count(graph->params[i]);
            float *values = calloc(*count, sizeof *values);
            struct sy_tensor tensor = sy_param_tensor(graph->params[i], SY_F32, values);
            cr_assert_eq(rig->experiment->backend_ops->get(member->plan, stored, i, &tensor, &err), SY_OK, "%s",
                         err.text);
            return values;
        }
    }
    cr_assert(false, "%s has no %s", node, parameter);
    return NULL;
}

int rig_start(struct rig *rig, const struct rig *other) {
    const struct sy_stage *stage = &rig->stages->at[rig->stage];
    struct sy_error err = {.size = sizeof err};
    int started = 0;
    for (size_t i = 0; i < stage->n_starts; i++) {
        const struct sy_stage_start *start = &stage->starts[i];
        if (start->stage != other->stage) {
            continue;
        }
        cr_assert_eq(start->moment, SY_STAGE_LAST, "%s starts from another moment", start->node);
        struct sy_member *member = &rig->cohort->members[rig_node(rig, start->node)];
        const struct sy_graph *graph = &member->node->graph->graph;
        for (int32_t p = 0; p < graph->n_params; p++) {
            size_t count;
            float *values = rig_get(other, start->source, SY_PARAMETER_VALUE, graph->params[p]->name, &count);
            cr_assert_eq(count, sy_param_count(graph->params[p]));
            struct sy_tensor tensor = sy_param_tensor(graph->params[p], SY_F32, values);
            cr_assert_eq(rig->experiment->backend_ops->set(member->plan, SY_PARAMETER_VALUE, p, &tensor, &err), SY_OK);
            free(values);
        }
        started++;
    }
    return started;
}

void rig_pattern(struct rig *rig, const char *node, int32_t seed) {
    struct sy_member *member = &rig->cohort->members[rig_node(rig, node)];
    const struct sy_graph *graph = &member->node->graph->graph;
    struct sy_error err = {.size = sizeof err};
    int32_t place = 0;
    for (int32_t p = 0; p < graph->n_params; p++) {
        const struct sy_param *param = graph->params[p];
        if (param->role != SY_TRAINABLE) {
            continue;
        }
        size_t count = sy_param_count(param);
        bool norm = param->rank == 1 && param->init.kind == SY_INIT_CONSTANT && param->init.value == 1;
        float *values = calloc(count, sizeof *values);
        for (size_t i = 0; i < count; i++) {
            values[i] = (float)(((double)((7 * i + 3 * (size_t)place + (size_t)seed) % 17) - 8) / 40 + norm);
        }
        struct sy_tensor tensor = sy_param_tensor(param, SY_F32, values);
        cr_assert_eq(rig->experiment->backend_ops->set(member->plan, SY_PARAMETER_VALUE, p, &tensor, &err), SY_OK);
        free(values);
        place++;
    }
}
