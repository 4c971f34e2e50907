/* test_links.c - nodes in pieces against the whole network; what flows back through links; nodes that follow others. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static const struct rig_images small = {8, 5};

/* Compares what is stored of a parameter in two nodes: one == scale * other, up to rounding. */
static void expect_alike(const struct rig *one, const char *one_node, const struct rig *other, const char *other_node,
                         int32_t stored, const char *parameter, double scale) {
    size_t count = 0, same = 0;
    float *left = rig_get(one, one_node, stored, parameter, &count);
    float *right = rig_get(other, other_node, stored, parameter, &same);
    double largest = 0, off = 0;
    cr_assert_eq(count, same);
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)left[i]));
        off = fmax(off, fabs((double)left[i] - scale * (double)right[i]));
    }
    cr_expect(off <= 2e-6 * largest, "%s.%s and %s.%s: %g off, largest %g", one_node, parameter, other_node, parameter,
              off, largest);
    free(left);
    free(right);
}

/* Texts of experiments whose networks are resnet-8 in one piece or in two. */
#define HEAD  "backend = \"reference\"; threads = 1; data: { batch = 4; }; train: { optimizer: { lr = 0.1; }; };\n"
#define TRUNK "  trunk: { plugin = \"resnet_cifar\"; depth = 8; to = 2; role = \"part\"; seed = 1; };\n"

static const char whole[] = HEAD "nodes: { net: { plugin = \"resnet_cifar\"; depth = 8; seed = 1; }; };\n";
static const char pieces[] = HEAD
    "nodes: {\n"
    "  net: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage2\"]; seed = 1; };\n" TRUNK "};\n";

static void same_start(struct rig *rig, const char *trunk, const char *branch) {
    rig_pattern(rig, trunk, 1);
    rig_pattern(rig, branch, 2);
}

Test(links, a_network_in_pieces_learns_as_the_whole) {
    struct rig one = rig_make(whole, NULL, NULL, small), two = rig_make(pieces, NULL, NULL, small);
    /* The whole one's start, piece by piece. */
    static const char *const of_trunk[] = {"conv1.weight", "layer1.0.bn1.bias", "layer2.0.conv2.weight"};
    static const char *const of_branch[] = {"layer3.0.conv1.weight", "layer3.0.bn2.weight", "linear.bias"};
    struct sy_error err = {.size = sizeof err};
    for (int32_t p = 0; p < one.experiment->nodes[0].graph->graph.n_params; p++) {
        const char *name = one.experiment->nodes[0].graph->graph.params[p]->name;
        const char *piece = !strncmp(name, "layer3", 6) || !strncmp(name, "linear", 6) ? "net" : "trunk";
        const struct sy_member *member = &two.cohort->members[rig_node(&two, piece)];
        const struct sy_graph *graph = &member->node->graph->graph;
        size_t count;
        float *values = rig_get(&one, "net", SY_PARAMETER_VALUE, name, &count);
        for (int32_t i = 0; i < graph->n_params; i++) {
            struct sy_tensor tensor = {.size = sizeof tensor, .dtype = SY_F32, .rank = 1, .data = values};
            tensor.shape[0] = (int64_t)count;
            if (!strcmp(graph->params[i]->name, name)) {
                cr_assert_eq(two.experiment->backend_ops->set(member->plan, SY_PARAMETER_VALUE, i, &tensor, &err),
                             SY_OK);
            }
        }
        free(values);
    }
    for (int step = 0; step < 3; step++) {
        rig_step(&one, 0);
        rig_step(&two, 0);
        cr_expect_float_eq(one.cohort->members[0].loss, two.cohort->members[rig_node(&two, "net")].loss, 1e-5);
        for (int k = 0; k < 3 && step == 0; k++) {
            expect_alike(&one, "net", &two, "trunk", SY_PARAMETER_GRADIENT, of_trunk[k], 1);
            expect_alike(&one, "net", &two, "net", SY_PARAMETER_GRADIENT, of_branch[k], 1);
        }
    }
    rig_finish(&one);
    rig_finish(&two);
}

Test(links, what_flows_back_is_scaled_or_cut) {
    static const char *const links[] = {"(\"trunk.stage2\")", "({ from = \"trunk.stage2\"; gradient_scale = 0.5; })",
                                        "({ from = \"trunk.stage2\"; detach = true; })"};
    static const double scales[] = {1, 0.5, 0};
    struct rig rigs[3];
    for (int k = 0; k < 3; k++) {
        char text[1024];
        snprintf(text, sizeof text,
                 HEAD "nodes: { net: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = %s; };\n" TRUNK "};\n",
                 links[k]);
        rigs[k] = rig_make(text, NULL, NULL, small);
        same_start(&rigs[k], "trunk", "net");
        rig_step(&rigs[k], 0);
        expect_alike(&rigs[k], "trunk", &rigs[0], "trunk", SY_PARAMETER_GRADIENT, "conv1.weight", scales[k]);
        expect_alike(&rigs[k], "net", &rigs[0], "net", SY_PARAMETER_GRADIENT, "linear.weight", 1);
    }
    for (int k = 0; k < 3; k++) {
        rig_finish(&rigs[k]);
    }
}

/* d (sum of the trunk's tasks' losses) / d (a weight of the trunk), by differences. */
Test(links, gradients_of_several_branches_add_up_to_the_difference) {
    static const char text[] =
        HEAD "nodes: {\n" TRUNK "  one: { plugin = \"mlp\"; hidden = [6]; inputs = (\"trunk.stage1\"); };\n"
             "  two: { plugin = \"mlp\"; hidden = [6]; inputs = ({ from = \"one.hidden1\"; }); };\n"
             "  three: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage2\"]; };\n"
             "}; topology: { plugin = \"independent\"; };\n";
    const double h = 1e-3;
    static const char parameter[] = "layer1.0.conv2.weight";
    double sums[3];
    float *gradient = NULL;
    size_t count = 0;
    for (int side = -1; side <= 1; side++) {
        struct rig rig = rig_make(text, NULL, "train.optimizer.lr=0.0", small);
        same_start(&rig, "trunk", "three");
        struct sy_member *trunk = &rig.cohort->members[rig_node(&rig, "trunk")];
        float *values = rig_get(&rig, "trunk", SY_PARAMETER_VALUE, parameter, &count);
        values[7] += (float)(side * h);
        struct sy_error err = {.size = sizeof err};
        struct sy_tensor tensor = {
            .size = sizeof tensor, .dtype = SY_F32, .rank = 1, .shape = {(int64_t)count}, .data = values};
        for (int32_t i = 0; i < trunk->node->graph->graph.n_params; i++) {
            if (!strcmp(trunk->node->graph->graph.params[i]->name, parameter)) {
                cr_assert_eq(rig.experiment->backend_ops->set(trunk->plan, SY_PARAMETER_VALUE, i, &tensor, &err),
                             SY_OK);
            }
        }
        rig_step(&rig, 0);
        sums[side + 1] = 0;
        for (int32_t i = 0; i < rig.experiment->n_nodes; i++) {
            sums[side + 1] += rig.cohort->members[i].loss;
        }
        if (side == 0) {
            gradient = rig_get(&rig, "trunk", SY_PARAMETER_GRADIENT, parameter, &count);
        }
        free(values);
        rig_finish(&rig);
    }
    double difference = (sums[2] - sums[0]) / (2 * h);
    cr_expect(fabs(difference - (double)gradient[7]) <= 2e-3 * fabs(difference) + 1e-5, "difference %g, gradient %g",
              difference, (double)gradient[7]);
    cr_expect(fabs(difference) > 1e-3, "the weight matters");
    free(gradient);
}

Test(links, an_average_follows_by_its_decay) {
    static const char text[] =
        HEAD "nodes: { net: { plugin = \"resnet_cifar\"; depth = 8; };\n"
             "         mean: { ema: { of = \"net\"; decay = 0.6; warmup = true; }; role = \"part\"; }; };\n";
    struct rig rig = rig_make(text, NULL, NULL, small);
    size_t count;
    float *mean = rig_get(&rig, "mean", SY_PARAMETER_VALUE, "conv1.weight", &count);
    for (int step = 1; step <= 3; step++) {
        rig_step(&rig, 0);
        double decay = fmin(1 - 1.0 / (step + 1), 0.6);
        float *now = rig_get(&rig, "mean", SY_PARAMETER_VALUE, "conv1.weight", &count);
        float *net = rig_get(&rig, "net", SY_PARAMETER_VALUE, "conv1.weight", &count);
        for (size_t i = 0; i < count; i++) {
            double expected = decay * (double)mean[i] + (1 - decay) * (double)net[i];
            cr_assert_float_eq((double)now[i], expected, 1e-6, "step %d, %zu", step, i);
        }
        free(net);
        free(mean);
        mean = now;
    }
    free(mean);
    rig_finish(&rig);
}

Test(links, statistics_of_an_average_are_as_the_policy_says) {
    static const char *const policies[] = {"own", "average", "copy"};
    for (int k = 0; k < 3; k++) {
        char text[1024];
        snprintf(text, sizeof text,
                 HEAD "nodes: { net: { plugin = \"resnet_cifar\"; depth = 8; };\n"
                      "  mean: { ema: { of = \"net\"; decay = 0.75; buffers = \"%s\"; }; role = \"part\"; }; };\n",
                 policies[k]);
        struct rig rig = rig_make(text, NULL, NULL, small);
        size_t count;
        rig_step(&rig, 0);
        float *mean = rig_get(&rig, "mean", SY_PARAMETER_VALUE, "bn1.running_mean", &count);
        float *net = rig_get(&rig, "net", SY_PARAMETER_VALUE, "bn1.running_mean", &count);
        /* both began with 0 and saw the same through the same weights */
        double share = k == 1 ? 0.25 : 1;
        for (size_t i = 0; i < count; i++) {
            cr_assert_float_eq((double)mean[i], share * (double)net[i], 1e-7, "%s", policies[k]);
        }
        free(mean);
        free(net);
        rig_finish(&rig);
    }
}

/* The same network twice on the same images is one with twice the gradient; its statistics have moved twice. */
Test(links, shared_weights_are_one_set) {
    static const char one[] = HEAD
        "nodes: { net: { plugin = \"resnet_cifar\"; depth = 8; seed = 1; label_loss: { label_weight = 2.0; }; }; };\n";
    static const char two[] = HEAD "nodes: { net: { plugin = \"resnet_cifar\"; depth = 8; seed = 1; };\n"
                                   "  again: { weights_of = \"net\"; }; };\ntopology: { plugin = \"independent\"; };\n";
    struct rig single = rig_make(one, NULL, NULL, small), shared = rig_make(two, NULL, NULL, small);
    for (int step = 0; step < 2; step++) {
        rig_step(&single, 0);
        rig_step(&shared, 0);
        expect_alike(&shared, "net", &single, "net", SY_PARAMETER_VALUE, "layer2.0.conv1.weight", 1);
        expect_alike(&shared, "again", &shared, "net", SY_PARAMETER_VALUE, "layer2.0.conv1.weight", 1);
        expect_alike(&shared, "again", &shared, "net", SY_PARAMETER_VALUE, "bn1.running_var", 1);
        if (step == 0) { /* 0.1 x after one move, 0.19 x after two */
            expect_alike(&shared, "net", &single, "net", SY_PARAMETER_VALUE, "bn1.running_mean", 1.9);
        }
    }
    rig_finish(&single);
    rig_finish(&shared);
}

/* What a paused teacher would say of the trunk does not reach it. */
Test(links, a_paused_branch_passes_nothing_back) {
    static const char both[] = HEAD
        "nodes: {\n" TRUNK
        "  t: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage2\"]; role = \"teacher\"; };\n"
        "  s: { plugin = \"mlp\"; hidden = [6]; inputs = [\"trunk.stage2\"]; role = \"student\"; };\n"
        "};\ntopology: { plugin = \"pair\"; to_student = 0.0; };\n";
    static const char alone[] =
        HEAD "nodes: {\n" TRUNK
             "  s: { plugin = \"mlp\"; hidden = [6]; inputs = [\"trunk.stage2\"]; role = \"student\"; };\n};\n";
    struct rig two = rig_make(both, NULL, NULL, small), one = rig_make(alone, NULL, NULL, small);
    two.cohort->forced_mode = 1 + SY_EXPERT;
    rig_step(&two, 0);
    rig_step(&one, 0);
    cr_expect_not(two.cohort->members[rig_node(&two, "t")].on);
    expect_alike(&two, "trunk", &one, "trunk", SY_PARAMETER_GRADIENT, "conv1.weight", 1);
    two.cohort->forced_mode = 1 + SY_LEARNING;
    rig_step(&two, 0);
    cr_expect(two.cohort->members[rig_node(&two, "t")].on);
    rig_finish(&two);
    rig_finish(&one);
}
