/* test_links.c - nodes that are fed by other nodes: what is refused, what flows back, what a resumed run repeats. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(links, .init = program_setup, .fini = program_teardown);

/* A trunk, two branches on it and what `more` adds to the nodes; line 6 is the trunk's. `rest` comes after them. */
static void write_branches(const char *name, const char *more, const char *rest) {
    char text[4096];
    snprintf(text, sizeof text,
             "experiment = \"branches\";\nbackend = \"reference\";\nthreads = 1;\n"
             "data: { plugin = \"shapes\"; batch = 8; limit = 32; test_limit = 16; train = 32; test = 16; };\n"
             "nodes: {\n"
             "  trunk: { plugin = \"resnet_cifar\"; depth = 8; to = 2; role = \"part\"; };\n"
             "  one: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage2\"]; };\n"
             "  two: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = (\"trunk.stage2\"); };\n%s\n"
             "};\n"
             "train: { epochs = 2; checkpoint_steps = 3; optimizer: { lr = 0.02; }; };\n"
             "topology: { plugin = \"mesh\"; };\n%s",
             more, rest);
    write_text(name, text);
}

static void expect_problem(const char *nodes, const char *problem) {
    write_branches("bad.cfg", nodes, "");
    cr_expect_eq(run_program("check bad.cfg"), 2, "%s", nodes);
    cr_expect(said(problem), "%s: must say: %s", nodes, problem);
}

Test(links, bad_compositions_are_explained_with_their_line) {
    expect_problem(
        "x: { plugin = \"mlp\"; inputs = [\"trunk.stage4\"]; };",
        "bad.cfg:9: nodes.x.inputs.[0]: node \"trunk\" has no output \"stage4\"; did you mean \"stage1\"?; it "
        "has stem, stage1, stage2");
    expect_problem("x: { plugin = \"mlp\"; inputs = [\"trunc.stage2\"]; };",
                   "bad.cfg:9: nodes.x.inputs.[0]: no node is called \"trunc\"; did you mean \"trunk\"?");
    expect_problem("x: { plugin = \"mlp\"; inputs = [\"trunk\"]; };",
                   "bad.cfg:9: nodes.x.inputs.[0]: \"trunk\" is no input; write \"image\", or \"NODE.OUTPUT\" as in "
                   "\"trunk.logits\"");
    expect_problem("x: { plugin = \"mlp\"; inputs = [\"x.pooled\"]; };",
                   "bad.cfg:9: nodes.x.inputs.[0]: node \"x\" feeds");
    expect_problem(
        "x: { plugin = \"mlp\"; inputs = [\"z.pooled\"]; };\n"
        "y: { plugin = \"mlp\"; inputs = [\"x.pooled\"]; };\n"
        "z: { plugin = \"mlp\"; inputs = ({ from = \"y.pooled\"; detach = true; }); };",
        "bad.cfg:9: nodes.x.inputs.[0]: nodes feed each other in a circle: x is fed by z, which is fed by y, "
        "which is fed by x; one of them must be fed by others");
    expect_problem("x: { plugin = \"mlp\"; view = \"own\"; inputs = [\"trunk.stage2\"]; };",
                   "bad.cfg:9: nodes.x.view: node \"x\" is fed by other nodes only and sees what they see");
    expect_problem("x: { plugin = \"mlp\"; inputs = [\"trunk.stage2\", \"image\"]; };",
                   "bad.cfg:9: nodes.x.inputs.[1]: network \"mlp\" does not read its input 1; it has 2");
    expect_problem("x: { plugin = \"mlp\"; inputs = []; };",
                   "bad.cfg:9: nodes.x.inputs: has 0 inputs, must have 1 to 32");
    expect_problem("x: { plugin = \"mlp\"; inputs = ({ from = \"trunk.stage2\"; detatch = true; }); };",
                   "bad.cfg:9: nodes.x.inputs.[0].detatch: unknown key; did you mean \"detach\"?");
    expect_problem("x: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage1\"]; };",
                   "stage 3 is fed with 32 channels by stage 2, not with 16");
    expect_problem("x: { plugin = \"resnet_cifar\"; depth = 8; to = 1; role = \"part\"; };",
                   "bad.cfg:9: nodes.x: network \"resnet_cifar\" has no output \"logits\", and nobody reads another");
    expect_problem("x: { plugin = \"resnet_cifar\"; depth = 8; to = 1; };", "node \"x\" has no output \"logits\"");
    expect_problem(
        "x: { plugin = \"resnet_cifar\"; depth = 8; to = 1; label_loss: { label_weight = 1.0; }; };",
        "bad.cfg:9: nodes.x: has a label_loss, but network \"resnet_cifar\" has no output \"logits\" that labels");
}

Test(links, what_cannot_be_wired_is_explained) {
    write_branches("bad.cfg", "", "");
    cr_expect_eq(run_program("check bad.cfg --set topology.update=alternating"), 2);
    cr_expect(said("\"alternating\" is for nodes that look at images only; node \"one\" is fed by node \"trunk\""));
    cr_expect_eq(run_program("check bad.cfg --set topology.plugin=custom --set topology.gates=[\\\"trunk-one\\\"]"), 2);
    cr_expect(said("puts a gate at a node without logits"));
    cr_expect_eq(run_program("check bad.cfg --set topology.plugin=custom --set "
                             "'topology.edges=[\"one -> two source_output=pooled\"]'"),
                 2);
    cr_expect(said("edge one->two: loss \"kl\" works on logits only"));
    cr_expect_eq(run_program("check bad.cfg --set topology.plugin=custom --set "
                             "'topology.edges=[\"one -> two\", \"one -> two weight=0.5\"]'"),
                 2);
    cr_expect(said("has two edges that are called \"one->two\""));
}

Test(links, check_says_who_feeds_whom) {
    write_branches("good.cfg",
                   "far: { plugin = \"mlp\"; hidden = [4]; role = \"part\"; inputs = (\"image\", \"one.pooled\"); };",
                   "");
    cr_expect_eq(run_program("check good.cfg"), 2, "mlp reads one input only");
    write_branches(
        "good.cfg",
        "far: { plugin = \"mlp\"; hidden = [4]; inputs = ({ from = \"one.pooled\"; gradient_scale = 0.5; }); };\n"
        "cut: { plugin = \"mlp\"; hidden = [4]; inputs: { from = \"one.pooled\"; detach = true; }; };",
        "");
    cr_expect_eq(run_program("check good.cfg"), 0);
    cr_expect(said("fed by trunk.stage2\n"));
    cr_expect(said("fed by one.pooled (gradient x 0.5)"));
    cr_expect(said("fed by one.pooled (detached)"));
    cr_expect(said("L_trunk = what flows back from those it feeds"));
}

/* The same with perceptrons, which the slow backend trains in a blink: both branches are there before their trunk. */
static void write_perceptrons(const char *name, const char *rest) {
    char text[4096];
    snprintf(
        text, sizeof text,
        "experiment = \"perceptrons\";\nbackend = \"reference\";\nthreads = 1;\n"
        "data: { plugin = \"shapes\"; batch = 8; limit = 40; test_limit = 16; train = 40; test = 16; };\n"
        "train: { epochs = 2; checkpoint_steps = 3; optimizer: { lr = 0.02; }; };\n"
        "nodes: {\n"
        "  one: { plugin = \"mlp\"; hidden = [6]; inputs = [\"trunk.hidden1\"]; };\n"
        "  two: { plugin = \"mlp\"; hidden = [6]; inputs = ({ from = \"trunk.hidden1\"; gradient_scale = 0.5; }); };\n"
        "  trunk: { plugin = \"mlp\"; hidden = [8]; role = \"part\"; label_loss: { label_weight = 0.0; }; };\n"
        "};\n"
        "topology: { plugin = \"mesh\"; };\n%s",
        rest);
    write_text(name, text);
}

Test(links, a_resumed_run_has_the_bits_of_a_whole_one) {
    write_perceptrons("run.cfg", "");
    cr_assert_eq(run_program("run run.cfg --out whole"), 0);
    cr_assert_eq(run_program("run run.cfg --out parts --steps 7"), 0);
    cr_assert_eq(run_program("run run.cfg --out parts --resume"), 0);
    cr_expect(same_bytes("whole/steps.jsonl", "parts/steps.jsonl"));
    cr_expect(same_bytes("whole/checkpoints/10/trunk.safetensors", "parts/checkpoints/10/trunk.safetensors"));
    cr_expect(same_bytes("whole/checkpoints/10/two.safetensors", "parts/checkpoints/10/two.safetensors"));
    cr_expect_eq(run_program("check whole/run.cfg"), 0, "what was resolved can be run again");
}

static void expect_follow_problem(const char *nodes, const char *problem) {
    char text[2048];
    snprintf(text, sizeof text,
             "backend = \"reference\"; threads = 1;\ndata: { plugin = \"shapes\"; train = 16; test = 16; };\n"
             "topology: { plugin = \"independent\"; };\nnodes: {\n  a: { plugin = \"mlp\"; hidden = [4]; };\n%s\n};\n",
             nodes);
    write_text("bad.cfg", text);
    cr_expect_eq(run_program("check bad.cfg"), 2, "%s", nodes);
    cr_expect(said(problem), "%s: must say: %s", nodes, problem);
}

Test(links, followers_that_do_not_fit_are_explained_with_their_line) {
    expect_follow_problem("b: { ema: { of = \"aa\"; }; };",
                          "bad.cfg:6: nodes.b.ema.of: no node is called \"aa\"; did you mean \"a\"?");
    expect_follow_problem("b: { ema: { of = \"b\"; }; plugin = \"mlp\"; };",
                          "bad.cfg:6: nodes.b.ema.of: node \"b\" follows itself");
    expect_follow_problem("b: { ema: { of = \"a\"; dekay = 0.9; }; };", "bad.cfg:6: nodes.b.ema.dekay: unknown key");
    expect_follow_problem("b: { ema: { decay = 0.9; }; plugin = \"mlp\"; };",
                          "bad.cfg:6: nodes.b.ema: \"of\" is missing");
    expect_follow_problem(
        "b: { ema: { of = \"a\"; }; hidden = [5]; };",
        "bad.cfg:6: nodes.b.ema.of: the networks of \"b\" and \"a\" differ: parameter fc1.weight is not in");
    expect_follow_problem("b: { ema: { of = \"a\"; }; };\nc: { ema: { of = \"b\"; }; };",
                          "bad.cfg:7: nodes.c.ema.of: node \"b\" is an average itself");
    expect_follow_problem("b: { weights_of = \"a\"; };\nc: { weights_of = \"b\"; };",
                          "bad.cfg:7: nodes.c.weights_of: node \"b\" has the weights of \"a\"; name that one");
    expect_follow_problem("b: { weights_of = \"a\"; optimizer: { lr = 1.0; }; };",
                          "nodes.b.optimizer: node \"b\" has the parameters of another; optimizer belongs to that one");
    expect_follow_problem("b: { ema: { of = \"a\"; }; schedule: { kind = \"cosine\"; }; };",
                          "nodes.b.schedule: node \"b\" is an average of another; schedule belongs to that one");
    expect_follow_problem("b: { weights_of = \"a\"; ema: { of = \"a\"; }; };",
                          "bad.cfg:6: nodes.b.ema: node \"b\" has weights_of, too");
    expect_follow_problem("b: { ema: { of = \"a\"; }; frozen = \"eval\"; };",
                          "bad.cfg:6: nodes.b.ema: node \"b\" is in evaluation mode");
    expect_follow_problem("b: { plugin = \"mlp\"; view_of = \"c\"; };",
                          "bad.cfg:6: nodes.b.view_of: no node is called \"c\"");
    expect_follow_problem("b: { plugin = \"mlp\"; view_of = \"a\"; view = \"own\"; };",
                          "bad.cfg:6: nodes.b.view: node \"b\" has view_of, too");
}

Test(links, a_resumed_run_with_averages_and_shared_weights_has_the_bits_of_a_whole_one) {
    write_text("run.cfg",
               "backend = \"reference\"; threads = 1;\n"
               "data: { plugin = \"shapes\"; batch = 8; limit = 40; test_limit = 16; train = 40; test = 16;\n"
               "        augment: { crop_pad = 2; flip = true; }; };\n"
               "train: { epochs = 2; checkpoint_steps = 3; optimizer: { lr = 0.02; }; };\n"
               "topology: { plugin = \"mesh\"; };\n"
               "nodes: {\n"
               "  a: { plugin = \"mlp\"; hidden = [6]; view = \"own\"; };\n"
               "  again: { weights_of = \"a\"; view = \"own\"; };\n"
               "  mean: { ema: { of = \"a\"; decay = 0.9; warmup = true; }; role = \"part\"; view_of = \"again\"; };\n"
               "};\n");
    cr_assert_eq(run_program("run run.cfg --out whole"), 0);
    cr_assert_eq(run_program("run run.cfg --out parts --steps 7"), 0);
    cr_assert_eq(run_program("run run.cfg --out parts --resume"), 0);
    cr_expect(same_bytes("whole/steps.jsonl", "parts/steps.jsonl"));
    cr_expect(same_bytes("whole/checkpoints/10/mean.safetensors", "parts/checkpoints/10/mean.safetensors"));
    cr_expect(same_bytes("whole/checkpoints/10/a.safetensors", "parts/checkpoints/10/again.safetensors"));
    cr_expect_not(same_bytes("whole/checkpoints/10/a.safetensors", "whole/checkpoints/10/mean.safetensors"));
    cr_assert_eq(run_program("check whole/run.cfg"), 0, "what was resolved can be run again");
    cr_expect(said("has the parameters of a"));
    cr_expect(said("average of a, decay 0.9 (less at first); running statistics its own"));
}
