/* memory.c - see memory.h. */
#include "memory.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>

#include "../host/call.h"
#include "evaluate.h"
#include "signals.h"
#include "stateful.h"
#include "undo.h"
#include "weights.h"

#define MIB (1024.0 * 1024.0)

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* ---- plans ------------------------------------------------------------------------------------------------------ */

/* Texts are the plan's: they are copied. False when memory is used up. */
static bool take_fallbacks(struct sy_memory_plan *plan, const struct sy_plan_info *info, struct sy_arena *arena) {
    size_t count = info->n_fallbacks > 0 ? (size_t)info->n_fallbacks : 0;
    const char **names = sy_arena_take(arena, (count + 1) * sizeof *names);
    bool good = names != NULL;
    for (size_t k = 0; good && k < count; k++) {
        names[k] = sy_arena_text(arena, info->fallbacks[k]);
        good = names[k] != NULL;
    }
    plan->fallbacks = names;
    plan->n_fallbacks = good ? (int32_t)count : 0;
    return good;
}

static int dry_run(struct sy_memory_plan *out, struct sy_experiment *experiment, int32_t index, int32_t batch,
                   struct sy_error *err) {
    const struct sy_backend_ops *ops = experiment->backend_ops;
    const struct sy_node *node = &experiment->nodes[index];
    struct sy_plan *plan = NULL;
    struct sy_plan_info info = {.size = sizeof info};
    struct sy_plan_options options = {.size = sizeof options,
                                      .precision = experiment->precision,
                                      .max_batch = batch,
                                      .input_gradients = node->input_gradients,
                                      .dry_run = 1,
                                      .choices = node->choices};
    *out = (struct sy_memory_plan){.parameters = 0};
    int status = SY_CALLED(experiment->backend->found, "compile",
                           ops->compile(experiment->backend->self, &plan, &node->graph->graph, &options, err));
    if (status != SY_OK) {
        return status;
    }
    if (ops->plan_info) {
        ops->plan_info(plan, &info);
    }
    out->parameters = (double)info.parameter_bytes;
    out->activations = (double)info.activation_bytes;
    out->workspace = (double)info.workspace_bytes;
    bool good = take_fallbacks(out, &info, experiment->arena);
    ops->destroy(plan);
    return good ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to foresee memory");
}

/* ---- the core's own --------------------------------------------------------------------------------------------- */

/* What a cohort, a selection and a checkpoint allocate beside the plans. */
static void count_arrays(struct sy_memory *out, const struct sy_experiment *experiment, double batch) {
    double classes = experiment->dataset_info.classes, largest = 0, parameter = 0, followed = 0;
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        const struct sy_node *node = &experiment->nodes[i];
        const struct sy_graph *graph = &node->graph->graph;
        double values = 0, slots = 0;
        for (int32_t k = 0; k < graph->n_outputs; k++) {
            const struct sy_shape *shape = &graph->values[graph->outputs[k]->value];
            double row = (double)sy_shape_count(shape) * batch;
            bool signals = shape->rank == 1 && shape->dim[0] == experiment->dataset_info.classes;
            out->arrays += row * sizeof(float) + (signals ? 2 * SY_SIGNAL_SLOTS * row * sizeof(double) : 0);
            largest = larger(largest, row);
        }
        for (int32_t p = 0; p < graph->n_params; p++) {
            double count = (double)sy_param_count(graph->params[p]);
            parameter = larger(parameter, count);
            followed = node->follow.kind ? larger(followed, count) : followed;
            values += count;
            slots += graph->params[p]->role == SY_TRAINABLE ? count * sy_optimizer_slots(&node->optimizer) : 0;
        }
        out->checkpoint = larger(out->checkpoint, larger(values, slots) * sizeof(float));
    }
    double widest = 0, confused = classes <= SY_MOST_CONFUSED_CLASSES ? classes * classes : 0;
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        widest = experiment->edges[e].attached ? larger(widest, experiment->edges[e].n_sources) : widest;
    }
    out->arrays += (largest * (1 + widest) + parameter + 2 * followed) * sizeof(float);
    out->arrays += experiment->n_nodes * (confused * sizeof(int64_t) + batch * sizeof(int32_t));
}

/* Room is made for whole batches, and used for as many samples as there are. */
static void count_loader(struct sy_memory *out, const struct sy_experiment *experiment, double samples, double views,
                         double batch) {
    double slots = experiment->data.ahead + 1.0, row = (double)sy_shape_count(&experiment->dataset_info.shape);
    double sample = slots * (views * row * sizeof(float) + sizeof(int32_t)), used = fmin(batch, samples);
    out->loaders += used * sample + samples * sizeof(int64_t);
    out->unused += (batch - used) * sample;
}

static void count_loaders(struct sy_memory *out, const struct sy_experiment *experiment, double batch) {
    double trained = (double)sy_experiment_train_samples(experiment);
    double tested = (double)experiment->dataset_info.count[SY_TEST_SPLIT];
    double limit = (double)experiment->data.test_limit;
    tested = limit > 0 ? fmin(tested, limit) : tested;
    count_loader(out, experiment, trained, experiment->n_views, batch);
    if (tested > 0) {
        count_loader(out, experiment, tested, 1, batch);
    }
    if (experiment->parts.n_validation) {
        count_loader(out, experiment, (double)experiment->parts.n_validation, 1, batch);
    }
}

/* Buffers of losses and policies, which a checkpoint copies. */
static double buffer_bytes(struct sy_experiment *experiment) {
    struct sy_services *services;
    double sum = 0;
    for (int32_t i = 0; sy_stateful_instance(experiment, i, &services); i++) {
        for (size_t b = 0; b < services->n_buffers; b++) {
            sum += (double)services->buffers[b].count * sizeof(float);
        }
    }
    return sum;
}

static int foresee(struct sy_memory *out, struct sy_experiment *experiment, int32_t batch, struct sy_error *err) {
    int status = SY_OK;
    *out =
        (struct sy_memory){.plans = sy_arena_take(experiment->arena, (size_t)experiment->n_nodes * sizeof *out->plans)};
    if (!out->plans) {
        return sy_fail(err, SY_ENOMEM, "no memory to foresee memory");
    }
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        const struct sy_memory_plan *plan = &out->plans[i];
        status = dry_run(&out->plans[i], experiment, i, batch, err);
        out->total += plan->parameters + plan->activations + plan->workspace;
    }
    count_arrays(out, experiment, batch);
    count_loaders(out, experiment, batch);
    out->checkpoint = larger(out->checkpoint, buffer_bytes(experiment));
    out->undo = experiment->train.on_nonfinite == SY_NONFINITE_SKIP_BATCH ? (double)sy_undo_bytes(experiment) : 0;
    out->total += out->arrays + out->loaders + out->checkpoint + out->undo;
    return status;
}

int sy_memory_foresee(struct sy_memory *out, struct sy_experiment *experiment, struct sy_error *err) {
    struct rlimit stack;
    struct sy_memory one;
    double resident, address, batch = experiment->data.batch;
    int status = foresee(out, experiment, experiment->data.batch, err);
    if (status == SY_OK) {
        status = foresee(&one, experiment, 1, err);
    }
    if (status != SY_OK) {
        return status;
    }
    out->per_sample = batch > 1 ? (out->total + out->unused - one.total - one.unused) / (batch - 1) : 0;
    bool told = getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur != RLIM_INFINITY;
    double stacks = (told ? (double)stack.rlim_cur : 8 * MIB) * 3 * experiment->data.workers; /* a loader a split */
    sy_memory_used(&resident, &address);
    out->program = resident;
    out->address = address + out->total + out->unused + stacks;
    out->total += resident;
    return SY_OK;
}

/* ---- too much --------------------------------------------------------------------------------------------------- */

/* What would make it fit, in words. */
static void advise(char *out, size_t room, const struct sy_experiment *experiment, const struct sy_memory *need,
                   double over) {
    struct sy_backend_info info = {.size = sizeof info};
    experiment->backend_ops->info(experiment->backend->self, &info);
    double fewer = need->per_sample > 0 ? ceil(over / need->per_sample) : INFINITY;
    double batch = experiment->data.batch - fewer;
    size_t used = 0;
    if (batch >= 1) {
        used = (size_t)snprintf(out, room, "data.batch = %.0f would fit", batch);
    } else {
        used = (size_t)snprintf(out, room, "no data.batch would fit: smaller networks, or fewer nodes, may");
    }
    bool half = experiment->precision == SY_PRECISION_FP32 && (info.precisions & 1u << SY_PRECISION_BF16);
    if (half && used < room) {
        used += (size_t)snprintf(out + used, room - used, "; precision = \"bf16\" halves activations");
    }
    if (need->undo > 0 && used < room) {
        snprintf(out + used, room - used, "; train.on_nonfinite = \"stop\" saves %.0f MiB", need->undo / MIB);
    }
}

void sy_memory_compare(const struct sy_experiment *experiment, const struct sy_memory *need,
                       const struct sy_memory_offer *offer, struct sy_problems *problems) {
    const struct {
        double need, offer;
        const char *what, *who;
    } limits[] = {{need->total, offer->machine, "", "this machine has"},
                  {need->total, offer->group, "", "its control group allows"},
                  {need->address, offer->address, " of address space", "RLIMIT_AS (ulimit -v) allows"}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].need > limits[i].offer) { /* false where it is not told */
            char advice[256];
            /* 2 % more than that: what a library takes for itself is not known */
            advise(advice, sizeof advice, experiment, need, limits[i].need - 0.98 * limits[i].offer);
            sy_problem(problems, sy_setting_find(experiment->config, "data.batch"),
                       "a run of these %d node%s needs %.0f MiB%s, %s %.0f MiB; %s", experiment->n_nodes,
                       experiment->n_nodes == 1 ? "" : "s", limits[i].need / MIB, limits[i].what, limits[i].who,
                       limits[i].offer / MIB, advice);
            return;
        }
    }
}

bool sy_memory_check(struct sy_memory *out, struct sy_experiment *experiment, struct sy_problems *problems) {
    struct sy_memory_offer offer;
    struct sy_error err = {.size = sizeof err};
    if (sy_memory_foresee(out, experiment, &err) != SY_OK) {
        sy_problem(problems, NULL, "%s", err.text);
        return false;
    }
    sy_memory_offer(&offer);
    sy_memory_compare(experiment, out, &offer, problems);
    return true;
}
