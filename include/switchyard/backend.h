/* backend.h - kind "backend/1": makes networks compute.
 *
 * A backend sees the whole graph of a network at once and compiles it into a plan for one precision and a largest
 * batch; layout, fusion and memory are its own business. Parameters, gradients and optimiser state live in the plan
 * and travel to host memory and back in canonical form (graph.h's shapes, row-major, float unless said otherwise).
 *
 * One training step of one plan, in legal order:
 *   forward(train) -> output()... -> statistics() -> backward() -> input_gradient()... -> update()
 * statistics, backward and update may be left out (a paused node does without). Everything a plan needs is allocated
 * in compile; nothing is allocated afterwards. One thread at a time per plan, and per backend instance. Work may be
 * asynchronous (a GPU): output, input_gradient and get wait for what they need.
 *
 * Same plan options, threads and inputs: same bits, whatever order threads run in. */
#ifndef SWITCHYARD_BACKEND_H
#define SWITCHYARD_BACKEND_H

#include "graph.h"
#include "host.h"
#include "plugin.h"
#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SY_BACKEND "backend/1"

struct sy_plan; /* the backend's own */

enum sy_precision {
    SY_PRECISION_FP32 = 1, /* parameters, input and output in float */
    SY_PRECISION_BF16 = 2, /* storage in bfloat16, sums and master weights in float */
    SY_PRECISION_FP64 = 3, /* everything in double, tensors at the border too (SY_F64): for tests */
};

/* What a backend is and found, for `check` and the manifest. Texts are the backend's, valid as long as it is. */
struct sy_backend_info {
    uint32_t size;
    int32_t rank;        /* filled by the backend: `backend = "auto"` takes the highest that is usable here */
    uint32_t precisions; /* bit (1 << enum sy_precision) for each precision it can compile with its settings */
    int32_t reserved;
    const char *processor; /* what it runs on, and with which kernels: "OpenBLAS 0.3.21, SkylakeX kernels" */
    const char *note;      /* what it set or corrected, and why; NULL when nothing */
};

struct sy_plan_options {
    uint32_t size;
    int32_t precision;        /* enum sy_precision */
    int32_t max_batch;        /* largest batch, 1 or more */
    int32_t forward_only;     /* 1: backward will never be asked for */
    uint32_t input_gradients; /* bit k: input_gradient(k) will be asked for */
    int32_t dry_run;          /* 1: allocate nothing large; only plan_info will be asked for */
    const char *choices;      /* choices text of an earlier plan_info, to be followed; NULL: choose anew */
};

/* Texts are the plan's, valid as long as it is. */
struct sy_plan_info {
    uint32_t size;
    int32_t n_fallbacks;
    const char *const *fallbacks; /* names of operators without a fast path here */
    const char *choices;          /* choices made by measurement, in words that compile understands; NULL: none */
    size_t parameter_bytes;       /* parameters, gradients, optimiser state */
    size_t activation_bytes;      /* activations and their gradients */
    size_t workspace_bytes;       /* everything else */
};

enum sy_forward_mode { SY_EVALUATE = 0, SY_TRAIN = 1 };

struct sy_forward {
    uint32_t size;
    int32_t mode;  /* enum sy_forward_mode: which statistics normalise, whether dropout drops */
    int32_t batch; /* 1 .. max_batch */
    int32_t keep;  /* 1: backward may follow; 0: nothing need be kept for it */
    /* Dropout: with the generator of key (seed, SY_FOR_DROPOUT, stream, step, operator's index), element i of the
     * operator's output (batch first, canonical order) is dropped if the i-th sy_rng_uniform is below p. */
    uint64_t seed;
    uint32_t stream, step;
    const struct sy_tensor *const *inputs; /* one per input of the graph: batch, then its shape; read during the call */
};

enum sy_update_rule {
    /* g += weight_decay w; m = momentum m + g; w -= lr (nesterov ? g + momentum m : m). PyTorch's SGD; slot 0 is m. */
    SY_SGD = 1,
    /* g += weight_decay w; PyTorch's Adam. Slots: first moment, second moment. */
    SY_ADAM = 2,
    /* w -= lr weight_decay w, then Adam without decay: PyTorch's AdamW. */
    SY_ADAMW = 3,
};

struct sy_update {
    uint32_t size;
    int32_t rule; /* enum sy_update_rule */
    double lr, momentum, weight_decay;
    double beta1, beta2, eps;
    int64_t count; /* updates this plan has had, this one included: 1, 2, ... (Adam's bias correction) */
    int32_t nesterov;
    int32_t zero_gradient; /* 1: take every gradient as zero (a teacher that coasts), whatever backward left */
};

/* What get and set move. */
enum sy_stored {
    SY_PARAMETER_VALUE = 1,
    SY_PARAMETER_GRADIENT = 2, /* as the last backward left it; set: what the next update takes instead */
    SY_OPTIMIZER_SLOT_0 = 3,
    SY_OPTIMIZER_SLOT_1 = 4,
};

/* All mandatory but init, fini and plan_info. Every function returns SY_OK or fails as error.h says. */
struct sy_backend_ops {
    uint32_t size;
    int32_t reserved;
    /* Finds out whether this machine will do: SY_ENOTSUP and the reason if not. `host` is valid until fini. */
    int (*init)(void *self, const struct sy_host *host, struct sy_error *err);
    void (*fini)(void *self);
    int (*info)(const void *self, struct sy_backend_info *out);

    /* The graph stays valid until destroy. Parameters start as zeros. */
    int (*compile)(void *self, struct sy_plan **out, const struct sy_graph *graph,
                   const struct sy_plan_options *options, struct sy_error *err);
    void (*destroy)(struct sy_plan *plan); /* NULL is fine */
    int (*plan_info)(const struct sy_plan *plan, struct sy_plan_info *out);

    /* Computes every output. Does not touch the running statistics. */
    int (*forward)(struct sy_plan *plan, const struct sy_forward *in, struct sy_error *err);
    /* Output k of the last forward in host memory; the plan's own, valid until its next forward. */
    int (*output)(struct sy_plan *plan, int32_t k, struct sy_tensor *out, struct sy_error *err);
    /* Moves the running statistics by the last training forward. At most once per forward. */
    int (*statistics)(struct sy_plan *plan, struct sy_error *err);
    /* Gradients of one scalar with respect to every trainable parameter (overwritten, not added to) and to the inputs
     * asked for, from its gradients with respect to each output: same shapes as the outputs, NULL for zero. */
    int (*backward)(struct sy_plan *plan, const struct sy_tensor *const *output_gradients, struct sy_error *err);
    /* Gradient with respect to input k, in host memory; valid until the next backward. */
    int (*input_gradient)(struct sy_plan *plan, int32_t k, struct sy_tensor *out, struct sy_error *err);
    int (*update)(struct sy_plan *plan, const struct sy_update *in, struct sy_error *err);

    /* Copy parameter `index` (of graph->params) or what belongs to it into out->data, or from in->data. dtype SY_F32,
     * or SY_F64 in a plan of that precision; exact both ways. Statistics have a value, but no gradient or slots. */
    int (*get)(struct sy_plan *plan, int32_t stored, int32_t index, struct sy_tensor *out, struct sy_error *err);
    int (*set)(struct sy_plan *plan, int32_t stored, int32_t index, const struct sy_tensor *in, struct sy_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
