/* cli_compare.c - `switchyard compare`: all variants of a suite over all its seeds, and the table. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../config/untrusted.h"
#include "../host/memory_offer.h"
#include "../host/threads.h"
#include "../record/json.h"
#include "../record/links_out.h"
#include "../record/run_folder.h"
#include "../report/page.h"
#include "../report/write.h"
#include "../train/run_config.h"
#include "compare_runs.h"
#include "progress.h"
#include "training.h"
#include "tensorboard.h"

struct arguments {
    const char *suite, *out, *only;
    struct sy_assignments set;
    long jobs; /* 0: not told */
    bool quiet, wire, tensorboard, untrusted;
};

static void usage(FILE *out) {
    fputs(
        "usage: switchyard compare SUITE [options]\n\n"
        "Runs every variant of SUITE over every seed, each in a process of its own, with the same initial weights,\n"
        "batches and crops for all variants of a seed, prints the tables and writes report.html. Finished runs are\n"
        "skipped, interrupted ones resumed; one that fails is told at the end, the others go on. Ctrl-C stops all, "
        "each\n"
        "with a checkpoint; once more: at once. The same command goes on from there. Exit code 0: all runs have "
        "finished;\n1: some failed, or diverged (tables say which); 2: bad input; 130: interrupted.\n\n"
        "  --jobs N              runs at a time. Threads are part of a result's last bits, so they are the same for\n"
        "                        all runs of a suite: `threads` of the config; where it says nothing, cores / N, kept\n"
        "                        for later starts in the same folder. Default: cores / threads, or 1 with all cores,\n"
        "                        and no more than fit into memory together\n"
        "  --out DIR             folder of the runs (default: runs/SUITE); one below it: VARIANT/seed-N\n"
        "  --set PATH.KEY=VALUE  change the config of every run\n"
        "  --only VARIANT:SEED   this run only, in this process, and no table: for the queue of a cluster\n"
        "  --untrusted           SUITE is a stranger's: it may bring no code and name no file outside its folder\n"
        "  --tensorboard         also event files for TensorBoard, in every run folder's tensorboard/\n"
        "  --quiet               only the tables, and no page\n"
        "  --help                this text\n",
        out);
}

static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {{"out", required_argument, NULL, 'o'},
                                            {"set", required_argument, NULL, 's'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"only", required_argument, NULL, 'y'},
                                            {"wire", no_argument, NULL, 'w'}, /* what jobs are started with */
                                            {"untrusted", no_argument, NULL, 'u'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"tensorboard", no_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    char *end;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        } else if (option == 'o') {
            arguments->out = optarg;
        } else if (option == 'u') {
            arguments->untrusted = true;
        } else if (option == 'q') {
            arguments->quiet = true;
        } else if (option == 't') {
            arguments->tensorboard = true;
        } else if (option == 'w') {
            arguments->wire = true;
        } else if (option == 'y') {
            arguments->only = optarg;
        } else if (option == 'j') {
            arguments->jobs = strtol(optarg, &end, 10);
            if (*end || arguments->jobs < 1 || arguments->jobs > 64) {
                fprintf(stderr, "switchyard compare: --jobs %s: must be a whole number, 1 to 64\n", optarg);
                return SY_EXIT_BAD_INPUT;
            }
        } else if (option == 's' && arguments->set.count < SY_MAX_ASSIGNMENTS - 1) {
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

static bool is_there(const char *folder, const char *name) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* ---- one run, in this process ----------------------------------------------------------------------------------- */

static int train(struct sy_training *training, const struct arguments *arguments, const char *folder,
                 const char *title) {
    struct sy_display display;
    struct sy_tensorboard tensorboard;
    struct sy_error err = {.size = sizeof err};
    int end = 0;
    if (arguments->wire) {
        sy_display_wire(&display, stdout);
    } else {
        sy_display_init(&display, stdout, arguments->quiet, title);
    }
    struct sy_run_options options = {.folder = folder,
                                     .resume = is_there(folder, "run.cfg"),
                                     .interrupted = &sy_interrupted,
                                     .progress = arguments->tensorboard ? &tensorboard.progress : &display.progress};
    sy_tensorboard_init(&tensorboard, folder, &display.progress);
    int status = sy_training_train(training, &options, &end, &err);
    sy_tensorboard_finish(&tensorboard);
    sy_display_finish(&display);
    if (status != SY_OK) {
        fprintf(stderr, "switchyard: %s%s\n", arguments->wire ? "" : title, err.text);
        return SY_EXIT_FAILED;
    }
    return end == SY_RUN_INTERRUPTED ? SY_EXIT_INTERRUPTED : SY_EXIT_OK;
}

/* A run's config, as its folder keeps it, with the one it would have now. */
static int compare_config(const char *folder, const struct sy_training *training, struct sy_error *err) {
    const struct sy_setting *config = training->stages ? training->stages->config : training->experiment->config;
    char path[4200];
    snprintf(path, sizeof path, "%s/run.cfg", folder);
    return sy_run_config_compare(path, config, err);
}

/* What has a result is not run again; whether it is this suite's. */
static int finished_before(const char *folder, const char *title, const struct sy_training *training) {
    struct sy_error err = {.size = sizeof err};
    if (compare_config(folder, training, &err) != SY_OK) {
        fprintf(stderr, "switchyard: %s%s\n", title, err.text);
        return SY_EXIT_FAILED;
    }
    return SY_EXIT_OK;
}

static int one_run(const struct arguments *arguments, const struct sy_suite *suite, struct sy_registry *registry,
                   size_t variant, int64_t seed, struct sy_problems *problems) {
    char folder[4096], title[256];
    struct sy_training training = {0};
    int code = SY_EXIT_BAD_INPUT;
    sy_suite_folder(folder, sizeof folder, suite, arguments->out, &variant, seed);
    snprintf(title, sizeof title, "%s seed %lld  ", sy_suite_variant_name(suite, variant), (long long)seed);
    sy_catch_signals();
    if (arguments->wire) {
        signal(SIGINT, SIG_IGN); /* a terminal sends it to all; who started this one says when to stop */
    }
    struct sy_setting *config = sy_suite_config(suite, variant, seed, &arguments->set, problems);
    if (config && sy_training_make(&training, config, registry, problems) && !sy_problems_count(problems)) {
        code = is_there(folder, "result.json") ? finished_before(folder, title, &training)
                                               : train(&training, arguments, folder, title);
    }
    sy_training_finish(&training);
    return code;
}

static int only_run(const struct arguments *arguments, const struct sy_suite *suite, struct sy_registry *registry,
                    struct sy_problems *problems) {
    const char *colon = strrchr(arguments->only, ':');
    for (size_t v = 0; colon && v < suite->n_variants; v++) {
        const char *name = sy_suite_variant_name(suite, v);
        for (size_t s = 0; s < suite->n_seeds; s++) {
            if (strlen(name) == (size_t)(colon - arguments->only) && !strncmp(name, arguments->only, strlen(name)) &&
                strtoll(colon + 1, NULL, 10) == suite->seeds[s]) {
                return one_run(arguments, suite, registry, v, suite->seeds[s], problems);
            }
        }
    }
    fprintf(stderr, "switchyard compare: --only %s: the suite has no such run; VARIANT:SEED names one\n",
            arguments->only);
    return SY_EXIT_BAD_INPUT;
}

/* ---- threads and jobs ------------------------------------------------------------------------------------------- */

/* `threads` of the config; 0: it says nothing, -1: it cannot be told, and the problems say why. */
static int stated_threads(const struct arguments *arguments, const struct sy_suite *suite,
                          struct sy_problems *problems) {
    size_t before = sy_problems_count(problems);
    struct sy_setting *config = sy_suite_config(suite, 0, suite->seeds[0], &arguments->set, problems);
    const struct sy_setting *threads = config ? sy_setting_find(config, "threads") : NULL;
    int stated = threads && threads->kind == SY_SETTING_INT ? (int)threads->integer : 0;
    sy_setting_destroy(config);
    return sy_problems_count(problems) == before ? stated : -1;
}

/* What an earlier start in the folder used; 0: none. */
static int earlier_threads(const char *folder) {
    char path[4200];
    snprintf(path, sizeof path, "%s/suite.json", folder);
    json_t *suite = json_load_file(path, 0, NULL);
    json_int_t threads = json_integer_value(json_object_get(suite, "threads"));
    json_decref(suite);
    return threads > 0 && threads <= 1024 ? (int)threads : 0;
}

/* Settles both; adds threads to the assignments of every run. `text` gets the assignment. */
static void share_cores(struct arguments *arguments, int stated, const char *folder, int *jobs, int *threads,
                        char *text, size_t room) {
    int cores = sy_threads_available();
    int fixed = stated > 0 ? stated : earlier_threads(folder);
    if (!fixed && arguments->jobs) {
        fixed = cores > arguments->jobs ? cores / (int)arguments->jobs : 1;
    }
    *threads = fixed ? fixed : cores;
    *jobs = arguments->jobs ? (int)arguments->jobs : cores > *threads ? cores / *threads : 1;
    snprintf(text, room, "threads=%d", *threads);
    arguments->set.at[arguments->set.count++] = text;
    if (!arguments->quiet) {
        printf("%d run%s at a time, %d thread%s each%s%s\n", *jobs, *jobs == 1 ? "" : "s", *threads,
               *threads == 1 ? "" : "s",
               stated > 0                  ? ""
               : fixed && !arguments->jobs ? ", as when this suite began"
                                           : "; `threads` in the config makes results the same on other machines",
               *jobs * *threads > cores ? "; more than there are cores" : "");
        fflush(stdout);
    }
}

/* ---- checks before the first run -------------------------------------------------------------------------------- */

/* A run of another config in a run's place is no result of this suite, and none to go on with: it stays as it is, and
 * out of the tables. */
static void check_others(struct sy_compare *compare, size_t variant, const struct sy_training *training) {
    for (size_t r = 0; r < compare->n_runs; r++) {
        struct sy_compare_run *run = &compare->runs[r];
        struct sy_error err = {.size = sizeof err};
        bool finished = run->state == SY_RUN_WAS_DONE;
        if (run->variant != variant || !(finished || is_there(run->folder, "run.cfg"))) {
            continue;
        }
        int status = compare_config(run->folder, training, &err);
        if (status == SY_EINVAL ||
            (finished && status != SY_OK)) { /* what else is wrong an unfinished one says itself */
            run->state = SY_RUN_FAILED;
            run->other_config = true;
            snprintf(run->reason, sizeof run->reason, "%s", err.text);
        }
    }
}

/* For suite.json. */
static json_t *others_json(const struct sy_compare *compare) {
    json_t *others = json_array();
    for (size_t r = 0; r < compare->n_runs; r++) {
        const struct sy_compare_run *run = &compare->runs[r];
        char folder[512];
        if (run->other_config) {
            snprintf(folder, sizeof folder, "%s/seed-%lld", sy_suite_variant_name(compare->suite, run->variant),
                     (long long)run->seed);
            sy_json_add(&others, json_pack("{s:s, s:s}", "folder", folder, "reason", run->reason));
        }
    }
    return others;
}

/* Every variant, so that no mistake waits for hours behind the runs before it. */
static bool check_all(struct sy_compare *compare, struct sy_registry *registry) {
    const struct sy_suite *suite = compare->suite;
    size_t wrong = 0;
    for (size_t v = 0; v < suite->n_variants; v++) {
        struct sy_problems *problems = sy_problems_create();
        struct sy_training training = {0};
        struct sy_setting *config =
            problems ? sy_suite_config(suite, v, suite->seeds[0], compare->set, problems) : NULL;
        bool good = config && sy_suite_check_expected(suite, v, config, problems);
        good =
            config && sy_training_make(&training, config, registry, problems) && good && !sy_problems_count(problems);
        for (size_t r = 0; r < compare->n_runs; r++) {
            compare->runs[r].memory = compare->runs[r].variant == v ? training.memory : compare->runs[r].memory;
        }
        if (good) {
            check_others(compare, v, &training);
        } else {
            wrong++;
            fprintf(stderr, "variant %s:\n", sy_suite_variant_name(suite, v));
            if (problems) {
                sy_problems_print(problems, stderr);
            }
        }
        sy_training_finish(&training);
        sy_problems_destroy(problems);
    }
    return wrong == 0;
}

static int most_first(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* How many of those that wait fit into `offer` bytes together, whichever meet; `need`: of so many as run at a time. -1: no
 * memory to find out. */
static int jobs_that_fit(const struct sy_compare *compare, double offer, double *need) {
    double *each = calloc(compare->n_runs + 1, sizeof *each);
    size_t waiting = 0;
    int fit = each ? compare->jobs : -1;
    *need = 0;
    for (size_t r = 0; each && r < compare->n_runs; r++) {
        if (compare->runs[r].state == SY_RUN_WAITS) {
            each[waiting++] = compare->runs[r].memory;
        }
    }
    if (waiting) {
        qsort(each, waiting, sizeof *each, most_first);
    }
    for (size_t r = 0; r < waiting && r < (size_t)compare->jobs; r++) {
        *need += each[r];
        fit = *need > offer && fit == compare->jobs ? (int)r : fit;
    }
    free(each);
    return fit;
}

/* Runs that go on at the same time must fit together: what a person asked for is refused, what is taken of oneself is
 * taken back. */
static bool check_memory(struct sy_compare *compare, bool asked) {
    const double mib = 1024.0 * 1024.0;
    struct sy_memory_offer offer;
    double need = 0;
    sy_memory_offer(&offer);
    double least = fmin(offer.group, offer.machine); /* whichever is told */
    int fit = jobs_that_fit(compare, least, &need);
    if (fit < 0) {
        fprintf(stderr, "switchyard: memory is used up\n");
        return false;
    }
    if (fit == compare->jobs || fit < 1) { /* 0: one alone does not, which its own check told */
        return true;
    }
    if (asked) {
        fprintf(stderr,
                "switchyard compare: %d runs at a time need %.0f MiB together, there are %.0f MiB; --jobs %d fits\n",
                compare->jobs, need / mib, least / mib, fit);
        return false;
    }
    compare->jobs = fit;
    if (!compare->quiet) {
        printf("%d at a time, as more do not fit into %.0f MiB of memory\n", fit, least / mib);
    }
    return true;
}

/* All runs, seed by seed, so that every variant has its first one early. */
static bool list_runs(struct sy_compare *compare) {
    const struct sy_suite *suite = compare->suite;
    compare->runs = calloc(suite->n_seeds * suite->n_variants, sizeof *compare->runs);
    for (size_t s = 0; compare->runs && s < suite->n_seeds; s++) {
        for (size_t v = 0; v < suite->n_variants; v++) {
            struct sy_compare_run *run = &compare->runs[compare->n_runs++];
            run->variant = v;
            run->seed = suite->seeds[s];
            run->first = run->share = -1;
            sy_suite_folder(run->folder, sizeof run->folder, suite, compare->folder, &v, run->seed);
            run->state = is_there(run->folder, "result.json") ? SY_RUN_WAS_DONE : SY_RUN_WAITS;
        }
    }
    return compare->runs != NULL;
}

/* Held until this process and all it started are gone, so that a suite that was killed and started again does not meet
 * what is left of itself: those end within moments. The descriptor is for all of them, and closed by their end. */
static int take_lock(const char *folder, struct sy_error *err) {
    char path[4200];
    int status = sy_make_folders(folder, err);
    if (status != SY_OK) {
        return status;
    }
    snprintf(path, sizeof path, "%s/lock", folder);
    int file = open(path, O_RDWR | O_CREAT, 0666);
    for (int tries = 0; file >= 0 && flock(file, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK || tries == 100) {
            return sy_fail(err, SY_EINVAL, "%s: another `compare` works here; wait for it, or name another --out",
                           folder);
        }
        usleep(100000);
    }
    return file >= 0 ? SY_OK : sy_fail(err, SY_EIO, "%s: cannot be opened: %s", path, strerror(errno));
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

/* The report as a page. Its tables were printed, so that a page that cannot be is no failure of the suite. */
static void write_page(const struct sy_compare *compare) {
    struct sy_error err = {.size = sizeof err};
    char path[4200];
    if (sy_report_page(path, sizeof path, compare->folder, NULL, &err) == SY_OK) {
        printf("\nwith figures: %s\n", path);
    } else {
        fprintf(stderr, "switchyard: no page: %s\n", err.text);
    }
}

static int conclude(const struct sy_compare *compare) {
    struct sy_error err = {.size = sizeof err};
    if (sy_interrupted) {
        printf("interrupted; the same command goes on from here\n");
        return SY_EXIT_INTERRUPTED;
    }
    int code = sy_compare_count(compare, SY_RUN_DONE) + sy_compare_count(compare, SY_RUN_WAS_DONE) == compare->n_runs
                   ? SY_EXIT_OK
                   : SY_EXIT_FAILED;
    if (sy_report_text(stdout, compare->folder, NULL, &err) != SY_OK) {
        fprintf(stderr, "switchyard: no table: %s\n", err.text);
        code = SY_EXIT_FAILED;
    } else if (!compare->quiet) {
        write_page(compare);
    }
    fflush(stdout);
    for (size_t r = 0; r < compare->n_runs; r++) {
        const struct sy_compare_run *run = &compare->runs[r];
        if (run->state == SY_RUN_FAILED) {
            fprintf(stderr, "switchyard: %s seed %lld failed: %s\n",
                    sy_suite_variant_name(compare->suite, run->variant), (long long)run->seed, run->reason);
        }
    }
    return code;
}

static int compare_all(struct arguments *arguments, const struct sy_suite *suite, struct sy_registry *registry,
                       struct sy_problems *problems) {
    char folder[4096], threads_text[32];
    struct sy_error err = {.size = sizeof err};
    int threads, code = SY_EXIT_BAD_INPUT;
    sy_suite_folder(folder, sizeof folder, suite, arguments->out, NULL, 0);
    struct sy_compare compare = {.suite = suite,
                                 .suite_file = arguments->suite,
                                 .folder = folder,
                                 .set = &arguments->set,
                                 .quiet = arguments->quiet,
                                 .tensorboard = arguments->tensorboard,
                                 .untrusted = arguments->untrusted};
    int stated = stated_threads(arguments, suite, problems);
    if (stated < 0) {
        return code;
    }
    share_cores(arguments, stated, folder, &compare.jobs, &threads, threads_text, sizeof threads_text);
    if (!list_runs(&compare)) {
        fprintf(stderr, "switchyard: memory is used up\n");
        return SY_EXIT_FAILED;
    }
    if (check_all(&compare, registry) && check_memory(&compare, arguments->jobs > 0)) {
        int status = sy_links_out_refuse(folder, arguments->out != NULL, &err);
        if (status == SY_OK) {
            status = take_lock(folder, &err);
        }
        if (status == SY_OK) {
            status = sy_suite_write(suite, folder, threads, others_json(&compare), &err);
        }
        if (status == SY_OK) {
            sy_catch_signals();
            status = sy_compare_train(&compare, &err);
        }
        if (status != SY_OK) {
            fprintf(stderr, "switchyard: %s\n", err.text);
            code = status == SY_EINVAL ? SY_EXIT_BAD_INPUT : SY_EXIT_FAILED;
        } else {
            code = conclude(&compare);
        }
    }
    free(compare.runs);
    return code;
}

int sy_cli_compare(int argc, char **argv) {
    struct arguments arguments = {0};
    struct sy_suite suite;
    int code = parse(&arguments, argc, argv);
    if (code >= 0) {
        return code;
    }
    bool guarded = !arguments.untrusted || sy_untrusted_begin(arguments.suite);
    struct sy_problems *problems = guarded ? sy_problems_create() : NULL;
    struct sy_registry *registry = sy_registry_create(NULL);
    code = SY_EXIT_BAD_INPUT;
    if (!problems || !registry) {
        fprintf(stderr, "switchyard: memory is used up\n");
        code = SY_EXIT_FAILED;
    } else if (sy_suite_read(&suite, arguments.suite, &arguments.set, problems)) {
        code = arguments.only ? only_run(&arguments, &suite, registry, problems)
                              : compare_all(&arguments, &suite, registry, problems);
        sy_suite_finish(&suite);
    }
    if (problems) {
        sy_problems_print(problems, stderr);
    }
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    return code;
}
