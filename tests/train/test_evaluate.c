/* test_evaluate.c - what nodes are measured by, against numbers worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>

#include "train/evaluate.h"

/* log-softmax in the plainest way; the logits here are small. */
static int32_t add(struct sy_score *score, const float *logits, int32_t classes, int32_t label) {
    double log_p[16], sum = 0;
    for (int32_t c = 0; c < classes; c++) {
        sum += exp((double)logits[c]);
    }
    for (int32_t c = 0; c < classes; c++) {
        log_p[c] = (double)logits[c] - log(sum);
    }
    return sy_score_add(score, logits, log_p, classes, label);
}

Test(evaluate, counts_the_first_and_the_first_five) {
    struct sy_score score = {0};
    const float rising[7] = {0, 1, 2, 3, 4, 5, 6};
    const float flat[7] = {1, 1, 1, 1, 1, 1, 1};
    cr_expect_eq(add(&score, rising, 7, 6), 6); /* first */
    cr_expect_eq(add(&score, rising, 7, 2), 6); /* fifth */
    cr_expect_eq(add(&score, rising, 7, 1), 6); /* sixth */
    cr_expect_eq(add(&score, flat, 7, 0), 0);   /* of equals the first */
    cr_expect_eq(add(&score, flat, 7, 4), 0);   /* and the fifth is among five */
    cr_expect_eq(add(&score, flat, 7, 5), 0);
    cr_expect_eq(score.samples, 6);
    cr_expect_eq(score.correct, 2);
    cr_expect_eq(score.top5, 4);
    cr_expect_float_eq(sy_score_accuracy(&score), 2.0 / 6, 1e-15);
    cr_expect_float_eq(sy_score_top5(&score), 4.0 / 6, 1e-15);
}

/* Two classes with logits 0 and log(p / (1 - p)): the confidence is p. */
static void add_confident(struct sy_score *score, double p, int right) {
    const float logits[2] = {0, (float)log(p / (1 - p))};
    add(score, logits, 2, right);
}

Test(evaluate, calibration_is_the_mean_gap_of_the_bins) {
    struct sy_score score = {0};
    /* bin (0.6, 0.667]: confidences 0.61 and 0.65, one right; bin (0.867, 0.933]: 0.9 three times, two right */
    add_confident(&score, 0.61, 1);
    add_confident(&score, 0.65, 0);
    add_confident(&score, 0.9, 1);
    add_confident(&score, 0.9, 1);
    add_confident(&score, 0.9, 0);
    cr_expect_eq(score.bins[9].count, 2);
    cr_expect_eq(score.bins[9].correct, 1);
    cr_expect_float_eq(score.bins[9].confidence, 1.26, 1e-6);
    cr_expect_eq(score.bins[13].count, 3);
    /* 2/5 |1/2 - 0.63| + 3/5 |2/3 - 0.9| = 0.052 + 0.14 */
    cr_expect_float_eq(sy_score_ece(&score), 0.192, 1e-6);
    /* -(ln 0.61 + ln 0.35 + 2 ln 0.9 + ln 0.1) / 5 */
    cr_expect_float_eq(sy_score_nll(&score), 0.8114849141, 1e-6);
}

Test(evaluate, every_confidence_has_a_bin) {
    struct sy_score score = {0};
    const float even[2] = {0, 0}, sure[2] = {0, 100}, broken[2] = {NAN, NAN};
    const double log_broken[2] = {NAN, NAN};
    add(&score, even, 2, 0);
    add(&score, sure, 2, 1);
    sy_score_add(&score, broken, log_broken, 2, 0);
    cr_expect_eq(score.bins[7].count, 1, "0.5 is in (7/15, 8/15]");
    cr_expect_eq(score.bins[14].count, 1, "1 is in the last");
    cr_expect_eq(score.bins[0].count, 1, "what is no number is in the first");
    cr_expect(isnan(sy_score_nll(&score)));
}

Test(evaluate, nothing_measured_is_not_a_number) {
    const struct sy_score score = {0};
    cr_expect(isnan(sy_score_accuracy(&score)) && isnan(sy_score_ece(&score)) && isnan(sy_score_nll(&score)));
}
