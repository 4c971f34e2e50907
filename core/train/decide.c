/* decide.c - see decide.h. */
#include "decide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../host/call.h"

int sy_blame(struct sy_error *err, int status, const char *who, const struct sy_moment *now) {
    char text[SY_ERROR_ROOM], when[48] = "when measured";
    if (status == SY_OK || !err) {
        return status;
    }
    memcpy(text, err->text, sizeof text);
    if (now) {
        snprintf(when, sizeof when, "step %lld", (long long)now->step);
    }
    snprintf(err->text, sizeof err->text, "%s, %.200s: %.700s", when, who,
             err->code == SY_OK ? "failed without a reason" : text);
    err->code = status;
    return status;
}

bool sy_deciding_init(struct sy_deciding *deciding, const struct sy_experiment *experiment) {
    *deciding = (struct sy_deciding){.experiment = experiment};
    deciding->signals = calloc((size_t)experiment->n_nodes, sizeof *deciding->signals);
    deciding->multiply_adds = calloc((size_t)experiment->n_nodes, sizeof *deciding->multiply_adds);
    for (int32_t i = 0; deciding->multiply_adds && i < experiment->n_nodes; i++) {
        deciding->multiply_adds[i] = sy_graph_multiply_adds(&experiment->nodes[i].full->graph);
    }
    return deciding->signals && deciding->multiply_adds;
}

void sy_deciding_finish(struct sy_deciding *deciding) {
    free(deciding->signals);
    free(deciding->multiply_adds);
    *deciding = (struct sy_deciding){0};
}

static int32_t side_node(const void *signals, int32_t gate, int32_t side) {
    const struct sy_deciding *deciding = signals;
    const struct sy_watch *watch = &deciding->experiment->gates[gate];
    return side == SY_TEACHER ? watch->teacher : watch->student;
}

static const double *side_probabilities(const void *signals, int32_t gate, int32_t side, double temperature) {
    const struct sy_deciding *deciding = signals;
    if (gate < 0 || gate >= deciding->experiment->n_gates || !(temperature > 0)) {
        return NULL;
    }
    return sy_signals_probabilities(deciding->signals[side_node(signals, gate, side)], temperature);
}

int sy_decide(struct sy_decision *decision, const struct sy_deciding *deciding, int32_t index, int32_t batch,
              const int32_t *labels, const struct sy_moment *now, struct sy_error *err) {
    const struct sy_experiment *experiment = deciding->experiment;
    const struct sy_watch *gate = &experiment->gates[index];
    struct sy_policy_out out = {.size = sizeof out, .mode = SY_LEARNING, .teacher_weight = 1, .student_weight = 1};
    struct sy_policy_in in = {
        .size = sizeof in,
        .batch = batch,
        .classes = experiment->dataset_info.classes,
        .gate = index,
        .n_gates = experiment->n_gates,
        .step = now->step,
        .epoch = now->epoch,
        .steps_per_epoch = sy_experiment_steps_per_epoch(experiment),
        .epochs = experiment->train.epochs,
        .labels = labels,
        .teacher = side_probabilities(deciding, index, SY_TEACHER, 1),
        .student = side_probabilities(deciding, index, SY_STUDENT, 1),
        .signals = deciding,
        .probabilities = side_probabilities,
        .node = side_node,
        .teacher_multiply_adds = deciding->multiply_adds[gate->teacher],
        .student_multiply_adds = deciding->multiply_adds[gate->student],
    };
    const char *name = gate->policy->found->plugin.name;
    int status = SY_CALLED(gate->policy->found, "decide", gate->ops->decide(gate->policy->self, &out, &in, err));
    if (status != SY_OK) {
        return sy_blame(err, status, name, now);
    }
    if ((out.mode != SY_LEARNING && out.mode != SY_EXPERT) || !isfinite(out.teacher_weight) ||
        !isfinite(out.student_weight)) {
        return sy_fail(err, SY_ERANGE,
                       "step %lld: policy %s decided mode %d with weights %g and %g; a mode is 0 or 1, "
                       "weights are finite",
                       (long long)now->step, name, out.mode, out.teacher_weight, out.student_weight);
    }
    *decision = (struct sy_decision){out.mode, out.teacher_weight, out.student_weight};
    return SY_OK;
}
