/* CIFAR's binary files, of three records each here: what is accepted has the bytes of the file in its place and labels in
 * range; a file of another size is refused. The first byte chooses one label byte or two. */
#include "cifar/records.h"
#include "target.h"

enum { RECORDS = 3, CLASSES = 10 };

static const int32_t splits[] = {SY_TRAIN_SPLIT, SY_TEST_SPLIT};

static void expect_records(const struct cifar_records *records, const uint8_t *bytes, int32_t n_labels) {
    static uint8_t samples[RECORDS * CIFAR_PIXELS];
    struct sy_error err = {.size = sizeof err};
    int64_t indices[RECORDS] = {2, 0, 1}, beyond = RECORDS;
    int32_t labels[RECORDS];
    for (int32_t split = 0; split < SY_SPLITS; split++) {
        for (int32_t which = 0; which < n_labels; which++) {
            EXPECT(cifar_read(records, which, split, indices, RECORDS, samples, labels, &err) == SY_OK);
            for (size_t i = 0; i < RECORDS; i++) {
                const uint8_t *record = bytes + (size_t)indices[i] * (size_t)(n_labels + CIFAR_PIXELS);
                EXPECT(labels[i] == record[which] && labels[i] >= 0 && labels[i] < CLASSES);
                EXPECT(!memcmp(samples + i * CIFAR_PIXELS, record + n_labels, CIFAR_PIXELS));
            }
        }
        EXPECT(cifar_read(records, 0, split, &beyond, 1, samples, labels, &err) != SY_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct cifar_records records;
    struct sy_error err = {.size = sizeof err};
    char path[64];
    if (!count) {
        return 0;
    }
    int32_t n_labels = 1 + bytes[0] % 2;
    int fd = memory_file(path, bytes + 1, count - 1);
    const char *number = strrchr(path, '/') + 1;
    const char *const files[] = {number, number};
    const struct cifar_format format = {.name = "CIFAR",
                                        .hint = "a folder",
                                        .files = files,
                                        .splits = splits,
                                        .n_files = 2,
                                        .records = RECORDS,
                                        .test_records = RECORDS,
                                        .n_labels = n_labels,
                                        .classes = {CLASSES, CLASSES}};
    int status = cifar_open(&records, &format, "/proc/self/fd", &err);
    EXPECT((count - 1 == RECORDS * (size_t)(n_labels + CIFAR_PIXELS)) || status != SY_OK);
    if (status == SY_OK) {
        expect_records(&records, bytes + 1, n_labels);
        cifar_close(&records);
    } else {
        EXPECT(err.code == status && strstr(err.text, number) && !strchr(err.text, '\n'));
    }
    close(fd);
    return 0;
}
