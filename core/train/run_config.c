/* run_config.c - see run_config.h. */
#include "run_config.h"

#include <stdlib.h>
#include <string.h>

/* The config as text; malloc'ed. */
static char *config_text(const struct sy_setting *config, size_t *size) {
    char *text = NULL;
    FILE *stream = open_memstream(&text, size);
    if (!stream) {
        return NULL;
    }
    bool written = sy_setting_write(config, stream);
    if (fclose(stream) != 0 || !written) {
        free(text);
        return NULL;
    }
    return text;
}

/* Settings that may differ between the starts of one run: they can change bits, but not what is meant. */
static bool may_differ(const char *path) {
    return !strcmp(path, "threads") || !strcmp(path, "backend") || !strncmp(path, "backend.", 8);
}

/* What was found different, as one line of text. */
struct differences {
    char text[640];
    size_t used;
    int count, left_out;
    bool slight;
    bool any_seed; /* the seed does not count */
};

/* A value as a config has it; "a group" for what does not fit into a line, "nothing" for NULL. */
static void value_text(char *out, size_t room, const struct sy_setting *value) {
    char *text = NULL;
    size_t size;
    snprintf(out, room, "%s", !value ? "nothing" : value->kind == SY_SETTING_GROUP ? "a group" : "?");
    if (!value || value->kind == SY_SETTING_GROUP) {
        return;
    }
    struct sy_setting *children[] = {(struct sy_setting *)(uintptr_t)value};
    const struct sy_setting alone = {.kind = SY_SETTING_GROUP, .children = children, .n_children = 1};
    FILE *stream = open_memstream(&text, &size);
    bool written = stream && sy_setting_write(&alone, stream);
    if (stream && fclose(stream) == 0 && written) {
        const char *from = strstr(text, " = "); /* "name = value;" */
        snprintf(out, room, "%.*s", (int)strcspn(from ? from + 3 : text, ";\n"), from ? from + 3 : text);
    }
    free(text);
}

static void add_difference(struct differences *out, const struct sy_setting *there, const struct sy_setting *now) {
    char path[512], before[128], after[128], line[800];
    sy_setting_path(there ? there : now, path, sizeof path);
    if (may_differ(path) || (out->any_seed && !strcmp(path, "seed"))) {
        out->slight = true;
        return;
    }
    value_text(before, sizeof before, there);
    value_text(after, sizeof after, now);
    snprintf(line, sizeof line, "%s%s = %s, now %s", out->count ? "; " : "", path, before, after);
    size_t length = strlen(line);
    out->count++;
    if (out->left_out || out->used + length >= sizeof out->text) {
        out->left_out++;
        return;
    }
    memcpy(out->text + out->used, line, length + 1);
    out->used += length;
}

static bool same_value(const struct sy_setting *a, const struct sy_setting *b) {
    if (a->kind != b->kind || a->n_children != b->n_children) {
        return false;
    }
    for (size_t i = 0; i < a->n_children; i++) {
        if (!same_value(a->children[i], b->children[i])) {
            return false;
        }
    }
    return a->kind == SY_SETTING_STRING  ? !strcmp(a->string, b->string)
           : a->kind == SY_SETTING_FLOAT ? a->number == b->number || (a->number != a->number && b->number != b->number)
                                         : a->integer == b->integer;
}

static const struct sy_setting *child_of(const struct sy_setting *group, const char *name) {
    for (size_t i = 0; i < group->n_children; i++) {
        if (!strcmp(group->children[i]->name, name)) {
            return group->children[i];
        }
    }
    return NULL;
}

static void compare_groups(struct differences *out, const struct sy_setting *there, const struct sy_setting *now) {
    for (size_t i = 0; i < there->n_children; i++) {
        const struct sy_setting *a = there->children[i], *b = child_of(now, a->name);
        if (b && a->kind == SY_SETTING_GROUP && b->kind == SY_SETTING_GROUP) {
            compare_groups(out, a, b);
        } else if (!b || !same_value(a, b)) {
            add_difference(out, a, b);
        }
    }
    for (size_t i = 0; i < now->n_children; i++) {
        if (!child_of(there, now->children[i]->name)) {
            add_difference(out, NULL, now->children[i]);
        }
    }
}

/* Both texts are read, so that what was written and what is now have been through the same. */
static int compare(const char *path, const char *text, bool any_seed, bool *slightly, struct sy_error *err) {
    struct differences found = {.any_seed = any_seed};
    char more[64] = "";
    int status = SY_OK;
    struct sy_problems *problems = sy_problems_create();
    struct sy_setting *there = problems ? sy_setting_read(path, problems) : NULL;
    struct sy_setting *now = there ? sy_setting_read_text(text, "now", problems) : NULL;
    if (!now) {
        status = sy_fail(err, SY_EIO, "%s: cannot be compared with the configuration: %s", path,
                         problems && sy_problems_count(problems) ? sy_problems_text(problems, 0) : "memory is used up");
    } else {
        compare_groups(&found, there, now);
    }
    if (found.left_out) {
        snprintf(more, sizeof more, "; and %d more", found.left_out);
    }
    if (found.count) {
        status = sy_fail(err, SY_EINVAL,
                         "%s was made from another configuration: %s%s. Resume with the same, or choose another --out",
                         path, found.text, more);
    }
    *slightly = status == SY_OK && found.slight;
    sy_setting_destroy(now);
    sy_setting_destroy(there);
    sy_problems_destroy(problems);
    return status;
}

int sy_run_config_compare(const char *path, const struct sy_setting *config, struct sy_error *err) {
    size_t size;
    bool slightly;
    char *text = config_text(config, &size);
    int status = text ? compare(path, text, true, &slightly, err) : sy_fail(err, SY_ENOMEM, "no memory for a config");
    free(text);
    return status;
}

int sy_run_config_keep(struct sy_run_folder *folder, const struct sy_setting *config, bool resume, bool *slightly,
                       struct sy_error *err) {
    size_t size;
    char *text = config_text(config, &size);
    *slightly = false;
    if (!text) {
        return sy_fail(err, SY_ENOMEM, "no memory to write run.cfg");
    }
    const char *path = sy_run_folder_file(folder, "run.cfg");
    int status = resume ? compare(path, text, false, slightly, err) : sy_write_file(path, text, size, err);
    free(text);
    return status;
}
