/* finite.h - numbers that come over the border are numbers. */
#ifndef SY_TRAIN_FINITE_H
#define SY_TRAIN_FINITE_H

#include <switchyard/error.h>
#include <switchyard/tensor.h>

/* Index of the first infinity or NaN; `count` if there is none. As fast as memory where there is none. */
size_t sy_first_not_finite(const float *numbers, size_t count);

/* What is to be thought of it. */
#define SY_DIVERGED      "training diverged, or the backend computes wrongly; a lower learning rate or a warm-up may help"
#define SY_LOSS_IS_WRONG "the outputs it was made from are"

/* Fails where one of `numbers`, which lie as `like` does (batch first), is not finite: "WHAT is not finite (nan at sample
 * 3 of the batch, element 7); WHY". */
int sy_expect_finite(const struct sy_tensor *like, const float *numbers, const char *what, const char *why,
                     struct sy_error *err);

#endif
