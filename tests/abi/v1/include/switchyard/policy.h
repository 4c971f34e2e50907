/* policy.h - kind "policy/1": batch by batch, who learns?
 *
 * One instance per gate, that is per (teacher, student) pair the topology asks it to watch. It decides after every
 * forward pass and before any update, from numbers no gradient flows through. */
#ifndef SWITCHYARD_POLICY_H
#define SWITCHYARD_POLICY_H

#include <math.h>

#include "host.h"
#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SY_POLICY "policy/1"

enum sy_mode {
    SY_LEARNING = 0, /* both learn, each from the other */
    SY_EXPERT = 1,   /* the teacher is paused (once all its gates say so), the student learns on */
};

enum sy_side { SY_TEACHER = 0, SY_STUDENT = 1 };

/* All pointers are valid during the call. B = batch, K = classes. */
struct sy_policy_in {
    uint32_t size;
    int32_t batch, classes; /* B, K */
    int32_t gate;           /* which of the gates this instance is */
    int32_t n_gates;        /* all gates of the experiment, in the topology's order: the siblings */
    int32_t reserved;
    int64_t step, epoch; /* from 0 */
    int64_t steps_per_epoch, epochs;
    const int32_t *labels; /* (B), 0 .. K-1 */
    const double *teacher; /* (B, K): softmax of the teacher's logits, temperature 1 */
    const double *student; /* (B, K) */
    /* Probabilities of either side of any gate at any temperature: sy_policy_probabilities. Which node that is:
     * node(), an index that is equal for equal nodes. */
    const void *signals;
    const double *(*probabilities)(const void *signals, int32_t gate, int32_t side, double temperature);
    int32_t (*node)(const void *signals, int32_t gate, int32_t side);
    /* Multiply-adds of one sample's forward pass through either side of this gate. */
    int64_t teacher_multiply_adds, student_multiply_adds;
};

static inline const double *sy_policy_probabilities(const struct sy_policy_in *in, int32_t gate, int32_t side,
                                                    double temperature) {
    return in->probabilities(in->signals, gate, side, temperature);
}

/* What one decision says. Filled before the call with the defaults named here. */
struct sy_policy_out {
    uint32_t size;
    int32_t mode;          /* enum sy_mode; default SY_LEARNING */
    double teacher_weight; /* factor on what the teacher is taught by this student, in learning mode; default 1 */
    double student_weight; /* factor on what the student is taught by this teacher; default 1 */
};

/* What a policy remembers belongs into fields: SY_STATE is checkpointed, SY_OBSERVED is journalled as well.
 * init, epoch, fini: optional. decide: mandatory. */
struct sy_policy_ops {
    uint32_t size;
    int32_t reserved;
    int (*init)(void *self, const struct sy_host *host, struct sy_error *err);
    void (*fini)(void *self);
    /* One decision for one batch. Must not depend on anything but self and in. */
    int (*decide)(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err);
    /* After each epoch (from 0). */
    int (*epoch)(void *self, int64_t epoch, struct sy_error *err);
};

/* ---- distances: batch means of row-wise L1 norms, in [0, 2] --------------------------------------------------- */

/* mean_b sum_k |p[b][k] - q[b][k]| */
static inline double sy_distance(const double *p, const double *q, int32_t batch, int32_t classes) {
    double sum = 0;
    size_t n = (size_t)batch * (size_t)classes;
    for (size_t i = 0; i < n; i++) {
        sum += fabs(p[i] - q[i]);
    }
    return batch > 0 ? sum / batch : 0;
}

/* mean_b ||p[b] - onehot(labels[b])||_1, which for probabilities is 2 (1 - p[b][label]) */
static inline double sy_label_distance(const double *p, const int32_t *labels, int32_t batch, int32_t classes) {
    double sum = 0;
    for (int32_t b = 0; b < batch; b++) {
        for (int32_t k = 0; k < classes; k++) {
            sum += fabs(p[(size_t)b * (size_t)classes + (size_t)k] - (k == labels[b] ? 1.0 : 0.0));
        }
    }
    return batch > 0 ? sum / batch : 0;
}

#ifdef __cplusplus
}
#endif
#endif
