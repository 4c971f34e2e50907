/* experiment.h - an experiment as its configuration describes it: everything found, made and checked, nothing yet
 * computed or written. `check` prints it, `run` trains it.
 *
 * All memory hangs on the experiment and lives until sy_experiment_destroy. */
#ifndef SY_TRAIN_EXPERIMENT_H
#define SY_TRAIN_EXPERIMENT_H

#include <switchyard/backend.h>
#include <switchyard/dataset.h>
#include <switchyard/loss.h>
#include <switchyard/network.h>
#include <switchyard/policy.h>
#include <switchyard/topology.h>

#include "../data/loader.h"
#include "../data/parts.h"
#include "../graph/graph_builder.h"
#include "../host/services.h"
#include "optimizer.h"
#include "ramp.h"
#include "schedule.h"

/* A loss in use: one per edge, and one per node for its label loss. */
struct sy_loss_use {
    struct sy_instance *instance;
    const struct sy_loss_ops *ops;
    struct sy_services services;
    bool ready; /* init succeeded: fini is due */
};

enum { SY_FROM_IMAGE = -1, SY_FROM_NOWHERE = -2 }; /* the latter after a problem only */

/* Where an input of a network comes from. */
struct sy_link {
    int32_t source; /* node, or SY_FROM_IMAGE */
    int32_t output; /* of the source's pruned graph; of its full one until nodes are wired */
    const char *output_name;
    bool detach;           /* nothing flows back */
    double gradient_scale; /* factor on what flows back */
    const struct sy_setting *setting;
};

/* Inputs a network may have: as many as enum bits in sy_plan_options.input_gradients. */
#define SY_MOST_LINKS 32

/* Whose parameters a node has, if not its own. */
enum sy_follow_kind {
    SY_FOLLOWS_NOBODY,
    SY_FOLLOWS_AVERAGE, /* of another's over the steps; never learns */
    SY_FOLLOWS_WEIGHTS, /* the very same as another's; what it learns moves those */
};
enum sy_buffers { SY_BUFFERS_OWN, SY_BUFFERS_AVERAGE, SY_BUFFERS_COPY };

struct sy_follow {
    int32_t kind; /* enum sy_follow_kind */
    int32_t node; /* -1: nobody */
    double decay; /* of an average */
    bool warmup;
    int32_t buffers; /* enum sy_buffers: what an average does with running statistics */
};

/* A network with its optimiser; see the design's table of words. */
struct sy_node {
    const char *name;
    int32_t role;  /* enum sy_role */
    uint32_t key;  /* of its random numbers: from its name, or from nodes.X.seed */
    uint64_t seed; /* the experiment's, or nodes.X.seed */
    int32_t view;  /* index of its view of the batch; of no meaning where it is fed by others only */
    bool looks;    /* the image is among its inputs */
    const char *view_of;
    const char *init;    /* file of initial weights, NULL: drawn */
    const char *choices; /* of its plan, to be followed; NULL: as the backend likes */
    double label_weight;
    int32_t frozen; /* enum sy_frozen */
    struct sy_follow follow;
    struct sy_instance *network;
    const struct sy_network_ops *ops;
    bool ready;
    struct sy_built_graph *full;  /* as built */
    struct sy_built_graph *graph; /* only the outputs that somebody reads; outputs[0] is logits where there are some */
    bool has_logits;              /* else it is only a source of taps: no label loss, no accuracy */
    struct sy_link *links;        /* its inputs */
    int32_t n_links;
    uint32_t input_gradients; /* bit k: a gradient flows back through link k */
    struct sy_optimizer optimizer;
    struct sy_schedule schedule;
    struct sy_loss_use label_loss;
    struct sy_setting *setting; /* nodes.X */
};

/* Knowledge flowing from nodes to a node. */
struct sy_flow {
    const char *name;
    int32_t target;
    int32_t target_output; /* of the target's pruned graph */
    int32_t n_sources;
    const int32_t *sources;
    const int32_t *source_outputs; /* of the sources' pruned graphs */
    int32_t gate, gate_effect;     /* topology.h */
    bool attached;                 /* gradients flow into the sources too */
    double weight;
    struct sy_ramp ramp; /* its loss's, or the topology's */
    bool own_ramp;
    struct sy_loss_use loss;
};

/* A teacher-student pair under a policy's eyes. */
struct sy_watch {
    int32_t teacher, student;
    bool watch_only;
    bool closes_only; /* never pauses the teacher */
    struct sy_instance *policy;
    const struct sy_policy_ops *ops;
    struct sy_services services;
    bool ready;
};

/* A node that teaches and never learns: in evaluation mode, or in training mode with statistics that drift. */
enum sy_frozen { SY_NOT_FROZEN, SY_FROZEN_EVAL, SY_FROZEN_TRAIN };
enum sy_pause { SY_PAUSE_SKIP_STEP, SY_PAUSE_ZERO_GRAD_STEP };
enum sy_paused_bn { SY_PAUSED_BN_UPDATE, SY_PAUSED_BN_FREEZE };
enum sy_order { SY_ORDER_SIMULTANEOUS, SY_ORDER_ALTERNATING };

struct sy_data_settings {
    int32_t batch, shuffle, views, workers, ahead;
    int64_t limit, test_limit;
    struct sy_doubles mean, std;
    double validation; /* 0, a share below 1, or a number of samples */
};

/* Whose weights count. */
enum sy_select {
    SY_SELECT_LAST,
    SY_SELECT_BEST_VAL,  /* of each node, those of its best epoch on the validation part */
    SY_SELECT_BEST_TEST, /* ... on the test split: an upper bound, no result */
};

/* Whether what policies see is kept, for replays. */
enum sy_record_signals { SY_SIGNALS_NONE, SY_SIGNALS_LOGITS };

/* What becomes of a step in which a number is not finite. */
enum sy_on_nonfinite { SY_NONFINITE_STOP, SY_NONFINITE_SKIP_BATCH, SY_NONFINITE_LOWER_RATE };

struct sy_train_settings {
    int64_t epochs;
    int32_t checkpoint_every, checkpoint_steps, keep, evaluate_every;
    struct sy_ints snapshots;
    int32_t snapshot_every;
    int64_t first_epoch, whole_epochs;
    int32_t select;         /* enum sy_select */
    int32_t call_limit;     /* seconds */
    int32_t record_signals; /* enum sy_record_signals */
    int32_t on_nonfinite;   /* enum sy_on_nonfinite */
    int32_t skip_limit;     /* batches in a row */
    int32_t lower_limit;    /* times */
    double lower_factor;
};

struct sy_experiment {
    struct sy_setting *config; /* resolved and complete; owned */
    struct sy_arena *arena;
    struct sy_registry *registry; /* borrowed */
    struct sy_threads *threads;
    const char *name;
    int64_t seed;
    int32_t n_threads;
    int32_t precision; /* enum sy_precision */

    struct sy_instance *backend;
    const struct sy_backend_ops *backend_ops;
    struct sy_services backend_services;
    bool backend_ready;

    struct sy_instance *dataset;
    const struct sy_dataset_ops *dataset_ops;
    struct sy_services dataset_services;
    struct sy_dataset_info dataset_info;
    bool dataset_open;
    int32_t *labels; /* of the samples trained on, once somebody asked; owned */
    struct sy_data_settings data;
    struct sy_parts parts; /* empty: no validation part */
    struct sy_augment augment;
    const uint32_t *view_keys;
    int32_t n_views;

    struct sy_train_settings train;
    int32_t pause, paused_bn, order;
    struct sy_ramp ramp; /* of edges whose loss has none */

    struct sy_node *nodes;
    int32_t n_nodes;
    int32_t *sequence; /* n_nodes: their indices, every node after those that feed it, else as in the config */
    struct sy_watch *gates;
    int32_t n_gates;
    struct sy_flow *edges;
    int32_t n_edges;
};

/* Takes over `config` (layers already laid over each other), whatever happens. NULL after at least one problem. The
 * registry outlives the experiment; its declared plugins come from config.plugins. */
struct sy_experiment *sy_experiment_create(struct sy_setting *config, struct sy_registry *registry,
                                           struct sy_problems *problems);
/* The same without a data set, for who brings batches of its own: `images` says what they look like (shape, classes,
 * count). The group `data` has no plugin then, and there is no loader. */
struct sy_experiment *sy_experiment_create_unfed(struct sy_setting *config, struct sy_registry *registry,
                                                 const struct sy_dataset_info *images, struct sy_problems *problems);
void sy_experiment_destroy(struct sy_experiment *experiment);

/* A loader of a split (enum sy_split), or of the part of the training split that is for validation, as the config
 * describes it; only what is trained on is shuffled and augmented. */
#define SY_VALIDATION_PART SY_SPLITS
int sy_experiment_loader(struct sy_loader **out, const struct sy_experiment *experiment, int32_t split,
                         struct sy_error *err);

/* Samples of one epoch: the training split, or the first data.limit of it, without its validation part. */
int64_t sy_experiment_train_samples(const struct sy_experiment *experiment);
/* Whether the test split is measured on the way. With a validation part it is not, unless selection asks for it. */
bool sy_experiment_watches_test(const struct sy_experiment *experiment);
/* "last", ... of enum sy_select */
const char *sy_select_name(int32_t select);

/* Steps of one epoch and of the whole run. */
int64_t sy_experiment_steps_per_epoch(const struct sy_experiment *experiment);
int64_t sy_experiment_steps(const struct sy_experiment *experiment);

/* Factor of a node's schedule on its lr, at a batch of an epoch (both from 0). */
double sy_experiment_rate(const struct sy_experiment *experiment, const struct sy_node *node, int64_t epoch,
                          int64_t batch);

/* out (n_nodes): whether a node feeds `node`, directly or through others. */
void sy_experiment_feeders(bool *out, const struct sy_experiment *experiment, int32_t node);

/* "fp32", ... of enum sy_precision */
const char *sy_precision_name(int32_t precision);

/* "teacher", "student", "peer", "part" */
const char *sy_role_name(int32_t role);

/* The core's own groups of the config with their tables, for `switchyard help config`. Ends with a NULL path. */
struct sy_core_table {
    const char *path; /* "data.augment" */
    const struct sy_field *fields;
};
const struct sy_core_table *sy_core_tables(void);

#endif
