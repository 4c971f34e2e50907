/* journal.h - steps.jsonl and epochs.jsonl: one JSON object a line, written as it happens.
 *
 * Lines are buffered and written out at each flush; a checkpoint notes how many bytes were there, and resuming cuts the
 * file back to that. */
#ifndef SY_RECORD_JOURNAL_H
#define SY_RECORD_JOURNAL_H

#include <jansson.h>
#include <stdint.h>

#include <switchyard/error.h>

#include "json.h"

struct sy_journal;

/* For sy_journal_open: all whole lines that are there. */
#define SY_JOURNAL_KEEP_ALL (-1)

/* Opens for appending after cutting the file to `keep` bytes; fails if it has fewer, or if that is not the end of a
 * line. keep 0: a new file. *out is NULL after a failure. */
int sy_journal_open(struct sy_journal **out, const char *path, int64_t keep, struct sy_error *err);
/* Flushes and closes; NULL is fine. */
int sy_journal_close(struct sy_journal *journal, struct sy_error *err);
/* Appends `object` as one line and releases it; NULL (out of memory) is an error. Doubles with 17 digits. Flushes by
 * itself whenever a megabyte has gathered; where that fails, lines are held and it is tried again a megabyte later, up
 * to 64. */
int sy_journal_append(struct sy_journal *journal, json_t *object, struct sy_error *err);
/* Hands all lines to the system: what other programs see, and what outlives this one. After a failure the file ends
 * with the last whole line of an earlier flush, the lines are still held, and the next flush tries again. That they
 * outlive the machine too is sy_checkpoint_commit's business. */
int sy_journal_flush(struct sy_journal *journal, struct sy_error *err);
/* Bytes in the file: those kept and those flushed since. */
int64_t sy_journal_size(const struct sy_journal *journal);

#endif
