/* harness.c - see harness.h. */
#include "harness.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <switchyard/rng.h>

/* ---- plugins ---------------------------------------------------------------------------------------------------- */

static const struct sy_field *row_of(const struct sy_plugin *plugin, const char *name) {
    for (const struct sy_field *row = plugin->fields; row && row->name; row++) {
        if (!strcmp(row->name, name)) {
            return row;
        }
    }
    cr_assert(0, "%s has no field %s", plugin->name, name);
    return NULL;
}

static void set_field(void *self, const struct sy_field *row, double value) {
    char *at = (char *)self + row->offset;
    if (row->type == SY_TYPE_INT32) {
        *(int32_t *)(void *)at = (int32_t)value;
    } else if (row->type == SY_TYPE_INT64) {
        *(int64_t *)(void *)at = (int64_t)value;
    } else if (row->type == SY_TYPE_DOUBLE) {
        *(double *)(void *)at = value;
    }
}

const int32_t lent_labels[LENT_LABELS] = {0, 1, 2, 2, 1, 0, 1, 2, 0, 0, 2, 1};

enum { MAX_BUFFERS = 4 };
static struct {
    char name[64];
    float *at;
    size_t count;
} buffers[MAX_BUFFERS];

static int lend_buffer(const struct sy_host *self, float **out, const char *name, size_t count, struct sy_error *err) {
    (void)self, (void)err;
    for (int i = 0; i < MAX_BUFFERS; i++) {
        if (!buffers[i].at) {
            snprintf(buffers[i].name, sizeof buffers[i].name, "%s", name);
            cr_assert(buffers[i].at = calloc(count, sizeof(float)));
            buffers[i].count = count;
            *out = buffers[i].at;
            return SY_OK;
        }
    }
    cr_assert(0, "more than %d buffers", MAX_BUFFERS);
    return SY_ENOMEM;
}

float *lent_buffer(const char *name, size_t *count) {
    for (int i = 0; i < MAX_BUFFERS; i++) {
        if (buffers[i].at && !strcmp(buffers[i].name, name)) {
            *count = buffers[i].count;
            return buffers[i].at;
        }
    }
    cr_assert(0, "no buffer %s", name);
    return NULL;
}

static int lend_labels(const struct sy_host *self, const int32_t **out, int64_t *count, struct sy_error *err) {
    (void)self, (void)err;
    *out = lent_labels;
    *count = LENT_LABELS;
    return SY_OK;
}

static void lend_loop(const struct sy_host *self, size_t count, sy_loop_body body, void *argument) {
    size_t threads = (size_t)self->threads;
    for (size_t t = threads; t-- > 0;) {
        size_t begin = count * t / threads, end = count * (t + 1) / threads;
        if (begin < end) {
            body(argument, begin, end, (int32_t)t);
        }
    }
}

static struct sy_host host = {.size = sizeof host,
                              .threads = 1,
                              .seed = 7,
                              .parallel_for = lend_loop,
                              .buffer = lend_buffer,
                              .labels = lend_labels};

void lend_threads(int32_t threads) {
    host.threads = threads;
}

static int start(struct loaded *loaded, struct sy_error *err) {
    if (!strcmp(loaded->plugin->kind, SY_LOSS)) {
        const struct sy_loss_ops *ops = loaded->ops;
        int status = ops->init ? ops->init(loaded->self, &host, err) : SY_OK;
        loaded->started = status == SY_OK;
        return status;
    }
    if (!strcmp(loaded->plugin->kind, SY_POLICY)) {
        const struct sy_policy_ops *ops = loaded->ops;
        return ops->init ? ops->init(loaded->self, &host, err) : SY_OK;
    }
    return SY_OK;
}

/* An instance with its parameters, before init. */
static struct loaded open_plugin(const char *kind, const char *folder, const char *name,
                                 const struct setting *settings) {
    char path[1024];
    const char *root = getenv("SWITCHYARD_PLUGIN_PATH");
    cr_assert(root, "SWITCHYARD_PLUGIN_PATH names the plugins under test");
    snprintf(path, sizeof path, "%s/%s/%s.so", root, folder, name);
    struct loaded loaded = {.file = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    cr_assert(loaded.file, "%s", dlerror());
    const struct sy_plugin *const *list = dlsym(loaded.file, SY_SYMBOL);
    cr_assert(list && list[0] && !list[1], "%s exports one plugin", path);
    loaded.plugin = list[0], loaded.ops = list[0]->ops;
    cr_assert_str_eq(loaded.plugin->kind, kind);
    cr_assert_str_eq(loaded.plugin->name, name);
    cr_assert(loaded.self = calloc(1, loaded.plugin->self_size));
    for (const struct sy_field *row = loaded.plugin->fields; row && row->name; row++) {
        if (row->role == SY_PARAMETER) {
            set_field(loaded.self, row, row->def);
        }
    }
    for (int i = 0; settings && i < MAX_SETTINGS && settings[i].name; i++) {
        set_field(loaded.self, row_of(loaded.plugin, settings[i].name), settings[i].value);
    }
    return loaded;
}

static void give_list(const struct loaded *loaded, const char *list, struct sy_ints numbers) {
    const struct sy_field *row = row_of(loaded->plugin, list);
    cr_assert_eq(row->type, SY_TYPE_INTS);
    *(struct sy_ints *)(void *)((char *)loaded->self + row->offset) = numbers;
}

struct loaded load(const char *kind, const char *folder, const char *name, const struct setting *settings) {
    struct sy_error err = {.size = sizeof err};
    struct loaded loaded = open_plugin(kind, folder, name, settings);
    cr_assert_eq(start(&loaded, &err), SY_OK, "%s", err.text);
    return loaded;
}

struct loaded load_with_list(const char *kind, const char *folder, const char *name, const struct setting *settings,
                             const char *list, struct sy_ints numbers) {
    struct sy_error err = {.size = sizeof err};
    struct loaded loaded = open_plugin(kind, folder, name, settings);
    give_list(&loaded, list, numbers);
    cr_assert_eq(start(&loaded, &err), SY_OK, "%s", err.text);
    return loaded;
}

int try_load(const char *kind, const char *folder, const char *name, const struct setting *settings, const char *list,
             struct sy_ints numbers, struct sy_error *err) {
    struct loaded loaded = open_plugin(kind, folder, name, settings);
    give_list(&loaded, list, numbers);
    *err = (struct sy_error){.size = sizeof *err};
    int status = start(&loaded, err);
    unload(&loaded);
    return status;
}

void unload(struct loaded *loaded) {
    if (!strcmp(loaded->plugin->kind, SY_LOSS) && ((const struct sy_loss_ops *)loaded->ops)->fini && loaded->started) {
        ((const struct sy_loss_ops *)loaded->ops)->fini(loaded->self);
    }
    for (int i = 0; i < MAX_BUFFERS; i++) {
        free(buffers[i].at);
        buffers[i].at = NULL;
    }
    free(loaded->self);
    dlclose(loaded->file);
    *loaded = (struct loaded){0};
}

double member(const struct loaded *loaded, const char *name) {
    const struct sy_field *row = row_of(loaded->plugin, name);
    const char *at = (const char *)loaded->self + row->offset;
    return row->type == SY_TYPE_DOUBLE  ? *(const double *)(const void *)at
           : row->type == SY_TYPE_INT64 ? (double)*(const int64_t *)(const void *)at
                                        : *(const int32_t *)(const void *)at;
}

/* ---- problems --------------------------------------------------------------------------------------------------- */

size_t problem_count(const struct problem *problem, int32_t n) {
    const struct sy_shape *shape = &problem->shapes[n];
    return (size_t)problem->batch * (shape->rank ? sy_shape_count(shape) : (size_t)problem->classes);
}

static void draw(struct problem *problem, uint64_t seed, double spread) {
    struct sy_rng rng = sy_rng_make(seed, SY_FOR_PLUGIN, 0, 0, 0);
    cr_assert(problem->labels = calloc((size_t)problem->batch, sizeof *problem->labels));
    for (int32_t b = 0; b < problem->batch; b++) {
        problem->labels[b] = (int32_t)sy_rng_below(&rng, (uint32_t)problem->classes);
    }
    for (int32_t n = 0; n <= problem->n_sources; n++) {
        size_t count = problem_count(problem, n);
        cr_assert(problem->logits[n] = calloc(count, sizeof(float)));
        for (size_t i = 0; i < count; i++) {
            problem->logits[n][i] = (float)(floor((2 * sy_rng_uniform(&rng) - 1) * spread * 64) / 64);
        }
    }
}

struct problem make_tap_problem(uint64_t seed, int32_t batch, int32_t n_sources, struct sy_shape target,
                                struct sy_shape source, double spread) {
    struct problem problem = {.batch = batch, .classes = 10, .n_sources = n_sources, .shapes = {target}};
    for (int32_t n = 1; n <= n_sources; n++) {
        problem.shapes[n] = source;
    }
    draw(&problem, seed, spread);
    return problem;
}

struct problem make_problem(uint64_t seed, int32_t batch, int32_t classes, int32_t n_sources, double spread) {
    struct problem problem = {.batch = batch, .classes = classes, .n_sources = n_sources};
    draw(&problem, seed, spread);
    return problem;
}

struct problem copy_problem(const struct problem *problem) {
    struct problem copy = make_problem(1, problem->batch, problem->classes, problem->n_sources, 1);
    size_t count = (size_t)problem->batch * (size_t)problem->classes;
    memcpy(copy.labels, problem->labels, (size_t)problem->batch * sizeof *copy.labels);
    for (int32_t n = 0; n <= problem->n_sources; n++) {
        memcpy(copy.logits[n], problem->logits[n], count * sizeof(float));
    }
    return copy;
}

void free_problem(struct problem *problem) {
    free(problem->labels);
    for (int n = 0; n <= MAX_SOURCES; n++) {
        free(problem->logits[n]);
    }
    *problem = (struct problem){0};
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

#define MAX_SIGNALS 16

/* Softmaxes asked for in one call, freed after it. */
struct signals {
    const struct problem *problem;
    double *p[MAX_SIGNALS], *log_p[MAX_SIGNALS];
    int32_t which[MAX_SIGNALS];
    double temperature[MAX_SIGNALS];
    int count;
};

static void soften(double *p, double *log_p, const float *z, int32_t classes, double temperature) {
    double top = z[0], sum = 0;
    for (int32_t k = 1; k < classes; k++) {
        top = fmax(top, z[k]);
    }
    for (int32_t k = 0; k < classes; k++) {
        sum += exp((z[k] - top) / temperature);
    }
    for (int32_t k = 0; k < classes; k++) {
        log_p[k] = (z[k] - top) / temperature - log(sum);
        p[k] = exp(log_p[k]);
    }
}

static int find_signal(struct signals *signals, int32_t which, double temperature) {
    const struct problem *problem = signals->problem;
    cr_assert_eq(problem->shapes[which].rank, 0, "a tap has no probabilities");
    size_t count = (size_t)problem->batch * (size_t)problem->classes;
    for (int i = 0; i < signals->count; i++) {
        if (signals->which[i] == which && signals->temperature[i] == temperature) {
            return i;
        }
    }
    int i = signals->count++;
    cr_assert(i < MAX_SIGNALS && which >= 0 && which <= problem->n_sources && temperature > 0);
    signals->which[i] = which, signals->temperature[i] = temperature;
    cr_assert((signals->p[i] = calloc(count, sizeof(double))) && (signals->log_p[i] = calloc(count, sizeof(double))));
    for (size_t at = 0; at < count; at += (size_t)problem->classes) {
        soften(signals->p[i] + at, signals->log_p[i] + at, problem->logits[which] + at, problem->classes, temperature);
    }
    return i;
}

static void free_signals(struct signals *signals) {
    for (int i = 0; i < signals->count; i++) {
        free(signals->p[i]);
        free(signals->log_p[i]);
    }
}

/* The border lends signals as const; they are filled as they are asked for. */
static struct signals *of(const void *signals) {
    union {
        const void *lent;
        struct signals *own;
    } view = {.lent = signals};
    return view.own;
}

/* ---- losses ----------------------------------------------------------------------------------------------------- */

static const double *loss_p(const void *signals, int32_t which, double temperature) {
    return of(signals)->p[find_signal(of(signals), which + 1, temperature)];
}

static const double *loss_log_p(const void *signals, int32_t which, double temperature) {
    return of(signals)->log_p[find_signal(of(signals), which + 1, temperature)];
}

static struct sy_tensor tensor_of(const struct problem *problem, int32_t which) {
    const struct sy_shape *shape = &problem->shapes[which];
    struct sy_tensor tensor = {.size = sizeof tensor, .dtype = SY_F32, .data = problem->logits[which]};
    tensor.rank = shape->rank ? 1 + shape->rank : 2;
    tensor.shape[0] = problem->batch;
    for (int32_t d = 1; d < tensor.rank; d++) {
        tensor.shape[d] = shape->rank ? shape->dim[d - 1] : problem->classes;
    }
    return tensor;
}

double evaluate(const struct loaded *loss, const struct problem *problem, float *const *gradient, int attached) {
    const struct sy_loss_ops *ops = loss->ops;
    struct signals signals = {.problem = problem};
    struct sy_tensor tensors[1 + MAX_SOURCES];
    const struct sy_tensor *sources[MAX_SOURCES];
    float *own = calloc(problem_count(problem, 0), sizeof *own);
    for (int32_t n = 0; n <= problem->n_sources; n++) {
        tensors[n] = tensor_of(problem, n);
        if (n) {
            sources[n - 1] = &tensors[n];
        }
        for (size_t i = 0; gradient && (n == 0 || attached) && i < problem_count(problem, n); i++) {
            gradient[n][i] = 1e30f;
        }
    }
    struct sy_loss_in in = {.size = sizeof in,
                            .batch = problem->batch,
                            .classes = problem->classes,
                            .n_sources = problem->n_sources,
                            .epoch = problem->epoch,
                            .epochs = 1,
                            .samples = problem->samples,
                            .labels = problem->labels,
                            .target = &tensors[0],
                            .sources = sources,
                            .signals = &signals,
                            .probabilities = loss_p,
                            .log_probabilities = loss_log_p};
    struct sy_loss_out out = {.size = sizeof out,
                              .value = NAN,
                              .gradient = gradient ? gradient[0] : own,
                              .source_gradients = gradient && attached ? gradient + 1 : NULL};
    struct sy_error err = {.size = sizeof err};
    cr_assert(own);
    cr_assert_eq(ops->eval(loss->self, &out, &in, &err), SY_OK, "%s", err.text);
    free_signals(&signals);
    free(own);
    return out.value;
}

/* ---- policies --------------------------------------------------------------------------------------------------- */

static const double *policy_p(const void *signals, int32_t gate, int32_t side, double temperature) {
    cr_assert_eq(gate, 0);
    return of(signals)->p[find_signal(of(signals), side == SY_TEACHER ? 1 : 0, temperature)];
}

static int32_t policy_node(const void *signals, int32_t gate, int32_t side) {
    (void)signals, (void)gate;
    return side;
}

struct sy_policy_out decide(const struct loaded *policy, const struct problem *problem, int64_t step, int64_t epoch) {
    const struct sy_policy_ops *ops = policy->ops;
    struct signals signals = {.problem = problem};
    struct sy_policy_in in = {.size = sizeof in,
                              .batch = problem->batch,
                              .classes = problem->classes,
                              .n_gates = 1,
                              .step = step,
                              .epoch = epoch,
                              .steps_per_epoch = 10,
                              .epochs = 10,
                              .labels = problem->labels,
                              .teacher = policy_p(&signals, 0, SY_TEACHER, 1),
                              .student = policy_p(&signals, 0, SY_STUDENT, 1),
                              .signals = &signals,
                              .probabilities = policy_p,
                              .node = policy_node,
                              .teacher_multiply_adds = TEACHER_MULTIPLY_ADDS,
                              .student_multiply_adds = STUDENT_MULTIPLY_ADDS};
    struct sy_policy_out out = {.size = sizeof out, .mode = SY_LEARNING, .teacher_weight = 1, .student_weight = 1};
    struct sy_error err = {.size = sizeof err};
    cr_assert_eq(ops->decide(policy->self, &out, &in, &err), SY_OK, "%s", err.text);
    free_signals(&signals);
    return out;
}
