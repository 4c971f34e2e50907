/* cli_run.c - `switchyard run`: train an experiment. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../config/untrusted.h"
#include "../record/links_out.h"
#include "progress.h"
#include "session.h"
#include "training.h"
#include "tensorboard.h"

struct arguments {
    const char *config, *out;
    struct sy_assignments set;
    long long steps;
    bool resume, quiet, untrusted, tensorboard;
};

static void usage(FILE *out) {
    fputs("usage: switchyard run CONFIG [options]\n\n"
          "Trains the experiment that CONFIG describes and keeps everything in a run folder.\n\n"
          "  --out DIR             the run folder (default: runs/EXPERIMENT/default/seed-N)\n"
          "  --set PATH.KEY=VALUE  change the config, as often as you like: --set train.epochs=3\n"
          "  --steps N             stop after N steps of the run, with a checkpoint\n"
          "  --resume              continue from the newest checkpoint in the run folder\n"
          "  --untrusted           CONFIG is a stranger's: it may bring no code and name no file outside its folder\n"
          "  --tensorboard         also event files for TensorBoard, in the run folder's tensorboard/\n"
          "  --quiet               only the final table\n"
          "  --help                this text\n\n"
          "CONFIG may be a run folder: then its run.cfg, and with --resume the run itself. Ctrl-C finishes the step,\n"
          "writes a checkpoint and exits with 130; --resume goes on from there, bit for bit.\n",
          out);
}

/* Exit code, or -1 to go on. */
static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {
        {"out", required_argument, NULL, 'o'},
        {"set", required_argument, NULL, 's'},
        {"steps", required_argument, NULL, 'n'},
        {"resume", no_argument, NULL, 'r'},
        {"untrusted", no_argument, NULL, 'u'},
        {"quiet", no_argument, NULL, 'q'},
        {"tensorboard", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    char *end;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'o':
            arguments->out = optarg;
            break;
        case 's':
            if (arguments->set.count == SY_MAX_ASSIGNMENTS) {
                fprintf(stderr, "switchyard run: more than %d --set; put them into a file\n", SY_MAX_ASSIGNMENTS);
                return SY_EXIT_BAD_INPUT;
            }
            arguments->set.at[arguments->set.count++] = optarg;
            break;
        case 'n':
            arguments->steps = strtoll(optarg, &end, 10);
            if (*end || arguments->steps < 1) {
                fprintf(stderr, "switchyard run: --steps %s: must be a whole number, 1 or more\n", optarg);
                return SY_EXIT_BAD_INPUT;
            }
            break;
        case 'r':
            arguments->resume = true;
            break;
        case 'u':
            arguments->untrusted = true;
            break;
        case 't':
            arguments->tensorboard = true;
            break;
        case 'q':
            arguments->quiet = true;
            break;
        case 'h':
            usage(stdout);
            return SY_EXIT_OK;
        default:
            fprintf(stderr, "`switchyard run --help` lists the options\n");
            return SY_EXIT_BAD_INPUT;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "switchyard run: give one config file\n");
        return SY_EXIT_BAD_INPUT;
    }
    arguments->config = argv[optind];
    return -1;
}

/* A run folder resumed by its own name. */
static bool is_run_folder(const char *path) {
    char inside[4096];
    snprintf(inside, sizeof inside, "%s/run.cfg", path);
    FILE *file = fopen(inside, "re");
    if (file) {
        fclose(file);
    }
    return file != NULL;
}

static int train(struct sy_training *training, const struct arguments *arguments) {
    char folder[4096];
    int end = 0;
    struct sy_display display;
    struct sy_tensorboard tensorboard;
    struct sy_error err = {.size = sizeof err};
    if (arguments->out) {
        snprintf(folder, sizeof folder, "%s", arguments->out);
    } else if (arguments->resume && is_run_folder(arguments->config)) {
        snprintf(folder, sizeof folder, "%s", arguments->config);
    } else {
        sy_default_folder(folder, sizeof folder, training->name, "default", training->seed);
    }
    sy_display_init(&display, stdout, arguments->quiet, "");
    display.steps = arguments->steps;
    sy_tensorboard_init(&tensorboard, folder, &display.progress);
    sy_catch_signals();
    struct sy_run_options options = {
        .folder = folder,
        .resume = arguments->resume,
        .steps = arguments->steps,
        .interrupted = &sy_interrupted,
        .progress = arguments->tensorboard ? &tensorboard.progress : &display.progress,
    };
    int status = sy_links_out_refuse(folder, arguments->out != NULL, &err);
    if (status == SY_OK) {
        status = sy_training_train(training, &options, &end, &err);
    }
    sy_tensorboard_finish(&tensorboard);
    sy_display_finish(&display);
    if (status != SY_OK) {
        fprintf(stderr, "switchyard: %s\n", err.text);
        return status == SY_EINVAL ? SY_EXIT_BAD_INPUT : SY_EXIT_FAILED;
    }
    if (end == SY_RUN_INTERRUPTED) {
        printf("interrupted; a checkpoint is in %s, --resume continues\n", folder);
        return SY_EXIT_INTERRUPTED;
    }
    if (end == SY_RUN_STOPPED) {
        printf("stopped after %lld steps; a checkpoint is in %s, --resume continues\n", arguments->steps, folder);
    } else {
        sy_print_result(stdout, folder);
    }
    return SY_EXIT_OK;
}

int sy_cli_run(int argc, char **argv) {
    struct arguments arguments = {0};
    int code = parse(&arguments, argc, argv);
    if (code >= 0) {
        return code;
    }
    bool guarded = !arguments.untrusted || sy_untrusted_begin(arguments.config);
    struct sy_problems *problems = guarded ? sy_problems_create() : NULL;
    struct sy_registry *registry = sy_registry_create(NULL);
    struct sy_training training = {0};
    code = SY_EXIT_BAD_INPUT;
    if (problems && registry) {
        struct sy_setting *config = sy_load_config(arguments.config, &arguments.set, problems);
        /* What --set got wrong is a problem even where the experiment could be made without it. */
        if (config && sy_training_make(&training, config, registry, problems) && !sy_problems_count(problems)) {
            code = train(&training, &arguments);
        }
        sy_problems_print(problems, stderr);
    } else {
        fprintf(stderr, "switchyard: memory is used up\n");
        code = SY_EXIT_FAILED;
    }
    sy_training_finish(&training);
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    return code;
}
