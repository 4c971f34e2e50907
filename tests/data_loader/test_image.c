/* test_image.c - pictures become samples: exact pixels, sizes, and refusals. The pictures are in tests/data/images. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../core/data/image.h"
#include "../scratch.h"

static const char *picture(const char *name) {
    static char path[4096];
    const char *folder = getenv("SWITCHYARD_TEST_DATA");
    cr_assert(folder, "SWITCHYARD_TEST_DATA names tests/data");
    snprintf(path, sizeof path, "%s/images/%s", folder, name);
    return path;
}

/* Reads, or skips the test where this build cannot. */
static void read_picture(uint8_t *out, const char *name, struct sy_shape shape) {
    struct sy_error err = {.size = sizeof err};
    int status = sy_image_read(out, picture(name), &shape, &err);
    if (status == SY_ENOTSUP) {
        cr_skip_test("%s", err.text);
    }
    cr_assert_eq(status, SY_OK, "%s", err.text);
}

Test(image, a_png_gives_its_pixels_channel_by_channel) {
    static const uint8_t wanted[] = {255, 0,   0,   10, 200, 0, /* red */
                                     0,   255, 0,   20, 100, 0, /* green */
                                     0,   0,   255, 30, 50,  0};
    uint8_t pixels[18];
    read_picture(pixels, "six.png", (struct sy_shape){3, {3, 2, 3}});
    cr_expect_arr_eq(pixels, wanted, sizeof wanted);
}

Test(image, a_jpeg_gives_its_colour) {
    uint8_t pixels[3 * 32 * 64];
    read_picture(pixels, "plain.jpg", (struct sy_shape){3, {3, 32, 64}});
    static const int wanted[] = {200, 100, 50};
    for (size_t i = 0; i < sizeof pixels; i++) {
        cr_assert(abs(pixels[i] - wanted[i / (32 * 64)]) <= 2, "byte %zu is %d", i, pixels[i]);
    }
}

Test(image, another_size_is_cut_about_the_centre_and_resized) {
    uint8_t pixels[3 * 16 * 16];
    read_picture(pixels, "centre.png", (struct sy_shape){3, {3, 16, 16}});
    for (size_t i = 0; i < 256; i++) {
        cr_assert(pixels[i] == 255 && pixels[256 + i] == 0 && pixels[512 + i] == 0, "the square in the middle is red");
    }
}

Test(image, of_one_that_is_too_high_the_middle_is_taken) {
    uint8_t pixels[9];
    read_picture(pixels, "six.png", (struct sy_shape){3, {3, 1, 3}});
    for (size_t c = 0; c < 3; c++) {
        for (size_t x = 0; x < 3; x++) {
            cr_expect(x == c ? pixels[3 * c + x] > 200 : pixels[3 * c + x] < 50, "red, green, blue: the first row");
        }
    }
}

Test(image, one_channel_is_grey) {
    uint8_t pixels[6];
    read_picture(pixels, "six.png", (struct sy_shape){3, {1, 2, 3}});
    cr_expect(pixels[1] > pixels[0] && pixels[0] > pixels[2], "green is brighter than red, red than blue");
    cr_expect_eq(pixels[5], 0);
}

Test(image, what_is_no_picture_is_refused_with_its_name) {
    struct sy_shape shape = {3, {3, 2, 3}};
    struct sy_error err = {.size = sizeof err};
    uint8_t pixels[18];
    cr_expect_eq(sy_image_read(pixels, "/nowhere/a.png", &shape, &err), SY_EIO);
    cr_expect(strstr(err.text, "/nowhere/a.png"));
    cr_expect_eq(sy_image_read(pixels, picture("../golden.py"), &shape, &err), SY_ENOTSUP);
    shape.dim[0] = 7;
    cr_expect_eq(sy_image_read(pixels, picture("six.png"), &shape, &err), SY_ENOTSUP);
}

/* The check of a PNG's piece, bit by bit. */
static uint32_t check_of(const uint8_t *bytes, size_t count) {
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320u : 0);
        }
    }
    return ~sum;
}

static void put_big_endian(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* A picture's head may claim any size: no memory is taken for what no network looks at. */
Test(image, sizes_beyond_reason_are_refused) {
    struct sy_shape shape = {3, {3, 2, 3}};
    struct sy_error err = {.size = sizeof err};
    char folder[SCRATCH_ROOM], path[SCRATCH_ROOM + 16];
    uint8_t bytes[4096], pixels[18];
    FILE *file = fopen(picture("six.png"), "rb");
    size_t count = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    cr_assert(count > 33 && fclose(file) == 0);
    put_big_endian(bytes + 16, 40000); /* its width, in the piece of 17 bytes from 12 on */
    put_big_endian(bytes + 29, check_of(bytes + 12, 17));
    scratch_folder(folder);
    snprintf(path, sizeof path, "%s/wide.png", folder);
    file = fopen(path, "wb");
    cr_assert(file && fwrite(bytes, 1, count, file) == count && fclose(file) == 0);
    int status = sy_image_read(pixels, path, &shape, &err);
    if (status == SY_ENOTSUP) {
        cr_skip_test("%s", err.text);
    }
    cr_expect_eq(status, SY_EINVAL);
    cr_expect(strstr(err.text, "x 2 pixels; 1 to 32768 a side are read"), "%s", err.text);
    err = (struct sy_error){.size = sizeof err};
    cr_expect_eq(sy_image_read(pixels, folder, &shape, &err), SY_EIO);
    cr_expect(strstr(err.text, "cannot be read: Is a directory"), "%s", err.text);
    scratch_clear(folder);
}

/* Every length of a picture cut short, and every byte of it changed: an answer, never a crash. */
/* A few bytes that call for gigabytes are answered before those are taken. */
Test(image, a_picture_of_more_than_100_million_pixels_is_refused) {
    uint8_t bytes[512], pixels[18];
    struct sy_error err = {.size = sizeof err};
    FILE *file = fopen(picture("plain.jpg"), "rb");
    cr_assert(file);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    uint8_t *frame = memmem(bytes, count, "\xff\xc0", 2);
    cr_assert(frame);
    memcpy(frame + 5, "\x50\x00\x50\x00", 4); /* height and width, 20480 each */
    char path[] = "/tmp/switchyard-image-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
    close(fd);
    int status = sy_image_read(pixels, path, &(struct sy_shape){3, {3, 2, 3}}, &err);
    unlink(path);
    if (status == SY_ENOTSUP) {
        cr_skip_test("%s", err.text);
    }
    cr_expect_eq(status, SY_EINVAL);
    cr_expect(strstr(err.text, "20480 x 20480 pixels; 100 million"), "%s", err.text);
}

Test(image, damaged_pictures_get_an_answer) {
    static const char *const names[] = {"six.png", "plain.jpg"};
    struct sy_shape shape = {3, {3, 2, 3}};
    for (size_t n = 0; n < 2; n++) {
        uint8_t bytes[4096], pixels[18];
        FILE *file = fopen(picture(names[n]), "rb");
        size_t count = file ? fread(bytes, 1, sizeof bytes, file) : 0;
        cr_assert(count > 0 && count < sizeof bytes && fclose(file) == 0);
        char folder[SCRATCH_ROOM], path[SCRATCH_ROOM + 16];
        scratch_folder(folder);
        snprintf(path, sizeof path, "%s/picture", folder);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        cr_assert(fd >= 0);
        for (size_t i = 0; i < 2 * count; i++) {
            struct sy_error err = {.size = sizeof err};
            bool whole = i >= count;
            bytes[i % count] ^= whole ? 0x55 : 0;
            cr_assert(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, whole ? count : i, 0) >= 0);
            bytes[i % count] ^= whole ? 0x55 : 0;
            int status = sy_image_read(pixels, path, &shape, &err);
            cr_expect(status == SY_OK || err.text[0], "a refusal has a reason");
        }
        close(fd);
        scratch_clear(folder);
    }
}
