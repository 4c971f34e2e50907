/* onednn.c - the border of the onednn backend: the fast one, on processors with AVX-512 or AVX2. */
#include "onednn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cpu/calls.h"
#include "../cpu/processor.h"
#include "plan.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

struct onednn {
    int32_t conv; /* enum algorithm */
    struct library *library;
    const struct sy_host *host;
    const struct variant *variant;
    char processor[128];
};

static const struct sy_field fields[] = {
    SY_PARAM(struct onednn, conv, .choices = "auto|direct|winograd|measured|winograd_bf16",
             .doc = "how 3x3 convolutions of stride 1 and 2 are done"),
    SY_END,
};

/* What works here and fits oneDNN's own choice; NULL: nothing. */
static const struct variant *find_variant(void) {
    if (cpu_has_avx512() && library_block() == avx512_variant.block) {
        return &avx512_variant;
    }
    return cpu_has_avx2() ? &avx2_variant : NULL;
}

/* Numbers too small to be normal count as zero: they cost a hundred times as much. */
static void flush_denormals(void *argument, size_t begin, size_t end, int32_t thread) {
    (void)argument, (void)begin, (void)end, (void)thread;
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040u);
#endif
}

static int init(void *self, const struct sy_host *host, struct sy_error *err) {
    struct onednn *onednn = self;
    onednn->host = host;
    onednn->variant = find_variant();
    if (!onednn->variant) {
        return sy_fail(err, SY_ENOTSUP, "onednn needs a processor with AVX2; backend \"openblas\" does without");
    }
    int status = library_open(&onednn->library, host, err);
    if (status == SY_OK) {
        host->parallel_for(host, (size_t)host->threads, flush_denormals, NULL);
        snprintf(onednn->processor, sizeof onednn->processor, "oneDNN %s and own kernels, %s%s",
                 library_version(onednn->library), onednn->variant->name,
                 onednn->variant->native_bf16 && cpu_has_avx512_bf16() ? " with bfloat16" : "");
    }
    return status;
}

static void fini(void *self) {
    struct onednn *onednn = self;
    library_close(onednn->library);
}

static bool computes_in(const struct onednn *onednn, int32_t precision) {
    return precision == SY_PRECISION_BF16 || (precision == SY_PRECISION_FP32 && onednn->conv != CONV_WINOGRAD_BF16);
}

static int info(const void *self, struct sy_backend_info *out) {
    const struct onednn *onednn = self;
    out->rank = 20;
    out->precisions = (uint32_t)computes_in(onednn, SY_PRECISION_FP32) << SY_PRECISION_FP32 |
                      (uint32_t)computes_in(onednn, SY_PRECISION_BF16) << SY_PRECISION_BF16;
    out->processor = onednn->processor;
    return SY_OK;
}

static int compile(void *self, struct sy_plan **out, const struct sy_graph *graph,
                   const struct sy_plan_options *options, struct sy_error *err) {
    struct onednn *onednn = self;
    *out = NULL;
    if (!computes_in(onednn, options->precision)) {
        return sy_fail(err, SY_ENOTSUP, "onednn computes in bf16 and, but not by conv = \"winograd_bf16\", in fp32");
    }
    int status = cpu_check_operators(graph, err);
    return status != SY_OK
               ? status
               : onednn->variant->create(out, onednn->library, onednn->host, graph, options, onednn->conv, err);
}

static void destroy(struct sy_plan *plan) {
    if (plan) {
        plan->variant->destroy(plan);
    }
}

static int plan_info(const struct sy_plan *plan, struct sy_plan_info *out) {
    size_t threads = (size_t)plan->host->threads;
    out->n_fallbacks = plan->n_fallbacks;
    out->fallbacks = plan->fallbacks;
    out->choices = plan->choices && plan->choices[0] ? plan->choices : NULL;
    out->parameter_bytes = store_bytes(&plan->store);
    out->activation_bytes = plan->arena_elems * plan->elem_size;
    out->workspace_bytes = (plan->scratch_bytes + plan->partial_floats * sizeof(float)) * threads + plan->weight_bytes;
    return SY_OK;
}

/* ---- forward and backward --------------------------------------------------------------------------------------- */

static int forward(struct sy_plan *plan, const struct sy_forward *in, struct sy_error *err) {
    int status = cpu_check_batch(plan->graph, plan->max_batch, in, err);
    if (status != SY_OK) {
        return status;
    }
    plan->batch = in->batch;
    plan->mode = in->mode;
    plan->seed = in->seed;
    plan->stream = in->stream;
    plan->step = in->step;
    plan->measured = in->mode == SY_TRAIN;
    plan->variant->refresh(plan);
    plan->kernels->start_norms(plan);
    bool windows = in->mode == SY_EVALUATE && !in->keep;
    begin_pass(plan, in->keep && !plan->forward_only ? PASS_KEPT : windows ? PASS_WINDOWS : PASS_BATCH);
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        plan->fetched[k] = windows;
    }
    if (windows) {
        plan->kernels->windows(plan, in);
        return SY_OK;
    }
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        plan->kernels->input(plan, k, in->inputs[k]->data);
    }
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        plan->kernels->forward(plan, &plan->nodes[i]);
    }
    return SY_OK;
}

static int output(struct sy_plan *plan, int32_t k, struct sy_tensor *out, struct sy_error *err) {
    if (k < 0 || k >= plan->graph->n_outputs) {
        return sy_fail(err, SY_ERANGE, "output %d of %d", k, plan->graph->n_outputs);
    }
    if (!plan->fetched[k]) {
        plan->kernels->output(plan, k, plan->outputs[k]);
        plan->fetched[k] = true;
    }
    cpu_show(plan->graph, plan->graph->outputs[k]->value, plan->batch, plan->outputs[k], out);
    return SY_OK;
}

static int statistics(struct sy_plan *plan, struct sy_error *err) {
    (void)err;
    for (int32_t i = 0; i < plan->graph->n_ops && plan->measured; i++) {
        const struct norm *norm = &plan->norms[i];
        if (norm->op) {
            double count = (double)plan->batch * (double)plan->values[norm->op->output].pixels;
            cpu_move_statistics(&plan->store, norm->op, norm->mean, norm->variance, (size_t)norm->channels, count);
        }
    }
    plan->measured = false;
    return SY_OK;
}

static int backward(struct sy_plan *plan, const struct sy_tensor *const *output_gradients, struct sy_error *err) {
    if (plan->forward_only) {
        return sy_fail(err, SY_EINVAL, "this plan only goes forward");
    }
    if (!plan->kept) {
        return sy_fail(err, SY_EINVAL, "backward without a forward that kept what it needs");
    }
    plan->kernels->seed(plan, output_gradients);
    for (int32_t i = plan->n_nodes; i-- > 0;) {
        plan->kernels->backward(plan, &plan->nodes[i]);
    }
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        if (plan->input_gradients[k]) {
            plan->kernels->input_gradient(plan, k, plan->input_gradients[k]);
        }
    }
    plan->kept = 0;
    return SY_OK;
}

static int input_gradient(struct sy_plan *plan, int32_t k, struct sy_tensor *out, struct sy_error *err) {
    if (k < 0 || k >= plan->graph->n_inputs || !plan->input_gradients[k]) {
        return sy_fail(err, SY_EINVAL, "the gradient of input %d was not asked for in compile", k);
    }
    cpu_show(plan->graph, plan->graph->inputs[k], plan->batch, plan->input_gradients[k], out);
    return SY_OK;
}

static int update(struct sy_plan *plan, const struct sy_update *in, struct sy_error *err) {
    plan->weights_stale = true;
    return store_update(&plan->store, plan->host, in, err);
}

static int get(struct sy_plan *plan, int32_t stored, int32_t index, struct sy_tensor *out, struct sy_error *err) {
    return store_get(&plan->store, stored, index, out, err);
}

static int set(struct sy_plan *plan, int32_t stored, int32_t index, const struct sy_tensor *in, struct sy_error *err) {
    plan->weights_stale = true;
    return store_set(&plan->store, stored, index, in, err);
}

static const struct sy_backend_ops ops = {
    .size = sizeof ops,
    .init = init,
    .fini = fini,
    .info = info,
    .compile = compile,
    .destroy = destroy,
    .plan_info = plan_info,
    .forward = forward,
    .output = output,
    .statistics = statistics,
    .backward = backward,
    .input_gradient = input_gradient,
    .update = update,
    .get = get,
    .set = set,
};

SY_PLUGIN(SY_BACKEND, "onednn", struct onednn, .fields = fields, .ops = &ops,
          .doc = "the fast one: convolutions by oneDNN and own kernels in blocked layout, for AVX-512 and AVX2",
          .help = "fp32 and bf16 (activations and their gradients in bfloat16, sums, statistics and master weights in\n"
                  "float). bf16 takes the instructions of AVX512_BF16; without them numbers are rounded to it, but\n"
                  "multiplied in fp32: activations take half the memory, a step about as long as in fp32. Depthwise\n"
                  "convolutions by own loops; batch norm and ReLU are computed again where they are read instead of\n"
                  "being stored; the batch is shared by threads, a few images at a time. conv is one of\n"
                  "  auto           by Winograd, but in bf16 directly where the processor has AMX\n"
                  "  direct         by oneDNN\n"
                  "  winograd       F(4x4, 3x3), with stride 2 F(4x4, 2x2) on odd and even rows and columns\n"
                  "  measured       layer by layer what is faster here, timed at the start and written into run.cfg\n"
                  "  winograd_bf16  as winograd, but rounds what it multiplies to bfloat16: with AVX512_BF16 two\n"
                  "                 products an instruction; for precision = \"bf16\"");
