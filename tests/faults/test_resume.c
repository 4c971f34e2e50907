/* test_resume.c - k steps, stop, n - k steps are n steps, byte for byte in weights and journals: for every policy, loss,
 * topology, optimiser and schedule there is, and for every method of experiments/methods. What is shipped is asked from the program, so that nothing is forgotten. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../program/program.h"

TestSuite(resume, .init = program_setup, .fini = program_teardown);

enum { STEPS = 10, MOST = 64 };

/* Three perceptrons; every one has momentum, and dropout draws in every step. */
static const char *const trio =
    "backend = \"reference\";\nthreads = 1;\n"
    "data: { plugin = \"shapes\"; batch = 16; limit = 80; test_limit = 32; train = 96; test = 48;\n"
    "        augment: { crop_pad = 2; flip = true; }; views = \"own\"; };\n"
    "train: { epochs = 2; optimizer: { lr = 0.02; }; };\n"
    "nodes: { t: { plugin = \"mlp\"; role = \"teacher\"; hidden = [6]; dropout = 0.1; };\n"
    "  s: { plugin = \"mlp\"; role = \"student\"; hidden = [6]; }; %s };\n"
    "topology: { plugin = \"pair\"; };\npolicy: { plugin = \"switokd\"; };\n";

static void expect_same_files(const char *whole, const char *cut, const char *what) {
    char a[600], b[600];
    const char *const journals[] = {"steps.jsonl", "epochs.jsonl"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(a, sizeof a, "%s/%s", whole, journals[i]);
        snprintf(b, sizeof b, "%s/%s", cut, journals[i]);
        cr_expect(same_bytes(a, b), "%s: %s", what, journals[i]);
    }
    snprintf(a, sizeof a, "%s/checkpoints/%d", whole, STEPS);
    DIR *folder = opendir(a);
    cr_assert(folder, "%s", what);
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (strstr(entry->d_name, ".safetensors")) {
            snprintf(a, sizeof a, "%s/checkpoints/%d/%s", whole, STEPS, entry->d_name);
            snprintf(b, sizeof b, "%s/checkpoints/%d/%s", cut, STEPS, entry->d_name);
            cr_expect(same_bytes(a, b), "%s: %s", what, entry->d_name);
            count++;
        }
    }
    closedir(folder);
    cr_expect_geq(count, 2, "%s", what);
}

/* Whole, and cut at a step that changes from case to case, within epochs and between them. */
static void expect_resumes(const char *changes) {
    static int cases;
    char text[1024];
    int cut = 1 + 4 * cases++ % (STEPS - 1);
    cr_assert_eq(system("rm -rf whole cut"), 0);
    snprintf(text, sizeof text, "run trio.cfg --quiet --out whole %s", changes);
    cr_assert_eq(run_program(text), 0, "%s", text);
    snprintf(text, sizeof text, "run trio.cfg --quiet --out cut --steps %d %s", cut, changes);
    cr_assert_eq(run_program(text), 0, "%s", text);
    snprintf(text, sizeof text, "run trio.cfg --quiet --out cut --resume %s", changes);
    cr_assert_eq(run_program(text), 0, "%s", text);
    expect_same_files("whole", "cut", changes);
}

/* Plugins of a kind, as `switchyard list` tells them. */
static int names_of(char names[MOST][64], const char *kind) {
    char text[128];
    int count = 0;
    snprintf(text, sizeof text, "list %s", kind);
    cr_assert_eq(run_program(text), 0);
    FILE *out = fopen("out", "r");
    char line[1024], word[64];
    while (out && fgets(line, sizeof line, out) && count < MOST) {
        if (sscanf(line, "%63s %63s", word, names[count]) == 2 && !strcmp(word, kind)) {
            count++;
        }
    }
    fclose(out);
    cr_assert_gt(count, 5, "%s", kind);
    return count;
}

static void write_trio(int third) {
    char text[4096];
    snprintf(text, sizeof text, trio, third ? "u: { plugin = \"mlp\"; role = \"student\"; hidden = [6]; };" : "");
    write_text("trio.cfg", text);
}

Test(resume, every_policy) {
    char names[MOST][64], text[256];
    int count = names_of(names, "policy");
    write_trio(0);
    /* what the script counts decides, so a count that is lost is seen */
    write_text("rule.lua", "seen = 0\nobserve = {\"seen\"}\n"
                           "function decide(batch)\n"
                           "  seen = seen + 1\n  observed.seen = seen\n"
                           "  if seen % 3 == 0 then return \"expert\" end\n  return \"learning\"\nend\n");
    for (int i = 0; i < count; i++) {
        const char *more = !strcmp(names[i], "schedule") ? " --set 'policy.epochs=[1]'"
                           : !strcmp(names[i], "lua")    ? " --set policy.script=rule.lua"
                                                         : "";
        snprintf(text, sizeof text, "--set policy.plugin=%s%s", names[i], more);
        expect_resumes(text);
    }
}

/* Those that compare outputs of any kind; what the others need they have in tests/torture.sh and in every_method. */
Test(resume, every_loss_on_outputs) {
    static const char *const others[] = {"at", "crd", "ce", "mixture"};
    char names[MOST][64], text[256];
    int count = names_of(names, "loss");
    write_trio(0);
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof text, "check trio.cfg --set topology.loss.plugin=%s", names[i]);
        if (run_program(text) == 0) {
            expect_resumes(strstr(text, "--set"));
        } else {
            bool known = false;
            for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
                known = known || !strcmp(names[i], others[k]);
            }
            cr_expect(known, "%s", names[i]);
        }
    }
}

Test(resume, every_topology) {
    char names[MOST][64], text[512];
    int count = names_of(names, "topology");
    for (int i = 0; i < count; i++) {
        int few = !strcmp(names[i], "pair") || !strcmp(names[i], "distill");
        write_trio(!few);
        snprintf(text, sizeof text, "--set topology.plugin=%s --set topology.update=%s%s%s%s", names[i],
                 i % 2 ? "alternating" : "simultaneous",
                 strcmp(names[i], "multi_teacher") ? "" : " --set nodes.u.role=teacher",
                 strcmp(names[i], "distill") ? "" : " --set nodes.t.frozen=eval",
                 strcmp(names[i], "custom") ? ""
                                            : " --set 'topology.edges=[\"t + s -> u loss=mix\"]' "
                                              "--set topology.mix.plugin=peers");
        expect_resumes(text);
    }
}

Test(resume, every_optimiser_and_schedule) {
    const char *const changes[] = {
        "--set train.optimizer.kind=adam",
        "--set train.optimizer.kind=adamw --set topology.pause=zero_grad_step --set policy.plugin=alternating",
        "--set train.optimizer.nesterov=true --set train.schedule.kind=multistep --set 'train.schedule.epochs=[1]'",
        "--set train.schedule.kind=cosine --set train.schedule.warmup_epochs=1",
        "--set topology.ramp=gaussian --set topology.ramp_epochs=2",
        "--set train.checkpoint_steps=1 --set train.keep=1",
        "--set train.evaluate_every=2 --set data.workers=3 --set data.ahead=1",
    };
    write_trio(0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        expect_resumes(changes[i]);
    }
}

/* The configurations of experiments/methods here, made small: drawn images, the smallest networks of their kind, two epochs
 * of two batches in every stage. Nothing else of a method is left out. */
static void copy_methods(void) {
    char command[2048];
    const char *root = getenv("SWITCHYARD_SOURCE_ROOT");
    cr_assert(root, "SWITCHYARD_SOURCE_ROOT names the source tree");
    snprintf(command, sizeof command,
             "cp '%s'/experiments/methods/*.cfg '%s'/experiments/methods/*.inc . && sed -i -E "
             "-e 's/plugin = \"(cifar100|shapes)\";.*/plugin = \"shapes\"; train = 48; test = 24;/' -e '/^ *path = /d' "
             "-e 's/([^_])epochs = [0-9]+;/\\1epochs = 2;/g' -e 's/depth = (40|16);/depth = 10;/g' "
             "-e 's/depth = (32|110|20);/depth = 8;/g' -e 's/negatives = [0-9]+/negatives = 4/' "
             "-e 's/snapshot_every = [0-9]+/snapshot_every = 1/' -e 's/repeat = \\[[0-9, ]+\\]/repeat = [1, 2]/' "
             "*.cfg *.inc",
             root, root);
    cr_assert_eq(system(command), 0, "%s", command);
}

static void run_method(const char *name, const char *options) {
    char text[512];
    snprintf(text, sizeof text,
             "run %s --quiet --set threads=1 --set train.keep=1 --set data.batch=6 --set data.limit=12 "
             "--set data.test_limit=6 %s",
             name, options);
    cr_assert_eq(run_program(text), 0, "%s: %s", text, read_text("err"));
}

/* Everything that lies in the folders of all stages, but for what names places, times or costs. */
static int differ(void) {
    return system(
        "diff -rq -x run.cfg -x times.jsonl -x manifest.json -x result.json -x state.json -x complete -x lock "
        "whole cut >differ 2>&1");
}

Test(resume, every_method) {
    int count = 0;
    copy_methods();
    DIR *folder = opendir(".");
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const char *ending = strrchr(entry->d_name, '.');
        if (!ending || strcmp(ending, ".cfg") != 0) {
            continue;
        }
        cr_assert_eq(system("rm -rf whole cut"), 0);
        run_method(entry->d_name, "--out whole");
        bool staged = exists("whole/stages");
        run_method(entry->d_name, "--out cut --steps 3"); /* within an epoch */
        if (staged) {
            run_method(entry->d_name, "--out cut --resume --steps 5"); /* ... of the second stage */
        }
        run_method(entry->d_name, "--out cut --resume");
        cr_expect_eq(differ(), 0, "%s: %s", entry->d_name, read_text("differ"));
        count++;
    }
    closedir(folder);
    cr_expect_geq(count, 18);
}

Test(resume, says_all_that_is_not_as_it_was) {
    write_trio(0);
    cr_assert_eq(run_program("run trio.cfg --quiet --out r --steps 2"), 0);
    cr_expect_eq(run_program("run trio.cfg --quiet --out r --resume --set train.optimizer.lr=0.5 --set seed=3 "
                             "--set policy.plugin=learning"),
                 2);
    cr_expect(said("train.optimizer.lr = 0.02, now 0.5"));
    cr_expect(said("seed = 1, now 3"));
    cr_expect(said("policy.plugin = \"switokd\", now \"learning\""));
    cr_expect(said("policy.temperature = 1.0, now nothing"));
    cr_expect_eq(run_program("run trio.cfg --quiet --out r --resume --set threads=2"), 0);
    cr_expect(said("results may differ in their last bits"));
}
