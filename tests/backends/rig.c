/* rig.c - see rig.h. */
#include "rig.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- backends --------------------------------------------------------------------------------------------------- */

static void backends_folder(char *path, size_t room) {
    const char *folder = getenv("SWITCHYARD_PLUGIN_PATH");
    snprintf(path, room, "%s/backends", folder ? folder : ".");
}

static void set_defaults(struct rig *rig) {
    for (const struct sy_field *field = rig->plugin->fields; field && field->name; field++) {
        char *member = (char *)rig->self + field->offset;
        if (field->type == SY_TYPE_INT32) {
            *(int32_t *)(void *)member = (int32_t)field->def;
        } else if (field->type == SY_TYPE_DOUBLE) {
            *(double *)(void *)member = field->def;
        }
    }
}

/* What its init says, or what is wrong with the file. No assertion: those hang where no test runs yet. */
static int rig_try(struct rig *rig, const char *name, int32_t threads, struct sy_error *err) {
    const char *folder = getenv("SWITCHYARD_PLUGIN_PATH");
    char path[4096 + NAME_ROOM];
    snprintf(path, sizeof path, "%s/backends/%s.so", folder ? folder : ".", name);
    *rig = (struct rig){.file = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    const struct sy_plugin *const *plugins = rig->file ? dlsym(rig->file, SY_SYMBOL) : NULL;
    if (!plugins || !plugins[0] || strcmp(plugins[0]->kind, SY_BACKEND) != 0) {
        return sy_fail(err, SY_EINVAL, "%s is no backend: %s", path, rig->file ? "another plugin" : dlerror());
    }
    rig->plugin = plugins[0];
    const struct sy_backend_ops *ops = rig->plugin->ops;
    memcpy(&rig->ops, ops, ops->size < sizeof rig->ops ? ops->size : sizeof rig->ops);
    rig->self = calloc(1, rig->plugin->self_size ? rig->plugin->self_size : 1);
    rig->threads = sy_threads_create(threads);
    if (!rig->self || !rig->threads) {
        rig->ops.fini = NULL;
        return sy_fail(err, SY_ENOMEM, "no memory for a backend");
    }
    sy_services_init(&rig->services, rig->threads, 1, name);
    set_defaults(rig);
    int status = rig->ops.init ? rig->ops.init(rig->self, &rig->services.host, err) : SY_OK;
    if (status != SY_OK) {
        rig->ops.fini = NULL;
    }
    return status;
}

void rig_open(struct rig *rig, const char *name, int32_t threads) {
    struct sy_error err = {.size = sizeof err};
    struct sy_backend_info info = {.size = sizeof info};
    cr_assert_eq(rig_try(rig, name, threads, &err), SY_OK, "%s: %s", name, err.text);
    cr_assert_eq(rig->ops.info(rig->self, &info), SY_OK);
    rig->precisions = info.precisions;
}

/* The file stays loaded: what its libraries left behind may still be running. */
void rig_close(struct rig *rig) {
    if (rig->ops.fini) {
        rig->ops.fini(rig->self);
    }
    sy_services_finish(&rig->services);
    sy_threads_destroy(rig->threads);
    free(rig->self);
    *rig = (struct rig){0};
}

/* Only a refusal counts as not working: any other failure is for the tests to tell. */
static bool works_here(const char *name) {
    struct rig rig;
    struct sy_error err = {.size = sizeof err};
    int status = rig_try(&rig, name, 1, &err);
    rig_close(&rig);
    if (status == SY_ENOTSUP) {
        fprintf(stderr, "backend %s is left out: %s\n", name, err.text);
    }
    return status != SY_ENOTSUP;
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

size_t backend_names(char names[MAX_BACKENDS][NAME_ROOM]) {
    char path[4096];
    size_t count = 0;
    backends_folder(path, sizeof path);
    DIR *folder = opendir(path);
    if (!folder) { /* no test runs yet: an assertion would wait for ever */
        fprintf(stderr, "%s cannot be read: SWITCHYARD_PLUGIN_PATH must name the folder of the built plugins\n", path);
        exit(1);
    }
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        size_t length = strlen(entry->d_name);
        if (length > 3 && length < NAME_ROOM && !strcmp(entry->d_name + length - 3, ".so") && count < MAX_BACKENDS) {
            memcpy(names[count], entry->d_name, length - 3);
            names[count][length - 3] = '\0';
            count += works_here(names[count]) ? 1 : 0;
        }
    }
    closedir(folder);
    qsort(names, count, NAME_ROOM, by_name);
    return count;
}

/* ---- trials ----------------------------------------------------------------------------------------------------- */

static void *take(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    cr_assert_not_null(memory);
    return memory;
}

static struct numbers take_numbers(size_t count) {
    return (struct numbers){count, take(count, sizeof(double))};
}

static void round_to_float(const struct numbers *numbers) {
    for (size_t i = 0; i < numbers->count; i++) {
        numbers->at[i] = (double)(float)numbers->at[i];
    }
}

/* A grid of `count` points between low and high, in an order of its own. */
static void fill(const struct numbers *numbers, double low, double high, uint32_t salt) {
    struct sy_rng rng = sy_rng_make(1, SY_FOR_PLUGIN, salt, 0, 0);
    for (size_t i = 0; i < numbers->count; i++) {
        size_t j = sy_rng_below(&rng, (uint32_t)i + 1);
        numbers->at[i] = numbers->at[j];
        numbers->at[j] = low + (high - low) * ((double)i + 0.5) / (double)numbers->count;
    }
    round_to_float(numbers);
}

static void fill_parameter(const struct numbers *numbers, const struct sy_graph *graph, int32_t index, uint32_t salt) {
    const struct sy_param *param = graph->params[index];
    const struct sy_op *op = param->op >= 0 ? graph->ops[param->op] : NULL;
    double bound = param->fan_in > 0 ? sqrt(3.0 / (double)param->fan_in) : 1;
    if (param->role == SY_STATISTIC) {
        bool mean = op && op->param[SY_MEAN] == index;
        fill(numbers, mean ? -0.5 : 0.5, mean ? 0.5 : 1.5, salt);
    } else if (op && op->kind == SY_OP_BATCH_NORM) {
        bool scale = op->param[SY_WEIGHT] == index;
        fill(numbers, scale ? 0.2 : 2, scale ? 0.4 : 3, salt);
        for (size_t i = 0; !scale && i < numbers->count; i += 3) {
            numbers->at[i] = -numbers->at[i];
        }
    } else {
        fill(numbers, -bound, bound, salt);
    }
}

static size_t parameter_count(const struct sy_param *param) {
    size_t count = 1;
    for (int32_t d = 0; d < param->rank; d++) {
        count *= (size_t)param->shape[d];
    }
    return count;
}

struct trial trial_create(const struct sy_graph *graph, int32_t batch, double spread, uint32_t salt) {
    size_t inputs = (size_t)graph->n_inputs, outputs = (size_t)graph->n_outputs, params = (size_t)graph->n_params;
    struct trial trial = {.graph = graph, .precision = SY_PRECISION_FP32, .batch = batch, .mode = SY_TRAIN};
    trial.input = take(inputs, sizeof(struct numbers));
    trial.input_gradient = take(inputs, sizeof(struct numbers));
    trial.output = take(outputs, sizeof(struct numbers));
    trial.output_gradient = take(outputs, sizeof(struct numbers));
    trial.parameter = take(params, sizeof(struct numbers));
    trial.gradient = take(params, sizeof(struct numbers));
    trial.after = take(params, sizeof(struct numbers));
    for (size_t k = 0; k < inputs; k++) {
        size_t count = (size_t)batch * sy_shape_count(&graph->values[graph->inputs[k]]);
        trial.input[k] = take_numbers(count);
        trial.input_gradient[k] = take_numbers(count);
        fill(&trial.input[k], -spread / 2, spread / 2, ++salt);
    }
    for (size_t k = 0; k < outputs; k++) {
        size_t count = (size_t)batch * sy_shape_count(&graph->values[graph->outputs[k]->value]);
        trial.output[k] = take_numbers(count);
        trial.output_gradient[k] = take_numbers(count);
        fill(&trial.output_gradient[k], -1, 1, ++salt);
    }
    for (size_t p = 0; p < params; p++) {
        size_t count = parameter_count(graph->params[p]);
        trial.parameter[p] = take_numbers(count);
        trial.gradient[p] = take_numbers(graph->params[p]->role == SY_TRAINABLE ? count : 0);
        trial.after[p] = take_numbers(count);
        fill_parameter(&trial.parameter[p], graph, (int32_t)p, ++salt);
    }
    return trial;
}

static void free_numbers(struct numbers *numbers, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        free(numbers[i].at);
    }
    free(numbers);
}

void trial_destroy(struct trial *trial) {
    const struct sy_graph *graph = trial->graph;
    free_numbers(trial->input, graph->n_inputs);
    free_numbers(trial->input_gradient, graph->n_inputs);
    free_numbers(trial->output, graph->n_outputs);
    free_numbers(trial->output_gradient, graph->n_outputs);
    free_numbers(trial->parameter, graph->n_params);
    free_numbers(trial->gradient, graph->n_params);
    free_numbers(trial->after, graph->n_params);
    *trial = (struct trial){0};
}

/* ---- across the border ------------------------------------------------------------------------------------------ */

/* A tensor of the plan's dtype; its data must be freed. */
static struct sy_tensor tensor_of(const struct trial *trial, const struct numbers *numbers, int32_t value) {
    bool wide = trial->precision == SY_PRECISION_FP64;
    const struct sy_shape *shape = value >= 0 ? &trial->graph->values[value] : NULL;
    struct sy_tensor tensor = {.size = sizeof tensor, .dtype = wide ? SY_F64 : SY_F32, .rank = 1};
    tensor.shape[0] = shape ? trial->batch : (int64_t)numbers->count;
    for (int32_t d = 0; shape && d < shape->rank; d++) {
        tensor.shape[tensor.rank++] = shape->dim[d];
    }
    tensor.data = take(numbers->count, sizeof(double));
    for (size_t i = 0; i < numbers->count; i++) {
        if (wide) {
            ((double *)tensor.data)[i] = numbers->at[i];
        } else {
            ((float *)tensor.data)[i] = (float)numbers->at[i];
        }
    }
    return tensor;
}

static void read_back(const struct numbers *numbers, const struct trial *trial, const struct sy_tensor *tensor) {
    cr_assert_eq(tensor->dtype, trial->precision == SY_PRECISION_FP64 ? SY_F64 : SY_F32);
    cr_assert_eq(sy_tensor_count(tensor), numbers->count, "%zu elements came back instead of %zu",
                 sy_tensor_count(tensor), numbers->count);
    for (size_t i = 0; i < numbers->count; i++) {
        numbers->at[i] =
            tensor->dtype == SY_F64 ? ((const double *)tensor->data)[i] : (double)((const float *)tensor->data)[i];
    }
}

/* Parameters travel with their own shape. */
static struct sy_tensor parameter_tensor(const struct trial *trial, const struct numbers *numbers, int32_t index) {
    struct sy_tensor tensor = tensor_of(trial, numbers, -1);
    tensor.rank = trial->graph->params[index]->rank;
    memcpy(tensor.shape, trial->graph->params[index]->shape, sizeof tensor.shape);
    return tensor;
}

void trial_get(struct rig *rig, struct sy_plan *plan, const struct trial *trial, int32_t stored, int32_t index,
               const struct numbers *out) {
    struct sy_error err = {.size = sizeof err};
    struct sy_tensor tensor = parameter_tensor(trial, out, index);
    cr_assert_eq(rig->ops.get(plan, stored, index, &tensor, &err), SY_OK, "%s", err.text);
    read_back(out, trial, &tensor);
    free(tensor.data);
}

void trial_set(struct rig *rig, struct sy_plan *plan, const struct trial *trial, int32_t parameter) {
    struct sy_error err = {.size = sizeof err};
    struct sy_tensor tensor = parameter_tensor(trial, &trial->parameter[parameter], parameter);
    cr_assert_eq(rig->ops.set(plan, SY_PARAMETER_VALUE, parameter, &tensor, &err), SY_OK, "%s", err.text);
    free(tensor.data);
}

static struct sy_plan_options options_of(const struct trial *trial, bool backward) {
    return (struct sy_plan_options){.size = sizeof(struct sy_plan_options),
                                    .precision = trial->precision,
                                    .max_batch = trial->batch,
                                    .forward_only = !backward,
                                    .choices = trial->choices,
                                    .input_gradients = backward ? (1u << trial->graph->n_inputs) - 1 : 0};
}

bool trial_is_refused(struct rig *rig, const struct trial *trial) {
    struct sy_error err = {.size = sizeof err};
    struct sy_plan_options options = options_of(trial, true);
    struct sy_plan *plan = NULL;
    options.dry_run = 1;
    int status = rig->ops.compile(rig->self, &plan, trial->graph, &options, &err);
    if (plan) {
        rig->ops.destroy(plan);
    }
    return status == SY_ENOTSUP;
}

struct sy_plan *trial_compile(struct rig *rig, const struct trial *trial, bool backward) {
    struct sy_error err = {.size = sizeof err};
    struct sy_plan *plan = NULL;
    const struct sy_plan_options options = options_of(trial, backward);
    cr_assert_eq(rig->ops.compile(rig->self, &plan, trial->graph, &options, &err), SY_OK, "%s", err.text);
    for (int32_t p = 0; p < trial->graph->n_params; p++) {
        trial_set(rig, plan, trial, p);
    }
    return plan;
}

static void forward(struct rig *rig, struct sy_plan *plan, struct trial *trial, int32_t keep) {
    struct sy_error err = {.size = sizeof err};
    struct sy_tensor *tensors = take((size_t)trial->graph->n_inputs, sizeof *tensors);
    const struct sy_tensor **inputs = take((size_t)trial->graph->n_inputs, sizeof(void *));
    for (int32_t k = 0; k < trial->graph->n_inputs; k++) {
        tensors[k] = tensor_of(trial, &trial->input[k], trial->graph->inputs[k]);
        inputs[k] = &tensors[k];
    }
    const struct sy_forward in = {.size = sizeof in,
                                  .mode = trial->mode,
                                  .batch = trial->batch,
                                  .keep = keep,
                                  .seed = 7,
                                  .stream = 3,
                                  .step = 5,
                                  .inputs = inputs};
    cr_assert_eq(rig->ops.forward(plan, &in, &err), SY_OK, "%s", err.text);
    for (int32_t k = 0; k < trial->graph->n_inputs; k++) {
        free(tensors[k].data);
    }
    free(tensors);
    free(inputs);
    for (int32_t k = 0; k < trial->graph->n_outputs; k++) {
        struct sy_tensor out = {.size = sizeof out};
        cr_assert_eq(rig->ops.output(plan, k, &out, &err), SY_OK, "%s", err.text);
        read_back(&trial->output[k], trial, &out);
    }
}

void trial_forward(struct rig *rig, struct sy_plan *plan, struct trial *trial) {
    forward(rig, plan, trial, 0);
}

static void backward(struct rig *rig, struct sy_plan *plan, struct trial *trial) {
    struct sy_error err = {.size = sizeof err};
    int32_t n_outputs = trial->graph->n_outputs;
    struct sy_tensor *tensors = take((size_t)n_outputs, sizeof *tensors);
    const struct sy_tensor **gradients = take((size_t)n_outputs, sizeof(void *));
    for (int32_t k = 0; k < n_outputs; k++) {
        if (trial->output_gradient[k].at) {
            tensors[k] = tensor_of(trial, &trial->output_gradient[k], trial->graph->outputs[k]->value);
            gradients[k] = &tensors[k];
        }
    }
    cr_assert_eq(rig->ops.backward(plan, gradients, &err), SY_OK, "%s", err.text);
    for (int32_t k = 0; k < n_outputs; k++) {
        free(tensors[k].data);
    }
    free(tensors);
    free(gradients);
    for (int32_t k = 0; k < trial->graph->n_inputs; k++) {
        struct sy_tensor out = {.size = sizeof out};
        cr_assert_eq(rig->ops.input_gradient(plan, k, &out, &err), SY_OK, "%s", err.text);
        read_back(&trial->input_gradient[k], trial, &out);
    }
}

void trial_step(struct rig *rig, struct sy_plan *plan, struct trial *trial) {
    struct sy_error err = {.size = sizeof err};
    forward(rig, plan, trial, 1);
    if (trial->mode == SY_TRAIN) {
        cr_assert_eq(rig->ops.statistics(plan, &err), SY_OK, "%s", err.text);
    }
    backward(rig, plan, trial);
    if (trial->update) {
        cr_assert_eq(rig->ops.update(plan, trial->update, &err), SY_OK, "%s", err.text);
    }
    for (int32_t p = 0; p < trial->graph->n_params; p++) {
        if (trial->gradient[p].count) {
            trial_get(rig, plan, trial, SY_PARAMETER_GRADIENT, p, &trial->gradient[p]);
        }
        trial_get(rig, plan, trial, SY_PARAMETER_VALUE, p, &trial->after[p]);
    }
}

void trial_run(struct rig *rig, struct trial *trial) {
    struct sy_plan *plan = trial_compile(rig, trial, true);
    trial_step(rig, plan, trial);
    rig->ops.destroy(plan);
}

/* ---- distances -------------------------------------------------------------------------------------------------- */

void distance_add(struct distance *distance, const struct numbers *a, const struct numbers *b) {
    cr_assert_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        distance->apart += (a->at[i] - b->at[i]) * (a->at[i] - b->at[i]);
        distance->size += b->at[i] * b->at[i];
    }
}

/* Not a number stays that: it is above no bound, but below none either. */
double distance_relative(const struct distance *distance) {
    return distance->apart == 0 ? 0 : sqrt(distance->apart / distance->size);
}

double relative(const struct numbers *a, const struct numbers *b) {
    struct distance distance = {0};
    distance_add(&distance, a, b);
    return distance_relative(&distance);
}
