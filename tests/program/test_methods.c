/* test_methods.c - methods as compositions in a config: what a whole run must keep. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(methods, .init = program_setup, .fini = program_teardown);

/* Three perceptrons of the same seed and shape; `wiring` names topology and policy. */
static void write_trio(const char *name, const char *wiring) {
    char text[4096];
    snprintf(text, sizeof text,
             "backend = \"reference\";\nthreads = 1;\n"
             "data: { plugin = \"shapes\"; batch = 16; limit = 80; test_limit = 32; train = 96; test = 48; };\n"
             "train: { epochs = 2; optimizer: { lr = 0.02; }; };\n"
             "nodes: { a: { plugin = \"mlp\"; hidden = [6]; seed = 5; };\n"
             "  b: { plugin = \"mlp\"; hidden = [6]; seed = 5; };\n  c: { plugin = \"mlp\"; hidden = [6]; seed = 5; }; "
             "};\n%s",
             wiring);
    write_text(name, text);
}

static void run_into(const char *config, const char *folder, const char *more) {
    char text[512];
    snprintf(text, sizeof text, "run %s --quiet --out %s %s", config, folder, more);
    cr_assert_eq(run_program(text), 0, "%s", config);
}

static int same_weights(const char *one, const char *one_node, const char *other, const char *other_node) {
    char a[256], b[256];
    snprintf(a, sizeof a, "%s/checkpoints/10/%s.safetensors", one, one_node);
    snprintf(b, sizeof b, "%s/checkpoints/10/%s.safetensors", other, other_node);
    cr_assert(exists(a) && exists(b));
    return same_bytes(a, b);
}

/* Identical nodes in a symmetric topology stay identical; one after the other, they do not. */
Test(methods, equal_nodes_stay_equal) {
    const char *const wirings[] = {
        "topology: { plugin = \"mesh\"; };\n", "topology: { plugin = \"ring\"; };\n",
        "topology: { plugin = \"ensemble\"; loss: { plugin = \"kdcl\"; }; };\n",
        "topology: { plugin = \"mesh\"; loss: { plugin = \"js\"; temperature = 2.0; }; };\n"};
    for (int i = 0; i < 4; i++) {
        char folder[8];
        snprintf(folder, sizeof folder, "r%d", i);
        write_trio("trio.cfg", wirings[i]);
        run_into("trio.cfg", folder, "");
        cr_expect(same_weights(folder, "a", folder, "b") && same_weights(folder, "a", folder, "c"), "%s", wirings[i]);
    }
    run_into("trio.cfg", "alternating", "--set topology.update=alternating");
    cr_expect_not(same_weights("alternating", "a", "alternating", "b"));
}

/* Without weight a method is vanilla training, to the last bit; with it, it is not. */
Test(methods, a_weight_of_nothing_is_vanilla) {
    const char *const wirings[] = {
        "topology: { plugin = \"mesh\"; weight = %s; };\n",
        "topology: { plugin = \"ring\"; weight = %s; };\n",
        "topology: { plugin = \"ensemble\"; weight = %s; loss: { plugin = \"peers\"; }; };\n",
        "topology: { plugin = \"chain\"; to_parent = 0.0; to_child = %s; };\n",
        "topology: { plugin = \"star\"; to_parent = 0.0; to_child = %s; };\n",
        "topology: { plugin = \"tree\"; to_parent = 0.0; to_child = %s; };\n"};
    write_trio("vanilla.cfg", "topology: { plugin = \"independent\"; };\n");
    run_into("vanilla.cfg", "v", "--set nodes.b.seed=6 --set nodes.c.seed=7");
    for (int i = 0; i < 12; i++) {
        char text[512], folder[8];
        snprintf(folder, sizeof folder, "r%d", i);
        snprintf(text, sizeof text, wirings[i / 2], i % 2 ? "1.0" : "0.0");
        write_trio("trio.cfg", text);
        run_into("trio.cfg", folder, "--set nodes.b.seed=6 --set nodes.c.seed=7");
        cr_expect_eq(same_weights("v", "c", folder, "c"), i % 2 == 0, "%s", text);
    }
}

static const char *const offline =
    "policy.plugin=learning --set topology.to_teacher=0.0 --set train.keep=0 --set topology.loss.temperature=4.0";

/* The teacher's weights are those it began with, the student's are not those of vanilla training. */
Test(methods, a_frozen_teacher_teaches_and_does_not_learn) {
    char text[512];
    write_small("small.cfg", "");
    run_into("small.cfg", "v", "--set topology.plugin=independent");
    for (int train = 0; train < 2; train++) {
        snprintf(text, sizeof text, "--set nodes.teacher.frozen=%s --set topology.pause=zero_grad_step --set %s",
                 train ? "train" : "eval", offline);
        run_into("small.cfg", train ? "t" : "e", text);
        snprintf(text, sizeof text, "%s/checkpoints/5/teacher.safetensors", train ? "t" : "e");
        cr_expect(
            same_bytes(text, train ? "t/checkpoints/10/teacher.safetensors" : "e/checkpoints/10/teacher.safetensors"));
        cr_expect_not(same_weights("v", "teacher", train ? "t" : "e", "teacher"));
        cr_expect_not(same_weights("v", "student", train ? "t" : "e", "student"));
    }
    cr_expect(same_weights("e", "student", "t", "student"), "a perceptron has no batch norm: both modes are one");
}

Test(methods, an_edge_into_a_frozen_node_is_refused) {
    write_small("small.cfg", "");
    cr_expect_eq(run_program("check small.cfg --set nodes.teacher.frozen=eval"), 2);
    cr_expect(said("topology: edge student->teacher: node \"teacher\" is frozen and learns nothing; give the "
                   "edge weight 0"));
}

/* Attention transfer and hints between taps, each edge with a loss of its own name. */
Test(methods, taps_teach_through_losses_of_their_own) {
    const char *const start =
        "backend = \"reference\";\ndata: { plugin = \"shapes\"; batch = 4; limit = 8; test_limit = 4; train = 8; test "
        "= 4; };\n"
        "nodes: { t: { plugin = \"resnet_cifar\"; depth = 8; role = \"teacher\"; frozen = \"eval\"; };\n"
        "  s: { plugin = \"resnet_cifar\"; depth = 8; role = \"student\"; }; };\n";
    char text[2048];
    snprintf(text, sizeof text, "%stopology: { plugin = \"distill\"; %s };\n", start,
             "weight = 0.0; hint_weight = 1000.0; taps = [\"stage1\", \"stage3\"];\n  hint: { plugin = \"at\"; };");
    write_text("at.cfg", text);
    cr_assert_eq(run_program("check at.cfg"), 0);
    cr_expect(said("1000 * AT(t, s) + 1000 * AT(t, s)"));
    run_into("at.cfg", "r", "--steps 2");
    cr_expect_eq(run_program("check at.cfg --set topology.hint.plugin=kl"), 2);
    cr_expect(said("edge t->s stage1: loss \"kl\" works on logits only"));
    cr_expect_eq(run_program("check at.cfg --set 'topology.taps=[\"stage7\"]'"), 2);
    cr_expect(said("node \"s\" has no output \"stage7\"; it has "));
    cr_expect_eq(run_program("check at.cfg --set topology.hints.plugin=at"), 2);
    cr_expect(said("topology.hints: unknown key: no edge of topology \"distill\" has a loss of this name"));
}

/* pair, written out, is pair. */
Test(methods, a_custom_topology_is_what_it_says) {
    const struct {
        const char *change, *told;
    } wrong[] = {
        {"topology.edges=[\"teacher => student\"]",
         "\"teacher => student\" is no edge; write \"SOURCE [+ SOURCE ...] -> TARGET"},
        {"topology.edges=[\"teacher -> pupil\"]", "no node is called \"pupil\""},
        {"topology.edges=[\"teacher -> teacher\"]", "a node does not learn from itself"},
        {"topology.edges=[\"teacher -> student wait=1\"]", "unknown key \"wait\"; there are weight, loss"},
        {"topology.edges=[\"teacher -> student weight=-1\"]", "weight -1 is not in (0, 1e6]"},
        {"topology.edges=[\"teacher -> student gate=a-b\"]", "gate \"a-b\" is not in gates"},
        {"topology.edges=[\"teacher -> student\",\"teacher -> student\"]", "is there twice"},
        {"topology.edges=[\"teacher ->\"]", "is no edge"},
        {"topology.gates=[\"teacher\"]", "is no pair of nodes; write \"TEACHER-STUDENT\""},
    };
    const char *const custom = "--set topology.plugin=custom --set 'topology.gates=[\"teacher-student\"]'";
    char text[1024];
    write_small("small.cfg", "");
    run_into("small.cfg", "pair", "--set topology.to_student=0.5 --set policy.plugin=random");
    snprintf(text, sizeof text,
             "%s --set 'topology.edges=[\"student -> teacher gate=teacher-student\", \"teacher -> student "
             "gate=teacher-student weight=0.5\"]' --set policy.plugin=random",
             custom);
    run_into("small.cfg", "custom", text);
    cr_expect(same_weights("pair", "teacher", "custom", "teacher") &&
              same_weights("pair", "student", "custom", "student"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "check small.cfg %s --set '%s'", custom, wrong[i].change);
        cr_expect_eq(run_program(text), 2);
        cr_expect(said(wrong[i].told), "%s", wrong[i].change);
    }
}

/* loss - label_loss of the student in one step, which is what its edge adds. */
static double added(const char *folder, int step) {
    char path[64];
    snprintf(path, sizeof path, "%s/steps.jsonl", folder);
    FILE *file = fopen(path, "r");
    json_t *line = NULL;
    cr_assert(file);
    for (int i = 0; i <= step; i++) {
        json_decref(line);
        cr_assert(line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL));
    }
    const json_t *node = json_object_get(json_object_get(line, "nodes"), "student");
    double sum =
        json_number_value(json_object_get(node, "loss")) - json_number_value(json_object_get(node, "label_loss"));
    json_decref(line);
    fclose(file);
    return sum;
}

/* Five steps an epoch. With a learning rate of nearly 0 the divergence at a step is the same under every ramp. */
Test(methods, ramps_grow_over_epochs) {
    const char *const common = "--set policy.plugin=learning --set train.epochs=4 --set train.optimizer.lr=1e-12";
    const double right[2][3] = {{0.5, 1, 1}, {exp(-5), exp(-1.25), 1}};
    char text[512];
    write_small("small.cfg", "");
    run_into("small.cfg", "none", common);
    for (int gaussian = 0; gaussian < 2; gaussian++) {
        snprintf(text, sizeof text, "%s --set topology.ramp=%s --set topology.ramp_epochs=2", common,
                 gaussian ? "gaussian" : "linear");
        run_into("small.cfg", gaussian ? "g" : "l", text);
        for (int epoch = 0; epoch < 3; epoch++) {
            double share = added(gaussian ? "g" : "l", 5 * epoch) / added("none", 5 * epoch);
            cr_expect_float_eq(share, right[gaussian][epoch], 1e-6, "epoch %d: %.9g", epoch, share);
        }
    }
}

/* Two edges into the student, with losses of their own; the second one's ramp leads from nothing in epoch 1 to 2 in epoch 3. */
static const char *const two_edges =
    "--set topology.plugin=custom --set policy.plugin=learning --set train.epochs=5 --set train.optimizer.lr=1e-12 "
    "--set topology.ramp=linear --set topology.ramp_epochs=4 "
    "--set 'topology.edges=[\"teacher -> student\", \"teacher -> student loss=more name=more\"]' "
    "--set topology.more.plugin=kl";

Test(methods, a_ramp_of_an_edge_is_its_own) {
    const double by_topology[] = {0.25, 0.5, 0.75, 1, 1}, by_points[] = {0, 0, 1, 2, 2};
    char text[1024];
    write_small("small.cfg", "");
    run_into("small.cfg", "one",
             "--set topology.plugin=custom --set policy.plugin=learning --set train.epochs=5 "
             "--set train.optimizer.lr=1e-12 --set 'topology.edges=[\"teacher -> student\"]'");
    snprintf(text, sizeof text,
             "%s --set topology.more.ramp=points --set topology.more.ramp_at=[1,3] --set "
             "topology.more.ramp_factors=[0.0,2.0]",
             two_edges);
    run_into("small.cfg", "both", text);
    for (int epoch = 0; epoch < 5; epoch++) {
        double share = added("both", 5 * epoch) / added("one", 5 * epoch);
        cr_expect_float_eq(share, by_topology[epoch] + by_points[epoch], 1e-6, "epoch %d: %.9g", epoch, share);
    }
    snprintf(text, sizeof text,
             "check small.cfg %s --set topology.more.ramp=gaussian --set topology.more.ramp_epochs=3", two_edges);
    cr_assert_eq(run_program(text), 0);
    cr_expect(
        said("[linear ramp of 4 epochs] KL(teacher || student) + [gaussian ramp of 3 epochs] KL(teacher || student)"));
}

/* A ramp that stays at 0 is no edge at all, to the last bit. */
Test(methods, a_ramp_of_nothing_is_vanilla) {
    write_small("small.cfg", "");
    run_into("small.cfg", "v", "--set topology.plugin=independent");
    run_into("small.cfg", "z",
             "--set policy.plugin=learning --set topology.loss.ramp=points --set topology.loss.ramp_at=[0] "
             "--set topology.loss.ramp_factors=[0.0]");
    run_into("small.cfg", "p",
             "--set policy.plugin=learning --set topology.loss.ramp=points --set topology.loss.ramp_at=[0,1] "
             "--set topology.loss.ramp_factors=[0.0,1e-3]");
    cr_expect(same_weights("v", "student", "z", "student") && same_weights("v", "teacher", "z", "teacher"));
    cr_expect_not(same_weights("v", "student", "p", "student"), "in the second epoch it is something");
}

Test(methods, ramps_that_make_no_sense_are_told_with_their_lines) {
    const struct {
        const char *keys, *told;
    } wrong[] = {
        {"ramp = \"points\";", "bad.cfg:2: topology.loss.ramp: ramp = \"points\" needs epochs in ramp_at"},
        {"ramp = \"points\"; ramp_at = [0, 5]; ramp_factors = [1.0];", "there are 2 and 1"},
        {"ramp = \"points\"; ramp_at = [5, 5]; ramp_factors = [0.0, 1.0];",
         "bad.cfg:2: topology.loss.ramp_at: 5 comes after 5; epochs must grow"},
        {"ramp_at = [5];", "bad.cfg:2: topology.loss.ramp_at: is for ramp = \"points\""},
        {"ramp = \"linaer\";", "bad.cfg:2: topology.loss.ramp: \"linaer\" is not one of"},
        {"ramp_epoch = 3;", "bad.cfg:2: topology.loss.ramp_epoch: unknown key; did you mean \"ramp_epochs\"?"},
        {"ramp_factors = [-1.0];", "bad.cfg:2: topology.loss.ramp_factors"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "backend = \"reference\"; data: { plugin = \"shapes\"; }; nodes: { t: { plugin = \"mlp\"; role = "
                 "\"teacher\"; }; "
                 "s: { plugin = \"mlp\"; role = \"student\"; }; };\ntopology: { plugin = \"pair\"; loss: { %s }; };\n",
                 wrong[i].keys);
        write_text("bad.cfg", text);
        cr_expect_eq(run_program("check bad.cfg"), 2, "%s", wrong[i].keys);
        char *err = read_text("err");
        cr_expect(said(wrong[i].told), "%s: %s", wrong[i].keys, err);
        free(err);
    }
}
