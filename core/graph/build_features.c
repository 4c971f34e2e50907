/* build_features.c - see build_features.h. */
#include "build_features.h"

#include <string.h>

#include "graph_parts.h"

static int32_t output_of(const struct sy_op *op) {
    return op ? op->output : -1;
}

int32_t sy_build_softmax(void *graph, int32_t x) {
    const struct sy_shape *in = sy_building_vector(graph, x, "softmax");
    if (!in) {
        return -1;
    }
    struct sy_shape out = *in;
    return output_of(sy_building_op(graph, SY_OP_SOFTMAX, NULL, &x, 1, &out));
}

int32_t sy_build_multiply(void *graph, int32_t a, int32_t b) {
    struct sy_building *building = graph;
    const struct sy_shape *left = sy_building_shape(building, a, "multiply");
    const struct sy_shape *right = sy_building_shape(building, b, "multiply");
    if (!left || !right) {
        return -1;
    }
    bool one = right->dim[0] == 1;
    if (left->rank != right->rank || left->dim[1] != right->dim[1] || left->dim[2] != right->dim[2] ||
        (!one && left->dim[0] != right->dim[0])) {
        return sy_building_fail(building, "multiply",
                                "shapes %d x %d x %d and %d x %d x %d differ; the second may only have one channel "
                                "instead of the first's",
                                left->dim[0], left->dim[1], left->dim[2], right->dim[0], right->dim[1], right->dim[2]);
    }
    struct sy_shape out = *left;
    return output_of(sy_building_op(building, SY_OP_MULTIPLY, NULL, (const int32_t[]){a, b}, 2, &out));
}

int32_t sy_build_slice(void *graph, int32_t x, int32_t first, int32_t count) {
    struct sy_building *building = graph;
    const struct sy_shape *in = sy_building_shape(building, x, "slice");
    if (!in) {
        return -1;
    }
    if (first < 0 || count < 1 || count > in->dim[0] || first > in->dim[0] - count) {
        return sy_building_fail(building, "slice", "%d channels from %d on; there are 0 to %d", count, first,
                                in->dim[0] - 1);
    }
    struct sy_shape out = {in->rank, {count, in->dim[1], in->dim[2]}};
    struct sy_op *op = sy_building_op(building, SY_OP_SLICE, NULL, &x, 1, &out);
    if (op) {
        op->first = first;
    }
    return output_of(op);
}

int32_t sy_build_dot(void *graph, int32_t a, int32_t b) {
    struct sy_building *building = graph;
    const struct sy_shape *left = sy_building_vector(building, a, "dot"),
                          *right = sy_building_vector(building, b, "dot");
    if (!left || !right) {
        return -1;
    }
    if (left->dim[0] != right->dim[0]) {
        return sy_building_fail(building, "dot", "vectors of %d and %d features; they must be of one length",
                                left->dim[0], right->dim[0]);
    }
    return output_of(
        sy_building_op(building, SY_OP_DOT, NULL, (const int32_t[]){a, b}, 2, &(struct sy_shape){1, {1, 1, 1}}));
}

int32_t sy_build_l2_normalize(void *graph, int32_t x, double eps) {
    struct sy_building *building = graph;
    const struct sy_shape *in = sy_building_vector(building, x, "l2_normalize");
    if (!in) {
        return -1;
    }
    if (!(eps >= 0)) {
        return sy_building_fail(building, "l2_normalize", "eps %g; it must not be negative", eps);
    }
    struct sy_shape out = *in;
    struct sy_op *op = sy_building_op(building, SY_OP_L2_NORMALIZE, NULL, &x, 1, &out);
    if (op) {
        op->eps = eps > 0 ? eps : 1e-12;
    }
    return output_of(op);
}

int32_t sy_build_channel_shuffle(void *graph, int32_t x, int32_t groups) {
    struct sy_building *building = graph;
    const struct sy_shape *in = sy_building_image(building, x, "channel_shuffle");
    if (!in) {
        return -1;
    }
    if (groups < 1 || in->dim[0] % groups) {
        return sy_building_fail(building, "channel_shuffle", "%d channels and %d groups: the groups must divide them",
                                in->dim[0], groups);
    }
    struct sy_shape out = *in;
    struct sy_op *op = sy_building_op(building, SY_OP_CHANNEL_SHUFFLE, NULL, &x, 1, &out);
    if (op) {
        op->groups = groups;
    }
    return output_of(op);
}
