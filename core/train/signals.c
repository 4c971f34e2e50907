/* signals.c - see signals.h. */
#include "signals.h"

#include <math.h>
#include <stdlib.h>

bool sy_signals_init(struct sy_signals *signals, int32_t max_batch, int32_t classes) {
    size_t n = (size_t)max_batch * (size_t)classes;
    *signals = (struct sy_signals){.max_batch = max_batch, .classes = classes};
    signals->memory = calloc(2 * SY_SIGNAL_SLOTS * n, sizeof *signals->memory);
    for (size_t i = 0; signals->memory && i < SY_SIGNAL_SLOTS; i++) {
        signals->slots[i].probabilities = signals->memory + 2 * i * n;
        signals->slots[i].log_probabilities = signals->memory + (2 * i + 1) * n;
    }
    return signals->memory != NULL;
}

void sy_signals_finish(struct sy_signals *signals) {
    free(signals->memory);
    *signals = (struct sy_signals){0};
}

void sy_signals_set(struct sy_signals *signals, const float *logits, int32_t batch) {
    signals->logits = logits;
    signals->batch = batch;
    for (size_t i = 0; i < SY_SIGNAL_SLOTS; i++) {
        signals->slots[i].temperature = 0;
    }
}

/* log p_c = z_c / T - log sum_j exp(z_j / T), with the row's maximum taken out so that nothing overflows. */
static void softmax_row(double *p, double *log_p, const float *z, int32_t classes, double temperature) {
    double largest = -INFINITY, sum = 0;
    for (int32_t c = 0; c < classes; c++) {
        largest = z[c] > largest ? (double)z[c] : largest;
    }
    for (int32_t c = 0; c < classes; c++) {
        log_p[c] = ((double)z[c] - largest) / temperature;
        p[c] = exp(log_p[c]);
        sum += p[c];
    }
    double log_sum = log(sum);
    for (int32_t c = 0; c < classes; c++) {
        log_p[c] -= log_sum;
        p[c] /= sum;
    }
}

static const struct sy_signal_slot *slot_at(struct sy_signals *signals, double temperature) {
    struct sy_signal_slot *oldest = &signals->slots[0];
    for (size_t i = 0; i < SY_SIGNAL_SLOTS; i++) {
        struct sy_signal_slot *slot = &signals->slots[i];
        if (slot->temperature == temperature) {
            slot->asked = ++signals->clock;
            return slot;
        }
        if (oldest->temperature != 0 && (slot->temperature == 0 || slot->asked < oldest->asked)) {
            oldest = slot;
        }
    }
    oldest->temperature = temperature;
    oldest->asked = ++signals->clock;
    for (int32_t b = 0; b < signals->batch; b++) {
        size_t row = (size_t)b * (size_t)signals->classes;
        softmax_row(oldest->probabilities + row, oldest->log_probabilities + row, signals->logits + row,
                    signals->classes, temperature);
    }
    return oldest;
}

const double *sy_signals_probabilities(struct sy_signals *signals, double temperature) {
    return slot_at(signals, temperature)->probabilities;
}

const double *sy_signals_log_probabilities(struct sy_signals *signals, double temperature) {
    return slot_at(signals, temperature)->log_probabilities;
}
