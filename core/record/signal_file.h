/* signal_file.h - signals.bin: what policies saw, step by step, exactly.
 *
 * One line of JSON, {"format": "switchyard-signals-1", "classes": K, "max_batch": B, "nodes": ["teacher", ...]}, then
 * a record a step, all numbers little-endian:
 *   int64 step, int64 epoch, int32 batch, int32 reserved, uint64 XXH3-64 of the rest of the record;
 *   int32 labels[batch]; then for every node, in the order of the line, float logits[batch][K].
 * A last record that is not whole is none. */
#ifndef SY_RECORD_SIGNAL_FILE_H
#define SY_RECORD_SIGNAL_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <switchyard/error.h>

/* The first line. */
struct sy_signal_layout {
    int32_t classes, max_batch, n_nodes;
    const char *const *nodes;
};

/* A step. Arrays are the reader's, valid until the next record. */
struct sy_signal_record {
    int64_t step, epoch;
    int32_t batch;
    const int32_t *labels;
    const float *const *logits; /* per node: (batch, classes) */
};

struct sy_signal_writer;
struct sy_signal_reader;

/* Opens for appending the records of `next_step` and later: a new file, or for next_step above 0 one that is there, cut
 * behind the last whole record before it. SY_EINVAL where that has another layout. *out is NULL after a failure. */
int sy_signal_writer_open(struct sy_signal_writer **out, const char *path, const struct sy_signal_layout *layout,
                          int64_t next_step, struct sy_error *err);
int sy_signal_writer_append(struct sy_signal_writer *writer, const struct sy_signal_record *record,
                            struct sy_error *err);
int sy_signal_writer_flush(struct sy_signal_writer *writer, struct sy_error *err);
int sy_signal_writer_close(struct sy_signal_writer *writer, struct sy_error *err); /* flushes; NULL is fine */

int sy_signal_reader_open(struct sy_signal_reader **out, const char *path, struct sy_error *err);
void sy_signal_reader_close(struct sy_signal_reader *reader); /* NULL is fine */
const struct sy_signal_layout *sy_signal_reader_layout(const struct sy_signal_reader *reader);
/* False at the end, or at a record that is damaged or not whole: sy_signal_reader_damaged tells which. */
bool sy_signal_reader_next(struct sy_signal_reader *reader, struct sy_signal_record *out);
bool sy_signal_reader_damaged(const struct sy_signal_reader *reader);

#endif
