#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "whole_file.h"

#define FLUSH_AT  ((size_t)1 << 20)
#define MOST_HELD ((size_t)64 << 20)

struct sy_journal {
    char *path;
    int fd;
    int64_t size; /* bytes in the file, whole lines */
    char *buffer; /* whole lines not yet there */
    size_t used, room;
    size_t held; /* of those used, what a flush of its own could not write */
    bool cut;    /* a part of the line being appended found no memory: jansson does not always pass that on */
};

/* As many bytes, in as many pieces as the system gives them; fewer only at the end of the file. Negative after a failure. */
static ssize_t read_piece(int fd, char *out, size_t want, int64_t at) {
    size_t got = 0;
    ssize_t n = 1;
    while (got < want && n != 0) {
        n = pread(fd, out + got, want - got, at + (int64_t)got);
        if (n < 0 && errno != EINTR) {
            return n;
        }
        got += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)got;
}

/* Where the last whole line of the first `end` bytes ends. */
static int last_line_end(int64_t *out, const struct sy_journal *journal, int64_t end, struct sy_error *err) {
    char block[4096];
    while (end > 0) {
        size_t want = end < (int64_t)sizeof block ? (size_t)end : sizeof block;
        ssize_t got = read_piece(journal->fd, block, want, end - (int64_t)want);
        if (got != (ssize_t)want) {
            return sy_fail(err, SY_EIO, "%s: cannot be read: %s", journal->path,
                           got < 0 ? strerror(errno) : "it became shorter");
        }
        const char *newline = memrchr(block, '\n', want);
        if (newline) {
            *out = end - (int64_t)want + (newline - block) + 1;
            return SY_OK;
        }
        end -= (int64_t)want;
    }
    *out = 0;
    return SY_OK;
}

/* Cuts the file to what is to be kept. */
static int cut(struct sy_journal *journal, int64_t keep, struct sy_error *err) {
    int64_t there = lseek(journal->fd, 0, SEEK_END), line_end = 0;
    if (there < 0) {
        return sy_fail(err, SY_EIO, "%s: is no regular file: %s", journal->path, strerror(errno));
    }
    if (keep > there) {
        return sy_fail(err, SY_EINVAL, "%s: has %jd bytes, but had %jd when the checkpoint was written", journal->path,
                       (intmax_t)there, (intmax_t)keep);
    }
    int status = last_line_end(&line_end, journal, keep < 0 ? there : keep, err);
    if (status != SY_OK) {
        return status;
    }
    if (keep >= 0 && line_end != keep) {
        return sy_fail(err, SY_EINVAL, "%s: no line ends at byte %jd, where one did when the checkpoint was written",
                       journal->path, (intmax_t)keep);
    }
    if (line_end < there && ftruncate(journal->fd, line_end) != 0) {
        return sy_fail(err, SY_EIO, "%s: cannot be cut: %s", journal->path, strerror(errno));
    }
    journal->size = line_end;
    return SY_OK;
}

static void destroy(struct sy_journal *journal) {
    if (journal->fd >= 0) {
        close(journal->fd);
    }
    free(journal->buffer);
    free(journal->path);
    free(journal);
}

int sy_journal_open(struct sy_journal **out, const char *path, int64_t keep, struct sy_error *err) {
    int status = SY_OK;
    struct sy_journal *journal = calloc(1, sizeof *journal);
    *out = NULL;
    if (!journal) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    journal->path = strdup(path);
    /* A file that should have something in it is not made here. */
    journal->fd = sy_file_open(path, O_RDWR | (keep > 0 ? 0 : O_CREAT));
    if (!journal->path) {
        status = sy_fail(err, SY_ENOMEM, "out of memory");
    } else if (keep < SY_JOURNAL_KEEP_ALL) {
        status = sy_fail(err, SY_EINVAL, "%s: cannot be cut to %jd bytes", path, (intmax_t)keep);
    } else if (journal->fd < 0) {
        status = sy_fail(err, SY_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    } else {
        status = cut(journal, keep, err);
    }
    if (status != SY_OK) {
        destroy(journal);
        return status;
    }
    *out = journal;
    return SY_OK;
}

static int take_text(const char *text, size_t count, void *data) {
    struct sy_journal *journal = data;
    if (journal->cut) {
        return -1;
    }
    if (count > journal->room - journal->used) {
        size_t room = (journal->used + count) * 2;
        char *larger = realloc(journal->buffer, room);
        if (!larger) {
            journal->cut = true;
            return -1;
        }
        journal->buffer = larger, journal->room = room;
    }
    memcpy(journal->buffer + journal->used, text, count);
    journal->used += count;
    return 0;
}

int sy_journal_append(struct sy_journal *journal, json_t *object, struct sy_error *err) {
    size_t before = journal->used;
    journal->cut = false;
    bool failed = !object ||
                  json_dump_callback(object, take_text, journal, JSON_COMPACT | JSON_REAL_PRECISION(17)) != 0 ||
                  take_text("\n", 1, journal) != 0;
    json_decref(object);
    if (failed) {
        journal->used = before;
        return sy_fail(err, SY_ENOMEM, "out of memory: a line for %s", journal->path);
    }
    if (journal->used < FLUSH_AT + journal->held) {
        return SY_OK;
    }
    struct sy_error why = {.size = sizeof why};
    int status = sy_journal_flush(journal, &why);
    if (status != SY_OK && journal->used < MOST_HELD) { /* a disk that is full may have room again: a megabyte later */
        journal->held = journal->used;
        return SY_OK;
    }
    return status == SY_OK ? SY_OK : sy_fail(err, status, "%s", why.text);
}

int sy_journal_flush(struct sy_journal *journal, struct sy_error *err) {
    size_t done = 0;
    while (done < journal->used) {
        ssize_t n = pwrite(journal->fd, journal->buffer + done, journal->used - done, journal->size + (int64_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            int why = n < 0 ? errno : ENOSPC;
            int half = ftruncate(journal->fd, journal->size) != 0;
            return sy_fail(err, SY_EIO, "%s: cannot be written: %s%s", journal->path, strerror(why),
                           half ? "; half a line is left at its end" : "");
        }
        done += (size_t)n;
    }
    journal->size += (int64_t)done;
    journal->used = journal->held = 0;
    return SY_OK;
}

int sy_journal_close(struct sy_journal *journal, struct sy_error *err) {
    if (!journal) {
        return SY_OK;
    }
    int status = sy_journal_flush(journal, err);
    int closed = close(journal->fd);
    journal->fd = -1;
    if (closed != 0 && errno != EINTR && status == SY_OK) {
        status = sy_fail(err, SY_EIO, "%s: cannot be closed: %s", journal->path, strerror(errno));
    }
    destroy(journal);
    return status;
}

int64_t sy_journal_size(const struct sy_journal *journal) {
    return journal->size;
}
