/* experiment_prune.c - of every network only what somebody reads: logits, ends of edges, and what feeds other nodes. */
#include "experiment_parts.h"

#include <stdlib.h>

/* Position of a full graph's output among those in use, appended if it is new. */
static int32_t in_use(int32_t *used, int32_t *n_used, int32_t output) {
    for (int32_t i = 0; i < *n_used; i++) {
        if (used[i] == output) {
            return i;
        }
    }
    used[(*n_used)++] = output;
    return *n_used - 1;
}

/* A piece that a later layer's topology has no use for stays, though nobody reads it. */
static bool is_left_over(const struct sy_experiment *experiment, const struct sy_node *node) {
    const struct sy_setting *plugin = sy_setting_find(experiment->config, "topology.plugin");
    return node->role == SY_ROLE_PART && plugin && plugin->layer > node->setting->layer;
}

static void prune_node(struct sy_experiment *experiment, int32_t index, struct sy_problems *problems) {
    struct sy_node *node = &experiment->nodes[index];
    int32_t n_used = 0, *used = malloc((size_t)(node->full->graph.n_outputs + 1) * sizeof *used);
    if (!used) {
        sy_problem(problems, NULL, "memory is used up");
        return;
    }
    if (node->has_logits) {
        in_use(used, &n_used, sy_graph_output(&node->full->graph, "logits"));
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        for (int32_t k = 0; k < experiment->nodes[i].n_links; k++) {
            struct sy_link *link = &experiment->nodes[i].links[k];
            link->output =
                link->source == index && link->output >= 0 ? in_use(used, &n_used, link->output) : link->output;
        }
    }
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        struct sy_flow *edge = &experiment->edges[e];
        if (edge->target == index) {
            edge->target_output = in_use(used, &n_used, edge->target_output);
        }
        int32_t *outputs = (int32_t *)edge->source_outputs;
        for (int32_t s = 0; s < edge->n_sources; s++) {
            if (edge->sources[s] == index) {
                outputs[s] = in_use(used, &n_used, outputs[s]);
            }
        }
    }
    if (!n_used && is_left_over(experiment, node)) {
        in_use(used, &n_used, 0);
    }
    node->graph = sy_graph_prune(&node->full->graph, used, n_used);
    /* A link that only pruned operators read carries nothing. */
    for (int32_t k = 0; node->graph && k < node->n_links; k++) {
        bool carries = sy_experiment_flows_back(experiment, &node->links[k]) &&
                       sy_graph_reads(&node->graph->graph, node->graph->graph.inputs[k]);
        node->input_gradients |= carries ? UINT32_C(1) << k : 0;
    }
    if (!n_used) {
        sy_problem(problems, node->setting,
                   "network \"%s\" has no output \"logits\", and nobody reads another of node \"%s\"",
                   node->network->found->plugin.name, node->name);
    } else if (!node->graph) {
        sy_problem(problems, NULL, "memory is used up");
    }
    free(used);
}

void sy_experiment_prune(struct sy_experiment *experiment, struct sy_problems *problems) {
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        if (experiment->nodes[i].full) {
            prune_node(experiment, i, problems);
        }
    }
}
