/* suite.h - a suite: variants laid over one base file, each over several seeds (design: "An experiment"). */
#ifndef SY_CLI_SUITE_H
#define SY_CLI_SUITE_H

#include "session.h"

struct sy_suite {
    struct sy_setting *root; /* the suite's file; owned */
    const char *name;
    struct sy_setting *base;           /* the base file's tree; owned */
    const struct sy_setting *variants; /* the group */
    const int64_t *seeds;
    size_t n_seeds;
    struct sy_arena *arena;
};

/* Reads suite and base file. False after a problem; the suite is then empty. */
bool sy_suite_read(struct sy_suite *suite, const char *path, const struct sy_assignments *assignments,
                   struct sy_problems *problems);
void sy_suite_finish(struct sy_suite *suite);

/* The config of one variant and seed; NULL after a problem. */
struct sy_setting *sy_suite_config(const struct sy_suite *suite, size_t variant, int64_t seed,
                                   const struct sy_assignments *assignments, struct sy_problems *problems);

#endif
