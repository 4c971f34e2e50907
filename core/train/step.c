/* step.c - one batch's way: forward, decide, losses, backward, update. */
#include <math.h>
#include <string.h>

#include "../host/call.h"
#include "cohort.h"
#include "finite.h"
#include "follow.h"
#include "recording.h"
#include "watchdog.h"

/* ---- forward ---------------------------------------------------------------------------------------------------- */

static int fetch_outputs(struct sy_cohort *cohort, struct sy_member *member, struct sy_error *err) {
    const struct sy_backend_ops *ops = cohort->experiment->backend_ops;
    int status = SY_OK;
    for (int32_t k = 0; k < member->n_outputs && status == SY_OK; k++) {
        member->outputs[k] = (struct sy_tensor){.size = sizeof(struct sy_tensor)};
        status = SY_CALLED(cohort->experiment->backend->found, "output",
                           ops->output(member->plan, k, &member->outputs[k], err));
        if (status == SY_OK && member->signals[k].memory) {
            sy_signals_set(&member->signals[k], member->outputs[k].data, (int32_t)member->outputs[k].shape[0]);
        }
    }
    return status;
}

/* All that anybody reads of a node (the rest is not in its graph), before anybody does: policies, losses and the nodes it
 * feeds would only get the blame. */
static int expect_finite_outputs(const struct sy_member *member, struct sy_error *err) {
    const struct sy_graph *graph = &member->node->graph->graph;
    int status = SY_OK;
    for (int32_t k = 0; k < member->n_outputs && status == SY_OK; k++) {
        char what[160] = "its output";
        if (k > 0 || !member->node->has_logits) {
            snprintf(what, sizeof what, "its output \"%.120s\"", graph->outputs[k]->name);
        }
        status = sy_expect_finite(&member->outputs[k], member->outputs[k].data, what, SY_DIVERGED, err);
    }
    return status;
}

/* The image, and outputs of those that feed the node, which went forward before it. */
static void gather_inputs(struct sy_cohort *cohort, struct sy_member *member, const struct sy_batch *batch,
                          int32_t view) {
    const struct sy_shape *shape = &cohort->experiment->dataset_info.shape;
    for (int32_t k = 0; k < member->node->n_links; k++) {
        const struct sy_link *link = &member->node->links[k];
        if (link->source >= 0) {
            member->input_pointers[k] = &cohort->members[link->source].outputs[link->output];
            continue;
        }
        member->inputs[k] = (struct sy_tensor){
            .size = sizeof member->inputs[k],
            .dtype = SY_F32,
            .rank = 1 + shape->rank,
            .shape = {batch->count, shape->dim[0], shape->dim[1], shape->dim[2]},
            .data = (void *)(uintptr_t)batch->views[view],
        };
        member->input_pointers[k] = &member->inputs[k];
    }
}

static int forward(struct sy_cohort *cohort, int32_t index, const struct sy_batch *batch, const struct sy_moment *now,
                   int32_t mode, struct sy_error *err) {
    struct sy_experiment *experiment = cohort->experiment;
    struct sy_member *member = &cohort->members[index];
    int32_t frozen = member->node->frozen;
    gather_inputs(cohort, member, batch, mode == SY_TRAIN ? member->node->view : 0);
    struct sy_forward in = {
        .size = sizeof in,
        .mode = frozen == SY_FROZEN_EVAL ? SY_EVALUATE : mode,
        .batch = batch->count,
        .keep = mode == SY_TRAIN && frozen != SY_FROZEN_EVAL,
        .seed = member->node->seed,
        .stream = member->node->key,
        .step = (uint32_t)now->step,
        .inputs = member->input_pointers,
    };
    int status =
        SY_CALLED(experiment->backend->found, "forward", experiment->backend_ops->forward(member->plan, &in, err));
    if (status == SY_OK) {
        status = fetch_outputs(cohort, member, err);
    }
    if (status == SY_OK) {
        status = expect_finite_outputs(member, err);
        cohort->not_finite = status == SY_OK ? cohort->not_finite : index;
    }
    return sy_blame(err, status, member->node->name, mode == SY_TRAIN ? now : NULL);
}

static int32_t count_correct(const struct sy_tensor *logits, const int32_t *labels) {
    int32_t correct = 0;
    for (int64_t b = 0; b < logits->shape[0]; b++) {
        const float *z = (const float *)logits->data + b * logits->shape[1];
        int64_t best = 0;
        for (int64_t c = 1; c < logits->shape[1]; c++) {
            best = z[c] > z[best] ? c : best;
        }
        correct += best == labels[b];
    }
    return correct;
}

/* ---- policies --------------------------------------------------------------------------------------------------- */

static int decide(struct sy_cohort *cohort, int32_t index, const struct sy_batch *batch, const struct sy_moment *now,
                  struct sy_error *err) {
    const struct sy_watch *gate = &cohort->experiment->gates[index];
    struct sy_decision *decision = &cohort->decisions[index];
    int status = sy_decide(decision, &cohort->deciding, index, batch->count, batch->labels, now, err);
    if (status == SY_OK && gate->watch_only) {
        *decision = (struct sy_decision){SY_LEARNING, 1, 1};
    } else if (status == SY_OK && cohort->forced_mode) {
        *decision = (struct sy_decision){cohort->forced_mode - 1, 1, 1};
    }
    return status;
}

bool sy_cohort_paused(const struct sy_cohort *cohort, int32_t node) {
    bool teaches = false;
    for (int32_t g = 0; g < cohort->experiment->n_gates; g++) {
        const struct sy_watch *gate = &cohort->experiment->gates[g];
        if (gate->teacher == node && !gate->watch_only && !gate->closes_only) {
            teaches = true;
            if (cohort->decisions[g].mode == SY_LEARNING) {
                return false;
            }
        }
    }
    return teaches;
}

/* ---- losses ----------------------------------------------------------------------------------------------------- */

/* Whose signals a loss asks for. */
struct readers {
    struct sy_cohort *cohort;
    const struct sy_flow *edge; /* NULL: a label loss */
    int32_t target;
    int32_t target_output;
};

/* The signals of target or source; NULL where that output is not a number for each class. */
static struct sy_signals *signals_of(const struct readers *readers, int32_t which, double temperature) {
    const struct sy_flow *edge = readers->edge;
    int32_t node = readers->target, output = readers->target_output;
    if (which != SY_TARGET) {
        if (!edge || which < 0 || which >= edge->n_sources) {
            return NULL;
        }
        node = edge->sources[which];
        output = edge->source_outputs[which];
    }
    struct sy_signals *signals = &readers->cohort->members[node].signals[output];
    return signals->memory && temperature > 0 ? signals : NULL;
}

static const double *read_probabilities(const void *signals, int32_t which, double temperature) {
    struct sy_signals *of = signals_of(signals, which, temperature);
    return of ? sy_signals_probabilities(of, temperature) : NULL;
}

static const double *read_log_probabilities(const void *signals, int32_t which, double temperature) {
    struct sy_signals *of = signals_of(signals, which, temperature);
    return of ? sy_signals_log_probabilities(of, temperature) : NULL;
}

/* gradient += factor * scratch; the first to arrive overwrites. */
static void pour(struct sy_member *member, int32_t output, const float *from, double factor) {
    size_t count = sy_tensor_count(&member->outputs[output]);
    float *to = member->gradients[output], scale = (float)factor;
    if (!member->flows[output]) {
        for (size_t i = 0; i < count; i++) {
            to[i] = scale * from[i];
        }
        member->flows[output] = true;
    } else {
        for (size_t i = 0; i < count; i++) {
            to[i] += scale * from[i];
        }
    }
}

/* NaN everywhere, so that what a loss leaves out is found, and is not what another one left there. */
static void spoil(float *gradient, const struct sy_tensor *like) {
    memset(gradient, 0xff, sy_tensor_count(like) * sizeof *gradient);
}

/* A loss's value; its gradients into the cohort's scratch. */
static int ask_loss(const struct readers *readers, const struct sy_loss_use *use, const struct sy_batch *batch,
                    const struct sy_moment *now, double *value, struct sy_error *err) {
    struct sy_cohort *cohort = readers->cohort;
    const struct sy_flow *edge = readers->edge;
    struct sy_member *target = &cohort->members[readers->target];
    int32_t n_sources = edge ? edge->n_sources : 0;
    for (int32_t s = 0; s < n_sources; s++) {
        cohort->tensor_pointers[s] = &cohort->members[edge->sources[s]].outputs[edge->source_outputs[s]];
    }
    struct sy_loss_in in = {
        .size = sizeof in,
        .batch = batch->count,
        .classes = cohort->experiment->dataset_info.classes,
        .n_sources = n_sources,
        .step = now->step,
        .epoch = now->epoch,
        .epochs = cohort->experiment->train.epochs,
        .labels = batch->labels,
        .samples = batch->samples,
        .target = &target->outputs[readers->target_output],
        .sources = cohort->tensor_pointers,
        .signals = readers,
        .probabilities = read_probabilities,
        .log_probabilities = read_log_probabilities,
    };
    bool attached = edge && edge->attached;
    struct sy_loss_out out = {
        .size = sizeof out,
        .gradient = cohort->scratch,
        .source_gradients = attached ? cohort->source_scratch : NULL,
    };
    const char *name = use->instance->found->plugin.name;
    spoil(cohort->scratch, in.target);
    for (int32_t s = 0; attached && s < n_sources; s++) {
        spoil(cohort->source_scratch[s], in.sources[s]);
    }
    int status = SY_CALLED(use->instance->found, "eval", use->ops->eval(use->instance->self, &out, &in, err));
    if (status != SY_OK) {
        return sy_blame(err, status, name, now);
    }
    if (!isfinite(out.value)) {
        cohort->not_finite = readers->target;
        return sy_fail(err, SY_ERANGE,
                       "step %lld, node %s: loss %s%s%s is not finite (%g); a lower learning rate or a "
                       "warm-up may help",
                       (long long)now->step, target->node->name, name, edge ? " of edge " : "", edge ? edge->name : "",
                       out.value);
    }
    *value = out.value;
    return SY_OK;
}

/* Evaluates one loss and pours its gradients, times a factor. */
static int evaluate_loss(const struct readers *readers, const struct sy_loss_use *use, double factor,
                         const struct sy_batch *batch, const struct sy_moment *now, double *value,
                         struct sy_error *err) {
    struct sy_cohort *cohort = readers->cohort;
    const struct sy_flow *edge = readers->edge;
    struct sy_member *target = &cohort->members[readers->target];
    int32_t attached = edge && edge->attached ? edge->n_sources : 0;
    int status = ask_loss(readers, use, batch, now, value, err);
    if (status != SY_OK) {
        return status;
    }
    status = sy_expect_finite(&target->outputs[readers->target_output], cohort->scratch, "its gradient",
                              SY_LOSS_IS_WRONG, err);
    cohort->not_finite = status == SY_OK ? cohort->not_finite : readers->target;
    pour(target, readers->target_output, cohort->scratch, factor);
    for (int32_t s = 0; s < attached && status == SY_OK; s++) {
        struct sy_member *source = &cohort->members[edge->sources[s]];
        status = sy_expect_finite(cohort->tensor_pointers[s], cohort->source_scratch[s], "its gradient to a source",
                                  SY_LOSS_IS_WRONG, err);
        cohort->not_finite = status == SY_OK ? cohort->not_finite : edge->sources[s];
        pour(source, edge->source_outputs[s], cohort->source_scratch[s], factor);
    }
    return sy_blame(err, status, use->instance->found->plugin.name, now);
}

int sy_cohort_edge_loss(struct sy_cohort *cohort, int32_t index, const struct sy_batch *batch,
                        const struct sy_moment *now, double *value, struct sy_error *err) {
    const struct sy_flow *edge = &cohort->experiment->edges[index];
    const struct readers readers = {cohort, edge, edge->target, edge->target_output};
    return ask_loss(&readers, &edge->loss, batch, now, value, err);
}

/* Factor on an edge's loss under its gate's decision; 0: closed. */
static double openness(const struct sy_cohort *cohort, const struct sy_flow *edge, int64_t epoch) {
    double weight = edge->weight * sy_ramp_factor(&edge->ramp, epoch);
    if (edge->gate < 0) {
        return weight;
    }
    const struct sy_decision *decision = &cohort->decisions[edge->gate];
    if (edge->gate_effect == SY_CLOSED_IN_EXPERT_MODE) {
        return decision->mode == SY_EXPERT ? 0 : weight * decision->teacher_weight;
    }
    return weight * decision->student_weight;
}

/* label_weight * label loss (of a node with logits) + sum over open edges of weight * loss. */
static int node_losses(struct sy_cohort *cohort, int32_t index, const struct sy_batch *batch,
                       const struct sy_moment *now, struct sy_error *err) {
    struct sy_experiment *experiment = cohort->experiment;
    struct sy_member *member = &cohort->members[index];
    struct readers readers = {.cohort = cohort, .target = index};
    int status = SY_OK;
    member->label_loss = NAN;
    member->loss = 0;
    if (member->node->has_logits) {
        status = evaluate_loss(&readers, &member->node->label_loss, member->node->label_weight, batch, now,
                               &member->label_loss, err);
        member->loss = member->node->label_weight * member->label_loss;
    }
    for (int32_t e = 0; e < experiment->n_edges && status == SY_OK; e++) {
        const struct sy_flow *edge = &experiment->edges[e];
        double factor = edge->target == index ? openness(cohort, edge, now->epoch) : 0, value = 0;
        if (factor != 0) {
            readers.edge = edge;
            readers.target_output = edge->target_output;
            status = evaluate_loss(&readers, &edge->loss, factor, batch, now, &value, err);
            member->loss += factor * value;
        }
    }
    return status;
}

/* ---- backward and update ---------------------------------------------------------------------------------------- */

/* Gradients with respect to a node's inputs into the outputs they came from; those nodes go backward after it. */
static int pour_back(struct sy_cohort *cohort, struct sy_member *member, struct sy_error *err) {
    const struct sy_backend_ops *ops = cohort->experiment->backend_ops;
    int status = SY_OK;
    for (int32_t k = 0; k < member->node->n_links && status == SY_OK; k++) {
        const struct sy_link *link = &member->node->links[k];
        if (!(member->node->input_gradients >> k & 1)) {
            continue;
        }
        struct sy_tensor gradient = {.size = sizeof gradient};
        status = ops->input_gradient(member->plan, k, &gradient, err);
        if (status == SY_OK) {
            status = sy_expect_finite(&gradient, gradient.data, "the gradient to what feeds it", SY_DIVERGED, err);
            cohort->not_finite = status == SY_OK ? cohort->not_finite : (int32_t)(member - cohort->members);
        }
        if (status == SY_OK) {
            pour(&cohort->members[link->source], link->output, gradient.data, link->gradient_scale);
        }
    }
    return status;
}

/* Gradients of everything the node has, and of what feeds it. */
static int go_back(struct sy_cohort *cohort, int32_t index, const struct sy_moment *now, struct sy_error *err) {
    struct sy_member *member = &cohort->members[index];
    if (!member->on) {
        return SY_OK;
    }
    double start = sy_seconds_now();
    for (int32_t k = 0; k < member->n_outputs; k++) {
        member->gradient_tensors[k] = member->outputs[k];
        member->gradient_tensors[k].data = member->gradients[k];
        member->gradient_pointers[k] = member->flows[k] ? &member->gradient_tensors[k] : NULL;
    }
    int status = SY_CALLED(cohort->experiment->backend->found, "backward",
                           cohort->experiment->backend_ops->backward(member->plan, member->gradient_pointers, err));
    status = status == SY_OK ? pour_back(cohort, member, err) : status;
    cohort->seconds[SY_PHASE_BACKWARD] += sy_seconds_now() - start;
    return sy_blame(err, status, member->node->name, now);
}

static int move(struct sy_cohort *cohort, int32_t index, const struct sy_moment *now, struct sy_error *err) {
    struct sy_experiment *experiment = cohort->experiment;
    struct sy_member *member = &cohort->members[index];
    bool coasts = !member->on && !member->node->frozen && experiment->pause == SY_PAUSE_ZERO_GRAD_STEP;
    if ((!member->on && !coasts) || member->node->follow.kind == SY_FOLLOWS_WEIGHTS) {
        return SY_OK;
    }
    double start = sy_seconds_now();
    int status = sy_follow_gather(cohort, index, err);
    if (status == SY_OK) {
        struct sy_update update = sy_optimizer_update(&member->node->optimizer, member->lr, ++member->updates);
        update.zero_gradient = coasts;
        status = SY_CALLED(experiment->backend->found, "update",
                           experiment->backend_ops->update(member->plan, &update, err));
    }
    cohort->seconds[SY_PHASE_UPDATE] += sy_seconds_now() - start;
    return sy_blame(err, status, member->node->name, now);
}

/* ---- the step --------------------------------------------------------------------------------------------------- */

static int forward_all(struct sy_cohort *cohort, const struct sy_batch *batch, const struct sy_moment *now,
                       struct sy_error *err) {
    int status = SY_OK;
    for (int32_t n = 0; n < cohort->experiment->n_nodes && status == SY_OK; n++) {
        int32_t i = cohort->experiment->sequence[n];
        struct sy_member *member = &cohort->members[i];
        status = forward(cohort, i, batch, now, SY_TRAIN, err);
        if (status == SY_OK && member->node->has_logits) {
            member->correct = count_correct(&member->outputs[0], batch->labels);
        }
        memset(member->flows, 0, (size_t)member->n_outputs * sizeof *member->flows);
    }
    return status;
}

/* Before anything can fail: what is told of a step is the same whoever fails in it. */
static void set_rates(struct sy_cohort *cohort, const struct sy_moment *now) {
    for (int32_t i = 0; i < cohort->experiment->n_nodes; i++) {
        struct sy_member *member = &cohort->members[i];
        double rate = sy_experiment_rate(cohort->experiment, member->node, now->epoch, now->batch);
        member->lr = member->node->optimizer.lr * rate * cohort->rate_factor;
    }
}

/* Decides every gate, then who is on, then whose running statistics move. */
static int decide_all(struct sy_cohort *cohort, const struct sy_batch *batch, const struct sy_moment *now,
                      struct sy_error *err) {
    struct sy_experiment *experiment = cohort->experiment;
    int status = SY_OK;
    for (int32_t g = 0; g < experiment->n_gates && status == SY_OK; g++) {
        status = decide(cohort, g, batch, now, err);
    }
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        struct sy_member *member = &cohort->members[i];
        int32_t frozen = member->node->frozen;
        member->on = !frozen && !sy_cohort_paused(cohort, i);
        bool moves = frozen ? frozen == SY_FROZEN_TRAIN : member->on || experiment->paused_bn == SY_PAUSED_BN_UPDATE;
        moves = moves && !sy_follow_moves_statistics(member->node);
        if (moves) {
            status = sy_blame(err, sy_follow_statistics(cohort, i, err), member->node->name, now);
        }
    }
    return status;
}

/* All losses from the same outputs; then backward and update of all, who is fed before those that feed it. */
static int learn_simultaneously(struct sy_cohort *cohort, const struct sy_batch *batch, const struct sy_moment *now,
                                struct sy_error *err) {
    double start = sy_seconds_now();
    int status = SY_OK;
    for (int32_t i = 0; i < cohort->experiment->n_nodes && status == SY_OK; i++) {
        status = node_losses(cohort, i, batch, now, err);
    }
    cohort->seconds[SY_PHASE_LOSS] += sy_seconds_now() - start;
    for (int32_t n = cohort->experiment->n_nodes; n-- > 0 && status == SY_OK;) {
        status = go_back(cohort, cohort->experiment->sequence[n], now, err);
    }
    for (int32_t i = 0; i < cohort->experiment->n_nodes && status == SY_OK; i++) {
        status = move(cohort, i, now, err);
    }
    return status;
}

/* One node after the other, each from outputs that are up to date (running statistics move once a step only). */
static int learn_alternating(struct sy_cohort *cohort, const struct sy_batch *batch, const struct sy_moment *now,
                             struct sy_error *err) {
    int status = SY_OK;
    for (int32_t i = 0; i < cohort->experiment->n_nodes && status == SY_OK; i++) {
        double start = sy_seconds_now();
        status = node_losses(cohort, i, batch, now, err);
        cohort->seconds[SY_PHASE_LOSS] += sy_seconds_now() - start;
        if (status == SY_OK) {
            status = go_back(cohort, i, now, err);
            status = status == SY_OK ? move(cohort, i, now, err) : status;
        }
        if (status == SY_OK && i + 1 < cohort->experiment->n_nodes) {
            start = sy_seconds_now();
            status = forward(cohort, i, batch, now, SY_TRAIN, err);
            cohort->seconds[SY_PHASE_FORWARD] += sy_seconds_now() - start;
        }
    }
    return status;
}

int sy_cohort_step(struct sy_cohort *cohort, const struct sy_batch *batch, const struct sy_moment *now,
                   struct sy_error *err) {
    double start = sy_seconds_now();
    sy_calls_step(now->step);
    cohort->not_finite = -1;
    set_rates(cohort, now);
    int status = forward_all(cohort, batch, now, err);
    double middle = sy_seconds_now();
    cohort->seconds[SY_PHASE_FORWARD] += middle - start;
    if (status == SY_OK) {
        status = decide_all(cohort, batch, now, err);
    }
    if (status == SY_OK && cohort->recording) {
        status = sy_recording_step(cohort->recording, cohort, batch, now, err);
    }
    cohort->seconds[SY_PHASE_POLICY] += sy_seconds_now() - middle;
    if (status != SY_OK) {
        return status;
    }
    status = cohort->experiment->order == SY_ORDER_ALTERNATING ? learn_alternating(cohort, batch, now, err)
                                                               : learn_simultaneously(cohort, batch, now, err);
    double learnt = sy_seconds_now();
    status = status == SY_OK ? sy_follow(cohort, now, err) : status;
    status = status == SY_OK ? sy_watch_parameters(cohort, now, err) : status;
    cohort->seconds[SY_PHASE_UPDATE] += sy_seconds_now() - learnt;
    return status;
}

int sy_cohort_infer(struct sy_cohort *cohort, const struct sy_batch *batch, struct sy_error *err) {
    const struct sy_moment now = {0, 0, 0};
    int status = SY_OK;
    cohort->not_finite = -1;
    for (int32_t n = 0; n < cohort->experiment->n_nodes && status == SY_OK; n++) {
        status = forward(cohort, cohort->experiment->sequence[n], batch, &now, SY_EVALUATE, err);
    }
    return status;
}
