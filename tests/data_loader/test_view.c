/* test_view.c - crop, flip and normalisation, pixel by pixel, against a plain implementation. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <switchyard/rng.h>

#include "data/loader.h"
#include "data/view.h"
#include "made_up.h"

enum { SEED = 99 };

static const struct sy_dataset_info image_info = {.size = sizeof image_info,
                                                  .classes = MADE_CLASSES,
                                                  .shape = {.rank = 3, .dim = {MADE_CHANNELS, MADE_HEIGHT, MADE_WIDTH}},
                                                  .dtype = SY_U8};

static struct sy_view_maker maker(const struct sy_dataset_info *info, int32_t crop_pad, int32_t flip) {
    struct sy_view_maker made;
    struct sy_error error = {.size = sizeof error};
    struct sy_augment augment = {.crop_pad = crop_pad, .flip = flip};
    cr_assert_eq(sy_view_maker_init(&made, info, made_mean, made_std, augment, SEED, &error), SY_OK, "%s", error.text);
    return made;
}

static void draw_sample(uint8_t *out, int64_t sample) {
    for (int32_t p = 0; p < MADE_PIXELS; p++) {
        out[p] = made_byte(sample, p);
    }
}

/* As one would write it down: pad with black, cut out, mirror; then normalise each pixel. */
static double expected_pixel(int64_t sample, int32_t c, int32_t y, int32_t x, int32_t pad, int32_t down, int32_t right,
                             bool mirrored) {
    int32_t column = mirrored ? MADE_WIDTH - 1 - x : x;
    int32_t stored_y = y + down - pad, stored_x = column + right - pad;
    double value = 0;
    if (stored_y >= 0 && stored_y < MADE_HEIGHT && stored_x >= 0 && stored_x < MADE_WIDTH) {
        value = made_byte(sample, (c * MADE_HEIGHT + stored_y) * MADE_WIDTH + stored_x) / 255.0;
    }
    return (value - made_mean[c]) / made_std[c];
}

static void check_view(int32_t pad, int32_t flip, uint32_t key, int64_t epoch, int64_t sample) {
    struct sy_view_maker made = maker(&image_info, pad, flip);
    uint8_t pixels[MADE_PIXELS];
    float view[MADE_PIXELS];
    draw_sample(pixels, sample);
    sy_view_make(view, &made, pixels, key, epoch, sample);
    struct sy_rng rng = sy_rng_make(SEED, SY_FOR_AUGMENT, key, (uint32_t)epoch, (uint32_t)sample);
    int32_t down = (int32_t)sy_rng_below(&rng, (uint32_t)(2 * pad + 1));
    int32_t right = (int32_t)sy_rng_below(&rng, (uint32_t)(2 * pad + 1));
    bool mirrored = sy_rng_below(&rng, 2) == 1 && flip;
    for (int32_t c = 0; c < MADE_CHANNELS; c++) {
        for (int32_t y = 0; y < MADE_HEIGHT; y++) {
            for (int32_t x = 0; x < MADE_WIDTH; x++) {
                float got = view[(c * MADE_HEIGHT + y) * MADE_WIDTH + x];
                float right_value = (float)expected_pixel(sample, c, y, x, pad, down, right, mirrored);
                cr_assert_eq(got, right_value, "pad %d flip %d sample %lld channel %d row %d column %d: %.9g, not %.9g",
                             pad, flip, (long long)sample, c, y, x, got, right_value);
            }
        }
    }
    sy_view_maker_finish(&made);
}

Test(data_view, is_what_a_plain_implementation_gives) {
    /* 12: the padding exceeds the image, so that whole rows and columns are black. */
    const int32_t pads[] = {0, 1, 4, 12};
    for (size_t p = 0; p < sizeof pads / sizeof pads[0]; p++) {
        for (int32_t flip = 0; flip <= 1; flip++) {
            for (int64_t sample = 0; sample < 60; sample++) {
                check_view(pads[p], flip, (uint32_t)(sample % 3), sample % 5, sample);
            }
        }
    }
}

Test(data_view, every_byte_is_normalised_exactly) {
    struct sy_dataset_info info = image_info;
    uint8_t bytes[3 * 256];
    float out[3 * 256];
    info.shape = (struct sy_shape){.rank = 3, .dim = {3, 1, 256}};
    struct sy_view_maker made = maker(&info, 0, 0);
    for (int32_t i = 0; i < 3 * 256; i++) {
        bytes[i] = (uint8_t)(i % 256);
    }
    sy_view_make(out, &made, bytes, 0, 0, 0);
    for (int32_t i = 0; i < 3 * 256; i++) {
        cr_assert_eq(out[i], (float)((i % 256 / 255.0 - made_mean[i / 256]) / made_std[i / 256]), "element %d", i);
    }
    sy_view_maker_finish(&made);
}

/* Floats go another way through the code: the same crops, and values normalised without scaling by 255. */
Test(data_view, floats_are_cropped_like_bytes) {
    struct sy_dataset_info info = image_info;
    struct sy_view_maker bytes = maker(&info, 4, 1);
    info.dtype = SY_F32;
    struct sy_view_maker floats = maker(&info, 4, 1);
    for (int64_t sample = 0; sample < 40; sample++) {
        uint8_t in_bytes[MADE_PIXELS];
        float in_floats[MADE_PIXELS], from_bytes[MADE_PIXELS], from_floats[MADE_PIXELS];
        draw_sample(in_bytes, sample);
        for (int32_t p = 0; p < MADE_PIXELS; p++) {
            in_floats[p] = (float)(in_bytes[p] / 255.0);
        }
        sy_view_make(from_bytes, &bytes, in_bytes, 0, 0, sample);
        sy_view_make(from_floats, &floats, in_floats, 0, 0, sample);
        for (int32_t p = 0; p < MADE_PIXELS; p++) {
            /* The inputs differ by half a unit in the last place of a float up to 1: 2^-25, over a std of 0.24 and
             * rounded once more at a size of up to 4. */
            cr_assert_float_eq(from_bytes[p], from_floats[p], 4e-7, "pixel %d", p);
        }
    }
    sy_view_maker_finish(&bytes);
    sy_view_maker_finish(&floats);
}

static void make_key(float *out, uint32_t key, int64_t epoch) {
    struct sy_view_maker made = maker(&image_info, 4, 1);
    uint8_t pixels[MADE_PIXELS];
    for (int64_t sample = 0; sample < 16; sample++) {
        draw_sample(pixels, sample);
        sy_view_make(out + sample * MADE_PIXELS, &made, pixels, key, epoch, sample);
    }
    sy_view_maker_finish(&made);
}

Test(data_view, equal_keys_see_the_same_and_others_do_not) {
    static float shared[16 * MADE_PIXELS], again[16 * MADE_PIXELS], other[16 * MADE_PIXELS], later[16 * MADE_PIXELS];
    make_key(shared, 0, 0);
    make_key(again, 0, 0);
    make_key(other, 1, 0);
    make_key(later, 0, 1);
    cr_assert_eq(memcmp(shared, again, sizeof shared), 0);
    cr_assert_neq(memcmp(shared, other, sizeof shared), 0);
    cr_assert_neq(memcmp(shared, later, sizeof shared), 0);
}

/* All (2 pad + 1)^2 crops and both sides of the coin occur, about equally often. 18 cells, 7200 draws: 400 expected,
 * standard deviation 19.4; five of them are allowed. */
Test(data_view, crops_and_flips_are_uniform) {
    struct sy_dataset_info info = {
        .size = sizeof info, .shape = {.rank = 3, .dim = {1, 5, 5}}, .classes = 2, .dtype = SY_U8};
    struct sy_view_maker made = maker(&info, 1, 1);
    uint8_t pixels[25];
    int32_t times[25][2] = {{0}};
    for (int32_t p = 0; p < 25; p++) {
        pixels[p] = (uint8_t)(p + 1);
    }
    for (int64_t sample = 0; sample < 7200; sample++) {
        float view[25];
        sy_view_make(view, &made, pixels, 0, 0, sample);
        int32_t centre = (int32_t)lrint((view[12] * made_std[0] + made_mean[0]) * 255) - 1;
        times[centre][view[11] > view[13]]++;
    }
    for (int32_t p = 0; p < 25; p++) {
        bool reached = p / 5 >= 1 && p / 5 <= 3 && p % 5 >= 1 && p % 5 <= 3;
        for (int32_t side = 0; side < 2; side++) {
            cr_assert(reached ? abs(times[p][side] - 400) < 97 : times[p][side] == 0, "%d crops around %d, flip %d",
                      times[p][side], p, side);
        }
    }
    sy_view_maker_finish(&made);
}

Test(data_view, features_cannot_be_cropped) {
    struct sy_dataset_info info = {.size = sizeof info, .shape = {.rank = 1, .dim = {3, 1, 1}}, .dtype = SY_F32};
    struct sy_view_maker made;
    struct sy_error error = {.size = sizeof error};
    struct sy_augment crop = {.crop_pad = 1}, none = {0};
    float out[3], in[3] = {1, 2, 3};
    cr_assert_eq(sy_view_maker_init(&made, &info, made_mean, made_std, crop, 0, &error), SY_EINVAL);
    cr_assert_eq(sy_view_maker_init(&made, &info, made_mean, made_std, none, 0, NULL), SY_OK);
    sy_view_make(out, &made, in, 0, 0, 0);
    for (int32_t f = 0; f < 3; f++) {
        cr_assert_eq(out[f], (float)((in[f] - made_mean[f]) / made_std[f]));
    }
    sy_view_maker_finish(&made);
}
