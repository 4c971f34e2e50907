/* input.c - see input.h. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int sy_open_regular(const char *path, int64_t *size, struct sy_error *err) {
    struct stat about;
    /* O_NONBLOCK: a pipe of that name must not hold us up. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return sy_fail(err, SY_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(fd);
        return sy_fail(err, SY_EIO, "%s: is no regular file", path);
    }
    if (size) {
        *size = about.st_size;
    }
    return fd;
}

bool sy_is_there(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0;
}

json_t *sy_load_object(const char *path, struct sy_error *err) {
    int64_t size = 0;
    json_error_t why;
    int fd = sy_open_regular(path, &size, err);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL; /* jansson reads descriptors byte by byte */
    json_t *value = NULL;
    if (fd < 0) {
        return NULL;
    } else if (!file) {
        close(fd);
        sy_fail(err, SY_ENOMEM, "no memory to read %s", path);
        return NULL;
    }
    if (size > (int64_t)SY_MOST_JSON) {
        sy_fail(err, SY_EIO, "%s: has %lld bytes, too many for what it should be", path, (long long)size);
    } else if (!(value = json_loadf(file, 0, &why))) {
        sy_fail(err, SY_EINVAL, "%s:%d: is damaged: %s", path, why.line, why.text);
    } else if (!json_is_object(value)) {
        json_decref(value);
        value = NULL;
        sy_fail(err, SY_EINVAL, "%s: is damaged: it should hold an object { }", path);
    }
    fclose(file);
    return value;
}

double sy_json_finite(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    double number = json_is_number(value) ? json_number_value(value) : (double)NAN;
    return isfinite(number) ? number : (double)NAN;
}

const char *sy_json_text(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

int sy_lines_open(struct sy_lines *lines, const char *path, struct sy_error *err) {
    *lines = (struct sy_lines){.room = 4096};
    int fd = sy_open_regular(path, NULL, err);
    if (fd < 0) {
        return fd;
    }
    lines->file = fdopen(fd, "r");
    lines->line = malloc(lines->room);
    if (lines->file && lines->line) {
        return SY_OK;
    }
    if (!lines->file) {
        close(fd);
    }
    return sy_fail(err, SY_ENOMEM, "no memory to read %s", path);
}

/* Room for one more letter; false where the line is too long or memory is used up. */
static bool grow(struct sy_lines *lines) {
    if (lines->length + 1 < lines->room) {
        return true;
    }
    bool fits = lines->room < SY_MOST_LINE;
    char *larger = fits ? realloc(lines->line, lines->room * 2) : NULL;
    lines->no_memory = lines->no_memory || (fits && !larger);
    if (larger) {
        lines->line = larger;
        lines->room *= 2;
    }
    return larger != NULL;
}

bool sy_lines_next(struct sy_lines *lines) {
    int letter;
    lines->length = 0;
    lines->cut = lines->whole = false;
    while ((letter = getc_unlocked(lines->file)) != EOF && letter != '\n') {
        if (!lines->cut && grow(lines)) {
            lines->line[lines->length++] = (char)letter;
        } else {
            lines->cut = true;
        }
    }
    lines->whole = letter == '\n';
    lines->line[lines->length] = 0;
    lines->number++;
    return lines->whole || lines->length > 0;
}

void sy_lines_close(struct sy_lines *lines) {
    if (lines->file) {
        fclose(lines->file);
    }
    free(lines->line);
    *lines = (struct sy_lines){0};
}
