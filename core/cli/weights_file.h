/* weights_file.h - from what a person names to the weights of one network, ready to be used: what convert, eval and
 * predict have in common. */
#ifndef SY_CLI_WEIGHTS_FILE_H
#define SY_CLI_WEIGHTS_FILE_H

#include "../train/model_card.h"
#include "session.h"

/* What the person wrote; texts are borrowed. NULL and 0: not said. */
struct sy_weights_wish {
    const char *source;     /* a run folder, a checkpoint's folder or a file */
    const char *node;       /* whose weights, in a folder */
    const char *checkpoint; /* of a run folder: "best" (the default), "last" or a step */
    const char *net;        /* in one word (short_name.h), for files that do not say what they are */
    const char *image;      /* "3x32x32", for the same */
    int32_t classes;        /* for the same */
    const char *plugin;     /* a file with the network's plugin */
    const char *data;       /* a data set's plugin; NULL: the one the file names */
    bool with_data;         /* the data set is wanted, with its samples */
    int32_t batch;          /* 0: the default */
    bool untrusted;         /* the source is a stranger's: its run.cfg may bring no code and name nothing outside */
    struct sy_assignments set;
};

/* Weights of one network; where it is fed by other nodes of a run, of all that run's nodes. */
struct sy_weights {
    char path[4096]; /* the file, absolute */
    bool linked;     /* it is fed by other nodes: the experiment is the run's, its files lie beside this one */
    int32_t node;    /* which of the experiment's nodes is meant; 0 unless linked */
    bool best;       /* linked, and the files of its best epoch: those of the others lie in a folder of its name */
    bool *feeders;   /* linked: (nodes of the experiment) whether it is fed by them; the arena's */
    struct sy_arena *arena;
    struct sy_model_card card;        /* as the file says, or the person */
    struct sy_experiment *experiment; /* of one node that starts from them; its data set is open if it was wanted */
};

/* A cohort of the experiment with these weights in it. */
int sy_weights_cohort(struct sy_cohort **out, const struct sy_weights *weights, struct sy_error *err);
/* The file of that node or of one that feeds it; returns `out`. */
const char *sy_weights_path(char *out, size_t room, const struct sy_weights *weights, int32_t node);

/* Options that all three commands have, and their lines for `--help`. */
#define SY_WEIGHTS_OPTIONS                                                                 \
    {"node", required_argument, NULL, 'N'}, {"checkpoint", required_argument, NULL, 'C'},  \
        {"net", required_argument, NULL, 'W'}, {"classes", required_argument, NULL, 'K'},  \
        {"image", required_argument, NULL, 'I'}, {"plugin", required_argument, NULL, 'P'}, \
        {"untrusted", no_argument, NULL, 'U'}, {                                           \
        "set", required_argument, NULL, 's'                                                \
    }
extern const char sy_weights_usage[];
/* Takes one of them as getopt_long returns it; false and a line on stderr where it is none, or makes no sense.
 * `command` is for that line. */
bool sy_weights_option(struct sy_weights_wish *wish, int option, const char *argument, const char *command);

/* Finds, reads and checks; false after a problem. `registry` outlives the weights. Finish in any case. */
bool sy_weights_open(struct sy_weights *weights, const struct sy_weights_wish *wish, struct sy_registry *registry,
                     struct sy_problems *problems);
void sy_weights_finish(struct sy_weights *weights);

/* A whole command: opens the weights, lets `work` use them, and says what went wrong; the program's exit code. */
int sy_weights_command(const struct sy_weights_wish *wish,
                       int (*work)(const struct sy_weights *weights, const void *context, struct sy_error *err),
                       const void *context);

/* The first half: the file that is meant, absolute, into `path`. */
bool sy_weights_find(char *path, size_t room, const struct sy_weights_wish *wish, struct sy_problems *problems);

#endif
