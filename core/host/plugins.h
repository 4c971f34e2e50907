/* plugins.h - finds, loads and checks plugins, and makes instances of them.
 *
 * A config names a plugin by kind and name. Where it is looked for, first match wins:
 *   1. the files the config declares: plugins = ["build/my_rule.so"];
 *   2. each folder of SWITCHYARD_PLUGIN_PATH (colon-separated),
 *   3. the build tree: `plugins` beside the running program,
 *   4. the installed folder, relative to the running program: ../LIBDIR/switchyard/plugins.
 * In a folder of 2 to 4, plugin NAME of kind policy/1 is the file policies/NAME.so or NAME.so; a file of that name that
 * is broken ends the search. Never the current folder. Files are loaded RTLD_NOW | RTLD_LOCAL and stay loaded until the
 * program ends. */
#ifndef SY_HOST_PLUGINS_H
#define SY_HOST_PLUGINS_H

#include <switchyard/plugin.h>

#include "../config/fields.h"

struct sy_registry;

/* A plugin that was found: its descriptor copied into this build's layout. Valid as long as the registry. */
struct sy_found {
    struct sy_plugin plugin; /* members the file does not have are zero */
    struct sy_table table;
    const char *file; /* where it came from */
};

/* NULL when memory is used up. `program` is the path of the running program, NULL: asked from the system. */
struct sy_registry *sy_registry_create(const char *program);
void sy_registry_destroy(struct sy_registry *registry);

/* Declares a file (step 1). It is loaded now; what is wrong with it is a problem at `at`. */
bool sy_registry_declare(struct sy_registry *registry, const char *file, const struct sy_setting *at,
                         struct sy_problems *problems);

/* Finds a plugin; NULL after a problem at `at`: none of that name (with the nearest that there is), a file that would
 * not load (with the loader's own words), a descriptor that is not sane. kind: "policy/1". */
const struct sy_found *sy_registry_find(struct sy_registry *registry, const char *kind, const char *name,
                                        const struct sy_setting *at, struct sy_problems *problems);

/* One thing `check` and `list` show about the search. */
struct sy_candidate {
    const char *kind; /* "policy/1"; "" for a file outside the kinds' folders that would not load and so cannot say */
    const char *name, *file;
    const char *shadowed_by; /* the file that won; NULL for the winner */
    const char *failed;      /* why it would not load; NULL if it did or was not tried */
};
/* Every file in the search path for one kind (NULL: all), by kind, name and precedence; with `load`, files are opened
 * so that `failed` is known. Files outside the kinds' folders are opened in any case: only they can say their kind. A
 * file met twice (one folder listed twice, a link) is told once. The array is the registry's, valid until the next call
 * of this or of a find that fails. */
size_t sy_registry_candidates(struct sy_registry *registry, const char *kind, bool load,
                              const struct sy_candidate **out);

/* The kinds there are: "backend/1", ... and the folder of each: "backends". NULL-terminated. */
struct sy_kind {
    const char *id, *folder, *word; /* "policy/1", "policies", "policy" */
    size_t ops_size;                /* of this build's table of functions */
};
const struct sy_kind *sy_kinds(void);

/* An instance: its memory (64-byte aligned), and this build's copy of the plugin's functions (absent ones NULL). */
struct sy_instance {
    const struct sy_found *found;
    void *self;
    const void *ops; /* cast to the kind's struct; belongs to the instance */
};

/* Allocates an instance and reads its parameters from `group` (NULL: defaults); does not call init: that is the
 * business of who knows the kind. NULL after a problem. Does not finish the group (fields.h). */
struct sy_instance *sy_instance_create(const struct sy_found *found, struct sy_setting *group, struct sy_arena *arena,
                                       struct sy_problems *problems);
/* Frees the memory; the kind's fini or close comes before, by who called init. NULL is fine. */
void sy_instance_destroy(struct sy_instance *instance);

/* Finds the plugin that `group.plugin` names (or `fallback` where it names none; NULL: the key is required), creates an
 * instance and finishes the group; `names`: keys of the group that are not the plugin's, or NULL. */
struct sy_instance *sy_instance_from_group(struct sy_registry *registry, const char *kind, struct sy_setting *group,
                                           const char *fallback, const char *const *names, struct sy_arena *arena,
                                           struct sy_problems *problems);

/* Observed and state fields, for journals and checkpoints. Row `index` of those roles; false after the last. */
bool sy_instance_field(const struct sy_instance *instance, size_t index, struct sy_field *out);

#endif
