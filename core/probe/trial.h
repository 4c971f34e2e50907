/* trial.h - a loss tried on made-up tensors: value and gradients, with everything watched that it might do wrong. */
#ifndef SY_PROBE_TRIAL_H
#define SY_PROBE_TRIAL_H

#include <switchyard/loss.h>

#include "exam.h"

#define SY_TRIAL_SOURCES 3

/* What a loss is given. tensor[0] is the target's, tensor[1 + s] source s's; (batch, row). */
struct sy_trial {
    int32_t batch, classes, n_sources;
    struct sy_shape shape; /* of one sample, all tensors alike; rank 1 and `classes` long: logits */
    int32_t *labels;
    int64_t *samples;
    float *tensor[1 + SY_TRIAL_SOURCES];
    bool attached;                 /* gradients to the sources are asked for, too */
    const struct sy_trial *before; /* what the instance is given first, where it remembers; borrowed; NULL: nothing */
};

/* Made-up numbers within `spread`; labels and sample numbers too. False when memory is used up. */
bool sy_trial_make(struct sy_trial *trial, uint32_t seed, int32_t batch, int32_t classes, int32_t n_sources,
                   const struct sy_shape *shape, double spread);
void sy_trial_finish(struct sy_trial *trial);
size_t sy_trial_row(const struct sy_trial *trial);
bool sy_trial_is_logits(const struct sy_trial *trial);

/* What it made of it. */
struct sy_outcome {
    double value;
    /* [0] to the target, [1 + s] to source s: (batch, row), NaN where nothing was written; NULL where not asked for */
    float *gradient[1 + SY_TRIAL_SOURCES];
    bool outside;   /* it wrote before or behind a gradient */
    bool remembers; /* it keeps state or buffers */
};
/* One evaluation by a fresh instance. Finish the outcome in any case. */
int sy_trial_run(struct sy_outcome *out, struct sy_exam *exam, const struct sy_trial *trial,
                 const struct sy_change *change, struct sy_error *err);
void sy_outcome_finish(struct sy_outcome *outcome);
/* Whether it says beforehand that it can work on such tensors. */
int sy_trial_check(struct sy_exam *exam, const struct sy_trial *trial, const struct sy_change *change,
                   struct sy_error *err);

#endif
