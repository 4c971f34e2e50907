/* exam_network.c - whether a network is the same every time, fits images of several sizes, and learns. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <switchyard/network.h>

#include "../graph/graph_builder.h"
#include "../train/weights.h"
#include "rig.h"

/* Of one sample, in a network that is differentiated here: the plainest backend is slow. A larger one is made smaller, if
 * its parameters allow that. */
#define GOOD_MULTIPLY_ADDS 2000000
#define MOST_MULTIPLY_ADDS 16000000

enum { BATCH = 4, CLASSES = 10, TRIED = 11, MOST_INPUTS = 6 };

struct input {
    const char *title;
    int32_t count; /* of inputs, all from the second on alike */
    struct sy_shape shape, second;
};

/* Smaller ones first: what comes after the first that fits need only fit. */
static const struct input inputs[TRIED] = {
    {"image 3 x 8 x 8", 1, {3, {3, 8, 8}}, {0, {0, 0, 0}}},
    {"image 3 x 16 x 16", 1, {3, {3, 16, 16}}, {0, {0, 0, 0}}},
    {"image 1 x 28 x 28", 1, {3, {1, 28, 28}}, {0, {0, 0, 0}}},
    {"image 3 x 32 x 32", 1, {3, {3, 32, 32}}, {0, {0, 0, 0}}},
    {"image 3 x 64 x 64", 1, {3, {3, 64, 64}}, {0, {0, 0, 0}}},
    {"vector of 10", 1, {1, {10, 1, 1}}, {0, {0, 0, 0}}},
    {"two images 4 x 8 x 8", 2, {3, {4, 8, 8}}, {3, {4, 8, 8}}},
    {"two vectors of 10", 2, {1, {10, 1, 1}}, {1, {10, 1, 1}}},
    {"image 4 x 8 x 8, vector of 10", 2, {3, {4, 8, 8}}, {1, {10, 1, 1}}},
    {"image 4 x 8 x 8, two vectors of 10", 3, {3, {4, 8, 8}}, {1, {10, 1, 1}}},
    {"six vectors of 10", 6, {1, {10, 1, 1}}, {1, {10, 1, 1}}},
};

static struct sy_built_graph *build(struct sy_exam *exam, const struct sy_instance *instance, const struct input *input,
                                    struct sy_error *err) {
    struct sy_shape shapes[MOST_INPUTS] = {input->shape};
    for (int32_t k = 1; k < input->count; k++) {
        shapes[k] = input->second;
    }
    *err = (struct sy_error){.size = sizeof *err};
    sy_call_begin(exam->found, "build");
    struct sy_built_graph *built = sy_graph_build(instance->ops, instance->self, shapes, input->count, CLASSES, err);
    sy_call_end(SY_OK);
    return built;
}

static bool alike(const struct sy_graph *a, const struct sy_graph *b) {
    bool same = a->n_ops == b->n_ops && a->n_params == b->n_params && a->n_outputs == b->n_outputs;
    for (int32_t p = 0; same && p < a->n_params; p++) {
        same = !strcmp(a->params[p]->name, b->params[p]->name) &&
               sy_param_count(a->params[p]) == sy_param_count(b->params[p]);
    }
    return same;
}

/* Every shape: it fits, or says why not, which is as good. The index of the first that fits; -1: none does. */
static int try_shapes(struct sy_exam *exam, const struct sy_instance *instance) {
    int first = -1;
    for (int i = 0; i < TRIED; i++) {
        struct sy_error err;
        struct sy_built_graph *built = build(exam, instance, &inputs[i], &err), *again;
        if (!built) {
            if (!err.text[0]) {
                sy_exam_fail(exam, inputs[i].title, "it refuses without a reason");
            } else {
                sy_exam_pass(exam, inputs[i].title, "refused: %s", err.text);
            }
            continue;
        }
        again = build(exam, instance, &inputs[i], &err);
        if (!again || !alike(&built->graph, &again->graph)) {
            sy_exam_fail(exam, inputs[i].title, "built again it is another network");
        } else {
            sy_exam_pass(exam, inputs[i].title, "%lld parameters, %.2f M multiply-adds",
                         (long long)sy_graph_parameter_count(&built->graph),
                         1e-6 * (double)sy_graph_multiply_adds(&built->graph));
        }
        first = first < 0 ? i : first;
        sy_graph_destroy(again);
        sy_graph_destroy(built);
    }
    return first;
}

/* ---- gradient ----------------------------------------------------------------------------------------------------- */

/* Moves every trainable parameter and every input by `step` along a drawn direction from where it began. */
static int walk(struct sy_rig *rig, double *const *begin, double step, struct sy_error *err) {
    int status = SY_OK;
    for (int32_t k = 0; k < rig->n_inputs; k++) {
        sy_rig_move_input(rig, k, step);
    }
    for (int32_t p = 0; p < rig->graph->n_params && status == SY_OK; p++) {
        const struct sy_param *param = rig->graph->params[p];
        size_t count = sy_param_count(param);
        double *moved = param->role == SY_TRAINABLE ? malloc(count * sizeof *moved) : NULL;
        if (!moved) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            moved[i] = begin[p][i] + step * sy_exam_draw(800 + (uint32_t)p, (uint32_t)i);
        }
        struct sy_tensor tensor = sy_param_tensor(param, SY_F64, moved);
        status = rig->ops->set(rig->plan, SY_PARAMETER_VALUE, p, &tensor, err);
        free(moved);
    }
    return status;
}

/* The gradient times the direction. */
static int along(double *out, struct sy_rig *rig, double *room, struct sy_error *err) {
    int status = SY_OK;
    *out = 0;
    for (int32_t k = 0; k < rig->n_inputs && status == SY_OK; k++) {
        double part = 0;
        status = sy_rig_along_input(&part, rig, k, err);
        *out += part;
    }
    for (int32_t p = 0; p < rig->graph->n_params && status == SY_OK; p++) {
        struct sy_tensor tensor;
        if (rig->graph->params[p]->role != SY_TRAINABLE) {
            continue;
        }
        status = sy_rig_get(&tensor, room, rig, SY_PARAMETER_GRADIENT, p, err);
        for (size_t i = 0; status == SY_OK && i < sy_tensor_count(&tensor); i++) {
            *out += sy_rig_element(&tensor, i) * sy_exam_draw(800 + (uint32_t)p, (uint32_t)i);
        }
    }
    return status;
}

/* The slope of the scalar along the direction, by what it is at `h` before and behind. */
static int slope(double *out, struct sy_rig *rig, double *const *begin, double h, struct sy_error *err) {
    double sides[2] = {0, 0};
    int status = SY_OK;
    for (int s = 0; s < 2 && status == SY_OK; s++) {
        status = walk(rig, begin, s ? h : -h, err);
        status = status == SY_OK ? sy_rig_forward(rig, SY_TRAIN, err) : status;
        status = status == SY_OK ? sy_rig_scalar(&sides[s], rig, err) : status;
    }
    *out = (sides[1] - sides[0]) / (2 * h);
    return status;
}

static bool agree(double gradient, double slope) {
    return fabs(gradient - slope) <= 1e-3 * (fabs(slope) + 1);
}

/* With smaller and smaller steps, until it agrees: batch norm over few numbers bends sharply, and a kink of a ReLU may
 * lie between the two sides. */
static int best_slope(double *out, struct sy_rig *rig, double *const *begin, double gradient, struct sy_error *err) {
    static const double moves[] = {1e-3, 1e-5, 1e-6, 1e-7};
    int status = SY_OK;
    for (int i = 0; i < 4 && status == SY_OK && (i == 0 || !agree(gradient, *out)); i++) {
        status = slope(out, rig, begin, fmin(1e-6, moves[i] / (fabs(gradient) + 1)), err);
    }
    return status;
}

static size_t largest(const struct sy_graph *graph) {
    size_t most = 1;
    for (int32_t p = 0; p < graph->n_params; p++) {
        size_t count = sy_param_count(graph->params[p]);
        most = count > most ? count : most;
    }
    return most;
}

static int compare(double *gradient, double *slope_, double *difference, struct sy_rig *rig, struct sy_error *err) {
    const struct sy_graph *graph = rig->graph;
    double **begin = calloc((size_t)graph->n_params + 1, sizeof *begin), *room = malloc(largest(graph) * sizeof *room);
    double evaluated = 0, trained = 0;
    int status = begin && room ? SY_OK : sy_fail(err, SY_ENOMEM, "memory is used up");
    for (int32_t p = 0; p < graph->n_params && status == SY_OK; p++) {
        struct sy_tensor tensor;
        begin[p] = malloc(sy_param_count(graph->params[p]) * sizeof **begin);
        status = begin[p] ? sy_rig_get(&tensor, begin[p], rig, SY_PARAMETER_VALUE, p, err) : SY_ENOMEM;
    }
    status = status == SY_OK ? sy_rig_forward(rig, SY_EVALUATE, err) : status;
    status = status == SY_OK ? sy_rig_scalar(&evaluated, rig, err) : status;
    status = status == SY_OK ? sy_rig_forward(rig, SY_TRAIN, err) : status;
    status = status == SY_OK ? sy_rig_scalar(&trained, rig, err) : status;
    status = status == SY_OK ? sy_rig_backward(rig, err) : status;
    status = status == SY_OK ? along(gradient, rig, room, err) : status;
    status = status == SY_OK ? best_slope(slope_, rig, begin, *gradient, err) : status;
    *difference = fabs(evaluated - trained);
    for (int32_t p = 0; begin && p < graph->n_params; p++) {
        free(begin[p]);
    }
    free(begin);
    free(room);
    return status;
}

static void differentiate(struct sy_exam *exam, const struct sy_built_graph *built, const char *how) {
    struct sy_error err = {.size = sizeof err};
    struct sy_rig rig;
    double gradient = 0, along_it = 0, difference = 0;
    const struct sy_found *backend = sy_rig_plainest(exam, SY_PRECISION_FP64);
    if (!backend) {
        sy_exam_skip(exam, "gradient", "no backend computes in double here");
        return;
    }
    if (sy_graph_multiply_adds(&built->graph) > MOST_MULTIPLY_ADDS) {
        sy_exam_skip(exam, "gradient", "too large to take seconds; try it with smaller settings, by --config");
        return;
    }
    int status = sy_rig_make(&rig, exam, backend, SY_PRECISION_FP64, &built->graph, BATCH, &err);
    status = status == SY_OK ? compare(&gradient, &along_it, &difference, &rig, &err) : status;
    if (status != SY_OK) {
        sy_exam_fail(exam, "gradient", "%s: %s", backend->plugin.name, err.text);
    } else {
        if (agree(gradient, along_it)) {
            sy_exam_pass(exam, "gradient", "along a direction %.6g, the slope of the outputs %.6g%s", gradient,
                         along_it, how);
        } else {
            sy_exam_fail(exam, "gradient", "along a direction %.6g, the slope of the outputs %.6g%s", gradient,
                         along_it, how);
        }
        sy_exam_pass(exam, "training and evaluation", difference > 1e-9 ? "differ" : "are the same");
    }
    sy_rig_finish(&rig);
}

/* ---- smaller ones --------------------------------------------------------------------------------------------------- */

/* An instance with some parameters changed, and the graph it builds; NULL where it refuses. */
static struct sy_built_graph *build_changed(struct sy_exam *exam, const struct sy_change *changes, size_t count,
                                            const struct input *input) {
    struct sy_subject_of_exam subject;
    struct sy_error err = {.size = sizeof err};
    struct sy_built_graph *built = NULL;
    int status = sy_exam_begin(&subject, exam, NULL, &err);
    if (status == SY_OK) {
        const struct sy_network_ops *ops = subject.instance->ops;
        for (size_t i = 0; i < count; i++) {
            sy_exam_apply(subject.instance->self, &changes[i]);
        }
        status = ops->init ? SY_CALLED(exam->found, "init", ops->init(subject.instance->self, &err)) : SY_OK;
        if (status == SY_OK) {
            built = build(exam, subject.instance, input, &err);
            if (ops->fini) {
                ops->fini(subject.instance->self);
            }
        }
    }
    sy_exam_end(&subject);
    return built;
}

/* The smallest value of a parameter that makes a smaller network, behind the changes made already; the graph it makes. */
static struct sy_built_graph *shrink(struct sy_change *change, size_t made, struct sy_exam *exam,
                                     const struct sy_field *field, const struct input *input, int64_t now) {
    double value = 0;
    struct sy_change *mine = change + made;
    if (field->flags & SY_FLAG || field->choices || !(field->min > 0) || !sy_exam_number(&value, exam, field)) {
        return NULL;
    }
    const double tries[] = {field->min, value / 8, value / 4, value / 2};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        *mine = (struct sy_change){field, field->type == SY_TYPE_DOUBLE ? tries[i] : ceil(tries[i])};
        if (mine->value < field->min || mine->value >= value) {
            continue;
        }
        struct sy_built_graph *built = build_changed(exam, change, made + 1, input);
        int64_t size = built ? sy_graph_multiply_adds(&built->graph) : now;
        /* a width of 1 leaves batch norm too little: no smaller than it must be */
        if (size < now && (size >= GOOD_MULTIPLY_ADDS / 16 || i + 1 == sizeof tries / sizeof *tries)) {
            return built;
        }
        sy_graph_destroy(built);
    }
    return NULL;
}

/* One parameter after the other until the network is small enough. `how` gets the settings, in words. */
static struct sy_built_graph *build_small(char *how, size_t room, struct sy_exam *exam, const struct input *input) {
    enum { MOST_CHANGES = 8 };
    struct sy_change changes[MOST_CHANGES];
    struct sy_field fields[MOST_CHANGES];
    size_t made = 0, used = 0;
    struct sy_built_graph *built = build_changed(exam, NULL, 0, input);
    how[0] = 0;
    for (size_t i = 0; built && made < MOST_CHANGES && sy_table_row(&exam->found->table, i, &fields[made]); i++) {
        int64_t now = sy_graph_multiply_adds(&built->graph);
        struct sy_built_graph *smaller =
            now > GOOD_MULTIPLY_ADDS ? shrink(changes, made, exam, &fields[made], input, now) : NULL;
        if (smaller) {
            sy_graph_destroy(built);
            built = smaller;
            used += (size_t)snprintf(how + used, room - used, "%s%s = %g", made ? ", " : " with ", fields[made].name,
                                     changes[made].value);
            used = used < room ? used : room - 1;
            made++;
        }
    }
    return built;
}

/* ---- the examination ------------------------------------------------------------------------------------------------ */

static void examine(struct sy_exam *exam, const struct sy_instance *instance) {
    char how[256];
    int first = try_shapes(exam, instance);
    if (first < 0) {
        sy_exam_skip(exam, "everything else", "it takes none of these; give it other settings, by --config");
        return;
    }
    struct sy_built_graph *built = build_small(how, sizeof how, exam, &inputs[first]);
    if (built) {
        differentiate(exam, built, how);
    } else {
        sy_exam_fail(exam, "gradient", "another instance does not build what the first one did");
    }
    sy_graph_destroy(built);
}

void sy_exam_network(struct sy_exam *exam) {
    struct sy_subject_of_exam subject;
    struct sy_error err = {.size = sizeof err};
    int status = sy_exam_begin(&subject, exam, NULL, &err);
    const struct sy_network_ops *ops = status == SY_OK ? subject.instance->ops : NULL;
    if (ops && ops->init) {
        status = SY_CALLED(exam->found, "init", ops->init(subject.instance->self, &err));
    }
    if (status != SY_OK) {
        sy_exam_skip(exam, "everything else", "it refuses these settings: %s", err.text);
    } else {
        examine(exam, subject.instance);
        if (ops->fini) {
            ops->fini(subject.instance->self);
        }
    }
    sy_exam_end(&subject);
}
