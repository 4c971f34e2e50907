/* includes.c - see includes.h. */
#include "includes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DEEP 10 /* libconfig's own limit */

/* The files being read, outermost first. */
struct chain {
    const char *file;
    const struct chain *outer;
    int depth;
};

static void report_cycle(const struct chain *chain, const char *file, int line, struct sy_problems *problems) {
    char text[1024];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", file);
    for (const struct chain *at = chain; at && used < sizeof text; at = at->outer) {
        char longer[1024];
        snprintf(longer, sizeof longer, "%s -> %.*s", at->file, (int)(sizeof text - 300), text);
        used = (size_t)snprintf(text, sizeof text, "%s", longer);
        if (!strcmp(at->file, file)) {
            break;
        }
    }
    sy_problem_in(problems, chain->file, line, "@include cycle: %s", text);
}

static void scan(const char *text, const char *folder, const struct chain *chain, struct sy_problems *problems);

static void follow(const char *name, size_t length, int line, const char *folder, const struct chain *chain,
                   struct sy_problems *problems) {
    char path[4096];
    if (name[0] == '/') {
        snprintf(path, sizeof path, "%.*s", (int)length, name);
    } else {
        snprintf(path, sizeof path, "%s/%.*s", folder, (int)length, name);
    }
    for (const struct chain *at = chain; at; at = at->outer) {
        if (!strcmp(at->file, path)) {
            report_cycle(chain, path, line, problems);
            return;
        }
    }
    if (chain->depth >= MOST_DEEP) {
        sy_problem_in(problems, chain->file, line, "@include is nested more than %d deep", MOST_DEEP);
        return;
    }
    char *text = sy_read_text(path);
    if (!text) {
        sy_problem_in(problems, chain->file, line, "@include \"%s\": %s", path, strerror(errno));
        return;
    }
    struct chain inner = {path, chain, chain->depth + 1};
    scan(text, folder, &inner, problems);
    free(text);
}

/* Skips a comment or a string that begins at `at`; returns where it ends, `at` itself if neither begins there. */
static const char *skip(const char *at, int *line) {
    if (*at == '#' || (at[0] == '/' && at[1] == '/')) {
        return at + strcspn(at, "\n");
    }
    if (at[0] == '/' && at[1] == '*') {
        for (at += 2; *at && !(at[0] == '*' && at[1] == '/'); at++) {
            *line += *at == '\n';
        }
        return *at ? at + 2 : at;
    }
    if (*at == '"') {
        for (at++; *at && *at != '"'; at++) {
            *line += *at == '\n';
            at += *at == '\\' && at[1];
        }
        return *at ? at + 1 : at;
    }
    return at;
}

static void scan(const char *text, const char *folder, const struct chain *chain, struct sy_problems *problems) {
    static const char directive[] = "@include";
    int line = 1;
    bool fresh = true; /* only blanks so far on this line: libconfig wants the directive there */
    for (const char *at = text; *at;) {
        const char *after = skip(at, &line);
        if (after != at) {
            at = after;
            fresh = false;
            continue;
        }
        if (fresh && !strncmp(at, directive, sizeof directive - 1)) {
            const char *open = at + sizeof directive - 1;
            open += strspn(open, " \t");
            if (*open == '"') {
                size_t length = strcspn(open + 1, "\"\n");
                follow(open + 1, length, line, folder, chain, problems);
                at = open + 1 + length + (open[1 + length] == '"');
                fresh = false;
                continue;
            }
        }
        fresh = *at == '\n' || (fresh && (*at == ' ' || *at == '\t'));
        line += *at == '\n';
        at++;
    }
}

void sy_check_includes(const char *text, const char *file, const char *folder, struct sy_problems *problems) {
    /* Named as follow() names files, so that a file including itself is recognised. */
    char path[4096];
    const char *slash = strrchr(file, '/');
    snprintf(path, sizeof path, "%s/%s", folder, slash ? slash + 1 : file);
    struct chain outermost = {strncmp(path, "./", 2) || slash ? file : path, NULL, 0};
    scan(text, folder, &outermost, problems);
}
