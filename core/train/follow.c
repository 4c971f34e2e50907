/* follow.c - see follow.h. */
#include "follow.h"

#include <stdlib.h>

#include "../host/call.h"
#include "weights.h"

static const struct sy_graph *graph_of(const struct sy_cohort *cohort, int32_t node) {
    return &cohort->members[node].node->graph->graph;
}

static int get(struct sy_cohort *cohort, int32_t node, int32_t stored, int32_t index, float *to, struct sy_error *err) {
    struct sy_tensor tensor = sy_param_tensor(graph_of(cohort, node)->params[index], SY_F32, to);
    return cohort->experiment->backend_ops->get(cohort->members[node].plan, stored, index, &tensor, err);
}

static int set(struct sy_cohort *cohort, int32_t node, int32_t stored, int32_t index, float *from,
               struct sy_error *err) {
    struct sy_tensor tensor = sy_param_tensor(graph_of(cohort, node)->params[index], SY_F32, from);
    return cohort->experiment->backend_ops->set(cohort->members[node].plan, stored, index, &tensor, err);
}

/* Copies parameters of one role (0: of both) from one node to another of the same form. */
static int copy(struct sy_cohort *cohort, int32_t to, int32_t from, int32_t role, struct sy_error *err) {
    const struct sy_graph *graph = graph_of(cohort, to);
    float *values = cohort->follow_scratch[0];
    int status = SY_OK;
    for (int32_t i = 0; i < graph->n_params && status == SY_OK; i++) {
        if (role && graph->params[i]->role != role) {
            continue;
        }
        status = get(cohort, from, SY_PARAMETER_VALUE, i, values, err);
        status = status == SY_OK ? set(cohort, to, SY_PARAMETER_VALUE, i, values, err) : status;
    }
    return status;
}

/* ---- start ------------------------------------------------------------------------------------------------------ */

static bool allocate(struct sy_cohort *cohort) {
    size_t largest = 0;
    for (int32_t n = 0; n < cohort->experiment->n_nodes; n++) {
        const struct sy_graph *graph = graph_of(cohort, n);
        for (int32_t i = 0; cohort->members[n].node->follow.kind && i < graph->n_params; i++) {
            size_t count = sy_param_count(graph->params[i]);
            largest = count > largest ? count : largest;
        }
    }
    for (int k = 0; k < 2 && largest; k++) {
        cohort->follow_scratch[k] = calloc(largest, sizeof *cohort->follow_scratch[k]);
        if (!cohort->follow_scratch[k]) {
            return false;
        }
    }
    return true;
}

int sy_follow_start(struct sy_cohort *cohort, struct sy_error *err) {
    int status = SY_OK;
    if (!allocate(cohort)) {
        return sy_fail(err, SY_ENOMEM, "no memory for nodes that follow others");
    }
    /* Averages first: others may have their weights. */
    for (int kind = SY_FOLLOWS_AVERAGE; kind <= SY_FOLLOWS_WEIGHTS; kind++) {
        for (int32_t n = 0; n < cohort->experiment->n_nodes && status == SY_OK; n++) {
            const struct sy_node *node = cohort->members[n].node;
            if (node->follow.kind == kind && (kind == SY_FOLLOWS_WEIGHTS || !node->init)) {
                status = copy(cohort, n, node->follow.node, 0, err);
            }
        }
    }
    return status;
}

void sy_follow_finish(struct sy_cohort *cohort) {
    free(cohort->follow_scratch[0]);
    free(cohort->follow_scratch[1]);
}

/* ---- in a step -------------------------------------------------------------------------------------------------- */

int sy_follow_statistics(struct sy_cohort *cohort, int32_t index, struct sy_error *err) {
    struct sy_member *member = &cohort->members[index];
    const struct sy_follow *follow = &member->node->follow;
    bool shared = follow->kind == SY_FOLLOWS_WEIGHTS;
    int status = shared ? copy(cohort, index, follow->node, SY_STATISTIC, err) : SY_OK;
    if (status == SY_OK) {
        status = SY_CALLED(cohort->experiment->backend->found, "statistics",
                           cohort->experiment->backend_ops->statistics(member->plan, err));
    }
    return shared && status == SY_OK ? copy(cohort, follow->node, index, SY_STATISTIC, err) : status;
}

bool sy_follow_moves_statistics(const struct sy_node *node) {
    return node->follow.kind == SY_FOLLOWS_AVERAGE && node->follow.buffers != SY_BUFFERS_OWN;
}

/* g += g of the other, for one parameter of the node */
static int gather_parameter(struct sy_cohort *cohort, int32_t node, int32_t other, int32_t index,
                            struct sy_error *err) {
    float *own = cohort->follow_scratch[0], *more = cohort->follow_scratch[1];
    size_t count = sy_param_count(graph_of(cohort, node)->params[index]);
    int status = get(cohort, node, SY_PARAMETER_GRADIENT, index, own, err);
    status = status == SY_OK ? get(cohort, other, SY_PARAMETER_GRADIENT, index, more, err) : status;
    for (size_t i = 0; i < count && status == SY_OK; i++) {
        own[i] += more[i];
    }
    return status == SY_OK ? set(cohort, node, SY_PARAMETER_GRADIENT, index, own, err) : status;
}

int sy_follow_gather(struct sy_cohort *cohort, int32_t index, struct sy_error *err) {
    const struct sy_graph *graph = graph_of(cohort, index);
    int status = SY_OK;
    for (int32_t n = 0; n < cohort->experiment->n_nodes && status == SY_OK; n++) {
        const struct sy_member *other = &cohort->members[n];
        if (other->node->follow.kind != SY_FOLLOWS_WEIGHTS || other->node->follow.node != index || !other->on) {
            continue;
        }
        for (int32_t i = 0; i < graph->n_params && status == SY_OK; i++) {
            if (graph->params[i]->role == SY_TRAINABLE) {
                status = gather_parameter(cohort, index, n, i, err);
            }
        }
    }
    return status;
}

/* ---- after a step ----------------------------------------------------------------------------------------------- */

/* w = decay w + (1 - decay) w of the other */
static int average(struct sy_cohort *cohort, int32_t index, int64_t step, struct sy_error *err) {
    const struct sy_follow *follow = &cohort->members[index].node->follow;
    const struct sy_graph *graph = graph_of(cohort, index);
    double young = 1 - 1 / ((double)step + 1), decay = follow->decay;
    float *own = cohort->follow_scratch[0], *other = cohort->follow_scratch[1];
    decay = follow->warmup && young < decay ? young : decay;
    int status = SY_OK;
    for (int32_t i = 0; i < graph->n_params && status == SY_OK; i++) {
        size_t count = sy_param_count(graph->params[i]);
        if (graph->params[i]->role == SY_STATISTIC && follow->buffers != SY_BUFFERS_AVERAGE) {
            continue;
        }
        status = get(cohort, index, SY_PARAMETER_VALUE, i, own, err);
        status = status == SY_OK ? get(cohort, follow->node, SY_PARAMETER_VALUE, i, other, err) : status;
        for (size_t k = 0; k < count; k++) {
            own[k] = (float)(decay * (double)own[k] + (1 - decay) * (double)other[k]);
        }
        status = status == SY_OK ? set(cohort, index, SY_PARAMETER_VALUE, i, own, err) : status;
    }
    if (status == SY_OK && follow->buffers == SY_BUFFERS_COPY) {
        status = copy(cohort, index, follow->node, SY_STATISTIC, err);
    }
    return status;
}

int sy_follow(struct sy_cohort *cohort, const struct sy_moment *now, struct sy_error *err) {
    int status = SY_OK;
    for (int kind = SY_FOLLOWS_AVERAGE; kind <= SY_FOLLOWS_WEIGHTS; kind++) {
        for (int32_t n = 0; n < cohort->experiment->n_nodes && status == SY_OK; n++) {
            const struct sy_follow *follow = &cohort->members[n].node->follow;
            if (follow->kind == kind && kind == SY_FOLLOWS_AVERAGE) {
                status = average(cohort, n, now->step + 1, err);
            } else if (follow->kind == kind) {
                status = copy(cohort, n, follow->node, 0, err);
            }
        }
    }
    return status;
}
