/* suite.h - a suite: variants laid over one base file, each over several seeds (design: "An experiment"). */
#ifndef SY_CLI_SUITE_H
#define SY_CLI_SUITE_H

#include <jansson.h>

#include "session.h"

/* What a paper says of a node, per cent of accuracy. */
struct sy_expected {
    const char *node;
    double value, tolerance; /* tolerance -1: not told */
    const struct sy_setting *at;
};

struct sy_suite_variant {
    const struct sy_setting *changes; /* the group without `expected`; its name is the variant's */
    struct sy_expected *expected;
    size_t n_expected;
};

struct sy_suite {
    struct sy_setting *root; /* the suite's file; owned */
    const char *name;
    struct sy_setting *base; /* the base file's tree; owned */
    struct sy_suite_variant *variants;
    size_t n_variants;
    const char *baseline; /* a variant that others are compared with; NULL: none */
    const int64_t *seeds;
    size_t n_seeds;
    struct sy_arena *arena;
};

/* Reads suite and base file. False after a problem; the suite is then empty. */
bool sy_suite_read(struct sy_suite *suite, const char *path, const struct sy_assignments *assignments,
                   struct sy_problems *problems);
void sy_suite_finish(struct sy_suite *suite);

/* The name of a variant, which is its folder's below the suite's. */
const char *sy_suite_variant_name(const struct sy_suite *suite, size_t variant);
/* "FOLDER/VARIANT/seed-N", or in the default folder where `folder` is NULL; `variant` NULL: only the folder. */
void sy_suite_folder(char *out, size_t room, const struct sy_suite *suite, const char *folder, const size_t *variant,
                     int64_t seed);

/* Whether the nodes that a variant expects something of are in its config. False after a problem. */
bool sy_suite_check_expected(const struct sy_suite *suite, size_t variant, const struct sy_setting *config,
                             struct sy_problems *problems);

/* Writes FOLDER/suite.json (core/record/README.md), making the folder. threads: of each run; others: the list of what is
 * in the way, taken over. */
int sy_suite_write(const struct sy_suite *suite, const char *folder, int threads, json_t *others, struct sy_error *err);

/* The config of one variant and seed; NULL after a problem. */
struct sy_setting *sy_suite_config(const struct sy_suite *suite, size_t variant, int64_t seed,
                                   const struct sy_assignments *assignments, struct sy_problems *problems);

#endif
