/* subject.h - what a config asks to be trained: an experiment, or stages of them (train/stages.h). */
#ifndef SY_CLI_SUBJECT_H
#define SY_CLI_SUBJECT_H

#include "../train/stages.h"

struct sy_subject {
    struct sy_experiment *experiment; /* one of both is NULL */
    struct sy_stages *stages;
    const char *name; /* of the experiment */
    int64_t seed;
};

/* Takes over `config`, whatever happens, and checks it. False after a problem; to be finished in either case. */
bool sy_subject_make(struct sy_subject *subject, struct sy_setting *config, struct sy_registry *registry,
                     struct sy_problems *problems);
void sy_subject_finish(struct sy_subject *subject); /* all zeros is fine */

/* sy_run_train or sy_stages_train. */
int sy_subject_train(struct sy_subject *subject, const struct sy_run_options *options, int *end, struct sy_error *err);

#endif
