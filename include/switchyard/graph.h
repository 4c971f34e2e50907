/* graph.h - a network as data: operators, the values between them, and the parameters they own.
 *
 * A network plugin writes a graph through a builder (network.h); a backend plugin reads it whole and compiles it
 * (backend.h). Shapes are those of one sample; the batch is not part of the graph. Images are channels, height,
 * width; vectors are features. Everything here is read-only and valid as long as the plan made from it. */
#ifndef SWITCHYARD_GRAPH_H
#define SWITCHYARD_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Values are part of the border: append, never renumber. x is the first input, y the output. */
enum sy_op_kind {
    SY_OP_CONV2D = 1,      /* cross-correlation, zero padding; weight (out, in/groups, k, k), bias (out) or none */
    SY_OP_LINEAR,          /* y = x W^T + b; weight (out, in), bias (out) or none */
    SY_OP_BATCH_NORM,      /* y = (x - mean) / sqrt(variance + eps) * weight + bias, per channel. Training: mean and
                              biased variance of the batch, running = (1 - momentum) running + momentum batch, with
                              the unbiased variance; evaluation: the running ones. PyTorch's conventions. */
    SY_OP_RELU,            /* y = max(x, 0); gradient 0 at 0 */
    SY_OP_RELU6,           /* y = min(max(x, 0), 6); gradient 0 at 0 and 6 */
    SY_OP_ADD,             /* y = a + b, same shapes */
    SY_OP_CONCAT,          /* inputs joined along the channels */
    SY_OP_AVG_POOL,        /* mean over k x k windows; padding counts as zeros, divisor k*k */
    SY_OP_MAX_POOL,        /* maximum over k x k windows; padding never wins; gradient to the first maximum */
    SY_OP_GLOBAL_AVG_POOL, /* (C,H,W) -> (C): mean over the image */
    SY_OP_FLATTEN,         /* (C,H,W) -> (C*H*W) */
    SY_OP_SLICE_PAD,       /* every stride-th row and column, then zero channels before and after: ResNet's option A */
    SY_OP_DROPOUT,         /* training: each element kept with probability 1-p and scaled by 1/(1-p); evaluation: y=x */
    SY_OP_SOFTMAX,         /* vectors: y_i = exp(x_i) / sum_j exp(x_j) */
    SY_OP_MULTIPLY,        /* y = a b, element by element; where b has one channel (or feature) and a has more, it
                              multiplies each of a's */
    SY_OP_SLICE,           /* channels (or features) first, first+1, ...; as many as the output has */
    SY_OP_DOT,             /* vectors of the same length: y = sum_i a_i b_i, one feature */
    SY_OP_L2_NORMALIZE,    /* vectors: y = x / max(|x|, eps), |x| = sqrt(sum_i x_i^2), as PyTorch's F.normalize */
    SY_OP_CHANNEL_SHUFFLE, /* channels as a table of `groups` rows, read by columns: y[j groups + i] = x[i C/groups + j] */
    SY_OP_TRANSPOSED_CONV2D, /* the transpose of the convolution with this kernel, stride and padding: (H-1) stride -
                                2 padding + k rows, and what the output's shape has beyond: fewer than stride; weight
                                (in, out/groups, k, k), bias (out) or none; ConvTranspose2d */
    SY_OP_KINDS              /* one past the last */
};

struct sy_shape {
    int32_t rank;   /* 3: channels, height, width; 1: features */
    int32_t dim[3]; /* unused ones are 1 */
};

static inline size_t sy_shape_count(const struct sy_shape *shape) {
    return (size_t)shape->dim[0] * (size_t)shape->dim[1] * (size_t)shape->dim[2];
}

/* How a parameter starts. fan_in = in/groups * k * k, fan_out = out * k * k (transposed: out/groups, in, as PyTorch has it); bound b means uniform on [-b, b). */
enum sy_init_kind {
    SY_INIT_DEFAULT = 0,           /* weights and biases: bound 1/sqrt(fan_in), as PyTorch; batch norm: 1 and 0 */
    SY_INIT_CONSTANT,              /* value */
    SY_INIT_UNIFORM,               /* bound value */
    SY_INIT_NORMAL,                /* N(0, value^2) */
    SY_INIT_XAVIER_UNIFORM,        /* bound value * sqrt(6 / (fan_in + fan_out)), value = gain */
    SY_INIT_KAIMING_NORMAL_IN,     /* N(0, 2 / fan_in) */
    SY_INIT_KAIMING_NORMAL_OUT,    /* N(0, 2 / fan_out) */
    SY_INIT_NORMAL_INVERSE_FAN_IN, /* N(0, 1 / fan_in^2): standard deviation 1/fan_in, see methods of SwitOKD's code */
};

struct sy_init {
    int32_t kind; /* enum sy_init_kind */
    int32_t reserved;
    double value;
};

enum sy_param_role {
    SY_TRAINABLE = 1, /* has a gradient and is updated by the optimiser */
    SY_STATISTIC = 2, /* running mean or variance */
};

struct sy_param {
    uint32_t size;
    int32_t role;     /* enum sy_param_role */
    const char *name; /* as in the authors' PyTorch state dict: "layer1.0.conv1.weight" */
    int64_t shape[4];
    int32_t rank; /* 1 to 4 */
    int32_t op;   /* the operator that owns it */
    int64_t fan_in, fan_out;
    struct sy_init init;
};

#define SY_OP_PARAMS 4

struct sy_op {
    uint32_t size;
    int32_t kind;          /* enum sy_op_kind */
    const char *name;      /* "layer1.0.conv1"; unnamed operators get one: "relu3" */
    const int32_t *inputs; /* values */
    int32_t n_inputs;
    int32_t output;              /* value */
    int32_t param[SY_OP_PARAMS]; /* weight, bias, running mean, running variance: indices of params, -1 where absent */
    int32_t kernel, stride, padding, groups; /* convolution and pooling; square, the same in both directions */
    int32_t pad_before, pad_after;           /* slice_pad: zero channels */
    double eps, momentum;                    /* batch norm; eps also of l2_normalize */
    double probability;                      /* dropout: of dropping */
    int32_t first;                           /* slice: its first channel */
    int32_t reserved;
};

struct sy_output {
    uint32_t size;
    int32_t value;
    const char *name; /* "logits", or a tap such as "stage3" */
};

/* Operators are in topological order: the order they were built in. */
struct sy_graph {
    uint32_t size;
    int32_t n_ops, n_values, n_params, n_inputs, n_outputs;
    const struct sy_op *const *ops;
    const struct sy_shape *values; /* shape of every value, per sample */
    const struct sy_param *const *params;
    const int32_t *inputs; /* values fed from outside */
    const struct sy_output *const *outputs;
};

enum { SY_WEIGHT = 0, SY_BIAS = 1, SY_MEAN = 2, SY_VARIANCE = 3 }; /* positions in sy_op.param */

#ifdef __cplusplus
}
#endif
#endif
