/* decide.h - asking a policy: what it is told, and what its answer may be. The same for a run and for its replay. */
#ifndef SY_TRAIN_DECIDE_H
#define SY_TRAIN_DECIDE_H

#include "experiment.h"
#include "moment.h"
#include "signals.h"

/* A gate's last decision. */
struct sy_decision {
    int32_t mode; /* enum sy_mode */
    double teacher_weight, student_weight;
};

/* What policies see of the nodes. */
struct sy_deciding {
    const struct sy_experiment *experiment;
    struct sy_signals **signals; /* per node: of its logits, NULL where no gate looks */
    int64_t *multiply_adds;      /* per node: of one sample's forward pass */
};

/* Arrays with the multiply-adds filled in, the signals NULL. False when memory is used up. */
bool sy_deciding_init(struct sy_deciding *deciding, const struct sy_experiment *experiment);
void sy_deciding_finish(struct sy_deciding *deciding);

/* What the policy of a gate says of a batch whose signals are there. Whether it only watches is the caller's business. A
 * policy that fails, or whose answer is none, is a failure with its name and the step. */
int sy_decide(struct sy_decision *out, const struct sy_deciding *deciding, int32_t gate, int32_t batch,
              const int32_t *labels, const struct sy_moment *now, struct sy_error *err);

#endif
