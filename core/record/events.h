/* events.h - event files as TensorBoard reads them: TFRecords (a length, the data, and a masked CRC32C of each) of Event
 * messages (tensorflow/core/util/event.proto) with scalars.
 *
 * A file is only appended to, by one process. Who goes on with a run begins another file with the step it goes on from:
 * TensorBoard then drops what earlier files say of that step and later ones. Files of a folder are read in the order of
 * their names, which are made to that end. */
#ifndef SY_RECORD_EVENTS_H
#define SY_RECORD_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include <switchyard/error.h>

struct sy_events;

/* A new file in the folder, which is made; `step`: the first that will be told of, 0 for a run's beginning. *out is NULL
 * after a failure. */
int sy_events_open(struct sy_events **out, const char *folder, int64_t step, struct sy_error *err);
/* One scalar under a name such as "test_accuracy/student"; values that are not finite are left out. A failure is told by
 * the next flush. */
void sy_events_scalar(struct sy_events *events, const char *tag, int64_t step, double value);
/* Hands everything to the system. */
int sy_events_flush(struct sy_events *events, struct sy_error *err);
/* Flushes and closes; NULL is fine. */
int sy_events_close(struct sy_events *events, struct sy_error *err);

/* CRC-32C (Castagnoli), as in RFC 3720. */
uint32_t sy_crc32c(const void *bytes, size_t count);

#endif
