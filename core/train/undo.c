/* undo.c - see undo.h. One walk over all that is kept, in a fixed order, which measures, keeps or restores. */
#include "undo.h"

#include <stdlib.h>
#include <string.h>

#include "stateful.h"
#include "weights.h"

enum way { MEASURE, KEEP, RESTORE };

struct sy_undo {
    struct sy_cohort *cohort;
    char *memory;
    size_t size;
};

/* A walk under way. */
struct walk {
    struct sy_experiment *experiment;
    struct sy_cohort *cohort; /* NULL: MEASURE */
    enum way way;
    char *memory;
    size_t at; /* bytes walked over */
};

static char *place(struct walk *walk, size_t bytes) {
    char *here = walk->memory ? walk->memory + walk->at : NULL;
    walk->at += (bytes + 7) / 8 * 8;
    return here;
}

static void walk_bytes(struct walk *walk, void *live, size_t bytes) {
    char *kept = place(walk, bytes);
    if (walk->way == KEEP) {
        memcpy(kept, live, bytes);
    } else if (walk->way == RESTORE) {
        memcpy(live, kept, bytes);
    }
}

static int walk_stored(struct walk *walk, int32_t node, int32_t stored, int32_t index, struct sy_error *err) {
    const struct sy_param *param = walk->experiment->nodes[node].graph->graph.params[index];
    char *kept = place(walk, sy_param_count(param) * sizeof(float));
    if (walk->way == MEASURE) {
        return SY_OK;
    }
    const struct sy_backend_ops *ops = walk->experiment->backend_ops;
    struct sy_tensor tensor = sy_param_tensor(param, SY_F32, kept);
    struct sy_plan *plan = walk->cohort->members[node].plan;
    return walk->way == KEEP ? ops->get(plan, stored, index, &tensor, err)
                             : ops->set(plan, stored, index, &tensor, err);
}

static int walk_node(struct walk *walk, int32_t index, struct sy_error *err) {
    const struct sy_node *node = &walk->experiment->nodes[index];
    const struct sy_graph *graph = &node->graph->graph;
    bool learns = !node->frozen && node->follow.kind != SY_FOLLOWS_WEIGHTS;
    int32_t slots = learns ? sy_optimizer_slots(&node->optimizer) : 0;
    int status = SY_OK;
    if (node->frozen == SY_FROZEN_EVAL) {
        return SY_OK;
    }
    for (int32_t i = 0; i < graph->n_params && status == SY_OK; i++) {
        status = walk_stored(walk, index, SY_PARAMETER_VALUE, i, err);
        for (int32_t k = 0; k < slots && graph->params[i]->role == SY_TRAINABLE && status == SY_OK; k++) {
            status = walk_stored(walk, index, SY_OPTIMIZER_SLOT_0 + k, i, err);
        }
    }
    walk_bytes(walk, walk->cohort ? &walk->cohort->members[index].updates : NULL, sizeof(int64_t));
    return status;
}

static void walk_plugin(struct walk *walk, struct sy_instance *instance, const struct sy_services *services) {
    struct sy_field field;
    for (size_t i = 0; sy_instance_field(instance, i, &field); i++) {
        size_t element = field.type == SY_TYPE_INT32 ? 4 : 8;
        walk_bytes(walk, (char *)instance->self + field.offset, element * (field.count > 1 ? field.count : 1));
    }
    for (size_t b = 0; b < services->n_buffers; b++) {
        walk_bytes(walk, services->buffers[b].at, services->buffers[b].count * sizeof *services->buffers[b].at);
    }
}

static int walk_all(struct walk *walk, struct sy_error *err) {
    struct sy_services *services;
    struct sy_instance *instance;
    int status = SY_OK;
    for (int32_t i = 0; i < walk->experiment->n_nodes && status == SY_OK; i++) {
        status = walk_node(walk, i, err);
    }
    for (int32_t i = 0; status == SY_OK && (instance = sy_stateful_instance(walk->experiment, i, &services)); i++) {
        walk_plugin(walk, instance, services);
    }
    return status;
}

size_t sy_undo_bytes(struct sy_experiment *experiment) {
    struct sy_error none = {.size = sizeof none};
    struct walk walk = {.experiment = experiment, .way = MEASURE};
    walk_all(&walk, &none);
    return walk.at;
}

int sy_undo_create(struct sy_undo **out, struct sy_cohort *cohort, struct sy_error *err) {
    struct sy_undo *undo = calloc(1, sizeof *undo);
    *out = NULL;
    if (undo) {
        undo->cohort = cohort;
        undo->size = sy_undo_bytes(cohort->experiment);
        undo->memory = calloc(1, undo->size + 1);
    }
    if (!undo || !undo->memory) {
        sy_undo_destroy(undo);
        return sy_fail(err, SY_ENOMEM, "no memory to take steps back (train.on_nonfinite)");
    }
    *out = undo;
    return SY_OK;
}

void sy_undo_destroy(struct sy_undo *undo) {
    if (undo) {
        free(undo->memory);
        free(undo);
    }
}

int sy_undo_keep(struct sy_undo *undo, struct sy_error *err) {
    struct walk walk = {undo->cohort->experiment, undo->cohort, KEEP, undo->memory, 0};
    return walk_all(&walk, err);
}

int sy_undo_restore(struct sy_undo *undo, struct sy_error *err) {
    struct walk walk = {undo->cohort->experiment, undo->cohort, RESTORE, undo->memory, 0};
    return walk_all(&walk, err);
}
