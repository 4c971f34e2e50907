/* cli_compare.c - `switchyard compare`: all variants of a suite over all its seeds, and the table. */
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"
#include "subject.h"
#include "suite.h"

struct arguments {
    const char *suite, *out;
    struct sy_assignments set;
    bool quiet;
};

static void usage(FILE *out) {
    fputs(
        "usage: switchyard compare SUITE [options]\n\n"
        "Runs every variant of SUITE over every seed, one after the other, with the same initial weights, batches and\n"
        "crops for all variants of a seed, and prints the table. Finished runs are skipped, interrupted ones "
        "resumed.\n\n"
        "  --out DIR             folder of the runs (default: runs/SUITE); one below it: VARIANT/seed-N\n"
        "  --set PATH.KEY=VALUE  change the config of every run\n"
        "  --quiet               only the table\n"
        "  --help                this text\n",
        out);
}

static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {{"out", required_argument, NULL, 'o'},
                                            {"set", required_argument, NULL, 's'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        } else if (option == 'o') {
            arguments->out = optarg;
        } else if (option == 'q') {
            arguments->quiet = true;
        } else if (option == 's' && arguments->set.count < SY_MAX_ASSIGNMENTS) {
            arguments->set.at[arguments->set.count++] = optarg;
        } else {
            fprintf(stderr, "`switchyard compare --help` lists the options\n");
            return SY_EXIT_BAD_INPUT;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "switchyard compare: give one suite file\n");
        return SY_EXIT_BAD_INPUT;
    }
    arguments->suite = argv[optind];
    return -1;
}

static void run_folder(char *out, size_t room, const struct arguments *arguments, const struct sy_suite *suite,
                       size_t variant, int64_t seed) {
    if (arguments->out) {
        snprintf(out, room, "%s/%s/seed-%lld", arguments->out, suite->variants->children[variant]->name,
                 (long long)seed);
    } else {
        sy_default_folder(out, room, suite->name, suite->variants->children[variant]->name, seed);
    }
}

static bool is_there(const char *folder, const char *name) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* One run; SY_EXIT_OK also where it was finished before. */
static int one_run(const struct arguments *arguments, const struct sy_suite *suite, struct sy_registry *registry,
                   size_t variant, int64_t seed) {
    char folder[4096], title[256];
    struct sy_display display;
    struct sy_error err = {.size = sizeof err};
    struct sy_problems *problems = sy_problems_create();
    int end = 0, code = SY_EXIT_BAD_INPUT;
    run_folder(folder, sizeof folder, arguments, suite, variant, seed);
    if (!problems) {
        return SY_EXIT_FAILED;
    }
    if (is_there(folder, "result.json")) {
        sy_problems_destroy(problems);
        return SY_EXIT_OK;
    }
    struct sy_setting *config = sy_suite_config(suite, variant, seed, &arguments->set, problems);
    struct sy_subject subject = {0};
    bool made = config && sy_subject_make(&subject, config, registry, problems);
    sy_problems_print(problems, stderr);
    if (made && !sy_problems_count(problems)) {
        snprintf(title, sizeof title, "%s seed %lld  ", suite->variants->children[variant]->name, (long long)seed);
        sy_display_init(&display, stdout, arguments->quiet, title);
        struct sy_run_options options = {.folder = folder,
                                         .resume = is_there(folder, "run.cfg"),
                                         .interrupted = &sy_interrupted,
                                         .progress = &display.progress};
        int status = sy_subject_train(&subject, &options, &end, &err);
        sy_display_finish(&display);
        code = status == SY_OK ? SY_EXIT_OK : SY_EXIT_FAILED;
        if (status != SY_OK) {
            fprintf(stderr, "switchyard: %s%s\n", title, err.text);
        } else if (end == SY_RUN_INTERRUPTED) {
            code = SY_EXIT_INTERRUPTED;
        }
    }
    sy_subject_finish(&subject);
    sy_problems_destroy(problems);
    return code;
}

/* ---- checks before the first run -------------------------------------------------------------------------------- */

/* Every variant, so that no mistake waits for hours behind the runs before it. */
static bool check_all(const struct arguments *arguments, const struct sy_suite *suite, struct sy_registry *registry) {
    size_t wrong = 0;
    for (size_t v = 0; v < suite->variants->n_children; v++) {
        struct sy_problems *problems = sy_problems_create();
        struct sy_setting *config =
            problems ? sy_suite_config(suite, v, suite->seeds[0], &arguments->set, problems) : NULL;
        struct sy_subject subject = {0};
        bool failed = !config || !sy_subject_make(&subject, config, registry, problems) || sy_problems_count(problems);
        wrong += failed;
        if (failed) {
            fprintf(stderr, "variant %s:\n", suite->variants->children[v]->name);
            if (problems) {
                sy_problems_print(problems, stderr);
            }
        }
        sy_subject_finish(&subject);
        sy_problems_destroy(problems);
    }
    return wrong == 0;
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

/* Mean and standard deviation over the seeds that have a figure. */
struct figure {
    double sum, squares;
    int count;
};

static void take(struct figure *figure, const json_t *value) {
    if (json_is_number(value)) {
        double x = 100.0 * json_number_value(value);
        figure->sum += x;
        figure->squares += x * x;
        figure->count++;
    }
}

static void print_figure(const struct figure *figure, int width) {
    char text[64] = "-";
    if (figure->count == 1) {
        snprintf(text, sizeof text, "%.2f", figure->sum);
    } else if (figure->count > 1) {
        double mean = figure->sum / figure->count;
        double variance = (figure->squares - figure->count * mean * mean) / (figure->count - 1);
        snprintf(text, sizeof text, "%.2f +- %.2f", mean, sqrt(variance > 0 ? variance : 0));
    }
    printf("  %*s", width, text);
}

static json_t *load_result(const struct arguments *arguments, const struct sy_suite *suite, size_t variant,
                           int64_t seed) {
    char folder[4096], path[4200];
    run_folder(folder, sizeof folder, arguments, suite, variant, seed);
    snprintf(path, sizeof path, "%s/result.json", folder);
    return json_load_file(path, 0, NULL);
}

static void print_row(const struct arguments *arguments, const struct sy_suite *suite, size_t variant,
                      const struct sy_setting *nodes, int width) {
    struct figure share = {0, 0, 0};
    printf("%-16s", suite->variants->children[variant]->name);
    for (size_t n = 0; n < nodes->n_children; n++) {
        struct figure figure = {0, 0, 0};
        for (size_t s = 0; s < suite->n_seeds; s++) {
            json_t *result = load_result(arguments, suite, variant, suite->seeds[s]);
            json_t *node = json_object_get(json_object_get(result, "nodes"), nodes->children[n]->name);
            take(&figure, json_object_get(node, "test_accuracy"));
            if (n == 0) {
                take(&share, json_object_get(result, "expert_share"));
            }
            json_decref(result);
        }
        print_figure(&figure, width);
    }
    print_figure(&share, width);
    printf("\n");
}

static void print_table(const struct arguments *arguments, const struct sy_suite *suite) {
    const struct sy_setting *nodes = sy_setting_find(suite->base, "nodes");
    int width = 14;
    if (!nodes || nodes->kind != SY_SETTING_GROUP) {
        return;
    }
    printf("\ntest accuracy of each node and share of batches in expert mode, %%; %zu seed%s\n\n%-16s", suite->n_seeds,
           suite->n_seeds == 1 ? "" : "s, mean +- standard deviation", "");
    for (size_t n = 0; n < nodes->n_children; n++) {
        printf("  %*s", width, nodes->children[n]->name);
    }
    printf("  %*s\n", width, "expert mode");
    for (size_t v = 0; v < suite->variants->n_children; v++) {
        print_row(arguments, suite, v, nodes, width);
    }
}

static int compare(const struct arguments *arguments, const struct sy_suite *suite, struct sy_registry *registry) {
    int worst = SY_EXIT_OK;
    if (!check_all(arguments, suite, registry)) {
        return SY_EXIT_BAD_INPUT;
    }
    sy_catch_signals();
    for (size_t s = 0; s < suite->n_seeds; s++) {
        for (size_t v = 0; v < suite->variants->n_children; v++) {
            int code = one_run(arguments, suite, registry, v, suite->seeds[s]);
            if (code == SY_EXIT_INTERRUPTED) {
                printf("interrupted; the same command goes on from here\n");
                return code;
            }
            worst = code > worst ? code : worst;
        }
    }
    print_table(arguments, suite);
    return worst;
}

int sy_cli_compare(int argc, char **argv) {
    struct arguments arguments = {0};
    struct sy_suite suite;
    int code = parse(&arguments, argc, argv);
    if (code >= 0) {
        return code;
    }
    struct sy_problems *problems = sy_problems_create();
    struct sy_registry *registry = sy_registry_create(NULL);
    code = SY_EXIT_BAD_INPUT;
    if (!problems || !registry) {
        fprintf(stderr, "switchyard: memory is used up\n");
        code = SY_EXIT_FAILED;
    } else if (sy_suite_read(&suite, arguments.suite, &arguments.set, problems)) {
        code = compare(&arguments, &suite, registry);
        sy_suite_finish(&suite);
    } else {
        sy_problems_print(problems, stderr);
    }
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    return code;
}
