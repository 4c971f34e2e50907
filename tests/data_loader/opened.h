/* opened.h - a data set plugin loaded by name, with its parameters' defaults, and a host that serves it. */
#ifndef TEST_OPENED_H
#define TEST_OPENED_H

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <switchyard/dataset.h>

struct opened {
    const struct sy_plugin *plugin;
    const struct sy_dataset_ops *ops;
    void *self;
    struct sy_host host;
};

/* Parts as the core cuts them, one after the other, the last one first: order must not matter. */
static void parallel_for(const struct sy_host *host, size_t count, sy_loop_body body, void *argument) {
    for (int32_t t = host->threads - 1; t >= 0; t--) {
        size_t begin = count * (size_t)t / (size_t)host->threads, end = count * (size_t)(t + 1) / (size_t)host->threads;
        if (begin < end) {
            body(argument, begin, end, t);
        }
    }
}

static inline void *member(struct opened *opened, const char *name, uint32_t type) {
    for (const struct sy_field *field = opened->plugin->fields; field->name; field++) {
        if (strcmp(field->name, name) == 0) {
            cr_assert_eq(field->type, type, "%s has type %u", name, field->type);
            return (char *)opened->self + field->offset;
        }
    }
    cr_assert(false, "no parameter %s", name);
    return NULL;
}

static inline void set_defaults(struct opened *opened) {
    for (const struct sy_field *field = opened->plugin->fields; field->name; field++) {
        void *at = (char *)opened->self + field->offset;
        switch (field->type) {
        case SY_TYPE_INT32:
            *(int32_t *)at = (int32_t)field->def;
            break;
        case SY_TYPE_INT64:
            *(int64_t *)at = (int64_t)field->def;
            break;
        case SY_TYPE_UINT64:
            *(uint64_t *)at = (uint64_t)field->def;
            break;
        case SY_TYPE_DOUBLE:
            *(double *)at = field->def;
            break;
        default:
            break;
        }
    }
}

/* Not opened yet: parameters can still be set through member(). */
static inline struct opened load(const char *name) {
    struct opened opened = {.host = {.size = sizeof opened.host, .threads = 3, .parallel_for = parallel_for}};
    const char *folder = getenv("SWITCHYARD_PLUGIN_PATH");
    char path[4096];
    cr_assert(folder, "SWITCHYARD_PLUGIN_PATH names the plugins of the build tree; run through meson test");
    snprintf(path, sizeof path, "%s/datasets/%s.so", folder, name);
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    cr_assert(file, "%s", dlerror());
    const struct sy_plugin *const *plugins = dlsym(file, SY_SYMBOL);
    cr_assert(plugins && plugins[0] && !plugins[1]);
    opened.plugin = plugins[0];
    cr_assert_str_eq(opened.plugin->kind, SY_DATASET);
    cr_assert_str_eq(opened.plugin->name, name);
    opened.ops = opened.plugin->ops;
    opened.self = calloc(1, opened.plugin->self_size);
    cr_assert(opened.self);
    set_defaults(&opened);
    return opened;
}

static inline void open_well(struct opened *opened) {
    struct sy_error error = {.size = sizeof error};
    cr_assert_eq(opened->ops->open(opened->self, &opened->host, &error), SY_OK, "%s", error.text);
}

static inline void close_opened(struct opened *opened) {
    opened->ops->close(opened->self);
    free(opened->self);
}

static inline struct sy_dataset_info describe(const struct opened *opened) {
    struct sy_dataset_info info = {.size = sizeof info};
    cr_assert_eq(opened->ops->info(opened->self, &info), SY_OK);
    return info;
}

static inline void read_well(const struct opened *opened, int32_t split, int64_t index, uint8_t *pixels,
                             int32_t *label) {
    struct sy_error error = {.size = sizeof error};
    cr_assert_eq(opened->ops->read(opened->self, split, &index, 1, pixels, label, &error), SY_OK, "%s", error.text);
}

static inline void check_no_sample(const struct opened *opened, int32_t split, int64_t index) {
    struct sy_error error = {.size = sizeof error};
    uint8_t pixels[3072];
    int32_t label;
    cr_assert_eq(opened->ops->read(opened->self, split, &index, 1, pixels, &label, &error), SY_ERANGE);
    cr_assert(error.text[0]);
}

#endif
