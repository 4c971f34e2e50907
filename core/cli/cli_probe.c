/* cli_probe.c - `switchyard probe`: the examination of a plugin. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../probe/probe.h"
#include "session.h"

#define USUAL_LIMIT 60

static void usage(FILE *out) {
    fputs(
        "usage: switchyard probe PLUGIN.so [options]\n\n"
        "Examines a plugin and prints a verdict for every item: what it exports and needs, its descriptor and help;\n"
        "losses: gradients against finite differences, invariances, extreme logits; policies: determinism, state,\n"
        "NaN, cost; networks: shapes, gradient; data sets: bounds, threads; topologies: what they name; backends:\n"
        "every operator against the plainest backend. It runs in a process of its own, so a crash is a finding.\n"
        "Without --config it is examined with its defaults, or with an example of its own (SY_EXAMPLE in plugin.h).\n\n"
        "  --config CFG   take the plugin's settings from the first group of CFG that names it\n"
        "  --limit N      seconds that a call may take (default: 60)\n"
        "  --help         this text\n\n"
        "Exit codes: 0 nothing failed, 1 something did, 2 bad input. An item that cannot be examined is skipped, with\n"
        "the reason, and does not fail.\n",
        out);
}

struct arguments {
    const char *config, *plugin;
    long long limit;
};

/* Exit code, or -1 to go on. */
static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    char *end;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        } else if (option == 'c') {
            arguments->config = optarg;
        } else if (option == 'l') {
            arguments->limit = strtoll(optarg, &end, 10);
            if (*end || arguments->limit < 1 || arguments->limit > 1000000) {
                fprintf(stderr, "switchyard probe: --limit %s: must be a whole number of seconds, 1 to 1000000\n",
                        optarg);
                return SY_EXIT_BAD_INPUT;
            }
        } else {
            fprintf(stderr, "`switchyard probe --help` lists the options\n");
            return SY_EXIT_BAD_INPUT;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "switchyard probe: give one plugin file\n");
        return SY_EXIT_BAD_INPUT;
    }
    arguments->plugin = argv[optind];
    return -1;
}

static int probe(const struct arguments *arguments, const struct sy_setting *config) {
    char path[PATH_MAX];
    struct sy_probe_result result;
    struct sy_error err = {.size = sizeof err};
    if (!realpath(arguments->plugin, path)) {
        fprintf(stderr, "switchyard probe: %s: %s\n", arguments->plugin, strerror(errno));
        return SY_EXIT_BAD_INPUT;
    }
    printf("%s\n", path);
    if (sy_probe(&result, path, config, arguments->limit, &err) != SY_OK) {
        fprintf(stderr, "switchyard probe: %s\n", err.text);
        return SY_EXIT_FAILED;
    }
    printf("\n%d passed, %d failed, %d skipped\n", result.passed, result.failed, result.skipped);
    return result.failed ? SY_EXIT_FAILED : SY_EXIT_OK;
}

int sy_cli_probe(int argc, char **argv) {
    struct arguments arguments = {.limit = USUAL_LIMIT};
    const struct sy_assignments none = {.count = 0};
    int code = parse(&arguments, argc, argv);
    if (code >= 0) {
        return code;
    }
    struct sy_problems *problems = sy_problems_create();
    struct sy_setting *config = NULL;
    if (problems && arguments.config) {
        config = sy_load_config(arguments.config, &none, problems);
    }
    if (problems && sy_problems_count(problems)) {
        sy_problems_print(problems, stderr);
        code = SY_EXIT_BAD_INPUT;
    } else {
        code = probe(&arguments, config);
    }
    sy_setting_destroy(config);
    sy_problems_destroy(problems);
    return code;
}
