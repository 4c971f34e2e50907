/* test_draw.c - check --dot and --svg: what stands in the picture, one per stage, and life without Graphviz. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(draw, .init = program_setup, .fini = program_teardown);

static void expect_in(const char *file, const char *const *texts) {
    char *all = read_text(file);
    cr_assert_not_null(all, "%s was not written", file);
    for (; *texts; texts++) {
        cr_expect(strstr(all, *texts), "%s has no %s:\n%s", file, *texts, all);
    }
    free(all);
}

Test(draw, a_pair_has_its_nodes_its_gate_and_two_arrows) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("check small.cfg --dot small.dot"), 0);
    expect_in("small.dot", (const char *[]){"<b>teacher</b>  (teacher)<br/>mlp-12<br/>", " multiply-adds", "mlp-4",
                                            "switokd", "n0 -> g0 -> n1", "n0 -> n1 [", "n1 -> n0 [constraint=false",
                                            "every arrow from source to target: KL(source || target)", NULL});
}

static const char fed[] =
    "experiment = \"fed <&>\";\nbackend = \"reference\";\nthreads = 1;\n"
    "data: { plugin = \"shapes\"; batch = 8; limit = 32; test_limit = 16; train = 32; test = 16; };\n"
    "nodes: {\n"
    "  trunk: { plugin = \"resnet_cifar\"; depth = 8; to = 2; role = \"part\"; };\n"
    "  one: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = [\"trunk.stage2\"]; };\n"
    "  two: { plugin = \"resnet_cifar\"; depth = 8; from = 3; inputs = ({ from = \"trunk.stage2\"; detach = true; }); "
    "};\n"
    "  slow: { plugin = \"resnet_cifar\"; depth = 8; role = \"part\"; ema: { of = \"whole\"; }; };\n"
    "  whole: { plugin = \"resnet_cifar\"; depth = 8; role = \"part\"; };\n"
    "};\n"
    "train: { epochs = 2; };\ntopology: { plugin = \"mesh\"; };\n";

Test(draw, what_feeds_and_what_averages_is_there) {
    write_text("fed.cfg", fed);
    cr_assert_eq(run_program("check fed.cfg --dot fed.dot"), 0);
    expect_in("fed.dot", (const char *[]){"fed &lt;&amp;&gt;", "image -> n0", "stage2 (detached)", "label=<stage2>",
                                          "n4 -> n3 [", "average, decay", "thin arrows from source to target",
                                          "thick: what feeds a node", NULL});
}

/* Everything that an edge or a node can say beyond its name. */
Test(draw, what_is_out_of_the_ordinary_is_written_on_it) {
    write_text("odd.cfg", "experiment = \"odd \\\"quoted\\\"\";\nbackend = \"reference\";\nthreads = 1;\n"
                          "data: { plugin = \"shapes\"; batch = 8; limit = 32; test_limit = 16; train = "
                          "32; test = 16; "
                          "views = \"own\"; };\n"
                          "nodes: {\n"
                          "  trunk: { plugin = \"resnet_cifar\"; depth = 8; to = 2; role = \"part\"; };\n"
                          "  one: { plugin = \"resnet_cifar\"; depth = 8; from = 3; label_loss: { "
                          "label_weight = 0.5; };\n"
                          "         inputs = ({ from = \"trunk.stage2\"; gradient_scale = 0.5; }); };\n"
                          "  two: { plugin = \"resnet_cifar\"; depth = 8; frozen = \"eval\"; };\n"
                          "  three: { plugin = \"resnet_cifar\"; depth = 8; weights_of = \"four\"; };\n"
                          "  four: { plugin = \"resnet_cifar\"; depth = 8; };\n"
                          "};\n"
                          "topology: { plugin = \"custom\"; ramp = \"linear\"; ramp_epochs = 3; hint: { "
                          "plugin = \"mse\"; };\n"
                          "  edges = [\"two + three -> one weight=0.25 attached=1\",\n"
                          "           \"two -> four loss=hint output=stage3 source_output=stage3\"]; "
                          "};\n");
    cr_assert_eq(run_program("check odd.cfg --dot odd.dot"), 0);
    expect_in("odd.dot",
              (const char *[]){"odd &quot;quoted&quot;", "(gradient x 0.5)", "view 2 of the batch", "labels weigh 0.5",
                               "(peer, frozen)", "label=<same parameters>", "j0 [shape=point", "n2 -> j0 [dir=none]",
                               "n3 -> j0 [dir=none]", "j0 -> n1", "0.25 * ", "(attached)", " on stage3",
                               "weights: linear ramp of 3 epochs", NULL});
}

Test(draw, every_stage_has_a_picture_of_its_own) {
    write_small("stages.cfg", "stages: { first: { }; second: { }; };\n");
    cr_assert_eq(run_program("check stages.cfg --dot a.b/../small.dot"), 1, "there is no folder a.b");
    cr_assert_eq(run_program("check stages.cfg --dot small.dot"), 0);
    cr_expect(exists("small-first.dot") && exists("small-second.dot") && !exists("small.dot"));
}

Test(draw, mutual_arrows_that_say_the_same_are_one) {
    write_small("mesh.cfg", "");
    cr_assert_eq(run_program("check mesh.cfg --set topology.plugin=mesh --dot mesh.dot"), 0);
    expect_in("mesh.dot", (const char *[]){"n1 -> n0 [dir=both", NULL});
}

Test(draw, a_file_that_cannot_be_written_is_told) {
    write_small("small.cfg", "");
    cr_expect_eq(run_program("check small.cfg --dot no/such/folder.dot"), 1);
    cr_expect(said("no/such/folder.dot cannot be written: No such file or directory"));
}

Test(draw, without_graphviz_only_the_layout_is_missing) {
    char *path = strdup(getenv("PATH"));
    write_small("small.cfg", "");
    setenv("PATH", "/nowhere", 1);
    cr_expect_eq(run_program("check small.cfg --svg small.svg --dot small.dot"), 1);
    setenv("PATH", path, 1);
    free(path);
    cr_expect(said("there is no program dot here (Debian: graphviz); --dot FILE works without"));
    cr_expect(exists("small.dot") && !exists("small.svg"));
}

Test(draw, with_graphviz_there_is_a_picture) {
    write_small("small.cfg", "");
    if (system("dot -V >/dev/null 2>&1") == 0) {
        cr_assert_eq(run_program("check small.cfg --svg small.svg"), 0);
        expect_in("small.svg", (const char *[]){"<svg", "teacher", "switokd", "</svg>", NULL});
    }
}
