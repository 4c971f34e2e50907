/* lines.c - see lines.h. */
#include "lines.h"

#include <string.h>

#include "../record/journal.h"

static json_t *element_to_json(const struct sy_field *field, const char *at) {
    int32_t i32;
    int64_t i64;
    double number;
    switch (field->type) {
    case SY_TYPE_INT32:
        memcpy(&i32, at, sizeof i32);
        return json_integer(i32);
    case SY_TYPE_INT64:
    case SY_TYPE_UINT64: /* the same 64 bits; JSON integers here are signed */
        memcpy(&i64, at, sizeof i64);
        return json_integer(i64);
    case SY_TYPE_DOUBLE:
        memcpy(&number, at, sizeof number);
        return sy_json_number(number);
    default:
        return json_null();
    }
}

static size_t element_bytes(uint32_t type) {
    return type == SY_TYPE_INT32 ? 4 : 8;
}

void sy_fields_to_json(json_t **object, const struct sy_instance *instance, bool observed_only) {
    struct sy_field field;
    for (size_t i = 0; sy_instance_field(instance, i, &field); i++) {
        const char *at = (const char *)instance->self + field.offset;
        if (observed_only && field.role != SY_OBSERVED_FIELD) {
            continue;
        }
        if (field.count <= 1) {
            sy_json_put(object, field.name, element_to_json(&field, at));
            continue;
        }
        json_t *array = json_array();
        for (uint32_t k = 0; k < field.count; k++) {
            sy_json_add(&array, element_to_json(&field, at + k * element_bytes(field.type)));
        }
        sy_json_put(object, field.name, array);
    }
}

static void element_from_json(const json_t *value, const struct sy_field *field, char *at) {
    if (field->type == SY_TYPE_DOUBLE) {
        double number = json_is_null(value) ? 0.0 / 0.0 : json_number_value(value);
        memcpy(at, &number, sizeof number);
    } else if (field->type == SY_TYPE_INT32) {
        int32_t i32 = (int32_t)json_integer_value(value);
        memcpy(at, &i32, sizeof i32);
    } else if (field->type == SY_TYPE_INT64 || field->type == SY_TYPE_UINT64) {
        int64_t i64 = json_integer_value(value);
        memcpy(at, &i64, sizeof i64);
    }
}

void sy_fields_from_json(const json_t *object, struct sy_instance *instance) {
    struct sy_field field;
    for (size_t i = 0; sy_instance_field(instance, i, &field); i++) {
        char *at = (char *)instance->self + field.offset;
        const json_t *value = json_object_get(object, field.name);
        if (!value) {
            continue;
        }
        if (field.count <= 1) {
            element_from_json(value, &field, at);
        }
        for (uint32_t k = 0; field.count > 1 && k < field.count && k < json_array_size(value); k++) {
            element_from_json(json_array_get(value, k), &field, at + k * element_bytes(field.type));
        }
    }
}

static json_t *node_line(const struct sy_member *member) {
    return json_pack("{s:o, s:o, s:b, s:o, s:i}", "loss", sy_json_number(member->loss), "label_loss",
                     sy_json_number(member->label_loss), "on", (int)member->on, "lr", sy_json_number(member->lr),
                     "correct", (int)member->correct);
}

json_t *sy_step_line(const struct sy_cohort *cohort, const struct sy_moment *now) {
    const struct sy_experiment *experiment = cohort->experiment;
    json_t *nodes = json_object(), *gates = json_array();
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        sy_json_put(&nodes, experiment->nodes[i].name, node_line(&cohort->members[i]));
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        const struct sy_watch *gate = &experiment->gates[g];
        json_t *line = json_pack("{s:s, s:s, s:s}", "teacher", experiment->nodes[gate->teacher].name, "student",
                                 experiment->nodes[gate->student].name, "mode",
                                 cohort->decisions[g].mode == SY_EXPERT ? "expert" : "learning");
        sy_fields_to_json(&line, gate->policy, true);
        sy_json_add(&gates, line);
    }
    return json_pack("{s:I, s:I, s:o, s:o}", "step", (json_int_t)now->step, "epoch", (json_int_t)now->epoch, "nodes",
                     nodes, "gates", gates);
}

static json_t *ratio(double part, int64_t whole) {
    return whole > 0 ? sy_json_number(part / (double)whole) : json_null();
}

json_t *sy_epoch_line(const struct sy_cohort *cohort, const struct sy_totals *totals, const struct sy_moment *now) {
    const struct sy_experiment *experiment = cohort->experiment;
    json_t *nodes = json_object(), *gates = json_array();
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        const struct sy_node_totals *node = &totals->nodes[i];
        json_t *line = json_pack(
            "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "train_loss", ratio(node->loss, totals->samples),
            "train_accuracy", ratio((double)node->correct, experiment->nodes[i].has_logits ? totals->samples : 0),
            "test_loss", sy_json_number(sy_score_nll(&node->test)), "test_accuracy",
            sy_json_number(sy_score_accuracy(&node->test)), "test_top5", sy_json_number(sy_score_top5(&node->test)),
            "test_ece", sy_json_number(sy_score_ece(&node->test)), "val_loss", sy_json_number(sy_score_nll(&node->val)),
            "val_accuracy", sy_json_number(sy_score_accuracy(&node->val)), "on_share",
            ratio((double)node->on, totals->steps), "multiply_adds", (json_int_t)node->spent, "multiply_adds_saved",
            (json_int_t)node->saved);
        sy_json_put(&nodes, experiment->nodes[i].name, line);
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        const struct sy_watch *gate = &experiment->gates[g];
        sy_json_add(&gates, json_pack("{s:s, s:s, s:o}", "teacher", experiment->nodes[gate->teacher].name, "student",
                                      experiment->nodes[gate->student].name, "expert_share",
                                      ratio((double)totals->gates[g].expert, totals->steps - totals->skipped)));
    }
    json_t *line =
        json_pack("{s:I, s:I, s:I, s:o, s:o}", "epoch", (json_int_t)now->epoch, "step", (json_int_t)now->step,
                  "samples", (json_int_t)totals->samples, "nodes", nodes, "gates", gates);
    if (totals->skipped) {
        sy_json_put(&line, "skipped", json_integer(totals->skipped));
    }
    return line;
}
