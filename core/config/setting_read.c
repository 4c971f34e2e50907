/* setting_read.c - from files to trees; libconfig does the parsing. */
#include "setting.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "includes.h"
#include "parse.h"

/* What a conversion knows on its way down. */
struct source {
    const char *file; /* the first one; libconfig names only included ones, as their directives do */
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
    setting->file = file ? sy_include_path(source->file, file) : strdup(source->file);
    setting->line = (int)config_setting_source_line(from);
    const char *name = config_setting_name(from);
    setting->name = name ? strdup(name) : NULL;
    if (!setting->file || (name && !setting->name)) {
        goto failed;
    }
    if (depth > SY_MOST_NESTED) {
        sy_problem_in(source->problems, setting->file, setting->line, "nested more than %d deep", SY_MOST_NESTED);
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

/* The folder a file is in: "." where its name has none. */
static char *folder_of(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash ? strndup(file, slash == file ? 1 : (size_t)(slash - file)) : strdup(".");
}

static void report_parser(const config_t *config, const char *file, struct sy_problems *problems) {
    const char *included = config_error_file(config);
    bool mixed = strstr(config_error_text(config), "mismatched element type") != NULL;
    const char *more = mixed ? "; write numbers alike, as in [1.0, 2.5], or use ( )" : "";
    char *where = included ? sy_include_path(file, included) : NULL;
    sy_problem_in(problems, where ? where : file, config_error_line(config), "%s%s", config_error_text(config), more);
    free(where);
}

struct sy_setting *sy_parse(const char *text, const char *file, struct sy_problems *problems) {
    struct source source = {.file = file, .problems = problems};
    struct sy_setting *root = NULL;
    config_t config;
    char *folder = folder_of(file), *ended = NULL;
    size_t room = strlen(text) + 2;
    config_init(&config);
    if (folder && (ended = malloc(room))) {
        snprintf(ended, room, "%s\n", text); /* without its line end, a last comment is a syntax error to libconfig */
    }
    if (!ended) {
        sy_problem(problems, NULL, "memory is used up");
        goto done;
    }
    config_set_include_dir(&config, folder);
    if (config_read_string(&config, ended) == CONFIG_TRUE) {
        root = convert(&source, config_root_setting(&config), 0);
    } else {
        report_parser(&config, file, problems);
    }
done:
    config_destroy(&config);
    free(ended);
    free(folder);
    return root;
}

struct sy_setting *sy_setting_read_text(const char *text, const char *file, struct sy_problems *problems) {
    size_t before = sy_problems_count(problems);
    sy_check_text(text, file, problems);
    return sy_problems_count(problems) == before ? sy_parse(text, file, problems) : NULL;
}

struct sy_setting *sy_setting_read(const char *path, struct sy_problems *problems) {
    char *text = sy_read_text(path);
    if (!text) {
        sy_problem_in(problems, path, 0, "cannot be read: %s", sy_read_text_error(errno));
        return NULL;
    }
    char *name = sy_include_path("", path);
    struct sy_setting *root = name ? sy_setting_read_text(text, name, problems) : NULL;
    if (!name) {
        sy_problem(problems, NULL, "memory is used up");
    }
    free(name);
    free(text);
    return root;
}
