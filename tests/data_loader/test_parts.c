/* test_parts.c - the validation part: disjoint, stratified, drawn by the seed. */
#include <criterion/criterion.h>
#include <string.h>

#include "data/loader.h"
#include "data/parts.h"
#include "made_up.h"

enum { COUNT = 1000, CLASSES = 3 };

/* 500, 300 and 200 samples, mixed. */
static const int32_t *labels(void) {
    static int32_t label[COUNT];
    for (int i = 0; i < COUNT; i++) {
        int tenth = (i * 7) % 10;
        label[i] = tenth < 5 ? 0 : tenth < 8 ? 1 : 2;
    }
    return label;
}

static struct sy_parts divided(int64_t want, uint64_t seed) {
    struct sy_parts parts;
    struct sy_error err = {.size = sizeof err};
    cr_assert_eq(sy_parts_divide(&parts, labels(), COUNT, CLASSES, want, seed, &err), SY_OK, "%s", err.text);
    return parts;
}

Test(parts, every_sample_is_in_one_part) {
    struct sy_parts parts = divided(101, 1);
    int seen[COUNT] = {0};
    cr_assert_eq(parts.n_validation, 101);
    cr_assert_eq(parts.n_train, COUNT - 101);
    for (int64_t i = 0; i < parts.n_validation; i++) {
        seen[parts.validation[i]]++;
        cr_expect(i == 0 || parts.validation[i] > parts.validation[i - 1], "in the split's order");
    }
    for (int64_t i = 0; i < parts.n_train; i++) {
        seen[parts.train[i]]++;
        cr_expect(i == 0 || parts.train[i] > parts.train[i - 1]);
    }
    for (int i = 0; i < COUNT; i++) {
        cr_expect_eq(seen[i], 1);
    }
    sy_parts_finish(&parts);
}

Test(parts, classes_give_in_proportion) {
    /* of 101: 50.5, 30.3 and 20.2, so the one left over is of the first class; of 99: 49.5, 29.7, 19.8 */
    const struct {
        int64_t want, of[CLASSES];
    } cases[] = {{100, {50, 30, 20}}, {101, {51, 30, 20}}, {99, {49, 30, 20}}, {1, {1, 0, 0}}, {999, {499, 300, 200}}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct sy_parts parts = divided(cases[k].want, 3);
        int64_t of[CLASSES] = {0};
        for (int64_t i = 0; i < parts.n_validation; i++) {
            of[labels()[parts.validation[i]]]++;
        }
        for (int c = 0; c < CLASSES; c++) {
            cr_expect_eq(of[c], cases[k].of[c], "%d of %d: class %d gives %d", (int)cases[k].want, COUNT, c,
                         (int)of[c]);
        }
        sy_parts_finish(&parts);
    }
}

static int same(const struct sy_parts *one, const struct sy_parts *other) {
    return memcmp(one->validation, other->validation, (size_t)one->n_validation * sizeof *one->validation) == 0;
}

Test(parts, the_seed_and_nothing_else_draws_them) {
    struct sy_parts one = divided(100, 1), again = divided(100, 1), other = divided(100, 2);
    cr_expect(same(&one, &again));
    cr_expect_not(same(&one, &other));
    sy_parts_finish(&one);
    sy_parts_finish(&again);
    sy_parts_finish(&other);
}

Test(parts, a_loader_of_a_subset_visits_it_once) {
    const struct made_up made = {.count = 100, .dtype = SY_U8, .fails_at = -1, .mislabelled = -1};
    const uint32_t shared = 0;
    struct sy_parts parts;
    struct sy_loader *loader;
    struct sy_batch batch;
    struct sy_error err = {.size = sizeof err};
    int seen[100] = {0};
    int32_t of[80];
    for (int i = 0; i < 80; i++) {
        of[i] = made_label(i);
    }
    cr_assert_eq(sy_parts_divide(&parts, of, 80, MADE_CLASSES, 20, 5, &err), SY_OK, "%s", err.text);
    struct sy_loader_options options = {.split = SY_TRAIN_SPLIT,
                                        .batch = 16,
                                        .shuffle = true,
                                        .mean = made_mean,
                                        .std = made_std,
                                        .seed = 5,
                                        .view_keys = &shared,
                                        .n_views = 1,
                                        .threads = 2,
                                        .ahead = 2,
                                        .subset = parts.train,
                                        .n_subset = parts.n_train};
    cr_assert_eq(sy_loader_create(&loader, &made_ops, &made, &options, &err), SY_OK, "%s", err.text);
    cr_expect_eq(sy_loader_batches(loader), 4);
    cr_assert_eq(sy_loader_start(loader, 0, 0, &err), SY_OK);
    while (sy_loader_next(loader, &batch, &err) > 0) {
        for (int32_t i = 0; i < batch.count; i++) {
            seen[batch.samples[i]]++;
            cr_expect_eq(batch.labels[i], made_label(batch.samples[i]));
        }
    }
    for (int64_t i = 0; i < parts.n_train; i++) {
        cr_expect_eq(seen[parts.train[i]], 1);
    }
    for (int64_t i = 0; i < parts.n_validation; i++) {
        cr_expect_eq(seen[parts.validation[i]], 0);
    }
    sy_loader_destroy(loader);
    const int64_t outside = 100;
    options.subset = &outside;
    options.n_subset = 1;
    cr_expect_eq(sy_loader_create(&loader, &made_ops, &made, &options, &err), SY_ERANGE);
    sy_parts_finish(&parts);
}
