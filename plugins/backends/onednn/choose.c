/* choose.c - see choose.h. */
#include "choose.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "onednn.h"

static bool winograd_can(const struct sy_plan *plan, const struct node *node) {
    const struct sy_op *op = node->op;
    return (node->kind == NODE_CONV2D || node->kind == NODE_WINOGRAD) && op->kernel == 3 && op->stride <= 2 &&
           op->padding == 1 && !plan->channels_last && !plan->values[plan->values[node->inputs[0].value].base].plain;
}

/* What stands behind "NAME=", up to the next blank; NULL where the name is not there. */
static const char *choice_of(const char *choices, const char *name, size_t *length) {
    size_t named = strlen(name);
    for (const char *at = choices; at && *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word > named && !strncmp(at, name, named) && at[named] == '=') {
            *length = word - named - 1;
            return at + named + 1;
        }
        at += word;
    }
    return NULL;
}

static bool is_word(const char *at, size_t length, const char *word) {
    return at && length == strlen(word) && !strncmp(at, word, length);
}

int plan_choose(struct sy_plan *plan, int32_t algorithm, const char *choices, struct sy_error *err) {
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        struct node *node = &plan->nodes[i];
        size_t length = 0;
        if (!winograd_can(plan, node)) {
            continue;
        }
        const char *word = choice_of(choices, node->op->name, &length);
        bool winograd = is_word(word, length, "winograd"), direct = is_word(word, length, "direct");
        if (word && !winograd && !direct) {
            return sy_fail(err, SY_EINVAL, "choices: %s=%.*s; direct and winograd are understood", node->op->name,
                           (int)length, word);
        }
        if (winograd || (!direct && algorithm != CONV_DIRECT)) {
            node->kind = NODE_WINOGRAD;
        }
    }
    return SY_OK;
}

/* ---- measuring -------------------------------------------------------------------------------------------------- */

#define ROUNDS 3
/* Direct must be faster by so much to be taken: timings are noisy. */
#define MARGIN 1.15

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A step on an image of zeros, with gradients of zero; seconds of each node, added to what is there. */
static void time_step(struct sy_plan *plan, const float *zeros, const struct sy_tensor *const *no_gradients,
                      double *seconds) {
    plan->variant->refresh(plan);
    plan->kernels->start_norms(plan);
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        plan->kernels->input(plan, k, zeros);
    }
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        double begun = now();
        plan->kernels->forward(plan, &plan->nodes[i]);
        seconds[i] += now() - begun;
    }
    if (plan->forward_only) {
        return;
    }
    plan->kernels->seed(plan, no_gradients);
    for (int32_t i = plan->n_nodes; i-- > 0;) {
        double begun = now();
        plan->kernels->backward(plan, &plan->nodes[i]);
        seconds[i] += now() - begun;
    }
}

/* The fastest round of each node. */
static int time_nodes(struct sy_plan *plan, double *best, struct sy_error *err) {
    size_t most = 1;
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        size_t row = sy_shape_count(shape_of(plan, plan->graph->inputs[k]));
        most = row > most ? row : most;
    }
    float *zeros = calloc(most * (size_t)plan->max_batch, sizeof *zeros);
    double *seconds = calloc((size_t)plan->n_nodes + 1, sizeof *seconds);
    const struct sy_tensor **none = calloc((size_t)plan->graph->n_outputs + 1, sizeof *none);
    bool good = zeros && seconds && none;
    plan->batch = plan->max_batch;
    plan->mode = SY_TRAIN;
    begin_pass(plan, plan->forward_only ? PASS_BATCH : PASS_KEPT);
    for (int32_t round = 0; round < ROUNDS && good; round++) {
        memset(seconds, 0, (size_t)plan->n_nodes * sizeof *seconds);
        time_step(plan, zeros, none, seconds);
        for (int32_t i = 0; i < plan->n_nodes; i++) {
            best[i] = round == 0 || seconds[i] < best[i] ? seconds[i] : best[i];
        }
    }
    free(zeros);
    free(seconds);
    free(none);
    return good ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to measure convolutions");
}

static char *write_choices(const struct sy_plan *plan, const double *direct, const double *winograd) {
    size_t room = 1, length = 0;
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        room += winograd_can(plan, &plan->nodes[i]) ? strlen(plan->nodes[i].op->name) + sizeof " =winograd" : 0;
    }
    char *text = calloc(room, 1);
    for (int32_t i = 0; i < plan->n_nodes && text; i++) {
        if (winograd_can(plan, &plan->nodes[i])) {
            bool faster = direct[i] * MARGIN < winograd[i];
            length += (size_t)snprintf(text + length, room - length, "%s%s=%s", length ? " " : "",
                                       plan->nodes[i].op->name, faster ? "direct" : "winograd");
        }
    }
    return text;
}

int plan_measure(char **choices, struct library *library, const struct sy_host *host, const struct sy_graph *graph,
                 const struct sy_plan_options *options, struct sy_error *err) {
    double *seconds = calloc(4 * (size_t)graph->n_ops + 2, sizeof *seconds);
    double *of[2] = {seconds, seconds + 2 * (size_t)graph->n_ops + 1}; /* as many nodes as fuse.c has room for */
    int status = seconds ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to measure convolutions");
    *choices = NULL;
    for (int way = 0; way < 2 && status == SY_OK; way++) {
        struct sy_plan *plan = NULL;
        status = variant.create(&plan, library, host, graph, options, way ? CONV_WINOGRAD : CONV_DIRECT, err);
        if (status == SY_OK) {
            status = time_nodes(plan, of[way], err);
        }
        if (status == SY_OK && way) {
            *choices = write_choices(plan, of[0], of[1]);
            status = *choices ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to measure convolutions");
        }
        variant.destroy(plan);
    }
    free(seconds);
    return status;
}
