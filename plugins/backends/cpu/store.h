/* store.h - parameters of a plan on a processor: values, gradients and optimiser slots in canonical layout, one flat array
 * each, so that an update is one loop. */
#ifndef CPU_STORE_H
#define CPU_STORE_H

#include <stdbool.h>

#include <switchyard/backend.h>

struct store {
    const struct sy_graph *graph;
    size_t *offset; /* per parameter, in floats, multiples of 16 */
    size_t total;   /* floats of all parameters */
    size_t updated; /* floats at the front that an update moves: trainable ones that some operator uses */
    float *value, *gradient, *slot0, *slot1;
};

/* dry: only the sizes. False when memory is used up. */
bool store_init(struct store *store, const struct sy_graph *graph, bool dry);
void store_finish(struct store *store);
size_t store_bytes(const struct store *store);

static inline float *store_value(const struct store *store, int32_t index) {
    return store->value + store->offset[index];
}
static inline float *store_gradient(const struct store *store, int32_t index) {
    return store->gradient + store->offset[index];
}
size_t store_count(const struct store *store, int32_t index);

/* backend.h's update, get and set. */
int store_update(struct store *store, const struct sy_host *host, const struct sy_update *in, struct sy_error *err);
int store_get(const struct store *store, int32_t stored, int32_t index, struct sy_tensor *out, struct sy_error *err);
int store_set(struct store *store, int32_t stored, int32_t index, const struct sy_tensor *in, struct sy_error *err);

#endif
