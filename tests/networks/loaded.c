/* loaded.c - see loaded.h. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "loaded.h"

static const struct sy_field *find_field(const struct loaded *network, const char *name) {
    for (const struct sy_field *field = network->plugin->fields; field && field->name; field++) {
        if (!strcmp(field->name, name)) {
            return field;
        }
    }
    cr_assert_fail("%s has no parameter %s", network->plugin->name, name);
    return NULL;
}

static void set_number(struct loaded *network, const struct sy_field *field, double value) {
    char *member = (char *)network->self + field->offset;
    if (field->type == SY_TYPE_INT32) {
        *(int32_t *)(void *)member = (int32_t)value;
    } else if (field->type == SY_TYPE_DOUBLE) {
        *(double *)(void *)member = value;
    }
}

struct loaded load_network(const char *plugin, const struct setting settings[MAX_SETTINGS]) {
    char path[4096];
    const char *folder = getenv("SWITCHYARD_PLUGIN_PATH");
    cr_assert_not_null(folder, "SWITCHYARD_PLUGIN_PATH must name the folder of the built plugins");
    snprintf(path, sizeof path, "%s/networks/%s.so", folder, plugin);
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(file, "%s", dlerror());
    const struct sy_plugin *const *plugins = dlsym(file, SY_SYMBOL);
    cr_assert_not_null(plugins, "%s has no %s", path, SY_SYMBOL);
    struct loaded network = {.plugin = plugins[0], .ops = plugins[0]->ops};
    cr_assert_str_eq(network.plugin->name, plugin);
    network.self = calloc(1, network.plugin->self_size);
    cr_assert_not_null(network.self);
    for (const struct sy_field *field = network.plugin->fields; field && field->name; field++) {
        set_number(&network, field, field->def);
    }
    for (int i = 0; settings && i < MAX_SETTINGS && settings[i].name; i++) {
        set_number(&network, find_field(&network, settings[i].name), settings[i].value);
    }
    return network;
}

void set_list(struct loaded *network, const char *name, const int64_t *at, size_t count) {
    const struct sy_field *field = find_field(network, name);
    cr_assert_eq(field->type, SY_TYPE_INTS);
    *(struct sy_ints *)(void *)((char *)network->self + field->offset) = (struct sy_ints){at, count};
}

void unload_network(struct loaded *network) {
    free(network->self);
}

struct sy_built_graph *build_network(const struct loaded *network, int32_t image, int32_t classes) {
    struct sy_error err = {.size = sizeof err};
    const struct sy_shape shape = {3, {3, image, image}};
    int status = network->ops->init ? network->ops->init(network->self, &err) : SY_OK;
    cr_assert_eq(status, SY_OK, "%s: %s", network->plugin->name, err.text);
    struct sy_built_graph *built = sy_graph_build(network->ops, network->self, &shape, 1, classes, &err);
    cr_assert_not_null(built, "%s: %s", network->plugin->name, err.text);
    return built;
}
