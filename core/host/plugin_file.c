/* plugin_file.c - see plugin_file.h. */
#include "plugin_file.h"

#include <dlfcn.h>
#include <string.h>

#include "descriptor.h"

/* More than this in one file is a missing NULL at the end of its list. */
#define PLUGINS_LIMIT 64

const struct sy_found *sy_plugin_file_find(const struct sy_plugin_file *file, const char *kind, const char *name) {
    for (size_t i = 0; i < file->n_plugins; i++) {
        const struct sy_plugin *plugin = &file->plugins[i].plugin;
        if (!strcmp(plugin->name, name) && (!kind || !strcmp(plugin->kind, kind))) {
            return &file->plugins[i];
        }
    }
    return NULL;
}

/* What the loader says, without the path it likes to begin with. */
static const char *loader_words(const char *path) {
    const char *words = dlerror();
    size_t length = strlen(path);
    if (!words) {
        return "the loader refuses it without a reason";
    }
    return !strncmp(words, path, length) && !strncmp(words + length, ": ", 2) ? words + length + 2 : words;
}

static int read_descriptors(struct sy_plugin_file *file, const struct sy_plugin *const *list, struct sy_arena *arena,
                            struct sy_error *err) {
    size_t count = 0;
    while (count <= PLUGINS_LIMIT && list[count]) {
        count++;
    }
    if (!count || count > PLUGINS_LIMIT) {
        return sy_fail(err, SY_EINVAL, "its list %s must hold 1 to %d plugins and end with NULL", SY_SYMBOL,
                       PLUGINS_LIMIT);
    }
    file->plugins = sy_arena_take(arena, count * sizeof *file->plugins);
    if (!file->plugins) {
        return sy_fail(err, SY_ENOMEM, "memory is used up");
    }
    for (size_t i = 0; i < count; i++) {
        struct sy_found *found = &file->plugins[i];
        int status = sy_descriptor_read(found, list[i], err);
        if (status != SY_OK) {
            return status;
        }
        if (sy_plugin_file_find(file, found->plugin.kind, found->plugin.name)) {
            return sy_fail(err, SY_EINVAL, "it has two plugins \"%s\" of kind %s; names must differ",
                           found->plugin.name, found->plugin.kind);
        }
        found->file = file->path;
        file->n_plugins++;
    }
    return SY_OK;
}

struct sy_plugin_file *sy_plugin_file_load(const char *path, struct sy_arena *arena) {
    struct sy_error err = {.size = sizeof err};
    struct sy_plugin_file *file = sy_arena_take(arena, sizeof *file);
    if (!file || !(file->path = sy_arena_text(arena, path))) {
        return NULL;
    }
    void *handle = dlopen(file->path, RTLD_NOW | RTLD_LOCAL);
    const void *symbol = handle ? dlsym(handle, SY_SYMBOL) : NULL;
    if (!handle) {
        sy_fail(&err, SY_EIO, "%s", loader_words(file->path));
    } else if (!symbol) {
        sy_fail(&err, SY_EINVAL, "it is no Switchyard plugin: it does not export %s; SY_PLUGIN does that", SY_SYMBOL);
    } else {
        read_descriptors(file, symbol, arena, &err);
    }
    if (err.code != SY_OK) {
        file->n_plugins = 0;
        file->failed = sy_arena_text(arena, err.text);
        if (!file->failed) {
            return NULL;
        }
    }
    return file;
}
