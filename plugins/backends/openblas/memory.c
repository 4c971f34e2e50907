/* memory.c - where values and their gradients lie.
 *
 * Values of a training plan all live until backward; in a plan that only goes forward, and for gradients always, a place
 * is used again once its last reader is done. A gradient that an addition only passes on shares its place with the sum's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define NOWHERE SIZE_MAX

/* Free places of the arena, by first fit. */
struct hole {
    size_t at, size;
};
struct places {
    struct hole *holes;
    size_t n_holes, room;
    size_t top; /* end of the arena so far */
    bool failed;
};

static size_t take(struct places *places, size_t size) {
    size = (size + 15) / 16 * 16;
    for (size_t i = 0; i < places->n_holes; i++) {
        struct hole *hole = &places->holes[i];
        if (hole->size >= size) {
            size_t at = hole->at;
            hole->at += size;
            hole->size -= size;
            return at;
        }
    }
    /* A hole at the end grows. */
    for (size_t i = 0; i < places->n_holes; i++) {
        struct hole *hole = &places->holes[i];
        if (hole->size && hole->at + hole->size == places->top) {
            size_t at = hole->at;
            places->top = at + size;
            hole->size = 0;
            return at;
        }
    }
    places->top += size;
    return places->top - size;
}

static void give_back(struct places *places, size_t at, size_t size) {
    size = (size + 15) / 16 * 16;
    struct hole joined = {at, size};
    size_t kept = 0;
    for (size_t i = 0; i < places->n_holes; i++) {
        struct hole hole = places->holes[i];
        if (!hole.size) {
            continue;
        }
        if (hole.at + hole.size == joined.at) {
            joined.at = hole.at;
            joined.size += hole.size;
        } else if (joined.at + joined.size == hole.at) {
            joined.size += hole.size;
        } else {
            places->holes[kept++] = hole;
        }
    }
    places->n_holes = kept;
    if (places->n_holes == places->room) {
        size_t room = places->room ? 2 * places->room : 32;
        struct hole *holes = realloc(places->holes, room * sizeof *holes);
        if (!holes) {
            places->failed = true;
            return;
        }
        places->holes = holes;
        places->room = room;
    }
    places->holes[places->n_holes++] = joined;
}

/* What a walk over the graph needs. */
struct walk {
    struct sy_plan *plan;
    int32_t *readers; /* per value: operators that read it, outputs counted too */
    int32_t *share;   /* per value: whose gradient's place it uses; itself as a rule */
    int32_t *sharers; /* per value: gradients still using its place */
    size_t *value_at, *gradient_at;
    struct places places;
};

static size_t floats(const struct sy_plan *plan, int32_t value) {
    return (size_t)plan->max_batch * value_row(plan, value);
}

static void count_readers(struct walk *walk) {
    const struct sy_graph *graph = walk->plan->graph;
    for (int32_t i = 0; i < graph->n_ops; i++) {
        for (int32_t k = 0; k < graph->ops[i]->n_inputs; k++) {
            walk->readers[graph->ops[i]->inputs[k]]++;
        }
    }
    for (int32_t k = 0; k < graph->n_outputs; k++) {
        walk->readers[graph->outputs[k]->value]++;
    }
}

/* Batch norm and the ReLU that is its only reader become one task. */
static void fuse(struct walk *walk) {
    struct sy_plan *plan = walk->plan;
    for (int32_t i = 0; i < plan->graph->n_ops; i++) {
        const struct sy_op *op = plan->graph->ops[i];
        if (op->kind != SY_OP_RELU && op->kind != SY_OP_RELU6) {
            continue;
        }
        for (int32_t j = 0; j < i; j++) {
            struct task *before = &plan->tasks[j];
            if (before->op->kind == SY_OP_BATCH_NORM && before->op->output == op->inputs[0] &&
                walk->readers[op->inputs[0]] == 1) {
                before->relu = true;
                before->ceiling = op->kind == SY_OP_RELU6;
                before->output = op->output;
                plan->tasks[i].skipped = true;
            }
        }
    }
}

/* A gradient is wanted if a parameter, or an input somebody asked about, lies upstream. */
static void mark_wanted(struct sy_plan *plan, uint32_t input_gradients) {
    const struct sy_graph *graph = plan->graph;
    for (int32_t k = 0; k < graph->n_inputs; k++) {
        plan->wanted[graph->inputs[k]] = (input_gradients >> k & 1) != 0;
    }
    for (int32_t i = 0; i < graph->n_ops; i++) {
        const struct sy_op *op = graph->ops[i];
        bool wanted = op->param[SY_WEIGHT] >= 0;
        for (int32_t k = 0; k < op->n_inputs; k++) {
            wanted = wanted || plan->wanted[op->inputs[k]];
        }
        plan->wanted[op->output] = wanted;
    }
}

/* Values: each its own place, or a place used again in a plan that only goes forward. */
static void place_values(struct walk *walk) {
    struct sy_plan *plan = walk->plan;
    const struct sy_graph *graph = plan->graph;
    int32_t *left = walk->sharers; /* borrowed: readers yet to come */
    memcpy(left, walk->readers, (size_t)graph->n_values * sizeof *left);
    for (int32_t k = 0; k < graph->n_inputs; k++) {
        walk->value_at[graph->inputs[k]] = take(&walk->places, floats(plan, graph->inputs[k]));
    }
    for (int32_t i = 0; i < graph->n_ops; i++) {
        const struct task *task = &plan->tasks[i];
        if (!task->skipped) {
            walk->value_at[task->output] = take(&walk->places, floats(plan, task->output));
        }
        for (int32_t k = 0; plan->forward_only && !task->skipped && k < task->op->n_inputs; k++) {
            int32_t value = task->op->inputs[k];
            if (--left[value] == 0 && walk->value_at[value] != NOWHERE) {
                give_back(&walk->places, walk->value_at[value], floats(plan, value));
            }
        }
    }
    memset(left, 0, (size_t)graph->n_values * sizeof *left);
}

static void take_gradient(struct walk *walk, int32_t value) {
    if (walk->plan->wanted[value] && walk->gradient_at[walk->share[value]] == NOWHERE) {
        walk->gradient_at[walk->share[value]] = take(&walk->places, floats(walk->plan, value));
    }
    walk->gradient_at[value] = walk->gradient_at[walk->share[value]];
}

/* An addition only passes its gradient on: an operand nobody else reads can look at the sum's. */
static void share_gradients(struct walk *walk) {
    struct sy_plan *plan = walk->plan;
    const struct sy_graph *graph = plan->graph;
    for (int32_t i = graph->n_ops; i-- > 0;) {
        const struct sy_op *op = graph->ops[i];
        for (int32_t k = 0; op->kind == SY_OP_ADD && k < 2; k++) {
            int32_t operand = op->inputs[k];
            bool produced = false;
            for (int32_t j = 0; j < i; j++) {
                produced = produced || graph->ops[j]->output == operand;
            }
            if (produced && walk->readers[operand] == 1 && plan->wanted[operand]) {
                walk->share[operand] = walk->share[op->output];
                walk->sharers[walk->share[op->output]]++;
            }
        }
    }
}

/* Gradients, in the order backward meets them. The first to write into one overwrites, unless it is an output's. */
static void place_gradients(struct walk *walk, bool *written) {
    struct sy_plan *plan = walk->plan;
    const struct sy_graph *graph = plan->graph;
    for (int32_t k = 0; k < graph->n_outputs; k++) {
        take_gradient(walk, graph->outputs[k]->value);
        written[graph->outputs[k]->value] = true;
    }
    for (int32_t i = graph->n_ops; i-- > 0;) {
        struct task *task = &plan->tasks[i];
        if (task->skipped) {
            continue;
        }
        for (int32_t k = 0; k < task->op->n_inputs; k++) {
            int32_t value = task->op->inputs[k];
            take_gradient(walk, value);
            task->overwrite[k] = !written[value];
            written[value] = true;
        }
        int32_t root = walk->share[task->output];
        if (plan->wanted[task->output] && --walk->sharers[root] < 0) {
            give_back(&walk->places, walk->gradient_at[root], floats(plan, root));
        }
    }
}

static void note_pointers(struct walk *walk, float **to, const size_t *from) {
    for (int32_t v = 0; v < walk->plan->graph->n_values; v++) {
        /* An offset for now, one too large so that NULL stays free; plan_point makes addresses of them. */
        to[v] = from[v] == NOWHERE ? NULL : (float *)(uintptr_t)(from[v] + 1);
    }
}

bool plan_layout(struct sy_plan *plan, uint32_t input_gradients) {
    size_t n = (size_t)plan->graph->n_values;
    struct walk walk = {.plan = plan};
    walk.readers = calloc(n, sizeof *walk.readers);
    walk.share = calloc(n, sizeof *walk.share);
    walk.sharers = calloc(n, sizeof *walk.sharers);
    walk.value_at = malloc(n * sizeof *walk.value_at);
    walk.gradient_at = malloc(n * sizeof *walk.gradient_at);
    bool *written = calloc(n, sizeof *written);
    bool good = walk.readers && walk.share && walk.sharers && walk.value_at && walk.gradient_at && written;
    for (size_t v = 0; good && v < n; v++) {
        walk.share[v] = (int32_t)v;
        walk.value_at[v] = walk.gradient_at[v] = NOWHERE;
    }
    if (good) {
        count_readers(&walk);
        fuse(&walk);
        mark_wanted(plan, input_gradients);
        place_values(&walk);
        if (!plan->forward_only) {
            share_gradients(&walk);
            place_gradients(&walk, written);
        }
        note_pointers(&walk, plan->value, walk.value_at);
        note_pointers(&walk, plan->gradient, walk.gradient_at);
        plan->arena_floats = walk.places.top;
        good = !walk.places.failed;
    }
    free(walk.places.holes);
    free(walk.readers);
    free(walk.share);
    free(walk.sharers);
    free(walk.value_at);
    free(walk.gradient_at);
    free(written);
    return good;
}

void plan_point(struct sy_plan *plan) {
    for (int32_t v = 0; v < plan->graph->n_values; v++) {
        plan->value[v] = plan->value[v] ? plan->arena + ((uintptr_t)plan->value[v] - 1) : NULL;
        plan->gradient[v] = plan->gradient[v] ? plan->arena + ((uintptr_t)plan->gradient[v] - 1) : NULL;
    }
}
