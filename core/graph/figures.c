/* figures.c - what follows from a graph alone: counts, names, and initial values. */
#include <math.h>
#include <string.h>

#include "graph_builder.h"

const char *sy_op_kind_name(int32_t kind) {
    static const char *const names[SY_OP_KINDS] = {
        "?",
        "conv2d",
        "linear",
        "batch_norm",
        "relu",
        "relu6",
        "add",
        "concat",
        "avg_pool",
        "max_pool",
        "global_avg_pool",
        "flatten",
        "slice_pad",
        "dropout",
        "softmax",
        "multiply",
        "slice",
        "dot",
        "l2_normalize",
        "channel_shuffle",
        "transposed_conv2d",
    };
    return names[kind > 0 && kind < SY_OP_KINDS ? kind : 0];
}

int32_t sy_graph_output(const struct sy_graph *graph, const char *name) {
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        if (!strcmp(graph->outputs[i]->name, name)) {
            return i;
        }
    }
    return -1;
}

bool sy_graph_reads(const struct sy_graph *graph, int32_t value) {
    for (int32_t i = 0; i < graph->n_ops; i++) {
        for (int32_t k = 0; k < graph->ops[i]->n_inputs; k++) {
            if (graph->ops[i]->inputs[k] == value) {
                return true;
            }
        }
    }
    for (int32_t k = 0; k < graph->n_outputs; k++) {
        if (graph->outputs[k]->value == value) {
            return true;
        }
    }
    return false;
}

static int64_t param_count(const struct sy_param *param) {
    int64_t count = 1;
    for (int32_t d = 0; d < param->rank; d++) {
        count *= param->shape[d];
    }
    return count;
}

int64_t sy_graph_parameter_count(const struct sy_graph *graph) {
    int64_t total = 0;
    for (int32_t i = 0; i < graph->n_params; i++) {
        total += graph->params[i]->role == SY_TRAINABLE ? param_count(graph->params[i]) : 0;
    }
    return total;
}

int64_t sy_op_multiply_adds(const struct sy_graph *graph, const struct sy_op *op) {
    switch (op->kind) {
    case SY_OP_CONV2D:
    case SY_OP_LINEAR: /* every output element is a dot product as long as one filter */
        return (int64_t)sy_shape_count(&graph->values[op->output]) * graph->params[op->param[SY_WEIGHT]]->fan_in;
    case SY_OP_TRANSPOSED_CONV2D: /* every input element goes into as many outputs as one filter has weights */
        return (int64_t)sy_shape_count(&graph->values[op->inputs[0]]) * graph->params[op->param[SY_WEIGHT]]->fan_in;
    case SY_OP_DOT:
        return graph->values[op->inputs[0]].dim[0];
    default:
        return 0;
    }
}

int64_t sy_graph_multiply_adds(const struct sy_graph *graph) {
    int64_t total = 0;
    for (int32_t i = 0; i < graph->n_ops; i++) {
        total += sy_op_multiply_adds(graph, graph->ops[i]);
    }
    return total;
}

/* The operator that makes a value; NULL for what is fed from outside. */
static const struct sy_op *maker_of(const struct sy_graph *graph, int32_t value) {
    for (int32_t i = 0; i < graph->n_ops; i++) {
        if (graph->ops[i]->output == value) {
            return graph->ops[i];
        }
    }
    return NULL;
}

static bool is_asked_for(const struct sy_graph *graph, int32_t value, uint32_t input_gradients) {
    for (int32_t k = 0; k < graph->n_inputs && k < 32; k++) {
        if (graph->inputs[k] == value && (input_gradients >> k & 1)) {
            return true;
        }
    }
    return false;
}

/* Goes back until it meets a parameter or an input that matters: seldom far. */
static bool passes_gradient(const struct sy_graph *graph, const struct sy_op *op, uint32_t input_gradients) {
    for (int32_t k = 0; k < op->n_inputs; k++) {
        const struct sy_op *maker = maker_of(graph, op->inputs[k]);
        if (maker ? maker->param[SY_WEIGHT] >= 0 || passes_gradient(graph, maker, input_gradients)
                  : is_asked_for(graph, op->inputs[k], input_gradients)) {
            return true;
        }
    }
    return false;
}

bool sy_op_passes_gradient(const struct sy_graph *graph, const struct sy_op *op) {
    return passes_gradient(graph, op, 0);
}

int64_t sy_graph_step_multiply_adds(const struct sy_graph *graph, uint32_t input_gradients) {
    int64_t total = 0;
    for (int32_t i = 0; i < graph->n_ops; i++) {
        const struct sy_op *op = graph->ops[i];
        int32_t passes = 1 + (op->param[SY_WEIGHT] >= 0) + passes_gradient(graph, op, input_gradients);
        total += passes * sy_op_multiply_adds(graph, op);
    }
    return total;
}

/* ---- initial values --------------------------------------------------------------------------------------------- */

static void fill_constant(float *out, int64_t count, double value) {
    for (int64_t i = 0; i < count; i++) {
        out[i] = (float)value;
    }
}

/* On [-bound, bound): from 24 random bits, so that rounding to float never reaches the upper end. */
static void fill_uniform(float *out, int64_t count, double bound, struct sy_rng *rng) {
    for (int64_t i = 0; i < count; i++) {
        out[i] = (float)(bound * ((sy_rng_u32(rng) >> 8) * 0x1p-23 - 1));
    }
}

static void fill_normal(float *out, int64_t count, double deviation, struct sy_rng *rng) {
    for (int64_t i = 0; i < count; i++) {
        out[i] = (float)(deviation * sy_rng_normal(rng));
    }
}

void sy_param_initialise(float *out, const struct sy_graph *graph, int32_t index, uint64_t seed, uint32_t node_key) {
    const struct sy_param *param = graph->params[index];
    int64_t count = param_count(param);
    double value = param->init.value, fan_in = (double)(param->fan_in ? param->fan_in : 1);
    double fan_out = (double)(param->fan_out ? param->fan_out : 1);
    struct sy_rng rng = sy_rng_make(seed, SY_FOR_INIT, node_key, 0, (uint32_t)index);
    switch (param->init.kind) {
    case SY_INIT_CONSTANT:
        fill_constant(out, count, value);
        break;
    case SY_INIT_UNIFORM:
        fill_uniform(out, count, value, &rng);
        break;
    case SY_INIT_NORMAL:
        fill_normal(out, count, value, &rng);
        break;
    case SY_INIT_XAVIER_UNIFORM:
        fill_uniform(out, count, value * sqrt(6 / (fan_in + fan_out)), &rng);
        break;
    case SY_INIT_KAIMING_NORMAL_IN:
        fill_normal(out, count, sqrt(2 / fan_in), &rng);
        break;
    case SY_INIT_KAIMING_NORMAL_OUT:
        fill_normal(out, count, sqrt(2 / fan_out), &rng);
        break;
    case SY_INIT_NORMAL_INVERSE_FAN_IN:
        fill_normal(out, count, 1 / fan_in, &rng);
        break;
    default: /* of convolutions and linear layers; batch norm's is spelled out by the builder */
        fill_uniform(out, count, 1 / sqrt(fan_in), &rng);
        break;
    }
}
