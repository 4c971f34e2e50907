/* image.c - see image.h. */
#include "image.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SY_HAS_PNG
#include <png.h>
#endif
#ifdef SY_HAS_JPEG
#include <turbojpeg.h>
#endif
#ifdef SY_HAS_RESIZE
#include <stb/stb_image_resize.h>
#endif

enum { MOST_PIXELS = 32768 };                   /* a side */
#define MOST_AREA  ((int64_t)100 * 1000 * 1000) /* a few bytes can ask for all the memory there is */
#define MOST_BYTES ((size_t)256 * 1024 * 1024)  /* of a file */

/* Pixels as decoders give them: rows of `channels` bytes a pixel. */
struct picture {
    uint8_t *at;
    int width, height, channels;
};

const char *sy_image_formats(void) {
#if defined(SY_HAS_PNG) && defined(SY_HAS_JPEG)
    return "PNG, JPEG";
#elif defined(SY_HAS_PNG)
    return "PNG";
#elif defined(SY_HAS_JPEG)
    return "JPEG";
#else
    return "none";
#endif
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int read_bytes(uint8_t **out, size_t *count, const char *path, struct sy_error *err) {
    FILE *file = fopen(path, "rbe");
    size_t room = 0, used = 0;
    uint8_t *bytes = NULL;
    int status = file ? SY_OK : sy_fail(err, SY_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    while (status == SY_OK && !feof(file)) {
        if (used == room) {
            room = room ? 2 * room : (size_t)1 << 16;
            uint8_t *grown = room <= MOST_BYTES ? realloc(bytes, room) : NULL;
            if (!grown) {
                status = sy_fail(err, SY_EINVAL, "%s: is larger than any picture", path);
                break;
            }
            bytes = grown;
        }
        used += fread(bytes + used, 1, room - used, file);
        if (ferror(file)) {
            status = sy_fail(err, SY_EIO, "%s: cannot be read: %s", path, strerror(errno));
        }
    }
    if (file) {
        fclose(file);
    }
    if (status != SY_OK) {
        free(bytes);
        return status;
    }
    *out = bytes, *count = used;
    return SY_OK;
}

/* Room for the pixels; the picture's sizes are those of the file. */
static int make_room(struct picture *picture, const char *path, struct sy_error *err) {
    if (picture->width < 1 || picture->height < 1 || picture->width > MOST_PIXELS || picture->height > MOST_PIXELS) {
        return sy_fail(err, SY_EINVAL, "%s: is %d x %d pixels; 1 to %d a side are read", path, picture->width,
                       picture->height, MOST_PIXELS);
    }
    if ((int64_t)picture->width * picture->height > MOST_AREA) {
        return sy_fail(err, SY_EINVAL, "%s: is %d x %d pixels; 100 million are read at most", path, picture->width,
                       picture->height);
    }
    picture->at = malloc((size_t)picture->width * (size_t)picture->height * (size_t)picture->channels);
    return picture->at ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory for %s", path);
}

#ifdef SY_HAS_PNG
static int decode_png(struct picture *picture, const uint8_t *bytes, size_t count, const char *path,
                      struct sy_error *err) {
    static const png_color black = {0, 0, 0};
    png_image image = {.version = PNG_IMAGE_VERSION};
    int status = SY_OK;
    if (!png_image_begin_read_from_memory(&image, bytes, count)) {
        return sy_fail(err, SY_EINVAL, "%s: %s", path, image.message);
    }
    image.format = picture->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    picture->width = (int)(image.width <= MOST_PIXELS ? image.width : MOST_PIXELS + 1);
    picture->height = (int)(image.height <= MOST_PIXELS ? image.height : MOST_PIXELS + 1);
    status = make_room(picture, path, err);
    if (status == SY_OK && !png_image_finish_read(&image, &black, picture->at, 0, NULL)) {
        status = sy_fail(err, SY_EINVAL, "%s: %s", path, image.message);
    }
    png_image_free(&image);
    return status;
}
#endif

#ifdef SY_HAS_JPEG
/* A progressive file may have scans without end, each a pass over the whole picture; from libjpeg-turbo 2.1 on there is a
 * limit for them. */
#ifdef TJFLAG_LIMITSCANS
enum { DECODING = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS };
#else
enum { DECODING = TJFLAG_ACCURATEDCT };
#endif

static int decode_jpeg(struct picture *picture, const uint8_t *bytes, size_t count, const char *path,
                       struct sy_error *err) {
    int sampling, colours, status = SY_OK;
    tjhandle decoder = tjInitDecompress();
    if (!decoder) {
        return sy_fail(err, SY_ENOMEM, "no memory for %s", path);
    }
    if (tjDecompressHeader3(decoder, bytes, (unsigned long)count, &picture->width, &picture->height, &sampling,
                            &colours) != 0) {
        status = sy_fail(err, SY_EINVAL, "%s: %s", path, tjGetErrorStr2(decoder));
    }
    if (status == SY_OK) {
        status = make_room(picture, path, err);
    }
    if (status == SY_OK &&
        tjDecompress2(decoder, bytes, (unsigned long)count, picture->at, picture->width, 0, picture->height,
                      picture->channels == 1 ? TJPF_GRAY : TJPF_RGB, DECODING) != 0) {
        status = sy_fail(err, SY_EINVAL, "%s: %s", path, tjGetErrorStr2(decoder));
    }
    tjDestroy(decoder);
    return status;
}
#endif

static int decode(struct picture *picture, const uint8_t *bytes, size_t count, const char *path, struct sy_error *err) {
#ifdef SY_HAS_PNG
    if (count > 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8)) {
        return decode_png(picture, bytes, count, path, err);
    }
#endif
#ifdef SY_HAS_JPEG
    if (count > 3 && !memcmp(bytes, "\xff\xd8\xff", 3)) {
        return decode_jpeg(picture, bytes, count, path, err);
    }
#endif
    (void)make_room; /* a build without pictures has nothing to call it */
    (void)picture;
    (void)bytes;
    (void)count;
    return sy_fail(err, SY_ENOTSUP, "%s: is no picture of a kind that this build reads (%s)", path, sy_image_formats());
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

/* The largest part about the centre that has the shape's proportions. */
static void cut(int *left, int *top, int *width, int *height, const struct picture *picture,
                const struct sy_shape *shape) {
    int64_t wanted_height = shape->dim[1], wanted_width = shape->dim[2];
    *width = picture->width;
    *height = picture->height;
    if ((int64_t)picture->width * wanted_height > (int64_t)picture->height * wanted_width) {
        *width = (int)((int64_t)picture->height * wanted_width / wanted_height);
    } else {
        *height = (int)((int64_t)picture->width * wanted_height / wanted_width);
    }
    *width = *width > 0 ? *width : 1;
    *height = *height > 0 ? *height : 1;
    *left = (picture->width - *width) / 2;
    *top = (picture->height - *height) / 2;
}

/* The picture in the shape's size, in new memory. */
static int fit(struct picture *picture, const char *path, const struct sy_shape *shape, struct sy_error *err) {
    int left, top, width, height;
    if (picture->height == shape->dim[1] && picture->width == shape->dim[2]) {
        return SY_OK;
    }
#ifdef SY_HAS_RESIZE
    struct picture fitted = {.width = shape->dim[2], .height = shape->dim[1], .channels = picture->channels};
    cut(&left, &top, &width, &height, picture, shape);
    int status = make_room(&fitted, path, err), row = picture->width * picture->channels;
    if (status != SY_OK) {
        return status;
    }
    const uint8_t *corner = picture->at + (size_t)top * (size_t)row + (size_t)left * (size_t)picture->channels;
    if (!stbir_resize_uint8(corner, width, height, row, fitted.at, fitted.width, fitted.height, 0, fitted.channels)) {
        free(fitted.at);
        return sy_fail(err, SY_ENOMEM, "no memory to resize %s", path);
    }
    free(picture->at);
    *picture = fitted;
    return SY_OK;
#else
    (void)left, (void)top, (void)width, (void)height, (void)cut;
    return sy_fail(err, SY_ENOTSUP, "%s: is %d x %d pixels; the network looks at %d x %d, and this build cannot resize",
                   path, picture->width, picture->height, shape->dim[2], shape->dim[1]);
#endif
}

int sy_image_read(uint8_t *out, const char *path, const struct sy_shape *shape, struct sy_error *err) {
    struct picture picture = {.channels = shape->dim[0]};
    uint8_t *bytes = NULL;
    size_t count = 0;
    if (shape->rank != 3 || (shape->dim[0] != 1 && shape->dim[0] != 3)) {
        return sy_fail(err, SY_ENOTSUP, "pictures have 1 channel or 3; this network looks at %d", shape->dim[0]);
    }
    int status = read_bytes(&bytes, &count, path, err);
    if (status == SY_OK) {
        status = decode(&picture, bytes, count, path, err);
    }
    free(bytes);
    if (status == SY_OK) {
        status = fit(&picture, path, shape, err);
    }
    size_t pixels = (size_t)shape->dim[1] * (size_t)shape->dim[2], channels = (size_t)picture.channels;
    for (size_t c = 0; status == SY_OK && c < channels; c++) {
        for (size_t i = 0; i < pixels; i++) {
            out[c * pixels + i] = picture.at[i * channels + c];
        }
    }
    free(picture.at);
    return status;
}
