/* store.c - see store.h. */
#include "store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"

size_t store_count(const struct store *store, int32_t index) {
    const struct sy_param *param = store->graph->params[index];
    size_t count = 1;
    for (int32_t d = 0; d < param->rank; d++) {
        count *= (size_t)param->shape[d];
    }
    return count;
}

/* 0: moved by updates; 1: trainable, but no operator uses it, so it has no gradient; 2: statistics */
static int place_of(const struct sy_param *param) {
    return param->role != SY_TRAINABLE ? 2 : param->op < 0 ? 1 : 0;
}

static float *take(size_t count) {
    size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
    float *array = aligned_alloc(64, bytes ? bytes : 64);
    return array ? memset(array, 0, bytes) : NULL;
}

bool store_init(struct store *store, const struct sy_graph *graph, bool dry) {
    const size_t line = 16; /* floats of a cache line */
    *store = (struct store){.graph = graph};
    store->offset = calloc((size_t)graph->n_params + 1, sizeof *store->offset);
    if (!store->offset) {
        return false;
    }
    for (int place = 0; place < 3; place++) {
        for (int32_t i = 0; i < graph->n_params; i++) {
            if (place_of(graph->params[i]) == place) {
                store->offset[i] = store->total;
                store->total += (store_count(store, i) + line - 1) / line * line;
            }
        }
        store->updated = place == 0 ? store->total : store->updated;
    }
    if (dry) {
        return true;
    }
    store->value = take(store->total);
    store->gradient = take(store->total);
    store->slot0 = take(store->total);
    store->slot1 = take(store->total);
    return store->value && store->gradient && store->slot0 && store->slot1;
}

void store_finish(struct store *store) {
    free(store->offset);
    free(store->value);
    free(store->gradient);
    free(store->slot0);
    free(store->slot1);
    *store = (struct store){0};
}

size_t store_bytes(const struct store *store) {
    return 4 * store->total * sizeof(float);
}

/* ---- updates ---------------------------------------------------------------------------------------------------- */

struct update {
    struct store *store;
    const struct sy_update *in;
};

/* g += weight_decay w;  m = momentum m + g;  w -= lr (nesterov ? g + momentum m : m) */
CPU_CLONES
static void sgd(float *restrict w, const float *restrict gradient, float *restrict m, size_t count,
                const struct sy_update *u) {
    const float lr = (float)u->lr, mu = (float)u->momentum, decay = (float)u->weight_decay;
    const float keep = u->zero_gradient ? 0 : 1;
    if (u->nesterov) {
        for (size_t i = 0; i < count; i++) {
            float g = keep * gradient[i] + decay * w[i];
            m[i] = mu * m[i] + g;
            w[i] -= lr * (g + mu * m[i]);
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            float g = keep * gradient[i] + decay * w[i];
            m[i] = mu * m[i] + g;
            w[i] -= lr * m[i];
        }
    }
}

/* m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
 * w -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps);  decay as L2 (adam) or before it (adamw) */
CPU_CLONES
static void adam(float *restrict w, const float *restrict gradient, float *restrict m, float *restrict v, size_t count,
                 const struct sy_update *u) {
    const float keep = u->zero_gradient ? 0 : 1, b1 = (float)u->beta1, b2 = (float)u->beta2, eps = (float)u->eps;
    const float c1 = (float)(1 - u->beta1), c2 = (float)(1 - u->beta2);
    const float l2 = u->rule == SY_ADAM ? (float)u->weight_decay : 0;
    const float shrink = u->rule == SY_ADAMW ? (float)(1 - u->lr * u->weight_decay) : 1;
    const float rate = (float)(u->lr / (1 - pow(u->beta1, (double)u->count)));
    const float root = (float)(1 / sqrt(1 - pow(u->beta2, (double)u->count)));
    for (size_t i = 0; i < count; i++) {
        float g = keep * gradient[i] + l2 * w[i];
        m[i] = b1 * m[i] + c1 * g;
        v[i] = b2 * v[i] + c2 * g * g;
        w[i] = shrink * w[i] - rate * m[i] / (sqrtf(v[i]) * root + eps);
    }
}

static void update_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct update *update = argument;
    struct store *s = update->store;
    (void)thread;
    if (update->in->rule == SY_SGD) {
        sgd(s->value + begin, s->gradient + begin, s->slot0 + begin, end - begin, update->in);
    } else {
        adam(s->value + begin, s->gradient + begin, s->slot0 + begin, s->slot1 + begin, end - begin, update->in);
    }
}

int store_update(struct store *store, const struct sy_host *host, const struct sy_update *in, struct sy_error *err) {
    struct update update = {store, in};
    if (in->rule < SY_SGD || in->rule > SY_ADAMW) {
        return sy_fail(err, SY_ENOTSUP, "update rule %d is unknown here", in->rule);
    }
    host->parallel_for(host, store->updated, update_part, &update);
    return SY_OK;
}

/* ---- get and set ------------------------------------------------------------------------------------------------ */

/* Where something stored lies; NULL after a failure. */
static float *find(const struct store *store, int32_t stored, int32_t index, const struct sy_tensor *tensor,
                   struct sy_error *err) {
    float *const arrays[] = {NULL, store->value, store->gradient, store->slot0, store->slot1};
    if (index < 0 || index >= store->graph->n_params || stored < SY_PARAMETER_VALUE || stored > SY_OPTIMIZER_SLOT_1 ||
        (stored != SY_PARAMETER_VALUE && store->graph->params[index]->role != SY_TRAINABLE)) {
        sy_fail(err, SY_EINVAL, "parameter %d has no such value", index);
        return NULL;
    }
    if (tensor->dtype != SY_F32 || sy_tensor_count(tensor) != store_count(store, index)) {
        sy_fail(err, SY_EINVAL, "%s: must be given as %zu floats", store->graph->params[index]->name,
                store_count(store, index));
        return NULL;
    }
    return arrays[stored] + store->offset[index];
}

int store_get(const struct store *store, int32_t stored, int32_t index, struct sy_tensor *out, struct sy_error *err) {
    const float *from = find(store, stored, index, out, err);
    if (!from) {
        return SY_EINVAL;
    }
    memcpy(out->data, from, sy_tensor_count(out) * sizeof *from);
    return SY_OK;
}

int store_set(struct store *store, int32_t stored, int32_t index, const struct sy_tensor *in, struct sy_error *err) {
    float *to = find(store, stored, index, in, err);
    if (!to) {
        return SY_EINVAL;
    }
    memcpy(to, in->data, sy_tensor_count(in) * sizeof *to);
    return SY_OK;
}
