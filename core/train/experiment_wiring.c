/* experiment_wiring.c - what the topology describes: edges with their losses, gates with their policies. */
#include "experiment_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../host/call.h"

/* ---- losses ----------------------------------------------------------------------------------------------------- */

bool sy_loss_use_make(struct sy_loss_use *use, struct sy_experiment *experiment, struct sy_setting *group,
                      const char *fallback, const char *const *names, const char *owner, struct sy_problems *problems) {
    struct sy_error err = {.size = sizeof err};
    use->instance =
        sy_instance_from_group(experiment->registry, SY_LOSS, group, fallback, names, experiment->arena, problems);
    if (!use->instance) {
        return false;
    }
    use->ops = use->instance->ops;
    sy_services_init(&use->services, experiment->threads, (uint64_t)experiment->seed, owner);
    use->services.labels = sy_experiment_labels;
    use->services.labels_source = experiment;
    use->services.in_init = true;
    int status = use->ops->init ? SY_CALLED(use->instance->found, "init",
                                            use->ops->init(use->instance->self, &use->services.host, &err))
                                : SY_OK;
    use->services.in_init = false;
    if (status != SY_OK) {
        sy_problem(problems, group, "loss \"%s\": %s", use->instance->found->plugin.name, err.text);
        return false;
    }
    use->ready = true;
    return true;
}

void sy_loss_use_finish(struct sy_loss_use *use) {
    if (use->ready && use->ops->fini) {
        use->ops->fini(use->instance->self);
    }
    if (use->instance) {
        sy_instance_destroy(use->instance);
        sy_services_finish(&use->services);
    }
    *use = (struct sy_loss_use){0};
}

/* ---- what a topology says --------------------------------------------------------------------------------------- */

/* The context of struct sy_wiring: copies what it is told into growing arrays. */
struct told {
    struct sy_experiment *experiment;
    struct sy_setting *group;
    const char *plugin;
    struct sy_problems *problems;
    const char **losses;         /* key of each edge's loss in the group */
    const char **target_outputs; /* by name */
    const char **source_outputs;
    int32_t *nodes; /* the topology's numbers of nodes: parts come after all others */
    int32_t room_edges, room_gates;
    bool failed;
};

static bool is_node(const struct told *told, int32_t node) {
    return node >= 0 && node < told->experiment->n_nodes;
}

/* Built, and without logits. */
static bool is_mute(const struct sy_experiment *experiment, int32_t node) {
    return experiment->nodes[node].full && !experiment->nodes[node].has_logits;
}

static int32_t wrong(struct told *told, const char *what) {
    sy_problem(told->problems, told->group, "topology \"%s\" %s", told->plugin, what);
    told->failed = true;
    return SY_EINVAL;
}

/* Twice the room for an array, at least 8. */
static void *grown(struct sy_arena *arena, const void *old, int32_t count, size_t bytes) {
    void *now = sy_arena_take(arena, (size_t)(count ? 2 * count : 8) * bytes);
    if (now && count) {
        memcpy(now, old, (size_t)count * bytes);
    }
    return now;
}

static int32_t add_gate(void *context, const struct sy_gate *gate) {
    struct told *told = context;
    struct sy_experiment *experiment = told->experiment;
    if (!is_node(told, gate->teacher) || !is_node(told, gate->student) || gate->teacher == gate->student) {
        return wrong(told, "puts a gate between nodes that do not exist");
    }
    int32_t teacher = told->nodes[gate->teacher], student = told->nodes[gate->student];
    if (is_mute(experiment, teacher) || is_mute(experiment, student)) {
        return wrong(told, "puts a gate at a node without logits, of which a policy could see nothing");
    }
    if (experiment->n_gates == told->room_gates) {
        void *gates = grown(experiment->arena, experiment->gates, experiment->n_gates, sizeof *experiment->gates);
        if (!gates) {
            return wrong(told, "needs more memory than there is");
        }
        experiment->gates = gates;
        told->room_gates = told->room_gates ? 2 * told->room_gates : 8;
    }
    experiment->gates[experiment->n_gates] =
        (struct sy_watch){.teacher = teacher,
                          .student = student,
                          .watch_only = gate->watch_only != 0,
                          .closes_only = SY_HAS(gate, closes_only) && gate->closes_only != 0};
    return experiment->n_gates++;
}

static bool room_for_edge(struct told *told) {
    struct sy_experiment *experiment = told->experiment;
    int32_t count = experiment->n_edges;
    if (count < told->room_edges) {
        return true;
    }
    void *edges = grown(experiment->arena, experiment->edges, count, sizeof *experiment->edges);
    void *losses = grown(experiment->arena, told->losses, count, sizeof *told->losses);
    void *targets = grown(experiment->arena, told->target_outputs, count, sizeof *told->target_outputs);
    void *sources = grown(experiment->arena, told->source_outputs, count, sizeof *told->source_outputs);
    if (!edges || !losses || !targets || !sources) {
        return false;
    }
    experiment->edges = edges, told->losses = losses;
    told->target_outputs = targets, told->source_outputs = sources;
    told->room_edges = told->room_edges ? 2 * told->room_edges : 8;
    return true;
}

static const char *edge_name(struct told *told, const struct sy_edge *edge) {
    const struct sy_node *nodes = told->experiment->nodes;
    if (edge->name) {
        return sy_arena_text(told->experiment->arena, edge->name);
    }
    return sy_arena_print(told->experiment->arena, "%s%s->%s", nodes[told->nodes[edge->sources[0]]].name,
                          edge->n_sources > 1 ? "+..." : "", nodes[told->nodes[edge->target]].name);
}

static int32_t add_edge(void *context, const struct sy_edge *edge) {
    struct told *told = context;
    struct sy_experiment *experiment = told->experiment;
    if (!is_node(told, edge->target) || edge->n_sources < 1) {
        return wrong(told, "puts an edge where there is no node");
    }
    for (int32_t s = 0; s < edge->n_sources; s++) {
        if (!is_node(told, edge->sources[s]) || edge->sources[s] == edge->target) {
            return wrong(told, "puts an edge where there is no node, or from a node to itself");
        }
    }
    if (edge->gate < -1 || edge->gate >= experiment->n_gates || edge->gate_effect < SY_ALWAYS_OPEN ||
        edge->gate_effect > SY_OPEN_IN_BOTH_MODES) {
        return wrong(told, "hangs an edge on a gate that does not exist, or in a way that there is not");
    }
    if (!isfinite(edge->weight) || edge->weight < 0) {
        return wrong(told, sy_arena_print(experiment->arena, "gives an edge the weight %g; it is a factor, 0 or more",
                                          edge->weight));
    }
    size_t bytes = (size_t)edge->n_sources * sizeof *edge->sources;
    int32_t *sources = sy_arena_take(experiment->arena, bytes);
    int32_t *outputs = sy_arena_take(experiment->arena, bytes);
    const char *name = edge_name(told, edge);
    if (!sources || !outputs || !name || !room_for_edge(told)) {
        return wrong(told, "needs more memory than there is");
    }
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        if (!strcmp(experiment->edges[e].name, name)) {
            return wrong(told, sy_arena_print(experiment->arena, "has two edges that are called \"%s\"", name));
        }
    }
    for (int32_t s = 0; s < edge->n_sources; s++) {
        sources[s] = told->nodes[edge->sources[s]];
    }
    int32_t index = experiment->n_edges;
    told->losses[index] = sy_arena_text(experiment->arena, edge->loss ? edge->loss : "loss");
    told->target_outputs[index] = sy_arena_text(experiment->arena, edge->output ? edge->output : "logits");
    told->source_outputs[index] =
        sy_arena_text(experiment->arena, edge->source_output ? edge->source_output : "logits");
    experiment->edges[index] = (struct sy_flow){
        .name = name,
        .target = told->nodes[edge->target],
        .n_sources = edge->n_sources,
        .sources = sources,
        .source_outputs = outputs,
        .gate = edge->gate_effect == SY_ALWAYS_OPEN ? -1 : edge->gate,
        .gate_effect = edge->gate < 0 ? SY_ALWAYS_OPEN : edge->gate_effect,
        .attached = edge->attached != 0,
        .weight = edge->weight != 0 ? edge->weight : 1,
    };
    if (!told->losses[index] || !told->target_outputs[index] || !told->source_outputs[index] ||
        !experiment->edges[index].name) {
        return wrong(told, "needs more memory than there is");
    }
    experiment->n_edges++;
    return SY_OK;
}

/* Asks the topology; false after a problem. */
static bool describe(struct told *told, const struct sy_instance *topology) {
    struct sy_experiment *experiment = told->experiment;
    const struct sy_topology_ops *ops = topology->ops;
    struct sy_error err = {.size = sizeof err};
    size_t count = (size_t)experiment->n_nodes;
    const char **names = sy_arena_take(experiment->arena, count * sizeof *names);
    int32_t *roles = sy_arena_take(experiment->arena, count * sizeof *roles), n = 0, whole = 0;
    told->nodes = sy_arena_take(experiment->arena, count * sizeof *told->nodes);
    if (!names || !roles || !told->nodes) {
        wrong(told, "needs more memory than there is");
        return false;
    }
    for (int parts = 0; parts < 2; parts++) {
        for (int32_t i = 0; i < experiment->n_nodes; i++) {
            if ((experiment->nodes[i].role == SY_ROLE_PART) == (parts != 0)) {
                names[n] = experiment->nodes[i].name;
                roles[n] = experiment->nodes[i].role;
                told->nodes[n++] = i;
            }
        }
        whole = parts ? whole : n;
    }
    struct sy_wiring wiring = {.size = sizeof wiring, .context = told, .gate = add_gate, .edge = add_edge};
    struct sy_topology_in in = {
        .size = sizeof in, .n_nodes = whole, .names = names, .roles = roles, .n_parts = n - whole};
    int status = ops->init ? SY_CALLED(topology->found, "init", ops->init(topology->self, &err)) : SY_OK;
    if (status == SY_OK) {
        status = SY_CALLED(topology->found, "describe", ops->describe(topology->self, &wiring, &in, &err));
        if (ops->fini) {
            ops->fini(topology->self);
        }
    }
    if (status != SY_OK && !told->failed) {
        sy_problem(told->problems, told->group, "topology \"%s\": %s", told->plugin, err.text);
    }
    return status == SY_OK && !told->failed;
}

/* ---- outputs and losses of edges -------------------------------------------------------------------------------- */

/* Index of a named output in a node's full graph; a problem naming those there are if it has none of that name. */
static int32_t find_output(struct told *told, const struct sy_node *node, const char *name, const char *edge) {
    if (!node->full) {
        return -1; /* its problem is told already */
    }
    const struct sy_graph *graph = &node->full->graph;
    int32_t index = sy_graph_output(graph, name);
    if (index < 0) {
        char known[512] = "";
        for (int32_t i = 0; i < graph->n_outputs; i++) {
            size_t used = strlen(known);
            snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", graph->outputs[i]->name);
        }
        sy_problem(told->problems, told->group, "edge %s: node \"%s\" has no output \"%s\"; it has %s", edge,
                   node->name, name, known);
    }
    return index;
}

static const struct sy_shape *output_shape(const struct sy_node *node, int32_t output) {
    return &node->full->graph.values[node->full->graph.outputs[output]->value];
}

/* Whether the loss of an edge can work on the shapes it will see. */
static void check_shapes(struct told *told, const struct sy_flow *edge, int32_t target_output,
                         const int32_t *source_outputs) {
    struct sy_experiment *experiment = told->experiment;
    const struct sy_loss_ops *ops = edge->loss.ops;
    const struct sy_shape *target = output_shape(&experiment->nodes[edge->target], target_output);
    const struct sy_shape **sources = malloc((size_t)edge->n_sources * sizeof *sources);
    struct sy_error err = {.size = sizeof err};
    if (!sources) {
        wrong(told, "needs more memory than there is");
        return;
    }
    int32_t classes = experiment->dataset_info.classes;
    bool logits = target->rank == 1 && target->dim[0] == classes;
    for (int32_t s = 0; s < edge->n_sources; s++) {
        sources[s] = output_shape(&experiment->nodes[edge->sources[s]], source_outputs[s]);
        logits = logits && sources[s]->rank == 1 && sources[s]->dim[0] == classes;
    }
    const char *name = edge->loss.instance->found->plugin.name;
    if (ops->check) {
        int status = SY_CALLED(edge->loss.instance->found, "check",
                               ops->check(edge->loss.instance->self, classes, target, sources, edge->n_sources, &err));
        if (status != SY_OK) {
            sy_problem(told->problems, told->group, "edge %s: loss \"%s\": %s", edge->name, name, err.text);
        }
    } else if (!logits) {
        sy_problem(told->problems, told->group, "edge %s: loss \"%s\" works on logits only", edge->name, name);
    }
    free(sources);
}

/* What the group of an edge's loss says of its weight over time. */
static void read_ramp(struct told *told, struct sy_flow *edge, struct sy_setting *group) {
    const struct sy_table table = {sy_edge_fields, 0};
    struct sy_experiment *experiment = told->experiment;
    edge->ramp = experiment->ramp;
    struct sy_ramp own = {0};
    if (sy_fields_read(&own, &table, group, experiment->arena, told->problems) && --own.ramp != SY_RAMP_OF_TOPOLOGY) {
        edge->ramp = own;
        edge->own_ramp = true;
    }
    sy_ramp_check(&own, group, told->problems);
}

/* Keys of a loss's group that are the core's. NULL when memory is used up. */
static const char *const *edge_keys(const struct told *told) {
    static const char *const more[] = {"plugin", NULL};
    return sy_table_names(&(struct sy_table){sy_edge_fields, 0}, more, told->experiment->arena);
}

static void equip_edge(struct told *told, int32_t index) {
    const char *const *names = edge_keys(told);
    struct sy_experiment *experiment = told->experiment;
    struct sy_flow *edge = &experiment->edges[index];
    bool known = true;
    int32_t *outputs = sy_arena_take(experiment->arena, (size_t)edge->n_sources * sizeof *outputs);
    int32_t target = find_output(told, &experiment->nodes[edge->target], told->target_outputs[index], edge->name);
    if (!outputs || !names) {
        sy_problem(told->problems, NULL, "memory is used up");
        return;
    }
    known = target >= 0;
    for (int32_t s = 0; s < edge->n_sources; s++) {
        outputs[s] = find_output(told, &experiment->nodes[edge->sources[s]], told->source_outputs[index], edge->name);
        known = known && outputs[s] >= 0;
    }
    struct sy_setting *group = sy_experiment_group(told->group, told->losses[index], told->problems);
    if (group) {
        read_ramp(told, edge, group);
    }
    if (group &&
        sy_loss_use_make(&edge->loss, experiment, group, "kl", names,
                         sy_arena_print(experiment->arena, "loss of edge %s", edge->name), told->problems) &&
        known) {
        check_shapes(told, edge, target, outputs);
    }
    edge->target_output = target;
    edge->source_outputs = outputs;
}

/* ---- policies --------------------------------------------------------------------------------------------------- */

static void make_policy(struct told *told, struct sy_watch *gate, struct sy_setting *group) {
    static const char *const names[] = {"plugin", NULL};
    struct sy_experiment *experiment = told->experiment;
    struct sy_error err = {.size = sizeof err};
    gate->policy = sy_instance_from_group(experiment->registry, SY_POLICY, group, "learning", names, experiment->arena,
                                          told->problems);
    if (!gate->policy) {
        return;
    }
    const char *plugin = gate->policy->found->plugin.name;
    gate->ops = gate->policy->ops;
    sy_services_init(&gate->services, experiment->threads, (uint64_t)experiment->seed,
                     sy_arena_print(experiment->arena, "policy %s", plugin));
    gate->services.in_init = true;
    gate->ready =
        !gate->ops->init || SY_CALLED(gate->policy->found, "init",
                                      gate->ops->init(gate->policy->self, &gate->services.host, &err)) == SY_OK;
    gate->services.in_init = false;
    if (!gate->ready) {
        sy_problem(told->problems, group, "policy \"%s\": %s", plugin, err.text);
    }
}

static void make_policies(struct told *told) {
    struct sy_experiment *experiment = told->experiment;
    struct sy_setting *group = sy_experiment_group(experiment->config, "policy", told->problems);
    if (!group) {
        return;
    }
    /* The same mistake need not be told once per gate. */
    size_t before = sy_problems_count(told->problems);
    for (int32_t i = 0; i < experiment->n_gates && sy_problems_count(told->problems) == before; i++) {
        make_policy(told, &experiment->gates[i], group);
    }
    if (!experiment->n_gates) {
        struct sy_watch nobody = {0};
        make_policy(told, &nobody, group);
        if (nobody.ready && nobody.ops->fini) {
            nobody.ops->fini(nobody.policy->self);
        }
        sy_instance_destroy(nobody.policy);
        sy_services_finish(&nobody.services);
    }
}

/* A loss that no edge uses is checked all the same: a change of the topology must not bring up old mistakes. */
static void check_unused_loss(struct told *told) {
    const char *const *names = edge_keys(told);
    struct sy_loss_use nobody = {0};
    struct sy_flow no_edge = {0};
    for (int32_t e = 0; e < told->experiment->n_edges; e++) {
        if (!strcmp(told->losses[e], "loss")) {
            return;
        }
    }
    struct sy_setting *group = sy_setting_get(told->group, "loss");
    if (group && names) {
        read_ramp(told, &no_edge, group);
        sy_loss_use_make(&nobody, told->experiment, group, "kl", names, "topology.loss", told->problems);
    }
    sy_loss_use_finish(&nobody);
}

/* The topology's own keys: those of the core, and every group, which may be a loss that some edge names. NULL after a
 * problem. */
static const char *const *topology_keys(const struct sy_experiment *experiment, const struct sy_setting *group,
                                        struct sy_problems *problems) {
    struct sy_table table = {sy_topology_fields, 0};
    const char **names = sy_arena_take(experiment->arena, (group->n_children + 3) * sizeof *names);
    size_t count = 0;
    if (!names) {
        sy_problem(problems, NULL, "memory is used up");
        return NULL;
    }
    names[count++] = "plugin";
    names[count++] = "loss";
    for (size_t i = 0; i < group->n_children; i++) {
        if (group->children[i]->kind == SY_SETTING_GROUP && strcmp(group->children[i]->name, "loss") != 0) {
            names[count++] = group->children[i]->name;
        }
    }
    names[count] = NULL;
    return sy_table_names(&table, names, experiment->arena);
}

/* A group that no edge names is a mistake: perhaps a loss under a wrong name; but not one that was written for a topology
 * which a later layer replaced. */
static void check_unnamed_groups(struct told *told) {
    const struct sy_setting *plugin = sy_setting_find(told->group, "plugin");
    for (size_t i = 0; i < told->group->n_children; i++) {
        const struct sy_setting *child = told->group->children[i];
        bool named =
            child->kind != SY_SETTING_GROUP || !strcmp(child->name, "loss") || (plugin && child->layer < plugin->layer);
        for (int32_t e = 0; e < told->experiment->n_edges && !named; e++) {
            named = !strcmp(told->losses[e], child->name);
        }
        if (!named) {
            sy_problem(told->problems, child, "unknown key: no edge of topology \"%s\" has a loss of this name",
                       told->plugin);
        }
    }
}

static int32_t count_whole(const struct sy_experiment *experiment) {
    int32_t count = 0;
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        count += experiment->nodes[i].role != SY_ROLE_PART;
    }
    return count;
}

/* Edges and gates, as the topology describes them. A node alone needs none: there is nobody to learn from. */
static bool wire_topology(struct told *told) {
    struct sy_experiment *experiment = told->experiment;
    if (count_whole(experiment) == 1 && !sy_setting_find(told->group, "plugin")) {
        static const char *const keys[] = {"plugin", "loss", NULL};
        struct sy_table table = {sy_topology_fields, 0};
        sy_fields_finish(told->group, (const struct sy_table *const[]){&table}, 1, keys, told->problems);
        told->plugin = "none";
        return true;
    }
    struct sy_instance *topology = sy_instance_from_group(experiment->registry, SY_TOPOLOGY, told->group, NULL,
                                                          topology_keys(experiment, told->group, told->problems),
                                                          experiment->arena, told->problems);
    if (!topology) {
        return false;
    }
    told->plugin = topology->found->plugin.name;
    bool described = describe(told, topology);
    sy_instance_destroy(topology);
    return described;
}

void sy_experiment_wire(struct sy_experiment *experiment, struct sy_problems *problems) {
    struct sy_table table = {sy_topology_fields, 0};
    struct sy_topology_settings settings = {0};
    struct sy_setting *group = sy_experiment_group(experiment->config, "topology", problems);
    if (!group || !experiment->n_nodes) {
        return;
    }
    struct told told = {.experiment = experiment, .group = group, .problems = problems};
    sy_fields_read(&settings, &table, group, experiment->arena, problems);
    experiment->pause = settings.pause;
    experiment->paused_bn = settings.paused_bn;
    experiment->order = settings.update;
    experiment->ramp = (struct sy_ramp){settings.ramp, settings.ramp_epochs, settings.ramp_at, settings.ramp_factors};
    sy_ramp_check(&experiment->ramp, group, problems);
    sy_experiment_group(group, "loss", problems);
    if (!wire_topology(&told)) {
        return;
    }
    size_t before = sy_problems_count(problems);
    sy_experiment_check_wiring(experiment, group, problems);
    check_unnamed_groups(&told);
    for (int32_t i = 0; i < experiment->n_edges && sy_problems_count(problems) == before; i++) {
        equip_edge(&told, i);
    }
    check_unused_loss(&told);
    make_policies(&told);
    if (sy_problems_count(problems) == before) {
        sy_experiment_prune(experiment, problems);
    }
}
