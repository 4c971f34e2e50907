/* cohort.c - making and unmaking a cohort. */
#include "cohort.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../host/call.h"
#include "follow.h"
#include "model_card.h"
#include "weights.h"

double sy_seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static size_t output_row(const struct sy_graph *graph, int32_t output) {
    return sy_shape_count(&graph->values[graph->outputs[output]->value]);
}

/* Draws or loads the initial weights. */
static int initialise(struct sy_member *member, const struct sy_backend_ops *ops, struct sy_error *err) {
    const struct sy_node *node = member->node;
    const struct sy_graph *graph = &node->graph->graph;
    if (node->init) {
        return sy_weights_load(ops, member->plan, graph, node->init, err);
    }
    int status = SY_OK;
    for (int32_t i = 0; i < graph->n_params && status == SY_OK; i++) {
        size_t count = sy_param_count(graph->params[i]);
        float *values = malloc(count * sizeof *values);
        if (!values) {
            return sy_fail(err, SY_ENOMEM, "node %s: no memory for its initial weights", node->name);
        }
        /* Drawn from the full graph, so that which outputs are in use changes nothing. */
        sy_param_initialise(values, &node->full->graph, i, node->seed, node->key);
        struct sy_tensor tensor = sy_param_tensor(graph->params[i], SY_F32, values);
        status = ops->set(member->plan, SY_PARAMETER_VALUE, i, &tensor, err);
        free(values);
    }
    return status;
}

static bool allocate_member(struct sy_member *member, int32_t batch, int32_t classes) {
    const struct sy_graph *graph = &member->node->graph->graph;
    size_t n = (size_t)graph->n_outputs, links = (size_t)member->node->n_links;
    member->n_outputs = graph->n_outputs;
    member->outputs = calloc(n, sizeof *member->outputs);
    member->gradients = calloc(n, sizeof *member->gradients);
    member->gradient_tensors = calloc(n, sizeof *member->gradient_tensors);
    member->gradient_pointers = calloc(n, sizeof *member->gradient_pointers);
    member->flows = calloc(n, sizeof *member->flows);
    member->signals = calloc(n, sizeof *member->signals);
    member->inputs = calloc(links, sizeof *member->inputs);
    member->input_pointers = calloc(links, sizeof *member->input_pointers);
    if (!member->outputs || !member->gradients || !member->gradient_tensors || !member->gradient_pointers ||
        !member->flows || !member->signals || !member->inputs || !member->input_pointers) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        const struct sy_shape *shape = &graph->values[graph->outputs[k]->value];
        if (shape->rank == 1 && shape->dim[0] == classes && !sy_signals_init(&member->signals[k], batch, classes)) {
            return false;
        }
        member->gradients[k] = calloc((size_t)batch * output_row(graph, (int32_t)k), sizeof **member->gradients);
        if (!member->gradients[k]) {
            return false;
        }
    }
    return true;
}

static int make_member(struct sy_cohort *cohort, int32_t index, struct sy_error *err) {
    struct sy_experiment *experiment = cohort->experiment;
    struct sy_member *member = &cohort->members[index];
    member->node = &experiment->nodes[index];
    const struct sy_graph *graph = &member->node->graph->graph;
    struct sy_plan_options options = {
        .size = sizeof options,
        .precision = experiment->precision,
        .max_batch = experiment->data.batch,
        .input_gradients = member->node->input_gradients,
        .choices = member->node->choices,
    };
    struct sy_model_card card;
    member->multiply_adds = sy_graph_multiply_adds(&member->node->full->graph);
    if (!sy_model_card_of(&card, experiment, index) ||
        !(member->card = sy_model_card_metadata(&card, experiment->arena))) {
        return sy_fail(err, SY_ENOMEM, "node %s: no memory for its model card", member->node->name);
    }
    if (!allocate_member(member, experiment->data.batch, experiment->dataset_info.classes)) {
        return sy_fail(err, SY_ENOMEM, "node %s: no memory for its outputs", member->node->name);
    }
    int status =
        SY_CALLED(experiment->backend->found, "compile",
                  experiment->backend_ops->compile(experiment->backend->self, &member->plan, graph, &options, err));
    return status == SY_OK ? initialise(member, experiment->backend_ops, err) : status;
}

/* Room for the largest output and the widest edge. */
static bool allocate_scratch(struct sy_cohort *cohort) {
    struct sy_experiment *experiment = cohort->experiment;
    size_t largest = 1, widest = 1, parameter = 1;
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        const struct sy_graph *graph = &experiment->nodes[i].graph->graph;
        for (int32_t k = 0; k < graph->n_params; k++) {
            size_t count = sy_param_count(graph->params[k]);
            parameter = count > parameter ? count : parameter;
        }
        for (int32_t k = 0; k < graph->n_outputs; k++) {
            size_t row = output_row(graph, k);
            largest = row > largest ? row : largest;
        }
    }
    bool attached = false;
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        size_t width = (size_t)experiment->edges[e].n_sources;
        widest = width > widest ? width : widest;
        attached = attached || experiment->edges[e].attached;
    }
    largest *= (size_t)experiment->data.batch;
    cohort->scratch = calloc(largest, sizeof *cohort->scratch);
    cohort->parameter_scratch = calloc(parameter, sizeof *cohort->parameter_scratch);
    cohort->tensor_pointers = calloc(widest + 1, sizeof *cohort->tensor_pointers);
    cohort->source_scratch = calloc(widest + 1, sizeof *cohort->source_scratch); /* ends with NULL */
    if (!cohort->scratch || !cohort->parameter_scratch || !cohort->tensor_pointers || !cohort->source_scratch) {
        return false;
    }
    for (size_t s = 0; attached && s < widest; s++) {
        cohort->source_scratch[s] = calloc(largest, sizeof **cohort->source_scratch);
        if (!cohort->source_scratch[s]) {
            return false;
        }
    }
    return true;
}

int sy_cohort_create(struct sy_cohort **out, struct sy_experiment *experiment, struct sy_error *err) {
    struct sy_cohort *cohort = calloc(1, sizeof *cohort);
    int status = SY_OK;
    *out = NULL;
    if (!cohort) {
        return sy_fail(err, SY_ENOMEM, "no memory for the cohort");
    }
    cohort->experiment = experiment;
    cohort->rate_factor = 1;
    cohort->not_finite = -1;
    cohort->members = calloc((size_t)experiment->n_nodes, sizeof *cohort->members);
    cohort->decisions = calloc((size_t)experiment->n_gates + 1, sizeof *cohort->decisions);
    if (!cohort->members || !cohort->decisions || !sy_deciding_init(&cohort->deciding, experiment) ||
        !allocate_scratch(cohort)) {
        status = sy_fail(err, SY_ENOMEM, "no memory for the cohort");
    }
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        status = make_member(cohort, i, err);
        cohort->deciding.signals[i] = experiment->nodes[i].has_logits ? &cohort->members[i].signals[0] : NULL;
    }
    if (status == SY_OK) {
        status = sy_follow_start(cohort, err);
    }
    if (status != SY_OK) {
        sy_cohort_destroy(cohort);
        return status;
    }
    *out = cohort;
    return SY_OK;
}

static void destroy_member(struct sy_member *member, const struct sy_backend_ops *ops) {
    ops->destroy(member->plan);
    for (int32_t k = 0; member->gradients && k < member->n_outputs; k++) {
        free(member->gradients[k]);
    }
    for (int32_t k = 0; member->signals && k < member->n_outputs; k++) {
        sy_signals_finish(&member->signals[k]);
    }
    free(member->signals);
    free(member->inputs);
    free(member->input_pointers);
    free(member->outputs);
    free(member->gradients);
    free(member->gradient_tensors);
    free(member->gradient_pointers);
    free(member->flows);
}

void sy_cohort_destroy(struct sy_cohort *cohort) {
    if (!cohort) {
        return;
    }
    for (int32_t i = 0; cohort->members && i < cohort->experiment->n_nodes; i++) {
        destroy_member(&cohort->members[i], cohort->experiment->backend_ops);
    }
    for (size_t s = 0; cohort->source_scratch && cohort->source_scratch[s]; s++) {
        free(cohort->source_scratch[s]);
    }
    free(cohort->source_scratch);
    sy_follow_finish(cohort);
    free(cohort->tensor_pointers);
    free(cohort->scratch);
    free(cohort->parameter_scratch);
    sy_deciding_finish(&cohort->deciding);
    free(cohort->decisions);
    free(cohort->members);
    free(cohort);
}
