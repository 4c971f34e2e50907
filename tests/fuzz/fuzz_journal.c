/* Journals: whatever lies there, opening keeps whole lines and appends whole lines behind them. */
#include "record/journal.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct sy_journal *journal;
    struct sy_error err = {.size = sizeof err};
    char path[64], last = '\n';
    int fd = memory_file(path, bytes, count);
    size_t whole = count;
    while (whole > 0 && bytes[whole - 1] != '\n') {
        whole--;
    }
    EXPECT(sy_journal_open(&journal, path, SY_JOURNAL_KEEP_ALL, &err) == SY_OK);
    EXPECT(sy_journal_size(journal) == (int64_t)whole);
    EXPECT(sy_journal_append(journal, json_pack("{s:i}", "step", 1), &err) == SY_OK);
    EXPECT(sy_journal_close(journal, &err) == SY_OK);
    off_t size = lseek(fd, 0, SEEK_END);
    EXPECT(size == (off_t)(whole + strlen("{\"step\":1}\n")) && pread(fd, &last, 1, size - 1) == 1 && last == '\n');
    /* A checkpoint's length that is no end of a line, or beyond the file, is refused. */
    EXPECT(sy_journal_open(&journal, path, size + 1, &err) != SY_OK && !journal);
    EXPECT(sy_journal_open(&journal, path, size - 1, &err) != SY_OK && !journal);
    close(fd);
    return 0;
}
