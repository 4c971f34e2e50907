/* session.h - what run, check and compare have in common: from arguments to a checked experiment. */
#ifndef SY_CLI_SESSION_H
#define SY_CLI_SESSION_H

#include "../train/run.h"
#include "cli.h"

#define SY_MAX_ASSIGNMENTS 64

/* Layers of a configuration, in order: base file, variant of a suite, --set. */
enum { SY_LAYER_BASE = 0, SY_LAYER_VARIANT = 1, SY_LAYER_ARGUMENT = 2 };

struct sy_assignments {
    const char *at[SY_MAX_ASSIGNMENTS]; /* "path.to.key=value", as given with --set; borrowed */
    int count;
};

/* Lays the assignments over a config. */
void sy_assign_all(struct sy_setting *config, const struct sy_assignments *assignments, struct sy_problems *problems);

/* Reads a config file and lays the assignments over it; NULL after a problem. A folder stands for its run.cfg. The
 * experiment's name, where the file has none, is the file's own name. */
struct sy_setting *sy_load_config(const char *path, const struct sy_assignments *assignments,
                                  struct sy_problems *problems);

/* "runs/EXPERIMENT/VARIANT/seed-N" */
void sy_default_folder(char *out, size_t room, const char *experiment, const char *variant, int64_t seed);

/* Raised by SIGINT and SIGTERM once handlers are installed; a second SIGINT ends the program at once. */
extern volatile sig_atomic_t sy_interrupted;
void sy_catch_signals(void);

/* The table at the end of a run: nodes with their accuracies, and the share of batches in expert mode. Reads
 * result.json; says nothing where there is none. */
void sy_print_result(FILE *out, const char *folder);

#endif
