/* cli_new.c - `switchyard new`: a folder with a plugin that runs, to be changed into one's own. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../record/run_folder.h"
#include "cli.h"
#include "plugin_names.h"
#include "templates.h"
#include "where.h"

/* What the templates are called, until they get their name. */
#define STAND_IN        "my_plugin"
#define STAND_IN_FOLDER "KIND_FOLDER"
#define STAND_IN_MAKE   "SWITCHYARD = switchyard\n"

static void usage(FILE *out) {
    fputs(
        "usage: switchyard new KIND NAME [--dir DIR]\n\n"
        "Writes a folder with a plugin of KIND (policy, loss, topology, network or dataset) that compiles and runs as\n"
        "it stands: NAME.c, to be changed into your own; a Makefile and a meson.build; NAME.cfg, a suite that "
        "compares\n"
        "it with others of its kind; NAME-base.cfg, the experiment behind it; test.sh.\n\n"
        "  --dir DIR   the folder to make (default: NAME)\n"
        "  --help      this text\n\n"
        "Then: cd NAME && make && switchyard compare NAME.cfg\n",
        out);
}

/* ---- words in place of words ------------------------------------------------------------------------------------- */

/* A copy of `text` with every `from` replaced; NULL when memory is used up. */
static char *replaced(const char *text, const char *from, const char *to) {
    size_t length = strlen(from), count = 0;
    for (const char *at = text; (at = strstr(at, from)); at += length) {
        count++;
    }
    char *copy = malloc(strlen(text) + count * strlen(to) + 1), *end = copy;
    while (copy) {
        const char *at = strstr(text, from);
        size_t before = at ? (size_t)(at - text) : strlen(text);
        memcpy(end, text, before);
        end += before;
        if (!at) {
            *end = 0;
            break;
        }
        end = stpcpy(end, to);
        text = at + length;
    }
    return copy;
}

/* Replaces in *text, which is freed or kept; false when memory is used up. */
static bool replace(char **text, const char *from, const char *to) {
    char *copy = replaced(*text, from, to);
    if (copy) {
        free(*text);
        *text = copy;
    }
    return copy != NULL;
}

/* ---- the program as a Makefile should call it ------------------------------------------------------------------- */

/* Whether a shell that is told `switchyard` would start the program at `path`. */
static bool is_on_path(const char *path) {
    const char *list = getenv("PATH");
    char *copy = strdup(list ? list : ""), *rest = NULL, candidate[PATH_MAX], real[PATH_MAX];
    bool found = false;
    for (char *folder = copy ? strtok_r(copy, ":", &rest) : NULL; folder && !found;
         folder = strtok_r(NULL, ":", &rest)) {
        snprintf(candidate, sizeof candidate, "%s/switchyard", folder);
        if (realpath(candidate, real)) {
            found = !strcmp(real, path);
            break;
        }
    }
    free(copy);
    return found;
}

/* "switchyard", or the whole path where that would not do. */
static void how_to_call(char *out, size_t room) {
    snprintf(out, room, "switchyard");
    char path[PATH_MAX];
    if (sy_where_program(path, sizeof path) && !is_on_path(path)) {
        snprintf(out, room, "%s", path);
    }
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

struct scaffold {
    const struct sy_kind *kind;
    const char *name, *folder;
    char program[PATH_MAX];
};

static int write_one(const struct scaffold *scaffold, const struct sy_template *template, struct sy_error *err) {
    char line[PATH_MAX + 32], path[PATH_MAX];
    char *name = replaced(strchr(template->path, '/') + 1, STAND_IN, scaffold->name), *text = strdup(template->text);
    int status = SY_OK;
    snprintf(line, sizeof line, "SWITCHYARD = %s\n", scaffold->program);
    if (!name || !text || !replace(&text, STAND_IN_MAKE, line) ||
        !replace(&text, STAND_IN_FOLDER, scaffold->kind->folder) || !replace(&text, STAND_IN, scaffold->name)) {
        status = sy_fail(err, SY_ENOMEM, "memory is used up");
    } else {
        snprintf(path, sizeof path, "%s/%s", scaffold->folder, name);
        status = sy_write_file(path, text, strlen(text), err);
    }
    free(text);
    free(name);
    return status;
}

static bool is_for(const struct sy_template *template, const char *word) {
    size_t length = strlen(word);
    return !strncmp(template->path, word, length) && template->path[length] == '/';
}

static bool has_template(const char *word) {
    for (const struct sy_template *template = sy_templates; template->path; template ++) {
        if (is_for(template, word)) {
            return true;
        }
    }
    return false;
}

static int write_all(const struct scaffold *scaffold, struct sy_error *err) {
    int status = sy_make_folders(scaffold->folder, err);
    for (const struct sy_template *template = sy_templates; template->path && status == SY_OK; template ++) {
        if (is_for(template, "all") || is_for(template, scaffold->kind->word)) {
            status = write_one(scaffold, template, err);
        }
    }
    return status;
}

static int create(struct scaffold *scaffold) {
    struct sy_error err = {.size = sizeof err};
    how_to_call(scaffold->program, sizeof scaffold->program);
    if (write_all(scaffold, &err) != SY_OK) {
        fprintf(stderr, "switchyard new: %s\n", err.text);
        return SY_EXIT_FAILED;
    }
    printf(
        "%s/ is there:\n  %s.c  the %s: change it into your own\n  %s.cfg  compares it, %s-base.cfg is the experiment\n"
        "  Makefile, meson.build, test.sh\n\nnext:\n  cd %s\n  make\n  %s compare %s.cfg\n",
        scaffold->folder, scaffold->name, scaffold->kind->word, scaffold->name, scaffold->name, scaffold->folder,
        scaffold->program, scaffold->name);
    return SY_EXIT_OK;
}

/* ---- arguments -------------------------------------------------------------------------------------------------- */

/* A plugin's name that is an identifier in C too. */
static bool is_name(const char *name) {
    size_t length = strlen(name);
    return length > 0 && length < 48 && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

/* What is wrong with the arguments, told; false then. */
static bool check(struct scaffold *scaffold, const char *word) {
    struct stat there;
    scaffold->kind = sy_cli_kind(word);
    if (!scaffold->kind) {
        sy_cli_unknown_kind("new", word);
    } else if (!has_template(scaffold->kind->word)) {
        fprintf(stderr, "switchyard new: there is no small %s to start from; plugins/%s has whole ones\n",
                scaffold->kind->word, scaffold->kind->folder);
    } else if (!is_name(scaffold->name)) {
        fprintf(stderr,
                "switchyard new: a plugin cannot be called \"%s\"; take a letter, then up to 46 of a-z, 0-9, _\n",
                scaffold->name);
    } else if (stat(scaffold->folder, &there) == 0) {
        fprintf(stderr, "switchyard new: %s is there already; give another name, or another folder with --dir\n",
                scaffold->folder);
    } else {
        return true;
    }
    return false;
}

int sy_cli_new(int argc, char **argv) {
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct scaffold scaffold = {.folder = NULL};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        }
        if (option != 'd') {
            fprintf(stderr, "`switchyard new --help` lists the options\n");
            return SY_EXIT_BAD_INPUT;
        }
        scaffold.folder = optarg;
    }
    if (optind + 2 != argc) {
        fprintf(stderr, "switchyard new: say a kind and a name, as in `switchyard new policy my_rule`\n");
        return SY_EXIT_BAD_INPUT;
    }
    scaffold.name = argv[optind + 1];
    scaffold.folder = scaffold.folder ? scaffold.folder : scaffold.name;
    return check(&scaffold, argv[optind]) ? create(&scaffold) : SY_EXIT_BAD_INPUT;
}
