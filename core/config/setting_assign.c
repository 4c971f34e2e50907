/* setting_assign.c - `--set path.to.key=value` laid over a tree. */
#include "setting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "includes.h"
#include "parse.h"

static void mark_argument(struct sy_setting *setting) {
    char *file = strdup("--set");
    if (file) {
        free((char *)setting->file);
        setting->file = file;
    }
    setting->line = 0;
    for (size_t i = 0; i < setting->n_children; i++) {
        mark_argument(setting->children[i]);
    }
}

static void no_value(const char *path, const char *value, const char *why, struct sy_problems *problems) {
    const char *text = why ? strstr(why, ": ") : NULL; /* past the place in a text that nobody wrote */
    sy_problem(problems, NULL, "--set %s: %s is no value a config could hold%s", path, value, text ? text : "");
}

struct sy_setting *sy_parse_value(const char *name, const char *value, const char *file, struct sy_problems *problems) {
    size_t length = strlen(value), room = strlen(name) + length + 16, before = sy_problems_count(problems);
    char *text = malloc(room), *end;
    bool list = length > 1 && value[0] == '[' && value[length - 1] == ']';
    errno = 0;
    long long number = strtoll(value, &end, 10);
    bool wide = end != value && !*end && !errno && (number > INT32_MAX || number < INT32_MIN);
    struct sy_setting *root = NULL;
    if (!text) {
        sy_problem(problems, NULL, "memory is used up");
        return NULL;
    }
    snprintf(text, room, "%s = %s%.*s%s%s;", name, list ? "(" : "", (int)length - 2 * list, value + list,
             list ? ")" : "", wide ? "L" : "");
    sy_check_text(text, file, problems);
    if (sy_problems_count(problems) == before) {
        root = sy_parse(text, file, problems);
    }
    free(text);
    if (root && root->n_children != 1) {
        sy_setting_destroy(root);
        return NULL;
    }
    return root;
}

/* A root with one child: VALUE as in a config, or a bare word as a string. NULL after a problem. */
static struct sy_setting *parse_value(const char *path, const char *name, const char *value,
                                      struct sy_problems *problems) {
    struct sy_problems *quiet = sy_problems_create();
    struct sy_setting *root = NULL;
    if (!quiet) {
        goto out_of_memory;
    }
    bool written = strchr("[({\"", value[0]) != NULL;
    /* In a bare word, # and // are part of a path, and ; ends nothing. */
    bool several_lines = strchr(value, '\n') != NULL;
    if (!several_lines && (written || !strpbrk(value, "#/;=\""))) {
        root = sy_parse_value(name, value, "--set", quiet);
    }
    if (!root && written) {
        no_value(path, value, sy_problems_count(quiet) ? sy_problems_text(quiet, 0) : NULL, problems);
    } else if (!root) {
        root = calloc(1, sizeof *root);
        struct sy_setting *child = root ? sy_setting_add(root, SY_SETTING_STRING, name) : NULL;
        if (!child || !sy_setting_set_string(child, value)) {
            sy_setting_destroy(root);
            goto out_of_memory;
        }
    }
    sy_problems_destroy(quiet);
    return root;
out_of_memory:
    sy_problems_destroy(quiet);
    sy_problem(problems, NULL, "memory is used up");
    return NULL;
}

static bool is_name(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        bool letter = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '*';
        bool other = (text[i] >= '0' && text[i] <= '9') || text[i] == '_' || text[i] == '-';
        if (!letter && !(i > 0 && other)) {
            return false;
        }
    }
    return length > 0;
}

/* Wraps `value` (a root with one child) into groups named by the path, outermost first; takes `value` over. */
static struct sy_setting *wrap(const char *path, size_t length, struct sy_setting *value) {
    while (value && length > 0) {
        size_t start = length;
        while (start > 0 && path[start - 1] != '.') {
            start--;
        }
        struct sy_setting *outer = calloc(1, sizeof *outer);
        char *name = strndup(path + start, length - start);
        struct sy_setting **children = malloc(sizeof *children);
        if (!outer || !name || !children) {
            free(outer);
            free(name);
            free(children);
            sy_setting_destroy(value);
            return NULL;
        }
        value->name = name;
        value->parent = outer;
        children[0] = value;
        outer->kind = SY_SETTING_GROUP;
        outer->children = children;
        outer->n_children = 1;
        value = outer;
        length = start > 0 ? start - 1 : 0;
    }
    return value;
}

/* Whether `path` is names with dots between them. */
static bool is_path(const char *path) {
    for (;;) {
        size_t part = strcspn(path, ".");
        if (!is_name(path, part)) {
            return false;
        }
        if (!path[part]) {
            return true;
        }
        path += part + 1;
    }
}

bool sy_setting_assign(struct sy_setting *root, const char *assignment, int layer, struct sy_problems *problems) {
    const char *equals = strchr(assignment, '=');
    char *path = equals ? strndup(assignment, (size_t)(equals - assignment)) : NULL;
    struct sy_setting *value = NULL, *over = NULL;
    bool done = false;
    if (equals && !path) {
        sy_problem(problems, NULL, "memory is used up");
        return false;
    }
    if (!path || !is_path(path)) {
        sy_problem_in(problems, "--set", 0, "\"%s\" must look like path.to.key=value", assignment);
        goto done;
    }
    if (!equals[1]) {
        sy_problem(problems, NULL, "--set %s: has no value; an empty string is %s='\"\"'", path, path);
        goto done;
    }
    const char *dot = strrchr(path, '.');
    value = parse_value(path, dot ? dot + 1 : path, equals + 1, problems);
    over = value ? wrap(path, dot ? (size_t)(dot - path) : 0, value) : NULL;
    if (over) {
        mark_argument(over);
        done = sy_setting_overlay(root, over, layer);
    }
    if (value && !done) {
        sy_problem(problems, NULL, "memory is used up");
    }
done:
    sy_setting_destroy(over);
    free(path);
    return done;
}
