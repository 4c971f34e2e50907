/* test_untrusted.c - what a stranger's config can reach: files below its own folder, to be read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../program/program.h"

/* Configs lie in a folder of their own, and something to be stolen beside it. */
static void set_up(void) {
    program_setup();
    cr_assert_eq(mkdir("theirs", 0777) | mkdir("mine", 0777), 0);
    write_small("theirs/small.cfg", "");
    write_text("mine/secret.cfg", "password = \"swordfish\";\n");
    write_text("mine/code.so", "no shared object\n");
}

TestSuite(untrusted, .init = set_up, .fini = program_teardown);

/* The small experiment with one more line, which must be refused under --untrusted, by all three commands that read it. */
static void expect_refused(const char *line, const char *told) {
    char text[512];
    const char *const commands[] = {"check", "run --out r"};
    write_small("theirs/bad.cfg", line);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        snprintf(text, sizeof text, "%s theirs/bad.cfg --untrusted", commands[i]);
        cr_expect_eq(run_program(text), 2, "%s", line);
        cr_expect(said(told), "%s", line);
    }
    cr_expect_not(exists("r"), "%s", line);
}

Test(untrusted, an_honest_config_runs) {
    cr_expect_eq(run_program("check theirs/small.cfg --untrusted"), 0);
    cr_expect_eq(run_program("run theirs/small.cfg --untrusted --quiet --out r"), 0);
    cr_expect(exists("r/result.json"));
}

Test(untrusted, code_is_refused) {
    expect_refused("plugins = [\"code.so\"];\n", "\"code.so\" is code, which a config may not bring under --untrusted");
    expect_refused("plugins = [\"/lib/libm.so.6\"];\n", "is code");
    cr_assert_eq(run_program("list policy"), 0);
    if (said("lua")) {
        write_text("theirs/rule.lua", "function decide(batch) return \"learning\" end\n");
        write_text("theirs/script.cfg", "backend = \"reference\"; data: { plugin = \"shapes\"; };\n"
                                        "nodes: { t: { plugin = \"mlp\"; role = \"teacher\"; };\n"
                                        "         s: { plugin = \"mlp\"; role = \"student\"; }; };\n"
                                        "topology: { plugin = \"pair\"; };\n"
                                        "policy: { plugin = \"lua\"; script = \"rule.lua\"; };\n");
        cr_expect_eq(run_program("check theirs/script.cfg"), 0);
        cr_expect_eq(run_program("check theirs/script.cfg --untrusted"), 2);
        cr_expect(said("\"rule.lua\" is code"));
    }
    cr_expect_eq(run_program("check theirs/small.cfg --untrusted --set 'plugins=[\"mine/code.so\"]'"), 2);
    cr_expect_not(said("is code"), "what the user says is the user's business");
    cr_expect(said("mine/code.so"));
}

Test(untrusted, files_outside_are_refused) {
    write_text("theirs/far.cfg", "@include \"../mine/secret.cfg\"\n");
    cr_expect_eq(run_program("check theirs/far.cfg --untrusted"), 2);
    cr_expect(said("far.cfg:1: @include \"../mine/secret.cfg\": is outside the config's folder"));
    cr_assert_eq(symlink("../mine/secret.cfg", "theirs/link.cfg"), 0);
    write_text("theirs/near.cfg", "@include \"link.cfg\"\n");
    cr_expect_eq(run_program("check theirs/near.cfg --untrusted"), 2);
    cr_expect(said("@include \"link.cfg\": is outside"), "a link leads out, too");
    write_text("theirs/init.cfg", "@include \"small.cfg\"\n");
    cr_expect_eq(run_program("check theirs/init.cfg --untrusted"), 0, "its own folder is its own");
    const char *const paths[] = {"../mine/secret.cfg", "/etc/passwd", "a/../../mine/secret.cfg", "../nowhere"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "backend = \"reference\"; data: { plugin = \"cifar10\"; path = \"%s\"; };\n"
                 "nodes: { a: { plugin = \"mlp\"; init = \"%s\"; }; };\n",
                 paths[i], paths[i]);
        write_text("theirs/paths.cfg", text);
        cr_expect_eq(run_program("check theirs/paths.cfg --untrusted"), 2);
        cr_expect(said("data.path: ") && said("is outside the config's folder"), "%s", paths[i]);
    }
}

Test(untrusted, names_of_folders_stay_inside) {
    char text[1024];
    const char *const names[] = {"../up", "a/b", "..", ".hidden", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(text, sizeof text, "run theirs/small.cfg --set 'experiment=\"%s\"'", names[i]);
        cr_expect_eq(run_program(text), 2, "%s", names[i]);
        cr_expect(said("becomes a folder"), "%s", names[i]);
    }
    write_text("theirs/suite.cfg",
               "suite = \"../up\"; base = \"small.cfg\"; seeds = [1]; variants: { a: { }; b: { }; };\n");
    cr_expect_eq(run_program("compare theirs/suite.cfg --untrusted"), 2);
    cr_expect(said("becomes a folder"));
    write_text("theirs/suite.cfg",
               "suite = \"s\"; base = \"../mine/secret.cfg\"; seeds = [1]; variants: { a: { }; b: { }; };\n");
    cr_expect_eq(run_program("compare theirs/suite.cfg --untrusted"), 2);
    cr_expect(said("secret.cfg is outside"));
}

Test(untrusted, plugins_of_the_environment_are_not_looked_at) {
    char command[1024];
    cr_assert_eq(mkdir("mine/policies", 0777), 0);
    write_text("mine/policies/switokd.so", "no shared object\n");
    const char *program = getenv("SWITCHYARD_PROGRAM");
    snprintf(command, sizeof command, "SWITCHYARD_PLUGIN_PATH=mine '%s' check theirs/small.cfg >out 2>err", program);
    cr_expect_neq(system(command), 0, "the broken one is found first");
    snprintf(command, sizeof command, "SWITCHYARD_PLUGIN_PATH=mine '%s' check theirs/small.cfg --untrusted >out 2>err",
             program);
    cr_expect_eq(system(command), 0);
}

Test(untrusted, check_tells_of_code) {
    char text[2048];
    snprintf(text, sizeof text, "plugins = [\"%s/random.so\"];\n", getenv("SWITCHYARD_POLICIES"));
    write_small("theirs/code.cfg", text);
    cr_expect_eq(run_program("check theirs/code.cfg"), 0);
    cr_expect(said("this config brings code that runs with your rights: ") && said("random.so; read it first"));
    cr_expect_eq(run_program("check theirs/small.cfg"), 0);
    cr_expect_not(said("brings code"));
}
