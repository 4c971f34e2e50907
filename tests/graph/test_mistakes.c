/* test_mistakes.c - what each mistake says, that the first one sticks, and that none leaks. */
#include <criterion/criterion.h>
#include <string.h>

#include "graph/graph_builder.h"

typedef void (*mistake_function)(const struct sy_builder *b, int32_t image, int32_t vector);

#define MISTAKE(name_) static void name_(const struct sy_builder *b, int32_t image, int32_t vector)
#define UNUSED         (void)b, (void)image, (void)vector

MISTAKE(groups_of_input) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.channels = 8, .groups = 4), "conv");
}
MISTAKE(groups_of_output) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.channels = 4, .groups = 3), "conv");
}
MISTAKE(no_channels) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.kernel = 3), "conv");
}
MISTAKE(large_kernel) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.channels = 1, .kernel = 10), "conv");
}
MISTAKE(negative_stride) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.channels = 1, .stride = -2), "conv");
}
MISTAKE(vast_padding) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.channels = 1, .padding = INT32_MAX), "conv");
}
MISTAKE(too_many_elements) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.channels = INT32_MAX), "conv");
}
MISTAKE(conv_of_vector) {
    UNUSED, sy_conv2d(b, vector, SY_CONV2D(.channels = 1), "conv");
}
MISTAKE(linear_of_image) {
    UNUSED, sy_linear(b, image, SY_LINEAR(.features = 10), "fc");
}
MISTAKE(linear_of_nothing) {
    UNUSED, sy_linear(b, vector, SY_LINEAR(.no_bias = 1), "fc");
}
MISTAKE(momentum_above_one) {
    UNUSED, sy_batch_norm(b, image, SY_BATCH_NORM(.momentum = 1.5), "bn");
}
MISTAKE(add_of_two_shapes) {
    UNUSED, sy_add(b, image, sy_avg_pool(b, image, 3, 3, 0));
}
MISTAKE(concat_of_two_sizes) {
    UNUSED, sy_concat(b, (int32_t[]){image, sy_avg_pool(b, image, 3, 3, 0)}, 2);
}
MISTAKE(concat_of_nothing) {
    UNUSED, sy_concat(b, &image, 0);
}
MISTAKE(pool_with_wide_padding) {
    UNUSED, sy_max_pool(b, image, 3, 1, 2);
}
MISTAKE(pool_of_vector) {
    UNUSED, sy_avg_pool(b, vector, 1, 1, 0);
}
MISTAKE(slice_without_stride) {
    UNUSED, sy_slice_pad(b, image, 0, 0, 0);
}
MISTAKE(slice_with_too_many_channels) {
    UNUSED, sy_slice_pad(b, image, 1, INT32_MAX, INT32_MAX);
}
MISTAKE(drop_everything) {
    UNUSED, sy_dropout(b, image, 1.0);
}
MISTAKE(softmax_of_image) {
    UNUSED, sy_softmax(b, image);
}
MISTAKE(multiply_of_two_shapes) {
    UNUSED, sy_multiply(b, vector, sy_slice(b, vector, 0, 2));
}
MISTAKE(multiply_the_wrong_way_round) {
    UNUSED, sy_multiply(b, sy_slice(b, image, 0, 1), image);
}
MISTAKE(slice_past_the_end) {
    UNUSED, sy_slice(b, vector, 4, 3);
}
MISTAKE(slice_of_nothing) {
    UNUSED, sy_slice(b, image, 0, 0);
}
MISTAKE(dot_of_two_lengths) {
    UNUSED, sy_dot(b, vector, sy_slice(b, vector, 0, 2));
}
MISTAKE(negative_eps) {
    UNUSED, sy_l2_normalize(b, vector, -1);
}
MISTAKE(shuffle_unevenly) {
    UNUSED, sy_channel_shuffle(b, image, 4);
}
MISTAKE(shrink_to_nothing) {
    UNUSED, sy_transposed_conv2d(b, image, SY_CONV2D(.channels = 1, .padding = 5), "up");
}
MISTAKE(pad_the_output_by_a_stride) {
    UNUSED,
        sy_transposed_conv2d(b, image, SY_CONV2D(.channels = 1, .kernel = 3, .stride = 2, .output_padding = 2), "up");
}
MISTAKE(pad_the_output_of_a_convolution) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.channels = 1, .kernel = 3, .stride = 2, .output_padding = 1), "down");
}
MISTAKE(no_such_value) {
    UNUSED, sy_relu(b, 99);
}
MISTAKE(shape_of_no_such_value) {
    UNUSED;
    struct sy_shape shape = sy_value_shape(b, 99);
    cr_expect(shape.rank == 0 && shape.dim[0] == 0);
}
MISTAKE(one_name_twice) {
    UNUSED;
    sy_conv2d(b, image, SY_CONV2D(.channels = 1), "conv");
    sy_conv2d(b, image, SY_CONV2D(.channels = 1), "conv");
}
MISTAKE(one_output_twice) {
    UNUSED, sy_output(b, image, "logits");
}
MISTAKE(empty_name) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.channels = 1), "%s", "");
}
MISTAKE(long_name) {
    UNUSED, sy_conv2d(b, image, SY_CONV2D(.channels = 1), "%0300d", 1);
}
MISTAKE(empty_output) {
    UNUSED, sy_output(b, image, "%s", "");
}
MISTAKE(no_specification) {
    UNUSED, b->linear(b->graph, vector, NULL, "fc");
}
MISTAKE(own_words) {
    UNUSED, b->fail(b->graph, "this network wants an even number of inputs");
}
MISTAKE(first_of_two) {
    UNUSED;
    cr_expect_eq(sy_relu(b, -5), -1);
    cr_expect_eq(sy_relu(b, image), -1, "calls after a mistake do nothing");
    cr_expect_eq(sy_channels(b, image), 0);
    b->fail(b->graph, "a later mistake");
}

static const struct {
    mistake_function make;
    const char *text;
} mistakes[] = {
    {groups_of_input, "conv: 6 channels in, 8 out and 4 groups: the groups must divide both"},
    {groups_of_output, "conv: 6 channels in, 4 out and 3 groups: the groups must divide both"},
    {no_channels, "conv: 0 channels of output; it needs 1 or more"},
    {large_kernel, "conv: a kernel of 10 does not fit into 9 rows with 0 of padding"},
    {negative_stride, "conv: kernel 1, stride -2, padding 0; the first two must be 1 or more, padding 0 or more"},
    {vast_padding, "conv: a kernel of 1 does not fit into 9 rows with 2147483647 of padding"},
    {too_many_elements, "conv: 2147483647 x 9 x 7 elements of output are too many, at most 2147483647"},
    {conv_of_vector, "conv: needs an image (channels, height, width), its input is a vector of 6"},
    {linear_of_image, "fc: needs a vector, its input is an image of 6 x 9 x 7; flatten or pool it first"},
    {linear_of_nothing, "fc: 0 features of output; it needs 1 or more"},
    {momentum_above_one, "bn: eps 0 and momentum 1.5: eps is not negative, momentum in [0, 1]"},
    {add_of_two_shapes, "add: shapes 6 x 9 x 7 and 6 x 3 x 2 differ"},
    {concat_of_two_sizes, "concat: images of 9 x 7 and 3 x 2 cannot be joined"},
    {concat_of_nothing, "concat: needs an input"},
    {pool_with_wide_padding, "max_pool: padding 2 is more than half the kernel of 3"},
    {pool_of_vector, "avg_pool: needs an image (channels, height, width), its input is a vector of 6"},
    {slice_without_stride,
     "slice_pad: stride 0, 0 channels before and 0 after; the stride must be 1 or more, channels 0 or more"},
    {slice_with_too_many_channels, "slice_pad: more than 2147483647 channels"},
    {drop_everything, "dropout: probability 1 is outside [0, 1)"},
    {softmax_of_image, "softmax: needs a vector, its input is an image of 6 x 9 x 7; flatten or pool it first"},
    {multiply_of_two_shapes, "multiply: shapes 6 x 1 x 1 and 2 x 1 x 1 differ; the second may only have one channel "
                             "instead of the first's"},
    {multiply_the_wrong_way_round, "multiply: shapes 1 x 9 x 7 and 6 x 9 x 7 differ; the second may only have one "
                                   "channel instead of the first's"},
    {slice_past_the_end, "slice: 3 channels from 4 on; there are 0 to 5"},
    {slice_of_nothing, "slice: 0 channels from 0 on; there are 0 to 5"},
    {dot_of_two_lengths, "dot: vectors of 6 and 2 features; they must be of one length"},
    {negative_eps, "l2_normalize: eps -1; it must not be negative"},
    {shuffle_unevenly, "channel_shuffle: 6 channels and 4 groups: the groups must divide them"},
    {shrink_to_nothing, "up: kernel 1, stride 1 and padding 5 make no image of 9 rows"},
    {pad_the_output_by_a_stride, "up: an output padding of 2; it is 0 or more and less than the stride, 2"},
    {pad_the_output_of_a_convolution, "down: an output padding of 1; only transposed convolutions have one"},
    {no_such_value, "relu: its input 99 is no value of this graph; pass what an earlier call returned"},
    {shape_of_no_such_value, "shape: its input 99 is no value of this graph; pass what an earlier call returned"},
    {one_name_twice, "conv: there is already a parameter conv.weight; give each operator its own name"},
    {one_output_twice, "logits: there is already an output of that name; give each its own"},
    {empty_name, "conv2d: its name must have 1 to 126 characters"},
    {long_name, "conv2d: its name must have 1 to 126 characters"},
    {empty_output, "output: its name must have 1 to 126 characters"},
    {no_specification, "fc: its specification has no size; write it with SY_CONV2D, SY_LINEAR or SY_BATCH_NORM"},
    {own_words, "this network wants an even number of inputs"},
    {first_of_two, "relu: its input -5 is no value of this graph; pass what an earlier call returned"},
};

static int make_one(const void *self, const struct sy_builder *b, const struct sy_network_in *in,
                    struct sy_error *err) {
    const size_t *row = self;
    (void)err;
    int32_t vector = sy_output(b, sy_global_avg_pool(b, in->inputs[0]), "logits");
    mistakes[*row].make(b, in->inputs[0], vector);
    return SY_OK;
}

Test(mistakes, each_says_what_was_wrong_and_where) {
    const struct sy_shape image = {3, {6, 9, 7}};
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct sy_error err = {.size = sizeof err};
        cr_expect_null(sy_graph_build_with(make_one, &i, &image, 1, 10, &err));
        cr_expect_eq(err.code, SY_EINVAL);
        cr_expect_str_eq(err.text, mistakes[i].text, "row %zu: %s", i, err.text);
        cr_expect_null(sy_graph_build_with(make_one, &i, &image, 1, 10, NULL), "an error may be NULL");
    }
}

struct ending {
    int status;
    const char *reason; /* what build itself says */
    bool output;
};

static int end(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct ending *ending = self;
    if (ending->output) {
        sy_output(b, in->inputs[0], "logits");
    }
    return ending->reason ? sy_fail(err, ending->status, "%s", ending->reason) : ending->status;
}

Test(mistakes, a_build_that_fails_is_a_mistake_with_its_own_code) {
    const struct sy_shape image = {3, {6, 9, 7}};
    const struct {
        struct ending ending;
        int code;
        const char *text;
    } rows[] = {
        {{SY_ENOTSUP, "no square images here", true}, SY_ENOTSUP, "no square images here"},
        {{SY_ERANGE, NULL, true}, SY_ERANGE, "the network could not be built, and it did not say why"},
        {{3, NULL, true}, SY_EINVAL, "the network could not be built, and it did not say why"},
        {{SY_OK, NULL, false}, SY_EINVAL, "it has no output; name one with sy_output, \"logits\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sy_error err = {.size = sizeof err};
        cr_expect_null(sy_graph_build_with(end, &rows[i].ending, &image, 1, 10, &err));
        cr_expect_eq(err.code, rows[i].code, "row %zu: %d", i, (int)err.code);
        cr_expect_str_eq(err.text, rows[i].text);
    }
}

Test(mistakes, inputs_and_classes_are_checked_before_the_plugin_runs) {
    const struct sy_shape shapes[] = {
        {3, {3, 32, 32}}, {2, {3, 32, 1}}, {3, {3, 0, 32}}, {1, {3, 2, 1}}, {3, {1 << 20, 1 << 12, 1}}};
    const struct ending good = {SY_OK, NULL, true};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct sy_error err = {.size = sizeof err};
        struct sy_built_graph *built = sy_graph_build_with(end, &good, &shapes[i], 1, 10, &err);
        cr_expect_eq(built != NULL, i == 0, "shape %zu: %s", i, err.text);
        sy_graph_destroy(built);
    }
    cr_expect_null(sy_graph_build_with(end, &good, shapes, 0, 10, NULL), "no inputs");
    cr_expect_null(sy_graph_build_with(end, &good, shapes, 1, 0, NULL), "no classes");
}
