/* shifted.c - a feature map that looks where another does not, for networks that are to differ: FFSD's self-distillation. */
#include <string.h>

#include <switchyard/network.h>

struct shifted {
    int32_t parts;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct shifted, parts, .def = 3, .min = 1, .max = 4096,
             .doc = "one in so many places, those where the map is least, stays as it is; none where there are fewer"),
    SY_END,
};

enum { MOST_PLACES = 1024 };
static const double steep = 1e30, far = 6 * 1048576.0; /* a step in float; beyond what a map's places differ by */

/* w x + bias, with numbers that are not learnt: the node is frozen. */
static int32_t scaled(const struct sy_builder *b, int32_t x, int32_t channels, double weight, double bias,
                      const char *name) {
    return sy_conv2d(b, x,
                     SY_CONV2D(.channels = channels, .bias = bias != 0, .weight_init = {SY_INIT_CONSTANT, 0, weight},
                               .bias_init = {SY_INIT_CONSTANT, 0, bias}),
                     "%s", name);
}

/* 6 where a is above its k-th least place, else 0. `minus` is -a, of which the k-th greatest is found by moving away those
 * that were found before: the window of the maximum is the whole image from everywhere. */
static int32_t above(const struct sy_builder *b, int32_t a, int32_t minus, int32_t k, int32_t kernel, int32_t *before) {
    int32_t rest = minus, is_above = scaled(b, a, 1, 0, 6, "all");
    *before = is_above;
    for (int32_t i = 1; i <= k; i++) {
        char name[32];
        int32_t difference = sy_add(b, a, sy_max_pool(b, rest, kernel, 1, kernel / 2));
        *before = is_above;
        snprintf(name, sizeof name, "place%d.step", (int)i);
        is_above = sy_relu6(b, scaled(b, difference, 1, steep, 0, name));
        snprintf(name, sizeof name, "place%d.away", (int)i);
        rest = i < k ? sy_add(b, minus, scaled(b, is_above, 1, far / 6, -far, name)) : rest;
    }
    return is_above;
}

/* With a = mean_c y^2 and n = |a|, the released helper's map is y + (t - a/n) n / C, where t = a/n below the k-th least
 * place, n/2 at it and n - a/n above it: that is y + w (n^2 - 2 a) / C with w = 0, 1/2 and 1. */
static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct shifted *shifted = self;
    int32_t y = in->inputs[0], before = -1;
    struct sy_shape shape = sy_value_shape(b, y);
    int32_t channels = shape.dim[0], h = shape.dim[1], w = shape.dim[2];
    if (shape.rank != 3 || (int64_t)h * w > MOST_PLACES) {
        return sy_fail(err, SY_EINVAL, "needs a feature map of %d places at most; it is fed with %d x %d x %d",
                       MOST_PLACES, channels, h, w);
    }
    int32_t kernel = 2 * (h > w ? h : w) - 1, square = sy_multiply(b, y, y);
    int32_t a = scaled(b, square, 1, 1.0 / channels, 0, "mean"),
            minus = scaled(b, square, 1, -1.0 / channels, 0, "minus");
    int32_t is_above = above(b, a, minus, h * w / shifted->parts, kernel, &before);
    int32_t norm = sy_avg_pool(b, sy_multiply(b, a, a), kernel, 1, kernel / 2);
    int32_t change = sy_add(b, scaled(b, norm, 1, (double)kernel * kernel, 0, "norm"), scaled(b, a, 1, -2, 0, "twice"));
    change = sy_multiply(b, change, sy_add(b, is_above, before));
    sy_output(b, sy_add(b, y, scaled(b, change, channels, 1.0 / (12.0 * channels), 0, "spread")), "features");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

/* Examined without places that stay: a step has no slope, and the constants stand on its edge. */
static const void *extension(const char *id) {
    static const struct sy_example example = {.size = sizeof example, .settings = "parts = 4096;"};
    return strcmp(id, SY_EXAMPLE) == 0 ? &example : NULL;
}

SY_PLUGIN(SY_NETWORK, "shifted", struct shifted, .fields = fields, .ops = &ops, .extension = extension,
          .doc = "a feature map moved to where it is weak, for others to learn what it does not see",
          .help =
              "For a node of role \"part\" with frozen = \"eval\" and a detached map as input: its parameters are\n"
              "constants. With a = the mean of y^2 over the channels and |a| its norm over the places, the output\n"
              "features is y + w (|a|^2 - 2 a) / channels, w = 0 at the third of the places where a is least, 1/2 at\n"
              "the last of these, 1 elsewhere. Places of exactly the same a count as one.",
          .reference = "Li et al., FFSD, TNNLS 2022, as released");
