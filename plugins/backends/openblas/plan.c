/* plan.c - making and unmaking a plan. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Zeroed, at a multiple of the huge page where it is large: fewer address look-ups. */
static float *take_floats(size_t count) {
    const size_t huge = 2u << 20;
    size_t bytes = (count * sizeof(float) + 63) / 64 * 64, alignment = bytes >= 4 * huge ? huge : 64;
    bytes = (bytes + alignment - 1) / alignment * alignment;
    float *memory = aligned_alloc(alignment, bytes ? bytes : 64);
    if (memory && alignment == huge) {
        madvise(memory, bytes, MADV_HUGEPAGE); /* a hint; refusal does no harm */
    }
    return memory ? memset(memory, 0, bytes) : NULL;
}

static bool make_tasks(struct sy_plan *plan) {
    const struct sy_graph *graph = plan->graph;
    plan->tasks = calloc((size_t)graph->n_ops + 1, sizeof *plan->tasks);
    for (int32_t i = 0; plan->tasks && i < graph->n_ops; i++) {
        struct task *task = &plan->tasks[i];
        task->op = graph->ops[i];
        task->index = i;
        task->output = task->op->output;
        task->overwrite = calloc((size_t)task->op->n_inputs + 1, sizeof *task->overwrite);
        if (!task->overwrite) {
            return false;
        }
        if (task->op->kind == SY_OP_BATCH_NORM) {
            size_t channels = (size_t)graph->values[task->op->output].dim[0];
            task->mean = calloc(3 * channels, sizeof *task->mean);
            if (!task->mean) {
                return false;
            }
            task->inverse = task->mean + channels;
            task->variance = task->inverse + channels;
        }
    }
    return plan->tasks != NULL;
}

/* The largest need of any operator. */
static void measure_scratch(struct sy_plan *plan) {
    size_t copies = 0;
    for (int32_t i = 0; i < plan->graph->n_ops; i++) {
        const struct sy_op *op = plan->graph->ops[i];
        size_t need_columns = 0, need_copies = 0, weights = 0;
        if (op->kind == SY_OP_CONV2D && is_depthwise(plan, op)) {
            need_columns = depthwise_scratch(plan, op);
        } else if (op->kind == SY_OP_TRANSPOSED_CONV2D) {
            need_columns = transposed_scratch(plan, op);
            weights = store_count(&plan->store, op->param[SY_WEIGHT]) + (size_t)shape_of(plan, op->output)->dim[0];
        } else if (op->kind == SY_OP_CONV2D) {
            conv2d_scratch(plan, op, &need_columns, &need_copies);
            weights = store_count(&plan->store, op->param[SY_WEIGHT]) + (size_t)shape_of(plan, op->output)->dim[0];
        }
        plan->column_floats = need_columns > plan->column_floats ? need_columns : plan->column_floats;
        copies = need_copies > copies ? need_copies : copies;
        plan->partial_floats = weights > plan->partial_floats ? weights : plan->partial_floats;
    }
    plan->column_floats = (plan->column_floats + 15) / 16 * 16;
    plan->partial_floats = plan->forward_only ? 0 : (plan->partial_floats + 15) / 16 * 16;
    plan->scratch_floats = plan->column_floats + (copies + 15) / 16 * 16;
}

static bool take_memory(struct sy_plan *plan) {
    int32_t threads = plan->host->threads;
    plan->arena = take_floats(plan->arena_floats);
    plan->scratch = calloc((size_t)threads, sizeof *plan->scratch);
    plan->partial = take_floats(plan->partial_floats * (size_t)threads);
    for (int32_t t = 0; plan->scratch && t < threads; t++) {
        plan->scratch[t] = take_floats(plan->scratch_floats);
        if (!plan->scratch[t]) {
            return false;
        }
    }
    return plan->arena && plan->scratch && plan->partial;
}

int plan_create(struct sy_plan **out, const struct blas *blas, const struct sy_host *host, const struct sy_graph *graph,
                const struct sy_plan_options *options, struct sy_error *err) {
    struct sy_plan *plan = calloc(1, sizeof *plan);
    size_t n = (size_t)graph->n_values;
    *out = NULL;
    if (!plan) {
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    plan->graph = graph;
    plan->blas = blas;
    plan->host = host;
    plan->max_batch = options->max_batch;
    plan->forward_only = options->forward_only != 0;
    plan->value = calloc(n, sizeof *plan->value);
    plan->gradient = calloc(n, sizeof *plan->gradient);
    plan->wanted = calloc(n, sizeof *plan->wanted);
    /* Offsets first, then the sizes that follow from them, then the memory. */
    bool good = plan->value && plan->gradient && plan->wanted &&
                store_init(&plan->store, graph, options->dry_run != 0) && make_tasks(plan) &&
                plan_layout(plan, options->input_gradients);
    if (good) {
        measure_scratch(plan);
        good = options->dry_run || take_memory(plan);
    }
    if (!good) {
        plan_destroy(plan);
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    plan_point(plan);
    *out = plan;
    return SY_OK;
}

void plan_destroy(struct sy_plan *plan) {
    if (!plan) {
        return;
    }
    for (int32_t i = 0; plan->tasks && i < plan->graph->n_ops; i++) {
        free(plan->tasks[i].overwrite);
        free(plan->tasks[i].mean);
    }
    for (int32_t t = 0; plan->scratch && t < plan->host->threads; t++) {
        free(plan->scratch[t]);
    }
    free(plan->scratch);
    free(plan->partial);
    free(plan->arena);
    free(plan->tasks);
    free(plan->value);
    free(plan->gradient);
    free(plan->wanted);
    store_finish(&plan->store);
    free(plan);
}
