/* cli_check.c - `switchyard check`: everything that can be known before the first step. */
#include <getopt.h>
#include <string.h>

#include "../config/untrusted.h"
#include "../train/stages.h"
#include "describe.h"
#include "draw.h"
#include "session.h"

static void usage(FILE *out) {
    fputs("usage: switchyard check CONFIG [--set PATH.KEY=VALUE]... [--dot FILE] [--svg FILE] [--untrusted]\n\n"
          "Validates CONFIG without training and prints what would happen: backend and machine, data, every node with\n"
          "its parameters and multiply-adds, the loss of every node as a formula, gates and policies, learning rates,\n"
          "memory beside what there is, and which file each plugin came from; all of it for every stage. Exit code 2\n"
          "and all problems at once if there are any.\n\n"
          "--untrusted takes CONFIG for a stranger's: it may bring no code and name no file outside its folder.\n"
          "--dot FILE  draws nodes, what feeds what, edges with their losses and gates, in Graphviz's language\n"
          "--svg FILE  the same as a picture; needs the program dot (Debian: graphviz)\n"
          "Of several stages each gets a file of its own, FILE with -STAGE before its ending.\n",
          out);
}

/* Files to draw into, NULL: none. */
struct pictures {
    const char *dot, *svg;
};

/* FILE, or of a stage FILE with -STAGE before its ending. */
static void picture_name(char *out, size_t room, const char *file, const char *stage) {
    const char *name = strrchr(file, '/'), *dot = strrchr(name ? name : file, '.');
    int length = dot && stage ? (int)(dot - file) : (int)strlen(file);
    snprintf(out, room, "%.*s%s%s%s", length, file, stage ? "-" : "", stage ? stage : "", dot && stage ? dot : "");
}

static int draw(const struct sy_experiment *experiment, const struct pictures *pictures, const char *stage) {
    struct sy_error err = {.size = sizeof err};
    char path[4096];
    int status = SY_OK;
    if (pictures->dot) {
        picture_name(path, sizeof path, pictures->dot, stage);
        status = sy_draw_dot(path, experiment, &err);
    }
    if (pictures->svg && status == SY_OK) {
        picture_name(path, sizeof path, pictures->svg, stage);
        status = sy_draw_svg(path, experiment, &err);
    }
    if (status == SY_ENOTSUP) {
        fprintf(stderr, "switchyard check: %s; --dot FILE works without\n", err.text);
    } else if (status != SY_OK) {
        fprintf(stderr, "switchyard check: %s\n", err.text);
    }
    return status == SY_OK ? SY_EXIT_OK : SY_EXIT_FAILED;
}

/* Plugin files that the config declares run with the rights of whoever runs the config. */
static void tell_code(const struct sy_experiment *experiment) {
    const struct sy_setting *declared = sy_setting_find(experiment->config, "plugins");
    for (size_t i = 0; declared && i < declared->n_children; i++) {
        printf("%s%s%s", i ? ", " : "\ncode       this config brings code that runs with your rights: ",
               declared->children[i]->string,
               i + 1 < declared->n_children ? "" : "; read it first (--untrusted refuses it)\n");
    }
}

static int describe(const struct sy_experiment *experiment, const struct sy_memory *need,
                    const struct pictures *pictures, const char *stage) {
    sy_describe_machine(stdout, experiment);
    sy_describe_data(stdout, experiment);
    sy_describe_nodes(stdout, experiment);
    sy_describe_wiring(stdout, experiment);
    sy_describe_rates(stdout, experiment);
    sy_describe_memory(stdout, experiment, need);
    sy_describe_plugins(stdout, experiment);
    tell_code(experiment);
    return draw(experiment, pictures, stage);
}

/* What a node of the stage starts from, in words, for describe. */
static void name_start(struct sy_experiment *experiment, const struct sy_stages *stages,
                       const struct sy_stage_start *start) {
    static const char *const moments[] = {[SY_STAGE_LAST] = "at its end", [SY_STAGE_BEST] = "at its best epoch"};
    char text[512], epochs[64];
    snprintf(epochs, sizeof epochs, "after %lld epochs", (long long)start->epoch);
    snprintf(text, sizeof text, "node %s of stage %s, %s", start->source, stages->at[start->stage].name,
             start->moment == SY_STAGE_EPOCH ? epochs : moments[start->moment]);
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        if (!strcmp(experiment->nodes[i].name, start->node)) {
            experiment->nodes[i].init = sy_arena_text(experiment->arena, text);
        }
    }
}

/* What describe_stage is told. */
struct telling {
    const struct pictures *pictures;
    int code;
};

static void describe_stage(void *context, const struct sy_stages *stages, size_t index,
                           struct sy_experiment *experiment, const struct sy_memory *need) {
    const struct sy_stage *stage = &stages->at[index];
    struct telling *telling = context;
    printf("%sstage %zu of %zu: %s\n\n", index ? "\n\n" : "", index + 1, stages->count, stage->name);
    if (stage->choice) {
        printf("chosen on the way: the furthest with at most %g is next, and %s\n\n", stage->choice->most,
               index == stage->last ? "this is the last, which is always trained" : "this may be passed over");
    }
    for (size_t i = 0; i < stage->n_starts; i++) {
        name_start(experiment, stages, &stage->starts[i]);
    }
    int now = describe(experiment, need, telling->pictures, stage->name);
    telling->code = now > telling->code ? now : telling->code;
}

/* Exit code; takes over the config. */
static int check(struct sy_setting *config, struct sy_registry *registry, const struct pictures *pictures,
                 struct sy_problems *problems) {
    struct telling telling = {pictures, SY_EXIT_OK};
    if (sy_is_staged(config)) {
        struct sy_stages *stages = sy_stages_create(config, registry, problems);
        bool good =
            stages && sy_stages_check(stages, sy_problems_count(problems) ? NULL : describe_stage, &telling, problems);
        sy_stages_destroy(stages);
        return good && !sy_problems_count(problems) ? telling.code : SY_EXIT_BAD_INPUT;
    }
    struct sy_experiment *experiment = sy_experiment_create(config, registry, problems);
    struct sy_memory need;
    bool sound = experiment && !sy_problems_count(problems) && sy_memory_check(&need, experiment, problems);
    int code = sound ? describe(experiment, &need, pictures, NULL) : SY_EXIT_BAD_INPUT;
    sy_experiment_destroy(experiment);
    return sy_problems_count(problems) ? SY_EXIT_BAD_INPUT : code;
}

int sy_cli_check(int argc, char **argv) {
    static const struct option options[] = {
        {"set", required_argument, NULL, 's'}, {"dot", required_argument, NULL, 'd'},
        {"untrusted", no_argument, NULL, 'u'}, {"svg", required_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},      {NULL, 0, NULL, 0}};
    struct sy_assignments set = {.count = 0};
    struct pictures pictures = {NULL, NULL};
    bool untrusted = false;
    int option, code = SY_EXIT_BAD_INPUT;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        }
        if (option == 'u') {
            untrusted = true;
            continue;
        }
        if (option == 'd' || option == 'v') {
            *(option == 'd' ? &pictures.dot : &pictures.svg) = optarg;
            continue;
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
    bool guarded = !untrusted || sy_untrusted_begin(argv[optind]);
    struct sy_problems *problems = guarded ? sy_problems_create() : NULL;
    struct sy_registry *registry = sy_registry_create(NULL);
    struct sy_setting *config = problems && registry ? sy_load_config(argv[optind], &set, problems) : NULL;
    if (config) {
        code = check(config, registry, &pictures, problems);
    }
    if (problems && registry) {
        sy_problems_print(problems, stderr);
    } else {
        fprintf(stderr, "switchyard: memory is used up\n");
        code = SY_EXIT_FAILED;
    }
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    return code;
}
