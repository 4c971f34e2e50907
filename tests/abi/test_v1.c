/* test_v1.c - a run in which every plugin was built on the headers of 1.0, or on headers of the future: they do what those
 * of today do, to the bit. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../program/program.h"

TestSuite(v1, .init = program_setup, .fini = program_teardown);

static void run_all(const char *age, const char *out) {
    char text[4096], arguments[256];
    const char *at = getenv("SWITCHYARD_ABI_PLUGINS");
    snprintf(text, sizeof text,
             "plugins = [\"%s/%s_dataset.so\", \"%s/%s_network.so\", \"%s/%s_loss.so\", \"%s/%s_topology.so\", "
             "\"%s/%s_policy.so\", \"%s/%s_backend.so\"];\n"
             "threads = 1; backend = \"reference\";\n"
             "data: { plugin = \"my_plugin\"; batch = 8; train = 32; test = 16; };\ntrain: { epochs = 1; };\n"
             "nodes: { teacher: { plugin = \"my_plugin\"; width = 3; role = \"teacher\"; };\n"
             "         student: { plugin = \"my_plugin\"; width = 2; role = \"student\"; }; };\n"
             "topology: { plugin = \"my_plugin\"; loss: { plugin = \"my_plugin\"; }; };\n"
             "policy: { plugin = \"my_plugin\"; };\n",
             at, age, at, age, at, age, at, age, at, age, at, age);
    write_text("all.cfg", text);
    snprintf(arguments, sizeof arguments, "run all.cfg --quiet --out %s", out);
    int code = run_program(arguments);
    char *err = read_text("err");
    cr_assert_eq(code, 0, "%s", err);
    free(err);
}

Test(v1, plugins_of_all_kinds_run) {
    run_all("v1", "old");
    char *steps = read_text("old/steps.jsonl"), *epochs = read_text("old/epochs.jsonl");
    cr_assert(steps && epochs);
    cr_expect(strstr(steps, "\"smoothed\""));
    free(epochs), free(steps);
    cr_expect_eq(run_program("check all.cfg"), 0);
    cr_expect(said("v1_backend.so") && said("v1_dataset.so"), "they are the ones in use");
}

Test(v1, plugins_of_the_future_run_to_the_same_bits) {
    run_all("v1", "old");
    run_all("next", "new");
    cr_expect(same_bytes("old/steps.jsonl", "new/steps.jsonl"));
    cr_expect(same_bytes("old/epochs.jsonl", "new/epochs.jsonl"));
}

/* Policy, loss, topology and network in C++17; data set and backend are the C ones. */
Test(v1, plugins_in_cxx_run) {
    if (!getenv("SWITCHYARD_ABI_CXX")) {
        cr_skip("there is no compiler for C++");
    }
    char command[2048];
    const char *at = getenv("SWITCHYARD_ABI_PLUGINS");
    snprintf(command, sizeof command,
             "mkdir all && cp '%s'/cxx_*.so all/ && cp '%s/v1_dataset.so' all/cxx_dataset.so && "
             "cp '%s/v1_backend.so' all/cxx_backend.so",
             at, at, at);
    cr_assert_eq(system(command), 0);
    char *here = realpath("all", NULL);
    setenv("SWITCHYARD_ABI_PLUGINS", here, 1);
    run_all("cxx", "r");
    char *steps = read_text("r/steps.jsonl");
    cr_assert(steps);
    cr_expect(strstr(steps, "\"smoothed\""));
    free(steps), free(here);
}

/* A function of the builder that no core has yet: the mistake says what is missing. */
Test(v1, what_the_core_lacks_is_told) {
    char text[1024];
    snprintf(text, sizeof text,
             "plugins = [\"%s/next_wish.so\"];\ndata: { plugin = \"shapes\"; train = 32; test = 16; };\n"
             "nodes: { student: { plugin = \"next_wish\"; role = \"student\"; }; };\n",
             getenv("SWITCHYARD_ABI_PLUGINS"));
    write_text("wish.cfg", text);
    cr_expect_eq(run_program("check wish.cfg"), 2);
    cr_expect(said("telepathy: this Switchyard is too old to know it"));
}
