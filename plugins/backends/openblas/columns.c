/* columns.c - see columns.h. */
#include "columns.h"

#include <string.h>

#include "../cpu/clones.h"

/* Output and input images are of one size and neighbours stay neighbours: a plane is copied whole, then its rim zeroed. */
static bool is_same_size(const struct sizes *s) {
    return s->stride == 1 && s->out_height == s->height && s->out_width == s->width;
}

/* ---- one plane of columns --------------------------------------------------------------------------------------- */

/* Columns of a plane whose window's element (kh, kw) lies outside the image. */
struct rim {
    size_t top, bottom, left, right; /* rows and columns of zeros */
};

static struct rim rim_of(const struct sizes *s, size_t kh, size_t kw) {
    struct rim rim = {0, 0, 0, 0};
    rim.top = kh < s->padding ? s->padding - kh : 0;
    rim.bottom = kh > s->padding ? kh - s->padding : 0;
    rim.left = kw < s->padding ? s->padding - kw : 0;
    rim.right = kw > s->padding ? kw - s->padding : 0;
    return rim;
}

static void zero_rim(float *plane, const struct sizes *s, const struct rim *rim) {
    size_t width = s->out_width, height = s->out_height;
    size_t top = rim->top < height ? rim->top : height, bottom = rim->bottom < height ? rim->bottom : height;
    memset(plane, 0, top * width * sizeof *plane);
    memset(plane + (height - bottom) * width, 0, bottom * width * sizeof *plane);
    for (size_t w = 0; w < rim->left && w < width; w++) {
        for (size_t h = 0; h < height; h++) {
            plane[h * width + w] = 0;
        }
    }
    for (size_t w = 0; w < rim->right && w < width; w++) {
        for (size_t h = 0; h < height; h++) {
            plane[h * width + width - 1 - w] = 0;
        }
    }
}

/* plane[p] = x[p + shift] wherever that is inside the image's memory */
static void shifted_copy(float *plane, const float *x, const struct sizes *s, size_t kh, size_t kw) {
    ptrdiff_t shift =
        ((ptrdiff_t)kh - (ptrdiff_t)s->padding) * (ptrdiff_t)s->width + (ptrdiff_t)kw - (ptrdiff_t)s->padding;
    size_t size = s->height * s->width, first = shift < 0 ? (size_t)-shift : 0;
    size_t last = shift > 0 ? ((size_t)shift < size ? size - (size_t)shift : 0) : size;
    struct rim rim = rim_of(s, kh, kw);
    if (first < last) {
        memcpy(plane + first, x + ((ptrdiff_t)first + shift), (last - first) * sizeof *plane);
    }
    zero_rim(plane, s, &rim);
}

/* The way back: x[p + shift] += plane[p], the rim left out */
CPU_CLONES
static void shifted_add(float *restrict x, float *restrict plane, const struct sizes *s, size_t kh, size_t kw) {
    ptrdiff_t shift =
        ((ptrdiff_t)kh - (ptrdiff_t)s->padding) * (ptrdiff_t)s->width + (ptrdiff_t)kw - (ptrdiff_t)s->padding;
    size_t size = s->height * s->width, first = shift < 0 ? (size_t)-shift : 0;
    size_t last = shift > 0 ? ((size_t)shift < size ? size - (size_t)shift : 0) : size;
    struct rim rim = rim_of(s, kh, kw);
    zero_rim(plane, s, &rim);
    float *to = x + shift;
    for (size_t p = first; p < last; p++) {
        to[p] += plane[p];
    }
}

/* The general case, one window element of one channel: copies (or adds back) what strides and padding leave. */
static void strided(float *plane, float *x, const struct sizes *s, size_t kh, size_t kw, bool back) {
    for (size_t oh = 0; oh < s->out_height; oh++) {
        size_t h = oh * s->stride + kh; /* plus the padding */
        float *row = plane + oh * s->out_width;
        bool outside = h < s->padding || h - s->padding >= s->height;
        for (size_t ow = 0; ow < s->out_width; ow++) {
            size_t w = ow * s->stride + kw;
            bool inside = !outside && w >= s->padding && w - s->padding < s->width;
            float *pixel = inside ? x + (h - s->padding) * s->width + (w - s->padding) : NULL;
            if (back && inside) {
                *pixel += row[ow];
            } else if (!back) {
                row[ow] = inside ? *pixel : 0;
            }
        }
    }
}

void columns_of(float *columns, size_t ld, const float *x, const struct sizes *s) {
    for (size_t c = 0; c < s->channels; c++, x += s->height * s->width) {
        for (size_t kh = 0; kh < s->kernel; kh++) {
            for (size_t kw = 0; kw < s->kernel; kw++, columns += ld) {
                if (is_same_size(s)) {
                    shifted_copy(columns, x, s, kh, kw);
                } else {
                    strided(columns, (float *)x, s, kh, kw, false);
                }
            }
        }
    }
}

void columns_back(float *x, float *columns, size_t ld, const struct sizes *s) {
    for (size_t c = 0; c < s->channels; c++, x += s->height * s->width) {
        for (size_t kh = 0; kh < s->kernel; kh++) {
            for (size_t kw = 0; kw < s->kernel; kw++, columns += ld) {
                if (is_same_size(s)) {
                    shifted_add(x, columns, s, kh, kw);
                } else {
                    strided(columns, x, s, kh, kw, true);
                }
            }
        }
    }
}
