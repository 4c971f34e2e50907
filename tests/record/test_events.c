/* test_events.c - event files, read back by their own checksums. */
#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/events.h"
#include "broken_disk.h"
#include "scratch.h"

Test(events, the_checksum_is_that_of_rfc_3720) {
    unsigned char bytes[32] = {0};
    cr_expect_eq(sy_crc32c("123456789", 9), 0xE3069283u);
    cr_expect_eq(sy_crc32c(bytes, 32), 0x8A9136AAu); /* RFC 3720, B.4 */
    memset(bytes, 0xff, 32);
    cr_expect_eq(sy_crc32c(bytes, 32), 0x62A8AB43u);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)i;
    }
    cr_expect_eq(sy_crc32c(bytes, 32), 0x46DD794Eu);
}

/* ---- a reader, no larger than what is written ------------------------------------------------------------------- */

struct event {
    double wall_time;
    int64_t step;
    char version[32], tag[64];
    float value;
    int status; /* of a session log */
};

static uint64_t little(const unsigned char *at, size_t count) {
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;) {
        value = value << 8 | at[i];
    }
    return value;
}

static void expect_checksum(const unsigned char *at, const void *bytes, size_t count) {
    uint32_t stored = (uint32_t)little(at, 4) - 0xA282EAD8u;
    cr_assert_eq(stored >> 17 | stored << 15, sy_crc32c(bytes, count));
}

static uint64_t varint(const unsigned char **at) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        value |= (uint64_t)(**at & 0x7f) << shift;
        if (!(*(*at)++ & 0x80)) {
            return value;
        }
    }
}

/* Fields of Event, and below it of Summary, Value and SessionLog: no two that matter here are mistaken for each other,
 * as `depth` says where one is. */
static void parse(struct event *out, const unsigned char *at, const unsigned char *end, int depth) {
    while (at < end) {
        uint64_t key = varint(&at), field = key >> 3;
        if ((key & 7) == 0) {
            uint64_t value = varint(&at);
            if (depth == 0 && field == 2) {
                out->step = (int64_t)value;
            } else if (depth == 7 && field == 1) {
                out->status = (int)value;
            }
        } else if ((key & 7) == 1) {
            memcpy(&out->wall_time, at, 8);
            at += 8;
        } else if ((key & 7) == 5) {
            memcpy(&out->value, at, 4);
            at += 4;
        } else {
            size_t length = varint(&at);
            cr_assert((key & 7) == 2 && length <= (size_t)(end - at));
            if (depth == 0 && field == 3) {
                snprintf(out->version, sizeof out->version, "%.*s", (int)length, (const char *)at);
            } else if (depth == 50 && field == 1) {
                snprintf(out->tag, sizeof out->tag, "%.*s", (int)length, (const char *)at);
            } else {
                parse(out, at, at + length, depth == 5 ? 50 : (int)field);
            }
            at += length;
        }
    }
}

/* All events of the folder's files, in the order of their names. */
static size_t read_events(struct event *out, size_t room, struct scratch *scratch) {
    glob_t found;
    size_t count = 0;
    cr_assert_eq(glob(scratch_file(scratch, "events/events.out.tfevents.*"), 0, NULL, &found), 0);
    for (size_t f = 0; f < found.gl_pathc; f++) {
        static unsigned char bytes[1 << 16];
        FILE *file = fopen(found.gl_pathv[f], "rb");
        size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0, at = 0;
        cr_assert(file && size < sizeof bytes);
        fclose(file);
        while (at < size) {
            cr_assert_leq(at + 16, size);
            uint64_t length = little(bytes + at, 8);
            expect_checksum(bytes + at + 8, bytes + at, 8);
            cr_assert_leq(at + 16 + length, size);
            expect_checksum(bytes + at + 12 + length, bytes + at + 12, length);
            cr_assert_lt(count, room);
            out[count] = (struct event){.step = 0};
            parse(&out[count++], bytes + at + 12, bytes + at + 12 + length, 0);
            at += 16 + length;
        }
    }
    globfree(&found);
    return count;
}

Test(events, what_was_written_is_read_with_whole_checksums) {
    struct scratch scratch;
    struct sy_events *events;
    struct sy_error err = NEW_ERROR;
    static struct event read[16];
    char folder[512];
    scratch_make(&scratch);
    snprintf(folder, sizeof folder, "%s", scratch_file(&scratch, "events"));
    cr_assert_eq(sy_events_open(&events, folder, 0, &err), SY_OK, "%s", err.text);
    sy_events_scalar(events, "loss/student", 0, 1.5);
    sy_events_scalar(events, "loss/student", 300, 0.25);
    sy_events_scalar(events, "loss/student", 301, NAN); /* left out */
    cr_assert_eq(sy_events_close(events, &err), SY_OK, "%s", err.text);
    /* the run goes on from step 200: another file, which says so */
    cr_assert_eq(sy_events_open(&events, folder, 200, &err), SY_OK, "%s", err.text);
    sy_events_scalar(events, "loss/student", 200, 0.75);
    cr_assert_eq(sy_events_close(events, &err), SY_OK, "%s", err.text);

    cr_assert_eq(read_events(read, 16, &scratch), 6);
    cr_expect_str_eq(read[0].version, "brain.Event:2");
    cr_expect_gt(read[0].wall_time, 1.5e9);
    cr_expect_str_eq(read[1].tag, "loss/student");
    cr_expect(read[1].step == 0 && read[1].value == 1.5f);
    cr_expect(read[2].step == 300 && read[2].value == 0.25f);
    cr_expect_str_eq(read[3].version, "brain.Event:2");
    cr_expect(read[4].step == 200 && read[4].status == 1, "START: what is of this step and later is dropped");
    cr_expect(read[5].step == 200 && read[5].value == 0.75f);
    scratch_remove(scratch.path);
}

/* Training goes on without events; the file that was begun is kept. */
Test(events, a_full_disk_is_told_by_the_next_flush) {
    struct scratch scratch;
    struct sy_events *events;
    struct sy_error err = NEW_ERROR, other = NEW_ERROR, third = NEW_ERROR;
    scratch_make(&scratch);
    cr_assert_eq(sy_events_open(&events, scratch.path, 0, &err), SY_OK, "%s", err.text);
    cr_assert_eq(sy_events_flush(events, &err), SY_OK);
    limit_files_to(4096);
    for (int64_t step = 0; step < 1000; step++) {
        sy_events_scalar(events, "loss/student", step, 1.5);
    }
    sy_events_flush(events, &other);
    expect_error(&other, SY_EIO, "cannot be written: File too large");
    sy_events_close(events, &third);
    expect_error(&third, SY_EIO, "cannot be written");
    put_text(scratch_file(&scratch, "file"), "");
    err = NEW_ERROR;
    sy_events_open(&events, scratch_file(&scratch, "file"), 0, &err);
    expect_error(&err, SY_EINVAL, "file: is there and is no folder");
    cr_expect_null(events);
    scratch_remove(scratch.path);
}
