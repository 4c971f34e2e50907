/* stateful.c - see stateful.h. */
#include "stateful.h"

struct sy_instance *sy_stateful_instance(struct sy_experiment *experiment, int32_t index,
                                         struct sy_services **services) {
    if (index < experiment->n_nodes) {
        *services = &experiment->nodes[index].label_loss.services;
        return experiment->nodes[index].label_loss.instance;
    }
    index -= experiment->n_nodes;
    if (index < experiment->n_edges) {
        *services = &experiment->edges[index].loss.services;
        return experiment->edges[index].loss.instance;
    }
    index -= experiment->n_edges;
    if (index < experiment->n_gates) {
        *services = &experiment->gates[index].services;
        return experiment->gates[index].policy;
    }
    return NULL;
}
