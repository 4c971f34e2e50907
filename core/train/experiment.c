/* experiment.c - from a configuration to an experiment; the parts are in experiment_*.c. */
#include "experiment_parts.h"

#include "../config/untrusted.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct top_settings {
    const char *experiment;
    int64_t seed;
    int32_t precision, threads;
    struct sy_strings plugins;
};

const char *sy_arena_print(struct sy_arena *arena, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sy_arena_text(arena, text);
}

const char *const *sy_table_names(const struct sy_table *table, const char *const *more, struct sy_arena *arena) {
    size_t count = 0, extra = 0;
    struct sy_field row;
    while (sy_table_row(table, count, &row)) {
        count++;
    }
    while (more && more[extra]) {
        extra++;
    }
    const char **names = sy_arena_take(arena, (count + extra + 1) * sizeof *names);
    for (size_t i = 0; names && i < count; i++) {
        sy_table_row(table, i, &row);
        names[i] = row.name;
    }
    for (size_t i = 0; names && i < extra; i++) {
        names[count + i] = more[i];
    }
    return names;
}

struct sy_setting *sy_experiment_group(struct sy_setting *parent, const char *name, struct sy_problems *problems) {
    struct sy_setting *group = sy_setting_get(parent, name);
    if (group && group->kind != SY_SETTING_GROUP) {
        sy_problem(problems, group, "must be a group: %s: { ... };", name);
        return NULL;
    }
    if (!group) {
        group = sy_setting_add(parent, SY_SETTING_GROUP, name);
        if (!group) {
            sy_problem(problems, NULL, "memory is used up");
            return NULL;
        }
        group->used = true;
    }
    return group;
}

/* Keys of the top level and the threads; the groups come later. */
static void read_top(struct sy_experiment *experiment, struct sy_problems *problems) {
    static const char *const groups[] = {"backend", "data", "train", "nodes", "topology", "policy", NULL};
    struct sy_setting *root = experiment->config;
    struct top_settings top = {0};
    struct sy_table table = {sy_experiment_fields, 0};
    if (sy_setting_find(root, "variants")) {
        sy_problem(problems, sy_setting_find(root, "variants"), "this is a suite; `switchyard compare` runs it");
        return;
    }
    if (sy_setting_find(root, "stages")) {
        sy_problem(
            problems, sy_setting_find(root, "stages"),
            "stages are for `run`, `check` and `compare`; here one of them is meant, whose run.cfg its run leaves");
        return;
    }
    bool sound = sy_fields_read(&top, &table, root, experiment->arena, problems);
    for (size_t i = 0; groups[i]; i++) {
        sy_setting_get(root, groups[i]);
    }
    sy_fields_finish(root, (const struct sy_table *const[]){&table}, 1, groups, problems);
    experiment->name = top.experiment;
    if (top.experiment && !sy_is_folder_name(top.experiment)) {
        sy_problem(problems, sy_setting_find(root, "experiment"),
                   "\"%s\" becomes a folder: it must have no '/', not begin with '.', and be of 1 to 200 letters",
                   top.experiment);
    }
    experiment->seed = top.seed;
    experiment->precision = top.precision + 1;
    experiment->n_threads = top.threads > 0 ? top.threads : sy_threads_available();
    struct sy_setting *threads = sy_setting_add(root, SY_SETTING_INT, "threads");
    if (!threads) {
        sy_problem(problems, NULL, "memory is used up");
    } else {
        threads->integer = experiment->n_threads;
        threads->number = experiment->n_threads;
        threads->used = true;
    }
    const struct sy_setting *declared = sy_setting_find(root, "plugins");
    for (size_t i = 0; sound && i < top.plugins.count; i++) {
        sy_registry_declare(experiment->registry, top.plugins.at[i], declared, problems);
    }
}

static void read_train(struct sy_experiment *experiment, struct sy_problems *problems) {
    static const char *const groups[] = {"optimizer", "schedule", "label_loss", NULL};
    struct sy_setting *train = sy_experiment_group(experiment->config, "train", problems);
    struct sy_table table = {sy_train_fields, 0};
    if (!train) {
        return;
    }
    sy_fields_read(&experiment->train, &table, train, experiment->arena, problems);
    for (size_t i = 0; groups[i]; i++) {
        sy_experiment_group(train, groups[i], problems);
    }
    sy_fields_finish(train, (const struct sy_table *const[]){&table}, 1, groups, problems);
}

/* images NULL: those of the config's data set. */
static struct sy_experiment *create(struct sy_setting *config, struct sy_registry *registry,
                                    const struct sy_dataset_info *images, struct sy_problems *problems) {
    struct sy_experiment *experiment = calloc(1, sizeof *experiment);
    size_t before = sy_problems_count(problems);
    if (experiment) {
        experiment->config = config;
        experiment->registry = registry;
        experiment->arena = sy_arena_create();
    }
    if (!experiment || !experiment->arena) {
        sy_problem(problems, NULL, "memory is used up");
        goto failed;
    }
    read_top(experiment, problems);
    if (!experiment->n_threads) {
        goto failed;
    }
    experiment->threads = sy_threads_create(experiment->n_threads);
    if (!experiment->threads) {
        sy_problem(problems, sy_setting_find(config, "threads"), "%d threads cannot be had here; fewer may",
                   experiment->n_threads);
        goto failed;
    }
    read_train(experiment, problems);
    sy_experiment_find_backend(experiment, problems);
    if (images) {
        sy_experiment_without_data(experiment, images, problems);
    } else {
        sy_experiment_open_data(experiment, problems);
    }
    sy_experiment_make_nodes(experiment, problems);
    sy_experiment_wire(experiment, problems);
    if (!images) {
        sy_experiment_check_selection(experiment, problems);
        sy_experiment_check_watchdog(experiment, problems);
    }
    if (sy_problems_count(problems) == before) {
        return experiment;
    }
failed:
    if (experiment) {
        sy_experiment_destroy(experiment);
    } else {
        sy_setting_destroy(config);
    }
    return NULL;
}

struct sy_experiment *sy_experiment_create(struct sy_setting *config, struct sy_registry *registry,
                                           struct sy_problems *problems) {
    return create(config, registry, NULL, problems);
}

struct sy_experiment *sy_experiment_create_unfed(struct sy_setting *config, struct sy_registry *registry,
                                                 const struct sy_dataset_info *images, struct sy_problems *problems) {
    return create(config, registry, images, problems);
}

static void destroy_node(struct sy_node *node) {
    sy_loss_use_finish(&node->label_loss);
    sy_graph_destroy(node->graph);
    sy_graph_destroy(node->full);
    if (node->ready && node->ops->fini) {
        node->ops->fini(node->network->self);
    }
    sy_instance_destroy(node->network);
}

static void destroy_gate(struct sy_watch *gate) {
    if (gate->ready && gate->ops->fini) {
        gate->ops->fini(gate->policy->self);
    }
    sy_instance_destroy(gate->policy);
    sy_services_finish(&gate->services);
}

void sy_experiment_destroy(struct sy_experiment *experiment) {
    if (!experiment) {
        return;
    }
    for (int32_t i = 0; i < experiment->n_edges; i++) {
        sy_loss_use_finish(&experiment->edges[i].loss);
    }
    for (int32_t i = 0; i < experiment->n_gates; i++) {
        destroy_gate(&experiment->gates[i]);
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        destroy_node(&experiment->nodes[i]);
    }
    if (experiment->dataset_open && experiment->dataset_ops->close) {
        experiment->dataset_ops->close(experiment->dataset->self);
    }
    sy_parts_finish(&experiment->parts);
    sy_instance_destroy(experiment->dataset);
    sy_services_finish(&experiment->dataset_services);
    free(experiment->labels);
    if (experiment->backend_ready && experiment->backend_ops->fini) {
        experiment->backend_ops->fini(experiment->backend->self);
    }
    sy_instance_destroy(experiment->backend);
    sy_services_finish(&experiment->backend_services);
    sy_threads_destroy(experiment->threads);
    sy_setting_destroy(experiment->config);
    sy_arena_destroy(experiment->arena);
    free(experiment);
}

int64_t sy_experiment_steps_per_epoch(const struct sy_experiment *experiment) {
    return (sy_experiment_train_samples(experiment) + experiment->data.batch - 1) / experiment->data.batch;
}

int64_t sy_experiment_steps(const struct sy_experiment *experiment) {
    return sy_experiment_steps_per_epoch(experiment) * experiment->train.epochs;
}

double sy_experiment_rate(const struct sy_experiment *experiment, const struct sy_node *node, int64_t epoch,
                          int64_t batch) {
    const struct sy_train_settings *train = &experiment->train;
    bool part = train->whole_epochs > 0;
    return sy_schedule_factor(&node->schedule, epoch + (part ? train->first_epoch : 0), batch,
                              sy_experiment_steps_per_epoch(experiment), part ? train->whole_epochs : train->epochs);
}

const char *sy_precision_name(int32_t precision) {
    static const char *const names[] = {"?", "fp32", "bf16", "fp64"};
    return names[precision >= 1 && precision <= 3 ? precision : 0];
}

const char *sy_role_name(int32_t role) {
    static const char *const names[] = {"?", "teacher", "student", "peer", "part"};
    return names[role >= 1 && role <= 4 ? role : 0];
}
