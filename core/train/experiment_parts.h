/* experiment_parts.h - the steps in which experiment.c builds an experiment; each adds to the problems and goes on as
 * far as what it needs is there, so that all problems are told in one go. */
#ifndef SY_TRAIN_EXPERIMENT_PARTS_H
#define SY_TRAIN_EXPERIMENT_PARTS_H

#include "experiment.h"

/* Tables of the core's groups. */
extern const struct sy_field sy_experiment_fields[], sy_data_fields[], sy_augment_fields[], sy_train_fields[],
    sy_node_fields[], sy_topology_fields[], sy_edge_fields[], sy_link_fields[], sy_ema_fields[];

/* What sy_node_fields and sy_topology_fields are read into. */
struct sy_node_settings {
    int32_t role, view, frozen;
    const char *init;
    double label_weight;
    int64_t seed;
    const char *weights_of, *view_of, *choices;
};
struct sy_ema_settings {
    const char *of;
    double decay;
    int32_t warmup, buffers;
};
struct sy_link_settings {
    const char *from;
    int32_t detach;
    double gradient_scale;
};
enum { SY_RAMP_OF_TOPOLOGY = -1 }; /* what the first choice of sy_edge_fields means, when 1 is taken off */
struct sy_topology_settings {
    int32_t pause, paused_bn, update;
    int32_t ramp; /* and so on as struct sy_ramp */
    int64_t ramp_epochs;
    struct sy_ints ramp_at;
    struct sy_doubles ramp_factors;
};

/* The group `name` of the config, made if it is not there; a problem and NULL if it is something else. */
struct sy_setting *sy_experiment_group(struct sy_setting *parent, const char *name, struct sy_problems *problems);

void sy_experiment_find_backend(struct sy_experiment *experiment, struct sy_problems *problems);
void sy_experiment_open_data(struct sy_experiment *experiment, struct sy_problems *problems);
/* Labels of the training split, -1 for those of its validation part, for sy_services.labels; `source` is the experiment. Made up, class after class, where
 * there is no data set. */
int sy_experiment_labels(void *source, const int32_t **out, int64_t *count, struct sy_error *err);
/* Whether train.select has something to select by; once the nodes are there. */
void sy_experiment_check_selection(const struct sy_experiment *experiment, struct sy_problems *problems);
/* Whether train.on_nonfinite finds what it goes back to. */
void sy_experiment_check_watchdog(const struct sy_experiment *experiment, struct sy_problems *problems);
/* In place of open_data, where somebody else brings the batches. */
void sy_experiment_without_data(struct sy_experiment *experiment, const struct sy_dataset_info *images,
                                struct sy_problems *problems);
void sy_experiment_make_nodes(struct sy_experiment *experiment, struct sy_problems *problems);
/* A problem that says that no node has this name, and names the nearest. */
void sy_experiment_unknown_node(struct sy_experiment *experiment, const char *name, const struct sy_setting *at,
                                struct sy_problems *problems);
/* Gives nodes that follow others the plugin and the parameters of those, where they name none themselves. */
void sy_experiment_lend_networks(struct sy_experiment *experiment, struct sy_problems *problems);
/* Reads nodes.X.ema and weights_of into node->follow; node->frozen is known, and becomes "train" for an average. */
void sy_experiment_read_follow(struct sy_experiment *experiment, struct sy_node *node, const char *weights_of,
                               struct sy_problems *problems);
/* When graphs are built: whether those that follow fit those that are followed. */
void sy_experiment_check_follow(struct sy_experiment *experiment, struct sy_problems *problems);
/* Reads nodes.X.inputs into the node's links: the image where it has none. Names of all nodes are known by now. */
void sy_experiment_read_links(struct sy_experiment *experiment, struct sy_node *node, struct sy_problems *problems);
/* Puts experiment->sequence in order, with zeroed room for a flag a node; a problem where nodes feed each other in a
 * circle. */
void sy_experiment_order(struct sy_experiment *experiment, bool *placed, struct sy_problems *problems);
/* The shapes a node's inputs have, SY_MOST_LINKS at most, and where in the sources' full graphs they are; false where
 * some are not known, after a problem. */
bool sy_experiment_input_shapes(struct sy_shape *out, struct sy_experiment *experiment, struct sy_node *node,
                                struct sy_problems *problems);
/* Whether a gradient flows back through a link. */
bool sy_experiment_flows_back(const struct sy_experiment *experiment, const struct sy_link *link);

/* Whether nodes can do what edges and topology.update ask of them; `group`: the topology's settings. */
void sy_experiment_check_wiring(const struct sy_experiment *experiment, const struct sy_setting *group,
                                struct sy_problems *problems);
/* The graphs that are compiled, when edges and links are known; their outputs are numbered by these from now on. */
void sy_experiment_prune(struct sy_experiment *experiment, struct sy_problems *problems);
void sy_experiment_wire(struct sy_experiment *experiment, struct sy_problems *problems);

/* Makes a loss from a group (its plugin key, or `fallback`) and runs init; false after a problem. `names`: keys of the
 * group that are not the loss's own. */
bool sy_loss_use_make(struct sy_loss_use *use, struct sy_experiment *experiment, struct sy_setting *group,
                      const char *fallback, const char *const *names, const char *owner, struct sy_problems *problems);
void sy_loss_use_finish(struct sy_loss_use *use);

/* Names of a table's rows and `more` (NULL-terminated), as a NULL-terminated list in the arena; NULL when memory is used
 * up. */
const char *const *sy_table_names(const struct sy_table *table, const char *const *more, struct sy_arena *arena);

/* printf into the arena; NULL when memory is used up. */
SY_PRINTF(2, 3) const char *sy_arena_print(struct sy_arena *arena, const char *format, ...);

#endif
