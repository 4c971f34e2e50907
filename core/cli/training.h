/* training.h - what a config asks to be trained: an experiment, or stages of them (train/stages.h). */
#ifndef SY_CLI_TRAINING_H
#define SY_CLI_TRAINING_H

#include "../train/stages.h"

struct sy_training {
    struct sy_experiment *experiment; /* one of both is NULL */
    struct sy_stages *stages;
    const char *name; /* of the experiment */
    int64_t seed;
    double memory; /* that it will take at its peak, in bytes; 0: not known */
};

/* Takes over `config`, whatever happens, and checks it. False after a problem; to be finished in either case. */
bool sy_training_make(struct sy_training *training, struct sy_setting *config, struct sy_registry *registry,
                      struct sy_problems *problems);
void sy_training_finish(struct sy_training *training); /* all zeros is fine */

/* sy_run_train or sy_stages_train. */
int sy_training_train(struct sy_training *training, const struct sy_run_options *options, int *end,
                      struct sy_error *err);

#endif
