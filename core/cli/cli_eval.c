/* cli_eval.c - `switchyard eval`: how good trained weights are on a data set, without the config they came from. */
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../train/evaluate.h"
#include "weights_file.h"

struct arguments {
    struct sy_weights_wish wish;
    int32_t split;
    bool json;
};

static void usage(FILE *out) {
    fputs(
        "usage: switchyard eval WEIGHTS [--data PLUGIN] [options]\n\n"
        "Measures the weights of one network on the test split of a data set: top-1 and top-5 accuracy, negative\n"
        "log-likelihood, expected calibration error. WEIGHTS is a run folder, a checkpoint's folder or a safetensors\n"
        "file; no config is needed, since the files say what network they are for.\n\n"
        "  --data PLUGIN         the data set (default: the one they were trained on); --set data.path=DIR says where\n"
        "  --split test|train    which split, without augmentation (default: test)\n"
        "  --json                one JSON object\n",
        out);
    fputs(sy_weights_usage, out);
    fputs("  --help                this text\n", out);
}

static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {SY_WEIGHTS_OPTIONS,
                                            {"data", required_argument, NULL, 'd'},
                                            {"split", required_argument, NULL, 'S'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    optind = 1;
    arguments->split = SY_TEST_SPLIT;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        }
        if (option == 'd') {
            arguments->wish.data = optarg;
        } else if (option == 'j') {
            arguments->json = true;
        } else if (option == 'S' && (!strcmp(optarg, "test") || !strcmp(optarg, "train"))) {
            arguments->split = !strcmp(optarg, "train") ? SY_TRAIN_SPLIT : SY_TEST_SPLIT;
        } else if (option == 'S') {
            fprintf(stderr, "switchyard eval: --split %s: must be test or train\n", optarg);
            return SY_EXIT_BAD_INPUT;
        } else if (!sy_weights_option(&arguments->wish, option, optarg, "eval")) {
            return SY_EXIT_BAD_INPUT;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "switchyard eval: give one file or folder of weights\n");
        return SY_EXIT_BAD_INPUT;
    }
    arguments->wish.source = argv[optind];
    arguments->wish.with_data = true;
    return -1;
}

static void print_score(const struct arguments *arguments, const struct sy_weights *weights,
                        const struct sy_score *score) {
    const struct sy_experiment *experiment = weights->experiment;
    const char *data = experiment->dataset->found->plugin.name;
    const char *split = arguments->split == SY_TRAIN_SPLIT ? "train" : "test";
    const char *network = experiment->nodes[weights->node].network->found->plugin.name;
    if (!arguments->json) {
        printf("%s (%s, %lld parameters) on %lld samples of %s, split %s\n", weights->path, network,
               (long long)sy_graph_parameter_count(&experiment->nodes[weights->node].full->graph),
               (long long)score->samples, data, split);
        printf("top-1 %.2f %%   top-5 %.2f %%   negative log-likelihood %.4f   calibration error %.2f %%\n",
               100 * sy_score_accuracy(score), 100 * sy_score_top5(score), sy_score_nll(score),
               100 * sy_score_ece(score));
        return;
    }
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:f}", "weights", weights->path, "network", network, "data",
                  data, "split", split, "samples", (json_int_t)score->samples, "top1", sy_score_accuracy(score), "top5",
                  sy_score_top5(score), "nll", sy_score_nll(score), "ece", sy_score_ece(score));
    json_dumpf(line, stdout, JSON_COMPACT);
    printf("\n");
    json_decref(line);
}

static int measure(const struct arguments *arguments, const struct sy_weights *weights, struct sy_error *err) {
    struct sy_experiment *experiment = weights->experiment;
    struct sy_cohort *cohort = NULL;
    struct sy_loader *loader = NULL;
    struct sy_evaluation evaluation = {0};
    experiment->data.shuffle = 0;
    int status = sy_weights_cohort(&cohort, weights, err);
    if (status == SY_OK) {
        status = sy_experiment_loader(&loader, experiment, arguments->split, err);
    }
    if (status == SY_OK && !sy_evaluation_init(&evaluation, experiment)) {
        status = sy_fail(err, SY_ENOMEM, "no memory to evaluate");
    }
    if (status == SY_OK) {
        status = sy_evaluate(&evaluation, cohort, loader, err);
    }
    if (status == SY_OK) {
        print_score(arguments, weights, &evaluation.scores[weights->node]);
    }
    sy_evaluation_finish(&evaluation);
    sy_loader_destroy(loader);
    sy_cohort_destroy(cohort);
    return status;
}

static int work(const struct sy_weights *weights, const void *context, struct sy_error *err) {
    return measure(context, weights, err);
}

int sy_cli_eval(int argc, char **argv) {
    struct arguments arguments = {.json = false};
    int code = parse(&arguments, argc, argv);
    if (code >= 0) {
        return code;
    }
    return sy_weights_command(&arguments.wish, work, &arguments);
}
