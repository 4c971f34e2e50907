/* steps.c - see steps.h. Lines go into bins by where they stand in the file, so that nothing need be counted before. */
#include "steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../config/fields.h"
#include "input.h"
#include "read.h"

#define WHOLE   (2 << 20)  /* bytes of a journal that is read line by line */
#define BLOCK   (32 << 10) /* bytes looked at for a bin of a larger one */
#define A_BLOCK 8          /* lines taken of a block */

enum { GAP, DELTA, LOWER, UPPER, FIELDS };

/* Sums of a bin, and over how many. */
struct sums {
    double step, expert, field[FIELDS];
    int32_t lines, fields[FIELDS];
};

struct reader {
    struct sy_report *report;
    struct sy_steps *steps;
    struct sums *sums; /* SY_MOST_GATES x SY_STEP_BINS */
    int64_t damaged;
};

static void add_gate(struct reader *reader, size_t g, const json_t *gate) {
    struct sy_arena *arena = reader->report->arena;
    const char *teacher = sy_json_text(gate, "teacher"), *student = sy_json_text(gate, "student");
    struct sy_gate_steps *steps = g == (size_t)reader->steps->n_gates ? sy_arena_take(arena, sizeof *steps) : NULL;
    if (steps) {
        steps->teacher = sy_arena_text(arena, teacher ? teacher : "?");
        steps->student = sy_arena_text(arena, student ? student : "?");
        reader->steps->gates[reader->steps->n_gates++] = steps;
    }
}

static void take_gate(struct sums *sums, const json_t *gate, double step) {
    const char *mode = sy_json_text(gate, "mode");
    double s = sy_json_finite(gate, "s_label"), t = sy_json_finite(gate, "t_label");
    const double fields[FIELDS] = {sy_json_finite(gate, "gap"), sy_json_finite(gate, "delta"), s - t, s};
    sums->lines++;
    sums->step += step;
    sums->expert += mode && !strcmp(mode, "expert");
    for (int i = 0; i < FIELDS; i++) {
        if (isfinite(fields[i])) {
            sums->field[i] += fields[i];
            sums->fields[i]++;
        }
    }
}

static void take_line(struct reader *reader, int32_t bin, const char *line, size_t length) {
    json_t *object = json_loadb(line, length, 0, NULL);
    const json_t *gates = json_object_get(object, "gates");
    double step = sy_json_finite(object, "step");
    if (!isfinite(step) || step < 0) {
        reader->damaged++;
    }
    for (size_t g = 0; g < json_array_size(gates) && g < SY_MOST_GATES && step >= 0; g++) {
        const json_t *gate = json_array_get(gates, g);
        if (g >= (size_t)reader->steps->n_gates) {
            add_gate(reader, g, gate);
        }
        take_gate(&reader->sums[g * SY_STEP_BINS + (size_t)bin], gate, step);
    }
    json_decref(object);
}

static void read_whole(struct reader *reader, const char *path, int64_t size) {
    struct sy_error ignored = {.size = sizeof ignored};
    struct sy_lines lines;
    int64_t offset = 0;
    if (sy_lines_open(&lines, path, &ignored) == SY_OK) {
        while (sy_lines_next(&lines)) {
            int64_t bin = offset * SY_STEP_BINS / size;
            if (lines.whole) {
                take_line(reader, (int32_t)(bin < SY_STEP_BINS ? bin : SY_STEP_BINS - 1), lines.line, lines.length);
            }
            offset += (int64_t)lines.length + 1;
        }
    }
    reader->report->no_memory = reader->report->no_memory || lines.no_memory;
    sy_lines_close(&lines);
}

static void read_sampled(struct reader *reader, int fd, int64_t size, char *block) {
    for (int32_t bin = 0; bin < SY_STEP_BINS; bin++) {
        ssize_t got = pread(fd, block, BLOCK, size / SY_STEP_BINS * bin);
        const char *at = block, *end = block + (got > 0 ? got : 0);
        if (bin > 0) { /* most likely in the midst of a line */
            at = memchr(at, '\n', (size_t)(end - at));
            at = at ? at + 1 : end;
        }
        for (int k = 0; k < A_BLOCK && at < end; k++) {
            const char *stop = memchr(at, '\n', (size_t)(end - at));
            if (!stop) {
                break;
            }
            take_line(reader, bin, at, (size_t)(stop - at));
            at = stop + 1;
        }
    }
}

static double mean(double sum, int32_t count) {
    return count ? sum / count : (double)NAN;
}

static void finish(struct reader *reader) {
    for (int32_t g = 0; g < reader->steps->n_gates; g++) {
        struct sy_gate_steps *gate = reader->steps->gates[g];
        for (int32_t b = 0; b < SY_STEP_BINS; b++) {
            const struct sums *sums = &reader->sums[g * SY_STEP_BINS + b];
            gate->bins[b] = (struct sy_step_bin){.step = mean(sums->step, sums->lines),
                                                 .gap = mean(sums->field[GAP], sums->fields[GAP]),
                                                 .delta = mean(sums->field[DELTA], sums->fields[DELTA]),
                                                 .lower = mean(sums->field[LOWER], sums->fields[LOWER]),
                                                 .upper = mean(sums->field[UPPER], sums->fields[UPPER]),
                                                 .expert = mean(sums->expert, sums->lines)};
            gate->has_gap = gate->has_gap || sums->fields[GAP] > 0;
        }
    }
}

struct sy_steps *sy_steps_read(struct sy_report *report, const struct sy_report_run *run) {
    struct sy_error why = {.size = sizeof why};
    struct reader reader = {.report = report, .steps = sy_arena_take(report->arena, sizeof *reader.steps)};
    const char *path = sy_report_printf(report, "%s/steps.jsonl", run->folder);
    int64_t size = 0;
    if (!reader.steps || !path) {
        return NULL;
    }
    int fd = sy_is_there(path) ? sy_open_regular(path, &size, &why) : -1;
    if (why.code != SY_OK) {
        sy_report_note(report, "%s; skipped", why.text);
    }
    if (fd < 0 || size == 0) {
        if (fd >= 0) {
            close(fd);
        }
        return reader.steps;
    }
    char *block = malloc(BLOCK);
    reader.sums = calloc(SY_MOST_GATES * SY_STEP_BINS, sizeof *reader.sums);
    reader.steps->sampled = size > WHOLE;
    report->no_memory = report->no_memory || !block || !reader.sums;
    if (block && reader.sums && reader.steps->sampled) {
        read_sampled(&reader, fd, size, block);
    } else if (block && reader.sums) {
        read_whole(&reader, path, size);
    }
    if (reader.damaged) {
        sy_report_note(report, "%s: %lld damaged lines; skipped", path, (long long)reader.damaged);
    }
    if (reader.sums) {
        finish(&reader);
    }
    free(block);
    free(reader.sums);
    close(fd);
    return reader.steps;
}
