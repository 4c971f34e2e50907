/* stress_loader.c - the loader under ThreadSanitizer, where Criterion itself does not start: many threads, restarts in
 * the middle of epochs, failures, early ends; every variant must add up to the same. No Criterion here. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/loader.h"
#include "made_up.h"

enum { EPOCHS = 5, BATCH = 70 };

/* Mixes everything in a batch into one number, in order. */
static uint64_t mix(uint64_t sum, const struct sy_batch *batch) {
    for (int32_t i = 0; i < batch->count; i++) {
        sum = sum * 31 + (uint64_t)batch->samples[i] * 10 + (uint64_t)batch->labels[i];
    }
    for (int32_t v = 0; v < 2; v++) {
        for (int32_t i = 0; i < batch->count * MADE_PIXELS; i++) {
            uint32_t bits;
            memcpy(&bits, &batch->views[v][i], sizeof bits);
            sum = sum * 31 + bits;
        }
    }
    return sum;
}

static int run(uint64_t *sum, int32_t threads, int32_t ahead, int64_t fails_at) {
    const uint32_t keys[] = {0, 1};
    struct made_up made = {.count = 700, .dtype = SY_U8, .fails_at = fails_at, .mislabelled = -1};
    struct sy_loader_options options = {.batch = BATCH,
                                        .shuffle = true,
                                        .augment = {.crop_pad = 2, .flip = 1},
                                        .mean = made_mean,
                                        .std = made_std,
                                        .seed = 1,
                                        .view_keys = keys,
                                        .n_views = 2,
                                        .threads = threads,
                                        .ahead = ahead};
    struct sy_loader *loader;
    int status = sy_loader_create(&loader, &made_ops, &made, &options, NULL);
    *sum = 0;
    for (int64_t epoch = 0; !status && epoch < EPOCHS; epoch++) {
        struct sy_batch batch;
        status = sy_loader_start(loader, epoch, epoch % 3, NULL);
        int64_t left = 2 * epoch + 1; /* of the last epoch, nothing is left to prepare */
        while (!status && left-- > 0 && sy_loader_next(loader, &batch, NULL) == 1) {
            *sum = mix(*sum, &batch);
        }
    }
    if (!status) {
        sy_loader_destroy(loader);
    }
    return status;
}

int main(void) {
    const int64_t failures[] = {-1, 300};
    for (int32_t f = 0; f < 2; f++) {
        uint64_t first = 0;
        for (int32_t threads = 1; threads <= 5; threads++) {
            for (int32_t ahead = 1; ahead <= 5; ahead++) {
                uint64_t sum;
                if (run(&sum, threads, ahead, failures[f])) {
                    return 1;
                }
                first = first ? first : sum;
                if (sum != first) {
                    fprintf(stderr, "%d threads, %d ahead: %" PRIx64 ", not %" PRIx64 "\n", threads, ahead, sum, first);
                    return 1;
                }
            }
        }
    }
    return 0;
}
