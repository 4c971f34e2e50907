/* cli.c - picks the command. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "../config/problems.h"
#include "../host/call.h"
#include "../record/json.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *doc;
};

static const struct command commands[] = {
    {"run", sy_cli_run, "train an experiment from its config file, or resume it"},
    {"check", sy_cli_check, "validate a config and print what will happen, without training"},
    {"compare", sy_cli_compare, "run the variants of a suite over its seeds and print the table"},
    {"report", sy_cli_report, "tables, statistics and figures of a suite or a run, finished or not"},
    {"watch", sy_cli_watch, "the report as a page that follows what goes on"},
    {"replay", sy_cli_replay, "where another policy would have switched in a finished run"},
    {"bench", sy_cli_bench, "measure how fast networks or an experiment train on this machine"},
    {"convert", sy_cli_convert, "weights into a file for PyTorch (safetensors) or for inference (ONNX)"},
    {"eval", sy_cli_eval, "measure trained weights on a data set"},
    {"predict", sy_cli_predict, "what a trained network says of pictures"},
    {"new", sy_cli_new, "write a plugin of your own to start from"},
    {"probe", sy_cli_probe, "examine a plugin: does it keep the promises of its header?"},
    {"list", sy_cli_list, "list the plugins that can be found"},
    {"help", sy_cli_help, "explain a plugin: every parameter, its range and its source"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void usage(FILE *out) {
    fprintf(out, "switchyard - several networks train together and teach one another\n\n"
                 "usage: switchyard COMMAND [arguments]\n\ncommands:\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].doc);
    }
    fprintf(out,
            "\n`switchyard COMMAND --help` tells more. Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted.\n");
}

int sy_cli_main(int argc, char **argv) {
    const char *names[COMMANDS];
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name || !strcmp(name, "--help") || !strcmp(name, "-h")) {
        usage(name ? stdout : stderr);
        return name ? SY_EXIT_OK : SY_EXIT_BAD_INPUT;
    }
    if (!strcmp(name, "--version")) {
        printf("switchyard %s\n", SY_VERSION);
        return SY_EXIT_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        if (!strcmp(name, commands[i].name)) {
            sy_calls_guard();
            sy_json_guard();
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    const char *near = sy_nearest_name(name, names, COMMANDS);
    fprintf(stderr, "switchyard: unknown command \"%s\"%s%s%s; `switchyard --help` lists them\n", name,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return SY_EXIT_BAD_INPUT;
}
