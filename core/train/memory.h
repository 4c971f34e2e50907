/* memory.h - the most memory a run will have resident, foreseen before its first step: from dry runs of the backend, the
 * sizes of what the core allocates, and what the program and its data take already. Bytes, in double. */
#ifndef SY_TRAIN_MEMORY_H
#define SY_TRAIN_MEMORY_H

#include "../host/memory_offer.h"
#include "experiment.h"

/* A node's plan. */
struct sy_memory_plan {
    double parameters, activations, workspace; /* as in sy_plan_info */
    const char *const *fallbacks;              /* operators without a fast path; the experiment's */
    int32_t n_fallbacks;
};

struct sy_memory {
    struct sy_memory_plan *plans; /* per node; the experiment's */
    double program;               /* resident now: program, plugins, data set, memories of losses */
    double arrays;                /* outputs, their gradients and softmaxes, scratch, measurements */
    double loaders;               /* batches of all splits, and their order */
    double unused;                /* room for batches larger than there are samples: address space only */
    double checkpoint;            /* the largest file on its way to the disk */
    double undo;                  /* a step's state to go back to (train.on_nonfinite) */
    double total;                 /* of all: the peak */
    double per_sample;            /* of the total, what a sample more in the batch takes */
    double address;               /* of address space at the peak */
};

/* Everything about a batch of data.batch samples. Memory that a library takes for itself in a step is not foreseen. */
int sy_memory_foresee(struct sy_memory *out, struct sy_experiment *experiment, struct sy_error *err);

/* Foresees it; a problem where the run cannot have so much here: more than the machine has, its control group or its address
 * space allows. Memory that others have just now is no reason. False after a problem that left it unknown. */
bool sy_memory_check(struct sy_memory *out, struct sy_experiment *experiment, struct sy_problems *problems);
/* The same from numbers that are known. */
void sy_memory_compare(const struct sy_experiment *experiment, const struct sy_memory *need,
                       const struct sy_memory_offer *offer, struct sy_problems *problems);

#endif
