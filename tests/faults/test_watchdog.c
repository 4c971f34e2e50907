/* test_watchdog.c - train.on_nonfinite: what is left of a step that met a number that is not finite, whichever way. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../program/program.h"

TestSuite(watchdog, .init = program_setup, .fini = program_teardown);

/* Everything that a step may change: optimisers with moments, running statistics, an average, a rule that counts, a loss
 * with a memory, a node fed by another. `loss` goes into the group of the loss. 5 steps an epoch. */
static void write_gusty(const char *loss) {
    char text[4096];
    const char *plugin = getenv("SWITCHYARD_GUSTY");
    cr_assert(plugin, "SWITCHYARD_GUSTY names the plugin file");
    write_text("rule.lua", "seen = 0\nfunction decide(batch)\n  seen = seen + 1\n"
                           "  if seen % 4 == 0 then return \"expert\" end\n  return \"learning\"\nend\n");
    snprintf(text, sizeof text,
             "backend = \"reference\";\nthreads = 1;\nplugins = [\"%s\"];\n"
             "data: { plugin = \"shapes\"; batch = 8; limit = 40; test_limit = 16; train = 48; test = 24;\n"
             "        augment: { crop_pad = 2; flip = true; }; };\n"
             "train: { epochs = 2; optimizer: { kind = \"adam\"; lr = 0.002; };\n"
             "         schedule: { kind = \"cosine\"; }; };\n"
             "nodes: {\n"
             "  t: { plugin = \"mlp\"; role = \"teacher\"; hidden = [6]; dropout = 0.1; };\n"
             "  trunk: { plugin = \"regressor\"; channels = 2; rows = 16; role = \"part\"; };\n"
             "  s: { plugin = \"mlp\"; hidden = [4]; role = \"student\"; inputs = [\"trunk.features\"]; };\n"
             "  mean: { role = \"part\"; ema: { of = \"t\"; decay = 0.9; buffers = \"average\"; }; };\n"
             "};\n"
             "topology: { plugin = \"pair\"; loss: { plugin = \"gusty\"; %s }; };\n"
             "policy: { plugin = \"lua\"; script = \"rule.lua\"; };\n",
             plugin, loss);
    write_text("gusty.cfg", text);
}

static int run(const char *options) {
    char text[1024];
    snprintf(text, sizeof text, "run gusty.cfg --quiet %s", options);
    return run_program(text);
}

static void expect_same(const char *one, const char *other) {
    cr_expect(same_bytes(one, other), "%s and %s", one, other);
}

/* Every tensor of two checkpoints. */
static void expect_same_tensors(const char *one, const char *other, int least) {
    char a[600], b[600];
    int count = 0;
    DIR *folder = opendir(one);
    cr_assert(folder, "%s", one);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (strstr(entry->d_name, ".safetensors")) {
            snprintf(a, sizeof a, "%s/%s", one, entry->d_name);
            snprintf(b, sizeof b, "%s/%s", other, entry->d_name);
            expect_same(a, b);
            count++;
        }
    }
    closedir(folder);
    cr_expect_geq(count, least, "%s", one);
}

/* The text of a file from `key` to the end of what is in brackets behind it. */
static char *part_of(const char *path, const char *key) {
    char *text = read_text(path), *at = text ? strstr(text, key) : NULL, *end = at ? strstr(at, "]") : NULL;
    cr_assert(end, "%s in %s", key, path);
    end[1] = 0;
    char *part = strdup(at);
    free(text);
    return part;
}

/* A skipped step leaves everything as it was before it, and its line says so. */
static void expect_skip_leaves_nothing(const char *loss, const char *more) {
    char options[512];
    cr_assert_eq(system("rm -rf before after"), 0);
    write_gusty(loss);
    snprintf(options, sizeof options, "--out before --steps 3 --set train.on_nonfinite=skip_batch %s", more);
    cr_assert_eq(run(options), 0);
    snprintf(options, sizeof options, "--out after --steps 4 --set train.on_nonfinite=skip_batch %s", more);
    cr_assert_eq(run(options), 0);
    cr_expect(said("warning: a batch was skipped: step 3, ") && said("not finite"), "%s", loss);
    expect_same_tensors("before/checkpoints/3", "after/checkpoints/4", 8);
    char *one = part_of("before/checkpoints/3/state.json", "\"plugins\""),
         *other = part_of("after/checkpoints/4/state.json", "\"plugins\"");
    cr_expect_str_eq(one, other);
    free(one);
    free(other);
    char *steps = read_text("after/steps.jsonl");
    cr_expect(strstr(steps, "{\"step\":3,\"epoch\":0,\"skipped\":{\"node\":\""), "%s", steps);
    cr_expect(strstr(steps, "\"samples\":["));
    free(steps);
}

Test(watchdog, a_skipped_step_leaves_nothing_behind) {
    expect_skip_leaves_nothing("steps = [3]; how = \"value\";", "");
    expect_skip_leaves_nothing("steps = [3]; how = \"gradient\";", "");
    expect_skip_leaves_nothing("steps = [3]; how = \"huge\";", "");
    expect_skip_leaves_nothing("steps = [3];", "--set train.optimizer.kind=sgd --set train.record_signals=logits");
}

/* The teacher has moved already when the student's loss is found to be none. */
Test(watchdog, a_skipped_step_of_alternating_updates_leaves_nothing_behind) {
    write_gusty("steps = [2];");
    char *text = read_text("gusty.cfg"), *trunk = strstr(text, "  trunk:"), *mean = strstr(text, "  mean:");
    memmove(trunk, mean, strlen(mean) + 1);
    char *end = strstr(trunk, "};\ntopology");
    char changed[4096];
    snprintf(changed, sizeof changed, "%.*s  s: { plugin = \"mlp\"; role = \"student\"; hidden = [4]; };\n%s",
             (int)(end - text), text, end);
    free(text);
    write_text("gusty.cfg", changed);
    const char *options = "--set train.on_nonfinite=skip_batch --set topology.update=alternating "
                          "--set topology.to_teacher=0.0";
    char line[512];
    snprintf(line, sizeof line, "--out before --steps 2 %s", options);
    cr_assert_eq(run(line), 0);
    snprintf(line, sizeof line, "--out after --steps 3 %s", options);
    cr_assert_eq(run(line), 0);
    cr_expect(said("a batch was skipped: step 2, "));
    expect_same_tensors("before/checkpoints/2", "after/checkpoints/3", 6);
}

static void expect_same_run(const char *whole, const char *cut, int last) {
    char a[300], b[300];
    const char *const journals[] = {"steps.jsonl", "epochs.jsonl"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(a, sizeof a, "%s/%s", whole, journals[i]);
        snprintf(b, sizeof b, "%s/%s", cut, journals[i]);
        expect_same(a, b);
    }
    snprintf(a, sizeof a, "%s/checkpoints/%d", whole, last);
    snprintf(b, sizeof b, "%s/checkpoints/%d", cut, last);
    expect_same_tensors(a, b, 8);
}

/* Stopped before, between and after skips. */
Test(watchdog, a_resumed_run_skips_the_same) {
    write_gusty("steps = [2, 3, 6];");
    cr_assert_eq(run("--out whole --set train.on_nonfinite=skip_batch --set train.record_signals=logits"), 0);
    char *result = read_text("whole/result.json");
    cr_expect(strstr(result, "\"skipped\": 3"), "%s", result);
    free(result);
    char *epochs = read_text("whole/epochs.jsonl");
    cr_expect(strstr(epochs, "\"samples\":24") && strstr(epochs, "\"skipped\":2") && strstr(epochs, "\"skipped\":1"));
    free(epochs);
    for (int k = 2; k <= 7; k++) {
        char options[256];
        cr_assert_eq(system("rm -rf cut"), 0);
        snprintf(options, sizeof options,
                 "--out cut --steps %d --set train.on_nonfinite=skip_batch --set train.record_signals=logits", k);
        cr_assert_eq(run(options), 0);
        cr_assert_eq(run("--out cut --resume --set train.on_nonfinite=skip_batch --set train.record_signals=logits"),
                     0);
        expect_same_run("whole", "cut", 10);
        expect_same("whole/signals.bin", "cut/signals.bin");
    }
    cr_assert_eq(run_program("replay whole --policy lua --set policy.script=rule.lua"), 0);
}

Test(watchdog, too_many_skips_in_a_row_end_the_run) {
    write_gusty("steps = [2, 3, 4, 5];");
    const char *skip = "--set train.on_nonfinite=skip_batch --set train.skip_limit=3";
    char options[256];
    snprintf(options, sizeof options, "--out r %s", skip);
    cr_assert_eq(run(options), 1);
    cr_expect(
        said("; the 3 batches before it were skipped for the same reason (train.skip_limit); samples of the batch"));
    char *failure = read_text("r/failure.json");
    cr_expect(strstr(failure, "\"diverged\"") && strstr(failure, "\"step\": 5"), "%s", failure);
    free(failure);
    snprintf(options, sizeof options, "--out cut --steps 4 %s", skip);
    cr_assert_eq(run(options), 0);
    snprintf(options, sizeof options, "--out cut --resume %s", skip);
    cr_assert_eq(run(options), 1, "the limit counts what was before");
    expect_same("r/steps.jsonl", "cut/steps.jsonl");
    write_gusty("steps = [2, 3, 5, 6];");
    snprintf(options, sizeof options, "--out again --set train.on_nonfinite=skip_batch --set train.skip_limit=2");
    cr_expect_eq(run(options), 0, "two, and two");
}

Test(watchdog, stopping_names_all_and_leaves_a_mark) {
    write_gusty("steps = [3]; how = \"huge\";");
    cr_assert_eq(run("--out r --set train.checkpoint_steps=2"), 1);
    cr_expect(said("switchyard: step 3, ") && said(": the gradient of ") && said(" is not finite"));
    cr_expect(said("; samples of the batch: ") && said("; the last checkpoint is r/checkpoints/2"));
    char *failure = read_text("r/failure.json");
    cr_expect(strstr(failure, "\"diverged\": {") && strstr(failure, "\"epoch\": 0"), "%s", failure);
    free(failure);
    cr_expect_not(exists("r/result.json"));
    cr_expect_not(exists("r/checkpoints/4"));
    write_gusty("steps = [3]; how = \"value\";");
    cr_assert_eq(run("--out p --steps 2"), 0);
    cr_expect_not(exists("p/failure.json"));
}

/* A rate at which nothing learns, and one that is sane once it was lowered. 20 steps an epoch. */
static const char *const wild = "data.batch=4 --set train.on_nonfinite=lower_rate --set train.optimizer.lr=1000 "
                                "--set train.lower_factor=1e-4 --set train.checkpoint_steps=3 --set train.keep=1";

static void run_wild(const char *options) {
    char text[512];
    snprintf(text, sizeof text, "run small.cfg --quiet %s --set %s", options, wild);
    cr_assert_eq(run_program(text), 0, "%s", text);
}

Test(watchdog, lowered_rates_begin_at_the_start_of_the_epoch) {
    write_small("small.cfg", "");
    run_wild("--out r");
    cr_expect(said("warning: step ") && said("; goes on from step 0 with learning rates times 0.0001"));
    char *steps = read_text("r/steps.jsonl");
    cr_expect(strstr(steps, "{\"step\":0,") == steps && !strstr(steps + 1, "{\"step\":0,"), "one line a step");
    cr_expect(strstr(steps, "\"went_back\":{\"from\":") && strstr(steps, "\"rate_factor\":0.0001"), "%s", steps);
    cr_expect(strstr(steps, "\"lr\":0.1"));
    free(steps);
    char *result = read_text("r/result.json");
    cr_expect(strstr(result, "\"lowered\": 1"));
    free(result);
}

/* Stopped before and after it went back, with checkpoints of its own in between: the start of the epoch stays. */
Test(watchdog, a_resumed_run_lowers_the_same) {
    char options[64];
    write_small("small.cfg", "");
    run_wild("--out whole");
    for (int k = 4; k <= 30; k += 13) {
        cr_assert_eq(system("rm -rf cut"), 0);
        snprintf(options, sizeof options, "--out cut --steps %d", k);
        run_wild(options);
        cr_expect(exists(k < 20 ? "cut/checkpoints/0" : "cut/checkpoints/20"));
        run_wild("--out cut --resume");
        expect_same("whole/steps.jsonl", "cut/steps.jsonl");
        expect_same("whole/epochs.jsonl", "cut/epochs.jsonl");
        expect_same_tensors("whole/checkpoints/40", "cut/checkpoints/40", 4);
    }
}

Test(watchdog, rates_are_lowered_so_often_and_no_more) {
    write_gusty("steps = [6];");
    cr_assert_eq(run("--out r --set train.on_nonfinite=lower_rate --set train.lower_limit=2"), 1);
    cr_expect(said("goes on from step 5 with learning rates times 0.5"));
    cr_expect(said("goes on from step 5 with learning rates times 0.25"));
    cr_expect(said("; the learning rates were lowered 2 times before (train.lower_limit)"));
    cr_expect(exists("r/failure.json"));
    cr_expect_eq(run("--out q --set train.on_nonfinite=lower_rate --set train.checkpoint_every=2"), 2);
    cr_expect(said("train.checkpoint_every is 2, must be 1"));
    cr_expect_not(exists("q"));
}
