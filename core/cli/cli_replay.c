/* cli_replay.c - `switchyard replay`: where would another policy have switched? */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../config/untrusted.h"
#include "../record/journal.h"
#include "../report/input.h"
#include "../train/lines.h"
#include "../train/replay.h"
#include "session.h"

#define STRIP 64 /* signs of a strip */

struct arguments {
    const char *run, *policy, *out;
    bool untrusted;
    struct sy_assignments set;
};

static void usage(FILE *out) {
    fputs(
        "usage: switchyard replay RUN [--policy P] [--set PATH.KEY=VALUE]... [--out FILE]\n\n"
        "Asks a policy again about every batch of a run that was trained with train.record_signals = \"logits\", and\n"
        "shows where it would have switched. Nothing is trained: what the policy sees is what the recorded run did,\n"
        "whatever it decides (open loop).\n\n"
        "  --policy P            another policy, with its defaults (default: the run's own with its parameters)\n"
        "  --set policy.KEY=VALUE\n"
        "  --untrusted           RUN is a stranger's: its run.cfg may bring no code and name no file outside its "
        "folder\n"
        "  --out FILE            every decision, one JSON object a line, in the form of steps.jsonl, with "
        "`recorded`\n\n"
        "RUN is a run folder, or a config file: then the folder where it goes by default. A strip has a sign for so\n"
        "many steps, by their share in expert mode: space none, then . : + * #, the last for all of them.\n",
        out);
}

/* ---- arguments -------------------------------------------------------------------------------------------------- */

/* Exit code, or -1 to go on. */
static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {
        {"policy", required_argument, NULL, 'p'}, {"set", required_argument, NULL, 's'},
        {"out", required_argument, NULL, 'o'},    {"untrusted", no_argument, NULL, 'u'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        }
        if (option == 'p') {
            arguments->policy = optarg;
        } else if (option == 'o') {
            arguments->out = optarg;
        } else if (option == 'u') {
            arguments->untrusted = true;
        } else if (option == 's' && arguments->set.count < SY_MAX_ASSIGNMENTS) {
            arguments->set.at[arguments->set.count++] = optarg;
        } else {
            fprintf(stderr, "`switchyard replay --help` lists the options\n");
            return SY_EXIT_BAD_INPUT;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "switchyard replay: give one run folder\n");
        return SY_EXIT_BAD_INPUT;
    }
    arguments->run = argv[optind];
    return -1;
}

/* The folder itself, or where a config's runs go. False after a problem. */
static bool find_folder(char *out, size_t room, const char *run, struct sy_problems *problems) {
    static const struct sy_assignments none = {.count = 0};
    struct stat status;
    if (stat(run, &status) == 0 && S_ISDIR(status.st_mode)) {
        snprintf(out, room, "%s", run);
        return true;
    }
    struct sy_setting *config = sy_load_config(run, &none, problems);
    const struct sy_setting *name = config ? sy_setting_find(config, "experiment") : NULL;
    const struct sy_setting *seed = config ? sy_setting_find(config, "seed") : NULL;
    if (name) {
        sy_default_folder(out, room, name->string ? name->string : "", "default", seed ? seed->integer : 1);
    }
    sy_setting_destroy(config);
    return name != NULL;
}

/* The run's own configuration with the policy in question. */
static struct sy_setting *load(const struct arguments *arguments, const char *folder, struct sy_problems *problems) {
    static const struct sy_assignments none = {.count = 0};
    char text[256];
    struct sy_setting *config = sy_load_config(folder, &none, problems);
    if (config && arguments->policy) {
        sy_setting_remove(config, "policy");
        snprintf(text, sizeof text, "policy.plugin=\"%s\"", arguments->policy);
        sy_setting_assign(config, text, SY_LAYER_ARGUMENT, problems);
    }
    if (config) {
        sy_assign_all(config, &arguments->set, problems);
    }
    return config;
}

/* ---- counting --------------------------------------------------------------------------------------------------- */

/* Decisions of one epoch, or behind one sign of a strip. */
struct tally {
    int64_t steps, expert, recorded, agree; /* recorded: in expert mode then */
};

struct gate {
    struct tally all, sign[STRIP], *epoch;
};

struct replaying {
    struct sy_experiment *experiment;
    struct sy_lines lines;  /* steps.jsonl */
    struct sy_journal *out; /* NULL: none */
    struct gate *gates;
    int64_t epochs, steps; /* of the whole run */
    int64_t seen;
};

static void count(struct tally *tally, bool expert, bool recorded) {
    tally->steps++;
    tally->expert += expert;
    tally->recorded += recorded;
    tally->agree += expert == recorded;
}

/* The gates of a step in steps.jsonl, to be released with *line. */
static const json_t *recorded_gates(struct replaying *replaying, int64_t step, json_t **line, struct sy_error *err) {
    *line = NULL;
    do { /* over steps that were taken back: nothing was decided in them that counted */
        json_decref(*line);
        *line = sy_lines_next(&replaying->lines) ? json_loadb(replaying->lines.line, replaying->lines.length, 0, NULL)
                                                 : NULL;
    } while (json_object_get(*line, "skipped"));
    const json_t *gates = json_object_get(*line, "gates");
    if (!*line || json_integer_value(json_object_get(*line, "step")) != step ||
        json_array_size(gates) != (size_t)replaying->experiment->n_gates) {
        sy_fail(err, SY_EINVAL, "steps.jsonl does not have the gates of step %lld", (long long)step);
        json_decref(*line);
        *line = NULL;
    }
    return *line ? gates : NULL;
}

static json_t *out_line(const struct sy_watch *gate, const struct sy_experiment *experiment, int32_t mode,
                        const char *recorded) {
    json_t *line = json_pack("{s:s, s:s, s:s, s:s}", "teacher", experiment->nodes[gate->teacher].name, "student",
                             experiment->nodes[gate->student].name, "mode", mode == SY_EXPERT ? "expert" : "learning",
                             "recorded", recorded);
    sy_fields_to_json(&line, gate->policy, true);
    return line;
}

static int replayed(void *context, const struct sy_moment *now, const struct sy_decision *decisions,
                    struct sy_error *err) {
    struct replaying *replaying = context;
    const struct sy_experiment *experiment = replaying->experiment;
    json_t *line, *written = replaying->out ? json_array() : NULL;
    const json_t *gates = recorded_gates(replaying, now->step, &line, err);
    if (!gates) {
        json_decref(written);
        return SY_EINVAL;
    }
    int64_t sign = now->step * STRIP / replaying->steps;
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        struct gate *gate = &replaying->gates[g];
        const char *mode = sy_json_text(json_array_get(gates, (size_t)g), "mode");
        bool expert = decisions[g].mode == SY_EXPERT, recorded = mode && !strcmp(mode, "expert");
        count(&gate->all, expert, recorded);
        count(&gate->sign[sign < STRIP ? sign : STRIP - 1], expert, recorded);
        if (now->epoch < replaying->epochs) {
            count(&gate->epoch[now->epoch], expert, recorded);
        }
        if (written) {
            sy_json_add(&written, out_line(&experiment->gates[g], experiment, decisions[g].mode, mode ? mode : ""));
        }
    }
    replaying->seen++;
    json_decref(line);
    return replaying->out ? sy_journal_append(replaying->out,
                                              json_pack("{s:I, s:I, s:o}", "step", (json_int_t)now->step, "epoch",
                                                        (json_int_t)now->epoch, "gates", written),
                                              err)
                          : SY_OK;
}

/* ---- telling ---------------------------------------------------------------------------------------------------- */

static double percent(int64_t part, int64_t whole) {
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

/* A sign by the share of a tally. */
static char sign_of(int64_t part, int64_t whole) {
    static const char signs[] = " .:+*#";
    if (whole == 0) {
        return '-';
    }
    return part == whole ? '#' : part == 0 ? ' ' : signs[1 + part * 4 / whole];
}

static void tell_strip(const struct gate *gate, bool recorded) {
    printf("  %-9s|", recorded ? "recorded" : "replayed");
    for (int i = 0; i < STRIP; i++) {
        const struct tally *tally = &gate->sign[i];
        putchar(sign_of(recorded ? tally->recorded : tally->expert, tally->steps));
    }
    printf("|\n");
}

static void tell_gate(const struct replaying *replaying, int32_t index) {
    const struct sy_experiment *experiment = replaying->experiment;
    const struct sy_watch *watch = &experiment->gates[index];
    const struct gate *gate = &replaying->gates[index];
    printf("\ngate %s-%s: policy %s%s\n", experiment->nodes[watch->teacher].name,
           experiment->nodes[watch->student].name, watch->policy->found->plugin.name,
           watch->watch_only ? " (the run only watched: recorded is always learning)" : "");
    printf("  %lld decisions, %lld (%.1f %%) as recorded; in expert mode %.1f %%, recorded %.1f %%\n\n",
           (long long)gate->all.steps, (long long)gate->all.agree, percent(gate->all.agree, gate->all.steps),
           percent(gate->all.expert, gate->all.steps), percent(gate->all.recorded, gate->all.steps));
    printf("  %6s  %9s  %9s  %9s\n", "epoch", "expert", "recorded", "agree");
    for (int64_t e = 0; e < replaying->epochs; e++) {
        const struct tally *tally = &gate->epoch[e];
        if (tally->steps) {
            printf("  %6lld  %7.1f %%  %7.1f %%  %7.1f %%\n", (long long)e, percent(tally->expert, tally->steps),
                   percent(tally->recorded, tally->steps), percent(tally->agree, tally->steps));
        }
    }
    printf("\n");
    tell_strip(gate, true);
    tell_strip(gate, false);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static bool allocate(struct replaying *replaying) {
    struct sy_experiment *experiment = replaying->experiment;
    replaying->epochs = experiment->train.epochs;
    replaying->steps = sy_experiment_steps(experiment);
    replaying->gates = calloc((size_t)experiment->n_gates, sizeof *replaying->gates);
    for (int32_t g = 0; replaying->gates && g < experiment->n_gates; g++) {
        replaying->gates[g].epoch = calloc((size_t)replaying->epochs, sizeof(struct tally));
        if (!replaying->gates[g].epoch) {
            return false;
        }
    }
    return replaying->gates != NULL;
}

static void release(struct replaying *replaying) {
    for (int32_t g = 0; replaying->gates && g < replaying->experiment->n_gates; g++) {
        free(replaying->gates[g].epoch);
    }
    free(replaying->gates);
    sy_lines_close(&replaying->lines);
}

static int replay(struct sy_experiment *experiment, const struct arguments *arguments, const char *folder) {
    struct replaying replaying = {.experiment = experiment};
    struct sy_error err = {.size = sizeof err};
    char path[4096];
    bool damaged = false;
    if (!experiment->n_gates) {
        fprintf(stderr, "switchyard replay: no policy decides anything in this topology\n");
        return SY_EXIT_BAD_INPUT;
    }
    snprintf(path, sizeof path, "%s/signals.bin", folder);
    if (!sy_is_there(path)) {
        fprintf(stderr, "switchyard replay: %s is not there; train with --set train.record_signals=logits\n", path);
        return SY_EXIT_BAD_INPUT;
    }
    if (arguments->out && sy_is_there(arguments->out)) {
        fprintf(stderr, "switchyard replay: %s is there already; name another with --out\n", arguments->out);
        return SY_EXIT_BAD_INPUT;
    }
    snprintf(path, sizeof path, "%s/steps.jsonl", folder);
    int status = allocate(&replaying) ? sy_lines_open(&replaying.lines, path, &err)
                                      : sy_fail(&err, SY_ENOMEM, "memory is used up");
    if (status == SY_OK && arguments->out) {
        status = sy_journal_open(&replaying.out, arguments->out, 0, &err);
    }
    snprintf(path, sizeof path, "%s/signals.bin", folder);
    if (status == SY_OK) {
        status = sy_replay(experiment, path, replayed, &replaying, &damaged, &err);
    }
    if (status == SY_OK) {
        status = sy_journal_close(replaying.out, &err);
    }
    for (int32_t g = 0; g < experiment->n_gates && status == SY_OK; g++) {
        tell_gate(&replaying, g);
    }
    if (status != SY_OK) {
        fprintf(stderr, "switchyard replay: %s\n", err.text);
    } else if (damaged) {
        printf("\nsignals.bin ends in a record that is not whole, after %lld steps\n", (long long)replaying.seen);
    }
    release(&replaying);
    return status == SY_OK ? SY_EXIT_OK : status == SY_EINVAL ? SY_EXIT_BAD_INPUT : SY_EXIT_FAILED;
}

int sy_cli_replay(int argc, char **argv) {
    struct arguments arguments = {0};
    char folder[4096];
    int code = parse(&arguments, argc, argv);
    if (code >= 0) {
        return code;
    }
    bool guarded = !arguments.untrusted || sy_untrusted_begin(arguments.run);
    struct sy_problems *problems = guarded ? sy_problems_create() : NULL;
    struct sy_registry *registry = sy_registry_create(NULL);
    struct sy_experiment *experiment = NULL;
    code = SY_EXIT_BAD_INPUT;
    if (problems && registry) {
        struct sy_setting *config =
            find_folder(folder, sizeof folder, arguments.run, problems) ? load(&arguments, folder, problems) : NULL;
        experiment = config ? sy_experiment_create(config, registry, problems) : NULL;
        if (experiment && !sy_problems_count(problems)) {
            code = replay(experiment, &arguments, folder);
        }
        sy_problems_print(problems, stderr);
    } else {
        fprintf(stderr, "switchyard: memory is used up\n");
        code = SY_EXIT_FAILED;
    }
    sy_experiment_destroy(experiment);
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    return code;
}
