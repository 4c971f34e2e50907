/* test_cifar.c - cifar10 and cifar100 on files of the right size with a few records written: the rest is a hole. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scratch.h"
#include "opened.h"

enum { CIFAR10_RECORD = 1 + 3072, CIFAR100_RECORD = 2 + 3072 };

static char folder[SCRATCH_ROOM];

static void path_of(char *out, size_t room, const char *name) {
    snprintf(out, room, "%s/%s", folder, name);
}

static void make_file(const char *name, long long bytes) {
    char path[SCRATCH_ROOM + 64];
    path_of(path, sizeof path, name);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    cr_assert_geq(file, 0);
    cr_assert_eq(ftruncate(file, bytes), 0);
    close(file);
}

static void put(const char *name, long long at, const uint8_t *bytes, size_t count) {
    char path[SCRATCH_ROOM + 64];
    path_of(path, sizeof path, name);
    int file = open(path, O_WRONLY);
    cr_assert_geq(file, 0);
    cr_assert_eq(pwrite(file, bytes, count, at), (ssize_t)count);
    close(file);
}

static void put_byte(const char *name, long long at, uint8_t byte) {
    put(name, at, &byte, 1);
}

static const char *const cifar10_files[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                            "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

static void make_cifar10(void) {
    scratch_folder(folder);
    for (int32_t i = 0; i < 6; i++) {
        make_file(cifar10_files[i], 10000LL * CIFAR10_RECORD);
    }
}

static void make_cifar100(void) {
    scratch_folder(folder);
    make_file("train.bin", 50000LL * CIFAR100_RECORD);
    make_file("test.bin", 10000LL * CIFAR100_RECORD);
}

static void remove_folder(void) {
    scratch_clear(folder);
}

static struct opened load_cifar(const char *name) {
    struct opened opened = load(name);
    *(const char **)member(&opened, "path", SY_TYPE_STRING) = folder;
    return opened;
}

static void check_refused(const char *plugin, int code, const char *file, const char *words) {
    struct opened opened = load_cifar(plugin);
    struct sy_error error = {.size = sizeof error};
    cr_assert_eq(opened.ops->open(opened.self, &opened.host, &error), code, "%s", error.text);
    cr_assert(strstr(error.text, file), "'%s' does not name %s", error.text, file);
    cr_assert(strstr(error.text, words), "'%s' does not say '%s'", error.text, words);
    cr_assert_null(strchr(error.text, '\n'));
    close_opened(&opened); /* after a failed open too */
}

TestSuite(data_cifar10, .init = make_cifar10, .fini = remove_folder);
TestSuite(data_cifar100, .init = make_cifar100, .fini = remove_folder);

Test(data_cifar10, describes_itself) {
    struct opened opened = load_cifar("cifar10");
    open_well(&opened);
    struct sy_dataset_info info = describe(&opened);
    cr_assert_eq(info.classes, 10);
    cr_assert_eq(info.count[SY_TRAIN_SPLIT], 50000);
    cr_assert_eq(info.count[SY_TEST_SPLIT], 10000);
    cr_assert(info.shape.rank == 3 && info.shape.dim[0] == 3 && info.shape.dim[1] == 32 && info.shape.dim[2] == 32);
    cr_assert_eq(info.dtype, SY_U8);
    cr_assert_str_eq(info.class_names[0], "airplane");
    cr_assert_str_eq(info.class_names[9], "truck");
    cr_assert(info.mean[0] == 0.491 && info.mean[1] == 0.482 && info.mean[2] == 0.447);
    cr_assert(info.std[0] == 0.247 && info.std[1] == 0.243 && info.std[2] == 0.262);
    close_opened(&opened);
}

/* First and last records of files are where the distribution has them. */
Test(data_cifar10, reads_labels_and_pixels) {
    const struct {
        int32_t file, record, split;
        int64_t index;
    } cases[] = {{0, 0, SY_TRAIN_SPLIT, 0},        {0, 9999, SY_TRAIN_SPLIT, 9999}, {1, 0, SY_TRAIN_SPLIT, 10000},
                 {4, 9999, SY_TRAIN_SPLIT, 49999}, {5, 0, SY_TEST_SPLIT, 0},        {5, 9999, SY_TEST_SPLIT, 9999}};
    uint8_t record[CIFAR10_RECORD], pixels[3072];
    int32_t label;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        record[0] = (uint8_t)(i + 1);
        for (int32_t p = 0; p < 3072; p++) {
            record[1 + p] = (uint8_t)((size_t)p * 7 + i);
        }
        put(cifar10_files[cases[i].file], (long long)cases[i].record * CIFAR10_RECORD, record, sizeof record);
    }
    struct opened opened = load_cifar("cifar10");
    open_well(&opened);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_well(&opened, cases[i].split, cases[i].index, pixels, &label);
        cr_assert_eq(label, (int32_t)i + 1);
        for (int32_t p = 0; p < 3072; p++) {
            cr_assert_eq(pixels[p], (uint8_t)((size_t)p * 7 + i));
        }
    }
    check_no_sample(&opened, SY_TRAIN_SPLIT, 50000);
    check_no_sample(&opened, SY_TRAIN_SPLIT, -1);
    check_no_sample(&opened, SY_TEST_SPLIT, 10000);
    check_no_sample(&opened, 2, 0);
    close_opened(&opened);
}

static uint64_t checksum(void) {
    struct opened opened = load_cifar("cifar10");
    open_well(&opened);
    uint64_t sum = describe(&opened).checksum;
    close_opened(&opened);
    return sum;
}

Test(data_cifar10, the_checksum_covers_every_file) {
    uint64_t before = checksum();
    /* XXH3 in one go of the 184,380,000 zeros that the six files hold. */
    cr_assert_eq(before, UINT64_C(0xFD9C7985E572B942));
    for (int32_t i = 0; i < 6; i++) {
        put_byte(cifar10_files[i], 10000LL * CIFAR10_RECORD - 1, 1);
        uint64_t after = checksum();
        cr_assert_neq(after, before, "file %d", i);
        before = after;
    }
}

Test(data_cifar10, a_missing_file_is_named) {
    char path[SCRATCH_ROOM + 64];
    path_of(path, sizeof path, "data_batch_3.bin");
    unlink(path);
    check_refused("cifar10", SY_EIO, path, "cifar-10-batches-bin");
}

Test(data_cifar10, a_missing_folder_is_named) {
    remove_folder();
    check_refused("cifar10", SY_EIO, folder, "No such file");
    make_cifar10();
}

Test(data_cifar10, a_folder_in_place_of_a_file_is_refused) {
    char path[SCRATCH_ROOM + 64];
    path_of(path, sizeof path, "data_batch_1.bin");
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    check_refused("cifar10", SY_EINVAL, path, "no regular file");
    rmdir(path);
}

Test(data_cifar10, a_truncated_file_is_refused) {
    make_file("data_batch_2.bin", 10000LL * CIFAR10_RECORD - 1);
    check_refused("cifar10", SY_EINVAL, "data_batch_2.bin", "30729999 bytes");
    check_refused("cifar10", SY_EINVAL, "data_batch_2.bin", "30730000");
}

Test(data_cifar10, fewer_whole_records_are_refused) {
    make_file("test_batch.bin", 9999LL * CIFAR10_RECORD);
    check_refused("cifar10", SY_EINVAL, "test_batch.bin", "truncated");
}

Test(data_cifar10, an_empty_file_is_refused) {
    make_file("test_batch.bin", 0);
    check_refused("cifar10", SY_EINVAL, "test_batch.bin", "has 0 bytes");
}

Test(data_cifar10, a_longer_file_is_refused) {
    make_file("data_batch_5.bin", 10000LL * CIFAR10_RECORD + 1);
    check_refused("cifar10", SY_EINVAL, "data_batch_5.bin", "another file");
}

Test(data_cifar10, a_label_out_of_range_is_refused) {
    put_byte("data_batch_4.bin", 9999LL * CIFAR10_RECORD, 10);
    check_refused("cifar10", SY_EINVAL, "data_batch_4.bin", "record 9999 has label 10");
}

Test(data_cifar10, the_folder_of_cifar100_is_refused) {
    check_refused("cifar100", SY_EIO, "train.bin", "cifar-100-binary");
}

Test(data_cifar100, has_fine_and_coarse_labels) {
    const uint8_t first[] = {19, 99, 200}, last[] = {4, 57, 201};
    uint8_t pixels[3072];
    int32_t label;
    put("train.bin", 0, first, sizeof first);
    put("test.bin", 9999LL * CIFAR100_RECORD, last, sizeof last);
    for (int32_t coarse = 0; coarse <= 1; coarse++) {
        struct opened opened = load_cifar("cifar100");
        *(int32_t *)member(&opened, "labels", SY_TYPE_INT32) = coarse;
        open_well(&opened);
        struct sy_dataset_info info = describe(&opened);
        cr_assert_eq(info.classes, coarse ? 20 : 100);
        cr_assert_eq(info.count[SY_TRAIN_SPLIT], 50000);
        cr_assert_eq(info.count[SY_TEST_SPLIT], 10000);
        cr_assert(info.mean[0] == 0.507 && info.mean[1] == 0.487 && info.mean[2] == 0.441);
        cr_assert(info.std[0] == 0.267 && info.std[1] == 0.256 && info.std[2] == 0.276);
        read_well(&opened, SY_TRAIN_SPLIT, 0, pixels, &label);
        cr_assert_str_eq(info.class_names[label], coarse ? "vehicles_2" : "worm");
        cr_assert(pixels[0] == 200 && pixels[1] == 0);
        read_well(&opened, SY_TEST_SPLIT, 9999, pixels, &label);
        cr_assert_str_eq(info.class_names[label], coarse ? "fruit_and_vegetables" : "pear");
        cr_assert_eq(pixels[0], 201);
        close_opened(&opened);
    }
}

Test(data_cifar100, both_labels_are_checked) {
    put_byte("train.bin", 17LL * CIFAR100_RECORD, 20);
    check_refused("cifar100", SY_EINVAL, "train.bin", "record 17 has label 20");
    put_byte("train.bin", 17LL * CIFAR100_RECORD, 0);
    put_byte("test.bin", 18LL * CIFAR100_RECORD + 1, 100);
    check_refused("cifar100", SY_EINVAL, "test.bin", "record 18 has label 100");
}

Test(data_cifar100, a_truncated_file_is_refused) {
    make_file("train.bin", 49999LL * CIFAR100_RECORD);
    check_refused("cifar100", SY_EINVAL, "train.bin", "153700000");
}
