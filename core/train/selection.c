/* selection.c - see selection.h. */
#include "selection.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "snapshot.h"
#include "weights.h"

int sy_selection_init(struct sy_selection *selection, struct sy_cohort *cohort, struct sy_totals *totals,
                      struct sy_run_folder *folder, struct sy_error *err) {
    const struct sy_experiment *experiment = cohort->experiment;
    int status = SY_OK;
    *selection = (struct sy_selection){.cohort = cohort, .totals = totals, .folder = folder, .measured_at = -1};
    selection->feeders = calloc((size_t)experiment->n_nodes, sizeof *selection->feeders);
    if (!selection->feeders || !sy_evaluation_init(&selection->scratch, experiment)) {
        return sy_fail(err, SY_ENOMEM, "no memory to measure nodes");
    }
    if (experiment->dataset_info.count[SY_TEST_SPLIT] > 0) {
        status = sy_experiment_loader(&selection->test, experiment, SY_TEST_SPLIT, err);
    }
    if (status == SY_OK && experiment->parts.n_validation) {
        status = sy_experiment_loader(&selection->validation, experiment, SY_VALIDATION_PART, err);
    }
    return status;
}

void sy_selection_finish(struct sy_selection *selection) {
    sy_loader_destroy(selection->test);
    sy_loader_destroy(selection->validation);
    sy_evaluation_finish(&selection->scratch);
    free(selection->feeders);
    *selection = (struct sy_selection){0};
}

/* ---- on the way ------------------------------------------------------------------------------------------------- */

/* What is measured on the way, of the weights as they are. */
static int measure(struct sy_selection *selection, int64_t step, struct sy_error *err) {
    struct sy_experiment *experiment = selection->cohort->experiment;
    struct sy_node_totals *nodes = selection->totals->nodes;
    int status = SY_OK;
    selection->measured_at = -1;
    selection->tested = false;
    if (selection->validation) {
        status = sy_evaluate(&selection->scratch, selection->cohort, selection->validation, err);
        for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
            nodes[i].val = selection->scratch.scores[i];
        }
    }
    if (status == SY_OK && selection->test && sy_experiment_watches_test(experiment)) {
        status = sy_evaluate(&selection->scratch, selection->cohort, selection->test, err);
        for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
            nodes[i].test = selection->scratch.scores[i];
        }
        selection->tested = status == SY_OK;
    }
    selection->measured_at = status == SY_OK ? step : -1;
    return status;
}

/* Whether this epoch is better than all before; notes it. Not where nothing was measured: its accuracy is NaN. */
static bool improves(double *best, int64_t *best_epoch, const struct sy_score *score, int64_t epoch) {
    double accuracy = sy_score_accuracy(score);
    if (!(accuracy > *best)) {
        return false;
    }
    *best = accuracy;
    *best_epoch = epoch;
    return true;
}

static void best_file(char *out, size_t room, const struct sy_node *node) {
    snprintf(out, room, "checkpoints/best/%s.safetensors", node->name);
}

/* The weights of one node, and of all that feed it: those are part of how good it was. */
static int keep_node(struct sy_selection *selection, int32_t index, struct sy_error *err) {
    const struct sy_experiment *experiment = selection->cohort->experiment;
    char name[1000];
    best_file(name, sizeof name, &experiment->nodes[index]);
    int status = sy_snapshot_weights(selection->cohort, index, sy_run_folder_file(selection->folder, name), err);
    sy_experiment_feeders(selection->feeders, experiment, index);
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        if (!selection->feeders[i]) {
            continue;
        }
        snprintf(name, sizeof name, "checkpoints/best/%s", experiment->nodes[index].name);
        status = sy_make_folders(sy_run_folder_file(selection->folder, name), err);
        snprintf(name, sizeof name, "checkpoints/best/%s/%s.safetensors", experiment->nodes[index].name,
                 experiment->nodes[i].name);
        if (status == SY_OK) {
            status = sy_snapshot_weights(selection->cohort, i, sy_run_folder_file(selection->folder, name), err);
        }
    }
    return status;
}

/* Better none than those of another epoch. */
static int forget_node(struct sy_selection *selection, int32_t index, struct sy_error *err) {
    char name[1000];
    best_file(name, sizeof name, &selection->cohort->experiment->nodes[index]);
    const char *path = sy_run_folder_file(selection->folder, name);
    return unlink(path) == 0 || errno == ENOENT ? SY_OK : sy_fail(err, SY_EIO, "%s", selection->lost.text);
}

static int keep_if_possible(struct sy_selection *selection, int32_t index, struct sy_error *err) {
    struct sy_error why = {.size = sizeof why};
    int status = keep_node(selection, index, &why);
    if (status == SY_EIO && selection->cohort->experiment->train.select == SY_SELECT_LAST) {
        selection->lost = why;
        return forget_node(selection, index, err);
    }
    return status == SY_OK ? SY_OK : sy_fail(err, status, "%s", why.text);
}

static int keep_best(struct sy_selection *selection, int64_t epoch, struct sy_error *err) {
    const struct sy_experiment *experiment = selection->cohort->experiment;
    bool by_test = sy_experiment_watches_test(experiment);
    int status = sy_make_folders(sy_run_folder_file(selection->folder, "checkpoints/best"), err);
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        struct sy_node_totals *node = &selection->totals->nodes[i];
        bool val = improves(&node->best_val_accuracy, &node->best_val_epoch, &node->val, epoch);
        bool test = improves(&node->best_accuracy, &node->best_epoch, &node->test, epoch);
        if (by_test ? test : val) {
            status = keep_if_possible(selection, i, err);
        }
    }
    return status;
}

int sy_selection_epoch(struct sy_selection *selection, int64_t epoch, int64_t step, struct sy_error *err) {
    const struct sy_train_settings *train = &selection->cohort->experiment->train;
    selection->lost = (struct sy_error){.size = sizeof selection->lost};
    bool due = train->evaluate_every && (epoch + 1) % train->evaluate_every == 0;
    if (!due && epoch + 1 < train->epochs) {
        return SY_OK;
    }
    int status = measure(selection, step, err);
    return status == SY_OK ? keep_best(selection, epoch, err) : status;
}

/* ---- at the end ------------------------------------------------------------------------------------------------- */

int64_t sy_selection_epoch_of(const struct sy_experiment *experiment, const struct sy_node_totals *node) {
    switch (experiment->train.select) {
    case SY_SELECT_BEST_VAL:
        return node->best_val_epoch;
    case SY_SELECT_BEST_TEST:
        return node->best_epoch;
    default:
        return experiment->train.epochs - 1;
    }
}

/* The best weights of every node that has some; one that never gave a number keeps its last. */
static int take_best(struct sy_selection *selection, struct sy_error *err) {
    struct sy_cohort *cohort = selection->cohort;
    struct sy_experiment *experiment = cohort->experiment;
    int status = SY_OK;
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        struct sy_member *member = &cohort->members[i];
        char name[512];
        if (sy_selection_epoch_of(experiment, &selection->totals->nodes[i]) >= 0) {
            best_file(name, sizeof name, member->node);
            status = sy_weights_load(experiment->backend_ops, member->plan, &member->node->graph->graph,
                                     sy_run_folder_file(selection->folder, name), err);
        }
    }
    return status;
}

int sy_selection_conclude(const struct sy_evaluation **out, struct sy_selection *selection, int64_t step,
                          struct sy_error *err) {
    struct sy_experiment *experiment = selection->cohort->experiment;
    bool last = experiment->train.select == SY_SELECT_LAST;
    int status = selection->measured_at == step ? SY_OK : measure(selection, step, err);
    *out = NULL;
    if (status == SY_OK && !last) {
        status = take_best(selection, err);
    }
    if (status != SY_OK || !selection->test) {
        return status;
    }
    if (!last || !selection->tested) {
        status = sy_evaluate(&selection->scratch, selection->cohort, selection->test, err);
    }
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK && last; i++) {
        selection->totals->nodes[i].test = selection->scratch.scores[i];
    }
    *out = status == SY_OK ? &selection->scratch : NULL;
    return status;
}
