/* test_start.c - initial values: bounds, mean and variance of each kind, and what they depend on. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "graph/graph_builder.h"

/* One convolution of 64 to 100 channels, kernel 3: fan_in 576, fan_out 900, 57,600 weights. */
#define COUNT 57600

struct wish {
    struct sy_init weight, bias;
};

static int one_conv(const void *self, const struct sy_builder *b, const struct sy_network_in *in,
                    struct sy_error *err) {
    const struct wish *wish = self;
    (void)err;
    int32_t x = sy_batch_norm(b, in->inputs[0], SY_BATCH_NORM(.eps = 0), "bn");
    x = sy_conv2d(
        b, x, SY_CONV2D(.channels = 100, .kernel = 3, .bias = 1, .weight_init = wish->weight, .bias_init = wish->bias),
        "conv");
    sy_output(b, x, "logits");
    return SY_OK;
}

enum { BN_WEIGHT, BN_BIAS, BN_MEAN, BN_VARIANCE, WEIGHT, BIAS };

static struct sy_built_graph *build(struct sy_init weight, struct sy_init bias) {
    const struct sy_shape image = {3, {64, 5, 5}};
    const struct wish wish = {weight, bias};
    struct sy_error err = {.size = sizeof err};
    struct sy_built_graph *built = sy_graph_build_with(one_conv, &wish, &image, 1, 10, &err);
    cr_assert_not_null(built, "%s", err.text);
    return built;
}

static float *start(const struct sy_built_graph *built, int32_t index, uint64_t seed, uint32_t key) {
    float *values = malloc(COUNT * sizeof *values);
    cr_assert_not_null(values);
    sy_param_initialise(values, &built->graph, index, seed, key);
    return values;
}

struct moments {
    double mean, variance, fourth, smallest, largest;
};

static struct moments measure(const float *values, int count) {
    struct moments m = {.smallest = INFINITY, .largest = -INFINITY};
    for (int i = 0; i < count; i++) {
        m.mean += values[i] / (double)count;
        m.variance += (double)values[i] * values[i] / count;
        m.fourth += pow(values[i], 4) / count;
        m.smallest = fmin(m.smallest, values[i]);
        m.largest = fmax(m.largest, values[i]);
    }
    return m;
}

/* Means of n numbers stray by 1 standard deviation / sqrt(n), their variances by sqrt((kurtosis - 1) / n); 4 of these are
 * allowed. A uniform sample of 57,600 comes within 0.1 % of both ends. */
static void expect_distribution(struct sy_init init, double deviation, bool uniform, const char *what) {
    struct sy_built_graph *built = build(init, (struct sy_init){0});
    float *values = start(built, WEIGHT, 1, 7);
    struct moments m = measure(values, COUNT);
    double kurtosis = uniform ? 1.8 : 3, variance = deviation * deviation, bound = deviation * sqrt(3);
    cr_expect_float_eq(m.mean, 0, 4 * deviation / sqrt(COUNT), "%s: mean %g", what, m.mean);
    cr_expect_float_eq(m.variance, variance, 4 * variance * sqrt((kurtosis - 1) / COUNT), "%s: variance %g", what,
                       m.variance);
    cr_expect_float_eq(m.fourth / (m.variance * m.variance), kurtosis, 0.2, "%s: kurtosis %g", what,
                       m.fourth / (m.variance * m.variance));
    if (uniform) {
        cr_expect(m.smallest >= -bound * (1 + 1e-7) && m.smallest < -0.999 * bound, "%s: from %g", what, m.smallest);
        cr_expect(m.largest < bound && m.largest > 0.999 * bound, "%s: up to %g", what, m.largest);
    } else {
        cr_expect(m.largest > 3.5 * deviation && m.largest < 6 * deviation, "%s: up to %g", what, m.largest);
    }
    free(values);
    sy_graph_destroy(built);
}

Test(start, every_kind_has_the_spread_it_says) {
    const double third = 1 / sqrt(3);
    expect_distribution((struct sy_init){SY_INIT_DEFAULT, 0, 0}, third / sqrt(576), true, "default");
    expect_distribution((struct sy_init){SY_INIT_UNIFORM, 0, 0.3}, third * 0.3, true, "uniform");
    expect_distribution((struct sy_init){SY_INIT_NORMAL, 0, 0.01}, 0.01, false, "normal");
    expect_distribution((struct sy_init){SY_INIT_XAVIER_UNIFORM, 0, 2}, third * 2 * sqrt(6.0 / (576 + 900)), true,
                        "xavier_uniform");
    expect_distribution((struct sy_init){SY_INIT_KAIMING_NORMAL_IN, 0, 0}, sqrt(2.0 / 576), false, "kaiming_normal_in");
    expect_distribution((struct sy_init){SY_INIT_KAIMING_NORMAL_OUT, 0, 0}, sqrt(2.0 / 900), false,
                        "kaiming_normal_out");
    expect_distribution((struct sy_init){SY_INIT_NORMAL_INVERSE_FAN_IN, 0, 0}, 1.0 / 576, false,
                        "normal_inverse_fan_in");
}

static void expect_all(const struct sy_built_graph *built, int32_t index, int count, float value) {
    float *values = start(built, index, 1, 1);
    for (int i = 0; i < count; i++) {
        cr_expect_eq(values[i], value, "%s", built->graph.params[index]->name);
    }
    free(values);
}

Test(start, constants_and_batch_norm) {
    struct sy_built_graph *built =
        build((struct sy_init){SY_INIT_CONSTANT, 0, 0.5}, (struct sy_init){SY_INIT_CONSTANT, 0, 0});
    expect_all(built, WEIGHT, COUNT, 0.5f);
    expect_all(built, BIAS, 100, 0);
    expect_all(built, BN_WEIGHT, 64, 1);
    expect_all(built, BN_BIAS, 64, 0);
    expect_all(built, BN_MEAN, 64, 0);
    expect_all(built, BN_VARIANCE, 64, 1);
    sy_graph_destroy(built);
}

Test(start, a_bias_has_the_fan_in_of_its_weight) {
    struct sy_built_graph *built = build((struct sy_init){0}, (struct sy_init){0});
    float *values = start(built, BIAS, 1, 1);
    struct moments m = measure(values, 100);
    cr_expect(m.largest < 1.0 / 24 && m.smallest >= -1.0 / 24);
    cr_expect(m.largest > 0.8 / 24 && m.smallest < -0.8 / 24);
    free(values);
    sy_graph_destroy(built);
}

static int equal(const float *a, const float *b) {
    int count = 0;
    for (int i = 0; i < COUNT; i++) {
        count += a[i] == b[i];
    }
    return count;
}

Test(start, depends_on_seed_node_and_parameter_only) {
    struct sy_built_graph *built = build((struct sy_init){SY_INIT_NORMAL, 0, 1}, (struct sy_init){0});
    float *first = start(built, WEIGHT, 1, 1);
    free(start(built, BIAS, 1, 1)); /* another one in between */
    float *again = start(built, WEIGHT, 1, 1);
    float *seed = start(built, WEIGHT, 2, 1), *node = start(built, WEIGHT, 1, 2);
    float *high = start(built, WEIGHT, 1 + (1ull << 32), 1);
    cr_expect_eq(equal(first, again), COUNT);
    /* Equal floats by chance are rare: normal numbers have some 2^24 values. */
    cr_expect_lt(equal(first, seed), 10);
    cr_expect_lt(equal(first, node), 10);
    cr_expect_lt(equal(first, high), 10);
    free(first);
    free(again);
    free(seed);
    free(node);
    free(high);
    sy_graph_destroy(built);
}

Test(start, parameters_of_one_node_start_differently) {
    struct sy_built_graph *built = build((struct sy_init){0}, (struct sy_init){0});
    float *weight = start(built, WEIGHT, 1, 1), *bias = start(built, BIAS, 1, 1);
    int count = 0;
    for (int i = 0; i < 100; i++) { /* both uniform with the same bound */
        count += weight[i] == bias[i];
    }
    cr_expect_lt(count, 10);
    free(weight);
    free(bias);
    sy_graph_destroy(built);
}
