/* cli_list.c - `switchyard list`: the plugins that can be found, and those that cannot be used. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/plugins.h"
#include "cli.h"
#include "list_abi.h"
#include "plugin_names.h"
#include "where.h"

struct row {
    const char *kind, *name, *file;
    char doc[256];
};

static void usage(FILE *out) {
    fputs(
        "usage: switchyard list [KIND]\n"
        "       switchyard list --abi [KIND]\n"
        "       switchyard list --include-dir\n\n"
        "Lists the plugins that can be found, of all kinds or of one: backend, network, loss, policy, topology,\n"
        "dataset. They are looked for in the folders of SWITCHYARD_PLUGIN_PATH, in `plugins` beside the program, and\n"
        "where they were installed. A file that will not load, or that another of its name hides, is listed with the\n"
        "reason. `switchyard help PLUGIN` explains one.\n\n"
        "  --abi          the border as this program knows it, and the sizes each plugin was built with\n"
        "  --include-dir  the folder of the headers for plugins: cc -I$(switchyard list --include-dir) ...\n"
        "  --help         this text\n",
        out);
}

/* Below the current folder, as a person would write it. */
static const char *short_path(const char *path, const char *here) {
    size_t length = strlen(here);
    return length > 1 && !strncmp(path, here, length) && path[length] == '/' ? path + length + 1 : path;
}

static void describe(struct row *row, struct sy_registry *registry, const struct sy_candidate *candidate,
                     const char *here) {
    const struct sy_kind *kind = sy_cli_kind(candidate->kind);
    *row = (struct row){
        .kind = kind ? kind->word : "?", .name = candidate->name, .file = short_path(candidate->file, here)};
    if (candidate->shadowed_by) {
        snprintf(row->doc, sizeof row->doc, "(hidden by %s)", short_path(candidate->shadowed_by, here));
    } else if (candidate->failed) {
        snprintf(row->doc, sizeof row->doc, "(unusable: %s)", candidate->failed);
    } else {
        struct sy_problems *quiet = sy_problems_create();
        const struct sy_found *found =
            quiet ? sy_registry_find(registry, candidate->kind, candidate->name, NULL, quiet) : NULL;
        snprintf(row->doc, sizeof row->doc, "%s", found && found->plugin.doc ? found->plugin.doc : "");
        sy_problems_destroy(quiet);
    }
}

static void print_rows(const struct row *rows, size_t count) {
    int name = 4, doc = 3;
    for (size_t i = 0; i < count; i++) {
        int name_length = (int)strlen(rows[i].name), doc_length = (int)strlen(rows[i].doc);
        name = name_length > name ? name_length : name;
        doc = doc_length > doc && doc_length <= 96 ? doc_length : doc;
    }
    printf("%-8s  %-*s  %-*s  %s\n", "kind", name, "name", doc, "what it is", "file");
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || strcmp(rows[i].kind, rows[i - 1].kind) != 0;
        printf("%s%-8s  %-*s  %-*s  %s\n", first ? "\n" : "", rows[i].kind, name, rows[i].name, doc, rows[i].doc,
               rows[i].file);
    }
}

static int list(struct sy_registry *registry, const char *kind) {
    const struct sy_candidate *candidates;
    char *here = getcwd(NULL, 0);
    size_t count = sy_registry_candidates(registry, kind, true, &candidates);
    struct row *rows = calloc(count + 1, sizeof *rows);
    int code = SY_EXIT_FAILED;
    if (!rows) {
        fprintf(stderr, "switchyard list: memory is used up\n");
    } else if (!count) {
        fprintf(stderr, "switchyard list: no plugins were found; set SWITCHYARD_PLUGIN_PATH to where they are\n");
    } else {
        for (size_t i = 0; i < count; i++) {
            describe(&rows[i], registry, &candidates[i], here ? here : "");
        }
        print_rows(rows, count);
        code = SY_EXIT_OK;
    }
    free(rows);
    free(here);
    return code;
}

static int print_headers(void) {
    char folder[4096];
    if (!sy_where_headers(folder, sizeof folder)) {
        fprintf(stderr, "switchyard list: no headers were found where this program was built or installed\n");
        return SY_EXIT_FAILED;
    }
    printf("%s\n", folder);
    return SY_EXIT_OK;
}

int sy_cli_list(int argc, char **argv) {
    const char *first = argc > 1 ? argv[1] : "";
    if (!strcmp(first, "--help") || !strcmp(first, "-h")) {
        usage(stdout);
        return SY_EXIT_OK;
    }
    if (!strcmp(first, "--include-dir") && argc == 2) {
        return print_headers();
    }
    bool abi = !strcmp(first, "--abi");
    argc -= abi, argv += abi;
    if (argc > 2 || (argc > 1 && argv[1][0] == '-')) {
        fprintf(stderr, "switchyard list: give one kind of plugin, or nothing; `switchyard list --help` tells more\n");
        return SY_EXIT_BAD_INPUT;
    }
    const struct sy_kind *kind = argc > 1 ? sy_cli_kind(argv[1]) : NULL;
    if (argc > 1 && !kind) {
        sy_cli_unknown_kind("list", argv[1]);
        return SY_EXIT_BAD_INPUT;
    }
    struct sy_registry *registry = sy_registry_create(NULL);
    if (!registry) {
        fprintf(stderr, "switchyard list: memory is used up\n");
        return SY_EXIT_FAILED;
    }
    int code = abi ? sy_list_abi(registry, kind ? kind->id : NULL) : list(registry, kind ? kind->id : NULL);
    sy_registry_destroy(registry);
    return code;
}
