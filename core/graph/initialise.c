/* initialise.c - initial weights: numbers that depend on the seed, the node and the parameter, and on nothing else. */
#include "graph_builder.h"

#include <math.h>

/* Uniform on [-bound, bound): 24 random bits, so that rounding to float never reaches the upper end. */
static float uniform(struct sy_rng *rng, double bound) {
    return (float)(bound * ((double)(sy_rng_u32(rng) >> 8) * 0x1p-23 - 1));
}

/* The two forms every kind of start comes down to (a constant is a bound of 0 around it). */
struct start {
    double constant, bound, deviation;
};

static struct start start_of(const struct sy_param *param) {
    double in = (double)param->fan_in, out = (double)param->fan_out, value = param->init.value;
    switch (param->init.kind) {
    case SY_INIT_CONSTANT:
        return (struct start){.constant = value};
    case SY_INIT_UNIFORM:
        return (struct start){.bound = value};
    case SY_INIT_NORMAL:
        return (struct start){.deviation = value};
    case SY_INIT_XAVIER_UNIFORM:
        return (struct start){.bound = value * sqrt(6 / (in + out))};
    case SY_INIT_KAIMING_NORMAL_IN:
        return (struct start){.deviation = sqrt(2 / in)};
    case SY_INIT_KAIMING_NORMAL_OUT:
        return (struct start){.deviation = sqrt(2 / out)};
    case SY_INIT_NORMAL_INVERSE_FAN_IN:
        return (struct start){.deviation = 1 / in};
    default: /* SY_INIT_DEFAULT of convolutions and linear layers; the builder has spelled it out already */
        return (struct start){.bound = 1 / sqrt(in)};
    }
}

void sy_param_initialise(float *out, const struct sy_graph *graph, int32_t index, uint64_t seed, uint32_t node_key) {
    const struct sy_param *param = graph->params[index];
    struct start start = start_of(param);
    struct sy_rng rng = sy_rng_make(seed, SY_FOR_INIT, node_key, 0, (uint32_t)index);
    int64_t count = 1;
    for (int32_t i = 0; i < param->rank; i++) {
        count *= param->shape[i];
    }
    for (int64_t i = 0; i < count; i++) {
        if (start.bound != 0) {
            out[i] = uniform(&rng, start.bound);
        } else if (start.deviation != 0) {
            out[i] = (float)(start.deviation * sy_rng_normal(&rng));
        } else {
            out[i] = (float)start.constant;
        }
    }
}
