/* loss.h - kind "loss/1": a number to be made small, and its gradient.
 *
 * One instance per edge, and one per node for its label loss. The core weighs, ramps and adds: a loss knows neither
 * its weight nor who else teaches the node. Every loss is a mean over the batch, never over classes. */
#ifndef SWITCHYARD_LOSS_H
#define SWITCHYARD_LOSS_H

#include "graph.h"
#include "host.h"
#include "plugin.h"
#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SY_LOSS "loss/1"

enum { SY_TARGET = -1 }; /* `which` below: the learner itself; 0 .. n_sources-1 is a source */

/* All pointers are valid during the call. B = batch, K = classes. */
struct sy_loss_in {
    uint32_t size;
    int32_t batch;     /* B */
    int32_t classes;   /* K */
    int32_t n_sources; /* 0 for a label loss */
    int64_t step, epoch, epochs;
    const int32_t *labels;                  /* (B), 0 .. K-1 */
    const int64_t *samples;                 /* (B): index of each sample in its split */
    const struct sy_tensor *target;         /* float: the learner's output, (B, K) logits or (B, ...) a tap */
    const struct sy_tensor *const *sources; /* float, detached: (B, K) logits or (B, ...) a tap */
    /* softmax(logits / temperature) and its logarithm, (B, K) doubles, computed once per node and step whoever asks;
     * NULL if that tensor is not (B, K). Use sy_loss_probabilities and sy_loss_log_probabilities. */
    const void *signals;
    const double *(*probabilities)(const void *signals, int32_t which, double temperature);
    const double *(*log_probabilities)(const void *signals, int32_t which, double temperature);
};

/* Rows of softmax(z / temperature): (B, K). */
static inline const double *sy_loss_probabilities(const struct sy_loss_in *in, int32_t which, double temperature) {
    return in->probabilities(in->signals, which, temperature);
}
/* Rows of log softmax(z / temperature), computed without taking a logarithm of a small number: (B, K). */
static inline const double *sy_loss_log_probabilities(const struct sy_loss_in *in, int32_t which, double temperature) {
    return in->log_probabilities(in->signals, which, temperature);
}

struct sy_loss_out {
    uint32_t size;
    int32_t reserved;
    double value;                   /* to be written: the loss */
    float *gradient;                /* to be overwritten: d value / d target, the target's shape; 1/B already in it */
    float *const *source_gradients; /* as gradient, one per source; NULL (or an entry NULL) where detached */
};

/* init, fini, check, formula: optional. eval: mandatory. */
struct sy_loss_ops {
    uint32_t size;
    int32_t reserved;
    int (*init)(void *self, const struct sy_host *host, struct sy_error *err);
    void (*fini)(void *self);
    /* Whether it can work on these shapes (of one sample); absent: only on (K), all alike. */
    int (*check)(const void *self, int32_t classes, const struct sy_shape *target,
                 const struct sy_shape *const *sources, int32_t n_sources, struct sy_error *err);
    /* The loss in words for `check`, as "KL(teacher || student)"; names are those of the outputs it reads.
     * Absent: NAME(target; sources). */
    void (*formula)(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources);
    int (*eval)(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err);
};

/* What a loss does on purpose that an examination would take for a mistake; what sy_plugin.extension returns for this
 * id. Each is the reason, in a few words, or NULL where the rule holds. */
#define SY_LOSS_EXCEPTIONS "loss/exceptions"

struct sy_loss_exceptions {
    uint32_t size;
    int32_t reserved;
    const char *constant;     /* the gradient leaves out a part of the value that depends on the target, and why */
    const char *over_classes; /* it is a mean over classes (or elements), and why */
};

#ifdef __cplusplus
}
#endif
#endif
