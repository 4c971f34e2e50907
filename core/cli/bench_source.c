/* bench_source.c - see bench_source.h. */
#include "bench_source.h"

#include <stdlib.h>
#include <string.h>

#include "../host/short_name.h"

/* Labels are drawn like the images, so nothing is learnt; a small rate keeps the loss finite however many steps there
 * are. Momentum and weight decay are what most papers take. */
static const char one_node[] = "experiment = \"bench\";\n"
                               "train: { optimizer: { lr = 0.001; momentum = 0.9; weight_decay = 5e-4; }; };\n"
                               "nodes: { net: { }; };\n";

/* What problems call the place. */
static void say_from(struct sy_setting *setting, const char *from) {
    char *file = strdup(from);
    if (file) {
        free((char *)(uintptr_t)setting->file);
        setting->file = file;
        setting->line = 0;
    }
}

static struct sy_setting *net_config(const struct sy_bench_wish *wish, struct sy_registry *registry,
                                     struct sy_problems *problems) {
    char from[128];
    struct sy_setting *root = sy_setting_read_text(one_node, "bench", problems);
    struct sy_setting *net = root ? sy_setting_get(sy_setting_get(root, "nodes"), "net") : NULL;
    snprintf(from, sizeof from, "--net %.100s", wish->net);
    if (net) {
        say_from(net, from);
    }
    if (!net || !sy_short_name_read(net, registry, SY_NETWORK, wish->net, from, problems)) {
        sy_setting_destroy(root);
        return NULL;
    }
    sy_assign_all(root, wish->set, problems);
    return root;
}

/* A value that stands in no file but in an option. `group` NULL: at the top. */
static struct sy_setting *lay(struct sy_setting *root, const char *group, enum sy_setting_kind kind, const char *key,
                              const char *option) {
    struct sy_setting *parent = group ? sy_setting_get(root, group) : root;
    if (!parent) {
        parent = sy_setting_add(root, SY_SETTING_GROUP, group);
    }
    if (!parent || parent->kind != SY_SETTING_GROUP) {
        return NULL; /* told where the group is read */
    }
    struct sy_setting *setting = sy_setting_add(parent, kind, key);
    if (setting) {
        say_from(setting, option);
        setting->layer = SY_LAYER_ARGUMENT;
    }
    return setting;
}

static void lay_text(struct sy_setting *root, const char *key, const char *text, const char *option) {
    struct sy_setting *setting = text ? lay(root, NULL, SY_SETTING_STRING, key, option) : NULL;
    if (setting) {
        sy_setting_set_string(setting, text);
    }
}

static void lay_number(struct sy_setting *root, const char *group, const char *key, int32_t number,
                       const char *option) {
    struct sy_setting *setting = number ? lay(root, group, SY_SETTING_INT, key, option) : NULL;
    if (setting) {
        setting->integer = number;
        setting->number = number;
    }
}

struct sy_setting *sy_bench_config(const void *context, struct sy_registry *registry, struct sy_problems *problems) {
    const struct sy_bench_wish *wish = context;
    struct sy_setting *root =
        wish->net ? net_config(wish, registry, problems) : sy_load_config(wish->config, wish->set, problems);
    if (root) {
        lay_text(root, "precision", wish->precision, "--precision");
        lay_text(root, "backend", wish->backend, "--backend");
        lay_number(root, NULL, "threads", wish->threads, "--threads");
        lay_number(root, "data", "batch", wish->batch, "--batch");
    }
    return root;
}
