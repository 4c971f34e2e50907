/* experiment_links.c - what feeds each node: the image, or outputs of other nodes; and the order that follows. */
#include "experiment_parts.h"

#include <stdlib.h>
#include <string.h>

static const char image_word[] = "image";

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static int32_t node_called(const struct sy_experiment *experiment, const char *name, size_t length) {
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        if (strlen(experiment->nodes[i].name) == length && !strncmp(experiment->nodes[i].name, name, length)) {
            return i;
        }
    }
    return -1;
}

void sy_experiment_unknown_node(struct sy_experiment *experiment, const char *name, const struct sy_setting *at,
                                struct sy_problems *problems) {
    const char **names = malloc((size_t)experiment->n_nodes * sizeof *names);
    const char *near = NULL;
    for (int32_t i = 0; names && i < experiment->n_nodes; i++) {
        names[i] = experiment->nodes[i].name;
    }
    if (names) {
        near = sy_nearest_name(name, names, (size_t)experiment->n_nodes);
    }
    sy_problem(problems, at, "no node is called \"%s\"%s%s%s", name, near ? "; did you mean \"" : "", near ? near : "",
               near ? "\"?" : "");
    free(names);
}

/* "image" or "NODE.OUTPUT" */
static void read_source(struct sy_experiment *experiment, const struct sy_node *node, struct sy_link *link,
                        const char *from, struct sy_problems *problems) {
    const char *dot = strchr(from, '.');
    if (!strcmp(from, image_word)) {
        link->source = SY_FROM_IMAGE;
        return;
    }
    if (!dot || dot == from || !dot[1]) {
        sy_problem(problems, link->setting,
                   "\"%s\" is no input; write \"image\", or \"NODE.OUTPUT\" as in \"%s.logits\"", from,
                   dot == from || node_called(experiment, from, strlen(from)) < 0 ? "trunk" : from);
        return;
    }
    const char *name = sy_arena_print(experiment->arena, "%.*s", (int)(dot - from), from);
    int32_t source = name ? node_called(experiment, name, strlen(name)) : -1;
    link->output_name = sy_arena_text(experiment->arena, dot + 1);
    if (!name || !link->output_name) {
        sy_problem(problems, link->setting, "memory is used up");
    } else if (source < 0) {
        sy_experiment_unknown_node(experiment, name, link->setting, problems);
    } else if (&experiment->nodes[source] == node) {
        sy_problem(problems, link->setting, "node \"%s\" feeds itself", node->name);
    } else {
        link->source = source;
    }
}

static void read_link(struct sy_experiment *experiment, const struct sy_node *node, struct sy_link *link,
                      struct sy_setting *setting, struct sy_problems *problems) {
    struct sy_link_settings settings = {.gradient_scale = 1};
    struct sy_table table = {sy_link_fields, 0};
    *link = (struct sy_link){.source = SY_FROM_NOWHERE, .output = -1, .gradient_scale = 1, .setting = setting};
    setting->used = true;
    if (setting->kind == SY_SETTING_STRING) {
        settings.from = setting->string;
    } else if (setting->kind != SY_SETTING_GROUP) {
        sy_problem(problems, setting, "must be \"image\", \"NODE.OUTPUT\" or { from = \"NODE.OUTPUT\"; ... }");
        return;
    } else if (!sy_fields_read(&settings, &table, setting, experiment->arena, problems)) {
        return;
    } else {
        sy_fields_finish(setting, (const struct sy_table *const[]){&table}, 1, NULL, problems);
    }
    link->detach = settings.detach;
    link->gradient_scale = settings.gradient_scale;
    read_source(experiment, node, link, settings.from, problems);
}

void sy_experiment_read_links(struct sy_experiment *experiment, struct sy_node *node, struct sy_problems *problems) {
    struct sy_setting *inputs = sy_setting_get(node->setting, "inputs");
    bool list = inputs && inputs->kind == SY_SETTING_LIST;
    size_t count = list ? inputs->n_children : 1;
    if (count < 1 || count > SY_MOST_LINKS) {
        sy_problem(problems, inputs, "has %zu inputs, must have 1 to %d; leave it out for the image alone", count,
                   SY_MOST_LINKS);
        count = count < 1 ? 1 : SY_MOST_LINKS;
    }
    node->links = sy_arena_take(experiment->arena, count * sizeof *node->links);
    if (!node->links) {
        sy_problem(problems, NULL, "memory is used up");
        return;
    }
    node->n_links = (int32_t)count;
    for (size_t k = 0; k < count; k++) {
        node->links[k] = (struct sy_link){.source = SY_FROM_IMAGE, .output = -1, .gradient_scale = 1};
        if (inputs && (!list || k < inputs->n_children)) {
            read_link(experiment, node, &node->links[k], list ? inputs->children[k] : inputs, problems);
        }
    }
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

static bool is_fed(const struct sy_experiment *experiment, int32_t node, const bool *placed) {
    const struct sy_node *at = &experiment->nodes[node];
    for (int32_t k = 0; k < at->n_links; k++) {
        if (at->links[k].source >= 0 && !placed[at->links[k].source]) {
            return false;
        }
    }
    return true;
}

/* A link of a node that nobody could place, to another such node. */
static const struct sy_link *stuck_link(const struct sy_experiment *experiment, int32_t node, const bool *placed) {
    const struct sy_node *at = &experiment->nodes[node];
    for (int32_t k = 0; k < at->n_links; k++) {
        if (at->links[k].source >= 0 && !placed[at->links[k].source]) {
            return &at->links[k];
        }
    }
    return NULL;
}

/* Who feeds whom in a circle: going back from a stuck node for long enough ends in one. */
static void tell_cycle(const struct sy_experiment *experiment, int32_t node, const bool *placed,
                       struct sy_problems *problems) {
    char circle[512];
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        node = stuck_link(experiment, node, placed)->source;
    }
    const int32_t first = node;
    const struct sy_link *link = stuck_link(experiment, first, placed);
    size_t used = (size_t)snprintf(circle, sizeof circle, "%s", experiment->nodes[first].name);
    do {
        node = stuck_link(experiment, node, placed)->source;
        if (used < sizeof circle) {
            used +=
                (size_t)snprintf(circle + used, sizeof circle - used, " is fed by %s", experiment->nodes[node].name);
        }
        if (node != first && used < sizeof circle) {
            used += (size_t)snprintf(circle + used, sizeof circle - used, ", which");
        }
    } while (node != first);
    sy_problem(problems, link->setting, "nodes feed each other in a circle: %s; one of them must be fed by others",
               circle);
}

void sy_experiment_order(struct sy_experiment *experiment, bool *placed, struct sy_problems *problems) {
    int32_t count = 0, n = experiment->n_nodes;
    while (count < n) {
        int32_t next = 0;
        while (next < n && (placed[next] || !is_fed(experiment, next, placed))) {
            next++;
        }
        if (next == n) {
            break;
        }
        placed[next] = true;
        experiment->sequence[count++] = next;
    }
    for (int32_t i = 0, told = 0; i < n; i++) {
        if (!placed[i]) {
            if (!told++) {
                tell_cycle(experiment, i, placed, problems);
            }
            experiment->sequence[count++] = i;
        }
    }
}

/* ---- shapes ----------------------------------------------------------------------------------------------------- */

/* A problem that names the nearest output, and all there are. */
static void unknown_output(const struct sy_node *source, const struct sy_link *link, struct sy_problems *problems) {
    const struct sy_graph *graph = &source->full->graph;
    const char **names = malloc((size_t)graph->n_outputs * sizeof *names);
    const char *near = NULL;
    char known[512] = "";
    for (int32_t i = 0; names && i < graph->n_outputs; i++) {
        size_t used = strlen(known);
        names[i] = graph->outputs[i]->name;
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
    }
    if (names) {
        near = sy_nearest_name(link->output_name, names, (size_t)graph->n_outputs);
    }
    sy_problem(problems, link->setting, "node \"%s\" has no output \"%s\"%s%s%s; it has %s", source->name,
               link->output_name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "", known);
    free(names);
}

bool sy_experiment_input_shapes(struct sy_shape *out, struct sy_experiment *experiment, struct sy_node *node,
                                struct sy_problems *problems) {
    bool known = true;
    for (int32_t k = 0; k < node->n_links; k++) {
        struct sy_link *link = &node->links[k];
        if (link->source < 0) {
            out[k] = experiment->dataset_info.shape;
            known = known && link->source == SY_FROM_IMAGE;
            continue;
        }
        const struct sy_node *source = &experiment->nodes[link->source];
        link->output = source->full ? sy_graph_output(&source->full->graph, link->output_name) : -1;
        if (link->output >= 0) {
            out[k] = source->full->graph.values[source->full->graph.outputs[link->output]->value];
        } else if (source->full) {
            unknown_output(source, link, problems);
        } /* else the source's own problem is told already */
        known = known && link->output >= 0;
    }
    return known;
}

bool sy_experiment_flows_back(const struct sy_experiment *experiment, const struct sy_link *link) {
    return link->source >= 0 && !link->detach && link->gradient_scale != 0 && !experiment->nodes[link->source].frozen;
}

static void mark_sources(bool *out, const struct sy_node *node) {
    for (int32_t k = 0; k < node->n_links; k++) {
        if (node->links[k].source >= 0) {
            out[node->links[k].source] = true;
        }
    }
}

void sy_experiment_feeders(bool *out, const struct sy_experiment *experiment, int32_t node) {
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        out[i] = false;
    }
    mark_sources(out, &experiment->nodes[node]);
    for (int32_t n = experiment->n_nodes; n-- > 0;) { /* whoever feeds another comes before it */
        int32_t i = experiment->sequence[n];
        if (out[i]) {
            mark_sources(out, &experiment->nodes[i]);
        }
    }
}
