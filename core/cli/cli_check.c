/* cli_check.c - `switchyard check`: everything that can be known before the first step. */
#include <getopt.h>

#include "describe.h"
#include "session.h"

static void usage(FILE *out) {
    fputs("usage: switchyard check CONFIG [--set PATH.KEY=VALUE]...\n\n"
          "Validates CONFIG without training and prints what would happen: backend and machine, data, every node with\n"
          "its parameters and multiply-adds, the loss of every node as a formula, gates and policies, learning rates,\n"
          "memory, and which file each plugin came from. Exit code 2 and all problems at once if there are any.\n",
          out);
}

static int describe(struct sy_experiment *experiment) {
    struct sy_error err = {.size = sizeof err};
    sy_describe_machine(stdout, experiment);
    sy_describe_data(stdout, experiment);
    sy_describe_nodes(stdout, experiment);
    sy_describe_wiring(stdout, experiment);
    sy_describe_rates(stdout, experiment);
    int status = sy_describe_memory(stdout, experiment, &err);
    if (status != SY_OK) {
        fprintf(stderr, "switchyard: %s\n", err.text);
        return SY_EXIT_BAD_INPUT;
    }
    sy_describe_plugins(stdout, experiment);
    return SY_EXIT_OK;
}

int sy_cli_check(int argc, char **argv) {
    static const struct option options[] = {
        {"set", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct sy_assignments set = {.count = 0};
    int option, code = SY_EXIT_BAD_INPUT;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        }
        if (option != 's' || set.count == SY_MAX_ASSIGNMENTS) {
            fprintf(stderr, "`switchyard check --help` lists the options\n");
            return SY_EXIT_BAD_INPUT;
        }
        set.at[set.count++] = optarg;
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "switchyard check: give one config file\n");
        return SY_EXIT_BAD_INPUT;
    }
    struct sy_problems *problems = sy_problems_create();
    struct sy_registry *registry = sy_registry_create(NULL);
    struct sy_setting *config = problems && registry ? sy_load_config(argv[optind], &set, problems) : NULL;
    struct sy_experiment *experiment = config ? sy_experiment_create(config, registry, problems) : NULL;
    if (experiment && !sy_problems_count(problems)) {
        code = describe(experiment);
    }
    if (problems) {
        sy_problems_print(problems, stderr);
    }
    sy_experiment_destroy(experiment);
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    return code;
}
