/* registry.h - the registry's inside, shared by registry.c (finding) and candidates.c (listing). */
#ifndef SY_HOST_REGISTRY_H
#define SY_HOST_REGISTRY_H

#include "plugin_file.h"

struct sy_registry {
    struct sy_arena *arena;
    const char **folders; /* absolute, without repetitions, in order of precedence */
    size_t n_folders;
    struct sy_plugin_file *files;     /* every file opened so far, newest first */
    struct sy_plugin_file **declared; /* in the order declared */
    size_t n_declared;
    struct sy_arena *listing; /* what the last listing returned */
};

/* The folders that are searched, in order of precedence; NULL after the last. */
const char *sy_registry_folder(const struct sy_registry *registry, size_t index);

/* The file at that path, opened at most once; NULL when memory is used up. */
struct sy_plugin_file *sy_registry_open(struct sy_registry *registry, const char *path);

/* Why a file found in a folder as `name`.so must not be used: it failed, or it has no plugin of that name, or (kind not
 * NULL) none of that kind; NULL: all is well. The text is in `room` or the file's. */
const char *sy_registry_objection(const struct sy_plugin_file *file, const char *kind, const char *name, char *room,
                                  size_t size);

#endif
