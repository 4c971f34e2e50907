/* experiment_data.c - the backend that computes and the data set that is learnt from. */
#include "experiment_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../data/view.h"
#include "../host/call.h"

/* ---- backend ---------------------------------------------------------------------------------------------------- */

/* "fp32, bf16" */
static const char *precisions_text(uint32_t precisions, char *out, size_t room) {
    size_t used = 0;
    out[0] = 0;
    for (int32_t precision = SY_PRECISION_FP32; precision <= SY_PRECISION_FP64 && used < room; precision++) {
        if (precisions & (1u << precision)) {
            used += (size_t)snprintf(out + used, room - used, "%s%s", used ? ", " : "", sy_precision_name(precision));
        }
    }
    return out;
}

static bool start_backend(struct sy_experiment *experiment, struct sy_instance *instance, struct sy_backend_info *info,
                          struct sy_error *err) {
    const struct sy_backend_ops *ops = instance->ops;
    sy_services_init(&experiment->backend_services, experiment->threads, (uint64_t)experiment->seed,
                     instance->found->plugin.name);
    *info = (struct sy_backend_info){.size = sizeof *info};
    if (ops->init && SY_CALLED(instance->found, "init",
                               ops->init(instance->self, &experiment->backend_services.host, err)) != SY_OK) {
        return false;
    }
    if (SY_CALLED(instance->found, "info", ops->info(instance->self, info)) != SY_OK) {
        sy_fail(err, SY_EINVAL, "tells nothing about itself");
    } else if (!(info->precisions & (1u << experiment->precision))) {
        char can[64];
        sy_fail(err, SY_ENOTSUP, "does not compute in %s with these settings on this machine; it can do %s",
                sy_precision_name(experiment->precision), precisions_text(info->precisions, can, sizeof can));
    }
    if (err->code != SY_OK && ops->fini) {
        ops->fini(instance->self);
    }
    return err->code == SY_OK;
}

static void stop_backend(struct sy_experiment *experiment) {
    if (experiment->backend_ready && experiment->backend_ops->fini) {
        experiment->backend_ops->fini(experiment->backend->self);
    }
    experiment->backend_ready = false;
    sy_instance_destroy(experiment->backend);
    experiment->backend = NULL;
    sy_services_finish(&experiment->backend_services);
}

/* The usable backend of the highest rank, or NULL. A backend that cannot work here is no problem, only passed over. */
static const char *best_backend(struct sy_experiment *experiment) {
    const struct sy_candidate *candidates;
    size_t count = sy_registry_candidates(experiment->registry, SY_BACKEND, false, &candidates);
    const char *best = NULL;
    int32_t best_rank = -1;
    const char **names = sy_arena_take(experiment->arena, (count + 1) * sizeof *names);
    for (size_t i = 0; names && i < count; i++) {
        names[i] = candidates[i].shadowed_by ? NULL : sy_arena_text(experiment->arena, candidates[i].name);
    }
    for (size_t i = 0; names && i < count; i++) {
        struct sy_problems *quiet = sy_problems_create();
        struct sy_error err = {.size = sizeof err};
        struct sy_backend_info info;
        const struct sy_found *found =
            names[i] && quiet ? sy_registry_find(experiment->registry, SY_BACKEND, names[i], NULL, quiet) : NULL;
        struct sy_instance *instance = found ? sy_instance_create(found, NULL, experiment->arena, quiet) : NULL;
        if (instance && start_backend(experiment, instance, &info, &err)) {
            if (info.rank > best_rank) {
                best_rank = info.rank;
                best = names[i];
            }
            experiment->backend = instance;
            experiment->backend_ops = instance->ops;
            experiment->backend_ready = true;
            stop_backend(experiment);
        } else if (instance) {
            sy_instance_destroy(instance);
            sy_services_finish(&experiment->backend_services);
        }
        sy_problems_destroy(quiet);
    }
    return best;
}

void sy_experiment_find_backend(struct sy_experiment *experiment, struct sy_problems *problems) {
    struct sy_setting *setting = sy_setting_get(experiment->config, "backend");
    struct sy_error err = {.size = sizeof err};
    struct sy_backend_info info;
    if (!setting) {
        setting = sy_setting_add(experiment->config, SY_SETTING_STRING, "backend");
        if (!setting || !sy_setting_set_string(setting, "auto")) {
            sy_problem(problems, NULL, "memory is used up");
            return;
        }
        setting->used = true;
    }
    if (setting->kind == SY_SETTING_GROUP) {
        experiment->backend =
            sy_instance_from_group(experiment->registry, SY_BACKEND, setting, NULL, NULL, experiment->arena, problems);
    } else if (setting->kind == SY_SETTING_STRING) {
        if (!strcmp(setting->string, "auto")) {
            const char *best = best_backend(experiment);
            if (!best || !sy_setting_set_string(setting, best)) {
                sy_problem(problems, setting,
                           "no backend computes in %s on this machine; `switchyard list backend` shows which "
                           "there are",
                           sy_precision_name(experiment->precision));
                return;
            }
        }
        const struct sy_found *found =
            sy_registry_find(experiment->registry, SY_BACKEND, setting->string, setting, problems);
        experiment->backend = found ? sy_instance_create(found, NULL, experiment->arena, problems) : NULL;
    } else {
        sy_problem(problems, setting, "must be a name, as in backend = \"auto\"; or a group with a plugin");
    }
    if (!experiment->backend) {
        return;
    }
    experiment->backend_ops = experiment->backend->ops;
    experiment->backend_ready = start_backend(experiment, experiment->backend, &info, &err);
    if (!experiment->backend_ready) {
        sy_problem(problems, setting, "backend \"%s\": %s", experiment->backend->found->plugin.name, err.text);
    }
}

/* ---- data ------------------------------------------------------------------------------------------------------- */

/* Puts the numbers really used into the config, so that it is complete. */
static bool note_numbers(struct sy_setting *group, const char *name, const struct sy_doubles *values) {
    struct sy_setting *list = sy_setting_add(group, SY_SETTING_LIST, name);
    for (size_t i = 0; list && i < values->count; i++) {
        struct sy_setting *number = sy_setting_add(list, SY_SETTING_FLOAT, NULL);
        if (!number) {
            return false;
        }
        number->number = values->at[i];
    }
    return list != NULL;
}

static void channel_numbers(struct sy_doubles *values, const double *defaults, int32_t channels, const char *name,
                            struct sy_setting *group, struct sy_arena *arena, struct sy_problems *problems) {
    if (!values->count) {
        double *at = sy_arena_take(arena, (size_t)channels * sizeof *at);
        for (int32_t c = 0; at && c < channels; c++) {
            at[c] = defaults ? defaults[c] : (strcmp(name, "std") ? 0 : 1);
        }
        *values = (struct sy_doubles){at, at ? (size_t)channels : 0};
        if (!at || !note_numbers(group, name, values)) {
            sy_problem(problems, NULL, "memory is used up");
        }
    } else if (values->count != (size_t)channels) {
        sy_problem(problems, sy_setting_get(group, name), "has %zu numbers, must have one for each of the %d channels",
                   values->count, channels);
    }
}

/* The group `data` but for its plugin's keys; NULL after a problem. */
static struct sy_setting *read_data(struct sy_experiment *experiment, struct sy_problems *problems) {
    struct sy_table table = {sy_data_fields, 0}, augment_table = {sy_augment_fields, 0};
    struct sy_setting *group = sy_experiment_group(experiment->config, "data", problems);
    if (!group) {
        return NULL;
    }
    sy_fields_read(&experiment->data, &table, group, experiment->arena, problems);
    struct sy_setting *augment = sy_experiment_group(group, "augment", problems);
    if (augment) {
        sy_fields_read(&experiment->augment, &augment_table, augment, experiment->arena, problems);
        sy_fields_finish(augment, (const struct sy_table *const[]){&augment_table}, 1, NULL, problems);
    }
    return group;
}

void sy_experiment_without_data(struct sy_experiment *experiment, const struct sy_dataset_info *images,
                                struct sy_problems *problems) {
    static const char *const names[] = {"augment", NULL};
    struct sy_table table = {sy_data_fields, 0};
    struct sy_setting *group = read_data(experiment, problems);
    if (group) {
        sy_fields_finish(group, (const struct sy_table *const[]){&table}, 1, names, problems);
    }
    experiment->dataset_info = *images;
}

int sy_experiment_loader(struct sy_loader **out, const struct sy_experiment *experiment, int32_t split,
                         struct sy_error *err) {
    static const uint32_t shared = 0;
    bool train = split == SY_TRAIN_SPLIT, validation = split == SY_VALIDATION_PART;
    const struct sy_parts *parts = &experiment->parts;
    struct sy_loader_options options = {
        .split = validation ? SY_TRAIN_SPLIT : split,
        .batch = experiment->data.batch,
        .shuffle = train && experiment->data.shuffle,
        .augment = train ? experiment->augment : (struct sy_augment){0, 0},
        .mean = experiment->data.mean.at,
        .std = experiment->data.std.at,
        .seed = (uint64_t)experiment->seed,
        .view_keys = train ? experiment->view_keys : &shared,
        .n_views = train ? experiment->n_views : 1,
        .threads = experiment->data.workers,
        .ahead = experiment->data.ahead,
        .limit = train ? experiment->data.limit : experiment->data.test_limit,
        .subset = train        ? parts->train
                  : validation ? parts->validation
                               : NULL,
        .n_subset = train        ? parts->n_train
                    : validation ? parts->n_validation
                                 : 0,
        .plugin = experiment->dataset->found,
    };
    return sy_loader_create(out, experiment->dataset_ops, experiment->dataset->self, &options, err);
}

/* Training samples that are used, validation part and all. */
static int64_t used_samples(const struct sy_experiment *experiment) {
    int64_t count = experiment->dataset_info.count[SY_TRAIN_SPLIT], limit = experiment->data.limit;
    return limit > 0 && limit < count ? limit : count;
}

/* By `labels`, or by `read` and the images with it, a few at a time. */
static int read_labels(const struct sy_experiment *experiment, int32_t *labels, int64_t count, struct sy_error *err) {
    enum { AT_ONCE = 256 };
    const struct sy_dataset_ops *ops = experiment->dataset_ops;
    int64_t indices[AT_ONCE];
    void *samples =
        ops->labels ? NULL : calloc(AT_ONCE * sy_shape_count(&experiment->dataset_info.shape), sizeof(float));
    int status = ops->labels || samples ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to read labels");
    for (int64_t done = 0; done < count && status == SY_OK; done += AT_ONCE) {
        size_t now = (size_t)(count - done < AT_ONCE ? count - done : AT_ONCE);
        for (size_t i = 0; i < now; i++) {
            indices[i] = done + (int64_t)i;
        }
        const void *self = experiment->dataset->self;
        status = ops->labels ? ops->labels(self, SY_TRAIN_SPLIT, indices, now, labels + done, err)
                             : ops->read(self, SY_TRAIN_SPLIT, indices, now, samples, labels + done, err);
    }
    free(samples);
    return status;
}

int sy_experiment_labels(void *source, const int32_t **out, int64_t *count, struct sy_error *err) {
    struct sy_experiment *experiment = source;
    *count = used_samples(experiment);
    int status = SY_OK;
    if (!experiment->dataset_info.classes || (experiment->dataset && !experiment->dataset_open)) {
        return sy_fail(err, SY_EINVAL, "needs the labels of all samples, and there is no data set");
    }
    if (!experiment->labels) {
        experiment->labels = calloc((size_t)*count + 1, sizeof *experiment->labels);
        status = experiment->labels ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory for %lld labels", (long long)*count);
        for (int64_t i = 0; status == SY_OK && !experiment->dataset && i < *count; i++) {
            experiment->labels[i] = (int32_t)(i % experiment->dataset_info.classes);
        }
        if (status == SY_OK && experiment->dataset) {
            status = read_labels(experiment, experiment->labels, *count, err);
        }
    }
    *out = experiment->labels;
    return status;
}

int64_t sy_experiment_train_samples(const struct sy_experiment *experiment) {
    return experiment->parts.n_train ? experiment->parts.n_train : used_samples(experiment);
}

bool sy_experiment_watches_test(const struct sy_experiment *experiment) {
    return !experiment->parts.n_validation || experiment->train.select == SY_SELECT_BEST_TEST;
}

const char *sy_select_name(int32_t select) {
    static const char *const names[] = {"last", "best_val", "best_test"};
    return names[select >= 0 && select <= SY_SELECT_BEST_TEST ? select : 0];
}

/* The validation part, if one is asked for. */
static void divide(struct sy_experiment *experiment, struct sy_setting *group, struct sy_problems *problems) {
    struct sy_error err = {.size = sizeof err};
    const struct sy_setting *at = sy_setting_find(group, "validation");
    const int32_t *labels;
    double asked = experiment->data.validation;
    int64_t count = used_samples(experiment);
    int64_t want = asked < 1 ? llround(asked * (double)count) : (int64_t)asked;
    if (asked == 0) {
        return;
    }
    if (asked >= 1 && asked != floor(asked)) {
        sy_problem(problems, at, "is %g; must be a whole number of samples, or a share below 1", asked);
    } else if (want < 1 || want >= count) {
        sy_problem(problems, at, "takes %lld of %lld training samples; must be at least 1, and leave 1 to train on",
                   (long long)want, (long long)count);
    } else if (sy_experiment_labels(experiment, &labels, &count, &err) != SY_OK ||
               sy_parts_divide(&experiment->parts, labels, count, experiment->dataset_info.classes, want,
                               (uint64_t)experiment->seed, &err) != SY_OK) {
        sy_problem(problems, at, "data set \"%s\": %s", experiment->dataset->found->plugin.name, err.text);
    }
    for (int64_t i = 0; i < experiment->parts.n_validation; i++) {
        experiment->labels[experiment->parts.validation[i]] = -1; /* whoever compares samples leaves these alone */
    }
}

void sy_experiment_check_selection(const struct sy_experiment *experiment, struct sy_problems *problems) {
    const struct sy_setting *at = sy_setting_find(experiment->config, "train.select");
    int32_t select = experiment->train.select;
    if (select == SY_SELECT_BEST_VAL && experiment->data.validation == 0) {
        sy_problem(problems, at, "needs a validation part; data.validation = 0.1, for example");
    }
    if (select == SY_SELECT_BEST_TEST && !experiment->dataset_info.count[SY_TEST_SPLIT]) {
        sy_problem(problems, at, "needs a test split, and the data set has none");
    }
    if (select != SY_SELECT_LAST && !experiment->train.evaluate_every) {
        sy_problem(problems, at, "has nothing to select from where train.evaluate_every is 0; must be 1 or more");
    }
    for (int32_t i = 0; i < experiment->n_nodes && select != SY_SELECT_LAST; i++) {
        for (int32_t k = 0; k < experiment->nodes[i].n_links; k++) {
            if (experiment->nodes[i].links[k].source >= 0) {
                sy_problem(problems, at,
                           "picks every node's own best epoch, but %s computes with what other nodes give it, and "
                           "theirs may be another; must be \"last\" here",
                           experiment->nodes[i].name);
                return;
            }
        }
    }
}

/* Whether views can be made of the samples; a data set whose samples are none is as good as absent. */
static bool check_samples(struct sy_experiment *experiment, const double *mean, const double *std,
                          struct sy_setting *group, struct sy_problems *problems) {
    struct sy_augment augment = mean ? experiment->augment : (struct sy_augment){0};
    struct sy_error err = {.size = sizeof err};
    if (sy_view_check(&experiment->dataset_info, mean, std, augment, &err) == SY_OK) {
        return true;
    }
    sy_problem(problems, group, "data set \"%s\": %s", experiment->dataset->found->plugin.name, err.text);
    experiment->dataset_info.classes = 0;
    return false;
}

void sy_experiment_open_data(struct sy_experiment *experiment, struct sy_problems *problems) {
    static const char *const groups[] = {"plugin", "augment", NULL};
    struct sy_table table = {sy_data_fields, 0};
    struct sy_error err = {.size = sizeof err};
    struct sy_setting *group = read_data(experiment, problems);
    if (!group) {
        return;
    }
    size_t before = sy_problems_count(problems);
    experiment->dataset =
        sy_instance_from_group(experiment->registry, SY_DATASET, group, "shapes",
                               sy_table_names(&table, groups, experiment->arena), experiment->arena, problems);
    if (!experiment->dataset || sy_problems_count(problems) != before) {
        return;
    }
    const struct sy_dataset_ops *ops = experiment->dataset->ops;
    experiment->dataset_ops = ops;
    sy_services_init(&experiment->dataset_services, experiment->threads, (uint64_t)experiment->seed,
                     experiment->dataset->found->plugin.name);
    if (SY_CALLED(experiment->dataset->found, "open",
                  ops->open(experiment->dataset->self, &experiment->dataset_services.host, &err)) != SY_OK) {
        sy_problem(problems, group, "data set \"%s\": %s", experiment->dataset->found->plugin.name, err.text);
        return;
    }
    experiment->dataset_open = true;
    struct sy_dataset_info *info = &experiment->dataset_info;
    *info = (struct sy_dataset_info){.size = sizeof *info};
    int told = SY_CALLED(experiment->dataset->found, "info", ops->info(experiment->dataset->self, info));
    if (told != SY_OK || info->classes < 2 || info->count[SY_TRAIN_SPLIT] < 1) {
        sy_problem(problems, group,
                   "data set \"%s\": says it has %d classes and %lld training samples; at least 2 and 1 "
                   "are needed",
                   experiment->dataset->found->plugin.name, info->classes, (long long)info->count[SY_TRAIN_SPLIT]);
        experiment->dataset_info.classes = 0;
        return;
    }
    if (!check_samples(experiment, NULL, NULL, group, problems)) {
        return;
    }
    divide(experiment, group, problems);
    int32_t channels = info->shape.dim[0];
    channel_numbers(&experiment->data.mean, info->mean, channels, "mean", group, experiment->arena, problems);
    channel_numbers(&experiment->data.std, info->std, channels, "std", group, experiment->arena, problems);
    if (experiment->augment.crop_pad > info->shape.dim[1] || experiment->augment.crop_pad > info->shape.dim[2]) {
        sy_problem(problems, sy_setting_find(group, "augment.crop_pad"), "is wider than the image; at most %d",
                   info->shape.dim[1] < info->shape.dim[2] ? info->shape.dim[1] : info->shape.dim[2]);
    }
    if (sy_problems_count(problems) == before) {
        check_samples(experiment, experiment->data.mean.at, experiment->data.std.at, group, problems);
    }
}
