/* registry.c - see plugins.h: where plugins are looked for. */
#include "registry.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"

#ifndef SY_LIBDIR
#error "SY_LIBDIR: the library folder, relative to the installation's prefix; the build defines it"
#endif

/* ---- folders ---------------------------------------------------------------------------------------------------- */

/* Adds a folder that exists and is not there yet; false when memory is used up. */
static bool add_folder(struct sy_registry *registry, const char *path) {
    char real[PATH_MAX];
    if (!realpath(path, real)) {
        return true;
    }
    for (size_t i = 0; i < registry->n_folders; i++) {
        if (!strcmp(registry->folders[i], real)) {
            return true;
        }
    }
    const char **folders = realloc(registry->folders, (registry->n_folders + 1) * sizeof *folders);
    if (!folders) {
        return false;
    }
    registry->folders = folders;
    folders[registry->n_folders] = sy_arena_text(registry->arena, real);
    return folders[registry->n_folders++] != NULL;
}

/* The folders of SWITCHYARD_PLUGIN_PATH. An empty entry would be the current folder, and is none here. */
static bool add_listed_folders(struct sy_registry *registry) {
    const char *list = getenv("SWITCHYARD_PLUGIN_PATH");
    char *copy = list ? strdup(list) : NULL, *rest = NULL;
    bool done = !list || copy;
    for (char *path = copy ? strtok_r(copy, ":", &rest) : NULL; path && done; path = strtok_r(NULL, ":", &rest)) {
        done = add_folder(registry, path);
    }
    free(copy);
    return done;
}

/* The build tree's and the installed folders, all relative to the program. */
static bool add_program_folders(struct sy_registry *registry, const char *program) {
    static const char *const below[] = {"plugins", "../" SY_LIBDIR "/switchyard/plugins", "../lib/switchyard/plugins"};
    char real[PATH_MAX], path[PATH_MAX];
    if (!realpath(program ? program : "/proc/self/exe", real)) {
        return true;
    }
    *strrchr(real, '/') = 0;
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        snprintf(path, sizeof path, "%s/%s", real, below[i]);
        if (!add_folder(registry, path)) {
            return false;
        }
    }
    return SY_LIBDIR[0] != '/' || add_folder(registry, SY_LIBDIR "/switchyard/plugins");
}

struct sy_registry *sy_registry_create(const char *program) {
    struct sy_registry *registry = calloc(1, sizeof *registry);
    if (!registry) {
        return NULL;
    }
    registry->arena = sy_arena_create();
    if (!registry->arena || !add_listed_folders(registry) || !add_program_folders(registry, program)) {
        sy_registry_destroy(registry);
        return NULL;
    }
    return registry;
}

void sy_registry_destroy(struct sy_registry *registry) {
    if (registry) {
        sy_arena_destroy(registry->listing);
        sy_arena_destroy(registry->arena);
        free(registry->declared);
        free(registry->folders);
        free(registry);
    }
}

const char *sy_registry_folder(const struct sy_registry *registry, size_t index) {
    return index < registry->n_folders ? registry->folders[index] : NULL;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

struct sy_plugin_file *sy_registry_open(struct sy_registry *registry, const char *path) {
    for (struct sy_plugin_file *file = registry->files; file; file = file->next) {
        if (!strcmp(file->path, path)) {
            return file;
        }
    }
    struct sy_plugin_file *file = sy_plugin_file_load(path, registry->arena);
    if (file) {
        file->next = registry->files;
        registry->files = file;
    }
    return file;
}

const char *sy_registry_objection(const struct sy_plugin_file *file, const char *kind, const char *name, char *room,
                                  size_t size) {
    if (file->failed) {
        return file->failed;
    }
    const struct sy_plugin *first = &file->plugins[0].plugin;
    if (!sy_plugin_file_find(file, NULL, name)) {
        snprintf(room, size, "it calls its plugin \"%s\"; in a folder of plugins the file must be %s.so", first->name,
                 first->name);
        return room;
    }
    if (kind && !sy_plugin_file_find(file, kind, name)) {
        snprintf(room, size, "plugin \"%s\" in it is of kind %s, not %s; it lies in the wrong folder", name,
                 sy_plugin_file_find(file, NULL, name)->plugin.kind, kind);
        return room;
    }
    return NULL;
}

bool sy_registry_declare(struct sy_registry *registry, const char *path, const struct sy_setting *at,
                         struct sy_problems *problems) {
    char real[PATH_MAX];
    if (!realpath(path, real)) {
        sy_problem(problems, at, "plugin file %s: %s", path, strerror(errno));
        return false;
    }
    struct sy_plugin_file *file = sy_registry_open(registry, real);
    struct sy_plugin_file **declared =
        file ? realloc(registry->declared, (registry->n_declared + 1) * sizeof *declared) : NULL;
    if (!declared) {
        sy_problem(problems, at, "memory is used up");
        return false;
    }
    registry->declared = declared;
    declared[registry->n_declared++] = file;
    if (file->failed) {
        sy_problem(problems, at, "plugin file %s: %s", path, file->failed);
    }
    return !file->failed;
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

/* Looks into one folder: FOLDER/policies/NAME.so, then FOLDER/NAME.so, which may be of another kind. True if the search
 * ends here, with *out NULL after a problem. */
static bool find_in_folder(struct sy_registry *registry, const char *folder, const struct sy_kind *kind,
                           const char *name, const struct sy_found **out, const struct sy_setting *at,
                           struct sy_problems *problems) {
    char path[PATH_MAX], room[256];
    for (int sorted = 1; sorted >= 0; sorted--) {
        snprintf(path, sizeof path, "%s/%s%s%s.so", folder, sorted ? kind->folder : "", sorted ? "/" : "", name);
        if (access(path, F_OK) != 0) {
            continue;
        }
        const struct sy_plugin_file *file = sy_registry_open(registry, path);
        const char *objection =
            file ? sy_registry_objection(file, sorted ? kind->id : NULL, name, room, sizeof room) : "memory is used up";
        if (objection) {
            sy_problem(problems, at, "%s \"%s\": %s: %s", kind->word, name, path, objection);
            return true;
        }
        *out = sy_plugin_file_find(file, kind->id, name);
        if (*out) {
            return true;
        }
    }
    return false;
}

/* "no policy named "my_rul"; did you mean "my_rule"? (known: ...)" */
static void tell_unknown(struct sy_registry *registry, const struct sy_kind *kind, const char *name,
                         const struct sy_setting *at, struct sy_problems *problems) {
    const struct sy_candidate *candidates;
    char known[768] = "";
    size_t used = 0, n_names = 0, count = sy_registry_candidates(registry, kind->id, false, &candidates);
    const char **names = calloc(count + 1, sizeof *names);
    for (size_t i = 0; names && i < count; i++) {
        if (candidates[i].shadowed_by || candidates[i].failed) {
            continue;
        }
        if (used < sizeof known) {
            used +=
                (size_t)snprintf(known + used, sizeof known - used, "%s%s", n_names ? ", " : "", candidates[i].name);
        }
        names[n_names++] = candidates[i].name;
    }
    const char *nearest = n_names ? sy_nearest_name(name, names, n_names) : NULL;
    if (!n_names) {
        sy_problem(problems, at,
                   "no %s named \"%s\": no %s were found at all; set SWITCHYARD_PLUGIN_PATH to where they are",
                   kind->word, name, kind->folder);
    } else if (nearest) {
        sy_problem(problems, at, "no %s named \"%s\"; did you mean \"%s\"? (known: %s)", kind->word, name, nearest,
                   known);
    } else {
        sy_problem(problems, at, "no %s named \"%s\" (known: %s)", kind->word, name, known);
    }
    free(names);
}

const struct sy_found *sy_registry_find(struct sy_registry *registry, const char *kind_id, const char *name,
                                        const struct sy_setting *at, struct sy_problems *problems) {
    const struct sy_kind *kind = sy_kind_find(kind_id);
    if (!kind) {
        sy_problem(problems, at, "no kind of plugin is called \"%s\"", kind_id);
        return NULL;
    }
    for (size_t i = 0; i < registry->n_declared; i++) {
        const struct sy_found *found = sy_plugin_file_find(registry->declared[i], kind_id, name);
        if (found) {
            return found;
        }
    }
    /* Anything else is no name, and must not become part of a path. */
    if (sy_is_plugin_name(name)) {
        for (size_t i = 0; i < registry->n_folders; i++) {
            const struct sy_found *found = NULL;
            if (find_in_folder(registry, registry->folders[i], kind, name, &found, at, problems)) {
                return found;
            }
        }
    }
    tell_unknown(registry, kind, name, at, problems);
    return NULL;
}
