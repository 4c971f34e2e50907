/* network.h - kind "network/1": what a network looks like. No kernels, no gradients: only its graph.
 *
 * The author calls the builder functions below, each of which appends one operator and returns the value it makes.
 * Errors stick: after a first mistake (shapes that do not fit, say) every further call returns -1 and does nothing,
 * and the core reports the first mistake; so no call needs checking.
 *
 * Operators with parameters take a name, printf-like; parameters are called NAME.weight, NAME.bias,
 * NAME.running_mean, NAME.running_var and are stored in the order of the calls. */
#ifndef SWITCHYARD_NETWORK_H
#define SWITCHYARD_NETWORK_H

#include "graph.h"
#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SY_NETWORK "network/1"

struct sy_conv2d {
    uint32_t size;
    int32_t channels; /* of the output */
    int32_t kernel;   /* 1 when 0 */
    int32_t stride;   /* 1 when 0 */
    int32_t padding;
    int32_t groups; /* 1 when 0; the input's channels for a depthwise convolution */
    int32_t bias;   /* 1: with bias */
    int32_t reserved;
    struct sy_init weight_init, bias_init;
    int32_t output_padding; /* of a transposed one: rows below and columns to the right more; less than the stride */
    int32_t reserved2;
};

struct sy_linear {
    uint32_t size;
    int32_t features; /* of the output */
    int32_t no_bias;
    int32_t reserved;
    struct sy_init weight_init, bias_init;
};

struct sy_batch_norm {
    uint32_t size;
    int32_t reserved;
    double eps;      /* 1e-5 when 0 */
    double momentum; /* share of the new batch in the running statistics; 0.1 when 0 */
    struct sy_init weight_init, bias_init;
};

/* The specifications, with their size filled in:  sy_conv2d(b, x, SY_CONV2D(.channels = 16, .kernel = 3), "conv1")
 * In C++ with the members in the struct's order; to be written where they are passed, for they live no longer. */
#ifdef __cplusplus
} /* extern "C" */
/* Other names, for expressions: a function of each of these names follows. */
using sy_conv2d_spec_ = struct sy_conv2d;
using sy_linear_spec_ = struct sy_linear;
using sy_batch_norm_spec_ = struct sy_batch_norm;
template <class spec_> static inline const spec_ *sy_spec_(const spec_ &spec) {
    return &spec;
}
#define SY_SPEC_(type, ...) sy_spec_(type##_spec_{.size = sizeof(type##_spec_), __VA_ARGS__})
extern "C" {
#else
#define SY_SPEC_(type, ...) (&(const struct type){.size = sizeof(struct type), __VA_ARGS__})
#endif
#define SY_CONV2D(...)     SY_SPEC_(sy_conv2d, __VA_ARGS__)
#define SY_LINEAR(...)     SY_SPEC_(sy_linear, __VA_ARGS__)
#define SY_BATCH_NORM(...) SY_SPEC_(sy_batch_norm, __VA_ARGS__)

/* Filled by the core; authors use the functions below. `graph` belongs to the core. */
struct sy_builder {
    uint32_t size;
    int32_t reserved;
    void *graph;
    int32_t (*conv2d)(void *graph, int32_t x, const struct sy_conv2d *spec, const char *name);
    int32_t (*linear)(void *graph, int32_t x, const struct sy_linear *spec, const char *name);
    int32_t (*batch_norm)(void *graph, int32_t x, const struct sy_batch_norm *spec, const char *name);
    int32_t (*relu)(void *graph, int32_t x);
    int32_t (*relu6)(void *graph, int32_t x);
    int32_t (*add)(void *graph, int32_t a, int32_t b);
    int32_t (*concat)(void *graph, const int32_t *inputs, int32_t count);
    int32_t (*avg_pool)(void *graph, int32_t x, int32_t kernel, int32_t stride, int32_t padding);
    int32_t (*max_pool)(void *graph, int32_t x, int32_t kernel, int32_t stride, int32_t padding);
    int32_t (*global_avg_pool)(void *graph, int32_t x);
    int32_t (*flatten)(void *graph, int32_t x);
    int32_t (*slice_pad)(void *graph, int32_t x, int32_t stride, int32_t channels_before, int32_t channels_after);
    int32_t (*dropout)(void *graph, int32_t x, double probability);
    int32_t (*output)(void *graph, int32_t x, const char *name);
    int32_t (*shape)(void *graph, int32_t x, struct sy_shape *out);
    int32_t (*fail)(void *graph, const char *reason);
    int32_t (*softmax)(void *graph, int32_t x);
    int32_t (*multiply)(void *graph, int32_t a, int32_t b);
    int32_t (*slice)(void *graph, int32_t x, int32_t first, int32_t count);
    int32_t (*dot)(void *graph, int32_t a, int32_t b);
    int32_t (*l2_normalize)(void *graph, int32_t x, double eps);
    int32_t (*channel_shuffle)(void *graph, int32_t x, int32_t groups);
    int32_t (*transposed_conv2d)(void *graph, int32_t x, const struct sy_conv2d *spec, const char *name);
};

#define SY_NAME_ROOM 128

#define SY_NAMED_(call)                         \
    char name[SY_NAME_ROOM];                    \
    va_list args;                               \
    va_start(args, format);                     \
    vsnprintf(name, sizeof name, format, args); \
    va_end(args);                               \
    return call

SY_PRINTF(4, 5)
static inline int32_t sy_conv2d(const struct sy_builder *b, int32_t x, const struct sy_conv2d *spec, const char *format,
                                ...) {
    SY_NAMED_(b->conv2d(b->graph, x, spec, name));
}

SY_PRINTF(4, 5)
static inline int32_t sy_linear(const struct sy_builder *b, int32_t x, const struct sy_linear *spec, const char *format,
                                ...) {
    SY_NAMED_(b->linear(b->graph, x, spec, name));
}

SY_PRINTF(4, 5)
static inline int32_t sy_batch_norm(const struct sy_builder *b, int32_t x, const struct sy_batch_norm *spec,
                                    const char *format, ...) {
    SY_NAMED_(b->batch_norm(b->graph, x, spec, name));
}

/* Names a value for the outside: "logits", or a tap. Returns the value. */
SY_PRINTF(3, 4)
static inline int32_t sy_output(const struct sy_builder *b, int32_t x, const char *format, ...) {
    SY_NAMED_(b->output(b->graph, x, name));
}

static inline int32_t sy_relu(const struct sy_builder *b, int32_t x) {
    return b->relu(b->graph, x);
}
static inline int32_t sy_relu6(const struct sy_builder *b, int32_t x) {
    return b->relu6(b->graph, x);
}
static inline int32_t sy_add(const struct sy_builder *b, int32_t x, int32_t other) {
    return b->add(b->graph, x, other);
}
static inline int32_t sy_concat(const struct sy_builder *b, const int32_t *inputs, int32_t count) {
    return b->concat(b->graph, inputs, count);
}
static inline int32_t sy_avg_pool(const struct sy_builder *b, int32_t x, int32_t kernel, int32_t stride,
                                  int32_t padding) {
    return b->avg_pool(b->graph, x, kernel, stride, padding);
}
static inline int32_t sy_max_pool(const struct sy_builder *b, int32_t x, int32_t kernel, int32_t stride,
                                  int32_t padding) {
    return b->max_pool(b->graph, x, kernel, stride, padding);
}
static inline int32_t sy_global_avg_pool(const struct sy_builder *b, int32_t x) {
    return b->global_avg_pool(b->graph, x);
}
static inline int32_t sy_flatten(const struct sy_builder *b, int32_t x) {
    return b->flatten(b->graph, x);
}
static inline int32_t sy_slice_pad(const struct sy_builder *b, int32_t x, int32_t stride, int32_t channels_before,
                                   int32_t channels_after) {
    return b->slice_pad(b->graph, x, stride, channels_before, channels_after);
}
static inline int32_t sy_dropout(const struct sy_builder *b, int32_t x, double probability) {
    return b->dropout(b->graph, x, probability);
}

/* What follows came after the first release of these headers: a core without it says so, as a mistake of the network. */
#define SY_BUILDER_CALL_(b, function, ...)                        \
    (SY_HAS(b, function) ? (b)->function((b)->graph, __VA_ARGS__) \
                         : (b)->fail((b)->graph, #function ": this Switchyard is too old to know it"))

/* Vectors only. */
static inline int32_t sy_softmax(const struct sy_builder *b, int32_t x) {
    return SY_BUILDER_CALL_(b, softmax, x);
}
/* a's shape; `other` has the same, or one channel (a vector: one feature) that multiplies each of a's. */
static inline int32_t sy_multiply(const struct sy_builder *b, int32_t x, int32_t other) {
    return SY_BUILDER_CALL_(b, multiply, x, other);
}
/* Channels of an image, or features of a vector: first, ..., first + count - 1. */
static inline int32_t sy_slice(const struct sy_builder *b, int32_t x, int32_t first, int32_t count) {
    return SY_BUILDER_CALL_(b, slice, x, first, count);
}
/* Two vectors of one length; gives a vector of one feature. */
static inline int32_t sy_dot(const struct sy_builder *b, int32_t x, int32_t other) {
    return SY_BUILDER_CALL_(b, dot, x, other);
}
/* Vectors only. eps: 1e-12 when 0. */
static inline int32_t sy_l2_normalize(const struct sy_builder *b, int32_t x, double eps) {
    return SY_BUILDER_CALL_(b, l2_normalize, x, eps);
}
/* Images only; `groups` must divide their channels. */
static inline int32_t sy_channel_shuffle(const struct sy_builder *b, int32_t x, int32_t groups) {
    return SY_BUILDER_CALL_(b, channel_shuffle, x, groups);
}

/* Grows an image; takes what a convolution takes. */
SY_PRINTF(4, 5)
static inline int32_t sy_transposed_conv2d(const struct sy_builder *b, int32_t x, const struct sy_conv2d *spec,
                                           const char *format, ...) {
    SY_NAMED_(SY_BUILDER_CALL_(b, transposed_conv2d, x, spec, name));
}

/* Shape of a value, all zeros after a mistake. */
static inline struct sy_shape sy_value_shape(const struct sy_builder *b, int32_t x) {
    struct sy_shape shape = {0, {0, 0, 0}};
    b->shape(b->graph, x, &shape);
    return shape;
}

/* Channels (or features) of a value. */
static inline int32_t sy_channels(const struct sy_builder *b, int32_t x) {
    return sy_value_shape(b, x).dim[0];
}

struct sy_network_in {
    uint32_t size;
    int32_t classes;
    int32_t n_inputs;
    int32_t reserved;
    const int32_t *inputs; /* values; inputs[0] is the image unless the config feeds the node from elsewhere */
};

/* init, fini: optional. build: mandatory. */
struct sy_network_ops {
    uint32_t size;
    int32_t reserved;
    /* Checks parameters against each other. */
    int (*init)(void *self, struct sy_error *err);
    /* Builds the graph; at least one output, called "logits" unless the node is only a source of taps.
     * Called any number of times; must give the same graph each time. */
    int (*build)(const void *self, const struct sy_builder *builder, const struct sy_network_in *in,
                 struct sy_error *err);
    void (*fini)(void *self);
};

#ifdef __cplusplus
}
#endif
#endif
