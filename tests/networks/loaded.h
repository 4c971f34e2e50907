/* loaded.h - a network plugin without the core's host: opened from the build tree, its parameters set by hand. */
#ifndef TEST_NETWORKS_LOADED_H
#define TEST_NETWORKS_LOADED_H

#include <stdbool.h>

#include "graph/graph_builder.h"

/* One parameter that differs from its default. Choices are given as their index. */
struct setting {
    const char *name;
    double value;
};

#define MAX_SETTINGS 4

struct loaded {
    const struct sy_plugin *plugin;
    const struct sy_network_ops *ops;
    void *self;
};

/* The plugin with its defaults, `settings` (up to the first without a name) laid over them. A plugin that is not there, or
 * has no such parameter, ends the test. */
struct loaded load_network(const char *plugin, const struct setting settings[MAX_SETTINGS]);
/* A list parameter; `at` must outlive the network. */
void set_list(struct loaded *network, const char *name, const int64_t *at, size_t count);
void unload_network(struct loaded *network);

/* Checks its parameters and builds its graph for square images of three channels; any mistake ends the test. */
struct sy_built_graph *build_network(const struct loaded *network, int32_t image, int32_t classes);

#endif
