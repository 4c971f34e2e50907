/* events.c - see events.h. */
#include "events.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "protobuf.h"
#include "run_folder.h"

/* Field numbers of Event, Summary, Summary.Value and SessionLog. */
enum { WALL_TIME = 1, STEP = 2, FILE_VERSION = 3, SUMMARY = 5, SESSION_LOG = 7 };
enum { VALUE = 1, TAG = 1, SIMPLE_VALUE = 2, STATUS = 1, START = 1 };

struct sy_events {
    FILE *file;
    char *path;
    bool failed;
};

/* ---- records ---------------------------------------------------------------------------------------------------- */

uint32_t sy_crc32c(const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    uint32_t crc = ~0u;
    for (size_t i = 0; i < count; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) { /* the polynomial 0x1EDC6F41, its bits the other way round */
            crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
        }
    }
    return ~crc;
}

static void put_little(unsigned char *out, uint64_t value, size_t count) {
    for (size_t i = 0; i < count; i++) {
        out[i] = (unsigned char)(value >> (8 * i));
    }
}

/* A checksum of something that holds checksums is weak, so they are turned and moved (tensorflow/core/lib/hash/crc32c.h). */
static void put_checksum(unsigned char *out, const void *bytes, size_t count) {
    uint32_t crc = sy_crc32c(bytes, count);
    put_little(out, ((crc >> 15) | (crc << 17)) + 0xA282EAD8u, 4);
}

/* Writes the message as one record and finishes it. */
static void write_record(struct sy_events *events, struct sy_protobuf *message) {
    unsigned char head[12], tail[4];
    put_little(head, message->size, 8);
    put_checksum(head + 8, head, 8);
    put_checksum(tail, message->at, message->size);
    if (message->failed || fwrite(head, 1, sizeof head, events->file) != sizeof head ||
        fwrite(message->at, 1, message->size, events->file) != message->size ||
        fwrite(tail, 1, sizeof tail, events->file) != sizeof tail) {
        events->failed = true;
    }
    sy_protobuf_finish(message);
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static void begin(struct sy_protobuf *event, int64_t step) {
    struct timeval now;
    gettimeofday(&now, NULL);
    *event = (struct sy_protobuf){0};
    sy_protobuf_double(event, WALL_TIME, (double)now.tv_sec + 1e-6 * (double)now.tv_usec);
    if (step > 0) {
        sy_protobuf_integer(event, STEP, step);
    }
}

static void write_start(struct sy_events *events, int64_t step) {
    struct sy_protobuf event, log = {0};
    begin(&event, 0);
    sy_protobuf_text(&event, FILE_VERSION, "brain.Event:2");
    write_record(events, &event);
    if (step > 0) {
        begin(&event, step);
        sy_protobuf_integer(&log, STATUS, START);
        sy_protobuf_message(&event, SESSION_LOG, &log);
        write_record(events, &event);
    }
}

/* The first name in the folder's order that nobody has: by second, then by a number. */
static FILE *open_file(char *path, size_t room, const char *folder) {
    FILE *file = NULL;
    long now = (long)time(NULL);
    for (int number = 0; !file && number < 1000; number++) {
        snprintf(path, room, "%s/events.out.tfevents.%010ld.%03d.switchyard", folder, now, number);
        file = fopen(path, "wxe");
        if (!file && errno != EEXIST) {
            return NULL;
        }
    }
    return file;
}

int sy_events_open(struct sy_events **out, const char *folder, int64_t step, struct sy_error *err) {
    char path[4300];
    *out = NULL;
    int status = sy_make_folders(folder, err);
    if (status != SY_OK) {
        return status;
    }
    struct sy_events *events = calloc(1, sizeof *events);
    FILE *file = events ? open_file(path, sizeof path, folder) : NULL;
    if (!file || !(events->path = strdup(path))) {
        status = events ? sy_fail(err, SY_EIO, "%s: no event file can be made: %s", folder, strerror(errno))
                        : sy_fail(err, SY_ENOMEM, "no memory for an event file");
        if (file) {
            fclose(file);
        }
        free(events);
        return status;
    }
    events->file = file;
    write_start(events, step);
    *out = events;
    return SY_OK;
}

void sy_events_scalar(struct sy_events *events, const char *tag, int64_t step, double value) {
    struct sy_protobuf event, summary = {0}, scalar = {0};
    if (!isfinite(value)) {
        return;
    }
    begin(&event, step);
    sy_protobuf_text(&scalar, TAG, tag);
    sy_protobuf_float(&scalar, SIMPLE_VALUE, (float)value);
    sy_protobuf_message(&summary, VALUE, &scalar);
    sy_protobuf_message(&event, SUMMARY, &summary);
    write_record(events, &event);
}

int sy_events_flush(struct sy_events *events, struct sy_error *err) {
    if (fflush(events->file) != 0 || events->failed) {
        return sy_fail(err, SY_EIO, "%s: cannot be written: %s", events->path, strerror(errno));
    }
    return SY_OK;
}

int sy_events_close(struct sy_events *events, struct sy_error *err) {
    if (!events) {
        return SY_OK;
    }
    int status = sy_events_flush(events, err);
    if (fclose(events->file) != 0 && status == SY_OK) {
        status = sy_fail(err, SY_EIO, "%s: cannot be written: %s", events->path, strerror(errno));
    }
    free(events->path);
    free(events);
    return status;
}
