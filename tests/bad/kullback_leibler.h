/* kullback_leibler.h - the sound part of the broken losses: T^2 mean over the batch of KL(p_source || p_target), with
 * probabilities at temperature T, and its gradient T/B (p_target - p_source). */
#ifndef SY_TESTS_BAD_KULLBACK_LEIBLER_H
#define SY_TESTS_BAD_KULLBACK_LEIBLER_H

#include <math.h>

#include <switchyard/loss.h>

struct broken {
    double temperature;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct broken, temperature, .def = 2, .min = 0.01, .max = 100, .doc = "T"),
    SY_END,
};

static inline void kullback_leibler(const struct broken *loss, struct sy_loss_out *out, const struct sy_loss_in *in) {
    size_t count = (size_t)in->batch * (size_t)in->classes;
    double t = loss->temperature, sum = 0;
    const double *p = sy_loss_probabilities(in, 0, t), *log_p = sy_loss_log_probabilities(in, 0, t);
    const double *q = sy_loss_probabilities(in, SY_TARGET, t), *log_q = sy_loss_log_probabilities(in, SY_TARGET, t);
    for (size_t i = 0; i < count; i++) {
        sum += p[i] > 0 ? p[i] * (log_p[i] - log_q[i]) : 0;
        out->gradient[i] = (float)(t * (q[i] - p[i]) / in->batch);
    }
    out->value = t * t * sum / in->batch;
}

#endif
