/* cli_bench.c - `switchyard bench`: how fast networks, or a whole experiment, train on this machine. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../bench/layers.h"
#include "bench_report.h"

#define MOST_NETS       64
#define MOST_PRECISIONS 8
#define MOST_CASES      256
#define WORD_ROOM       128

struct words {
    char at[MOST_NETS][WORD_ROOM];
    int32_t count;
};

struct arguments {
    const char *config, *backend;
    struct words nets, precisions;
    struct sy_assignments set;
    int32_t threads, batch, rounds, steps, classes, image;
    bool json, layers;
};

static void usage(FILE *out) {
    fputs(
        "usage: switchyard bench CONFIG [options]\n"
        "       switchyard bench --net NET... [options]\n\n"
        "Measures the machine, then training steps: median, fastest and slowest, images and floating-point operations\n"
        "a second, per cent of the machine's peak, time by phase, peak memory and time to the first step.\n\n"
        "  --net NET             a network in one word: wrn-16-2, resnet-20, mobilenetv2-0.5; several, behind one\n"
        "                        another, with commas, or each with its own --net. `switchyard help PLUGIN` shows how\n"
        "                        a plugin's word is made\n"
        "  --precision P         fp32 or bf16; several with commas (default: the config's, fp32)\n"
        "  --backend NAME        what computes (default: the config's, the best there is)\n"
        "  --threads N           threads that compute (default: the config's, all there are)\n"
        "  --batch N             images a step (default: the config's, 128)\n"
        "  --rounds N            rounds over all cases in turn (default 5)\n"
        "  --steps N             counted steps a round (default: as many as take a second, 3 to 50)\n"
        "  --classes N           of a network's images (default 100)\n"
        "  --image N             their height and width, of 3 channels (default 32)\n"
        "  --set PATH.KEY=VALUE  change the config; with --net its node is called net: --set "
        "nodes.net.variant=standard\n"
        "  --layers              also every operator on its own\n"
        "  --json                one JSON object on the standard output instead of tables\n"
        "  --help                this text\n\n"
        "With --net a step is: forward on one batch of random images that is always the same, cross-entropy with its\n"
        "gradient, backward, running statistics, SGD with momentum 0.9 and weight decay 5e-4. `paused` is what is "
        "left\n"
        "of it when the network's owner is paused: forward and statistics. With CONFIG it is the experiment's own "
        "step,\n"
        "loader, policies, losses and the journal's lines (not their writing) included; `learning` with every gate in\n"
        "learning mode, `expert` with every gate in expert mode, whatever the policy, which is asked, decides.\n\n"
        "Every case has a process of its own: its peak memory is that process's largest resident set, and its first\n"
        "step is timed from that process's start. The step's operations are multiply-adds of convolutions and linear\n"
        "layers times 2, forward and backward, without the gradient of the image; per cent of peak are of the float\n"
        "peak, whatever the precision.\n\n"
        "--layers compiles each kind and shape of operator into a network of one operator and times that. What a\n"
        "backend fuses in a whole network is not fused there, and leaving and entering a layout of its own counts: "
        "the\n"
        "sum is more than the step.\n",
        out);
}

/* ---- arguments -------------------------------------------------------------------------------------------------- */

/* Adds words separated by commas; false after telling what is wrong. */
static bool add_words(struct words *words, const char *text, int32_t most, const char *option) {
    while (*text) {
        size_t length = strcspn(text, ",");
        if (words->count == most || length >= WORD_ROOM || !length) {
            fprintf(stderr, "switchyard bench: %s %s: give 1 to %d words, each of 1 to %d letters\n", option, text,
                    most, WORD_ROOM - 1);
            return false;
        }
        snprintf(words->at[words->count++], WORD_ROOM, "%.*s", (int)length, text);
        text += length + (text[length] == ',');
    }
    return true;
}

static bool read_number(int32_t *out, const char *text, int32_t most, const char *option) {
    char *end;
    long value = strtol(text, &end, 10);
    if (!*text || *end || value < 1 || value > most) {
        fprintf(stderr, "switchyard bench: %s %s: must be a whole number, 1 to %d\n", option, text, most);
        return false;
    }
    *out = (int32_t)value;
    return true;
}

static bool add_assignment(struct sy_assignments *set, const char *text) {
    if (set->count == SY_MAX_ASSIGNMENTS) {
        fprintf(stderr, "switchyard bench: more than %d --set; put them into a file\n", SY_MAX_ASSIGNMENTS);
        return false;
    }
    set->at[set->count++] = text;
    return true;
}

/* Exit code, or -1 to go on. */
static int take_option(struct arguments *arguments, int option) {
    bool good = true;
    switch (option) {
    case 'n':
        good = add_words(&arguments->nets, optarg, MOST_NETS, "--net");
        break;
    case 'p':
        good = add_words(&arguments->precisions, optarg, MOST_PRECISIONS, "--precision");
        break;
    case 'b':
        arguments->backend = optarg;
        break;
    case 't':
        good = read_number(&arguments->threads, optarg, 1024, "--threads");
        break;
    case 'B':
        good = read_number(&arguments->batch, optarg, 65536, "--batch");
        break;
    case 'r':
        good = read_number(&arguments->rounds, optarg, 1000, "--rounds");
        break;
    case 'S':
        good = read_number(&arguments->steps, optarg, 1000, "--steps");
        break;
    case 'c':
        good = read_number(&arguments->classes, optarg, 1000000, "--classes");
        break;
    case 'i':
        good = read_number(&arguments->image, optarg, 4096, "--image");
        break;
    case 's':
        good = add_assignment(&arguments->set, optarg);
        break;
    case 'j':
        arguments->json = true;
        break;
    case 'l':
        arguments->layers = true;
        break;
    case 'h':
        usage(stdout);
        return SY_EXIT_OK;
    default:
        fprintf(stderr, "`switchyard bench --help` lists the options\n");
        return SY_EXIT_BAD_INPUT;
    }
    return good ? -1 : SY_EXIT_BAD_INPUT;
}

/* Exit code, or -1 to go on. */
static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {
        {"net", required_argument, NULL, 'n'},     {"precision", required_argument, NULL, 'p'},
        {"backend", required_argument, NULL, 'b'}, {"threads", required_argument, NULL, 't'},
        {"batch", required_argument, NULL, 'B'},   {"rounds", required_argument, NULL, 'r'},
        {"steps", required_argument, NULL, 'S'},   {"classes", required_argument, NULL, 'c'},
        {"image", required_argument, NULL, 'i'},   {"set", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},          {"layers", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int option, code = -1;
    optind = 1;
    while (code < 0 && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        code = take_option(arguments, option);
    }
    if (code >= 0) {
        return code;
    }
    if (arguments->nets.count) {
        for (; optind < argc; optind++) {
            if (!add_words(&arguments->nets, argv[optind], MOST_NETS, "--net")) {
                return SY_EXIT_BAD_INPUT;
            }
        }
    } else if (optind + 1 == argc) {
        arguments->config = argv[optind];
    } else {
        fprintf(stderr, "switchyard bench: give one config file, or networks as in --net wrn-16-2\n");
        return SY_EXIT_BAD_INPUT;
    }
    return -1;
}

/* ---- the processes ---------------------------------------------------------------------------------------------- */

enum { OPEN = 'o', ROUND = 'r', LAYERS = 'l', LOADER = 'd', MACHINE = 'm' };

static bool serve_case(void *context, void *shared, char command) {
    struct sy_bench_case *one = context;
    switch (command) {
    case OPEN:
        one->subject = sy_subject_create(&one->source, shared);
        return one->subject != NULL;
    case ROUND:
        return sy_subject_round(one->subject, shared);
    case LAYERS:
        return sy_layers_measure(shared, sy_subject_experiment(one->subject));
    case LOADER:
        return sy_subject_loader(one->subject, shared);
    default:
        sy_subject_destroy(one->subject);
        return true;
    }
}

struct machine_answer {
    struct sy_machine machine;
    struct sy_error err;
};

static bool serve_machine(void *context, void *shared, char command) {
    struct machine_answer *answer = shared;
    const int32_t *threads = context;
    answer->err.size = sizeof answer->err;
    return command == SY_CHILD_END || sy_machine_measure(&answer->machine, *threads, &answer->err) == SY_OK;
}

/* In a process that goes away with its arrays. */
static int measure_machine(struct sy_machine *out, int32_t threads, struct sy_error *err) {
    struct sy_child child;
    int status = sy_child_start(&child, sizeof(struct machine_answer), serve_machine, &threads, err);
    if (status != SY_OK) {
        return status;
    }
    const struct machine_answer *answer = child.shared;
    int answered = sy_child_ask(&child, MACHINE, err);
    *out = answer->machine;
    if (answered == 0) {
        sy_fail(err, answer->err.code, "%s", answer->err.text);
    }
    sy_child_finish(&child);
    return err->code;
}

/* ---- the bench -------------------------------------------------------------------------------------------------- */

struct bench {
    const struct arguments *arguments;
    struct sy_dataset_info images;
    struct sy_machine machine;
    struct sy_bench_case cases[MOST_CASES];
    int32_t count;
    struct sy_problems *problems; /* of all cases, each told once */
    bool bad_input;
    bool live; /* a line stands on the terminal */
};

static void say(struct bench *bench, const char *what, int32_t round, const struct sy_bench_case *one) {
    if (!isatty(fileno(stderr))) {
        return;
    }
    fprintf(stderr, "\r\033[K%s", what);
    if (round > 0) {
        fprintf(stderr, " %d of %d", round, bench->arguments->rounds);
    }
    if (one) {
        fprintf(stderr, ": %s%s%s", one->title, one->wish.precision ? " " : "",
                one->wish.precision ? one->wish.precision : "");
    }
    bench->live = true;
    fflush(stderr);
}

static void say_nothing(struct bench *bench) {
    if (bench->live) {
        fputs("\r\033[K", stderr);
        bench->live = false;
    }
}

/* Takes the lines of a failure over, but for those that another case has told. */
static void note_failure(struct bench *bench, const char *title, const char *lines) {
    char line[2048];
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        bool told = false;
        snprintf(line, sizeof line, "%.*s", (int)length, lines);
        for (size_t i = 0; i < sy_problems_count(bench->problems) && !told; i++) {
            told = strstr(sy_problems_text(bench->problems, i), line) != NULL;
        }
        if (!told && title) {
            sy_problem(bench->problems, NULL, "%s: %s", title, line);
        } else if (!told) {
            sy_problem(bench->problems, NULL, "%s", line);
        }
        lines += length + (lines[length] == '\n');
    }
}

/* Asks a case; false after a failure, which is noted. */
static bool ask(struct bench *bench, struct sy_bench_case *one, char command) {
    struct sy_error err = {.size = sizeof err};
    int answer = sy_child_ask(&one->child, command, &err);
    const struct sy_figures *figures = one->child.shared;
    if (answer < 0) {
        note_failure(bench, one->title, err.text);
    } else if (answer == 0) {
        /* Mistakes in a config say where they are themselves. */
        note_failure(bench, figures->bad_input ? NULL : one->title, figures->failure);
        bench->bad_input = bench->bad_input || figures->bad_input;
    }
    return answer > 0;
}

static bool start_case(struct bench *bench, struct sy_bench_case *one) {
    struct sy_error err = {.size = sizeof err};
    int32_t room = bench->arguments->rounds * (bench->arguments->steps ? bench->arguments->steps : 50);
    double started = sy_seconds_now();
    if (sy_child_start(&one->child, sy_figures_bytes(room), serve_case, one, &err) != SY_OK) {
        note_failure(bench, one->title, err.text);
        return false;
    }
    struct sy_figures *figures = one->child.shared;
    figures->room = room;
    figures->started = started;
    return true;
}

/* One after the other, so that the start of one is not slowed down by another's. */
static bool open_cases(struct bench *bench) {
    bool good = true;
    for (int32_t i = 0; i < bench->count; i++) {
        struct sy_bench_case *one = &bench->cases[i];
        say(bench, "starting", 0, one);
        good = start_case(bench, one) && good;
        good = one->child.pid && ask(bench, one, OPEN) && good;
    }
    return good;
}

static bool run_rounds(struct bench *bench) {
    for (int32_t round = 1; round <= bench->arguments->rounds; round++) {
        for (int32_t i = 0; i < bench->count; i++) {
            say(bench, "round", round, &bench->cases[i]);
            if (!ask(bench, &bench->cases[i], ROUND)) {
                return false;
            }
        }
    }
    for (int32_t i = 0; i < bench->count; i++) {
        say(bench, "the rest", 0, &bench->cases[i]);
        if (!ask(bench, &bench->cases[i], LOADER) ||
            (bench->arguments->layers && !ask(bench, &bench->cases[i], LAYERS))) {
            return false;
        }
    }
    return true;
}

static void make_cases(struct bench *bench) {
    const struct arguments *arguments = bench->arguments;
    int32_t titles = arguments->config ? 1 : arguments->nets.count;
    int32_t precisions = arguments->precisions.count ? arguments->precisions.count : 1;
    for (int32_t i = 0; i < titles * precisions && bench->count < MOST_CASES; i++) {
        struct sy_bench_case *one = &bench->cases[bench->count++];
        one->wish = (struct sy_bench_wish){
            .net = arguments->config ? NULL : arguments->nets.at[i / precisions],
            .config = arguments->config,
            .precision = arguments->precisions.count ? arguments->precisions.at[i % precisions] : NULL,
            .backend = arguments->backend,
            .threads = arguments->threads,
            .batch = arguments->batch,
            .set = &arguments->set,
        };
        one->title = one->wish.net ? one->wish.net : one->wish.config;
        one->source = (struct sy_subject_source){
            .config = sy_bench_config,
            .context = &one->wish,
            .images = one->wish.net ? &bench->images : NULL,
            .steps = arguments->steps,
        };
    }
}

static int run(struct bench *bench) {
    struct sy_error err = {.size = sizeof err};
    bool good = open_cases(bench);
    if (good) {
        const struct sy_figures *first = bench->cases[0].child.shared;
        say(bench, "measuring the machine", 0, NULL);
        good = measure_machine(&bench->machine, first->threads, &err) == SY_OK;
        if (!good) {
            note_failure(bench, "the machine", err.text);
        }
    }
    good = good && run_rounds(bench);
    say_nothing(bench);
    if (!good) {
        sy_problems_print(bench->problems, stderr);
        return bench->bad_input ? SY_EXIT_BAD_INPUT : SY_EXIT_FAILED;
    }
    if (!bench->arguments->json) {
        sy_bench_print(stdout, &bench->machine, bench->cases, bench->count, bench->arguments->rounds);
    } else if (!sy_bench_print_json(stdout, &bench->machine, bench->cases, bench->count, bench->arguments->rounds)) {
        return SY_EXIT_FAILED;
    }
    return SY_EXIT_OK;
}

int sy_cli_bench(int argc, char **argv) {
    struct arguments *arguments = calloc(1, sizeof *arguments);
    struct bench *bench = calloc(1, sizeof *bench);
    int code = SY_EXIT_FAILED;
    if (arguments && bench && (bench->problems = sy_problems_create())) {
        *arguments = (struct arguments){.rounds = 5, .classes = 100, .image = 32};
        code = parse(arguments, argc, argv);
        bench->arguments = arguments;
        bench->images = (struct sy_dataset_info){
            .size = sizeof bench->images,
            .classes = arguments->classes,
            .count = {1000000, 0},
            .shape = {3, {3, arguments->image, arguments->image}},
            .dtype = SY_F32,
        };
        if (code < 0) {
            make_cases(bench);
            code = run(bench);
        }
    } else {
        fprintf(stderr, "switchyard: memory is used up\n");
    }
    for (int32_t i = 0; bench && i < bench->count; i++) {
        sy_child_finish(&bench->cases[i].child);
    }
    if (bench) {
        sy_problems_destroy(bench->problems);
    }
    free(bench);
    free(arguments);
    return code;
}
