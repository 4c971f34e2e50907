/* test_shapes.c - the drawn data set: the same everywhere, balanced, and with different images in its splits. */
#include "opened.h"

static struct opened load_shapes(int64_t train, int64_t test) {
    struct opened opened = load("shapes");
    *(int64_t *)member(&opened, "train", SY_TYPE_INT64) = train;
    *(int64_t *)member(&opened, "test", SY_TYPE_INT64) = test;
    return opened;
}

Test(data_shapes, describes_itself) {
    struct opened opened = load("shapes");
    open_well(&opened);
    struct sy_dataset_info info = describe(&opened);
    cr_assert_eq(info.classes, 12);
    cr_assert_eq(info.count[SY_TRAIN_SPLIT], 4096);
    cr_assert_eq(info.count[SY_TEST_SPLIT], 1024);
    cr_assert(info.shape.rank == 3 && info.shape.dim[0] == 3 && info.shape.dim[1] == 32 && info.shape.dim[2] == 32);
    cr_assert_eq(info.dtype, SY_U8);
    cr_assert_str_eq(info.class_names[0], "disc");
    cr_assert_str_eq(info.class_names[11], "corner");
    close_opened(&opened);
}

/* Only exactly rounded operations are used, so one checksum holds for every compiler and processor. A new number here
 * means other images, and so other results: say so in the changelog. */
Test(data_shapes, draws_the_published_images) {
    struct opened opened = load("shapes");
    open_well(&opened);
    cr_assert_eq(describe(&opened).checksum, UINT64_C(0x6C45DAF963BE6932), "it is 0x%016llx",
                 (unsigned long long)describe(&opened).checksum);
    close_opened(&opened);
}

Test(data_shapes, an_image_depends_on_its_number_only) {
    struct opened few = load_shapes(40, 30), many = load_shapes(200, 100);
    uint8_t one[3072], other[3072];
    int32_t label, other_label;
    many.host.threads = 7;
    open_well(&few);
    open_well(&many);
    for (int32_t split = 0; split < SY_SPLITS; split++) {
        for (int64_t i = 0; i < 30; i++) {
            read_well(&few, split, i, one, &label);
            read_well(&many, split, i, other, &other_label);
            cr_assert_eq(label, other_label);
            cr_assert_eq(memcmp(one, other, sizeof one), 0, "split %d image %lld", split, (long long)i);
        }
    }
    close_opened(&few);
    close_opened(&many);
}

Test(data_shapes, labels_are_balanced) {
    struct opened opened = load_shapes(240, 120);
    uint8_t pixels[3072];
    int32_t label;
    open_well(&opened);
    struct sy_dataset_info info = describe(&opened);
    for (int32_t split = 0; split < SY_SPLITS; split++) {
        int32_t times[12] = {0};
        for (int64_t i = 0; i < info.count[split]; i++) {
            read_well(&opened, split, i, pixels, &label);
            cr_assert(label >= 0 && label < 12);
            times[label]++;
        }
        for (int32_t c = 0; c < 12; c++) {
            cr_assert_eq(times[c], split == SY_TRAIN_SPLIT ? 20 : 10);
        }
    }
    close_opened(&opened);
}

Test(data_shapes, no_image_comes_twice) {
    enum { COUNT = 150 };
    static uint8_t pixels[2 * COUNT][3072];
    struct opened opened = load_shapes(COUNT, COUNT);
    int32_t label;
    open_well(&opened);
    for (int32_t i = 0; i < 2 * COUNT; i++) {
        read_well(&opened, i / COUNT, i % COUNT, pixels[i], &label);
        for (int32_t j = 0; j < i; j++) {
            cr_assert_neq(memcmp(pixels[i], pixels[j], sizeof pixels[i]), 0, "images %d and %d", i, j);
        }
    }
    close_opened(&opened);
}

Test(data_shapes, the_seed_changes_the_images) {
    struct opened one = load_shapes(20, 20), other = load_shapes(20, 20);
    *(uint64_t *)member(&other, "seed", SY_TYPE_UINT64) = 2;
    open_well(&one);
    open_well(&other);
    cr_assert_neq(describe(&one).checksum, describe(&other).checksum);
    close_opened(&one);
    close_opened(&other);
}

Test(data_shapes, mean_and_std_are_those_of_the_train_split) {
    struct opened opened = load_shapes(50, 20);
    double sum[3] = {0}, squares[3] = {0};
    uint8_t pixels[3072];
    int32_t label;
    open_well(&opened);
    struct sy_dataset_info info = describe(&opened);
    for (int64_t i = 0; i < 50; i++) {
        read_well(&opened, SY_TRAIN_SPLIT, i, pixels, &label);
        for (int32_t p = 0; p < 3072; p++) {
            sum[p / 1024] += pixels[p] / 255.0;
        }
    }
    for (int32_t c = 0; c < 3; c++) {
        cr_assert_float_eq(info.mean[c], sum[c] / (50 * 1024), 1e-12);
    }
    for (int64_t i = 0; i < 50; i++) {
        read_well(&opened, SY_TRAIN_SPLIT, i, pixels, &label);
        for (int32_t p = 0; p < 3072; p++) {
            double off = pixels[p] / 255.0 - info.mean[p / 1024];
            squares[p / 1024] += off * off;
        }
    }
    for (int32_t c = 0; c < 3; c++) {
        cr_assert_float_eq(info.std[c] * info.std[c], squares[c] / (50 * 1024), 1e-12);
    }
    close_opened(&opened);
}

/* Pixels that differ by more than `step` in some channel from both their left and their upper neighbour. */
static int32_t corners(const uint8_t *pixels, int32_t step) {
    int32_t count = 0;
    for (int32_t y = 1; y < 32; y++) {
        for (int32_t x = 1; x < 32; x++) {
            int32_t at = y * 32 + x;
            bool left = false, above = false;
            for (int32_t c = 0; c < 3; c++) {
                const uint8_t *plane = pixels + c * 1024;
                left = left || abs(plane[at] - plane[at - 1]) > step;
                above = above || abs(plane[at] - plane[at - 32]) > step;
            }
            count += left && above;
        }
    }
    return count;
}

Test(data_shapes, clutter_and_noise_can_be_turned_off) {
    struct opened plain = load_shapes(160, 1), noisy = load_shapes(160, 1);
    uint8_t pixels[3072];
    int32_t label, in_plain = 0, in_noisy = 0;
    *(int32_t *)member(&plain, "clutter", SY_TYPE_INT32) = 0;
    *(double *)member(&plain, "noise", SY_TYPE_DOUBLE) = 0;
    open_well(&plain);
    open_well(&noisy);
    for (int64_t i = 0; i < 160; i++) {
        read_well(&plain, SY_TRAIN_SPLIT, i, pixels, &label);
        in_plain += corners(pixels, 12);
        read_well(&noisy, SY_TRAIN_SPLIT, i, pixels, &label);
        in_noisy += corners(pixels, 12);
    }
    cr_assert_gt(in_plain, 160, "nothing is drawn");
    cr_assert_lt(in_plain, 160 * 100, "%d", in_plain);
    cr_assert_gt(in_noisy, 160 * 400, "%d", in_noisy);
    close_opened(&plain);
    close_opened(&noisy);
}

Test(data_shapes, there_are_sixteen_classes_at_most) {
    struct opened opened = load_shapes(160, 16);
    uint8_t pixels[3072];
    int32_t label;
    *(int32_t *)member(&opened, "classes", SY_TYPE_INT32) = 16;
    open_well(&opened);
    struct sy_dataset_info info = describe(&opened);
    cr_assert_eq(info.classes, 16);
    for (int32_t c = 0; c < 16; c++) {
        read_well(&opened, SY_TEST_SPLIT, c, pixels, &label);
        cr_assert_eq(label, c);
        cr_assert(info.class_names[c] && info.class_names[c][0]);
    }
    check_no_sample(&opened, SY_TRAIN_SPLIT, 160);
    check_no_sample(&opened, SY_TEST_SPLIT, 16);
    check_no_sample(&opened, SY_TEST_SPLIT, -1);
    check_no_sample(&opened, 2, 0);
    for (const struct sy_field *field = opened.plugin->fields; field->name; field++) {
        if (strcmp(field->name, "classes") == 0) {
            cr_assert_eq(field->max, 16);
        }
    }
    close_opened(&opened);
}
