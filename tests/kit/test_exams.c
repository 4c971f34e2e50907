/* test_exams.c - topologies and data sets that break one promise each: what `switchyard probe` finds, and what `check` and
 * `run`, which must not fall for them, say. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../program/program.h"

TestSuite(exams, .init = program_setup, .fini = program_teardown);

struct broken {
    const char *mistake, *finding, *refusal; /* of probe; of run, NULL: it is none to it */
};

static void expect_finding(const char *plugin, const char *group, const struct broken *one, const char *verdict) {
    char text[256], arguments[1024];
    snprintf(text, sizeof text, "%s: { plugin = \"%s\"; mistake = \"%s\"; };\n", group, plugin, one->mistake);
    write_text("probe.cfg", text);
    snprintf(arguments, sizeof arguments, "probe '%s/%s.so' --config probe.cfg", getenv("SWITCHYARD_BAD_PLUGINS"),
             plugin);
    cr_expect_eq(run_program(arguments), !strcmp(verdict, "FAIL"), "%s", one->mistake);
    char *out = read_text("out");
    cr_expect(said(one->finding) && said(verdict), "%s: \"%s\" is not in\n%s", one->mistake, one->finding, out);
    free(out);
}

/* Without a step, and with the words. */
static void expect_refusal(const char *plugin, const char *group, const struct broken *one) {
    char more[1024], arguments[512];
    snprintf(more, sizeof more, "plugins = [\"%s/%s.so\"];\n", getenv("SWITCHYARD_BAD_PLUGINS"), plugin);
    write_small("bad.cfg", more);
    snprintf(arguments, sizeof arguments, "run bad.cfg --quiet --out r --set %s.plugin=%s --set '%s.mistake=\"%s\"'",
             group, plugin, group, one->mistake);
    cr_assert_eq(system("rm -rf r"), 0);
    cr_expect_gt(run_program(arguments), 0, "%s", one->mistake);
    char *err = read_text("err");
    cr_expect(said(one->refusal), "%s: \"%s\" is not in\n%s", one->mistake, one->refusal, err);
    cr_expect(!exists("r/result.json"), "%s", one->mistake);
    free(err);
}

Test(exams, of_topologies) {
    static const struct broken all[] = {
        {"gate of nobody", "there is no such node (99)", "puts a gate between nodes that do not exist"},
        {"gate of itself", "a node watches itself (0)", "puts a gate between nodes that do not exist"},
        {"edge to nobody", "there is no such target (99)", "puts an edge where there is no node"},
        {"edge from nowhere", "it has no sources (0)", "puts an edge where there is no node"},
        {"edge from nobody", "there is no such source (99)", "puts an edge where there is no node"},
        {"no such gate", "there is no such gate (1)", "hangs an edge on a gate that does not exist"},
        {"no such effect", "there is no such effect of a gate (7)", "or in a way that there is not"},
        {"weight nan", "its weight is no factor", "gives an edge the weight nan; it is a factor, 0 or more"},
        {"weight below 0", "its weight is no factor", "gives an edge the weight -1; it is a factor, 0 or more"},
        {"empty name", "it has an empty name", NULL},
        {"another each time", "described again it is another", NULL},
        {"refuses silently", "it refuses without a reason", "odd_topology"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        expect_finding("odd_topology", "topology", &all[i], "FAIL");
        if (all[i].refusal) {
            expect_refusal("odd_topology", "topology", &all[i]);
        }
    }
    const struct broken refuses = {"refuses", "it took no cohort that was tried", "needs two nodes"};
    expect_finding("odd_topology", "topology", &refuses, "skip");
    expect_refusal("odd_topology", "topology", &refuses);
    const struct broken twice = {"edge twice", "2 edges", "has two edges that are called \"teacher->student\""};
    expect_finding("odd_topology", "topology", &twice, "ok");
    expect_refusal("odd_topology", "topology", &twice);
}

Test(exams, of_data_sets) {
    static const struct broken all[] = {
        {"tells nothing", "at least 2 classes, 1 training sample", "odd_dataset"},
        {"one class", "at least 2 classes, 1 training sample", NULL},
        {"no samples", "at least 2 classes, 1 training sample",
         "says it has 2 classes and 0 training samples; at least 2 and 1 are needed"},
        {"odd type", "samples of SY_U8 or SY_F32 are needed", "samples of type 77"},
        {"no deviation", "channel 0 has mean 0.5 and standard deviation 0", "channel 0 is to be normalised"},
        {"nameless", "class 1 has no name", NULL},
        {"does not read", "a bad sector", "a bad sector"},
        {"does not read silently", "read failed without a reason", "failed without a reason"},
        {"label outside", "has label 2, outside 0 .. 1", "has label 2, outside 0 .. 1"},
        {"writes behind", "read writes behind the samples it was asked for", NULL},
        {"another each time", "samples differ when read a second time", NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        expect_finding("odd_dataset", "data", &all[i], "FAIL");
        if (all[i].refusal) {
            expect_refusal("odd_dataset", "data", &all[i]);
        }
    }
    const struct broken closed = {"does not open", "it cannot be opened so (--config, --set): it is not there",
                                  "it is not there"};
    expect_finding("odd_dataset", "data", &closed, "skip");
    expect_refusal("odd_dataset", "data", &closed);
}
