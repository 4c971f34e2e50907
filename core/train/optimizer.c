/* optimizer.c - tables of the optimisers; one table a kind, so that a key of another kind is an unknown key. */
#include "optimizer.h"

#include "kinds.h"

#define KIND SY_PARAM(struct sy_optimizer, kind, .choices = "sgd|adam|adamw", .doc = "which rule moves the weights")
#define RATE(value)                                                         \
    SY_PARAM(struct sy_optimizer, lr, .def = (value), .min = 0, .max = 1e3, \
             .doc = "learning rate before the schedule's factor")
#define DECAY(value, text) \
    SY_PARAM(struct sy_optimizer, weight_decay, .def = (value), .min = 0, .max = 10, .doc = (text))

static const struct sy_field sgd_fields[] = {
    KIND,
    RATE(0.1),
    SY_PARAM(struct sy_optimizer, momentum, .def = 0.9, .min = 0, .max = 1, .doc = "share of the last step kept"),
    DECAY(5e-4, "added to the gradient as weight_decay * weight, for every parameter"),
    SY_PARAM(struct sy_optimizer, nesterov, .flags = SY_FLAG, .doc = "look ahead by the momentum"),
    SY_END,
};

#define MOMENTS                                                                                                      \
    SY_PARAM(struct sy_optimizer, beta1, .def = 0.9, .min = 0, .max = 0.999999, .doc = "decay of the first moment"), \
        SY_PARAM(struct sy_optimizer, beta2, .def = 0.999, .min = 0, .max = 0.99999999,                              \
                 .doc = "decay of the second moment"),                                                               \
        SY_PARAM(struct sy_optimizer, eps, .def = 1e-8, .min = 0, .max = 1, .doc = "added to the root of the second")

static const struct sy_field adam_fields[] = {
    KIND, RATE(1e-3), DECAY(0, "added to the gradient as weight_decay * weight (not decoupled)"), MOMENTS, SY_END,
};

static const struct sy_field adamw_fields[] = {
    KIND, RATE(1e-3), DECAY(0.01, "decoupled: weights shrink by lr * weight_decay"), MOMENTS, SY_END,
};

const struct sy_kind_table sy_optimizer_kinds[] = {
    {"sgd", sgd_fields, "g += weight_decay w; m = momentum m + g; w -= lr m (PyTorch's SGD)"},
    {"adam", adam_fields, "Kingma, Ba, ICLR 2015, as PyTorch's Adam"},
    {"adamw", adamw_fields, "Loshchilov, Hutter, ICLR 2019, as PyTorch's AdamW"},
    {NULL, NULL, NULL},
};

bool sy_optimizer_read(struct sy_optimizer *out, struct sy_setting *group, struct sy_arena *arena,
                       struct sy_problems *problems) {
    *out = (struct sy_optimizer){0};
    return sy_kind_read(out, sy_optimizer_kinds, group, arena, problems);
}

int32_t sy_optimizer_slots(const struct sy_optimizer *optimizer) {
    if (optimizer->kind + 1 == SY_SGD) {
        return optimizer->momentum != 0 ? 1 : 0;
    }
    return 2;
}

struct sy_update sy_optimizer_update(const struct sy_optimizer *optimizer, double lr, int64_t count) {
    return (struct sy_update){
        .size = sizeof(struct sy_update),
        .rule = optimizer->kind + 1,
        .lr = lr,
        .momentum = optimizer->momentum,
        .weight_decay = optimizer->weight_decay,
        .beta1 = optimizer->beta1,
        .beta2 = optimizer->beta2,
        .eps = optimizer->eps,
        .count = count,
        .nesterov = optimizer->nesterov,
    };
}
