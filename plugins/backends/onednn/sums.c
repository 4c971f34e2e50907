/* sums.c - see sums.h. */
#include "sums.h"

#include <string.h>

void sums_add(float *restrict sum, const float *restrict more, size_t count) {
    for (size_t i = 0; i < count; i++) {
        sum[i] += more[i];
    }
}

void sums_clear(struct sy_plan *plan, const struct node *node) {
    memset(node->partial, 0, (size_t)plan->host->threads * node->partial_floats * sizeof *node->partial);
}

struct join {
    const struct node *node;
    int32_t threads;
};

static void join_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct join *join = argument;
    const struct node *node = join->node;
    (void)thread;
    for (int32_t t = 1; t < join->threads; t++) {
        sums_add(node->partial + begin, node->partial + (size_t)t * node->partial_floats + begin, end - begin);
    }
}

void sums_join(struct sy_plan *plan, const struct node *node) {
    struct join join = {node, plan->host->threads};
    plan->host->parallel_for(plan->host, node->partial_floats, join_part, &join);
}
