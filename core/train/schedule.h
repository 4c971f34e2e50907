/* schedule.h - learning rates by time: a factor on each node's lr (config: train.schedule, nodes.X.schedule). */
#ifndef SY_TRAIN_SCHEDULE_H
#define SY_TRAIN_SCHEDULE_H

#include "../config/fields.h"

struct sy_schedule {
    int32_t kind;          /* index of "constant|multistep|cosine|linear" */
    int32_t warmup_epochs; /* 0: none */
    struct sy_ints epochs; /* multistep: epochs, from 0, at whose start the rate is multiplied by factor */
    double factor;
    double last; /* cosine, linear: the factor at the end */
    double warmup_factor;
};

bool sy_schedule_read(struct sy_schedule *out, struct sy_setting *group, struct sy_arena *arena,
                      struct sy_problems *problems);
/* The factor at a step of an epoch (both from 0) of a run of `epochs` epochs. multistep and constant change at epochs,
 * cosine and linear and the warm-up at every step. */
double sy_schedule_factor(const struct sy_schedule *schedule, int64_t epoch, int64_t step, int64_t steps_per_epoch,
                          int64_t epochs);

#endif
