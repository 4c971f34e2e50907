/* bench_source.h - from the arguments of `bench` to the config of one case. */
#ifndef SY_CLI_BENCH_SOURCE_H
#define SY_CLI_BENCH_SOURCE_H

#include "session.h"

/* One case, as the person wrote it; texts are borrowed. NULL and 0: the config's or the program's default. */
struct sy_bench_wish {
    const char *net;    /* "wrn-16-2"; NULL: the config file */
    const char *config; /* an experiment; NULL where there is a net */
    const char *precision, *backend;
    int32_t threads, batch;
    const struct sy_assignments *set;
};

/* The config: the file, or an experiment of one node called `net`; then --set, then the other options. NULL after a
 * problem. The form is sy_subject_source's; context is a struct sy_bench_wish. */
struct sy_setting *sy_bench_config(const void *context, struct sy_registry *registry, struct sy_problems *problems);

#endif
