/* test_methods.c - the configurations in experiments/methods against PyTorch: gradients of a first step, losses of ten. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden_gradients.h"
#include "golden_losses.h"
#include "rig.h"

static const struct rig_images small = {8, 5};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { EPOCH = 40 };

/* A stage of a method's configuration (NULL: the last, or all there is) with small networks and a small rate; every node
 * begins with a pattern, that of the n-th in the configuration with seed n from 1, those that follow others with the
 * other's. */
static struct rig make_stage_on(const char *method, const char *stage, const char *more, struct rig_images images) {
    char file[256], assignments[4096];
    snprintf(file, sizeof file, "experiments/methods/%s.cfg", method);
    int used = snprintf(assignments, sizeof assignments,
                        "backend=reference\nthreads=1\ndata.batch=4\ntrain.optimizer.lr=0.01\n%s", more);
    struct rig probe = rig_make_stage(file, stage, assignments, images);
    for (int32_t i = 0; i < probe.experiment->n_nodes; i++) {
        if (sy_setting_find(probe.experiment->nodes[i].setting, "depth")) {
            used += snprintf(assignments + used, sizeof assignments - (size_t)used, "nodes.%s.depth=8\n",
                             probe.experiment->nodes[i].name);
        }
    }
    rig_finish(&probe);
    struct rig rig = rig_make_stage(file, stage, assignments, images);
    for (int32_t i = 0; i < rig.experiment->n_nodes; i++) {
        int32_t leader = i;
        while (rig.experiment->nodes[leader].follow.kind) {
            leader = rig.experiment->nodes[leader].follow.node;
        }
        const struct sy_setting *plugin = sy_setting_find(rig.experiment->nodes[leader].setting, "plugin");
        if (!plugin || strcmp(plugin->string, "shifted") != 0) { /* which has constants */
            rig_pattern(&rig, rig.experiment->nodes[i].name, leader + 1);
        }
    }
    return rig;
}

static struct rig make_method_on(const char *method, const char *more, struct rig_images images) {
    return make_stage_on(method, NULL, more, images);
}

static struct rig make_method(const char *method, const char *more) {
    return make_method_on(method, more, small);
}

static void expect_near(double is, double golden, double tolerance, const char *method, const char *node,
                        const char *what) {
    const double nothing = 1e-12; /* what is left of a gradient that is 0, such as that of a bias before batch norm */
    cr_expect(fabs(is - golden) <= tolerance * fabs(golden) + nothing, "%s, %s, %s: %.9g, PyTorch says %.9g", method,
              node, what, is, golden);
}

/* A sum is compared on the scale of what was summed. */
static void expect_gradient(const struct rig *rig, const struct golden_gradient *golden) {
    size_t count;
    float *gradient = rig_get(rig, golden->node, SY_PARAMETER_GRADIENT, golden->parameter, &count);
    double sum = 0, square = 0, scale = 0;
    for (size_t i = 0; i < count; i++) {
        double weight = (double)((7 * i) % 11) - 5, g = (double)gradient[i];
        sum += weight * g;
        square += g * g;
        scale += weight * weight * g * g;
    }
    expect_near(sqrt(square), golden->norm, 1e-5, golden->method, golden->node, golden->parameter);
    cr_expect(fabs(sum - golden->sum) <= 1e-5 * sqrt(scale) + 1e-12, "%s, %s.%s: %.9g, PyTorch says %.9g",
              golden->method, golden->node, golden->parameter, sum, golden->sum);
    free(gradient);
}

static void follow_on(struct rig *rig, const char *method, int64_t epoch) {
    int compared = 0;
    for (int step = 0; step < GOLDEN_STEPS; step++) {
        char what[32];
        snprintf(what, sizeof what, "loss of step %d", step + 1);
        rig_step(rig, epoch);
        for (size_t i = 0; i < COUNT(golden_losses); i++) {
            if (!strcmp(golden_losses[i].method, method)) {
                double loss = rig->cohort->members[rig_node(rig, golden_losses[i].node)].loss;
                expect_near(loss, golden_losses[i].losses[step], 1e-5, method, golden_losses[i].node, what);
                compared++;
            }
        }
        for (size_t i = 0; i < COUNT(golden_gradients) && step == 0; i++) {
            if (!strcmp(golden_gradients[i].method, method)) {
                expect_gradient(rig, &golden_gradients[i]);
                compared++;
            }
        }
    }
    cr_expect(compared > GOLDEN_STEPS, "there are numbers for %s", method);
}

/* Takes over the rig. */
static void follow_in(struct rig rig, const char *method, int64_t epoch) {
    follow_on(&rig, method, epoch);
    rig_finish(&rig);
}

static void follow(struct rig rig, const char *method) {
    follow_in(rig, method, EPOCH);
}

static void follow_trace(const char *method) {
    follow(make_method(method, ""), method);
}

Test(methods, dml) {
    follow_trace("dml");
    follow_trace("dml_official");
    follow_trace("dml_e");
}
Test(methods, kdcl) {
    follow_trace("kdcl");
    follow_trace("kdcl_reimplemented");
}
Test(methods, one_okddip) {
    follow_trace("one_okddip");
}
/* In the second epoch, from 1. */
Test(methods, pcl_reimplemented) {
    struct rig rig = make_method("pcl_reimplemented", "");
    for (int epoch = 1; epoch < 100; epoch++) {
        double right = epoch < 80 ? exp(-5 * (1 - epoch) * (1 - epoch)) : 1;
        cr_expect_float_eq(sy_ramp_factor(&rig.experiment->edges[0].ramp, epoch - 1), right, 1e-8, "epoch %d", epoch);
    }
    follow_in(rig, "pcl_reimplemented", 1);
}
Test(methods, one) {
    follow_trace("one");
}
Test(methods, cl_ilr) {
    follow_trace("cl_ilr");
}
Test(methods, cl_ilr_official) {
    follow_trace("cl_ilr_official");
}
Test(methods, okddip) {
    follow_trace("okddip");
}
Test(methods, okddip_paper) {
    follow_trace("okddip_paper");
}
Test(methods, okddip_network) {
    follow_trace("okddip_network");
}
Test(methods, pcl) {
    follow_trace("pcl");
}
Test(methods, ffl) {
    follow_trace("ffl");
}
Test(methods, byot) {
    follow_trace("byot");
}
Test(methods, mean_teacher) {
    follow_trace("mean_teacher");
}

/* Offline methods, whose files have wider networks than these. */
#define SMALL_PAIR(teacher)                                                                                 \
    "nodes." teacher ".plugin=resnet_cifar\nnodes." teacher ".depth=8\nnodes.student.plugin=resnet_cifar\n" \
    "nodes.student.depth=8\nnodes.student.width=1\nnodes." teacher ".width=1\n"

Test(methods, kd) {
    follow(make_method("kd", SMALL_PAIR("teacher")), "kd");
}
Test(methods, at_and_dkd) {
    follow(make_method("at", SMALL_PAIR("teacher")), "at");
    follow(make_method("at_paper", SMALL_PAIR("teacher")), "at_paper");
    follow(make_method("dkd", SMALL_PAIR("teacher")), "dkd");
}
Test(methods, takd_official) {
    follow(make_method("takd_official", SMALL_PAIR("assistant")), "takd_official");
}
Test(methods, takd) {
    follow(make_method("takd", SMALL_PAIR("assistant")), "takd");
}
Test(methods, fitnet) {
    follow(make_method("fitnet", SMALL_PAIR("teacher") "stages.student.nodes.regressor.channels=32\n"
                                                       "stages.student.nodes.regressor.rows=0\n"),
           "fitnet");
}

/* Half as large and twice as large as the student's map; RepDistiller's convolutions for it. */
#define REGRESSOR(channels, rows, own, taught)                                                         \
    SMALL_PAIR("teacher")                                                                              \
    "stages.student.nodes.regressor.channels=" channels "\nstages.student.nodes.regressor.rows=" rows  \
    "\nstages.student.nodes.regressor.inputs=[\"student." own                                          \
    "\"]\nstages.student.topology.edges=[\"teacher -> regressor weight=100 loss=hint output=features " \
    "source_output=" taught "\"]\n"

Test(methods, fitnet_with_regressors_of_other_sizes) {
    follow(make_method("fitnet", REGRESSOR("64", "2", "stage2", "stage3")), "fitnet_half");
    follow(make_method("fitnet", REGRESSOR("32", "4", "stage3", "stage2")), "fitnet_twice");
}

/* Both stages: ten steps by the hint alone, and from the lower half as it is then, ten by KD. */
#define HALVES                                                                          \
    SMALL_PAIR("teacher")                                                               \
    "stages.hint.nodes.lower.plugin=resnet_cifar\nstages.hint.nodes.lower.depth=8\n"    \
    "stages.hint.nodes.lower.width=1\nstages.student.nodes.lower.plugin=resnet_cifar\n" \
    "stages.student.nodes.lower.depth=8\nstages.student.nodes.lower.width=1\n"          \
    "stages.hint.nodes.regressor.channels=32\nstages.hint.nodes.regressor.rows=0\n"     \
    "stages.hint.train.optimizer.lr=0.02\n"

Test(methods, fitnet_paper) {
    struct rig hint = make_stage_on("fitnet_paper", "hint", HALVES, small);
    struct rig student = make_stage_on("fitnet_paper", "student", HALVES, small);
    follow_on(&hint, "fitnet_paper_hint", 0); /* this stage's rate falls in epoch 40 */
    cr_expect_eq(rig_start(&student, &hint), 1, "of the hint's stage, the lower half and nothing else");
    follow(student, "fitnet_paper");
    rig_finish(&hint);
}

/* Images of 16 x 16: a third of the places of the last maps is not none. The code counts epochs from 1. */
#define FFSD_ROWS "nodes.up1.rows=8\nnodes.up2.rows=16\nnodes.back1.rows=8\nnodes.back2.rows=16\n"

Test(methods, ffsd) {
    struct rig rig = make_method_on("ffsd", FFSD_ROWS, (struct rig_images){16, 5});
    int32_t warming = 0;
    for (int32_t e = 0; e < rig.experiment->n_edges; e++) {
        const struct sy_ramp *ramp = &rig.experiment->edges[e].ramp;
        warming += ramp->ramp != SY_RAMP_NONE;
        for (int epoch = 1; epoch < 10 && ramp->ramp != SY_RAMP_NONE; epoch++) {
            double missing = epoch < 5 ? 1 - epoch / 5.0 : 0;
            cr_expect_float_eq(sy_ramp_factor(ramp, epoch - 1), exp(-5 * missing * missing), 1e-12, "epoch %d", epoch);
        }
    }
    cr_expect_eq(warming, 15, "all but KL and the mean: %d", warming);
    follow(rig, "ffsd");
}

/* What has a weight of 1e-5 there is not seen by the loss of a step: here it weighs a quarter. */
static struct rig make_ffsd_diverse(const char *more) {
    char assignments[256];
    snprintf(assignments, sizeof assignments, FFSD_ROWS "%s", more);
    struct rig rig = make_method_on("ffsd", assignments, (struct rig_images){16, 5});
    int32_t light = 0;
    for (int32_t e = 0; e < rig.experiment->n_edges; e++) {
        struct sy_flow *edge = &rig.experiment->edges[e];
        light += edge->weight == 1e-5;
        edge->weight = edge->weight == 1e-5 ? 0.25 : edge->weight;
    }
    cr_expect_eq(light, 3, "the diversity, and two stages: %d", light);
    return rig;
}

static const float *output_of(const struct rig *rig, const char *node, const char *output, struct sy_shape *shape) {
    const struct sy_member *member = &rig->cohort->members[rig_node(rig, node)];
    const struct sy_graph *graph = &member->node->graph->graph;
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        if (!strcmp(graph->outputs[i]->name, output)) {
            *shape = graph->values[graph->outputs[i]->value];
            return member->outputs[i].data;
        }
    }
    cr_assert(false, "%s has no %s", node, output);
    return NULL;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What the plugin `shifted` makes of a map without ranks, by ranks. */
static void expect_shifted(const char *backend) {
    struct rig rig = make_ffsd_diverse(backend);
    struct sy_shape shape, same;
    rig_step(&rig, EPOCH);
    const float *y = output_of(&rig, "one", "stage3", &shape), *is = output_of(&rig, "unseen", "features", &same);
    int32_t channels = shape.dim[0], places = shape.dim[1] * shape.dim[2];
    cr_assert(places == 16 && sy_shape_count(&same) == sy_shape_count(&shape));
    for (int32_t b = 0; b < 4; b++, y += channels * places, is += channels * places) {
        double a[16], sorted[16], norm = 0;
        for (int32_t p = 0; p < places; p++) {
            a[p] = 0;
            for (int32_t c = 0; c < channels; c++) {
                a[p] += (double)y[c * places + p] * (double)y[c * places + p] / channels;
            }
            sorted[p] = a[p];
            norm += a[p] * a[p];
        }
        qsort(sorted, 16, sizeof *sorted, compare);
        for (int32_t i = 0; i < channels * places; i++) {
            double here = a[i % places], w = here < sorted[4] ? 0 : here > sorted[4] ? 1 : 0.5;
            double right = (double)y[i] + w * (norm - 2 * here) / channels;
            cr_assert(fabs((double)is[i] - right) <= 1e-5 * fabs(right) + 1e-6, "%s, sample %d, %d: %g, not %g",
                      backend, b, i, (double)is[i], right);
        }
    }
    rig_finish(&rig);
}

Test(methods, ffsd_shows_the_first_students_map_shifted) {
    expect_shifted("");
    expect_shifted("backend=openblas\n");
    expect_shifted("backend=auto\n");
}

Test(methods, ffsd_diverse) {
    follow(make_ffsd_diverse(""), "ffsd_diverse");
}

/* The memories begin with a pattern, and nothing is left to chance: all samples of other classes are drawn. */
static void follow_contrast(const char *method) {
    struct rig rig = make_method(method, SMALL_PAIR("teacher") "data.limit=60\n"
                                                               "stages.student.nodes.student_embedding.dim=4\n"
                                                               "stages.student.nodes.teacher_embedding.dim=4\n"
                                                               "stages.student.topology.contrast.dim=4\n"
                                                               "stages.student.topology.contrast.negatives=48\n");
    for (int32_t e = 0; e < rig.experiment->n_edges; e++) {
        const struct sy_services *services = &rig.experiment->edges[e].loss.services;
        for (size_t b = 0; b < services->n_buffers; b++) {
            for (size_t i = 0; i < services->buffers[b].count; i++) {
                services->buffers[b].at[i] = (float)((double)((7 * i + b + 1) % 17) - 8) / 16;
            }
        }
    }
    follow(rig, method);
}

Test(methods, crd) {
    follow_contrast("crd");
}
Test(methods, crd_kd) {
    follow_contrast("crd_kd");
}

/* The backend that people get by default rounds otherwise, and goes the same way. Takes over the rig. */
static void stay_near(struct rig rig, const char *method) {
    for (int step = 0; step < GOLDEN_STEPS / 2; step++) {
        rig_step(&rig, EPOCH);
        for (size_t i = 0; i < COUNT(golden_losses); i++) {
            if (!strcmp(golden_losses[i].method, method)) {
                double loss = rig.cohort->members[rig_node(&rig, golden_losses[i].node)].loss;
                expect_near(loss, golden_losses[i].losses[step], 1e-3, method, golden_losses[i].node, "auto");
            }
        }
    }
    rig_finish(&rig);
}

Test(methods, the_default_backend_stays_near) {
    static const char *const some[] = {"one", "okddip", "pcl", "ffl"};
    for (size_t m = 0; m < COUNT(some); m++) {
        stay_near(make_method(some[m], "backend=auto\n"), some[m]);
    }
    stay_near(make_ffsd_diverse("backend=auto\n"), "ffsd_diverse");
    stay_near(make_ffsd_diverse("backend=openblas\n"), "ffsd_diverse");
}

/* Of two targets only one is learnt from: what feeds the other alone gets nothing back. */
Test(methods, what_nobody_reads_carries_nothing_back) {
    struct rig rig = make_method("okddip", "topology.edges=[\"attention -> one source_output=target1 attached=1\", "
                                           "\"one -> leader loss=mean\"]\nbackend=auto\n");
    const struct sy_node *attention = &rig.experiment->nodes[rig_node(&rig, "attention")];
    cr_expect_eq(attention->input_gradients, 0x1f9, "query1, all keys and all logits: %x", attention->input_gradients);
    rig_step(&rig, EPOCH);
    rig_finish(&rig);
}

/* ---- what must be the same bits --------------------------------------------------------------------------------- */

static void expect_same_bits(const struct rig *one, const char *one_node, const struct rig *other,
                             const char *other_node, const char *parameter) {
    size_t count, same;
    float *left = rig_get(one, one_node, SY_PARAMETER_VALUE, parameter, &count);
    float *right = rig_get(other, other_node, SY_PARAMETER_VALUE, parameter, &same);
    cr_assert_eq(count, same);
    cr_expect(!memcmp(left, right, count * sizeof *left), "%s of %s and %s differ", parameter, one_node, other_node);
    free(left);
    free(right);
}

/* Without its edges a method leaves a network alone: the bits are those of the network by itself. */
static void expect_vanilla(const char *method, const char *node, const char *shortcut, const char *more) {
    static const char alone[] = "backend = \"reference\"; threads = 1; data: { batch = 4; };\n"
                                "train: { optimizer: { lr = 0.01; weight_decay = 5e-4; nesterov = true; }; };\n"
                                "nodes: { %s: { plugin = \"resnet_cifar\"; shortcut = \"%s\"; depth = 8; }; };\n";
    char text[1024], assignments[1024];
    snprintf(text, sizeof text, alone, node, shortcut);
    snprintf(assignments, sizeof assignments, "topology.plugin=independent\n%s", more);
    struct rig vanilla = rig_make(text, NULL, NULL, small), rig = make_method(method, assignments);
    rig_pattern(&vanilla, node, rig_node(&rig, node) + 1);
    for (int step = 0; step < 3; step++) {
        rig_step(&vanilla, EPOCH);
        rig_step(&rig, EPOCH);
    }
    expect_same_bits(&rig, node, &vanilla, node, "conv1.weight");
    expect_same_bits(&rig, node, &vanilla, node, "layer2.0.conv1.weight");
    expect_same_bits(&rig, node, &vanilla, node, "layer3.0.bn2.running_var");
    expect_same_bits(&rig, node, &vanilla, node, "linear.bias");
    rig_finish(&vanilla);
    rig_finish(&rig);
}

Test(methods, without_distillation_the_bits_are_those_of_the_network_alone) {
    expect_vanilla("okddip_network", "leader", "projection", "");
    expect_vanilla("mean_teacher", "student", "padding", "");
    expect_vanilla("byot", "net", "padding",
                   "nodes.exit1.label_loss.label_weight=0.0\nnodes.exit2.label_loss.label_weight=0.0\n");
}

/* Holds every edge at 0 in all epochs. */
static void hold_at_nothing(struct rig *rig) {
    static const int64_t at[] = {0};
    static const double factors[] = {0};
    cr_assert(rig->experiment->n_edges > 0);
    for (int32_t e = 0; e < rig->experiment->n_edges; e++) {
        rig->experiment->edges[e].ramp = (struct sy_ramp){SY_RAMP_POINTS, 1, {at, 1}, {factors, 1}};
    }
}

/* Every parameter and statistic of every node, bit for bit. */
static void expect_same_nodes(const char *method, const struct rig *one, const struct rig *other) {
    for (int32_t n = 0; n < one->experiment->n_nodes; n++) {
        const struct sy_node *node = &one->experiment->nodes[n];
        const struct sy_graph *graph = &node->graph->graph;
        for (int32_t p = 0; p < graph->n_params && node->has_logits; p++) {
            size_t count, same;
            const char *parameter = graph->params[p]->name;
            float *left = rig_get(one, node->name, SY_PARAMETER_VALUE, parameter, &count);
            float *right = rig_get(other, node->name, SY_PARAMETER_VALUE, parameter, &same);
            cr_assert_eq(count, same);
            cr_expect(!memcmp(left, right, count * sizeof *left), "%s: %s.%s", method, node->name, parameter);
            free(left);
            free(right);
        }
    }
}

#define OFFLINE  SMALL_PAIR("teacher")
#define EMBEDDED OFFLINE "data.limit=60\nstages.student.topology.contrast.negatives=8\n"

struct held {
    const char *method, *more;
};

/* Ablation identity: with all its edges held at 0, a method's networks are those of training without edges. */
static void expect_identity(const struct held *all, size_t count) {
    for (size_t m = 0; m < count; m++) {
        char none[1024];
        const struct rig_images images = {strcmp(all[m].method, "ffsd") ? 8 : 16, 5};
        snprintf(none, sizeof none, "topology.plugin=independent\n%s", all[m].more);
        struct rig with = make_method_on(all[m].method, all[m].more, images);
        struct rig without = make_method_on(all[m].method, none, images);
        hold_at_nothing(&with);
        for (int step = 0; step < 2; step++) {
            rig_step(&with, EPOCH);
            rig_step(&without, EPOCH);
        }
        expect_same_nodes(all[m].method, &with, &without);
        rig_finish(&with);
        rig_finish(&without);
    }
}

Test(methods, with_edges_held_at_nothing_there_might_be_none) {
    static const struct held all[] = {{"cl_ilr", ""}, {"cl_ilr_official", ""}, {"byot", ""}, {"dml", ""},
                                      {"dml_e", ""},  {"dml_official", ""},    {"kdcl", ""}, {"kdcl_reimplemented", ""},
                                      {"ffl", ""},    {"mean_teacher", ""}};
    expect_identity(all, COUNT(all));
}

Test(methods, with_edges_held_at_nothing_there_might_be_none_in_larger_ones) {
    static const struct held all[] = {
        {"ffsd", FFSD_ROWS}, {"okddip", ""},     {"okddip_paper", ""}, {"okddip_network", ""},
        {"one", ""},         {"one_okddip", ""}, {"pcl", ""},          {"pcl_reimplemented", ""}};
    expect_identity(all, COUNT(all));
}

Test(methods, with_edges_held_at_nothing_there_might_be_none_offline) {
    static const struct held all[] = {
        {"at", OFFLINE},
        {"at_paper", OFFLINE},
        {"crd", EMBEDDED},
        {"crd_kd", EMBEDDED},
        {"dkd", OFFLINE},
        {"fitnet", OFFLINE "stages.student.nodes.regressor.channels=32\nstages.student.nodes.regressor.rows=0\n"},
        {"fitnet_paper", HALVES},
        {"kd", OFFLINE},
        {"rco", OFFLINE},
        {"rco_greedy", OFFLINE},
        {"takd", SMALL_PAIR("assistant")},
        {"takd_official", SMALL_PAIR("assistant")}};
    expect_identity(all, COUNT(all));
}

Test(methods, nodes_that_are_alike_stay_alike) {
    static const char mesh[] = "backend = \"reference\"; threads = 1; data: { batch = 4; };\n"
                               "nodes: { a: { plugin = \"resnet_cifar\"; depth = 8; seed = 3; };\n"
                               "         b: { plugin = \"resnet_cifar\"; depth = 8; seed = 3; };\n"
                               "         c: { plugin = \"resnet_cifar\"; depth = 8; seed = 3; }; };\n"
                               "topology: { plugin = \"mesh\"; loss: { plugin = \"kl\"; temperature = 2.0; }; };\n";
    struct rig rig = rig_make(mesh, NULL, NULL, small);
    for (int step = 0; step < 3; step++) {
        rig_step(&rig, 0);
    }
    expect_same_bits(&rig, "a", &rig, "b", "layer1.0.conv1.weight");
    expect_same_bits(&rig, "a", &rig, "c", "linear.weight");
    rig_finish(&rig);
}

/* Heads that begin alike on one trunk: what one says, all say. */
Test(methods, heads_that_are_alike_stay_alike) {
    struct rig rig = make_method("cl_ilr", "");
    rig_pattern(&rig, "one", 5);
    rig_pattern(&rig, "two", 5);
    rig_pattern(&rig, "three", 5);
    for (int step = 0; step < 3; step++) {
        rig_step(&rig, EPOCH);
    }
    expect_same_bits(&rig, "one", &rig, "two", "layer3.0.conv1.weight");
    expect_same_bits(&rig, "one", &rig, "three", "linear.weight");
    rig_finish(&rig);
}
