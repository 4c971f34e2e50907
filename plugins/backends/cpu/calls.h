/* calls.h - what the calls of backend.h have in common on a processor: checks, and what is shown of a result. */
#ifndef CPU_CALLS_H
#define CPU_CALLS_H

#include <switchyard/backend.h>

#include "store.h"

/* Operators a graph may have that was made for a later version of the program. */
int cpu_check_operators(const struct sy_graph *graph, struct sy_error *err);
/* A batch of 1 to max_batch; in training not one value per channel, which has no variance. */
int cpu_check_batch(const struct sy_graph *graph, int32_t max_batch, const struct sy_forward *in, struct sy_error *err);

/* A batch of a value of the graph; `data` stays the plan's. */
void cpu_show(const struct sy_graph *graph, int32_t value, int32_t batch, float *data, struct sy_tensor *out);

/* running = (1 - momentum) running + momentum batch, the variance unbiased; count: values per channel, 2 at least */
void cpu_move_statistics(const struct store *store, const struct sy_op *op, const float *mean, const float *variance,
                         size_t channels, double count);

#endif
