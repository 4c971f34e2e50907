/* test_golden.c - whole networks on every backend against what PyTorch computed in float64: logits in both modes, loss,
 * running statistics, and all gradients together, each within 1e-5 relative (PyTorch's own float32 is at 1e-7 to 9e-7);
 * in bfloat16 gradients within 1.3 times what PyTorch's autocast is off by.
 * Files: tests/data/golden, and more of the same kind, named net-*.safetensors, where SWITCHYARD_FIXTURES points. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends_param.h"
#include "host/plugins.h"
#include "record/safetensors.h"
#include "rig.h"

#define BOUND     1e-5
#define PATH_ROOM 1024

struct golden_case {
    char backend[NAME_ROOM], path[PATH_ROOM];
};

static void free_cases(struct criterion_test_params *params) {
    cr_free(params->params);
}

/* Paths of a folder's files; `prefix` begins their names. */
static size_t files_of(char paths[][PATH_ROOM], size_t room, const char *path, const char *prefix) {
    size_t count = 0;
    DIR *folder = path ? opendir(path) : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder)) && count < room;) {
        size_t length = strlen(entry->d_name);
        if (length > 12 && !strcmp(entry->d_name + length - 12, ".safetensors") &&
            !strncmp(entry->d_name, prefix, strlen(prefix))) {
            snprintf(paths[count++], PATH_ROOM, "%s/%s", path, entry->d_name);
        }
    }
    if (folder) {
        closedir(folder);
    }
    return count;
}

ParameterizedTestParameters(golden, networks_agree_with_pytorch) {
    enum { MOST = 32 };
    static char paths[MOST][PATH_ROOM];
    char names[MAX_BACKENDS][NAME_ROOM], own[PATH_ROOM];
    size_t n_backends = backend_names(names), count = 0;
    snprintf(own, sizeof own, "%s/golden", getenv("SWITCHYARD_TEST_DATA"));
    size_t n_files = files_of(paths, MOST, own, "");
    n_files += files_of(paths + n_files, MOST - n_files, getenv("SWITCHYARD_FIXTURES"), "net-");
    struct golden_case *cases = cr_malloc((n_backends * n_files + 1) * sizeof *cases);
    for (size_t b = 0; b < n_backends; b++) {
        for (size_t f = 0; f < n_files; f++, count++) {
            memcpy(cases[count].backend, names[b], NAME_ROOM);
            memcpy(cases[count].path, paths[f], PATH_ROOM);
        }
    }
    return cr_make_param_array(struct golden_case, cases, count, free_cases);
}

/* ---- a file and its network ------------------------------------------------------------------------------------- */

struct golden {
    struct sy_safetensors *file;
    struct sy_problems *problems;
    struct sy_arena *arena;
    struct sy_registry *registry;
    struct sy_setting *setting;
    struct sy_instance *network;
    struct sy_built_graph *full, *built; /* as the plugin builds it, and only what leads to the logits */
    int32_t batch;
    const int64_t *labels;
};

/* A network as the config has it: from the file's metadata, or from names such as "wrn-16-2". */
static void network_text(char *out, size_t room, const struct sy_safetensors *file) {
    const char *text = sy_safetensors_metadata(file, "network"), *net = sy_safetensors_metadata(file, "net");
    int depth = 0, width = 0;
    if (text) {
        snprintf(out, room, "%s", text);
    } else if (net && sscanf(net, "wrn-%d-%d", &depth, &width) == 2) {
        snprintf(out, room, "plugin = \"wrn\"; depth = %d; width = %d;", depth, width);
    } else if (net && sscanf(net, "resnet-%d", &depth) == 1) {
        snprintf(out, room, "plugin = \"resnet_cifar\"; depth = %d;", depth);
    } else if (net && !strncmp(net, "mobilenetv2-", 12)) {
        snprintf(out, room, "plugin = \"mobilenetv2\"; width = %s;", net + 12);
    } else {
        cr_assert_fail("the file names no network");
    }
}

static const struct sy_tensor *tensor(const struct golden *golden, const char *name) {
    const struct sy_named_tensor *found = sy_safetensors_find(golden->file, name);
    cr_assert(found, "%s is missing", name);
    return &found->tensor;
}

static struct golden open_golden(const char *path) {
    struct golden golden = {.problems = sy_problems_create(), .arena = sy_arena_create()};
    struct sy_error err = {.size = sizeof err};
    char text[256];
    golden.registry = sy_registry_create(NULL);
    cr_assert_eq(sy_safetensors_open(&golden.file, path, &err), SY_OK, "%s", err.text);
    network_text(text, sizeof text, golden.file);
    golden.setting = sy_setting_read_text(text, "golden", golden.problems);
    golden.network =
        sy_instance_from_group(golden.registry, SY_NETWORK, golden.setting, NULL, NULL, golden.arena, golden.problems);
    cr_assert(golden.network, "%s", sy_problems_text(golden.problems, 0));
    const struct sy_tensor *input = tensor(&golden, "input"), *logits = tensor(&golden, "logits.eval");
    struct sy_shape shape = {3, {(int32_t)input->shape[1], (int32_t)input->shape[2], (int32_t)input->shape[3]}};
    golden.batch = (int32_t)input->shape[0];
    golden.labels = tensor(&golden, "labels")->data;
    golden.full = sy_graph_build(golden.network->ops, golden.network->self, &shape, 1, (int32_t)logits->shape[1], &err);
    cr_assert(golden.full, "%s", err.text);
    int32_t output = sy_graph_output(&golden.full->graph, "logits");
    golden.built = sy_graph_prune(&golden.full->graph, &output, 1);
    cr_assert(golden.built);
    return golden;
}

static void close_golden(struct golden *golden) {
    sy_graph_destroy(golden->built);
    sy_graph_destroy(golden->full);
    sy_instance_destroy(golden->network);
    sy_setting_destroy(golden->setting);
    sy_registry_destroy(golden->registry);
    sy_arena_destroy(golden->arena);
    sy_problems_destroy(golden->problems);
    sy_safetensors_close(golden->file);
}

static void copy_numbers(struct numbers *to, const struct sy_tensor *from) {
    cr_assert_eq(to->count, sy_tensor_count(from));
    for (size_t i = 0; i < to->count; i++) {
        to->at[i] = (double)((const float *)from->data)[i];
    }
}

static double apart(const struct golden *golden, const struct numbers *numbers, const char *name) {
    struct numbers expected = {numbers->count, calloc(numbers->count, sizeof(double))};
    copy_numbers(&expected, tensor(golden, name));
    double distance = relative(numbers, &expected);
    free(expected.at);
    return distance;
}

/* loss = mean over the batch of log sum exp z - z[label]; gradient = (softmax - onehot) / B */
static double cross_entropy(struct numbers *gradient, const struct numbers *logits, const struct golden *golden) {
    size_t classes = logits->count / (size_t)golden->batch;
    double loss = 0;
    for (size_t b = 0; b < (size_t)golden->batch; b++) {
        const double *z = logits->at + b * classes;
        double sum = 0;
        for (size_t k = 0; k < classes; k++) {
            sum += exp(z[k]);
        }
        loss += (log(sum) - z[golden->labels[b]]) / golden->batch;
        for (size_t k = 0; k < classes; k++) {
            double hot = k == (size_t)golden->labels[b] ? 1 : 0;
            gradient->at[b * classes + k] = (exp(z[k]) / sum - hot) / golden->batch;
        }
    }
    return loss;
}

/* All gradients taken together, and the worst running statistic. */
static void compare_parameters(const struct golden *golden, const struct trial *trial, double *gradients,
                               double *statistics) {
    const struct sy_graph *graph = trial->graph;
    struct distance all = {0, 0};
    *statistics = 0;
    for (int32_t p = 0; p < graph->n_params; p++) {
        char name[256];
        struct numbers expected = {trial->after[p].count, calloc(trial->after[p].count, sizeof(double))};
        bool trainable = graph->params[p]->role == SY_TRAINABLE;
        snprintf(name, sizeof name, "%s.%s", trainable ? "grads" : "after", graph->params[p]->name);
        copy_numbers(&expected, tensor(golden, name));
        if (trainable) {
            distance_add(&all, &trial->gradient[p], &expected);
        } else {
            *statistics = fmax(*statistics, relative(&trial->after[p], &expected));
        }
        free(expected.at);
    }
    *gradients = distance_relative(&all);
}

/* How far apart it all is, relative. */
struct result {
    double eval, train, loss, gradients, statistics;
};

static struct result measure(struct rig *rig, const char *path, int32_t precision) {
    struct result result;
    struct golden golden = open_golden(path);
    struct trial trial = trial_create(&golden.built->graph, golden.batch, 1, 1);
    trial.precision = precision;
    copy_numbers(&trial.input[0], tensor(&golden, "input"));
    for (int32_t p = 0; p < trial.graph->n_params; p++) {
        char name[256];
        snprintf(name, sizeof name, "weights.%s", trial.graph->params[p]->name);
        copy_numbers(&trial.parameter[p], tensor(&golden, name));
    }
    struct sy_plan *plan = trial_compile(rig, &trial, true);
    trial.mode = SY_EVALUATE;
    trial_forward(rig, plan, &trial);
    result.eval = apart(&golden, &trial.output[0], "logits.eval");
    trial.mode = SY_TRAIN;
    trial_forward(rig, plan, &trial);
    result.train = apart(&golden, &trial.output[0], "logits.train");
    double loss = cross_entropy(&trial.output_gradient[0], &trial.output[0], &golden);
    double expected = (double)*(const float *)tensor(&golden, "loss")->data;
    result.loss = fabs(loss - expected) / expected;
    trial_step(rig, plan, &trial);
    compare_parameters(&golden, &trial, &result.gradients, &result.statistics);
    rig->ops.destroy(plan);
    trial_destroy(&trial);
    close_golden(&golden);
    return result;
}

ParameterizedTest(struct golden_case *c, golden, networks_agree_with_pytorch, .timeout = 600) {
    struct rig rig;
    rig_open(&rig, c->backend, 2);
    struct result is = measure(&rig, c->path, SY_PRECISION_FP32);
    cr_log_info("%s on %s: logits %.1e eval, %.1e train; loss %.1e; statistics %.1e; gradients %.1e", c->path,
                c->backend, is.eval, is.train, is.loss, is.statistics, is.gradients);
    cr_expect_lt(is.eval, BOUND, "logits in evaluation mode are off by %g", is.eval);
    cr_expect_lt(is.train, BOUND, "logits in training mode are off by %g", is.train);
    cr_expect_lt(is.loss, BOUND, "the loss is off");
    cr_expect_lt(is.statistics, BOUND, "running statistics are off by %g", is.statistics);
    cr_expect_lt(is.gradients, BOUND, "all gradients together are off by %g", is.gradients);
    rig_close(&rig);
}

/* ---- bfloat16 --------------------------------------------------------------------------------------------------- */

/* What all gradients together are off by when PyTorch trains under autocast in bfloat16: the larger of 1.13.1's and
 * 2.13's, as one rounding more or less makes a third of it. */
static const struct {
    const char *network;
    double error;
} autocast[] = {
    {"wrn-10-1", 4.36e-3},       {"resnet-8", 3.57e-3},         {"mobilenetv2-0.125", 1.81e-2}, {"mlp", 4.86e-3},
    {"resnet-18-4", 1.57e-2},    {"resnet-18-4-tiny", 2.77e-3}, {"mobilenet-0.125", 3.34e-2},   {"vgg-8-4", 4.29e-3},
    {"vgg-13-2-large", 2.94e-3}, {"shufflenetv2-0.2", 5.95e-3}, {"densenet-3", 1.73e-2},
};
#define N_AUTOCAST (sizeof autocast / sizeof autocast[0])

ParameterizedTestParameters(golden, bfloat16_is_as_exact_as_autocast) {
    return backend_cases(N_AUTOCAST);
}

ParameterizedTest(const struct backend_case *c, golden, bfloat16_is_as_exact_as_autocast, .timeout = 600) {
    struct rig rig;
    char path[PATH_ROOM];
    rig_open(&rig, c->backend, 2);
    snprintf(path, sizeof path, "%s/golden/%s.safetensors", getenv("SWITCHYARD_TEST_DATA"), autocast[c->index].network);
    if (rig_can(&rig, SY_PRECISION_BF16)) {
        struct result is = measure(&rig, path, SY_PRECISION_BF16);
        cr_expect_lt(is.gradients, 1.3 * autocast[c->index].error, "%s: all gradients together are off by %g",
                     autocast[c->index].network, is.gradients);
    }
    rig_close(&rig);
}
