/* signals.bin: records come out with the bytes of the file, within the layout's bounds; opened for appending, what is
 * written behind the last whole record reads back. */
#include <stdbool.h>

#include "record/signal_file.h"
#include "target.h"

/* Records that can be read; the last one's step. */
static int64_t read_all(const char *path, struct sy_signal_layout *layout, int64_t *step, bool *damaged) {
    struct sy_signal_reader *reader;
    struct sy_signal_record record;
    struct sy_error err = {.size = sizeof err};
    int64_t count = 0;
    double sum = 0;
    if (sy_signal_reader_open(&reader, path, &err) != SY_OK) {
        EXPECT(!reader && strstr(err.text, path) && !strchr(err.text, '\n'));
        return -1;
    }
    *layout = *sy_signal_reader_layout(reader);
    EXPECT(layout->classes > 0 && layout->max_batch > 0 && layout->n_nodes > 0);
    while (sy_signal_reader_next(reader, &record)) {
        EXPECT(record.batch > 0 && record.batch <= layout->max_batch && record.step >= 0);
        for (int32_t n = 0; n < layout->n_nodes; n++) {
            sum += record.logits[n][record.batch * layout->classes - 1]; /* a sanitizer sees what is not there */
        }
        sum += record.labels[record.batch - 1];
        *step = record.step;
        count++;
    }
    *damaged = sy_signal_reader_damaged(reader);
    sy_signal_reader_close(reader);
    EXPECT(sum == sum || count > 0);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const char *const nodes[] = {"t", "s"};
    static const struct sy_signal_layout own = {.classes = 2, .max_batch = 2, .n_nodes = 2, .nodes = nodes};
    static const float logits[4] = {1, 2, 3, 4};
    static const float *const both[] = {logits, logits};
    static const int32_t labels[2] = {0, 1};
    struct sy_signal_layout layout;
    struct sy_signal_writer *writer;
    struct sy_error err = {.size = sizeof err};
    char path[64];
    bool damaged = false;
    int64_t step = -1, after = -1;
    int fd = memory_file(path, bytes, count);
    int64_t records = read_all(path, &layout, &step, &damaged);
    int status = sy_signal_writer_open(&writer, path, &own, INT64_MAX, &err);
    EXPECT((status == SY_OK) == (writer != NULL) && (records >= 0 || status != SY_OK));
    if (status == SY_OK) {
        const struct sy_signal_record more = {.step = INT64_MAX, .batch = 2, .labels = labels, .logits = both};
        EXPECT(sy_signal_writer_append(writer, &more, &err) == SY_OK && sy_signal_writer_close(writer, &err) == SY_OK);
        int64_t now = read_all(path, &layout, &after, &damaged);
        EXPECT(!damaged && after == INT64_MAX && now >= 1 && now <= records + 1);
    }
    close(fd);
    return 0;
}
