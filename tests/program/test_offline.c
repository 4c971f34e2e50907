/* test_offline.c - methods with nodes that are parts: a regressor, embeddings with memories. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(offline, .init = program_setup, .fini = program_teardown);

/* Perceptrons; the classes of 40 shapes are compared with 6 of others. */
static void write_contrast(const char *path, const char *weight) {
    char text[4096];
    snprintf(text, sizeof text,
             "backend = \"reference\";\n"
             "data: { plugin = \"shapes\"; batch = 8; train = 40; test = 16; };\n"
             "train: { epochs = 2; checkpoint_steps = 3; keep = 0; optimizer: { lr = 0.02; }; };\n"
             "nodes: {\n"
             "  t: { plugin = \"mlp\"; role = \"teacher\"; hidden = [12]; frozen = \"eval\"; };\n"
             "  s: { plugin = \"mlp\"; role = \"student\"; hidden = [4]; };\n"
             "  es: { plugin = \"embed\"; role = \"part\"; dim = 5; inputs = [\"s.pooled\"]; };\n"
             "  et: { plugin = \"embed\"; role = \"part\"; dim = 5; inputs = [\"t.pooled\"]; };\n"
             "};\n"
             "topology: { plugin = \"custom\";\n"
             "  edges = [\"et -> es weight=%s attached=1 loss=contrast output=embedding source_output=embedding\"];\n"
             "  contrast: { plugin = \"crd\"; dim = 5; negatives = 6; }; };\n",
             weight);
    write_text(path, text);
}

static void write_alone(const char *path, const char *network) {
    char text[1024];
    snprintf(text, sizeof text,
             "backend = \"reference\";\n"
             "data: { plugin = \"shapes\"; batch = 8; train = 40; test = 16; };\n"
             "train: { epochs = 2; keep = 0; optimizer: { lr = 0.02; }; };\n"
             "nodes: { s: { %s role = \"student\"; }; };\n",
             network);
    write_text(path, text);
}

/* Memories and Z are state: a run cut in the middle of an epoch ends in the same bytes. */
Test(offline, memories_resume_bit_for_bit) {
    const char *const files[] = {"steps.jsonl", "checkpoints/10/plugins.safetensors", "checkpoints/10/s.safetensors",
                                 "checkpoints/10/es.safetensors", "checkpoints/10/et.safetensors"};
    write_contrast("crd.cfg", "0.8");
    cr_assert_eq(run_program("run crd.cfg --out whole --quiet"), 0);
    cr_expect_not(same_bytes("whole/checkpoints/3/plugins.safetensors", "whole/checkpoints/6/plugins.safetensors"));
    cr_expect_not(same_bytes("whole/checkpoints/3/et.safetensors", "whole/checkpoints/6/et.safetensors"),
                  "the teacher's embedding learns, too");
    cr_assert_eq(run_program("run crd.cfg --out cut --quiet --steps 4"), 0);
    cr_assert_eq(run_program("run crd.cfg --out cut --quiet --resume"), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char a[128], b[128];
        snprintf(a, sizeof a, "whole/%s", files[i]);
        snprintf(b, sizeof b, "cut/%s", files[i]);
        cr_expect(same_bytes(a, b), "%s", files[i]);
    }
    cr_assert_eq(run_program("run crd.cfg --out one --quiet --set threads=1"), 0);
    cr_expect(same_bytes("whole/steps.jsonl", "one/steps.jsonl"), "threads change nothing");
}

/* 1e-300 is 0 to a gradient. */
Test(offline, a_contrast_without_weight_is_vanilla) {
    write_contrast("crd.cfg", "1e-300");
    write_alone("alone.cfg", "plugin = \"mlp\"; hidden = [4];");
    cr_assert_eq(run_program("run crd.cfg --out c --quiet"), 0);
    cr_assert_eq(run_program("run alone.cfg --out v --quiet"), 0);
    cr_expect(same_bytes("v/checkpoints/10/s.safetensors", "c/checkpoints/10/s.safetensors"));
    write_contrast("crd.cfg", "0.8");
    cr_assert_eq(run_program("run crd.cfg --out d --quiet"), 0);
    cr_expect_not(same_bytes("v/checkpoints/10/s.safetensors", "d/checkpoints/10/s.safetensors"));
}

Test(offline, embeddings_of_another_length_are_refused) {
    write_contrast("crd.cfg", "0.8");
    cr_expect_eq(run_program("check crd.cfg --set nodes.es.dim=4"), 2);
    cr_expect(said("edge et->es: loss \"crd\": needs two embeddings of dim = 5 numbers; the learner's is 4 x 0 x 0") ||
              said("the learner's is 4 x 1 x 1"));
    cr_expect_eq(run_program("check crd.cfg --set data.classes=2 --set data.limit=1"), 2);
    cr_expect(said("1 training samples; must be 2"));
    cr_assert_eq(run_program("check crd.cfg --set data.validation=0.25"), 0);
}

static void write_hint(const char *path, const char *weight) {
    char text[2048];
    snprintf(text, sizeof text,
             "backend = \"reference\";\n"
             "data: { plugin = \"shapes\"; batch = 8; train = 16; test = 8; limit = 16; };\n"
             "train: { optimizer: { lr = 0.02; }; };\n"
             "nodes: {\n"
             "  t: { plugin = \"wrn\"; role = \"teacher\"; depth = 10; width = 1; frozen = \"eval\"; };\n"
             "  s: { plugin = \"resnet_cifar\"; role = \"student\"; depth = 8; };\n"
             "  r: { plugin = \"regressor\"; role = \"part\"; channels = 64; rows = 8; inputs = [\"s.stage2\"]; };\n"
             "};\n"
             "topology: { plugin = \"custom\"; hint: { plugin = \"mse\"; };\n"
             "  edges = [\"t -> r weight=%s loss=hint output=features source_output=stage3\"]; };\n",
             weight);
    write_text(path, text);
}

Test(offline, a_hint_reaches_the_student_through_its_regressor) {
    write_hint("fit.cfg", "1e-300");
    write_alone("alone.cfg", "plugin = \"resnet_cifar\"; depth = 8;");
    cr_assert_eq(
        run_program("run alone.cfg --out v --quiet --set train.epochs=1 --set data.train=16 --set data.test=8"), 0);
    cr_assert_eq(run_program("run fit.cfg --out z --quiet"), 0);
    cr_expect(same_bytes("v/checkpoints/2/s.safetensors", "z/checkpoints/2/s.safetensors"), "no weight, no hint");
    write_hint("fit.cfg", "100");
    cr_assert_eq(run_program("run fit.cfg --out h --quiet"), 0);
    cr_expect_not(same_bytes("v/checkpoints/2/s.safetensors", "h/checkpoints/2/s.safetensors"));
    cr_expect_eq(run_program("check fit.cfg --set nodes.r.rows=7"), 2);
    cr_expect(said("needs outputs of the same shape; the learner's is 64 x 7 x 7, a source's 64 x 8 x 8"));
    cr_expect_eq(run_program("check fit.cfg --set nodes.r.rows=24"), 2);
    cr_expect(said("makes no 24 rows of 16: half, twice, or fewer"));
}

/* ---- what does not go together ---------------------------------------------------------------------------------- */

Test(offline, a_student_without_a_teacher_is_explained) {
    write_small("bad.cfg", "");
    const char *const topologies[] = {"pair", "distill", "multi_student", "multi_teacher"};
    for (size_t i = 0; i < sizeof topologies / sizeof *topologies; i++) {
        char text[256];
        snprintf(text, sizeof text, "check bad.cfg --set nodes.teacher.role=student --set topology.plugin=%s",
                 topologies[i]);
        cr_expect_eq(run_program(text), 2, "%s", topologies[i]);
        snprintf(text, sizeof text, "topology \"%s\": needs", topologies[i]);
        cr_expect(said(text), "%s", topologies[i]);
        cr_expect(said("role = \"teacher\"") || said("teacher"), "%s", topologies[i]);
    }
}

Test(offline, two_edges_with_one_name_are_refused) {
    write_small("bad.cfg", "");
    cr_expect_eq(run_program("check bad.cfg --set topology.plugin=custom --set "
                             "'topology.edges=[\"teacher -> student name=a\",\"student -> teacher name=a\"]'"),
                 2);
    cr_expect(said("topology \"custom\" has two edges that are called \"a\""));
    cr_expect_eq(
        run_program("check bad.cfg --set topology.plugin=distill --set 'topology.taps=[\"pooled\",\"pooled\"]' "
                    "--set topology.hint.plugin=mse"),
        2);
    cr_expect(said("topology \"distill\" has two edges that are called \"teacher->student pooled\""));
}
