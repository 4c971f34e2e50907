/* plugin_file.h - one shared object: opened once, its descriptors read. */
#ifndef SY_HOST_PLUGIN_FILE_H
#define SY_HOST_PLUGIN_FILE_H

#include "plugins.h"

struct sy_plugin_file {
    const char *path;   /* as it was found, absolute */
    const char *failed; /* why it is of no use: one line, without the path; NULL: it is */
    struct sy_found *plugins;
    size_t n_plugins; /* 0 where it failed */
    struct sy_plugin_file *next;
};

/* Opens a file (an absolute path: no search of the loader's own). Everything is kept in the arena; the shared object
 * stays loaded. NULL only when memory is used up. */
struct sy_plugin_file *sy_plugin_file_load(const char *path, struct sy_arena *arena);

/* The plugin of that kind and name in the file, or NULL. kind NULL: of any kind. */
const struct sy_found *sy_plugin_file_find(const struct sy_plugin_file *file, const char *kind, const char *name);

#endif
