#include "order.h"

#include <switchyard/rng.h>

void sy_order_make(int64_t *order, int64_t count, bool shuffle, uint64_t seed, int64_t epoch) {
    for (int64_t i = 0; i < count; i++) {
        order[i] = i;
    }
    if (!shuffle) {
        return;
    }
    struct sy_rng rng = sy_rng_make(seed, SY_FOR_SHUFFLE, 0, (uint32_t)epoch, 0);
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = sy_rng_below(&rng, (uint32_t)i + 1);
        int64_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
