/* includes.c - see includes.h. */
#include "includes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "untrusted.h"

#define MOST_DEEP  10   /* libconfig's own limit */
#define MOST_FILES 1000 /* ten files that include each other twice are 1024 already */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

struct walk {
    const char *top; /* the first file */
    struct sy_problems *problems;
    int n_files;
};

/* The files being read, outermost first. */
struct chain {
    const char *file;
    struct stat status; /* zero where there is no such file */
    const struct chain *outer;
    int depth;
};

char *sy_include_path(const char *top, const char *name) {
    const char *slash = strrchr(top, '/');
    /* A file of the name that settings of no file have must not pass for one: what those say is trusted. */
    const char *here = !slash && (!strcmp(name, "--set") || !strcmp(name, "default")) ? "./" : "";
    size_t folder = slash ? (size_t)(slash - top) + 1 : 0, room = folder + strlen(here) + strlen(name) + 1;
    char *path = malloc(room);
    if (path) {
        snprintf(path, room, "%.*s%s%s", (int)folder, top, here, name);
    }
    return path;
}

/* "a.cfg -> b.cfg -> a.cfg": from where `file` was first met down to the innermost, and around. */
static void report_cycle(const struct chain *chain, const struct chain *met, int line, struct sy_problems *problems) {
    char text[4096];
    size_t start = sizeof text - 1;
    text[start] = 0;
    for (const struct chain *at = chain;; at = at->outer) {
        size_t length = strlen(at->file) + 4;
        if (length > start) {
            break;
        }
        start -= length;
        memcpy(text + start, at->file, length - 4);
        memcpy(text + start + length - 4, " -> ", 4);
        if (at == met) {
            break;
        }
    }
    sy_problem_in(problems, chain->file, line, "@include cycle: %s%s", text + start, met->file);
}

static bool same_file(const struct chain *a, const struct chain *b) {
    if (a->status.st_nlink && b->status.st_nlink) {
        return a->status.st_dev == b->status.st_dev && a->status.st_ino == b->status.st_ino;
    }
    return !strcmp(a->file, b->file);
}

static void scan(struct walk *walk, const char *text, const struct chain *chain);

static void follow(struct walk *walk, const char *name, int line, const struct chain *chain) {
    struct chain inner = {NULL, {0}, chain, chain->depth + 1};
    struct sy_problems *problems = walk->problems;
    char *path = sy_include_path(walk->top, name), *text = NULL;
    inner.file = path;
    if (!path) {
        sy_problem(problems, NULL, "memory is used up");
        return;
    }
    if (name[0] == '/') {
        sy_problem_in(problems, chain->file, line, "@include \"%s\": must be relative to the folder of %s", name,
                      walk->top);
        goto done;
    }
    if (!sy_untrusted_allows(path)) {
        sy_problem_in(problems, chain->file, line,
                      "@include \"%s\": is outside the config's folder, and --untrusted lets "
                      "it name nothing there",
                      name);
        goto done;
    }
    if (stat(path, &inner.status)) {
        memset(&inner.status, 0, sizeof inner.status);
    }
    for (const struct chain *at = chain; at; at = at->outer) {
        if (same_file(at, &inner)) {
            report_cycle(chain, at, line, problems);
            goto done;
        }
    }
    if (inner.depth > MOST_DEEP || walk->n_files++ == MOST_FILES) {
        sy_problem_in(problems, chain->file, line, "@include \"%s\": %s", name,
                      inner.depth > MOST_DEEP ? "nested more than 10 deep" : "more than 1000 files in all");
    }
    if (inner.depth > MOST_DEEP || walk->n_files > MOST_FILES) {
        goto done;
    }
    text = sy_read_text(path);
    if (text) {
        scan(walk, text, &inner);
    } else {
        sy_problem_in(problems, chain->file, line, "@include \"%s\": %s", path, sy_read_text_error(errno));
    }
done:
    free(text);
    free(path);
}

/* ---- tokens ----------------------------------------------------------------------------------------------------- */

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
            at += *at == '\\' && at[1];
            *line += *at == '\n';
        }
        return *at ? at + 1 : at;
    }
    return at;
}

/* Follows an @include directive that begins at `at`; returns where it ends, `at` itself if none begins there. */
static const char *directive(struct walk *walk, const char *at, int line, const struct chain *chain) {
    static const char word[] = "@include";
    if (strncmp(at, word, sizeof word - 1)) {
        return at;
    }
    const char *open = at + sizeof word - 1;
    open += strspn(open, " \t");
    size_t length = *open == '"' ? strcspn(open + 1, "\"\n") : 0;
    if (*open != '"' || open[1 + length] != '"') {
        return at;
    }
    char *name = strndup(open + 1, length);
    if (name) {
        follow(walk, name, line, chain);
    } else {
        sy_problem(walk->problems, NULL, "memory is used up");
    }
    free(name);
    return open + length + 2;
}

/* A whole number of `length` characters: libconfig cuts to 32 bits without a word what has no L. */
static void check_integer(struct walk *walk, const char *at, size_t length, int line, const struct chain *chain) {
    bool hex = length > 1 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X'), wide = at[length - 1] == 'L';
    errno = 0;
    long long value = strtoll(at, NULL, hex ? 16 : 10);
    if (errno == ERANGE) {
        sy_problem_in(walk->problems, chain->file, line, "%.*s does not fit 64 bits; whole numbers end at %lldL",
                      (int)length, at, at[0] == '-' ? (long long)INT64_MIN : (long long)INT64_MAX);
    } else if (!wide && (value > INT32_MAX || value < INT32_MIN)) {
        sy_problem_in(walk->problems, chain->file, line, "%.*s does not fit 32 bits; write %.*sL for 64", (int)length,
                      at, (int)length, at);
    }
}

/* Skips a name or number that begins at `at`; returns where it ends, `at` itself if neither begins there. */
static const char *word(struct walk *walk, const char *at, int line, const struct chain *chain) {
    if (strspn(at, LETTERS "*")) {
        return at + strspn(at, LETTERS DIGITS "*_-");
    }
    bool sign = *at == '+' || *at == '-';
    size_t length = sign + strspn(at + sign, DIGITS);
    if (at[length] == '.' || (length > sign && (at[length] == 'e' || at[length] == 'E'))) {
        return at + length + 1 + strspn(at + length + 1, DIGITS ".eE+-");
    }
    if (length == sign) {
        return at;
    }
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        length = 2 + strspn(at + 2, DIGITS "abcdefABCDEF");
    }
    length += strspn(at + length, "L");
    check_integer(walk, at, length, line, chain);
    return at + length;
}

static void scan(struct walk *walk, const char *text, const struct chain *chain) {
    int line = 1, nested = 0;
    bool fresh = true; /* only blanks so far on this line: libconfig wants the directive there */
    if (!strncmp(text, "\xef\xbb\xbf", 3)) {
        sy_problem_in(walk->problems, chain->file, 1, "begins with a byte order mark; save it without");
        return;
    }
    for (const char *at = text; *at;) {
        const char *after = skip(at, &line);
        if (after != at && !*after && chain->outer && strchr("#/", *at) && at[1] != '*') {
            /* The first file gets its line end from us; this one libconfig reads by itself. */
            sy_problem_in(walk->problems, chain->file, line, "the comment on the last line needs a line end");
        }
        if (after == at && fresh) {
            after = directive(walk, at, line, chain);
        }
        if (after == at) {
            after = word(walk, at, line, chain);
        }
        if (after != at) {
            at = after;
            fresh = false;
            continue;
        }
        nested += (strchr("{[(", *at) != NULL) - (strchr(")]}", *at) != NULL);
        if (nested > SY_MOST_NESTED) {
            sy_problem_in(walk->problems, chain->file, line, "nested more than %d deep", SY_MOST_NESTED);
            return;
        }
        fresh = *at == '\n' || (fresh && (*at == ' ' || *at == '\t'));
        line += *at == '\n';
        at++;
    }
}

void sy_check_text(const char *text, const char *file, struct sy_problems *problems) {
    struct walk walk = {file, problems, 0};
    struct chain outermost = {file, {0}, NULL, 0};
    if (stat(file, &outermost.status)) {
        memset(&outermost.status, 0, sizeof outermost.status);
    }
    scan(&walk, text, &outermost);
}
