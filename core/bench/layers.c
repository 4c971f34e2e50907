/* layers.c - see layers.h. */
#include "layers.h"

#include <stdlib.h>
#include <string.h>

#include "../train/weights.h"

#define MOST_SAMPLES  64
#define LEAST_SAMPLES 3
#define LAYER_SECONDS 0.05 /* of one operator, forward and backward */

/* ---- words ------------------------------------------------------------------------------------------------------ */

static size_t put_shape(char *out, size_t room, const struct sy_shape *shape) {
    int written = shape->rank == 3 ? snprintf(out, room, "%dx%dx%d", shape->dim[0], shape->dim[1], shape->dim[2])
                                   : snprintf(out, room, "%d", shape->dim[0]);
    return written > 0 ? (size_t)written : 0;
}

/* "32x16x16 -> 64x8x8, 3x3, stride 2": everything that the time depends on, so that equal texts are one row. */
static void put_words(struct sy_layer_figures *row, const struct sy_graph *graph, const struct sy_op *op) {
    char *out = row->shape;
    size_t room = sizeof row->shape, used = put_shape(out, room, &graph->values[op->inputs[0]]);
    snprintf(row->what, sizeof row->what, "%s", sy_op_kind_name(op->kind));
    used += (size_t)snprintf(out + used, room - used, op->n_inputs > 1 ? " x %d -> " : " -> ", op->n_inputs);
    used += put_shape(out + used, room - used, &graph->values[op->output]);
    if (op->kind == SY_OP_CONV2D || op->kind == SY_OP_AVG_POOL || op->kind == SY_OP_MAX_POOL) {
        used += (size_t)snprintf(out + used, room - used, ", %dx%d", op->kernel, op->kernel);
    }
    if (op->stride != 1) {
        used += (size_t)snprintf(out + used, room - used, ", stride %d", op->stride);
    }
    if (op->groups != 1) {
        used += (size_t)snprintf(out + used, room - used, ", groups %d", op->groups);
    }
    if (op->kind == SY_OP_CONV2D && op->param[SY_BIAS] >= 0) {
        used += (size_t)snprintf(out + used, room - used, ", bias");
    }
    if (!sy_op_passes_gradient(graph, op)) {
        snprintf(out + used, room - used, ", image");
    }
}

/* ---- a network of one operator ---------------------------------------------------------------------------------- */

struct single {
    const struct sy_graph *graph;
    const struct sy_op *op;
};

static int32_t build_op(const struct single *single, const struct sy_builder *b, const int32_t *inputs) {
    const struct sy_op *op = single->op;
    int32_t channels = single->graph->values[op->output].dim[0], x = inputs[0];
    int32_t has_bias = op->param[SY_BIAS] >= 0;
    switch (op->kind) {
    case SY_OP_CONV2D:
        return sy_conv2d(b, x,
                         SY_CONV2D(.channels = channels, .kernel = op->kernel, .stride = op->stride,
                                   .padding = op->padding, .groups = op->groups, .bias = has_bias),
                         "op");
    case SY_OP_LINEAR:
        return sy_linear(b, x, SY_LINEAR(.features = channels, .no_bias = !has_bias), "op");
    case SY_OP_BATCH_NORM:
        return sy_batch_norm(b, x, SY_BATCH_NORM(.eps = op->eps, .momentum = op->momentum), "op");
    case SY_OP_RELU:
        return sy_relu(b, x);
    case SY_OP_RELU6:
        return sy_relu6(b, x);
    case SY_OP_ADD:
        return sy_add(b, x, inputs[1]);
    case SY_OP_CONCAT:
        return sy_concat(b, inputs, op->n_inputs);
    case SY_OP_AVG_POOL:
        return sy_avg_pool(b, x, op->kernel, op->stride, op->padding);
    case SY_OP_MAX_POOL:
        return sy_max_pool(b, x, op->kernel, op->stride, op->padding);
    case SY_OP_GLOBAL_AVG_POOL:
        return sy_global_avg_pool(b, x);
    case SY_OP_FLATTEN:
        return sy_flatten(b, x);
    case SY_OP_SLICE_PAD:
        return sy_slice_pad(b, x, op->stride, op->pad_before, op->pad_after);
    case SY_OP_DROPOUT:
        return sy_dropout(b, x, op->probability);
    default:
        return b->fail(b->graph, "an operator that is unknown here");
    }
}

static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    (void)err;
    sy_output(b, build_op(self, b, in->inputs), "y");
    return SY_OK;
}

/* A plan of one operator with what it reads. */
struct bench {
    const struct sy_experiment *experiment;
    struct sy_built_graph *built;
    struct sy_plan *plan;
    int32_t n_inputs, batch;
    struct sy_tensor *inputs;
    const struct sy_tensor **pointers;
    struct sy_tensor gradient;
    bool backward; /* something there has a gradient */
};

static struct sy_tensor random_tensor(const struct sy_shape *shape, int32_t batch, uint32_t item) {
    struct sy_tensor tensor = {.size = sizeof tensor,
                               .dtype = SY_F32,
                               .rank = 1 + shape->rank,
                               .shape = {batch, shape->dim[0], shape->dim[1], shape->dim[2]}};
    size_t count = (size_t)batch * sy_shape_count(shape);
    struct sy_rng rng = sy_rng_make(1, SY_FOR_DATA, 1, 0, item);
    float *data = malloc(count * sizeof *data);
    for (size_t i = 0; data && i < count; i++) {
        data[i] = (float)(2 * sy_rng_uniform(&rng) - 1);
    }
    tensor.data = data;
    return tensor;
}

static int set_parameters(struct bench *bench, struct sy_error *err) {
    const struct sy_graph *graph = &bench->built->graph;
    int status = SY_OK;
    for (int32_t i = 0; i < graph->n_params && status == SY_OK; i++) {
        float *values = malloc(sy_param_count(graph->params[i]) * sizeof *values);
        if (!values) {
            return sy_fail(err, SY_ENOMEM, "no memory for parameters");
        }
        sy_param_initialise(values, graph, i, 1, 0);
        struct sy_tensor tensor = sy_param_tensor(graph->params[i], SY_F32, values);
        status = bench->experiment->backend_ops->set(bench->plan, SY_PARAMETER_VALUE, i, &tensor, err);
        free(values);
    }
    return status;
}

static int bench_open(struct bench *bench, const struct single *single, struct sy_error *err) {
    const struct sy_op *op = single->op;
    const struct sy_backend_ops *ops = bench->experiment->backend_ops;
    bool first = !sy_op_passes_gradient(single->graph, op);
    struct sy_shape *shapes = calloc((size_t)op->n_inputs, sizeof *shapes);
    bench->n_inputs = op->n_inputs;
    bench->inputs = calloc((size_t)op->n_inputs, sizeof *bench->inputs);
    bench->pointers = calloc((size_t)op->n_inputs, sizeof *bench->pointers);
    bool good = shapes && bench->inputs && bench->pointers;
    for (int32_t k = 0; good && k < op->n_inputs; k++) {
        shapes[k] = single->graph->values[op->inputs[k]];
        bench->inputs[k] = random_tensor(&shapes[k], bench->batch, (uint32_t)k);
        bench->pointers[k] = &bench->inputs[k];
        good = bench->inputs[k].data != NULL;
    }
    bench->gradient = random_tensor(&single->graph->values[op->output], bench->batch, 1000);
    if (!good || !bench->gradient.data) {
        free(shapes);
        return sy_fail(err, SY_ENOMEM, "%s: no memory to time it", op->name);
    }
    bench->built = sy_graph_build_with(build, single, shapes, op->n_inputs, 1, err);
    free(shapes);
    if (!bench->built) {
        return err->code;
    }
    bench->backward = !first || bench->built->graph.n_params > 0;
    struct sy_plan_options options = {
        .size = sizeof options,
        .precision = bench->experiment->precision,
        .max_batch = bench->batch,
        .forward_only = !bench->backward,
        .input_gradients = first                ? 0
                           : op->n_inputs >= 32 ? UINT32_MAX
                                                : (1u << op->n_inputs) - 1,
    };
    int status = ops->compile(bench->experiment->backend->self, &bench->plan, &bench->built->graph, &options, err);
    return status == SY_OK ? set_parameters(bench, err) : status;
}

static void bench_close(struct bench *bench) {
    bench->experiment->backend_ops->destroy(bench->plan);
    sy_graph_destroy(bench->built);
    for (int32_t k = 0; bench->inputs && k < bench->n_inputs; k++) {
        free(bench->inputs[k].data);
    }
    free(bench->inputs);
    free(bench->pointers);
    free(bench->gradient.data);
}

/* ---- times ------------------------------------------------------------------------------------------------------ */

static int by_size(const void *left, const void *right) {
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double median(double *samples, int32_t count) {
    qsort(samples, (size_t)count, sizeof *samples, by_size);
    return samples[count / 2];
}

static int time_layer(struct sy_layer_figures *row, struct bench *bench, struct sy_error *err) {
    const struct sy_backend_ops *ops = bench->experiment->backend_ops;
    const struct sy_tensor *gradients[] = {&bench->gradient};
    double forward[MOST_SAMPLES], backward[MOST_SAMPLES], begin = sy_seconds_now();
    int32_t count = 0;
    int status = SY_OK;
    /* The first one warms up and is not counted. */
    for (int32_t i = -1; i < MOST_SAMPLES && status == SY_OK; i++) {
        struct sy_forward in = {.size = sizeof in,
                                .mode = SY_TRAIN,
                                .batch = bench->batch,
                                .keep = 1,
                                .seed = 1,
                                .inputs = bench->pointers};
        double start = sy_seconds_now();
        if (i > LEAST_SAMPLES && start - begin > LAYER_SECONDS) {
            break;
        }
        status = ops->forward(bench->plan, &in, err);
        double middle = sy_seconds_now();
        if (status == SY_OK && bench->backward) {
            status = ops->backward(bench->plan, gradients, err);
        }
        if (i >= 0) {
            forward[count] = middle - start;
            backward[count++] = sy_seconds_now() - middle;
        }
    }
    if (status == SY_OK) {
        row->forward = median(forward, count);
        row->backward = bench->backward ? median(backward, count) : 0;
    }
    return status;
}

static int measure_row(struct sy_layer_figures *row, const struct sy_experiment *experiment, int32_t batch,
                       const struct single *single, struct sy_error *err) {
    struct bench bench = {.experiment = experiment, .batch = batch};
    double forward = 2.0 * batch * (double)sy_op_multiply_adds(single->graph, single->op);
    row->forward_operations = forward;
    row->backward_operations = sy_op_passes_gradient(single->graph, single->op) ? 2 * forward : forward;
    int status = bench_open(&bench, single, err);
    if (status == SY_OK) {
        status = time_layer(row, &bench, err);
    }
    bench_close(&bench);
    return status;
}

/* The row of those words, or NULL. */
static struct sy_layer_figures *find_row(struct sy_figures *figures, const struct sy_layer_figures *words) {
    for (int32_t i = 0; i < figures->n_layers; i++) {
        struct sy_layer_figures *row = &figures->layers[i];
        if (!strcmp(row->what, words->what) && !strcmp(row->shape, words->shape)) {
            return row;
        }
    }
    return NULL;
}

bool sy_layers_measure(struct sy_figures *figures, const struct sy_experiment *experiment) {
    struct sy_error err = {.size = sizeof err};
    for (int32_t n = 0; n < experiment->n_nodes; n++) {
        const struct sy_graph *graph = &experiment->nodes[n].graph->graph;
        for (int32_t i = 0; i < graph->n_ops; i++) {
            struct sy_layer_figures words = {.count = 1};
            put_words(&words, graph, graph->ops[i]);
            struct sy_layer_figures *row = find_row(figures, &words);
            if (row) {
                row->count++;
            } else if (figures->n_layers < SY_BENCH_MOST_LAYERS) {
                struct single single = {graph, graph->ops[i]};
                int status = measure_row(&words, experiment, figures->batch, &single, &err);
                if (status != SY_OK) {
                    snprintf(figures->failure, sizeof figures->failure, "%s: %s\n", graph->ops[i]->name, err.text);
                    return false;
                }
                figures->layers[figures->n_layers++] = words;
            }
        }
    }
    return true;
}
