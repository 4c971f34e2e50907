/* result.c - see result.h. */
#include "result.h"

#include <math.h>

#include "../record/journal.h"
#include "selection.h"

/* ---- result.json ------------------------------------------------------------------------------------------------ */

static void put(json_t **object, const char *key, double value) {
    sy_json_put(object, key, sy_json_number(value));
}

/* The number of an epoch, null below 0. */
static void put_epoch(json_t **object, const char *key, int64_t epoch) {
    sy_json_put(object, key, epoch >= 0 ? json_integer(epoch) : json_null());
}

static json_t *selected_json(const struct sy_score *score, int64_t epoch) {
    json_t *selected = json_object();
    put_epoch(&selected, "epoch", epoch);
    put(&selected, "test_accuracy", sy_score_accuracy(score));
    put(&selected, "top5", sy_score_top5(score));
    put(&selected, "nll", sy_score_nll(score));
    put(&selected, "ece", sy_score_ece(score));
    return selected;
}

static json_t *node_json(const struct sy_result *result, int32_t index) {
    static const struct sy_score none = {0};
    const struct sy_experiment *experiment = result->experiment;
    const struct sy_node *node = &experiment->nodes[index];
    const struct sy_node_totals *totals = &result->totals->nodes[index];
    const struct sy_score *selected = result->selected ? &result->selected->scores[index] : &none;
    const struct sy_score *last = &totals->test; /* not measured where the test split is touched once for others */
    json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:I}", "role", sy_role_name(node->role), "parameters",
                               (json_int_t)sy_graph_parameter_count(&node->full->graph), "multiply_adds",
                               (json_int_t)sy_graph_multiply_adds(&node->full->graph), "multiply_adds_spent",
                               (json_int_t)totals->run_spent, "multiply_adds_saved", (json_int_t)totals->run_saved);
    put(&object, "test_accuracy", sy_score_accuracy(last));
    put(&object, "test_top5", sy_score_top5(last));
    put(&object, "test_nll", sy_score_nll(last));
    put(&object, "test_ece", sy_score_ece(last));
    put(&object, "val_accuracy", sy_score_accuracy(&totals->val));
    put(&object, "best_val_accuracy", totals->best_val_epoch >= 0 ? totals->best_val_accuracy : (double)NAN);
    put_epoch(&object, "best_val_epoch", totals->best_val_epoch);
    put(&object, "best_test_accuracy", totals->best_epoch >= 0 ? totals->best_accuracy : (double)NAN);
    put_epoch(&object, "best_epoch", totals->best_epoch);
    sy_json_put(&object, "selected", selected_json(selected, sy_selection_epoch_of(experiment, totals)));
    return object;
}

/* Every pair of nodes that predict, once. */
static json_t *agreement_json(const struct sy_result *result) {
    const struct sy_experiment *experiment = result->experiment;
    json_t *pairs = json_array();
    for (int32_t i = 0; result->selected && i < experiment->n_nodes; i++) {
        for (int32_t j = i + 1; j < experiment->n_nodes; j++) {
            if (!experiment->nodes[i].has_logits || !experiment->nodes[j].has_logits) {
                continue;
            }
            sy_json_add(&pairs,
                        json_pack("{s:s, s:s, s:o}", "a", experiment->nodes[i].name, "b", experiment->nodes[j].name,
                                  "share", sy_json_number(sy_evaluation_agreement(result->selected, i, j))));
        }
    }
    return pairs;
}

static json_t *result_json(const struct sy_result *result) {
    const struct sy_experiment *experiment = result->experiment;
    const struct sy_totals *totals = result->totals;
    const struct sy_costs *costs = result->costs;
    double share = sy_totals_expert_share(totals, experiment);
    json_t *object = json_object(), *nodes = json_object();
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        sy_json_put(&nodes, experiment->nodes[i].name, node_json(result, i));
    }
    sy_json_put(&object, "epochs", json_integer(experiment->train.epochs));
    sy_json_put(&object, "steps", json_integer(totals->run_steps));
    sy_json_put(&object, "skipped", json_integer(totals->run_skipped));
    sy_json_put(&object, "lowered", json_integer(totals->lowered));
    put(&object, "expert_share", share < 0 ? (double)NAN : share);
    sy_json_put(&object, "selection", json_string(sy_select_name(experiment->train.select)));
    put(&object, "seconds", costs->seconds);
    put(&object, "images_per_s", (double)totals->run_samples / costs->training_seconds);
    put(&object, "peak_mib", costs->peak_mib);
    put(&object, "energy_joules", costs->energy_joules);
    sy_json_put(&object, "nodes", nodes);
    sy_json_put(&object, "agreement", agreement_json(result));
    return object;
}

/* ---- predictions.json ------------------------------------------------------------------------------------------- */

static json_t *bins_json(const struct sy_score *score) {
    json_t *bins = json_array();
    for (size_t b = 0; b < SY_BINS; b++) {
        const struct sy_bin *bin = &score->bins[b];
        sy_json_add(&bins, json_pack("{s:I, s:o, s:o}", "count", (json_int_t)bin->count, "confidence",
                                     sy_json_number(bin->confidence / (double)bin->count), "accuracy",
                                     sy_json_number((double)bin->correct / (double)bin->count)));
    }
    return bins;
}

static json_t *confusion_json(const struct sy_evaluation *evaluation, int32_t node) {
    int64_t classes = evaluation->classes;
    const int64_t *at = evaluation->confusion + node * classes * classes;
    json_t *rows = json_array();
    for (int64_t label = 0; label < classes; label++) {
        json_t *row = json_array();
        for (int64_t said = 0; said < classes; said++) {
            sy_json_add(&row, json_integer(at[label * classes + said]));
        }
        sy_json_add(&rows, row);
    }
    return rows;
}

static json_t *predictions_json(const struct sy_result *result) {
    const struct sy_experiment *experiment = result->experiment;
    const struct sy_dataset_info *info = &experiment->dataset_info;
    json_t *nodes = json_object(), *names = info->class_names ? json_array() : json_null();
    for (int32_t c = 0; info->class_names && c < info->classes; c++) {
        sy_json_add(&names, json_string(info->class_names[c]));
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        if (!experiment->nodes[i].has_logits) {
            continue;
        }
        json_t *node = json_pack("{s:o}", "bins", bins_json(&result->selected->scores[i]));
        if (result->selected->confusion) {
            sy_json_put(&node, "confusion", confusion_json(result->selected, i));
        }
        sy_json_put(&nodes, experiment->nodes[i].name, node);
    }
    return json_pack("{s:i, s:o, s:o}", "classes", (int)info->classes, "class_names", names, "nodes", nodes);
}

int sy_result_write(const struct sy_result *result, struct sy_run_folder *folder, struct sy_error *err) {
    int status = SY_OK;
    if (result->selected) {
        status = sy_write_json(sy_run_folder_file(folder, "predictions.json"), predictions_json(result), err);
    }
    return status == SY_OK ? sy_write_json(sy_run_folder_file(folder, "result.json"), result_json(result), err)
                           : status;
}
