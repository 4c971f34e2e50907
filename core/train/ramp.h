/* ramp.h - how the weight of an edge changes over the epochs (config: ramp, ramp_epochs, ramp_at, ramp_factors, in the
 * group `topology` for all edges, and in the group of a loss for the edges that have it). */
#ifndef SY_TRAIN_RAMP_H
#define SY_TRAIN_RAMP_H

#include "../config/problems.h"
#include "../config/setting.h"
#include <switchyard/plugin.h>

enum sy_ramp_kind { SY_RAMP_NONE, SY_RAMP_LINEAR, SY_RAMP_GAUSSIAN, SY_RAMP_POINTS };

struct sy_ramp {
    int32_t ramp;                   /* enum sy_ramp_kind */
    int64_t ramp_epochs;            /* linear, gaussian: 1 from there on */
    struct sy_ints ramp_at;         /* points: epochs, growing */
    struct sy_doubles ramp_factors; /* ... and what the weight is multiplied by in them */
};

/* Factor on an edge's weight in an epoch (from 0), never negative. */
double sy_ramp_factor(const struct sy_ramp *ramp, int64_t epoch);

/* Whether the lists fit each other and the kind; `group` is where they were written. */
void sy_ramp_check(const struct sy_ramp *ramp, const struct sy_setting *group, struct sy_problems *problems);

/* "gaussian ramp of 80 epochs"; empty without a ramp. */
void sy_ramp_describe(char *out, size_t room, const struct sy_ramp *ramp);

#endif
