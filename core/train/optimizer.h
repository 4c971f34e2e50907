/* optimizer.h - how a node's weights move: the core's table of optimisers (config: train.optimizer, and per node
 * nodes.X.optimizer laid over it). The arithmetic is the backend's (backend.h, enum sy_update_rule). */
#ifndef SY_TRAIN_OPTIMIZER_H
#define SY_TRAIN_OPTIMIZER_H

#include <switchyard/backend.h>

#include "../config/fields.h"

struct sy_optimizer {
    int32_t kind; /* index of "sgd|adam|adamw": enum sy_update_rule - 1 */
    int32_t nesterov;
    double lr, momentum, weight_decay, beta1, beta2, eps;
};

/* Reads a group (NULL: defaults) by the table of its `kind`; false after a problem. */
bool sy_optimizer_read(struct sy_optimizer *out, struct sy_setting *group, struct sy_arena *arena,
                       struct sy_problems *problems);
/* Values this optimiser keeps per parameter: 0, 1 or 2 slots. */
int32_t sy_optimizer_slots(const struct sy_optimizer *optimizer);
/* What the backend is told for the count-th update (1, 2, ...) at a learning rate of lr. */
struct sy_update sy_optimizer_update(const struct sy_optimizer *optimizer, double lr, int64_t count);

#endif
