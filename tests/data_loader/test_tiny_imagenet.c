/* test_tiny_imagenet.c - tiny_imagenet on a folder of a few images, in the layout of the authors' zip. */
#include <stdio.h>
#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "../scratch.h"
#include "opened.h"

enum { SIDE = 64, PIXELS = SIDE * SIDE };

static char folder[SCRATCH_ROOM];

static char *inside(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const void *bytes, size_t count) {
    FILE *file = fopen(inside(name), "w");
    cr_assert(file, "%s", name);
    cr_assert_eq(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

/* One colour all over, a grey one with one component only; as good as JPEG goes. */
static void write_image(const char *name, int side, int red, int green, int blue) {
    bool grey = red == green && green == blue;
    unsigned char pixels[128 * 128 * 3], *jpeg = NULL;
    unsigned long size = 0;
    for (int i = 0; i < side * side; i++) {
        pixels[3 * i] = (unsigned char)red, pixels[3 * i + 1] = (unsigned char)green,
                   pixels[3 * i + 2] = (unsigned char)blue;
    }
    tjhandle encoder = tjInitCompress();
    cr_assert_eq(tjCompress2(encoder, pixels, side, 0, side, TJPF_RGB, &jpeg, &size, grey ? TJSAMP_GRAY : TJSAMP_444,
                             100, TJFLAG_ACCURATEDCT),
                 0);
    write_bytes(name, jpeg, size);
    tjFree(jpeg);
    tjDestroy(encoder);
}

static void write_line(const char *name, const char *text) {
    write_bytes(name, text, strlen(text));
}

/* Two classes, not in order; three training images and two others. */
static void make_folder(void) {
    static const char *const folders[] = {"train", "train/n02", "train/n02/images", "train/n01", "train/n01/images",
                                          "val",   "val/images"};
    scratch_folder(folder);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        cr_assert_eq(mkdir(inside(folders[i]), 0700), 0);
    }
    write_line("wnids.txt", "n02\r\nn01\n");
    write_line("words.txt", "n00\tentity\nn01\tgoldfish, Carassius auratus\nn03\tfish\n");
    write_line("train/n02/n02_boxes.txt", "n02_0.JPEG\t0\t10\t63\t58\n");
    write_line("val/val_annotations.txt", "val_1.JPEG\tn01\t0\t32\t44\t62\nval_0.JPEG\tn02\t52\t55\t57\t59\n");
    write_image("train/n02/images/n02_0.JPEG", SIDE, 200, 30, 60);
    write_image("train/n01/images/n01_1.JPEG", SIDE, 10, 220, 100);
    write_image("train/n01/images/n01_0.JPEG", SIDE, 128, 128, 128);
    write_image("val/images/val_0.JPEG", SIDE, 250, 250, 5);
    write_image("val/images/val_1.JPEG", SIDE, 1, 2, 3);
}

static void remove_folder(void) {
    scratch_clear(folder);
}

TestSuite(tiny_imagenet, .init = make_folder, .fini = remove_folder);

static struct opened load_tiny(void) {
    struct opened opened = load("tiny_imagenet");
    *(const char **)member(&opened, "path", SY_TYPE_STRING) = folder;
    return opened;
}

static void expect_image(const struct opened *opened, int32_t split, int64_t index, int32_t class, const int *colour) {
    static uint8_t pixels[3 * PIXELS];
    int32_t label = -1, alone = -1;
    struct sy_error err = {.size = sizeof err};
    read_well(opened, split, index, pixels, &label);
    cr_expect_eq(label, class, "split %d, %d", split, (int)index);
    cr_expect_eq(opened->ops->labels(opened->self, split, &index, 1, &alone, &err), SY_OK);
    cr_expect_eq(alone, class);
    for (int c = 0; c < 3; c++) {
        cr_expect_leq(abs(pixels[c * PIXELS + 777] - colour[c]), 2, "plane %d: %d", c, pixels[c * PIXELS + 777]);
    }
}

Test(tiny_imagenet, reads_the_authors_layout) {
    struct opened opened = load_tiny();
    open_well(&opened);
    struct sy_dataset_info data = describe(&opened);
    cr_expect_eq(data.classes, 2);
    cr_expect_eq(data.count[SY_TRAIN_SPLIT], 3);
    cr_expect_eq(data.count[SY_TEST_SPLIT], 2);
    cr_expect(data.shape.rank == 3 && data.shape.dim[1] == SIDE && data.shape.dim[2] == SIDE);
    cr_expect_str_eq(data.class_names[0], "goldfish");
    cr_expect_str_eq(data.class_names[1], "n02", "words.txt does not know it");
    cr_expect_neq(data.checksum, 0);
    expect_image(&opened, SY_TRAIN_SPLIT, 0, 0, (const int[]){128, 128, 128}); /* one component */
    expect_image(&opened, SY_TRAIN_SPLIT, 1, 0, (const int[]){10, 220, 100});
    expect_image(&opened, SY_TRAIN_SPLIT, 2, 1, (const int[]){200, 30, 60});
    expect_image(&opened, SY_TEST_SPLIT, 0, 1, (const int[]){250, 250, 5});
    expect_image(&opened, SY_TEST_SPLIT, 1, 0, (const int[]){1, 2, 3});
    check_no_sample(&opened, SY_TRAIN_SPLIT, 3);
    check_no_sample(&opened, SY_TEST_SPLIT, -1);
    close_opened(&opened);
}

/* What open says of a folder that something was done to. */
static void expect_refused(const char *told) {
    struct opened opened = load_tiny();
    struct sy_error err = {.size = sizeof err};
    cr_expect_neq(opened.ops->open(opened.self, &opened.host, &err), SY_OK);
    cr_expect(strstr(err.text, told) && strstr(err.text, folder), "%s: must say %s", err.text, told);
    free(opened.self);
}

Test(tiny_imagenet, says_which_file_is_wrong) {
    write_line("val/val_annotations.txt", "val_0.JPEG\tn02\t0\nval_1.JPEG\tn77\t0\n");
    expect_refused("val_annotations.txt:2: \"n77\" is no class of wnids.txt");
    write_line("val/val_annotations.txt", "val_0.JPEG\tn02\t0\n../../train/n01/images/n01_0.JPEG\tn02\t0\n");
    expect_refused("val_annotations.txt:2: \"../../train/n01/images/n01_0.JPEG\" is no name of a file");
    write_line("wnids.txt", "n02\n../train/n01\n");
    expect_refused("wnids.txt: \"../train/n01\" is no name");
    write_line("wnids.txt", "n02\nn01\n");
    unlink(inside("train/n02/images/n02_0.JPEG"));
    expect_refused("train/n02/images has no .JPEG file");
    rmdir(inside("train/n02/images"));
    expect_refused("train/n02/images: No such file");
    write_line("wnids.txt", "n02\n");
    expect_refused("names 1 classes");
    unlink(inside("wnids.txt"));
    expect_refused("tiny-imagenet-200.zip");
}

static void expect_unreadable(const char *told) {
    struct opened opened = load_tiny();
    struct sy_error err = {.size = sizeof err};
    static uint8_t pixels[3 * PIXELS];
    int32_t label;
    int64_t index = 0;
    open_well(&opened);
    cr_expect_neq(opened.ops->read(opened.self, SY_TRAIN_SPLIT, &index, 1, pixels, &label, &err), SY_OK);
    cr_expect(strstr(err.text, told) && strstr(err.text, "n01_0.JPEG"), "%s: must say %s", err.text, told);
    close_opened(&opened);
}

Test(tiny_imagenet, images_that_cannot_be_used_are_named) {
    write_image("train/n01/images/n01_0.JPEG", 32, 1, 2, 3);
    expect_unreadable("is 32 x 32, must be 64 x 64");
    write_line("train/n01/images/n01_0.JPEG", "no image");
    expect_unreadable("JPEG");
    static char much[(1 << 20) + 1];
    write_bytes("train/n01/images/n01_0.JPEG", much, sizeof much);
    expect_unreadable("larger than any image");
}
