/* test_schedule.c - learning-rate factors and optimiser tables against values worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>

#include "train/optimizer.h"
#include "train/schedule.h"

struct reading {
    struct sy_problems *problems;
    struct sy_arena *arena;
    struct sy_setting *root;
};

static struct reading read_text(const char *text) {
    struct reading reading = {.problems = sy_problems_create(), .arena = sy_arena_create()};
    reading.root = sy_setting_read_text(text, "test.cfg", reading.problems);
    return reading;
}

static void finish(struct reading *reading) {
    sy_setting_destroy(reading->root);
    sy_arena_destroy(reading->arena);
    sy_problems_destroy(reading->problems);
}

static struct sy_schedule schedule(const char *text, struct reading *reading) {
    struct sy_schedule out;
    *reading = read_text(text);
    cr_assert(reading->root);
    cr_assert(sy_schedule_read(&out, reading->root, reading->arena, reading->problems));
    return out;
}

Test(schedule, multistep_multiplies_at_the_start_of_each_listed_epoch) {
    struct reading reading;
    struct sy_schedule s = schedule("kind = \"multistep\"; epochs = [2, 4]; factor = 0.1;", &reading);
    const double expected[] = {1, 1, 0.1, 0.1, 0.01, 0.01};
    for (int epoch = 0; epoch < 6; epoch++) {
        cr_expect_float_eq(sy_schedule_factor(&s, epoch, 3, 10, 6), expected[epoch], 1e-15);
    }
    finish(&reading);
}

Test(schedule, cosine_goes_from_one_to_last_by_steps) {
    struct reading reading;
    struct sy_schedule s = schedule("kind = \"cosine\"; last = 0.2;", &reading);
    cr_expect_float_eq(sy_schedule_factor(&s, 0, 0, 10, 4), 1, 1e-15);
    cr_expect_float_eq(sy_schedule_factor(&s, 2, 0, 10, 4), 0.6, 1e-12);
    cr_expect_float_eq(sy_schedule_factor(&s, 1, 0, 10, 4), 0.2 + 0.8 * (0.5 + sqrt(0.125)), 1e-12);
    cr_expect_float_eq(sy_schedule_factor(&s, 3, 10, 10, 4), 0.2, 1e-12);
    finish(&reading);
}

Test(schedule, linear_with_warmup_rises_then_falls) {
    struct reading reading;
    struct sy_schedule s = schedule("kind = \"linear\"; warmup_epochs = 2; warmup_factor = 0.5;", &reading);
    cr_expect_float_eq(sy_schedule_factor(&s, 0, 0, 4, 8), 0.5, 1e-15);
    /* half way through the warm-up: 0.75 of the line's 7/8 */
    cr_expect_float_eq(sy_schedule_factor(&s, 1, 0, 4, 8), 0.75 * 7 / 8, 1e-15);
    cr_expect_float_eq(sy_schedule_factor(&s, 2, 0, 4, 8), 0.75, 1e-15);
    finish(&reading);
}

Test(schedule, a_key_of_another_kind_is_unknown) {
    struct reading reading = read_text("kind = \"cosine\"; factor = 0.1;");
    struct sy_schedule out;
    cr_expect_not(sy_schedule_read(&out, reading.root, reading.arena, reading.problems));
    cr_assert_eq(sy_problems_count(reading.problems), 1);
    cr_expect(strstr(sy_problems_text(reading.problems, 0), "test.cfg:1: factor: unknown key"));
    finish(&reading);
}

Test(optimizer, every_kind_has_its_own_keys_and_pytorchs_defaults) {
    struct sy_optimizer out;
    struct reading reading = read_text("kind = \"adamw\"; lr = 1;");
    cr_assert(sy_optimizer_read(&out, reading.root, reading.arena, reading.problems));
    cr_expect_eq(sy_optimizer_slots(&out), 2);
    struct sy_update update = sy_optimizer_update(&out, 0.5, 7);
    cr_expect_eq(update.rule, SY_ADAMW);
    cr_expect_eq(update.count, 7);
    cr_expect_float_eq(update.lr, 0.5, 0);
    cr_expect_float_eq(update.weight_decay, 0.01, 0);
    cr_expect_float_eq(update.beta1, 0.9, 0);
    cr_expect_float_eq(update.beta2, 0.999, 0);
    cr_expect_float_eq(update.eps, 1e-8, 0);
    finish(&reading);

    reading = read_text("kind = \"adam\"; momentum = 0.9;");
    cr_expect_not(sy_optimizer_read(&out, reading.root, reading.arena, reading.problems));
    finish(&reading);

    reading = read_text("momentum = 0;");
    cr_assert(sy_optimizer_read(&out, reading.root, reading.arena, reading.problems));
    cr_expect_eq(sy_optimizer_slots(&out), 0, "without momentum there is nothing to keep");
    finish(&reading);
}
