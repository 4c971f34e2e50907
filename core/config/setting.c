/* setting.c - the tree: making, copying, merging, finding. */
#include "setting.h"

#include <stdlib.h>
#include <string.h>

static void destroy_tree(struct sy_setting *setting) {
    for (size_t i = 0; i < setting->n_children; i++) {
        destroy_tree(setting->children[i]);
    }
    if (setting->replaced) {
        destroy_tree(setting->replaced);
    }
    free(setting->children);
    free(setting->name);
    free(setting->string);
    free((char *)setting->file);
    free(setting);
}

void sy_setting_destroy(struct sy_setting *root) {
    if (root) {
        destroy_tree(root);
    }
}

static bool append(struct sy_setting *group, struct sy_setting *child) {
    struct sy_setting **children = realloc(group->children, (group->n_children + 1) * sizeof *children);
    if (!children) {
        return false;
    }
    group->children = children;
    children[group->n_children++] = child;
    child->parent = group;
    return true;
}

/* A copy without its children. */
static struct sy_setting *copy_alone(const struct sy_setting *setting) {
    struct sy_setting *copy = calloc(1, sizeof *copy);
    if (!copy) {
        return NULL;
    }
    copy->kind = setting->kind;
    copy->integer = setting->integer;
    copy->number = setting->number;
    copy->line = setting->line;
    copy->layer = setting->layer;
    copy->name = setting->name ? strdup(setting->name) : NULL;
    copy->string = setting->string ? strdup(setting->string) : NULL;
    copy->file = setting->file ? strdup(setting->file) : NULL;
    if ((setting->name && !copy->name) || (setting->string && !copy->string) || (setting->file && !copy->file)) {
        destroy_tree(copy);
        return NULL;
    }
    return copy;
}

struct sy_setting *sy_setting_copy(const struct sy_setting *setting) {
    struct sy_setting *copy = copy_alone(setting);
    if (copy && setting->replaced && !(copy->replaced = sy_setting_copy(setting->replaced))) {
        sy_setting_destroy(copy);
        return NULL;
    }
    for (size_t i = 0; copy && i < setting->n_children; i++) {
        struct sy_setting *child = sy_setting_copy(setting->children[i]);
        if (!child || !append(copy, child)) {
            sy_setting_destroy(child);
            sy_setting_destroy(copy);
            return NULL;
        }
    }
    return copy;
}

static size_t position(const struct sy_setting *group, const char *name) {
    for (size_t i = 0; name && i < group->n_children; i++) {
        if (group->children[i]->name && !strcmp(group->children[i]->name, name)) {
            return i;
        }
    }
    return group->n_children;
}

/* Puts `child` in place of the one of its name, or at the end; frees it where memory is used up. */
static bool place(struct sy_setting *group, struct sy_setting *child) {
    size_t at = position(group, child->name);
    if (at < group->n_children) {
        destroy_tree(group->children[at]);
        group->children[at] = child;
        child->parent = group;
        return true;
    }
    if (!append(group, child)) {
        destroy_tree(child);
        return false;
    }
    return true;
}

static void set_layer(struct sy_setting *setting, int layer) {
    setting->layer = layer;
    for (size_t i = 0; i < setting->n_children; i++) {
        set_layer(setting->children[i], layer);
    }
}

/* Covers `there`, a child of `group`, with `child`. */
static void cover(struct sy_setting *group, size_t there, struct sy_setting *child) {
    sy_setting_destroy(child->replaced); /* was below in a tree that is not this one */
    child->replaced = group->children[there];
    child->parent = group;
    group->children[there] = child;
}

/* Whether `over` names the plugin (or kind) that `there` names already: what was said for it still holds. */
static bool same_choice(const struct sy_setting *there, const struct sy_setting *over) {
    return there && there->kind == SY_SETTING_STRING && over->kind == SY_SETTING_STRING &&
           (!strcmp(over->name, "plugin") || !strcmp(over->name, "kind")) && !strcmp(there->string, over->string);
}

bool sy_setting_overlay(struct sy_setting *base, const struct sy_setting *over, int layer) {
    for (size_t i = 0; i < over->n_children; i++) {
        const struct sy_setting *from = over->children[i];
        size_t at = position(base, from->name);
        struct sy_setting *there = at < base->n_children ? base->children[at] : NULL;
        if (there && there->kind == SY_SETTING_GROUP && from->kind == SY_SETTING_GROUP) {
            if (!sy_setting_overlay(there, from, layer)) {
                return false;
            }
            continue;
        }
        int as_layer = same_choice(there, from) ? there->layer : layer;
        struct sy_setting *copy = sy_setting_copy(from);
        if (copy && there) {
            cover(base, at, copy);
        } else if (!copy || !place(base, copy)) {
            return false;
        }
        if (layer != SY_LAYERS_KEPT) {
            set_layer(copy, as_layer);
        }
    }
    return true;
}

static bool is_argument(const struct sy_setting *setting) {
    return setting->file && !strcmp(setting->file, "--set");
}

const struct sy_setting *sy_setting_without_argument(const struct sy_setting *setting) {
    while (setting && is_argument(setting)) {
        setting = setting->replaced;
    }
    return setting;
}

void sy_setting_keep_arguments(struct sy_setting *group) {
    for (size_t i = group->n_children; i-- > 0;) {
        struct sy_setting *child = group->children[i];
        if (child->kind == SY_SETTING_GROUP) {
            sy_setting_keep_arguments(child);
        }
        bool empty = child->kind == SY_SETTING_GROUP && !child->n_children;
        if (empty || (child->kind != SY_SETTING_GROUP && !is_argument(child))) {
            sy_setting_remove(group, child->name);
        }
    }
}

void sy_setting_drop_arguments(struct sy_setting *group) {
    for (size_t i = group->n_children; i-- > 0;) {
        struct sy_setting *child = group->children[i], *below;
        if (child->kind == SY_SETTING_GROUP) {
            sy_setting_drop_arguments(child);
        }
        if (!is_argument(child) || (child->kind == SY_SETTING_GROUP && child->n_children)) {
            continue;
        }
        below = child->replaced;
        if (!below) {
            sy_setting_remove(group, child->name);
            continue;
        }
        child->replaced = NULL;
        destroy_tree(child);
        group->children[i++] = below; /* and looks at it, too */
    }
}

struct sy_setting *sy_setting_get(struct sy_setting *group, const char *name) {
    size_t at = group && group->kind == SY_SETTING_GROUP ? position(group, name) : 0;
    if (!group || group->kind != SY_SETTING_GROUP || at == group->n_children) {
        return NULL;
    }
    group->children[at]->used = true;
    return group->children[at];
}

/* One step of a path: a name in a group, "[2]" in a list. */
static const struct sy_setting *step(const struct sy_setting *at, const char *part, size_t length) {
    if (at->kind == SY_SETTING_LIST && part[0] == '[') {
        char *end;
        unsigned long index = strtoul(part + 1, &end, 10);
        return end == part + length - 1 && *end == ']' && index < at->n_children ? at->children[index] : NULL;
    }
    for (size_t i = 0; at->kind == SY_SETTING_GROUP && i < at->n_children; i++) {
        const char *name = at->children[i]->name;
        if (name && strlen(name) == length && !memcmp(name, part, length)) {
            return at->children[i];
        }
    }
    return NULL;
}

const struct sy_setting *sy_setting_find(const struct sy_setting *root, const char *path) {
    const struct sy_setting *at = root;
    while (at && *path) {
        size_t length = strcspn(path, ".");
        at = step(at, path, length);
        path += length + (path[length] == '.');
    }
    return at;
}

struct sy_setting *sy_setting_add(struct sy_setting *group, enum sy_setting_kind kind, const char *name) {
    struct sy_setting *child = calloc(1, sizeof *child);
    if (!child) {
        return NULL;
    }
    child->kind = kind;
    child->name = name ? strdup(name) : NULL;
    child->file = strdup("default");
    child->string = kind == SY_SETTING_STRING ? strdup("") : NULL;
    child->layer = group->layer;
    if ((name && !child->name) || !child->file || (kind == SY_SETTING_STRING && !child->string)) {
        destroy_tree(child);
        return NULL;
    }
    return place(group, child) ? child : NULL;
}

bool sy_setting_set_string(struct sy_setting *setting, const char *text) {
    char *copy = strdup(text);
    if (!copy) {
        return false;
    }
    free(setting->string);
    setting->string = copy;
    return true;
}

void sy_setting_remove(struct sy_setting *group, const char *name) {
    size_t at = position(group, name);
    if (at < group->n_children) {
        destroy_tree(group->children[at]);
        memmove(group->children + at, group->children + at + 1, (group->n_children - at - 1) * sizeof *group->children);
        group->n_children--;
    }
}

char *sy_setting_path(const struct sy_setting *setting, char *out, size_t room) {
    char part[300];
    out[0] = 0;
    if (!setting->parent) {
        return out;
    }
    sy_setting_path(setting->parent, out, room);
    if (setting->name) {
        snprintf(part, sizeof part, "%s%s", out[0] ? "." : "", setting->name);
    } else {
        size_t index = 0;
        while (index < setting->parent->n_children && setting->parent->children[index] != setting) {
            index++;
        }
        snprintf(part, sizeof part, "%s[%zu]", out[0] ? "." : "", index);
    }
    size_t used = strlen(out);
    snprintf(out + used, room - used, "%s", part);
    return out;
}
