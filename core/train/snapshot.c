/* snapshot.c - see snapshot.h. */
#include "snapshot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "stateful.h"
#include "weights.h"

/* ---- tensors of one node ---------------------------------------------------------------------------------------- */

/* Host copies of tensors on their way to a file. */
struct parcel {
    struct sy_named_tensor *tensors;
    char **names;
    size_t count;
};

static void release(struct parcel *parcel) {
    for (size_t i = 0; i < parcel->count; i++) {
        free(parcel->tensors[i].tensor.data);
        free(parcel->names[i]);
    }
    free(parcel->tensors);
    free(parcel->names);
    *parcel = (struct parcel){0};
}

static bool room_for(struct parcel *parcel, size_t count) {
    *parcel = (struct parcel){0};
    parcel->tensors = calloc(count + 1, sizeof *parcel->tensors);
    parcel->names = calloc(count + 1, sizeof *parcel->names);
    return parcel->tensors && parcel->names;
}

/* Adds one stored thing of one parameter. */
static int add_stored(struct parcel *parcel, const struct sy_cohort *cohort, const struct sy_member *member,
                      int32_t stored, int32_t index, const char *suffix, struct sy_error *err) {
    const struct sy_param *param = member->node->graph->graph.params[index];
    size_t length = strlen(param->name) + strlen(suffix) + 1;
    char *name = malloc(length);
    float *data = malloc(sy_param_count(param) * sizeof *data);
    if (!name || !data) {
        free(name);
        free(data);
        return sy_fail(err, SY_ENOMEM, "no memory to write %s of node %s", param->name, member->node->name);
    }
    snprintf(name, length, "%s%s", param->name, suffix);
    parcel->names[parcel->count] = name;
    parcel->tensors[parcel->count].name = name;
    parcel->tensors[parcel->count].tensor = sy_param_tensor(param, SY_F32, data);
    parcel->count++;
    return cohort->experiment->backend_ops->get(member->plan, stored, index, &parcel->tensors[parcel->count - 1].tensor,
                                                err);
}

static int pack_weights(struct parcel *parcel, const struct sy_cohort *cohort, const struct sy_member *member,
                        struct sy_error *err) {
    int32_t count = member->node->graph->graph.n_params;
    int status = room_for(parcel, (size_t)count) ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to write weights");
    for (int32_t i = 0; i < count && status == SY_OK; i++) {
        status = add_stored(parcel, cohort, member, SY_PARAMETER_VALUE, i, "", err);
    }
    return status;
}

static const char *const slot_suffix[] = {".slot0", ".slot1"};

static int pack_slots(struct parcel *parcel, const struct sy_cohort *cohort, const struct sy_member *member,
                      struct sy_error *err) {
    const struct sy_graph *graph = &member->node->graph->graph;
    int32_t slots = sy_optimizer_slots(&member->node->optimizer);
    int status =
        room_for(parcel, 2 * (size_t)graph->n_params) ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to write slots");
    for (int32_t i = 0; i < graph->n_params; i++) {
        for (int32_t k = 0; k < slots && graph->params[i]->role == SY_TRAINABLE && status == SY_OK; k++) {
            status = add_stored(parcel, cohort, member, SY_OPTIMIZER_SLOT_0 + k, i, slot_suffix[k], err);
        }
    }
    return status;
}

int sy_snapshot_weights(const struct sy_cohort *cohort, int32_t node, const char *path, struct sy_error *err) {
    struct parcel parcel;
    int status = pack_weights(&parcel, cohort, &cohort->members[node], err);
    if (status == SY_OK) {
        status = sy_safetensors_write(path, parcel.tensors, parcel.count, cohort->members[node].card, err);
    }
    release(&parcel);
    return status;
}

static int write_node(struct sy_checkpoint_writer *writer, const struct sy_cohort *cohort,
                      const struct sy_member *member, struct sy_error *err) {
    struct parcel parcel;
    char name[256];
    int status = pack_weights(&parcel, cohort, member, err);
    if (status == SY_OK) {
        snprintf(name, sizeof name, "%s.safetensors", member->node->name);
        status = sy_checkpoint_tensors(writer, name, parcel.tensors, parcel.count, member->card, err);
    }
    release(&parcel);
    if (status != SY_OK) {
        return status;
    }
    status = pack_slots(&parcel, cohort, member, err);
    if (status == SY_OK && parcel.count) {
        snprintf(name, sizeof name, "%s.optimizer.safetensors", member->node->name);
        status = sy_checkpoint_tensors(writer, name, parcel.tensors, parcel.count, NULL, err);
    }
    release(&parcel);
    return status;
}

/* ---- plugins ---------------------------------------------------------------------------------------------------- */

static void buffer_name(char *out, size_t room, int32_t instance, const char *name) {
    snprintf(out, room, "%d.%s", instance, name);
}

static int write_buffers(struct sy_checkpoint_writer *writer, struct sy_experiment *experiment, struct sy_error *err) {
    struct sy_services *services;
    struct parcel parcel;
    size_t count = 0;
    int status = SY_OK;
    for (int32_t i = 0; sy_stateful_instance(experiment, i, &services); i++) {
        count += services->n_buffers;
    }
    if (!count) {
        return SY_OK;
    }
    if (!room_for(&parcel, count)) {
        release(&parcel);
        return sy_fail(err, SY_ENOMEM, "no memory to write buffers of plugins");
    }
    for (int32_t i = 0; sy_stateful_instance(experiment, i, &services) && status == SY_OK; i++) {
        for (size_t b = 0; b < services->n_buffers && status == SY_OK; b++) {
            const struct sy_buffer *buffer = &services->buffers[b];
            char *name = malloc(256);
            float *data = malloc(buffer->count * sizeof *data);
            if (!name || !data) {
                free(name);
                free(data);
                status = sy_fail(err, SY_ENOMEM, "no memory to write buffer %s", buffer->name);
                continue;
            }
            buffer_name(name, 256, i, buffer->name);
            memcpy(data, buffer->at, buffer->count * sizeof *data);
            parcel.names[parcel.count] = name;
            parcel.tensors[parcel.count].name = name;
            parcel.tensors[parcel.count].tensor = (struct sy_tensor){.size = sizeof(struct sy_tensor),
                                                                     .dtype = SY_F32,
                                                                     .rank = 1,
                                                                     .shape = {(int64_t)buffer->count},
                                                                     .data = data};
            parcel.count++;
        }
    }
    if (status == SY_OK) {
        status = sy_checkpoint_tensors(writer, "plugins.safetensors", parcel.tensors, parcel.count, NULL, err);
    }
    release(&parcel);
    return status;
}

/* ---- state.json ------------------------------------------------------------------------------------------------- */

static json_t *node_state(const struct sy_member *member, const struct sy_node_totals *node) {
    return json_pack("{s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:I}", "updates",
                     (json_int_t)member->updates, "loss", sy_json_number(node->loss), "correct",
                     (json_int_t)node->correct, "on", (json_int_t)node->on, "spent", (json_int_t)node->spent, "saved",
                     (json_int_t)node->saved, "run_spent", (json_int_t)node->run_spent, "run_saved",
                     (json_int_t)node->run_saved, "best_accuracy", sy_json_number(node->best_accuracy), "best_epoch",
                     (json_int_t)node->best_epoch, "best_val_accuracy", sy_json_number(node->best_val_accuracy),
                     "best_val_epoch", (json_int_t)node->best_val_epoch);
}

/* What the run has cost so far; the only thing here that two equal runs do not share. */
static json_t *costs_state(const struct sy_costs *costs) {
    return json_pack("{s:o, s:o, s:o, s:o}", "seconds", sy_json_number(costs->seconds), "training_seconds",
                     sy_json_number(costs->training_seconds), "energy_joules", sy_json_number(costs->energy_joules),
                     "peak_mib", sy_json_number(costs->peak_mib));
}

static json_t *sums_state(const struct sy_totals *totals) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "samples", (json_int_t)totals->samples, "steps",
                     (json_int_t)totals->steps, "run_steps", (json_int_t)totals->run_steps, "run_samples",
                     (json_int_t)totals->run_samples, "skipped", (json_int_t)totals->skipped, "run_skipped",
                     (json_int_t)totals->run_skipped, "skipped_in_row", (json_int_t)totals->skipped_in_row, "lowered",
                     (json_int_t)totals->lowered);
}

static json_t *run_state(const struct sy_snapshot *snapshot) {
    struct sy_experiment *experiment = snapshot->cohort->experiment;
    const struct sy_totals *totals = snapshot->totals;
    json_t *nodes = json_object(), *gates = json_array(), *plugins = json_array();
    struct sy_services *services;
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        sy_json_put(&nodes, experiment->nodes[i].name, node_state(&snapshot->cohort->members[i], &totals->nodes[i]));
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        sy_json_add(&gates, json_pack("{s:I, s:I}", "expert", (json_int_t)totals->gates[g].expert, "run_expert",
                                      (json_int_t)totals->gates[g].run_expert));
    }
    const struct sy_instance *instance;
    for (int32_t i = 0; (instance = sy_stateful_instance(experiment, i, &services)); i++) {
        json_t *fields = json_object();
        sy_fields_to_json(&fields, instance, false);
        sy_json_add(&plugins, fields);
    }
    return json_pack("{s:I, s:I, s:I, s:{s:I, s:I}, s:o, s:o, s:o, s:o, s:o}", "step", (json_int_t)snapshot->next.step,
                     "epoch", (json_int_t)snapshot->next.epoch, "batch", (json_int_t)snapshot->next.batch, "journals",
                     "steps", (json_int_t)sy_journal_size(snapshot->steps), "epochs",
                     (json_int_t)sy_journal_size(snapshot->epochs), "totals", sums_state(totals), "costs",
                     costs_state(&snapshot->costs), "nodes", nodes, "gates", gates, "plugins", plugins);
}

int sy_snapshot_save(const struct sy_snapshot *snapshot, struct sy_run_folder *folder, int keep, struct sy_error *err) {
    struct sy_experiment *experiment = snapshot->cohort->experiment;
    struct sy_checkpoint_writer *writer = NULL;
    int status = sy_journal_flush(snapshot->steps, err);
    if (status == SY_OK) {
        status = sy_journal_flush(snapshot->epochs, err);
    }
    if (status == SY_OK) {
        status = sy_checkpoint_begin(&writer, folder, snapshot->next.step, err);
    }
    if (status == SY_OK && experiment->train.on_nonfinite == SY_NONFINITE_LOWER_RATE) {
        sy_checkpoint_spare(writer, sy_snapshot_epoch_start(snapshot));
    }
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        status = write_node(writer, snapshot->cohort, &snapshot->cohort->members[i], err);
    }
    if (status == SY_OK) {
        status = write_buffers(writer, experiment, err);
    }
    if (status != SY_OK) {
        sy_checkpoint_abandon(writer);
        return status;
    }
    json_t *state = run_state(snapshot);
    if (!state) {
        sy_checkpoint_abandon(writer);
        return sy_fail(err, SY_ENOMEM, "no memory to write a checkpoint");
    }
    return sy_checkpoint_commit(writer, state, keep, err);
}

/* ---- and back --------------------------------------------------------------------------------------------------- */

/* Whether a node has anything an optimiser remembers; one without has no file of it. */
static bool has_slots(const struct sy_node *node) {
    const struct sy_graph *graph = &node->graph->graph;
    bool trainable = false;
    for (int32_t i = 0; i < graph->n_params; i++) {
        trainable = trainable || graph->params[i]->role == SY_TRAINABLE;
    }
    return trainable && sy_optimizer_slots(&node->optimizer) > 0;
}

static int read_slots(struct sy_cohort *cohort, struct sy_member *member, const char *path, struct sy_error *err) {
    const struct sy_graph *graph = &member->node->graph->graph;
    int32_t slots = sy_optimizer_slots(&member->node->optimizer);
    struct sy_safetensors *file;
    if (!has_slots(member->node)) {
        return SY_OK;
    }
    int status = sy_safetensors_open(&file, path, err);
    if (status != SY_OK) {
        return status;
    }
    for (int32_t i = 0; i < graph->n_params; i++) {
        for (int32_t k = 0; k < slots && graph->params[i]->role == SY_TRAINABLE && status == SY_OK; k++) {
            char name[512];
            snprintf(name, sizeof name, "%s%s", graph->params[i]->name, slot_suffix[k]);
            const struct sy_named_tensor *there = sy_safetensors_find(file, name);
            status = there && sy_tensor_count(&there->tensor) == sy_param_count(graph->params[i])
                         ? cohort->experiment->backend_ops->set(member->plan, SY_OPTIMIZER_SLOT_0 + k, i,
                                                                &there->tensor, err)
                         : sy_fail(err, SY_EINVAL, "%s: no fitting tensor \"%s\"", path, name);
        }
    }
    sy_safetensors_close(file);
    return status;
}

static int read_buffers(struct sy_experiment *experiment, const char *path, struct sy_error *err) {
    struct sy_services *services;
    struct sy_safetensors *file = NULL;
    int status = SY_OK;
    for (int32_t i = 0; sy_stateful_instance(experiment, i, &services) && status == SY_OK; i++) {
        for (size_t b = 0; b < services->n_buffers && status == SY_OK; b++) {
            struct sy_buffer *buffer = &services->buffers[b];
            char name[256];
            buffer_name(name, sizeof name, i, buffer->name);
            status = file ? SY_OK : sy_safetensors_open(&file, path, err);
            const struct sy_named_tensor *there = status == SY_OK ? sy_safetensors_find(file, name) : NULL;
            if (status == SY_OK && (!there || sy_tensor_count(&there->tensor) != buffer->count)) {
                status = sy_fail(err, SY_EINVAL, "%s: no fitting buffer \"%s\"", path, name);
            } else if (status == SY_OK) {
                memcpy(buffer->at, there->tensor.data, buffer->count * sizeof *buffer->at);
            }
        }
    }
    sy_safetensors_close(file);
    return status;
}

static int64_t integer(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static void read_totals(struct sy_snapshot *snapshot, const json_t *state) {
    struct sy_experiment *experiment = snapshot->cohort->experiment;
    struct sy_totals *totals = snapshot->totals;
    const json_t *sums = json_object_get(state, "totals"), *nodes = json_object_get(state, "nodes");
    totals->samples = integer(sums, "samples");
    totals->steps = integer(sums, "steps");
    totals->run_steps = integer(sums, "run_steps");
    totals->run_samples = integer(sums, "run_samples");
    totals->skipped = integer(sums, "skipped"); /* these four are not in checkpoints of earlier versions */
    totals->run_skipped = integer(sums, "run_skipped");
    totals->skipped_in_row = integer(sums, "skipped_in_row");
    totals->lowered = integer(sums, "lowered");
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        const json_t *from = json_object_get(nodes, experiment->nodes[i].name);
        struct sy_node_totals *node = &totals->nodes[i];
        snapshot->cohort->members[i].updates = integer(from, "updates");
        node->loss = json_number_value(json_object_get(from, "loss"));
        node->correct = integer(from, "correct");
        node->on = integer(from, "on");
        node->spent = integer(from, "spent");
        node->saved = integer(from, "saved");
        node->run_spent = integer(from, "run_spent");
        node->run_saved = integer(from, "run_saved");
        node->best_accuracy = json_number_value(json_object_get(from, "best_accuracy"));
        node->best_epoch = integer(from, "best_epoch");
        if (json_object_get(from, "best_val_epoch")) { /* not in checkpoints of earlier versions */
            node->best_val_accuracy = json_number_value(json_object_get(from, "best_val_accuracy"));
            node->best_val_epoch = integer(from, "best_val_epoch");
        }
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        const json_t *from = json_array_get(json_object_get(state, "gates"), (size_t)g);
        totals->gates[g].expert = integer(from, "expert");
        totals->gates[g].run_expert = integer(from, "run_expert");
    }
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static void read_costs(struct sy_costs *costs, const json_t *state) {
    const json_t *from = json_object_get(state, "costs");
    if (from) { /* not in checkpoints of earlier versions */
        costs->seconds = number(from, "seconds");
        costs->training_seconds = number(from, "training_seconds");
        costs->energy_joules = number(from, "energy_joules");
        costs->peak_mib = number(from, "peak_mib");
    }
}

int sy_snapshot_restore(struct sy_snapshot *snapshot, const struct sy_checkpoint *checkpoint, struct sy_error *err) {
    struct sy_cohort *cohort = snapshot->cohort;
    struct sy_experiment *experiment = cohort->experiment;
    const json_t *state = checkpoint->state;
    char path[4096];
    int status = SY_OK;
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        struct sy_member *member = &cohort->members[i];
        snprintf(path, sizeof path, "%s/%s.safetensors", checkpoint->path, member->node->name);
        status = sy_weights_load(experiment->backend_ops, member->plan, &member->node->graph->graph, path, err);
        if (status == SY_OK) {
            snprintf(path, sizeof path, "%s/%s.optimizer.safetensors", checkpoint->path, member->node->name);
            status = read_slots(cohort, member, path, err);
        }
    }
    if (status == SY_OK) {
        snprintf(path, sizeof path, "%s/plugins.safetensors", checkpoint->path);
        status = read_buffers(experiment, path, err);
    }
    if (status != SY_OK) {
        return status;
    }
    struct sy_services *services;
    struct sy_instance *instance;
    for (int32_t i = 0; (instance = sy_stateful_instance(experiment, i, &services)); i++) {
        sy_fields_from_json(json_array_get(json_object_get(state, "plugins"), (size_t)i), instance);
    }
    read_totals(snapshot, state);
    read_costs(&snapshot->costs, state);
    snapshot->next = (struct sy_moment){integer(state, "step"), integer(state, "epoch"), integer(state, "batch")};
    snapshot->steps_bytes = integer(json_object_get(state, "journals"), "steps");
    snapshot->epochs_bytes = integer(json_object_get(state, "journals"), "epochs");
    return SY_OK;
}
