/* candidates.c - every file in the search path, for `list`, `check` and for guessing what a wrong name meant. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "descriptor.h"
#include "registry.h"

struct listing {
    struct sy_registry *registry;
    const char *kind; /* the only one wanted, or NULL */
    bool load;
    struct entry *entries;
    size_t count, room;
};

struct entry {
    struct sy_candidate candidate;
    size_t precedence;
    const char *real; /* the file, symbolic links followed */
};

/* Takes a file into the listing. kind "" where it cannot be known. The same file again is no news. Where memory is used
 * up the listing is shorter than it might be, and no worse. */
static void add(struct listing *listing, const char *kind, const char *name, const char *file, const char *failed) {
    struct sy_arena *arena = listing->registry->listing;
    char real[PATH_MAX];
    if (listing->kind && strcmp(listing->kind, kind)) {
        return;
    }
    if (!realpath(file, real)) {
        snprintf(real, sizeof real, "%s", file);
    }
    for (size_t i = 0; i < listing->count; i++) {
        const struct entry *entry = &listing->entries[i];
        if (!strcmp(entry->real, real) && !strcmp(entry->candidate.kind, kind) &&
            !strcmp(entry->candidate.name, name)) {
            return;
        }
    }
    if (listing->count == listing->room) {
        size_t room = listing->room ? 2 * listing->room : 64;
        struct entry *entries = realloc(listing->entries, room * sizeof *entries);
        if (!entries) {
            return;
        }
        listing->entries = entries;
        listing->room = room;
    }
    struct entry entry = {.precedence = listing->count, .real = sy_arena_text(arena, real)};
    entry.candidate.kind = sy_arena_text(arena, kind);
    entry.candidate.name = sy_arena_text(arena, name);
    entry.candidate.file = sy_arena_text(arena, file);
    entry.candidate.failed = failed ? sy_arena_text(arena, failed) : NULL;
    if (!entry.real || !entry.candidate.kind || !entry.candidate.name || !entry.candidate.file) {
        return;
    }
    listing->entries[listing->count++] = entry;
}

/* "path/NAME.so" to NAME; false if the file is not called so. */
static bool name_of(char *out, size_t room, const char *path) {
    const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path;
    size_t length = strlen(start);
    if (length <= 3 || length - 3 >= room || strcmp(start + length - 3, ".so")) {
        return false;
    }
    memcpy(out, start, length - 3);
    out[length - 3] = 0;
    return sy_is_plugin_name(out);
}

static void add_declared(struct listing *listing, const struct sy_plugin_file *file) {
    char name[64];
    for (size_t i = 0; i < file->n_plugins; i++) {
        add(listing, file->plugins[i].plugin.kind, file->plugins[i].plugin.name, file->path, NULL);
    }
    if (file->failed) {
        add(listing, "", name_of(name, sizeof name, file->path) ? name : "?", file->path, file->failed);
    }
}

/* A file beside the folders of kinds says its kind itself, so it has to be opened. */
static void add_unsorted(struct listing *listing, const char *path, const char *name) {
    char room[256];
    const struct sy_plugin_file *file = sy_registry_open(listing->registry, path);
    const char *objection = file ? sy_registry_objection(file, NULL, name, room, sizeof room) : NULL;
    if (!file) {
        return;
    }
    if (objection) {
        add(listing, file->n_plugins ? file->plugins[0].plugin.kind : "", name, path, objection);
        return;
    }
    for (size_t i = 0; i < file->n_plugins; i++) {
        if (!strcmp(file->plugins[i].plugin.name, name)) {
            add(listing, file->plugins[i].plugin.kind, name, path, NULL);
        }
    }
}

static void add_sorted(struct listing *listing, const struct sy_kind *kind, const char *path, const char *name) {
    char room[256];
    const struct sy_plugin_file *file = listing->load ? sy_registry_open(listing->registry, path) : NULL;
    add(listing, kind->id, name, path, file ? sy_registry_objection(file, kind->id, name, room, sizeof room) : NULL);
}

/* kind NULL: the folder itself. */
static void add_folder(struct listing *listing, const char *folder, const struct sy_kind *kind) {
    char path[PATH_MAX], name[64];
    snprintf(path, sizeof path, "%s%s%s", folder, kind ? "/" : "", kind ? kind->folder : "");
    DIR *directory = opendir(path);
    size_t length = strlen(path);
    for (const struct dirent *item; directory && (item = readdir(directory));) {
        if (!name_of(name, sizeof name, item->d_name)) {
            continue;
        }
        snprintf(path + length, sizeof path - length, "/%s", item->d_name);
        if (kind) {
            add_sorted(listing, kind, path, name);
        } else {
            add_unsorted(listing, path, name);
        }
    }
    if (directory) {
        closedir(directory);
    }
}

static size_t rank_of(const char *kind) {
    size_t rank = 0;
    while (sy_kinds()[rank].id && strcmp(sy_kinds()[rank].id, kind)) {
        rank++;
    }
    return rank;
}

static int by_kind_name_precedence(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    size_t rank_a = rank_of(a->candidate.kind), rank_b = rank_of(b->candidate.kind);
    if (rank_a != rank_b) {
        return rank_a < rank_b ? -1 : 1;
    }
    int order = strcmp(a->candidate.name, b->candidate.name);
    return order ? order : (a->precedence > b->precedence) - (a->precedence < b->precedence);
}

/* The first of each kind and name wins. */
static struct sy_candidate *settle(struct listing *listing) {
    struct sy_candidate *out = sy_arena_take(listing->registry->listing, (listing->count + 1) * sizeof *out);
    size_t winner = 0;
    if (listing->count) {
        qsort(listing->entries, listing->count, sizeof *listing->entries, by_kind_name_precedence);
    }
    for (size_t i = 0; out && i < listing->count; i++) {
        out[i] = listing->entries[i].candidate;
        if (i && *out[i].kind && !strcmp(out[i].kind, out[winner].kind) && !strcmp(out[i].name, out[winner].name)) {
            out[i].shadowed_by = out[winner].file;
        } else {
            winner = i;
        }
    }
    return out;
}

size_t sy_registry_candidates(struct sy_registry *registry, const char *kind, bool load,
                              const struct sy_candidate **out) {
    struct listing listing = {.registry = registry, .kind = kind, .load = load};
    sy_arena_destroy(registry->listing);
    registry->listing = sy_arena_create();
    *out = NULL;
    if (!registry->listing) {
        return 0;
    }
    for (size_t i = 0; i < registry->n_declared; i++) {
        add_declared(&listing, registry->declared[i]);
    }
    for (size_t i = 0; i < registry->n_folders; i++) {
        for (const struct sy_kind *each = sy_kinds(); each->id; each++) {
            if (!kind || !strcmp(kind, each->id)) {
                add_folder(&listing, registry->folders[i], each);
            }
        }
        add_folder(&listing, registry->folders[i], NULL);
    }
    *out = settle(&listing);
    free(listing.entries);
    return *out ? listing.count : 0;
}
