/* experiment_nodes.c - the networks of an experiment, each with its optimiser, schedule and label loss. */
#include "experiment_parts.h"

#include <string.h>
#include <xxhash.h>

#include "../host/call.h"
#include "weights.h"

static struct sy_setting *choice_of(struct sy_setting *group) {
    struct sy_setting *plugin = sy_setting_get(group, "plugin");
    return plugin ? plugin : sy_setting_get(group, "kind");
}

/* Whether it was --set that put another plugin or kind into the merged group than the files have there. */
static bool chosen_by_argument(struct sy_setting *choice, struct sy_setting *base, struct sy_setting *own) {
    const struct sy_setting *files = sy_setting_without_argument(choice_of(own));
    files = files ? files : sy_setting_without_argument(choice_of(base));
    bool by_files = choice == sy_setting_without_argument(choice);
    return choice && !by_files && !(files && files->string && choice->string && !strcmp(files->string, choice->string));
}

/* The group `name` of a node laid over the one of train, put in the node's place; train's own where the node is silent. */
static struct sy_setting *node_group(struct sy_experiment *experiment, struct sy_setting *node, const char *name,
                                     struct sy_problems *problems) {
    struct sy_setting *base = sy_setting_get(sy_setting_get(experiment->config, "train"), name);
    struct sy_setting *own = sy_setting_get(node, name);
    if (!own || !base) {
        return base;
    }
    if (own->kind != SY_SETTING_GROUP) {
        sy_problem(problems, own, "must be a group: %s: { ... };", name);
        return base;
    }
    enum { LAYER_NODE = 1000, LAYER_ARGUMENT }; /* above every layer of the base */
    struct sy_setting *over = sy_setting_copy(own), *arguments = sy_setting_copy(own);
    struct sy_setting *merged = over && arguments ? sy_setting_add(node, SY_SETTING_GROUP, name) : NULL;
    if (arguments) {
        sy_setting_keep_arguments(arguments);
    }
    if (!merged || !sy_setting_overlay(merged, base, 0) || !sy_setting_overlay(merged, over, LAYER_NODE) ||
        !sy_setting_overlay(merged, arguments, LAYER_ARGUMENT)) {
        sy_problem(problems, NULL, "memory is used up");
    } else if (chosen_by_argument(choice_of(merged), base, over)) {
        choice_of(merged)->layer = LAYER_ARGUMENT; /* what the files say beside it was meant for another */
    }
    sy_setting_destroy(arguments);
    sy_setting_destroy(over);
    if (merged) {
        merged->used = true;
    }
    return merged;
}

static void read_label_loss(struct sy_experiment *experiment, struct sy_node *node, struct sy_problems *problems) {
    static const struct sy_field weight_fields[] = {
        SY_PARAM(struct sy_node_settings, label_weight, .def = 1, .min = 0, .max = 1e6,
                 .doc = "factor on the node's label loss"),
        SY_END,
    };
    static const char *const names[] = {"plugin", "label_weight", NULL};
    struct sy_table table = {weight_fields, 0};
    struct sy_node_settings settings = {0};
    struct sy_setting *group = node_group(experiment, node->setting, "label_loss", problems);
    sy_fields_read(&settings, &table, group, experiment->arena, problems);
    node->label_weight = settings.label_weight;
    sy_loss_use_make(&node->label_loss, experiment, group, "ce", names,
                     sy_arena_print(experiment->arena, "label loss of %s", node->name), problems);
}

/* What the graph has to have: every input read, and logits for every class if there are logits. */
static bool check_graph(struct sy_experiment *experiment, struct sy_node *node, const char *plugin,
                        struct sy_problems *problems) {
    const struct sy_graph *graph = &node->full->graph;
    int32_t classes = experiment->dataset_info.classes, logits = sy_graph_output(graph, "logits");
    bool good = true;
    for (int32_t k = 0; k < node->n_links; k++) {
        if (!sy_graph_reads(graph, graph->inputs[k])) {
            sy_problem(problems, node->links[k].setting ? node->links[k].setting : node->setting,
                       "network \"%s\" does not read its input %d; it has %d", plugin, k, node->n_links);
            good = false;
        }
    }
    node->has_logits = logits >= 0;
    if (!node->has_logits) {
        const struct sy_setting *label_loss = sy_setting_find(node->setting, "label_loss");
        if (label_loss) {
            sy_problem(
                problems, node->setting,
                "has a label_loss, but network \"%s\" has no output \"logits\" that labels could be compared with",
                plugin);
        }
        return good && !label_loss;
    }
    const struct sy_shape *shape = &graph->values[graph->outputs[logits]->value];
    if (shape->rank != 1 || shape->dim[0] != classes) {
        sy_problem(problems, node->setting, "network \"%s\" tells %d classes apart, the data set has %d", plugin,
                   shape->dim[0], classes);
        good = false;
    }
    return good;
}

static bool build_graph(struct sy_experiment *experiment, struct sy_node *node, struct sy_problems *problems) {
    struct sy_shape shapes[SY_MOST_LINKS];
    struct sy_error err = {.size = sizeof err};
    const struct sy_dataset_info *data = &experiment->dataset_info;
    const char *plugin = node->network->found->plugin.name;
    if (node->ops->init &&
        SY_CALLED(node->network->found, "init", node->ops->init(node->network->self, &err)) != SY_OK) {
        sy_problem(problems, node->setting, "network \"%s\": %s", plugin, err.text);
        return false;
    }
    node->ready = true;
    if (!data->classes || !sy_experiment_input_shapes(shapes, experiment, node, problems)) {
        return false; /* the data set's problem, or the source's, is told already */
    }
    sy_call_begin(node->network->found, "build");
    node->full = sy_graph_build(node->ops, node->network->self, shapes, node->n_links, data->classes, &err);
    sy_call_end(0);
    if (!node->full) {
        sy_problem(problems, node->setting, "network \"%s\": %s", plugin, err.text);
        return false;
    }
    return check_graph(experiment, node, plugin, problems);
}

/* The view a node looks at: the shared one (key 0), or one of its own. Who is fed by others only sees what they see. */
static void choose_view(struct sy_experiment *experiment, struct sy_node *node, const struct sy_node_settings *settings,
                        uint32_t *keys, struct sy_problems *problems) {
    enum { BY_DEFAULT, SHARED, OWN };
    for (int32_t k = 0; k < node->n_links; k++) {
        node->looks = node->looks || node->links[k].source < 0;
    }
    if (!node->looks) {
        if (settings->view != BY_DEFAULT || settings->view_of) {
            sy_problem(
                problems, sy_setting_find(node->setting, settings->view_of ? "view_of" : "view"),
                "node \"%s\" is fed by other nodes only and sees what they see; leave view out, and give it to them",
                node->name);
        }
        return;
    }
    if (settings->view_of) {
        node->view_of = settings->view_of;
        if (settings->view != BY_DEFAULT) {
            sy_problem(problems, sy_setting_find(node->setting, "view"), "node \"%s\" has view_of, too; leave one out",
                       node->name);
        }
        return;
    }
    bool own = settings->view == OWN || (settings->view == BY_DEFAULT && experiment->data.views == 1);
    uint32_t key = own ? (node->key ? node->key : 1) : 0;
    for (node->view = 0; node->view < experiment->n_views; node->view++) {
        if (keys[node->view] == key) {
            return;
        }
    }
    keys[experiment->n_views++] = key;
}

/* Gives nodes with view_of the view of the node they name. */
static void share_views(struct sy_experiment *experiment, struct sy_problems *problems) {
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        struct sy_node *node = &experiment->nodes[i];
        const struct sy_setting *at = sy_setting_find(node->setting, "view_of");
        const struct sy_node *other = NULL;
        for (int32_t k = 0; node->view_of && k < experiment->n_nodes; k++) {
            other = !strcmp(experiment->nodes[k].name, node->view_of) ? &experiment->nodes[k] : other;
        }
        if (other && !other->looks) {
            sy_problem(problems, at, "node \"%s\" sees no image of its own; name one that does", other->name);
        } else if (other && other->view_of) {
            sy_problem(problems, at, "node \"%s\" has view_of itself; name node \"%s\"", other->name, other->view_of);
        } else if (other) {
            node->view = other->view;
        } else if (node->view_of) {
            sy_experiment_unknown_node(experiment, node->view_of, at, problems);
        }
    }
}

static void make_node(struct sy_experiment *experiment, struct sy_node *node, struct sy_setting *setting,
                      uint32_t *view_keys, struct sy_problems *problems) {
    static const char *const groups[] = {"plugin", "inputs", "ema", "optimizer", "schedule", "label_loss", NULL};
    struct sy_table table = {sy_node_fields, 0};
    struct sy_node_settings settings = {0};
    setting->used = true;
    if (setting->kind != SY_SETTING_GROUP) {
        sy_problem(problems, setting, "must be a group: %s: { plugin = \"...\"; role = \"...\"; };", setting->name);
        return;
    }
    sy_fields_read(&settings, &table, setting, experiment->arena, problems);
    sy_experiment_read_links(experiment, node, problems);
    static const int32_t roles[] = {SY_ROLE_PEER, SY_ROLE_TEACHER, SY_ROLE_STUDENT, SY_ROLE_PART};
    node->role = roles[settings.role];
    node->init = settings.init;
    node->choices = settings.choices;
    node->frozen = settings.frozen;
    node->seed = settings.seed >= 0 ? (uint64_t)settings.seed : (uint64_t)experiment->seed;
    node->key = settings.seed >= 0 ? 0 : (uint32_t)XXH32(node->name, strlen(node->name), 0);
    sy_experiment_read_follow(experiment, node, settings.weights_of, problems);
    choose_view(experiment, node, &settings, view_keys, problems);
    sy_optimizer_read(&node->optimizer, node_group(experiment, setting, "optimizer", problems), experiment->arena,
                      problems);
    sy_schedule_read(&node->schedule, node_group(experiment, setting, "schedule", problems), experiment->arena,
                     problems);
    read_label_loss(experiment, node, problems);
    node->network =
        sy_instance_from_group(experiment->registry, SY_NETWORK, setting, NULL,
                               sy_table_names(&table, groups, experiment->arena), experiment->arena, problems);
    node->ops = node->network ? node->network->ops : NULL;
}

/* Builds the graph and checks what starts from it; those that feed the node have theirs. */
static void build_node(struct sy_experiment *experiment, struct sy_node *node, struct sy_problems *problems) {
    if (!node->network) {
        return;
    }
    if (build_graph(experiment, node, problems) && node->init) {
        sy_weights_check(node->init, &node->full->graph, sy_setting_find(node->setting, "init"), problems);
    }
}

void sy_experiment_make_nodes(struct sy_experiment *experiment, struct sy_problems *problems) {
    struct sy_setting *group = sy_experiment_group(experiment->config, "nodes", problems);
    if (!group) {
        return;
    }
    if (!group->n_children) {
        sy_problem(problems, group,
                   "names no node; an experiment needs one at least: nodes: { student: { plugin = \"NETWORK\"; role = "
                   "\"student\"; }; }; `switchyard list` names the networks");
        return;
    }
    /* Once for themselves, so that a problem is told even where every node has its own. */
    struct sy_optimizer optimizer;
    struct sy_schedule schedule;
    struct sy_setting *train = sy_setting_get(experiment->config, "train");
    sy_optimizer_read(&optimizer, sy_setting_get(train, "optimizer"), experiment->arena, problems);
    sy_schedule_read(&schedule, sy_setting_get(train, "schedule"), experiment->arena, problems);

    size_t count = group->n_children;
    uint32_t *keys = sy_arena_take(experiment->arena, count * sizeof *keys);
    experiment->nodes = sy_arena_take(experiment->arena, count * sizeof *experiment->nodes);
    experiment->sequence = sy_arena_take(experiment->arena, count * sizeof *experiment->sequence);
    bool *placed = sy_arena_take(experiment->arena, count * sizeof *placed);
    if (!keys || !experiment->nodes || !experiment->sequence || !placed) {
        sy_problem(problems, NULL, "memory is used up");
        return;
    }
    experiment->view_keys = keys;
    experiment->n_nodes = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        experiment->nodes[i].name = group->children[i]->name;
        experiment->nodes[i].setting = group->children[i];
    }
    sy_experiment_lend_networks(experiment, problems);
    for (size_t i = 0; i < count; i++) {
        make_node(experiment, &experiment->nodes[i], group->children[i], keys, problems);
    }
    sy_experiment_order(experiment, placed, problems);
    share_views(experiment, problems);
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        build_node(experiment, &experiment->nodes[experiment->sequence[i]], problems);
    }
    sy_experiment_check_follow(experiment, problems);
}
