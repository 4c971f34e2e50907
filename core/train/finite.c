/* finite.c - see finite.h. */
#include "finite.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 1024

/* Without a branch a number, so that the compiler takes many at a time: exponents of all ones. */
static uint32_t any_not_finite(const float *numbers, size_t count) {
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &numbers[i], sizeof bits);
        found |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return found;
}

size_t sy_first_not_finite(const float *numbers, size_t count) {
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        size_t part = count - begin < BLOCK ? count - begin : BLOCK;
        if (any_not_finite(numbers + begin, part)) {
            while (isfinite(numbers[begin])) {
                begin++;
            }
            return begin;
        }
    }
    return count;
}

int sy_expect_finite(const struct sy_tensor *like, const float *numbers, const char *what, const char *why,
                     struct sy_error *err) {
    size_t count = sy_tensor_count(like), row = sy_tensor_row(like), at = sy_first_not_finite(numbers, count);
    return at == count ? SY_OK
                       : sy_fail(err, SY_ERANGE, "%s is not finite (%g at sample %zu of the batch, element %zu); %s",
                                 what, (double)numbers[at], at / row, at % row, why);
}
