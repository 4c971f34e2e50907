/* signals.h - softmax of a node's logits at every temperature in use, computed once a step whoever asks. */
#ifndef SY_TRAIN_SIGNALS_H
#define SY_TRAIN_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Temperatures kept at a time; one more and the one asked for longest ago is computed anew. */
#define SY_SIGNAL_SLOTS 4

struct sy_signal_slot {
    double temperature;                        /* 0: empty */
    uint64_t asked;                            /* when last */
    double *probabilities, *log_probabilities; /* (batch, classes) */
};

struct sy_signals {
    int32_t max_batch, classes;
    int32_t batch;       /* of the logits now */
    const float *logits; /* (batch, classes), borrowed */
    uint64_t clock;
    struct sy_signal_slot slots[SY_SIGNAL_SLOTS];
    double *memory;
};

/* False when memory is used up; all of it is taken here. */
bool sy_signals_init(struct sy_signals *signals, int32_t max_batch, int32_t classes);
void sy_signals_finish(struct sy_signals *signals);
/* New logits: forgets what was computed from the old ones. They must stay as long as they are asked for. */
void sy_signals_set(struct sy_signals *signals, const float *logits, int32_t batch);

/* softmax(logits / temperature) and its logarithm, (batch, classes); temperature > 0. */
const double *sy_signals_probabilities(struct sy_signals *signals, double temperature);
const double *sy_signals_log_probabilities(struct sy_signals *signals, double temperature);

#endif
