/* input.h - files of a folder that anybody may have written: nothing in them is believed, nothing blocks, nothing grows
 * without a limit. Only regular files are opened. */
#ifndef SY_REPORT_INPUT_H
#define SY_REPORT_INPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <switchyard/error.h>

#define SY_MOST_JSON (64u << 20) /* bytes of a JSON file that are read; a larger one is refused */
#define SY_MOST_LINE (1u << 20)  /* bytes of a journal's line; a longer one is skipped as damaged */

/* A descriptor for reading; negative after a failure, with SY_EIO in err; *size may be NULL. */
int sy_open_regular(const char *path, int64_t *size, struct sy_error *err);
/* Whether the entry exists, of whatever kind. */
bool sy_is_there(const char *path);

/* A whole file that holds one JSON object, to be released; NULL after a failure. */
json_t *sy_load_object(const char *path, struct sy_error *err);

/* A finite number of an object, NaN where there is none. */
double sy_json_finite(const json_t *object, const char *key);
/* A string of an object, NULL where there is none. Borrowed. */
const char *sy_json_text(const json_t *object, const char *key);

/* The lines of a journal, one at a time. */
struct sy_lines {
    FILE *file;
    char *line; /* without its end; valid until the next call */
    size_t length, room;
    int64_t number; /* of the line, from 1 */
    bool whole;     /* it has an end: the last line of a run under way may lack one */
    bool cut;       /* longer than SY_MOST_LINE: only its beginning is here */
    bool no_memory; /* for a whole line: only its beginning is here */
};

int sy_lines_open(struct sy_lines *lines, const char *path, struct sy_error *err);
bool sy_lines_next(struct sy_lines *lines);  /* false at the end */
void sy_lines_close(struct sy_lines *lines); /* also after a failed open */

#endif
