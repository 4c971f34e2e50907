/* experiment_follow.c - nodes whose parameters are another node's: a moving average of them, or the very same. */
#include "experiment_parts.h"

#include <string.h>

/* ---- the network of the one that is followed -------------------------------------------------------------------- */

/* The node named in nodes.X.ema.of or nodes.X.weights_of, with its setting in *at; -1: none is. */
static int32_t leader_of(const struct sy_experiment *experiment, struct sy_setting *node,
                         const struct sy_setting **at) {
    const struct sy_setting *ema = sy_setting_find(node, "ema");
    *at = ema && ema->kind == SY_SETTING_GROUP ? sy_setting_find(ema, "of") : sy_setting_find(node, "weights_of");
    for (int32_t i = 0; *at && (*at)->kind == SY_SETTING_STRING && i < experiment->n_nodes; i++) {
        if (!strcmp(experiment->nodes[i].name, (*at)->string)) {
            return i;
        }
    }
    return -1;
}

/* Keys of a node that are the core's own, and not its network's. */
static bool is_own_key(const char *key) {
    static const char *const groups[] = {"inputs", "optimizer", "schedule", "label_loss", "ema"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (!strcmp(groups[i], key)) {
            return true;
        }
    }
    for (const struct sy_field *field = sy_node_fields; field->name; field++) {
        if (!strcmp(field->name, key)) {
            return true;
        }
    }
    return false;
}

/* Takes over plugin and parameters, which a follower need not say again. */
static void copy_network(struct sy_setting *to, const struct sy_setting *from, struct sy_problems *problems) {
    struct sy_setting *copy = sy_setting_copy(from);
    for (size_t i = copy ? copy->n_children : 0; i-- > 0;) {
        const char *key = copy->children[i]->name;
        if (is_own_key(key) || sy_setting_find(to, key)) {
            sy_setting_remove(copy, key);
        }
    }
    if (!copy || !sy_setting_overlay(to, copy, SY_LAYERS_KEPT)) {
        sy_problem(problems, NULL, "memory is used up");
    }
    sy_setting_destroy(copy);
}

void sy_experiment_lend_networks(struct sy_experiment *experiment, struct sy_problems *problems) {
    const struct sy_setting *at;
    /* Who follows a follower may have to wait for it: as often as there are nodes is often enough. */
    for (int32_t round = 0; round < experiment->n_nodes; round++) {
        for (int32_t i = 0; i < experiment->n_nodes; i++) {
            struct sy_setting *node = experiment->nodes[i].setting;
            if (node->kind != SY_SETTING_GROUP || sy_setting_find(node, "plugin")) {
                continue;
            }
            int32_t leader = leader_of(experiment, node, &at);
            const struct sy_setting *from = leader >= 0 ? experiment->nodes[leader].setting : NULL;
            if (from && from->kind == SY_SETTING_GROUP && sy_setting_find(from, "plugin")) {
                copy_network(node, from, problems);
            }
        }
    }
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void read_ema(struct sy_experiment *experiment, struct sy_node *node, struct sy_setting *group,
                     struct sy_problems *problems) {
    struct sy_ema_settings settings = {0};
    struct sy_table table = {sy_ema_fields, 0};
    if (group->kind != SY_SETTING_GROUP) {
        sy_problem(problems, group, "must be a group: ema: { of = \"NODE\"; decay = 0.999; };");
        return;
    }
    bool good = sy_fields_read(&settings, &table, group, experiment->arena, problems);
    sy_fields_finish(group, (const struct sy_table *const[]){&table}, 1, NULL, problems);
    if (good && node->frozen == SY_FROZEN_EVAL && settings.buffers == SY_BUFFERS_OWN) {
        sy_problem(problems, group,
                   "node \"%s\" is in evaluation mode and would never move statistics of its own; set buffers to "
                   "\"average\" or \"copy\"",
                   node->name);
    }
    node->follow = (struct sy_follow){.kind = SY_FOLLOWS_AVERAGE,
                                      .node = -1,
                                      .decay = settings.decay,
                                      .warmup = settings.warmup != 0,
                                      .buffers = settings.buffers};
}

/* Keys that would do nothing where parameters come from another node. */
static void refuse_useless(const struct sy_node *node, struct sy_problems *problems) {
    bool shares = node->follow.kind == SY_FOLLOWS_WEIGHTS;
    static const char *const keys[] = {"optimizer", "schedule", "init"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct sy_setting *setting = sy_setting_find(node->setting, keys[i]);
        bool starts = !strcmp(keys[i], "init");
        if (setting && (shares || !starts)) {
            sy_problem(problems, setting, "node \"%s\" %s; %s belongs to that one", node->name,
                       shares ? "has the parameters of another" : "is an average of another", keys[i]);
        }
    }
}

void sy_experiment_read_follow(struct sy_experiment *experiment, struct sy_node *node, const char *weights_of,
                               struct sy_problems *problems) {
    struct sy_setting *ema = sy_setting_get(node->setting, "ema");
    const struct sy_setting *at;
    node->follow = (struct sy_follow){.kind = SY_FOLLOWS_NOBODY, .node = -1};
    if (ema && weights_of) {
        sy_problem(problems, ema, "node \"%s\" has weights_of, too; it follows one way or the other", node->name);
    } else if (ema) {
        read_ema(experiment, node, ema, problems);
    } else if (weights_of) {
        node->follow.kind = SY_FOLLOWS_WEIGHTS;
    }
    if (node->follow.kind == SY_FOLLOWS_NOBODY) {
        return;
    }
    node->follow.node = leader_of(experiment, node->setting, &at);
    if (node->follow.node < 0 && at) {
        sy_experiment_unknown_node(experiment, at->string, at, problems);
    } else if (&experiment->nodes[node->follow.node] == node) {
        sy_problem(problems, at, "node \"%s\" follows itself", node->name);
        node->follow.node = -1;
    }
    refuse_useless(node, problems);
    if (node->follow.kind == SY_FOLLOWS_AVERAGE && node->frozen == SY_NOT_FROZEN) {
        node->frozen = SY_FROZEN_TRAIN;
    }
}

/* ---- checking --------------------------------------------------------------------------------------------------- */

/* The first parameter that is not the leader's, or NULL. */
static const char *odd_parameter(const struct sy_graph *graph, const struct sy_graph *leader) {
    for (int32_t i = 0; i < graph->n_params; i++) {
        const struct sy_param *one = graph->params[i];
        if (i >= leader->n_params || strcmp(one->name, leader->params[i]->name) != 0 ||
            one->rank != leader->params[i]->rank ||
            memcmp(one->shape, leader->params[i]->shape, sizeof one->shape) != 0) {
            return one->name;
        }
    }
    return graph->n_params < leader->n_params ? leader->params[graph->n_params]->name : NULL;
}

/* An average is one of a node that learns; parameters are shared with a node that has some of its own. */
static void check_leader(const struct sy_experiment *experiment, const struct sy_node *node,
                         struct sy_problems *problems) {
    const struct sy_node *leader = &experiment->nodes[node->follow.node];
    const struct sy_setting *at;
    leader_of(experiment, node->setting, &at);
    if (leader->follow.kind == SY_FOLLOWS_WEIGHTS) {
        sy_problem(problems, at, "node \"%s\" has the weights of \"%s\"; name that one", leader->name,
                   leader->follow.node >= 0 ? experiment->nodes[leader->follow.node].name : "another");
    } else if (node->follow.kind == SY_FOLLOWS_AVERAGE && leader->follow.kind == SY_FOLLOWS_AVERAGE) {
        sy_problem(problems, at, "node \"%s\" is an average itself; name a node that learns", leader->name);
    }
    if (!leader->full || !node->full) {
        return;
    }
    const char *odd = odd_parameter(&node->full->graph, &leader->full->graph);
    if (odd) {
        sy_problem(problems, at, "the networks of \"%s\" and \"%s\" differ: parameter %s is not in both, or not alike",
                   node->name, leader->name, odd);
    }
}

void sy_experiment_check_follow(struct sy_experiment *experiment, struct sy_problems *problems) {
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        struct sy_node *node = &experiment->nodes[i];
        if (node->follow.node >= 0) {
            check_leader(experiment, node, problems);
        }
        /* Weights that never move do so nowhere. */
        if (node->follow.kind == SY_FOLLOWS_WEIGHTS && node->follow.node >= 0 && !node->frozen) {
            node->frozen = experiment->nodes[node->follow.node].frozen;
        }
    }
}
