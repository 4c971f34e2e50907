/* weights.h - parameters of a network between a safetensors file, host memory and a plan. */
#ifndef SY_TRAIN_WEIGHTS_H
#define SY_TRAIN_WEIGHTS_H

#include <switchyard/backend.h>

#include "../config/problems.h"
#include "../record/safetensors.h"

/* Whether a file holds every parameter of the graph with its shape, and nothing else but PyTorch's num_batches_tracked:
 * every mismatch is a problem at `at`. An unreadable file is one too. */
void sy_weights_check(const char *path, const struct sy_graph *graph, const struct sy_setting *at,
                      struct sy_problems *problems);
/* The same for weights that another network will leave behind; `whose` names it in problems. */
void sy_weights_match(const struct sy_graph *from, const char *whose, const struct sy_graph *graph,
                      const struct sy_setting *at, struct sy_problems *problems);
/* Sets every parameter of the plan from a file of that form. */
int sy_weights_load(const struct sy_backend_ops *backend, struct sy_plan *plan, const struct sy_graph *graph,
                    const char *path, struct sy_error *err);

/* A tensor for a parameter of the graph, over the memory given. */
struct sy_tensor sy_param_tensor(const struct sy_param *param, int32_t dtype, void *data);
size_t sy_param_count(const struct sy_param *param);

#endif
