/* plan.h - a graph compiled for blocked layout.
 *
 * Images lie as (batch, channels / BLOCK, height, width, BLOCK): sixteen channels side by side with AVX-512, eight with
 * AVX2; the last block filled up with channels that are zero and stay so. Where the processor multiplies tiles of bfloat16
 * (AMX), bf16 plans lay them out as (batch, height, width, channels), filled up likewise: oneDNN uses those instructions
 * for nothing else. A *plane* is one block of one image in either layout; everything but matrix products works on planes
 * of one block, of some images, while they are in the cache.
 *
 * Batch norm and ReLU are not stored: the value behind them is a *view* of the value before them, computed again
 * wherever it is read. An addition behind a convolution, and the ReLU behind that, are done by the convolution's node.
 * What is left of the graph is a list of *nodes*, each of which stores one value.
 *
 * Backward, the gradient of a value collects *contributions* from its readers, in the reverse order of nodes. The one
 * that comes last also *completes* it, plane by plane: masks it with the ReLU, and sums what batch norm needs. The rest
 * of batch norm's gradient waits until these sums are known: the node that stored the value *settles* it on reading.
 *
 * Threads share the batch, each always the same images of it; sums over the batch are kept per thread and added in the
 * order of threads.
 *
 * Where no image depends on another (evaluation), a thread takes a *window* of its images through all nodes, and then the
 * next: their values lie in the same memory over and over, and stay in the cache. */
#ifndef ONEDNN_PLAN_H
#define ONEDNN_PLAN_H

#include <stdbool.h>

#include <switchyard/backend.h>
#include <switchyard/rng.h>

#include "../cpu/store.h"
#include "library.h"
#include "variant.h"

/* What a forward pass stores where: everything that backward needs; of a whole batch, nothing longer than it is read; or
 * of a window for each thread. */
enum pass { PASS_KEPT, PASS_BATCH, PASS_WINDOWS, PASSES };

enum activation { ACT_NONE, ACT_RELU, ACT_RELU6 };

struct norm_sums; /* norms.h */

/* A batch norm. Arrays are as long as its blocks; channels that fill up have scale and shift 0. */
struct norm {
    const struct sy_op *op;
    int32_t channels, blocks;
    float *mean, *variance, *inverse; /* of the last forward; inverse = 1 / sqrt(variance + eps) */
    float *scale, *shift;             /* y = (x - mean) scale + shift */
    float *k1, *k2;                   /* dx = (g - k1 - (x - mean) k2) scale */
    struct norm_sums *sums;           /* per thread and block */
};

/* A value of the graph: stored by a node or fed in, or a view of one that is. */
struct value {
    int32_t base;      /* the stored value it is a view of; itself where it is stored */
    struct norm *norm; /* of the view, NULL: none */
    int32_t act;       /* enum activation of the view */
    int32_t producer;  /* of a stored one: its node, -1: an input */
    bool plain;        /* an input kept as it came: batch, channels, height, width */
    bool wanted;       /* its gradient leads somewhere */
    bool large;        /* a batch of it does not stay in a cache until it is read again */
    int32_t channels, blocks, height, width;
    size_t pixels, row;            /* row: elements of one image */
    size_t pixel_step, block_step; /* elements from one pixel, and from one block, to the next */
    int32_t *views;                /* of a stored one: values that are views of it */
    int32_t instead;               /* of a stored one: the view that windows store in its place, -1: none */
    int32_t n_views;
    int32_t n_gradients; /* contributions to its gradient, from outside too */
    int32_t shares;      /* the value whose gradient's memory this one's shares; itself as a rule */
    bool has_gradient;   /* its gradient is stored; else it is made of its views' when read */
    size_t at[PASSES];   /* elements from the arena's start, or the window's */
    size_t gradient_at;
};

/* A contribution of a node to the gradient of one value it reads. */
struct link {
    int32_t value;
    bool wanted;
    bool first;  /* overwrites */
    bool last;   /* completes */
    bool shared; /* is there already: the memory is the same */
};

enum node_kind { NODE_CONV2D, NODE_WINOGRAD, NODE_DEPTHWISE, NODE_LINEAR, NODE_SUM, NODE_IMAGE };

struct conv2d;   /* conv2d.h */
struct winograd; /* winograd.h */

/* Stores its output: act(what it computes from its inputs + the residual). */
struct node {
    int32_t kind; /* enum node_kind */
    const struct sy_op *op;
    int32_t op_index; /* in the graph */
    int32_t n_inputs; /* the residual not counted */
    struct link *inputs;
    struct link residual; /* value -1: none */
    int32_t output;
    int32_t act;
    bool useful; /* something trainable, or an input asked for, lies upstream */
    bool fallback;
    size_t scratch; /* bytes it needs per thread */
    struct conv2d *conv2d;
    struct winograd *winograd;
    float *weights;        /* depthwise: (blocks, taps, BLOCK) */
    float *partial;        /* gradients of weights and bias, per thread; the plan's */
    size_t partial_floats; /* per thread */
};

struct sy_plan {
    const struct sy_graph *graph;
    const struct sy_host *host;
    struct library *library;
    const struct variant *variant;
    const struct kernels *kernels;
    struct store store;
    struct node *nodes;
    struct value *values;
    struct norm *norms; /* per operator */
    int32_t n_nodes, n_values;
    int32_t precision, max_batch, batch, mode, pass; /* enum pass */
    int32_t kept;                                    /* backward may follow */
    int32_t window;                                  /* images of one; a power of 2 */
    uint32_t window_shift;                           /* an image's window is its index >> this */
    size_t window_elems;                             /* of the arena */
    bool forward_only, weights_stale, measured;
    bool channels_last; /* the layout */
    bool native_bf16;   /* by the instructions for it */
    bool bf16_factors;  /* of Winograd */
    uint64_t seed;
    uint32_t stream, step;
    size_t elem_size;
    char *arena;
    size_t arena_elems;
    char **scratch; /* per thread */
    size_t scratch_bytes;
    float *partial;
    size_t partial_floats, weight_bytes; /* weight_bytes: weights in other layouts */
    float **outputs;                     /* per output of the graph, batch first, canonical */
    bool *fetched;                       /* per output: it is there already */
    float **input_gradients;             /* per input asked for */
    const char **fallbacks;
    int32_t n_fallbacks;
    char *choices; /* measured or followed, choose.h; NULL: neither */
};

/* What works on activations, once per precision. */
struct kernels {
    size_t operand_size; /* bytes of a number in what oneDNN's convolutions read and write */
    /* So many weights in place, a multiple of the block, as oneDNN would if it were not given floats; NULL: it does. */
    void (*round_weights)(float *weights, size_t count);
    void (*input)(struct sy_plan *plan, int32_t k, const float *from);
    void (*output)(struct sy_plan *plan, int32_t k, float *to);
    void (*seed)(struct sy_plan *plan, const struct sy_tensor *const *gradients);
    void (*input_gradient)(struct sy_plan *plan, int32_t k, float *to);
    void (*start_norms)(struct sy_plan *plan);
    void (*forward)(struct sy_plan *plan, struct node *node);
    /* All of it, in windows, from the inputs to the plan's outputs. */
    void (*windows)(struct sy_plan *plan, const struct sy_forward *in);
    void (*backward)(struct sy_plan *plan, struct node *node);
};
#ifdef VARIANT
extern const struct kernels fp32_kernels, bf16_kernels, rounded_kernels; /* the last: bf16 by integers and floats */
#endif

/* All of the above for one instruction set. */
struct variant {
    const char *name;
    int32_t block;
    bool native_bf16; /* has kernels for bf16 with the instructions for it, too */
    int (*create)(struct sy_plan **out, struct library *library, const struct sy_host *host,
                  const struct sy_graph *graph, const struct sy_plan_options *options, int32_t algorithm,
                  struct sy_error *err);
    void (*destroy)(struct sy_plan *plan); /* NULL is fine */
    void (*refresh)(struct sy_plan *plan); /* weights, if they changed, in the layouts of those who read them */
};
#ifdef VARIANT
extern const struct variant variant;
#else
extern const struct variant avx512_variant, avx2_variant;
#endif

/* Floats of one image outside. */
static inline size_t image_floats(const struct sy_plan *plan, int32_t value) {
    return (size_t)plan->values[value].channels * plan->values[value].pixels;
}

/* Before a forward pass. */
static inline void begin_pass(struct sy_plan *plan, enum pass pass) {
    plan->pass = pass;
    plan->kept = pass == PASS_KEPT;
    plan->window_shift = pass == PASS_WINDOWS ? (uint32_t)__builtin_ctz((unsigned)plan->window) : 63; /* all in one */
}

static inline const struct sy_shape *shape_of(const struct sy_plan *plan, int32_t value) {
    return &plan->graph->values[value];
}
static inline float *param_value(const struct sy_plan *plan, const struct sy_op *op, int which) {
    return op->param[which] >= 0 ? store_value(&plan->store, op->param[which]) : NULL;
}
static inline float *param_gradient(const struct sy_plan *plan, const struct sy_op *op, int which) {
    return op->param[which] >= 0 ? store_gradient(&plan->store, op->param[which]) : NULL;
}
static inline bool has_norm(const struct sy_plan *plan, const struct value *value) {
    for (int32_t i = 0; i < value->n_views; i++) {
        if (plan->values[value->views[i]].norm) {
            return true;
        }
    }
    return false;
}

/* Images whose planes of a block are taken together: enough pixels that what is done once for all of them weighs little,
 * few enough that their sums can be taken in single precision. */
static inline size_t images_together(const struct value *v) {
    const size_t pixels = 256;
    return v->pixels < pixels ? pixels / v->pixels : 1;
}

/* fuse.c: nodes, values and who reads what. False when memory is used up. */
bool plan_fuse(struct sy_plan *plan, uint32_t input_gradients);
/* memory.c: where values and gradients lie in the arena. */
bool plan_layout(struct sy_plan *plan);

#endif
