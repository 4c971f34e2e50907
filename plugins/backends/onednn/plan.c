/* plan.c - making and unmaking a plan, for one instruction set. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../cpu/processor.h"
#include "choose.h"
#include "conv2d.h"
#include "depthwise.h"
#include "images.h"
#include "onednn.h"
#include "winograd.h"

/* Zeroed, at a multiple of the huge page where it is large: fewer address look-ups. */
static void *take(size_t bytes) {
    const size_t huge = 2u << 20;
    size_t alignment = bytes >= 2 * huge ? huge : 64;
    bytes = (bytes + alignment) / alignment * alignment;
    void *memory = aligned_alloc(alignment, bytes);
    if (memory && alignment == huge) {
        madvise(memory, bytes, MADV_HUGEPAGE); /* a hint; refusal does no harm */
    }
    return memory ? memset(memory, 0, bytes) : NULL;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static size_t image_scratch(const struct sy_plan *plan, const struct node *node) {
    size_t inputs = 0;
    if (node->kind == NODE_SUM) {
        return 0;
    }
    for (int32_t k = 0; k < node->n_inputs; k++) {
        inputs += plan->values[node->inputs[k].value].row;
    }
    return (2 * inputs + plan->values[node->output].row + images_work(plan, node)) * sizeof(float);
}

static size_t linear_scratch(const struct sy_plan *plan, const struct node *node) {
    size_t threads = (size_t)plan->host->threads, share = ((size_t)plan->max_batch + threads - 1) / threads;
    return share * (plan->values[node->inputs[0].value].row + plan->values[node->output].row) * sizeof(float);
}

static int make_node(struct sy_plan *plan, struct node *node, struct sy_error *err) {
    int status = SY_OK;
    switch (node->kind) {
    case NODE_CONV2D:
        return conv2d_create(plan, node, err);
    case NODE_WINOGRAD:
        return winograd_create(plan, node, err);
    case NODE_DEPTHWISE:
        return depthwise_create(plan, node, err);
    case NODE_LINEAR:
        node->scratch = linear_scratch(plan, node);
        node->partial_floats = node->useful ? (size_t)plan->values[node->output].channels *
                                                  ((size_t)plan->values[node->inputs[0].value].channels + 1)
                                            : 0;
        return SY_OK;
    case NODE_IMAGE:
        status = images_create(plan, node, err);
        node->scratch = status == SY_OK ? image_scratch(plan, node) : 0;
        return status;
    default:
        return SY_OK;
    }
}

/* The largest need of any node, or of what crosses the border. */
static void measure(struct sy_plan *plan) {
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        struct node *node = &plan->nodes[i];
        node->partial_floats = (node->partial_floats + 15) / 16 * 16;
        plan->scratch_bytes = node->scratch > plan->scratch_bytes ? node->scratch : plan->scratch_bytes;
        plan->partial_floats =
            node->partial_floats > plan->partial_floats ? node->partial_floats : plan->partial_floats;
    }
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        size_t bytes = plan->values[plan->graph->outputs[k]->value].row * sizeof(float);
        plan->scratch_bytes = bytes > plan->scratch_bytes ? bytes : plan->scratch_bytes;
    }
    plan->scratch_bytes = (plan->scratch_bytes + 63) / 64 * 64;
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static size_t border_floats(const struct sy_plan *plan, int32_t value) {
    return (size_t)plan->max_batch * image_floats(plan, value);
}

static bool take_border(struct sy_plan *plan, uint32_t input_gradients) {
    const struct sy_graph *graph = plan->graph;
    plan->outputs = calloc((size_t)graph->n_outputs + 1, sizeof *plan->outputs);
    plan->input_gradients = calloc((size_t)graph->n_inputs + 1, sizeof *plan->input_gradients);
    plan->fetched = calloc((size_t)graph->n_outputs + 1, sizeof *plan->fetched);
    bool good = plan->outputs && plan->input_gradients && plan->fetched;
    for (int32_t k = 0; good && k < graph->n_outputs; k++) {
        plan->outputs[k] = take(border_floats(plan, graph->outputs[k]->value) * sizeof(float));
        good = plan->outputs[k] != NULL;
    }
    for (int32_t k = 0; good && k < graph->n_inputs && k < 32; k++) {
        if (input_gradients >> k & 1) {
            plan->input_gradients[k] = take(border_floats(plan, graph->inputs[k]) * sizeof(float));
            good = plan->input_gradients[k] != NULL;
        }
    }
    return good;
}

static bool take_memory(struct sy_plan *plan) {
    int32_t threads = plan->host->threads;
    plan->arena = take(plan->arena_elems * plan->elem_size);
    plan->scratch = calloc((size_t)threads, sizeof *plan->scratch);
    plan->partial = take(plan->partial_floats * (size_t)threads * sizeof *plan->partial);
    for (int32_t t = 0; plan->scratch && t < threads; t++) {
        plan->scratch[t] = take(plan->scratch_bytes);
        if (!plan->scratch[t]) {
            return false;
        }
    }
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        plan->nodes[i].partial = plan->nodes[i].partial_floats ? plan->partial : NULL;
    }
    return plan->arena && plan->scratch && plan->partial;
}

/* ---- reporting -------------------------------------------------------------------------------------------------- */

static bool report(struct sy_plan *plan) {
    plan->fallbacks = calloc((size_t)plan->n_nodes + 1, sizeof *plan->fallbacks);
    for (int32_t i = 0; i < plan->n_nodes && plan->fallbacks; i++) {
        if (plan->nodes[i].fallback) {
            plan->fallbacks[plan->n_fallbacks++] = plan->nodes[i].op->name;
        }
    }
    return plan->fallbacks != NULL;
}

/* ---- unmaking ---------------------------------------------------------------------------------------------------- */

static void destroy_nodes(struct sy_plan *plan) {
    for (int32_t i = 0; plan->nodes && i < plan->n_nodes; i++) {
        struct node *node = &plan->nodes[i];
        conv2d_destroy(node->conv2d);
        winograd_destroy(node->winograd);
        free(node->weights);
        free(node->inputs);
    }
    for (int32_t i = 0; plan->norms && i < plan->graph->n_ops; i++) {
        free(plan->norms[i].mean);
        free(plan->norms[i].sums);
    }
    for (int32_t v = 0; plan->values && v < plan->n_values; v++) {
        free(plan->values[v].views);
    }
    free(plan->nodes);
    free(plan->norms);
    free(plan->values);
}

static void destroy(struct sy_plan *plan) {
    if (!plan) {
        return;
    }
    destroy_nodes(plan);
    for (int32_t t = 0; plan->scratch && t < plan->host->threads; t++) {
        free(plan->scratch[t]);
    }
    for (int32_t k = 0; plan->outputs && k < plan->graph->n_outputs; k++) {
        free(plan->outputs[k]);
    }
    for (int32_t k = 0; plan->input_gradients && k < plan->graph->n_inputs; k++) {
        free(plan->input_gradients[k]);
    }
    free(plan->scratch);
    free(plan->outputs);
    free(plan->fetched);
    free(plan->input_gradients);
    free(plan->partial);
    free(plan->arena);
    free(plan->fallbacks);
    free(plan->choices);
    store_finish(&plan->store);
    free(plan);
}

/* ---- windows ----------------------------------------------------------------------------------------------------- */

/* Images of a window: few enough that what a node writes stays in the cache for the next, enough for a matrix product. */
static int32_t choose_window(const struct sy_plan *plan) {
    int32_t threads = plan->host->threads, share = (plan->max_batch + threads - 1) / threads, window = 8;
    while (window > share) {
        window /= 2;
    }
    return window;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static int build(struct sy_plan *plan, const struct sy_plan_options *options, int32_t algorithm, struct sy_error *err) {
    if (!store_init(&plan->store, plan->graph, options->dry_run != 0) || !plan_fuse(plan, options->input_gradients)) {
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    int status = plan_choose(plan, algorithm, plan->choices, err);
    plan->window = choose_window(plan);
    if (status == SY_OK && !plan_layout(plan)) {
        status = sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    for (int32_t i = 0; i < plan->n_nodes && status == SY_OK; i++) {
        status = make_node(plan, &plan->nodes[i], err);
    }
    if (status != SY_OK) {
        return status;
    }
    measure(plan);
    bool good =
        report(plan) && (options->dry_run || (take_memory(plan) && take_border(plan, options->input_gradients)));
    return good ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory for a plan");
}

static const struct kernels *kernels_for(const struct sy_plan *plan) {
    if (plan->precision != SY_PRECISION_BF16) {
        return &fp32_kernels;
    }
#ifdef ONEDNN_AVX512
    if (plan->native_bf16) {
        return &bf16_kernels;
    }
#endif
    return &rounded_kernels;
}

/* Which rules Winograd out: not where it was asked for. */
static bool lays_channels_last(const struct sy_plan *plan, int32_t algorithm) {
    return plan->precision == SY_PRECISION_BF16 && library_wants_channels_last(plan->library) &&
           algorithm != CONV_WINOGRAD && algorithm != CONV_WINOGRAD_BF16;
}

static int create(struct sy_plan **out, struct library *library, const struct sy_host *host,
                  const struct sy_graph *graph, const struct sy_plan_options *options, int32_t algorithm,
                  struct sy_error *err) {
    struct sy_plan *plan = calloc(1, sizeof *plan);
    *out = NULL;
    if (!plan) {
        return sy_fail(err, SY_ENOMEM, "no memory for a plan");
    }
    plan->variant = &variant;
    plan->graph = graph;
    plan->host = host;
    plan->library = library;
    plan->precision = options->precision;
    plan->max_batch = options->max_batch;
    plan->forward_only = options->forward_only != 0;
    plan->elem_size = plan->precision == SY_PRECISION_BF16 ? sizeof(uint16_t) : sizeof(float);
    plan->native_bf16 = variant.native_bf16 && cpu_has_avx512_bf16();
    plan->kernels = kernels_for(plan);
    plan->channels_last = lays_channels_last(plan, algorithm);
    plan->bf16_factors = algorithm == CONV_WINOGRAD_BF16;
    plan->weights_stale = true;
    int status = SY_OK;
    if (options->choices) {
        plan->choices = strdup(options->choices);
        status = plan->choices ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory for a plan");
    } else if (algorithm == CONV_MEASURED && !plan->channels_last && !options->dry_run) {
        status = plan_measure(&plan->choices, library, host, graph, options, err);
    }
    if (status == SY_OK) {
        status = build(plan, options, algorithm, err);
    }
    if (status != SY_OK) {
        destroy(plan);
        return status;
    }
    *out = plan;
    return SY_OK;
}

/* ---- before a step ---------------------------------------------------------------------------------------------- */

static void refresh(struct sy_plan *plan) {
    for (int32_t i = 0; i < plan->n_nodes && plan->weights_stale; i++) {
        struct node *node = &plan->nodes[i];
        switch (node->kind) {
        case NODE_CONV2D:
            conv2d_refresh(plan, node);
            break;
        case NODE_WINOGRAD:
            winograd_refresh(plan, node);
            break;
        case NODE_DEPTHWISE:
            depthwise_refresh(plan, node);
            break;
        case NODE_IMAGE:
            images_refresh(plan, node);
            break;
        default:
            break;
        }
    }
    plan->weights_stale = false;
}

const struct variant variant = {
#ifdef ONEDNN_AVX512
    .name = "AVX-512",
#else
    .name = "AVX2",
#endif
    .block = BLOCK,
#ifdef ONEDNN_AVX512
    .native_bf16 = true,
#endif
    .create = create,
    .destroy = destroy,
    .refresh = refresh,
};
