/* view.c - one pass over the rows of an image. What falls outside the stored image is decided once a row, so the
 * loops over pixels have no branches. */
#include "view.h"

#include <stdlib.h>

/* Where the crop lies: output pixel (y, x) is stored pixel (y + down, x + right), mirrored afterwards when flipped. */
struct placement {
    int32_t down, right;
    bool flip;
};

static struct placement draw_placement(const struct sy_view_maker *maker, uint32_t view_key, int64_t epoch,
                                       int64_t sample) {
    struct placement at = {0, 0, false};
    if (!maker->augment.crop_pad && !maker->augment.flip) {
        return at;
    }
    int32_t pad = maker->augment.crop_pad;
    struct sy_rng rng = sy_rng_make(maker->seed, SY_FOR_AUGMENT, view_key, (uint32_t)epoch, (uint32_t)sample);
    /* All three are always drawn: turning the flip on must not move the crops. */
    at.down = (int32_t)sy_rng_below(&rng, 2 * (uint32_t)pad + 1) - pad;
    at.right = (int32_t)sy_rng_below(&rng, 2 * (uint32_t)pad + 1) - pad;
    at.flip = sy_rng_below(&rng, 2) == 1 && maker->augment.flip;
    return at;
}

static void fill(float *out, int32_t count, float value) {
    for (int32_t i = 0; i < count; i++) {
        out[i] = value;
    }
}

static void look_up(float *out, const uint8_t *in, int32_t count, const float *table) {
    for (int32_t i = 0; i < count; i++) {
        out[i] = table[in[i]];
    }
}

static void look_up_mirrored(float *out, const uint8_t *in, int32_t count, const float *table) {
    for (int32_t i = 0; i < count; i++) {
        out[i] = table[in[count - 1 - i]];
    }
}

static void scale(float *out, const float *in, int32_t count, double mean, double std) {
    for (int32_t i = 0; i < count; i++) {
        out[i] = (float)((in[i] - mean) / std);
    }
}

static void scale_mirrored(float *out, const float *in, int32_t count, double mean, double std) {
    for (int32_t i = 0; i < count; i++) {
        out[i] = (float)((in[count - 1 - i] - mean) / std);
    }
}

/* Converts `count` pixels of one channel that begin at element `from` of the sample. */
static void convert(float *out, const struct sy_view_maker *maker, const void *pixels, size_t from, int32_t count,
                    int32_t channel, bool flip) {
    if (maker->dtype == SY_U8) {
        const uint8_t *in = (const uint8_t *)pixels + from;
        const float *table = maker->table + 256 * (size_t)channel;
        if (flip) {
            look_up_mirrored(out, in, count, table);
        } else {
            look_up(out, in, count, table);
        }
    } else {
        const float *in = (const float *)pixels + from;
        if (flip) {
            scale_mirrored(out, in, count, maker->mean[channel], maker->std[channel]);
        } else {
            scale(out, in, count, maker->mean[channel], maker->std[channel]);
        }
    }
}

static int32_t at_least_zero(int32_t value) {
    return value > 0 ? value : 0;
}

void sy_view_make(float *out, const struct sy_view_maker *maker, const void *pixels, uint32_t view_key, int64_t epoch,
                  int64_t sample) {
    int32_t height = maker->height, width = maker->width;
    struct placement at = draw_placement(maker, view_key, epoch, sample);
    /* Of an output row, before mirroring: `left` black pixels, `middle` stored ones, the rest black. */
    int32_t left = at_least_zero(-at.right), first = at_least_zero(at.right);
    int32_t middle = at_least_zero(width - left - first);
    int32_t begin = at.flip ? width - left - middle : left;
    for (int32_t c = 0; c < maker->channels; c++) {
        float black = maker->black[c];
        for (int32_t y = 0; y < height; y++, out += width) {
            int32_t row = y + at.down;
            if (row < 0 || row >= height || middle == 0) {
                fill(out, width, black);
                continue;
            }
            size_t from = ((size_t)c * (size_t)height + (size_t)row) * (size_t)width + (size_t)first;
            fill(out, begin, black);
            convert(out + begin, maker, pixels, from, middle, c, at.flip);
            fill(out + begin + middle, width - begin - middle, black);
        }
    }
}

int sy_view_check(const struct sy_dataset_info *info, const double *mean, const double *std, struct sy_augment augment,
                  struct sy_error *err) {
    if (info->shape.rank != 1 && info->shape.rank != 3) {
        return sy_fail(err, SY_EINVAL,
                       "samples of rank %d; a data set has images (rank 3: channels, height, width) or "
                       "features (rank 1)",
                       info->shape.rank);
    }
    for (int32_t i = 0; i < 3; i++) {
        if (info->shape.dim[i] < 1) {
            return sy_fail(err, SY_EINVAL, "dimension %d of the samples is %d; it must be 1 or more", i,
                           info->shape.dim[i]);
        }
    }
    if (info->dtype != SY_U8 && info->dtype != SY_F32) {
        return sy_fail(err, SY_EINVAL, "samples of type %d; a data set has SY_U8 (%d) or SY_F32 (%d)", info->dtype,
                       SY_U8, SY_F32);
    }
    /* 2 pad + 1 must fit the generator and row + pad an int32_t, with room to spare. */
    if (augment.crop_pad < 0 || augment.crop_pad > 1 << 20) {
        return sy_fail(err, SY_ERANGE, "crop_pad = %d is outside [0, %d]", augment.crop_pad, 1 << 20);
    }
    if ((augment.crop_pad > 0 || augment.flip) && info->shape.rank != 3) {
        return sy_fail(err, SY_EINVAL, "crop_pad and flip need images; these samples are plain features");
    }
    for (int32_t c = 0; mean && c < info->shape.dim[0]; c++) {
        if (!isfinite(mean[c]) || !isfinite(std[c]) || !(std[c] > 0)) {
            return sy_fail(err, SY_ERANGE,
                           "channel %d is to be normalised with mean %g and std %g; both must be finite and std "
                           "above 0",
                           c, mean[c], std[c]);
        }
    }
    return SY_OK;
}

int sy_view_maker_init(struct sy_view_maker *maker, const struct sy_dataset_info *info, const double *mean,
                       const double *std, struct sy_augment augment, uint64_t seed, struct sy_error *err) {
    *maker = (struct sy_view_maker){0};
    int status = sy_view_check(info, mean, std, augment, err);
    if (status) {
        return status;
    }
    size_t channels = (size_t)info->shape.dim[0];
    size_t table = info->dtype == SY_U8 ? 256 * channels : 0;
    double *memory = malloc(2 * channels * sizeof(double) + (channels + table) * sizeof(float));
    if (!memory) {
        return sy_fail(err, SY_ENOMEM, "no memory for the normalisation of %zu channels", channels);
    }
    double *means = memory, *stds = memory + channels;
    float *black = (float *)(memory + 2 * channels), *bytes = black + channels;
    for (size_t c = 0; c < channels; c++) {
        means[c] = mean[c];
        stds[c] = std[c];
        black[c] = (float)((0.0 - mean[c]) / std[c]);
        for (size_t v = 0; v < 256 && table; v++) {
            bytes[256 * c + v] = (float)(((double)v / 255.0 - mean[c]) / std[c]);
        }
    }
    *maker = (struct sy_view_maker){.channels = info->shape.dim[0],
                                    .height = info->shape.dim[1],
                                    .width = info->shape.dim[2],
                                    .dtype = info->dtype,
                                    .augment = augment,
                                    .seed = seed,
                                    .mean = means,
                                    .std = stds,
                                    .black = black,
                                    .table = table ? bytes : NULL,
                                    .memory = memory};
    return SY_OK;
}

void sy_view_maker_finish(struct sy_view_maker *maker) {
    free(maker->memory);
    *maker = (struct sy_view_maker){0};
}
