/* cli_help.c - `switchyard help`: what a plugin says about itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/plugins.h"
#include "../train/experiment.h"
#include "../train/kinds.h"
#include "cli.h"
#include "plugin_names.h"

/* Enough for every field of a table anybody would read. */
#define ROWS_LIMIT 256

static void usage(FILE *out) {
    fputs(
        "usage: switchyard help PLUGIN\n"
        "       switchyard help KIND PLUGIN\n"
        "       switchyard help KIND/PLUGIN\n"
        "       switchyard help config\n\n"
        "Explains a plugin: what it does, the paper it comes from, and every parameter with its type, default, range,\n"
        "unit and meaning. A name that several kinds have is explained for each; `config` explains the keys of a "
        "config\n"
        "that are no plugin's. `switchyard list` shows which plugins there are, `switchyard COMMAND --help` explains "
        "a\n"
        "command.\n",
        out);
}

/* The rows of one role under a title; nothing where there are none. */
static void print_fields(const struct sy_table *table, uint32_t role, const char *title) {
    struct sy_field rows[ROWS_LIMIT + 1] = {{0}}, row;
    size_t count = 0;
    for (size_t i = 0; count < ROWS_LIMIT && sy_table_row(table, i, &row); i++) {
        if (row.role == role) {
            rows[count++] = row;
        }
    }
    if (count) {
        printf("\n%s\n", title);
        sy_table_print(&(struct sy_table){rows, sizeof *rows}, stdout);
    }
}

static void explain(const struct sy_found *found, const struct sy_kind *kind) {
    const struct sy_plugin *plugin = &found->plugin;
    printf("%s %s%s%s\n", kind->word, plugin->name, plugin->doc ? " - " : "", plugin->doc ? plugin->doc : "");
    if (plugin->help) {
        printf("\n%s%s", plugin->help, *plugin->help && plugin->help[strlen(plugin->help) - 1] == '\n' ? "" : "\n");
    }
    if (plugin->reference) {
        printf("\nFrom: %s\n", plugin->reference);
    }
    if (plugin->short_name) {
        printf("\nIn one word: %s\n", plugin->short_name);
    }
    print_fields(&found->table, SY_PARAMETER, "Parameters, as in the config:");
    print_fields(&found->table, SY_OBSERVED_FIELD, "Observed, in the journal:");
    print_fields(&found->table, SY_STATE_FIELD, "State, in checkpoints:");
    printf("\nFile: %s\n", found->file);
}

static void explain_kinds(const char *path, const struct sy_kind_table *kinds) {
    for (; kinds->kind; kinds++) {
        printf("\n");
        sy_words_print(kinds->doc, printf("%s: { kind = \"%s\"; ... }  ", path, kinds->kind), 6, stdout);
        printf("\n");
        sy_table_print(&(struct sy_table){kinds->fields, 0}, stdout);
    }
}

/* The groups of a config and their keys, where they are the core's own. */
static void explain_config(void) {
    printf(
        "An experiment has the groups data, train, nodes, topology and policy. A group with a `plugin` takes that\n"
        "plugin's parameters too: `switchyard help PLUGIN`. Groups backend (a name or { plugin = ...; }; \"auto\" "
        "takes\n"
        "the best that works here), train.label_loss and topology.loss name plugins as well. What a node says in\n"
        "nodes.X.optimizer, .schedule or .label_loss is laid over the group of that name in train.\n"
        "nodes.X.inputs lists what feeds a node, if not the image alone: \"image\", \"NODE.OUTPUT\", or a group that\n"
        "says more of it: inputs = (\"trunk.stage2\", { from = \"gate.weights\"; detach = true; }). What flows back\n"
        "into an output is the sum over all it feeds; nothing flows back through a node that is paused or frozen.\n"
        "A node for itself has an optimiser of its own: with one configuration for all, SGD and Adam do to their\n"
        "parameters what one optimiser over the parameters of all does.\n\n"
        "`stages: { first: { ... }; second: { ... }; };` runs one experiment after the other, each laid over the rest "
        "of\nthe file. nodes.Y.init = \"@first.X\" in the second starts Y from what X was in the end of the first\n"
        "(\"@first.X:best\": at its best; \"@first.X:40\": after 40 epochs, see train.snapshots). A stage with\n"
        "`repeat` and a group `choose` trains only the repetitions that a greedy search finds: see stages.X.choose.\n");
    for (const struct sy_core_table *table = sy_core_tables(); table->path; table++) {
        printf("\n%s\n", table->path);
        sy_table_print(&(struct sy_table){table->fields, 0}, stdout);
    }
    explain_kinds("train.optimizer", sy_optimizer_kinds);
    explain_kinds("train.schedule", sy_schedule_kinds);
}

/* Whether there is a file of that name for the kind, broken or not. */
static bool is_there(struct sy_registry *registry, const struct sy_kind *kind, const char *name) {
    const struct sy_candidate *candidates;
    size_t count = sy_registry_candidates(registry, kind->id, false, &candidates);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(candidates[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Says that no kind has a plugin of that name, and which has one that is nearest. */
static void tell_unknown(struct sy_registry *registry, const char *name) {
    const struct sy_candidate *candidates;
    size_t count = sy_registry_candidates(registry, NULL, false, &candidates);
    const char **names = calloc(count + 1, sizeof *names);
    for (size_t i = 0; names && i < count; i++) {
        names[i] = candidates[i].name;
    }
    const char *near = names ? sy_nearest_name(name, names, count) : NULL;
    fprintf(stderr, "switchyard help: no plugin named \"%s\"; %s%s%s`switchyard list` shows which there are\n", name,
            near ? "did you mean \"" : "", near ? near : "", near ? "\"? " : "");
    free(names);
}

/* Explains the plugin of every kind that has it, or of the one asked for. */
static int help(struct sy_registry *registry, const struct sy_kind *only, const char *name,
                struct sy_problems *problems) {
    int explained = 0;
    for (const struct sy_kind *kind = sy_kinds(); kind->id; kind++) {
        if (only ? only != kind : !is_there(registry, kind, name)) {
            continue;
        }
        const struct sy_found *found = sy_registry_find(registry, kind->id, name, NULL, problems);
        if (found) {
            printf("%s", explained++ ? "\n" : "");
            explain(found, kind);
        }
    }
    if (sy_problems_count(problems)) {
        fflush(stdout);
        sy_problems_print(problems, stderr);
        return SY_EXIT_BAD_INPUT;
    }
    if (!explained) {
        tell_unknown(registry, name);
        return SY_EXIT_BAD_INPUT;
    }
    return SY_EXIT_OK;
}

/* KIND PLUGIN or KIND/PLUGIN or PLUGIN; false after telling what is wrong. */
static bool parse(const struct sy_kind **kind, const char **name, char *word, size_t room, int argc, char **argv) {
    const char *slash = argc == 2 ? strrchr(argv[1], '/') : NULL;
    *kind = NULL;
    *name = argv[argc - 1];
    if (slash) {
        snprintf(word, room, "%.*s", (int)(slash - argv[1]), argv[1]);
        *name = slash + 1;
    } else if (argc == 3) {
        snprintf(word, room, "%s", argv[1]);
    } else {
        return true;
    }
    *kind = sy_cli_kind(word);
    if (!*kind) {
        sy_cli_unknown_kind("help", word);
    }
    return *kind != NULL;
}

int sy_cli_help(int argc, char **argv) {
    const struct sy_kind *kind;
    const char *name;
    char word[64];
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        usage(stdout);
        return SY_EXIT_OK;
    }
    if (argc < 2 || argc > 3 || argv[1][0] == '-') {
        fprintf(stderr, "switchyard help: say which plugin; `switchyard help --help` tells more\n");
        return SY_EXIT_BAD_INPUT;
    }
    if (argc == 2 && !strcmp(argv[1], "config")) {
        explain_config();
        return SY_EXIT_OK;
    }
    if (!parse(&kind, &name, word, sizeof word, argc, argv)) {
        return SY_EXIT_BAD_INPUT;
    }
    struct sy_registry *registry = sy_registry_create(NULL);
    struct sy_problems *problems = sy_problems_create();
    int code = SY_EXIT_FAILED;
    if (registry && problems) {
        code = help(registry, kind, name, problems);
    } else {
        fprintf(stderr, "switchyard help: memory is used up\n");
    }
    sy_problems_destroy(problems);
    sy_registry_destroy(registry);
    return code;
}
