/* parts.c - see parts.h. */
#include "parts.h"

#include <stdbool.h>
#include <stdlib.h>

#include <switchyard/rng.h>

void sy_parts_finish(struct sy_parts *parts) {
    free(parts->train);
    free(parts->validation);
    *parts = (struct sy_parts){0};
}

/* How many samples each class gives: floor(want n_c / count), and one more for the largest remainders. */
static void share_out(int64_t *give, const int64_t *of_class, int32_t classes, int64_t count, int64_t want) {
    int64_t left = want;
    for (int32_t c = 0; c < classes; c++) {
        give[c] = want * of_class[c] / count;
        left -= give[c];
    }
    for (; left > 0; left--) {
        int32_t next = -1;
        int64_t largest = 0;
        for (int32_t c = 0; c < classes; c++) {
            int64_t remainder = want * of_class[c] - give[c] * count; /* below 0 once it has given one more */
            if (remainder > largest) {
                largest = remainder;
                next = c;
            }
        }
        if (next < 0) {
            return; /* cannot be: what is left is the sum of the remainders */
        }
        give[next]++;
    }
}

/* Marks what one class gives; members: room for its samples. */
static void draw(bool *taken, int64_t *members, const int32_t *labels, int64_t count, int32_t class, int64_t give,
                 uint64_t seed) {
    struct sy_rng rng = sy_rng_make(seed, SY_FOR_SPLIT, 0, 0, (uint32_t) class);
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) {
        if (labels[i] == class) {
            members[n++] = i;
        }
    }
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = sy_rng_below(&rng, (uint32_t)i + 1), kept = members[i];
        members[i] = members[j];
        members[j] = kept;
    }
    for (int64_t i = 0; i < give; i++) {
        taken[members[i]] = true;
    }
}

int sy_parts_divide(struct sy_parts *out, const int32_t *labels, int64_t count, int32_t classes, int64_t want,
                    uint64_t seed, struct sy_error *err) {
    int64_t *of_class = calloc((size_t)classes, sizeof *of_class), *give = calloc((size_t)classes, sizeof *give);
    int64_t *members = calloc((size_t)count, sizeof *members);
    bool *taken = calloc((size_t)count, sizeof *taken);
    *out = (struct sy_parts){0};
    out->train = calloc((size_t)(count - want), sizeof *out->train);
    out->validation = calloc((size_t)want, sizeof *out->validation);
    int status = of_class && give && members && taken && out->train && out->validation
                     ? SY_OK
                     : sy_fail(err, SY_ENOMEM, "no memory to divide the training split");
    for (int64_t i = 0; i < count && status == SY_OK; i++) {
        if (labels[i] < 0 || labels[i] >= classes) {
            status = sy_fail(err, SY_EINVAL, "sample %lld of the train split has label %d, outside 0 .. %d",
                             (long long)i, labels[i], classes - 1);
        } else {
            of_class[labels[i]]++;
        }
    }
    if (status == SY_OK) {
        share_out(give, of_class, classes, count, want);
        for (int32_t c = 0; c < classes; c++) {
            draw(taken, members, labels, count, c, give[c], seed);
        }
        for (int64_t i = 0; i < count; i++) {
            if (taken[i]) {
                out->validation[out->n_validation++] = i;
            } else {
                out->train[out->n_train++] = i;
            }
        }
    } else {
        sy_parts_finish(out);
    }
    free(of_class);
    free(give);
    free(members);
    free(taken);
    return status;
}
