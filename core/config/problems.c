/* problems.c - see problems.h. */
#include "problems.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "setting.h"

#define PLACE_ROOM 5200 /* a path of the system, a line, a path of a setting */

struct problem {
    char *text;
    size_t file; /* rank of the file by first appearance */
    int line;
};

struct sy_problems {
    struct problem *list;
    size_t count, room;
    char **files;
    size_t n_files;
    bool lost; /* memory ran out while noting one */
};

struct sy_problems *sy_problems_create(void) {
    return calloc(1, sizeof(struct sy_problems));
}

void sy_problems_destroy(struct sy_problems *problems) {
    if (!problems) {
        return;
    }
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->list[i].text);
    }
    for (size_t i = 0; i < problems->n_files; i++) {
        free(problems->files[i]);
    }
    free(problems->list);
    free(problems->files);
    free(problems);
}

/* Rank of a file by first appearance; problems without one, and those of defaults, come first. */
static size_t file_rank(struct sy_problems *problems, const char *file) {
    if (!file || !strcmp(file, "default")) {
        return 0;
    }
    for (size_t i = 0; i < problems->n_files; i++) {
        if (!strcmp(problems->files[i], file)) {
            return i + 1;
        }
    }
    char **files = realloc(problems->files, (problems->n_files + 1) * sizeof *files);
    char *copy = strdup(file);
    if (files) {
        problems->files = files;
    }
    if (!files || !copy) {
        free(copy);
        return problems->n_files + 1;
    }
    files[problems->n_files++] = copy;
    return problems->n_files;
}

static void note(struct sy_problems *problems, const char *file, int line, char *text) {
    if (problems->count == problems->room) {
        size_t room = problems->room ? 2 * problems->room : 16;
        struct problem *list = realloc(problems->list, room * sizeof *list);
        if (!list) {
            free(text);
            problems->lost = true;
            return;
        }
        problems->list = list;
        problems->room = room;
    }
    problems->list[problems->count++] = (struct problem){text, file_rank(problems, file), line};
}

/* "PLACE: TEXT" in memory of its own; NULL when memory is used up. */
static char *joined(const char *place, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    size_t before = strlen(place), room = before + 3 + (size_t)(length > 0 ? length : 0);
    char *text = malloc(room);
    if (text) {
        size_t used = before ? (size_t)snprintf(text, room, "%s: ", place) : 0;
        vsnprintf(text + used, room - used, format, args);
    }
    return text;
}

/* Where a setting is: "file:line: path", as much of it as is known. */
static void place_of(const struct sy_setting *at, char *out, size_t room) {
    char path[1024];
    bool root = !*sy_setting_path(at, path, sizeof path);
    if (at->file && at->line > 0) {
        snprintf(out, room, "%s:%d%s%s", at->file, at->line, root ? "" : ": ", path);
    } else if (!at->file || !strcmp(at->file, "default")) {
        snprintf(out, room, "%s", path);
    } else {
        snprintf(out, room, "%s%s%s", at->file, root ? "" : strcmp(at->file, "--set") ? ": " : " ", path);
    }
}

static void note_format(struct sy_problems *problems, const char *file, int line, const char *place, const char *format,
                        va_list args) {
    char *text = joined(place, format, args);
    if (text) {
        note(problems, file, line, text);
    } else {
        problems->lost = true;
    }
}

void sy_problem(struct sy_problems *problems, const struct sy_setting *at, const char *format, ...) {
    char place[PLACE_ROOM] = "";
    va_list args;
    if (at) {
        place_of(at, place, sizeof place);
    }
    va_start(args, format);
    note_format(problems, at ? at->file : NULL, at ? at->line : 0, place, format, args);
    va_end(args);
}

void sy_problem_in(struct sy_problems *problems, const char *file, int line, const char *format, ...) {
    char place[PLACE_ROOM] = "";
    va_list args;
    if (file && line > 0) {
        snprintf(place, sizeof place, "%s:%d", file, line);
    } else if (file) {
        snprintf(place, sizeof place, "%s", file);
    }
    va_start(args, format);
    note_format(problems, file, line, place, format, args);
    va_end(args);
}

void sy_problems_add(struct sy_problems *problems, const struct sy_problems *from) {
    for (size_t i = 0; i < from->count; i++) {
        const struct problem *problem = &from->list[i];
        bool there = false;
        for (size_t k = 0; k < problems->count && !there; k++) {
            there = !strcmp(problems->list[k].text, problem->text);
        }
        char *text = there ? NULL : strdup(problem->text);
        if (text) {
            note(problems, problem->file ? from->files[problem->file - 1] : NULL, problem->line, text);
        }
        problems->lost = problems->lost || (!there && !text);
    }
    problems->lost = problems->lost || from->lost;
}

size_t sy_problems_count(const struct sy_problems *problems) {
    return problems->count + problems->lost;
}

const char *sy_problems_text(const struct sy_problems *problems, size_t index) {
    return index < problems->count ? problems->list[index].text : "memory is used up";
}

/* Stable insertion sort by file and line: there are few. */
static void in_order(const struct sy_problems *problems, size_t *order) {
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *now = &problems->list[i];
        size_t k = i;
        while (k > 0) {
            const struct problem *before = &problems->list[order[k - 1]];
            if (before->file < now->file || (before->file == now->file && before->line <= now->line)) {
                break;
            }
            order[k] = order[k - 1];
            k--;
        }
        order[k] = i;
    }
}

bool sy_problems_no_memory(const struct sy_problems *problems) {
    bool found = problems->lost;
    for (size_t i = 0; i < problems->count && !found; i++) {
        const char *text = problems->list[i].text;
        found = strstr(text, "memory is used up") || strstr(text, strerror(ENOMEM));
    }
    return found;
}

void sy_problems_print(const struct sy_problems *problems, FILE *out) {
    size_t *order = malloc((problems->count + 1) * sizeof *order);
    if (order) {
        in_order(problems, order);
    }
    for (size_t i = 0; i < problems->count; i++) {
        fprintf(out, "%s\n", problems->list[order ? order[i] : i].text);
    }
    if (problems->lost) {
        fprintf(out, "memory is used up\n");
    }
    free(order);
}

/* Edits (insert, remove, replace, swap neighbours) between two words of at most MOST letters; longer ones are far. */
static size_t distance(const char *a, const char *b) {
    enum { MOST = 64 };
    size_t rows[3][MOST + 1], n = strlen(a), m = strlen(b);
    if (n > MOST || m > MOST) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= m; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && older[j - 2] + 1 < best) {
                best = older[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *sy_nearest_name(const char *name, const char *const *known, size_t count) {
    size_t length = strlen(name), best = length / 3 > 1 ? length / 3 : 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t edits = known[i] ? distance(name, known[i]) : length + 1;
        if (edits <= best && (!nearest || edits < best)) {
            best = edits;
            nearest = known[i];
        }
    }
    return nearest;
}
