/* test_replay.c - runs whose signals are kept, and replays of them: the recorded policy decides as it did, to the last bit of
 * what it observes; other policies are asked about the same batches; what is missing or damaged is told. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

TestSuite(replay, .init = program_setup, .fini = program_teardown);

#define SMALL "run small.cfg --quiet --set train.record_signals=logits --set train.epochs=3 "

/* Line for line what steps.jsonl says of the gates, and nothing else; the number of expert decisions. */
static int expect_same_gates(const char *journal, const char *replay) {
    FILE *recorded = fopen(journal, "r"), *again = fopen(replay, "r");
    char one[8192], other[8192];
    int expert = 0;
    cr_assert(recorded && again);
    while (fgets(one, sizeof one, recorded)) {
        cr_assert(fgets(other, sizeof other, again), "the replay ends early");
        json_t *left = json_loads(one, 0, NULL), *right = json_loads(other, 0, NULL), *gate;
        size_t g;
        json_array_foreach(json_object_get(right, "gates"), g, gate) {
            expert += !strcmp(json_string_value(json_object_get(gate, "mode")), "expert");
            json_object_del(gate, "recorded");
        }
        cr_expect(json_equal(json_object_get(left, "gates"), json_object_get(right, "gates")), "%s%s", one, other);
        json_decref(left);
        json_decref(right);
    }
    cr_expect(!fgets(other, sizeof other, again), "the replay has more");
    fclose(recorded);
    fclose(again);
    return expert;
}

/* Policies that are shipped, with what makes them switch in so short a run. */
static const char *const policies[] = {
    "switokd",
    "learning",
    "fixed_threshold --set policy.threshold=0.7",
    "lower_bound",
    "upper_bound",
    "hysteresis",
    "accuracy_gap --set policy.threshold=0.01",
    "budget",
    "schedule --set policy.epochs=[1]", /* expert mode from epoch 1 on */
    "alternating",
    "random",
};
#define POLICIES (sizeof policies / sizeof *policies)

static void free_parameters(struct criterion_test_params *params) {
    cr_free(params->params);
}

ParameterizedTestParameters(replay, every_policy_decides_again_as_it_did) {
    size_t *index = cr_malloc(POLICIES * sizeof *index);
    for (size_t i = 0; i < POLICIES; i++) {
        index[i] = i;
    }
    return cr_make_param_array(size_t, index, POLICIES, free_parameters);
}

ParameterizedTest(const size_t *index, replay, every_policy_decides_again_as_it_did) {
    char command[512];
    write_small("small.cfg", "");
    snprintf(command, sizeof command, SMALL "--out r --set policy.plugin=%s", policies[*index]);
    cr_assert_eq(run_program(command), 0, "%s", policies[*index]);
    cr_assert_eq(run_program("replay r --out again.jsonl"), 0);
    cr_expect(said("15 decisions, 15 (100.0 %) as recorded"), "%s", policies[*index]);
    int expert = expect_same_gates("r/steps.jsonl", "again.jsonl");
    bool switches = strstr("random alternating schedule", policies[*index]) || strchr(policies[*index], '[');
    cr_expect(!switches || (expert > 0 && expert < 15), "%s: %d of 15 in expert mode", policies[*index], expert);
}

Test(replay, two_gates_and_alternating_updates) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program(SMALL
                             "--out r --set topology.plugin=multi_student --set topology.update=alternating "
                             "--set policy.plugin=random --set nodes.other.plugin=mlp --set nodes.other.role=student"),
                 0);
    cr_assert_eq(run_program("replay r --out again.jsonl"), 0);
    cr_expect(said("gate teacher-student: policy random") && said("gate teacher-other: policy random"));
    cr_expect_gt(expect_same_gates("r/steps.jsonl", "again.jsonl"), 0);
}

Test(replay, recording_changes_nothing_and_resumes) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("check small.cfg --set train.record_signals=logits"), 0);
    cr_expect(said("signals.bin takes 0.0 MB an epoch, for replays"));
    cr_assert_eq(run_program("check small.cfg"), 0);
    cr_expect(!said("signals.bin"));
    cr_assert_eq(run_program("run small.cfg --quiet --set train.epochs=3 --out plain"), 0);
    cr_assert_eq(run_program(SMALL "--out whole"), 0);
    cr_assert_eq(run_program(SMALL "--out parts --steps 7"), 0);
    cr_assert_eq(run_program("run parts --quiet --resume --steps 8"), 0);
    cr_assert_eq(run_program("run parts --quiet --resume"), 0);
    cr_expect(same_bytes("plain/steps.jsonl", "whole/steps.jsonl") && !exists("plain/signals.bin"));
    cr_expect(same_bytes("parts/signals.bin", "whole/signals.bin"));
}

Test(replay, another_policy_is_asked_about_the_same_batches) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program(SMALL "--out r --set policy.plugin=alternating"), 0);
    cr_assert_eq(run_program("replay r --policy learning"), 0);
    cr_expect(said("policy learning") && said("in expert mode 0.0 %, recorded "));
    cr_assert_eq(
        run_program(
            "replay r --policy fixed_threshold --set policy.threshold=0 --set policy.require_teacher_better=false"),
        0);
    cr_expect(said("in expert mode 100.0 %, recorded "));
    cr_expect(said("replayed |#"));
    cr_expect_eq(run_program("replay r --policy switchokd"), 2);
    cr_expect(said("did you mean \"switokd\"?"));
}

/* A byte of a file changed, or the file cut; at < 0 from its end. */
static void damage(const char *name, long at, bool cut) {
    FILE *file = fopen(name, "r+");
    cr_assert(file && fseek(file, at, at < 0 ? SEEK_END : SEEK_SET) == 0);
    if (cut) {
        cr_assert_eq(ftruncate(fileno(file), ftell(file)), 0);
    } else {
        int byte = fgetc(file);
        cr_assert(fseek(file, -1, SEEK_CUR) == 0 && fputc(byte ^ 1, file) != EOF);
    }
    fclose(file);
}

Test(replay, what_is_missing_or_damaged_is_told) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --quiet --out plain"), 0);
    cr_expect_eq(run_program("replay plain"), 2);
    cr_expect(said("plain/signals.bin is not there; train with --set train.record_signals=logits"));
    cr_assert_eq(run_program(SMALL "--out r"), 0);
    cr_expect_eq(run_program("replay r --out r/steps.jsonl"), 2);
    cr_expect(said("r/steps.jsonl is there already; name another with --out"));
    cr_expect_eq(run_program("replay nowhere"), 2);
    damage("r/signals.bin", -10, true);
    cr_expect_eq(run_program("replay r"), 0);
    cr_expect(said("14 decisions") && said("not whole, after 14 steps"));
    damage("r/signals.bin", -2000, false); /* in the record before */
    cr_expect_eq(run_program("replay r"), 0);
    cr_expect(said("not whole, after 13 steps"));
    damage("r/signals.bin", 3, false);
    cr_expect_eq(run_program("replay r"), 2);
    cr_expect(said("r/signals.bin: does not begin as signals do"));
}

Test(replay, a_config_means_the_folder_where_its_runs_go) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program(SMALL "--set seed=7"), 0);
    cr_expect_eq(run_program("replay small.cfg"), 2);
    cr_expect(said("runs/small/default/seed-1"), "this seed was never run");
    write_small("small.cfg", "seed = 7;\n");
    cr_expect_eq(run_program("replay small.cfg"), 0);
    cr_expect(said("15 decisions, 15 (100.0 %) as recorded"));
}

/* What the question and the record do not have in common. */
Test(replay, a_record_that_does_not_fit_is_refused) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program(SMALL "--out r"), 0);
    cr_expect_eq(run_program("replay r --set topology.plugin=independent --set nodes.teacher.role=peer "
                             "--set nodes.student.role=peer"),
                 2);
    cr_expect(said("no policy decides anything in this topology"));
    cr_expect_eq(run_program("replay r --set topology.plugin=multi_student --set nodes.other.plugin=mlp "
                             "--set nodes.other.role=student"),
                 2);
    cr_expect(said("r/signals.bin: has nothing of node \"other\", which a policy looks at"));
    cr_expect_eq(run_program("replay r --out no/folder/out.jsonl"), 1);
    cr_expect(said("no/folder/out.jsonl"));
    cr_assert_eq(system("sed -i 1d r/steps.jsonl"), 0);
    cr_expect_eq(run_program("replay r"), 2);
    cr_expect(said("steps.jsonl does not have the gates of step 0"));
    cr_assert_eq(remove("r/steps.jsonl"), 0);
    cr_expect_eq(run_program("replay r"), 1);
    cr_expect(said("r/steps.jsonl"));
}
