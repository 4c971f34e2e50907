/* test_values.c - the border does not move: enumerators and names as they were first published. A new enumerator gets a
 * VALUE; nothing else here may change. */
#include <switchyard/backend.h>
#include <switchyard/dataset.h>
#include <switchyard/loss.h>
#include <switchyard/network.h>
#include <switchyard/policy.h>
#include <switchyard/rng.h>
#include <switchyard/topology.h>

#include "pins.h"

static const struct pin values[] = {
    VALUE(SY_OK, 0),
    VALUE(SY_EINVAL, -1),
    VALUE(SY_ERANGE, -2),
    VALUE(SY_ENOMEM, -3),
    VALUE(SY_EIO, -4),
    VALUE(SY_ENOTSUP, -5),
    VALUE(SY_F32, 1),
    VALUE(SY_F64, 2),
    VALUE(SY_I32, 3),
    VALUE(SY_I64, 4),
    VALUE(SY_U8, 5),
    VALUE(SY_BF16, 6),
    VALUE(SY_TYPE_INT32, 1),
    VALUE(SY_TYPE_INT64, 2),
    VALUE(SY_TYPE_UINT64, 3),
    VALUE(SY_TYPE_DOUBLE, 4),
    VALUE(SY_TYPE_STRING, 5),
    VALUE(SY_TYPE_INTS, 6),
    VALUE(SY_TYPE_DOUBLES, 7),
    VALUE(SY_TYPE_STRINGS, 8),
    VALUE(SY_PARAMETER, 1),
    VALUE(SY_STATE_FIELD, 2),
    VALUE(SY_OBSERVED_FIELD, 3),
    VALUE(SY_FLAG, 1),
    VALUE(SY_REQUIRED, 2),
    VALUE(SY_PATH, 4),
    VALUE(SY_MIN_EXCLUSIVE, 8),
    VALUE(SY_LOG_DEBUG, 1),
    VALUE(SY_LOG_INFO, 2),
    VALUE(SY_LOG_WARNING, 3),
    VALUE(SY_OP_CONV2D, 1),
    VALUE(SY_OP_LINEAR, 2),
    VALUE(SY_OP_BATCH_NORM, 3),
    VALUE(SY_OP_RELU, 4),
    VALUE(SY_OP_RELU6, 5),
    VALUE(SY_OP_ADD, 6),
    VALUE(SY_OP_CONCAT, 7),
    VALUE(SY_OP_AVG_POOL, 8),
    VALUE(SY_OP_MAX_POOL, 9),
    VALUE(SY_OP_GLOBAL_AVG_POOL, 10),
    VALUE(SY_OP_FLATTEN, 11),
    VALUE(SY_OP_SLICE_PAD, 12),
    VALUE(SY_OP_DROPOUT, 13),
    VALUE(SY_OP_SOFTMAX, 14),
    VALUE(SY_OP_MULTIPLY, 15),
    VALUE(SY_OP_SLICE, 16),
    VALUE(SY_OP_DOT, 17),
    VALUE(SY_OP_L2_NORMALIZE, 18),
    VALUE(SY_OP_CHANNEL_SHUFFLE, 19),
    VALUE(SY_OP_TRANSPOSED_CONV2D, 20),
    VALUE(SY_INIT_DEFAULT, 0),
    VALUE(SY_INIT_CONSTANT, 1),
    VALUE(SY_INIT_UNIFORM, 2),
    VALUE(SY_INIT_NORMAL, 3),
    VALUE(SY_INIT_XAVIER_UNIFORM, 4),
    VALUE(SY_INIT_KAIMING_NORMAL_IN, 5),
    VALUE(SY_INIT_KAIMING_NORMAL_OUT, 6),
    VALUE(SY_INIT_NORMAL_INVERSE_FAN_IN, 7),
    VALUE(SY_TRAINABLE, 1),
    VALUE(SY_STATISTIC, 2),
    VALUE(SY_WEIGHT, 0),
    VALUE(SY_BIAS, 1),
    VALUE(SY_MEAN, 2),
    VALUE(SY_VARIANCE, 3),
    VALUE(SY_TARGET, -1),
    VALUE(SY_LEARNING, 0),
    VALUE(SY_EXPERT, 1),
    VALUE(SY_TEACHER, 0),
    VALUE(SY_STUDENT, 1),
    VALUE(SY_ROLE_TEACHER, 1),
    VALUE(SY_ROLE_STUDENT, 2),
    VALUE(SY_ROLE_PEER, 3),
    VALUE(SY_ROLE_PART, 4),
    VALUE(SY_ALWAYS_OPEN, 0),
    VALUE(SY_CLOSED_IN_EXPERT_MODE, 1),
    VALUE(SY_OPEN_IN_BOTH_MODES, 2),
    VALUE(SY_TRAIN_SPLIT, 0),
    VALUE(SY_TEST_SPLIT, 1),
    VALUE(SY_SPLITS, 2),
    VALUE(SY_PRECISION_FP32, 1),
    VALUE(SY_PRECISION_BF16, 2),
    VALUE(SY_PRECISION_FP64, 3),
    VALUE(SY_EVALUATE, 0),
    VALUE(SY_TRAIN, 1),
    VALUE(SY_SGD, 1),
    VALUE(SY_ADAM, 2),
    VALUE(SY_ADAMW, 3),
    VALUE(SY_PARAMETER_VALUE, 1),
    VALUE(SY_PARAMETER_GRADIENT, 2),
    VALUE(SY_OPTIMIZER_SLOT_0, 3),
    VALUE(SY_OPTIMIZER_SLOT_1, 4),
    VALUE(SY_FOR_INIT, 1),
    VALUE(SY_FOR_SHUFFLE, 2),
    VALUE(SY_FOR_AUGMENT, 3),
    VALUE(SY_FOR_DROPOUT, 4),
    VALUE(SY_FOR_SPLIT, 5),
    VALUE(SY_FOR_DATA, 6),
    VALUE(SY_FOR_PLUGIN, 7),
};

Test(abi, values_are_as_published) {
    expect_unmoved(values, sizeof values / sizeof *values);
}

Test(abi, names_are_as_published) {
    cr_expect_str_eq(SY_SYMBOL, "sy_plugins_1");
    cr_expect_str_eq(SY_BACKEND, "backend/1");
    cr_expect_str_eq(SY_NETWORK, "network/1");
    cr_expect_str_eq(SY_LOSS, "loss/1");
    cr_expect_str_eq(SY_POLICY, "policy/1");
    cr_expect_str_eq(SY_TOPOLOGY, "topology/1");
    cr_expect_str_eq(SY_DATASET, "dataset/1");
}
