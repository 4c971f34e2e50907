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

/* The first line in which two texts differ, told as one line. */
static int differ(const char *folder, const char *there, const char *now, struct sy_error *err) {
    int line = 1;
    while (*there && *there == *now) {
        line += *there == '\n';
        there++, now++;
    }
    while (line > 1 && there[-1] != '\n') {
        there--, now--;
    }
    return sy_fail(err, SY_EINVAL,
                   "%s/run.cfg was made from another configuration; line %d says `%.*s`, now it would be "
                   "`%.*s`. Resume with the same, or choose another --out",
                   folder, line, (int)strcspn(there, "\n"), there, (int)strcspn(now, "\n"), now);
}

/* Lines that may differ between the starts of one run: they can change bits, but not what is meant. */
static bool may_differ(const char *line) {
    return !strncmp(line, "threads", 7) || !strncmp(line, "backend", 7);
}

/* Copies a text without the lines that may differ. */
static char *essential(const char *text) {
    char *copy = malloc(strlen(text) + 1), *end = copy;
    for (const char *line = text; copy && *line;) {
        size_t length = strcspn(line, "\n") + (strchr(line, '\n') != NULL);
        if (!may_differ(line)) {
            memcpy(end, line, length);
            end += length;
        }
        line += length;
    }
    if (copy) {
        *end = 0;
    }
    return copy;
}

static int compare(struct sy_run_folder *folder, const char *text, bool *slightly, struct sy_error *err) {
    char *old = NULL;
    int status = sy_read_file(sy_run_folder_file(folder, "run.cfg"), &old, NULL, err);
    if (status != SY_OK) {
        return status;
    }
    char *before = essential(old), *now = essential(text);
    if (!before || !now) {
        status = sy_fail(err, SY_ENOMEM, "no memory to compare configurations");
    } else if (strcmp(before, now) != 0) {
        status = differ(sy_run_folder_path(folder), before, now, err);
    }
    *slightly = status == SY_OK && strcmp(old, text) != 0;
    free(before);
    free(now);
    free(old);
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
    int status = resume ? compare(folder, text, slightly, err)
                        : sy_write_file(sy_run_folder_file(folder, "run.cfg"), text, size, err);
    free(text);
    return status;
}
