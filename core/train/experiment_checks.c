/* experiment_checks.c - settings against each other: what a topology described against nodes that do not learn, are fed by
 * others or follow them; what a run goes back to against the checkpoints it keeps. */
#include "experiment_parts.h"

/* A frozen node learns nothing, so that an edge into it is a mistake and not a saving. */
static void check_frozen(const struct sy_experiment *experiment, const struct sy_setting *group,
                         struct sy_problems *problems) {
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        const struct sy_node *target = &experiment->nodes[experiment->edges[e].target];
        if (target->frozen && target->follow.kind == SY_FOLLOWS_AVERAGE) {
            sy_problem(problems, group,
                       "edge %s: node \"%s\" is an average of \"%s\" and learns nothing; let the edge go into that one",
                       experiment->edges[e].name, target->name, experiment->nodes[target->follow.node].name);
        } else if (target->frozen) {
            sy_problem(problems, group,
                       "edge %s: node \"%s\" is frozen and learns nothing; give the edge weight 0 (to_teacher = 0.0 in "
                       "pair), or leave frozen out",
                       experiment->edges[e].name, target->name);
        }
    }
}

/* Nodes that step one after the other would have to forward all they feed anew after each step. */
static void check_update_order(const struct sy_experiment *experiment, const struct sy_setting *group,
                               struct sy_problems *problems) {
    for (int32_t i = 0; i < experiment->n_nodes && experiment->order == SY_ORDER_ALTERNATING; i++) {
        const struct sy_node *node = &experiment->nodes[i];
        for (int32_t k = 0; k < node->n_links; k++) {
            if (node->links[k].source >= 0) {
                sy_problem(problems, sy_setting_find(group, "update"),
                           "\"alternating\" is for nodes that look at images only; node \"%s\" is fed by node \"%s\"",
                           node->name, experiment->nodes[node->links[k].source].name);
                return;
            }
        }
        if (node->follow.kind == SY_FOLLOWS_WEIGHTS) {
            sy_problem(
                problems, sy_setting_find(group, "update"),
                "\"alternating\" is for nodes with parameters of their own; node \"%s\" has those of node \"%s\"",
                node->name, experiment->nodes[node->follow.node].name);
            return;
        }
    }
}

void sy_experiment_check_wiring(const struct sy_experiment *experiment, const struct sy_setting *group,
                                struct sy_problems *problems) {
    check_frozen(experiment, group, problems);
    check_update_order(experiment, group, problems);
}

void sy_experiment_check_watchdog(const struct sy_experiment *experiment, struct sy_problems *problems) {
    const struct sy_train_settings *train = &experiment->train;
    if (train->on_nonfinite == SY_NONFINITE_LOWER_RATE && train->checkpoint_every != 1) {
        sy_problem(
            problems, sy_setting_find(experiment->config, "train.on_nonfinite"),
            "\"lower_rate\" goes back to the checkpoint at the start of the epoch; train.checkpoint_every is %d, "
            "must be 1",
            train->checkpoint_every);
    }
}
