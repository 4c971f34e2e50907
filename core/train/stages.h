/* stages.h - several runs that follow each other, in one configuration and one folder (config: the group `stages`).
 *
 * Each stage is a named overlay on the rest of the file, as a suite's variants are. Its run lies in
 * FOLDER/stages/NUMBER-NAME, a complete run folder; FOLDER itself has run.cfg, the whole file, and, once the last stage
 * is done, its result.json, with links to the rest of it. A node may start from a node of an earlier stage:
 *
 *   init = "@STAGE"          the node of the same name, as it was at the stage's end
 *   init = "@STAGE.NODE"     another one
 *   ... ":last", ":best"     at the end; at its best accuracy, on the validation part where there is one
 *   ... ":40"                after 40 epochs, if the stage kept that snapshot (train.snapshots, .snapshot_every)
 *
 * A stage with `repeat = [40, 80]` is two stages, NAME-40 and NAME-80, in which $ stands for the number in every text,
 * and "@previous" for the stage before among them (in the first: as if that init were not there). With a group `choose`
 * not all of them are trained: after each one the furthest is next at which the loss of an edge, with the nodes as they
 * start there, is at most so much on the validation part; or simply the next, where it is more at all of them. Of those
 * that are passed over there is no folder, and the last one is always trained. FOLDER/stages/NAME-choices.json has what
 * was measured.
 *
 * What was given with --set for the rest of the file holds in every stage, over what the stage says; --set
 * stages.NAME.... is for one. */
#ifndef SY_TRAIN_STAGES_H
#define SY_TRAIN_STAGES_H

#include "memory.h"
#include "run.h"

/* Keys of a stage beside what it lays over the rest. */
struct sy_stage_settings {
    struct sy_strings use;
    struct sy_ints repeat;
    int32_t restart, skip;
};

/* The group `choose` of a stage with `repeat`. */
struct sy_stage_choice {
    const char *edge; /* whose loss is measured; NULL: the only one there is */
    double most;
    struct sy_setting *at; /* the group, for problems */
};

/* Where in an earlier stage a node's weights come from. */
enum sy_stage_moment { SY_STAGE_LAST, SY_STAGE_BEST, SY_STAGE_EPOCH };
struct sy_stage_start {
    const char *node;      /* that starts */
    size_t stage;          /* index, before its own */
    const char *source;    /* node there */
    int32_t moment;        /* enum sy_stage_moment */
    int64_t epoch;         /* SY_STAGE_EPOCH: so many epochs done */
    bool previous;         /* not `stage`, but the last before its own that was trained; nothing where none was */
    struct sy_setting *at; /* where it was written, for problems */
};

struct sy_stage {
    const char *name;
    struct sy_setting *config; /* the file with the stage laid over it, without `starts`; owned */
    struct sy_stage_start *starts;
    size_t n_starts;
    struct sy_setting *places;            /* holds `at` of the starts; owned */
    const char *group;                    /* its name without the number of a repetition */
    int64_t number;                       /* of a repetition */
    size_t first, last;                   /* repetitions of the same group; its own index where it is alone */
    const struct sy_stage_choice *choice; /* NULL: it is trained in any case */
    bool skipped, chosen;                 /* by choice, once training has come so far */

    /* what sy_stages_check found out */
    bool known;
    const char *experiment; /* name and seed of its experiment */
    int64_t seed;
    int64_t steps;
    bool tested; /* on the way, so that there is a best epoch */
    struct sy_train_settings train;
    const char **nodes;
    struct sy_built_graph **graphs; /* of the nodes; owned */
    size_t n_nodes;
};

struct sy_stages {
    struct sy_setting *config; /* the whole file; owned */
    struct sy_registry *registry;
    struct sy_arena *arena;
    struct sy_stage *at;
    size_t count;
    double memory; /* of the stage that needs most, in bytes; from sy_stages_check on */
};

extern const struct sy_field sy_stage_fields[], sy_stage_choice_fields[];

/* Whether a config has stages; one that has none is an experiment, see experiment.h. */
bool sy_is_staged(const struct sy_setting *config);

/* Takes over `config`, whatever happens, and lays every stage over it. NULL after a problem. */
struct sy_stages *sy_stages_create(struct sy_setting *config, struct sy_registry *registry,
                                   struct sy_problems *problems);
void sy_stages_destroy(struct sy_stages *stages); /* NULL is fine */

/* Takes the init = "@..." out of a stage's config into its starts: the first half of what stages.c does with them. */
void sy_stages_take_starts(struct sy_stages *stages, size_t stage, struct sy_problems *problems);

/* Makes the experiment of every stage, one after the other, and checks that what a node starts from will be there and
 * fit. `show`, where not NULL, is called with each and the memory it needs. False after a problem; no file of a stage
 * need be there. Mistakes that several stages share are told once. */
bool sy_stages_check(struct sy_stages *stages,
                     void (*show)(void *context, const struct sy_stages *stages, size_t stage,
                                  struct sy_experiment *experiment, const struct sy_memory *need),
                     void *context, struct sy_problems *problems);

/* After sy_stages_check: name and seed of the whole, as its first stage has them. */
void sy_stages_name(const struct sy_stages *stages, const char **name, int64_t *seed);

/* After sy_stages_check: trains what is not done yet, as sy_run_train does; options->steps are those of all stages
 * together. */
int sy_stages_train(struct sy_stages *stages, const struct sy_run_options *options, int *end, struct sy_error *err);

#endif
