/* test_options.c - every command's options: what each refuses, with which words, and that nothing is written before. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(options, .init = program_setup, .fini = program_teardown);

struct refusal {
    const char *arguments, *words;
};

static void expect_refusals(const struct refusal *refusals, size_t count) {
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(run_program(refusals[i].arguments), 2, "%s", refusals[i].arguments);
        cr_expect(said(refusals[i].words), "%s: must say %s", refusals[i].arguments, refusals[i].words);
        char *out = read_text("out");
        cr_expect_str_empty(out, "%s: a refusal goes to the standard error", refusals[i].arguments);
        free(out);
    }
    cr_expect_not(exists("runs"));
}
#define REFUSED(...)                                                   \
    do {                                                               \
        static const struct refusal refusals[] = {__VA_ARGS__};        \
        expect_refusals(refusals, sizeof refusals / sizeof *refusals); \
    } while (0)

Test(options, every_command_explains_itself) {
    static const char *const commands[] = {"run",     "check",   "compare", "report", "watch", "replay", "bench",
                                           "convert", "predict", "eval",    "new",    "probe", "list",   "help"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char arguments[64], words[64];
        snprintf(arguments, sizeof arguments, "%s --help", commands[i]);
        snprintf(words, sizeof words, "usage: switchyard %s", commands[i]);
        cr_expect_eq(run_program(arguments), 0, "%s", arguments);
        char *out = read_text("out"), *err = read_text("err");
        cr_expect_eq(strncmp(out, words, strlen(words)), 0, "%s begins with: %s", arguments, words);
        cr_expect_str_empty(err, "%s", arguments);
        free(out);
        free(err);
    }
}

Test(options, the_program_without_a_command) {
    cr_expect_eq(run_program(""), 2);
    cr_expect(said("usage: switchyard COMMAND"));
    cr_expect_eq(run_program("-h"), 0);
    cr_expect_eq(run_program("--version"), 0);
    cr_expect(said("switchyard 0."));
    cr_expect_eq(run_program("qqqqqqqq"), 2);
    cr_expect(said("unknown command \"qqqqqqqq\"; `switchyard --help` lists them"), "nothing is near");
}

Test(options, of_training) {
    write_small("small.cfg", "");
    REFUSED({"run small.cfg --fast", "`switchyard run --help` lists the options"},
            {"run small.cfg other.cfg", "give one config file"},
            {"run small.cfg --steps 0", "--steps 0: must be a whole number, 1 or more"},
            {"run small.cfg --steps 3x", "--steps 3x: must be a whole number, 1 or more"},
            {"run small.cfg --set epochs", "--set: \"epochs\" must look like"},
            {"check small.cfg --fast", "`switchyard check --help` lists the options"},
            {"check", "give one config file"},
            {"compare small.cfg --jobs 65", "--jobs 65: must be a whole number, 1 to 64"},
            {"compare small.cfg --jobs 2x", "--jobs 2x: must be a whole number, 1 to 64"},
            {"compare small.cfg --fast", "`switchyard compare --help` lists the options"},
            {"compare", "give one suite file"}, {"replay r --fast", "`switchyard replay --help` lists the options"},
            {"replay", "give one run folder"});
}

Test(options, of_what_reads_runs) {
    REFUSED(
        {"report", "give one folder: a suite's (runs/NAME) or a run's"},
        {"report a b", "give one folder: a suite's (runs/NAME) or a run's"},
        {"report . --format htm", "--format htm: text, md, latex, csv, json and html are known; did you mean html?"},
        {"report . --fast", "`switchyard report --help` lists the options"},
        {"watch", "give one folder: a suite's (runs/NAME) or a run's"},
        {"watch . --port 65536", "--port 65536: a number from 0 to 65535"},
        {"watch . --port ''", "--port : a number from 0 to 65535"},
        {"watch . --port 8x", "--port 8x: a number from 0 to 65535"},
        {"watch . --fast", "`switchyard watch --help` lists the options"});
}

Test(options, of_what_uses_weights) {
    REFUSED(
        {"convert a.safetensors", "give WEIGHTS and OUT"}, {"convert a b c", "give WEIGHTS and OUT"},
        {"convert a b.onnx --fast", "`switchyard convert --help` lists the options"},
        {"convert a b.onnx --classes 1", "convert: --classes 1: must be a whole number, 2 or more"},
        {"convert a b.onnx --classes many", "convert: --classes many: must be a whole number, 2 or more"},
        {"convert nowhere b.onnx", "nowhere: cannot be found; give a run folder, a checkpoint or a safetensors file"},
        {"eval", "give one file or folder of weights"}, {"eval a b", "give one file or folder of weights"},
        {"eval a --split validation", "--split validation: must be test or train"},
        {"eval a --fast", "`switchyard eval --help` lists the options"},
        {"predict a", "give WEIGHTS and one IMAGE at least"},
        {"predict a b.png --top 0", "--top 0: must be a whole number, 1 to 10000"},
        {"predict a b.png --top 3rd", "--top 3rd: must be a whole number, 1 to 10000"},
        {"predict a b.png --fast", "`switchyard predict --help` lists the options"});
}

Test(options, of_bench) {
    REFUSED({"bench --net mlp,,mlp", "give 1 to 64 words, each of 1 to 127 letters"},
            {"bench --net mlp ,", "give 1 to 64 words, each of 1 to 127 letters"},
            {"bench --net mlp --precision ,", "--precision ,: give 1 to 8 words"},
            {"bench --net mlp --threads 0", "--threads 0: must be a whole number, 1 to 1024"},
            {"bench --net mlp --batch 65537", "--batch 65537: must be a whole number, 1 to 65536"},
            {"bench --net mlp --steps ''", "--steps : must be a whole number, 1 to 1000"},
            {"bench --net mlp --classes x", "--classes x: must be a whole number, 1 to 1000000"},
            {"bench --net mlp --image 4097", "--image 4097: must be a whole number, 1 to 4096"},
            {"bench a.cfg b.cfg", "give one config file, or networks as in --net wrn-16-2"});
}

Test(options, of_what_concerns_plugins) {
    REFUSED({"new", "say a kind and a name, as in `switchyard new policy my_rule`"},
            {"new policy", "say a kind and a name, as in `switchyard new policy my_rule`"},
            {"new policy rule --fast", "`switchyard new --help` lists the options"},
            {"new polcy rule", "did you mean \"policy\"?"},
            {"new backend mine", "there is no small backend to start from; plugins/backends has whole ones"},
            {"new policy Rule", "a plugin cannot be called \"Rule\""},
            {"new policy 2nd", "a plugin cannot be called \"2nd\""},
            {"new policy rule --dir .", ". is there already; give another name, or another folder with --dir"},
            {"probe", "give one plugin file"}, {"probe a.so b.so", "give one plugin file"},
            {"probe a.so --limit 0", "--limit 0: must be a whole number of seconds, 1 to 1000000"},
            {"probe a.so --limit 3s", "--limit 3s: must be a whole number of seconds, 1 to 1000000"},
            {"probe a.so --fast", "`switchyard probe --help` lists the options"},
            {"probe nowhere.so", "nowhere.so: No such file or directory"},
            {"probe nowhere.so --config nowhere.cfg", "nowhere.cfg"},
            {"list policy loss", "give one kind of plugin, or nothing"},
            {"list --fast", "give one kind of plugin, or nothing"}, {"list polcy", "did you mean \"policy\"?"},
            {"list --abi polcy", "did you mean \"policy\"?"}, {"help", "say which plugin"},
            {"help --fast", "say which plugin"}, {"help polcy switokd", "did you mean \"policy\"?"},
            {"help polcy/switokd", "did you mean \"policy\"?"}, {"help policy switchokd", "did you mean \"switokd\"?"},
            {"help qqqqqqqqqq", "no plugin named \"qqqqqqqqqq\"; `switchyard list` shows which there are"});
    cr_expect_not(exists("rule"));
}

/* As many as there is room for, and one more. */
Test(options, too_many_assignments_are_refused_by_every_command_that_takes_them) {
    static const char *const commands[] = {"run small.cfg",    "check small.cfg", "compare small.cfg",
                                           "replay small.cfg", "bench small.cfg", "eval small.cfg"};
    static char arguments[4000], many[3900];
    write_small("small.cfg", "");
    for (size_t used = 0; used + 20 < sizeof many;) {
        used += (size_t)snprintf(many + used, sizeof many - used, " --set seed=1");
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        snprintf(arguments, sizeof arguments, "%s%s", commands[i], many);
        cr_expect_eq(run_program(arguments), 2, "%s", commands[i]);
        cr_expect(said("--set") || said("lists the options"), "%s", commands[i]);
    }
    cr_expect_not(exists("runs"));
}

Test(options, help_explains_the_config_and_every_form_of_a_name) {
    cr_expect_eq(run_program("help config"), 0);
    cr_expect(said("train.optimizer: { kind = \"sgd\"; ... }") && said("`stages: { first:"));
    cr_expect_eq(system("grep -E '^train.schedule.{104}' out"), 1 << 8, "kinds are wrapped as their keys are");
    cr_expect_eq(run_program("help policy switokd"), 0);
    cr_assert_eq(system("cp out first"), 0);
    cr_expect_eq(run_program("help policy/switokd"), 0);
    cr_expect(same_bytes("first", "out"));
    cr_expect_eq(run_program("help switokd"), 0);
    cr_expect(same_bytes("first", "out"));
    cr_expect_eq(run_program("help wrn"), 0);
    cr_expect(said("In one word: wrn-{depth}-{width}"));
}

/* ---- --set with another plugin or kind -------------------------------------------------------------------------- */

static const char *const chosen = "train: { schedule: { kind = \"multistep\"; epochs = [1]; }; };\n"
                                  "nodes: { teacher: { plugin = \"mlp\"; role = \"teacher\"; hidden = [4];\n"
                                  "    schedule: { epochs = [2]; }; };\n"
                                  "  student: { plugin = \"mlp\"; role = \"student\";\n"
                                  "    schedule: { kind = \"cosine\"; last = 0.1; }; };\n"
                                  "  mean: { role = \"part\"; ema: { of = \"teacher\"; }; }; };\n"
                                  "data: { plugin = \"shapes\"; train = 40; test = 16; };\n"
                                  "topology: { plugin = \"pair\"; loss: { plugin = \"kl\"; temperature = 2.0; }; };\n"
                                  "policy: { plugin = \"switokd\"; };\n";
static const char *const staged = "stages: { head: { train: { schedule: { epochs = [3]; }; }; };\n"
                                  "  own: { policy: { plugin = \"fixed_threshold\"; threshold = 0.4; }; }; };\n";

static void write_chosen(const char *more) {
    char text[2048];
    snprintf(text, sizeof text, "%s%s", chosen, more);
    write_text("chosen.cfg", text);
}

/* Keys that the files have for another plugin or kind do not stand in its way, wherever it is laid over. */
Test(options, set_changes_plugins_and_kinds) {
    static const char *const changes[] = {
        "train.schedule.kind=constant",
        "nodes.teacher.schedule.kind=constant",
        "nodes.student.schedule.kind=constant",
        "nodes.teacher.plugin=resnet_cifar",
        "policy.plugin=learning",
        "topology.plugin=independent",
        "topology.loss.plugin=mse",
        "stages.own.train.schedule.kind=constant",
        "stages.head.train.schedule.kind=cosine",
        "stages.own.policy.plugin=learning",
        "\"train.schedule={kind=\\\"constant\\\";}\"",
    };
    char command[256];
    write_chosen(staged);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        snprintf(command, sizeof command, "check chosen.cfg --set %s", changes[i]);
        cr_expect_eq(run_program(command), 0, "%s", changes[i]);
        cr_expect_not(said("unknown key"), "%s", changes[i]);
    }
}

/* The same choice again excuses no mistake, and --set has to be right itself. */
Test(options, set_excuses_no_other_keys) {
    write_chosen("stages: { head: { train: { schedule: { epoch = [3]; }; }; }; };\n");
    cr_expect_eq(run_program("check chosen.cfg --set train.schedule.kind=multistep"), 2);
    cr_expect(said("schedule.epoch: unknown key; did you mean \"epochs\"?"));
    cr_expect_eq(run_program("check chosen.cfg --set stages.head.train.schedule.kind=multistep"), 2);
    cr_expect(said("schedule.epoch: unknown key; did you mean \"epochs\"?"));
    write_chosen("");
    cr_expect_eq(run_program("check chosen.cfg --set nodes.teacher.schedule.kind=cosine "
                             "--set nodes.teacher.schedule.lats=0.1"),
                 2);
    cr_expect(said("schedule.lats: unknown key; did you mean \"last\"?"));
    write_small("small.cfg", "");
    write_text("suite.cfg", "suite = \"s\"; base = \"small.cfg\"; seeds = [1]; variants: {\n"
                            "  x: { train: { schedule: { kind = \"constant\"; warmup_epoch = 1; }; }; }; };\n");
    cr_expect_eq(run_program("compare suite.cfg --out s --set train.schedule.kind=constant"), 2);
    cr_expect(said("schedule.warmup_epoch: unknown key; did you mean \"warmup_epochs\"?"));
}
