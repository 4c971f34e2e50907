/* setting.h - a configuration as a tree that remembers where every value came from.
 *
 * libconfig parses; this tree adds what it has not: layers (a suite's variant or --set laid over a base file), the
 * file and line of each value, and which values somebody understood. Settings belong to their root, and strings to
 * their setting; both live until sy_setting_destroy(root). */
#ifndef SY_CONFIG_SETTING_H
#define SY_CONFIG_SETTING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "problems.h"

enum sy_setting_kind {
    SY_SETTING_GROUP, /* { name = value; } */
    SY_SETTING_LIST,  /* [ ] or ( ) */
    SY_SETTING_INT,
    SY_SETTING_FLOAT,
    SY_SETTING_BOOL,
    SY_SETTING_STRING,
};

struct sy_setting {
    enum sy_setting_kind kind;
    char *name; /* NULL for the root and for elements of lists */
    struct sy_setting *parent;
    struct sy_setting **children; /* of groups and lists, in the order written */
    size_t n_children;
    int64_t integer;  /* INT and BOOL (0, 1) */
    double number;    /* FLOAT, and INT as a double */
    char *string;     /* STRING */
    const char *file; /* path as it was opened, "--set" or "default"; belongs to the root */
    int line;         /* 0 where there is none */
    int layer;        /* 0: the base file; 1: the next layer over it; ... */
    bool used;        /* somebody asked for it, see sy_setting_get */
    /* What stood here until a layer was laid over it; NULL: nothing. Not a part of the tree that is read or written. */
    struct sy_setting *replaced;
};

/* Parses a file, @include and all. A file that cannot be read or parsed, or that includes itself, is a problem.
 * NULL after a problem. */
struct sy_setting *sy_setting_read(const char *path, struct sy_problems *problems);
/* The same from text; `file` is what problems call it, and what @include is relative to. */
struct sy_setting *sy_setting_read_text(const char *text, const char *file, struct sy_problems *problems);
void sy_setting_destroy(struct sy_setting *root);

/* A deep copy of a subtree, as a root of its own; NULL when memory is used up. */
struct sy_setting *sy_setting_copy(const struct sy_setting *setting);

enum { SY_LAYERS_KEPT = -1 };

/* Lays `over` over `base` (both groups): groups merge, anything else is replaced, what is new is appended; everything
 * from `over` gets `layer` (SY_LAYERS_KEPT: keeps its own), but a `plugin` or `kind` that says what base says already.
 * `over` is not changed. Base keeps its own where over is silent. A key that came from a lower layer than the `plugin`
 * (or `kind`) beside it and that the new plugin does not know is dropped without a word, see fields.h. False when
 * memory is used up. */
bool sy_setting_overlay(struct sy_setting *base, const struct sy_setting *over, int layer);

/* A tree with --set laid over it, in two: only what --set wrote, and the rest as it was without. For who lays something
 * between them. */
void sy_setting_keep_arguments(struct sy_setting *root);
void sy_setting_drop_arguments(struct sy_setting *root);
/* What the files say where --set wrote `setting`; itself where it did not; NULL where they say nothing. */
const struct sy_setting *sy_setting_without_argument(const struct sy_setting *setting);

/* "path.to.key=value": value as in a config; a bare word is a string. Replaces or creates, groups on the way too. */
bool sy_setting_assign(struct sy_setting *root, const char *assignment, int layer, struct sy_problems *problems);

/* Child by name, marked as used; NULL if there is none or `group` is NULL. */
struct sy_setting *sy_setting_get(struct sy_setting *group, const char *name);
/* By dotted path as sy_setting_path gives it, without marking. */
const struct sy_setting *sy_setting_find(const struct sy_setting *root, const char *path);
/* Appends a child to a group or list, in place of one of that name; file "default" unless set by the caller, an empty
 * string where it is one. NULL when memory is used up. */
struct sy_setting *sy_setting_add(struct sy_setting *group, enum sy_setting_kind kind, const char *name);
bool sy_setting_set_string(struct sy_setting *setting, const char *text);
void sy_setting_remove(struct sy_setting *group, const char *name);

/* "nodes.teacher.width"; elements of lists as "policies.[1]". Returns `out`. */
char *sy_setting_path(const struct sy_setting *setting, char *out, size_t room);

/* As a libconfig file that reads back to the same tree, numbers exactly. False when the stream failed. */
bool sy_setting_write(const struct sy_setting *root, FILE *out);

#endif
