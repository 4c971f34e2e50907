/* moment.h - where in a run a step is, and who is to blame for what happened there. */
#ifndef SY_TRAIN_MOMENT_H
#define SY_TRAIN_MOMENT_H

#include <stdint.h>

#include <switchyard/error.h>

struct sy_moment {
    int64_t step, epoch, batch; /* from 0; batch within the epoch */
};

/* Prefixes the reason of a failed call with the step (NULL: it was no step, but measuring) and who it was; returns the
 * status. */
int sy_blame(struct sy_error *err, int status, const char *who, const struct sy_moment *now);

#endif
