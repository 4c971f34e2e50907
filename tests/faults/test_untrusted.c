/* test_untrusted.c - what a stranger's config can reach: files below its own folder, to be read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* What stands in a file must not pass for what a person said. */
Test(untrusted, files_called_as_arguments_are_not_trusted) {
    const char *const names[] = {"--set", "default"};
    cr_assert_eq(chdir("theirs"), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[512];
        write_text(names[i], "plugins = [\"code.so\"];\n");
        snprintf(text, sizeof text, "@include \"small.cfg\"\n@include \"%s\"\n", names[i]);
        write_text("names.cfg", text);
        cr_expect_eq(run_program("check names.cfg --untrusted"), 2);
        cr_expect(said("\"code.so\" is code"), "%s", names[i]);
        snprintf(text, sizeof text, "check --untrusted -- %s", names[i]);
        cr_expect_eq(run_program(text), 2);
        cr_expect(said("\"code.so\" is code"), "%s itself", names[i]);
    }
    cr_assert_eq(chdir(".."), 0);
}

/* "./NAME/NAME/...", fifteen times a letter 200 times; the folders are made from the working folder on. */
static void make_deep(char out[4096], char letter) {
    char name[201] = "";
    memset(name, letter, sizeof name - 1);
    snprintf(out, 4096, ".");
    for (int i = 0; i < 15; i++) {
        snprintf(out + strlen(out), 4096 - strlen(out), "/%s", name);
        cr_assert_eq(mkdir(out, 0777), 0);
    }
}

/* Where links end at a path longer than PATH_MAX, realpath has no room for it, and yet it can be opened. */
Test(untrusted, links_to_places_too_long_to_name_are_refused) {
    char deep[4096], deeper[4096];
    cr_assert_eq(chdir("mine"), 0);
    make_deep(deep, 'd');
    cr_assert_eq(symlink(deep, "a"), 0);
    cr_assert_eq(chdir(deep), 0);
    make_deep(deeper, 'e');
    cr_assert_eq(symlink(deeper, "b"), 0);
    for (int i = 0; i < 15; i++) {
        cr_assert_eq(chdir(".."), 0);
    }
    write_text("a/b/w.safetensors", "something\n");
    cr_assert_eq(chdir(".."), 0);
    cr_assert_eq(symlink("../mine/a/b/w.safetensors", "theirs/w.safetensors"), 0);
    write_text("theirs/deep.cfg", "backend = \"reference\"; data: { plugin = \"shapes\"; };\n"
                                  "nodes: { a: { plugin = \"mlp\"; init = \"w.safetensors\"; }; };\n");
    cr_expect_eq(run_program("check theirs/deep.cfg --untrusted"), 2);
    cr_expect(said("nodes.a.init: ") && said("is outside the config's folder"));
}

Test(untrusted, a_folder_with_a_link_for_its_config_is_refused) {
    cr_assert_eq(mkdir("theirs/run", 0777), 0);
    cr_assert_eq(symlink("../../mine/secret.cfg", "theirs/run/run.cfg"), 0);
    cr_expect_eq(run_program("check theirs/run --untrusted"), 2);
    cr_expect(said("run.cfg: is a link that leads out"));
    write_text("theirs/suite.cfg", "suite = \"s\"; base = \"run\"; seeds = [1]; variants: { a: { }; b: { }; };\n");
    cr_expect_eq(run_program("compare theirs/suite.cfg --untrusted"), 2);
    cr_expect(said("run.cfg: is a link that leads out"));
}

/* Somebody's folder may have links where results will go. */
Test(untrusted, results_go_through_no_link) {
    write_text("mine/precious", "keep\n");
    cr_assert_eq(mkdir("r", 0777), 0);
    cr_assert_eq(symlink("../mine/precious", "r/steps.jsonl"), 0);
    cr_expect_eq(run_program("run theirs/small.cfg --untrusted --quiet --out r"), 2);
    cr_expect(said("r/steps.jsonl: is a link that leads out of r"));
    cr_assert_eq(symlink("mine", "runs"), 0);
    cr_expect_eq(run_program("run theirs/small.cfg --untrusted --quiet"), 2);
    cr_expect(said("runs: is a link"));
    write_text("theirs/suite.cfg",
               "suite = \"s\"; base = \"small.cfg\"; seeds = [1]; variants: { a: { }; b: { }; };\n");
    cr_expect_eq(run_program("compare theirs/suite.cfg --untrusted --quiet"), 2);
    cr_expect(said("runs: is a link"));
    cr_assert_eq(mkdir("c", 0777) | symlink("../mine", "c/a"), 0);
    cr_expect_eq(run_program("compare theirs/suite.cfg --untrusted --quiet --out c"), 2);
    cr_expect(said("c/a: is a link that leads out of c"));
    cr_expect_not(exists("mine/seed-1"));
    cr_expect_not(exists("mine/s"));
    char *kept = read_text("mine/precious");
    cr_expect_str_eq(kept, "keep\n");
    free(kept);
}

/* Every run of a suite is a process of its own, and distrusts as the first does. */
Test(untrusted, suites_and_stages_run_and_distrust) {
    write_text("theirs/suite.cfg",
               "suite = \"s\"; base = \"small.cfg\"; seeds = [1]; variants: { a: { }; b: { seed = 1; }; };\n");
    cr_expect_eq(run_program("compare theirs/suite.cfg --untrusted --quiet --jobs 2 --out c"), 0);
    cr_expect(exists("c/a/seed-1/result.json") && exists("c/b/seed-1/result.json"));
    write_text("theirs/suite.cfg", "suite = \"s\"; base = \"small.cfg\"; seeds = [1];\n"
                                   "variants: { a: { }; b: { plugins = [\"code.so\"]; }; };\n");
    cr_expect_eq(run_program("compare theirs/suite.cfg --untrusted --quiet --jobs 2 --out d"), 2);
    cr_expect(said("\"code.so\" is code"));
    cr_expect_not(exists("d"));
    write_small("theirs/stages.cfg", "stages: { first: { use = [\"teacher\"]; topology: { plugin = \"independent\"; };"
                                     " policy: { plugin = \"learning\"; }; };\n"
                                     "second: { nodes: { teacher: { init = \"@first\"; }; }; }; };\n");
    cr_expect_eq(run_program("run theirs/stages.cfg --untrusted --quiet --out e"), 0);
    cr_expect(exists("e/result.json"));
    write_small("theirs/stages.cfg", "stages: { first: { nodes: { teacher: { init = \"../mine/secret.cfg\"; }; }; };\n"
                                     "second: { }; };\n");
    cr_expect_eq(run_program("run theirs/stages.cfg --untrusted --quiet --out f"), 2);
    cr_expect(said("nodes.teacher.init: ") && said("is outside the config's folder"));
    cr_expect_not(exists("f"));
}

/* A run folder that came from somewhere: what stands in its run.cfg is loaded by the commands that use its weights. */
Test(untrusted, run_folders_of_strangers) {
    cr_assert_eq(run_program("run theirs/small.cfg --quiet --out theirs/run --set train.record_signals=logits"), 0);
    cr_expect_eq(run_program("eval theirs/run --untrusted"), 0);
    cr_expect_eq(run_program("replay theirs/run --untrusted"), 0);
    cr_assert_eq(system("mv theirs/run/checkpoints/best/student.safetensors mine/w.safetensors && "
                        "ln -s ../../../../mine/w.safetensors theirs/run/checkpoints/best/student.safetensors"),
                 0);
    cr_expect_eq(run_program("convert theirs/run w.safetensors --untrusted"), 2);
    cr_expect(said("w.safetensors: is outside"));
    cr_assert_eq(system("sed -i 's|^plugins = .*|plugins = [\"/code.so\"];|' theirs/run/run.cfg"), 0);
    cr_expect_eq(run_program("replay theirs/run --untrusted"), 2);
    cr_expect(said("\"/code.so\" is code"));
}

/* `report` writes into the folder it reads, which may be a stranger's. */
Test(untrusted, reports_are_written_through_no_link) {
    cr_assert_eq(run_program("run theirs/small.cfg --quiet --out theirs/run"), 0);
    write_text("mine/precious", "keep\n");
    cr_assert_eq(mkdir("theirs/run/figures", 0777), 0);
    cr_assert_eq(system("cd theirs/run/figures && for f in accuracy loss curves calibration; do "
                        "ln -s ../../../mine/precious $f.gp; done"),
                 0);
    cr_expect_eq(run_program("report theirs/run --format html"), 0);
    cr_assert_eq(system("cd theirs/run/figures && for f in *.gp; do rm $f; ln -s ../../../mine/precious $f; done"), 0);
    cr_expect_eq(run_program("report theirs/run --format html"), 0);
    cr_assert_eq(system("mv theirs/run/figures mine/figures && ln -s ../../mine/figures theirs/run/figures"), 0);
    cr_expect_neq(run_program("report theirs/run --format html"), 0);
    cr_expect(said("figures: is a link"));
    char *kept = read_text("mine/precious");
    cr_expect_str_eq(kept, "keep\n");
    free(kept);
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
