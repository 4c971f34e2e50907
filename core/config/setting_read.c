/* setting_read.c - from files and arguments to trees; libconfig does the parsing. */
#include "setting.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "includes.h"

#define MOST_NESTED 64

/* What a conversion knows on its way down. */
struct source {
    const char *file; /* of settings that libconfig gives none */
    struct sy_problems *problems;
    bool failed;
};

static struct sy_setting *convert(struct source *source, const config_setting_t *from, int depth);

static bool convert_children(struct source *source, struct sy_setting *setting, const config_setting_t *from,
                             int depth) {
    int count = config_setting_length(from);
    setting->children = calloc((size_t)count + 1, sizeof *setting->children);
    for (int i = 0; setting->children && i < count; i++) {
        struct sy_setting *child = convert(source, config_setting_get_elem(from, (unsigned)i), depth + 1);
        if (!child) {
            return false;
        }
        child->parent = setting;
        setting->children[setting->n_children++] = child;
    }
    return setting->children != NULL;
}

static bool convert_value(struct source *source, struct sy_setting *setting, const config_setting_t *from, int depth) {
    switch (config_setting_type(from)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        setting->kind = SY_SETTING_INT;
        setting->integer = config_setting_get_int64(from);
        setting->number = (double)setting->integer;
        return true;
    case CONFIG_TYPE_FLOAT:
        setting->kind = SY_SETTING_FLOAT;
        setting->number = config_setting_get_float(from);
        return true;
    case CONFIG_TYPE_BOOL:
        setting->kind = SY_SETTING_BOOL;
        setting->integer = config_setting_get_bool(from);
        return true;
    case CONFIG_TYPE_STRING:
        setting->kind = SY_SETTING_STRING;
        setting->string = strdup(config_setting_get_string(from));
        return setting->string != NULL;
    case CONFIG_TYPE_GROUP:
        setting->kind = SY_SETTING_GROUP;
        return convert_children(source, setting, from, depth);
    default:
        setting->kind = SY_SETTING_LIST;
        return convert_children(source, setting, from, depth);
    }
}

static struct sy_setting *convert(struct source *source, const config_setting_t *from, int depth) {
    const char *file = config_setting_source_file(from);
    struct sy_setting *setting = calloc(1, sizeof *setting);
    if (!setting) {
        goto failed;
    }
    setting->file = strdup(file ? file : source->file);
    setting->line = (int)config_setting_source_line(from);
    const char *name = config_setting_name(from);
    setting->name = name ? strdup(name) : NULL;
    if (!setting->file || (name && !setting->name)) {
        goto failed;
    }
    if (depth > MOST_NESTED) {
        sy_problem_in(source->problems, setting->file, setting->line, "nested more than %d deep", MOST_NESTED);
        source->failed = true;
        goto failed;
    }
    if (convert_value(source, setting, from, depth)) {
        return setting;
    }
failed:
    if (!source->failed) {
        sy_problem(source->problems, NULL, "memory is used up");
        source->failed = true;
    }
    sy_setting_destroy(setting);
    return NULL;
}

/* Parses text that stands in `file` (for problems); includes are relative to `folder`, NULL: none. */
static struct sy_setting *parse(const char *text, const char *file, const char *folder, struct sy_problems *problems) {
    struct source source = {.file = file, .problems = problems};
    struct sy_setting *root = NULL;
    config_t config;
    config_init(&config);
    if (folder) {
        config_set_include_dir(&config, folder);
    }
    if (config_read_string(&config, text) == CONFIG_TRUE) {
        root = convert(&source, config_root_setting(&config), 0);
    } else {
        const char *where = config_error_file(&config);
        sy_problem_in(problems, where ? where : file, config_error_line(&config), "%s", config_error_text(&config));
    }
    config_destroy(&config);
    return root;
}

/* The folder a file is in: "." where its name has none. */
static char *folder_of(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash ? strndup(file, slash == file ? 1 : (size_t)(slash - file)) : strdup(".");
}

struct sy_setting *sy_setting_read_text(const char *text, const char *file, struct sy_problems *problems) {
    char *folder = folder_of(file);
    struct sy_setting *root = NULL;
    size_t before = sy_problems_count(problems);
    if (folder) {
        sy_check_includes(text, file, folder, problems);
        if (sy_problems_count(problems) == before) {
            root = parse(text, file, folder, problems);
        }
    } else {
        sy_problem(problems, NULL, "memory is used up");
    }
    free(folder);
    return root;
}

char *sy_read_text(const char *path) {
    struct stat status;
    const size_t most = 64u << 20; /* a config is written by people */
    char *text = NULL;
    FILE *file = fopen(path, "re");
    if (!file) {
        return NULL;
    }
    if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size <= most) {
        text = malloc((size_t)status.st_size + 1);
        size_t read = text ? fread(text, 1, (size_t)status.st_size, file) : 0;
        if (text) {
            text[read] = 0;
        }
    } else {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EFBIG;
    }
    fclose(file);
    return text;
}

struct sy_setting *sy_setting_read(const char *path, struct sy_problems *problems) {
    errno = 0;
    char *text = sy_read_text(path);
    if (!text) {
        sy_problem_in(problems, path, 0, "cannot be read: %s", errno ? strerror(errno) : "memory is used up");
        return NULL;
    }
    struct sy_setting *root = sy_setting_read_text(text, path, problems);
    free(text);
    return root;
}

/* ---- arguments -------------------------------------------------------------------------------------------------- */

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

/* "name = VALUE;" parsed; NULL where VALUE is none. */
static struct sy_setting *parse_assigned(const char *name, const char *value) {
    struct sy_problems *quiet = sy_problems_create();
    size_t length = strlen(value), room = strlen(name) + length + 16;
    char *text = malloc(room);
    struct sy_setting *root = NULL;
    if (quiet && text && !strchr(value, '@')) {
        /* ( ) takes what [ ] takes, and mixed numbers too. */
        bool list = value[0] == '[' && value[length - 1] == ']';
        int inner = (int)length - (list ? 2 : 0);
        snprintf(text, room, "%s = %s%.*s%s;", name, list ? "(" : "", inner, value + list, list ? ")" : "");
        root = parse(text, "--set", NULL, quiet);
        if (root && root->n_children != 1) {
            sy_setting_destroy(root);
            root = NULL;
        }
    }
    free(text);
    sy_problems_destroy(quiet);
    return root;
}

/* A root with one child: VALUE as in a config, or a bare word as a string. NULL after a problem. */
static struct sy_setting *parse_value(const char *name, const char *value, struct sy_problems *problems) {
    struct sy_setting *root = value[0] ? parse_assigned(name, value) : NULL;
    if (root) {
        return root;
    }
    if (value[0] && strchr("[({\"", value[0])) {
        sy_problem_in(problems, "--set", 0, "%s: %s is no value a config could hold", name, value);
        return NULL;
    }
    root = calloc(1, sizeof *root);
    if (root) {
        root->kind = SY_SETTING_GROUP;
        struct sy_setting *child = sy_setting_add(root, SY_SETTING_STRING, name);
        if (child && sy_setting_set_string(child, value)) {
            return root;
        }
    }
    sy_setting_destroy(root);
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

bool sy_setting_assign(struct sy_setting *root, const char *assignment, int layer, struct sy_problems *problems) {
    const char *equals = strchr(assignment, '=');
    size_t length = equals ? (size_t)(equals - assignment) : 0;
    size_t last = length;
    while (last > 0 && assignment[last - 1] != '.') {
        last--;
    }
    for (size_t at = 0; equals && at < length;) {
        size_t part = strcspn(assignment + at, ".=");
        if (!is_name(assignment + at, part)) {
            equals = NULL;
        }
        at += part + 1;
    }
    if (!equals || last == length) {
        sy_problem_in(problems, "--set", 0, "\"%s\" must look like path.to.key=value", assignment);
        return false;
    }
    char *name = strndup(assignment + last, length - last);
    struct sy_setting *value = name ? parse_value(name, equals + 1, problems) : NULL;
    struct sy_setting *over = wrap(assignment, last > 0 ? last - 1 : 0, value);
    free(name);
    if (!over) {
        if (!name || value) {
            sy_problem(problems, NULL, "memory is used up");
        }
        return false;
    }
    mark_argument(over);
    bool done = sy_setting_overlay(root, over, layer);
    sy_setting_destroy(over);
    return done;
}
