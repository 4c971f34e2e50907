/* test_forced.c - a cohort whose mode somebody forces, and an experiment without a data set or a topology. */
#include <criterion/criterion.h>

#include "train/cohort.h"

#define ROOM (4 * 3 * 2 * 2)

struct bench {
    struct sy_problems *problems;
    struct sy_registry *registry;
    struct sy_experiment *experiment;
    struct sy_cohort *cohort;
};

static const struct sy_dataset_info images = {
    .size = sizeof images, .classes = 3, .count = {64, 0}, .shape = {3, {3, 2, 2}}, .dtype = SY_F32};

static struct bench make(const char *text) {
    struct bench bench = {sy_problems_create(), sy_registry_create("/bin/sh"), NULL, NULL};
    struct sy_error err = {.size = sizeof err};
    struct sy_setting *config = sy_setting_read_text(text, "test.cfg", bench.problems);
    cr_assert(config != NULL);
    bench.experiment = sy_experiment_create_unfed(config, bench.registry, &images, bench.problems);
    cr_assert(bench.experiment != NULL, "%s", sy_problems_text(bench.problems, 0));
    cr_assert_eq(sy_cohort_create(&bench.cohort, bench.experiment, &err), SY_OK, "%s", err.text);
    return bench;
}

static void finish(struct bench *bench) {
    sy_cohort_destroy(bench->cohort);
    sy_experiment_destroy(bench->experiment);
    sy_registry_destroy(bench->registry);
    sy_problems_destroy(bench->problems);
}

static void take_step(struct bench *bench, int32_t forced_mode) {
    struct sy_error err = {.size = sizeof err};
    float image[ROOM];
    const float *views[] = {image};
    const int32_t labels[] = {0, 1, 2, 1};
    const int64_t samples[] = {0, 1, 2, 3};
    const struct sy_batch batch = {4, labels, samples, views};
    const struct sy_moment now = {0, 0, 0};
    for (int i = 0; i < ROOM; i++) {
        image[i] = (float)(i % 7) - 3;
    }
    bench->cohort->forced_mode = forced_mode;
    cr_assert_eq(sy_cohort_step(bench->cohort, &batch, &now, &err), SY_OK, "%s", err.text);
}

static const char pair[] = "backend = \"reference\"; threads = 1; data: { batch = 4; };\n"
                           "nodes: { t: { plugin = \"mlp\"; role = \"teacher\"; hidden = [4]; };\n"
                           "         s: { plugin = \"mlp\"; role = \"student\"; hidden = [4]; }; };\n"
                           "topology: { plugin = \"pair\"; }; policy: { plugin = \"learning\"; };\n";

Test(forced, the_mode_is_what_was_asked_for_whatever_the_policy_says) {
    struct bench bench = make(pair);
    take_step(&bench, 0);
    cr_expect(bench.cohort->members[0].on);
    take_step(&bench, 1 + SY_EXPERT);
    cr_expect_not(bench.cohort->members[0].on, "the teacher is paused");
    cr_expect(bench.cohort->members[1].on);
    cr_expect_eq(bench.cohort->decisions[0].mode, SY_EXPERT);
    take_step(&bench, 1 + SY_LEARNING);
    cr_expect(bench.cohort->members[0].on);
    finish(&bench);
}

Test(forced, a_node_alone_needs_no_topology) {
    struct bench bench = make("backend = \"reference\"; threads = 1; data: { batch = 4; };\n"
                              "nodes: { net: { plugin = \"mlp\"; }; };\n");
    cr_expect_eq(bench.experiment->n_gates, 0);
    cr_expect_eq(bench.experiment->n_edges, 0);
    take_step(&bench, 0);
    cr_expect(bench.cohort->members[0].on);
    finish(&bench);
}
