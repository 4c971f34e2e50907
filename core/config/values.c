/* values.c - see values.h. */
#include "values.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"

const char *sy_value_word(const struct sy_setting *setting) {
    switch (setting->kind) {
    case SY_SETTING_GROUP:
        return "a group";
    case SY_SETTING_LIST:
        return "a list";
    case SY_SETTING_INT:
        return "a whole number";
    case SY_SETTING_FLOAT:
        return "a number with a fraction";
    case SY_SETTING_BOOL:
        return "true or false";
    default:
        return "a string";
    }
}

bool sy_has_range(const struct sy_field *field) {
    return field->min != 0 || field->max != 0;
}

bool sy_in_range(const struct sy_field *field, double value) {
    if (!sy_has_range(field)) {
        return true;
    }
    bool above = field->flags & SY_MIN_EXCLUSIVE ? value > field->min : value >= field->min;
    return above && value <= field->max;
}

const char *sy_range_text(const struct sy_field *field, char *out, size_t room) {
    out[0] = 0;
    if (sy_has_range(field)) {
        snprintf(out, room, " %s%.12g, %.12g]", field->flags & SY_MIN_EXCLUSIVE ? "(" : "[", field->min, field->max);
    } else if (field->type == SY_TYPE_INT32) {
        snprintf(out, room, " [%d, %d]", INT32_MIN, INT32_MAX);
    } else if (field->type == SY_TYPE_UINT64) {
        snprintf(out, room, " [0, %lld]", (long long)INT64_MAX);
    }
    return out;
}

bool sy_has_default(const struct sy_field *field) {
    bool text = field->type == SY_TYPE_STRING || field->type >= SY_TYPE_INTS;
    return !text || field->def_text;
}

/* The index-th of "a|b|c". */
static char *choice_word(const char *choices, int index) {
    while (index-- > 0 && strchr(choices, '|')) {
        choices = strchr(choices, '|') + 1;
    }
    return strndup(choices, strcspn(choices, "|"));
}

static bool fill_scalar(struct sy_setting *setting, const struct sy_field *field) {
    if (field->type == SY_TYPE_DOUBLE) {
        setting->kind = SY_SETTING_FLOAT;
        setting->number = field->def;
        return true;
    }
    if (field->choices) {
        setting->kind = SY_SETTING_STRING;
        setting->string = choice_word(field->choices, (int)field->def);
        return setting->string != NULL;
    }
    setting->kind = field->flags & SY_FLAG ? SY_SETTING_BOOL : SY_SETTING_INT;
    setting->integer = (int64_t)field->def;
    setting->number = field->def;
    return true;
}

/* A default stands in no line. */
static void forget_lines(struct sy_setting *setting) {
    setting->line = 0;
    for (size_t i = 0; i < setting->n_children; i++) {
        forget_lines(setting->children[i]);
    }
}

bool sy_setting_become(struct sy_setting *setting, struct sy_setting *value) {
    setting->kind = value->kind;
    setting->integer = value->integer;
    setting->number = value->number;
    if (value->string && !sy_setting_set_string(setting, value->string)) {
        return false;
    }
    struct sy_setting **children = setting->children;
    setting->children = value->children;
    setting->n_children = value->n_children;
    value->children = children;
    value->n_children = 0;
    for (size_t i = 0; i < setting->n_children; i++) {
        setting->children[i]->parent = setting;
    }
    return true;
}

/* Written as in a config, so the config's reader reads it. */
static bool fill_list(struct sy_setting *setting, const struct sy_field *field) {
    struct sy_problems *quiet = sy_problems_create();
    struct sy_setting *root = quiet ? sy_parse_value(field->name, field->def_text, "default", quiet) : NULL;
    if (root) {
        forget_lines(root);
    }
    bool good = root && sy_setting_become(setting, root->children[0]);
    sy_setting_destroy(root);
    sy_problems_destroy(quiet);
    return good;
}

struct sy_setting *sy_default_setting(const struct sy_field *field) {
    struct sy_setting *setting = sy_has_default(field) ? calloc(1, sizeof *setting) : NULL;
    if (!setting) {
        return NULL;
    }
    setting->name = strdup(field->name);
    setting->file = strdup("default");
    bool good = setting->name && setting->file;
    if (good && field->type == SY_TYPE_STRING) {
        setting->kind = SY_SETTING_STRING;
        good = sy_setting_set_string(setting, field->def_text);
    } else if (good && field->type >= SY_TYPE_INTS) {
        good = fill_list(setting, field);
    } else if (good) {
        good = fill_scalar(setting, field);
    }
    if (!good) {
        sy_setting_destroy(setting);
        return NULL;
    }
    return setting;
}

/* Takes "." and ".." out of an absolute path, in place. */
static void normalise(char *path) {
    char *out = path, *at = path;
    while (*at) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length == 2 && !strncmp(at, "..", 2)) {
            while (out > path && *--out != '/') {
            }
        } else if (length > 0 && !(length == 1 && *at == '.')) {
            *out++ = '/';
            if (out != at) { /* nothing was taken out yet; compilers make it a memcpy, which may not overlap */
                memmove(out, at, length);
            }
            out += length;
        }
        at += length;
    }
    if (out == path) {
        *out++ = '/';
    }
    *out = 0;
}

char *sy_absolute_path(const char *path, const char *file) {
    const char *slash = file && strcmp(file, "--set") && strcmp(file, "default") ? strrchr(file, '/') : NULL;
    char *folder = getcwd(NULL, 0);
    size_t inside = slash ? (size_t)(slash - file) + 1 : 0;
    size_t room = (folder ? strlen(folder) : 0) + inside + strlen(path) + 4;
    char *absolute = malloc(room);
    if (absolute && (path[0] == '/' || folder || (slash && file[0] == '/'))) {
        bool rooted = path[0] == '/', from_root = !rooted && slash && file[0] == '/';
        snprintf(absolute, room, "%s%s%.*s%s%s", rooted || from_root ? "" : folder, rooted || from_root ? "" : "/",
                 rooted ? 0 : (int)inside, inside ? file : "", rooted || !inside ? "" : "/", path);
        normalise(absolute);
    } else {
        free(absolute);
        absolute = NULL;
    }
    free(folder);
    return absolute;
}
