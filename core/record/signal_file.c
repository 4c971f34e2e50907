/* signal_file.c - see signal_file.h. */
#include "signal_file.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define FORMAT    "switchyard-signals-1"
#define MOST_LINE (1 << 20) /* bytes of the first line that are read */
#define BUFFER    (1 << 20)

struct head {
    int64_t step, epoch;
    int32_t batch, reserved;
    uint64_t hash;
};
#define HASHED offsetof(struct head, hash) /* bytes of it that the hash covers, besides what follows it */

struct sy_signal_writer {
    FILE *file;
    char *path;
    XXH3_state_t *hash;
    struct sy_signal_layout layout;
};

struct sy_signal_reader {
    FILE *file;
    json_t *line;
    struct sy_signal_layout layout;
    const char **nodes;
    char *body; /* of the largest record: what the hash covers, in one piece */
    const float **logits;
    bool damaged;
};

/* Bytes behind the head of a record. */
static size_t body_bytes(const struct sy_signal_layout *layout, int32_t batch) {
    size_t samples = (size_t)batch;
    return samples * sizeof(int32_t) + samples * (size_t)layout->classes * (size_t)layout->n_nodes * sizeof(float);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

void sy_signal_reader_close(struct sy_signal_reader *reader) {
    if (!reader) {
        return;
    }
    if (reader->file) {
        fclose(reader->file);
    }
    json_decref(reader->line);
    free((void *)reader->nodes);
    free((void *)reader->logits);
    free(reader->body);
    free(reader);
}

static int32_t count_of(const json_t *line, const char *key) {
    json_int_t value = json_integer_value(json_object_get(line, key));
    return value > 0 && value <= (1 << 20) ? (int32_t)value : 0;
}

/* The first line into the layout; false where it is none. */
static bool read_layout(struct sy_signal_reader *reader) {
    char *text = malloc(MOST_LINE);
    size_t length = text && fgets(text, MOST_LINE, reader->file) ? strlen(text) : 0;
    reader->line = length && text[length - 1] == '\n' ? json_loadb(text, length, 0, NULL) : NULL;
    free(text);
    const char *format = json_string_value(json_object_get(reader->line, "format"));
    const json_t *nodes = json_object_get(reader->line, "nodes");
    size_t n = json_array_size(nodes);
    if (!format || strcmp(format, FORMAT) != 0 || !n || n > 4096) {
        return false;
    }
    reader->nodes = calloc(n, sizeof *reader->nodes);
    reader->logits = calloc(n, sizeof *reader->logits);
    for (size_t i = 0; reader->nodes && i < n; i++) {
        reader->nodes[i] = json_string_value(json_array_get(nodes, i));
        if (!reader->nodes[i]) {
            return false;
        }
    }
    reader->layout = (struct sy_signal_layout){count_of(reader->line, "classes"), count_of(reader->line, "max_batch"),
                                               (int32_t)n, reader->nodes};
    if (!reader->layout.classes || !reader->layout.max_batch || body_bytes(&reader->layout, 1) > (1 << 28)) {
        return false;
    }
    reader->body = malloc(HASHED + body_bytes(&reader->layout, reader->layout.max_batch));
    return reader->nodes && reader->logits && reader->body;
}

int sy_signal_reader_open(struct sy_signal_reader **out, const char *path, struct sy_error *err) {
    struct sy_signal_reader *reader = calloc(1, sizeof *reader);
    *out = NULL;
    if (!reader) {
        return sy_fail(err, SY_ENOMEM, "no memory for %s", path);
    }
    reader->file = fopen(path, "rbe");
    if (!reader->file) {
        int status = sy_fail(err, SY_EIO, "%s: cannot be opened: %s", path, strerror(errno));
        sy_signal_reader_close(reader);
        return status;
    }
    if (!read_layout(reader)) {
        sy_signal_reader_close(reader);
        return sy_fail(err, SY_EINVAL, "%s: does not begin as signals do", path);
    }
    *out = reader;
    return SY_OK;
}

const struct sy_signal_layout *sy_signal_reader_layout(const struct sy_signal_reader *reader) {
    return &reader->layout;
}

bool sy_signal_reader_damaged(const struct sy_signal_reader *reader) {
    return reader->damaged;
}

bool sy_signal_reader_next(struct sy_signal_reader *reader, struct sy_signal_record *out) {
    const struct sy_signal_layout *layout = &reader->layout;
    struct head head;
    size_t got = fread(&head, 1, sizeof head, reader->file);
    reader->damaged = got != 0;
    if (got != sizeof head || head.batch < 1 || head.batch > layout->max_batch || head.step < 0) {
        return false;
    }
    size_t bytes = body_bytes(layout, head.batch);
    memcpy(reader->body, &head, HASHED);
    if (fread(reader->body + HASHED, 1, bytes, reader->file) != bytes ||
        XXH3_64bits(reader->body, HASHED + bytes) != head.hash) {
        return false;
    }
    reader->damaged = false;
    const int32_t *labels = (const int32_t *)(void *)(reader->body + HASHED);
    const float *logits = (const float *)(const void *)(labels + head.batch);
    *out = (struct sy_signal_record){head.step, head.epoch, head.batch, labels, reader->logits};
    for (int32_t i = 0; i < layout->n_nodes; i++) {
        reader->logits[i] = logits + (size_t)i * (size_t)head.batch * (size_t)layout->classes;
    }
    return true;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static bool same_layout(const struct sy_signal_layout *a, const struct sy_signal_layout *b) {
    bool same = a->classes == b->classes && a->max_batch == b->max_batch && a->n_nodes == b->n_nodes;
    for (int32_t i = 0; same && i < a->n_nodes; i++) {
        same = !strcmp(a->nodes[i], b->nodes[i]);
    }
    return same;
}

/* Bytes up to the end of the last whole record before a step. */
static int find_end(int64_t *out, const char *path, const struct sy_signal_layout *layout, int64_t next_step,
                    struct sy_error *err) {
    struct sy_signal_reader *reader;
    struct sy_signal_record record;
    int status = sy_signal_reader_open(&reader, path, err);
    if (status != SY_OK) {
        return status;
    }
    if (!same_layout(sy_signal_reader_layout(reader), layout)) {
        status = sy_fail(err, SY_EINVAL, "%s: is of other nodes, classes or batches than this run's", path);
    }
    *out = ftello(reader->file);
    while (status == SY_OK && sy_signal_reader_next(reader, &record) && record.step < next_step) {
        *out = ftello(reader->file);
    }
    sy_signal_reader_close(reader);
    return status;
}

static int write_layout(struct sy_signal_writer *writer, struct sy_error *err) {
    json_t *nodes = json_array();
    bool good = nodes != NULL;
    for (int32_t i = 0; good && i < writer->layout.n_nodes; i++) {
        good = json_array_append_new(nodes, json_string(writer->layout.nodes[i])) == 0;
    }
    json_t *line = json_pack("{s:s, s:i, s:i, s:o}", "format", FORMAT, "classes", (int)writer->layout.classes,
                             "max_batch", (int)writer->layout.max_batch, "nodes", nodes);
    good = good && line && json_dumpf(line, writer->file, JSON_COMPACT) == 0 && fputc('\n', writer->file) != EOF;
    json_decref(line);
    return good ? SY_OK : sy_fail(err, SY_EIO, "%s: cannot be written: %s", writer->path, strerror(errno));
}

static int open_file(struct sy_signal_writer *writer, int64_t next_step, struct sy_error *err) {
    int64_t end = 0;
    if (next_step > 0) {
        int status = find_end(&end, writer->path, &writer->layout, next_step, err);
        if (status != SY_OK) {
            return status;
        }
    }
    writer->file = fopen(writer->path, next_step > 0 ? "r+be" : "wbe");
    if (!writer->file ||
        (next_step > 0 && (ftruncate(fileno(writer->file), end) != 0 || fseeko(writer->file, end, SEEK_SET) != 0))) {
        return sy_fail(err, SY_EIO, "%s: cannot be opened: %s", writer->path, strerror(errno));
    }
    setvbuf(writer->file, NULL, _IOFBF, BUFFER);
    return next_step > 0 ? SY_OK : write_layout(writer, err);
}

int sy_signal_writer_open(struct sy_signal_writer **out, const char *path, const struct sy_signal_layout *layout,
                          int64_t next_step, struct sy_error *err) {
    struct sy_signal_writer *writer = calloc(1, sizeof *writer);
    struct sy_error ignored = {.size = sizeof ignored};
    *out = NULL;
    if (writer) {
        writer->path = strdup(path);
        writer->hash = XXH3_createState();
    }
    if (!writer || !writer->path || !writer->hash) {
        sy_signal_writer_close(writer, &ignored);
        return sy_fail(err, SY_ENOMEM, "no memory for %s", path);
    }
    writer->layout = *layout;
    int status = open_file(writer, next_step, err);
    if (status != SY_OK) {
        sy_signal_writer_close(writer, &ignored);
        return status;
    }
    *out = writer;
    return SY_OK;
}

int sy_signal_writer_append(struct sy_signal_writer *writer, const struct sy_signal_record *record,
                            struct sy_error *err) {
    size_t labels = (size_t)record->batch * sizeof *record->labels;
    size_t floats = (size_t)record->batch * (size_t)writer->layout.classes * sizeof(float);
    struct head head = {record->step, record->epoch, record->batch, 0, 0};
    XXH3_64bits_reset(writer->hash);
    XXH3_64bits_update(writer->hash, &head, HASHED);
    XXH3_64bits_update(writer->hash, record->labels, labels);
    for (int32_t i = 0; i < writer->layout.n_nodes; i++) {
        XXH3_64bits_update(writer->hash, record->logits[i], floats);
    }
    head.hash = XXH3_64bits_digest(writer->hash);
    bool good = fwrite(&head, 1, sizeof head, writer->file) == sizeof head &&
                fwrite(record->labels, 1, labels, writer->file) == labels;
    for (int32_t i = 0; good && i < writer->layout.n_nodes; i++) {
        good = fwrite(record->logits[i], 1, floats, writer->file) == floats;
    }
    return good ? SY_OK : sy_fail(err, SY_EIO, "%s: cannot be written: %s", writer->path, strerror(errno));
}

int sy_signal_writer_flush(struct sy_signal_writer *writer, struct sy_error *err) {
    return fflush(writer->file) == 0 ? SY_OK
                                     : sy_fail(err, SY_EIO, "%s: cannot be written: %s", writer->path, strerror(errno));
}

int sy_signal_writer_close(struct sy_signal_writer *writer, struct sy_error *err) {
    int status = SY_OK;
    if (!writer) {
        return SY_OK;
    }
    if (writer->file && fclose(writer->file) != 0) {
        status = sy_fail(err, SY_EIO, "%s: cannot be written: %s", writer->path, strerror(errno));
    }
    XXH3_freeState(writer->hash);
    free(writer->path);
    free(writer);
    return status;
}
