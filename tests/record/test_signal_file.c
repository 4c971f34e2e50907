/* test_signal_file.c - signals come back as they were written, are cut where a run goes on, and no damage passes. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/signal_file.h"
#include "scratch.h"

#define CLASSES 3
#define BATCH   4

static const char *const names[] = {"teacher", "student"};
static const struct sy_signal_layout layout = {CLASSES, BATCH, 2, names};

/* Numbers of a step that no other has. */
static void fill(int64_t step, int32_t labels[BATCH], float logits[2][BATCH * CLASSES]) {
    for (int32_t i = 0; i < BATCH * CLASSES; i++) {
        logits[0][i] = (float)step + (float)i / 7;
        logits[1][i] = -(float)step * (float)i;
        labels[i % BATCH] = (int32_t)(step + i) % CLASSES;
    }
}

static void append(struct sy_signal_writer *writer, int64_t step) {
    int32_t labels[BATCH];
    float logits[2][BATCH * CLASSES];
    const float *pointers[] = {logits[0], logits[1]};
    struct sy_error err = {.size = sizeof err};
    fill(step, labels, logits);
    const struct sy_signal_record record = {step, step / 10, step % 3 ? BATCH : 2, labels, pointers};
    cr_assert_eq(sy_signal_writer_append(writer, &record, &err), SY_OK, "%s", err.text);
}

static void write_steps(const char *path, int64_t first, int64_t end) {
    struct sy_error err = {.size = sizeof err};
    struct sy_signal_writer *writer;
    cr_assert_eq(sy_signal_writer_open(&writer, path, &layout, first, &err), SY_OK, "%s", err.text);
    for (int64_t step = first; step < end; step++) {
        append(writer, step);
    }
    cr_assert_eq(sy_signal_writer_close(writer, &err), SY_OK);
}

/* Steps from 0 on that are there and as written. */
static int64_t read_steps(const char *path, bool *damaged) {
    struct sy_error err = {.size = sizeof err};
    struct sy_signal_reader *reader;
    struct sy_signal_record record;
    int64_t step = 0;
    cr_assert_eq(sy_signal_reader_open(&reader, path, &err), SY_OK, "%s", err.text);
    const struct sy_signal_layout *found = sy_signal_reader_layout(reader);
    cr_expect(found->classes == CLASSES && found->max_batch == BATCH && found->n_nodes == 2);
    cr_expect_str_eq(found->nodes[1], "student");
    for (; sy_signal_reader_next(reader, &record); step++) {
        int32_t labels[BATCH];
        float logits[2][BATCH * CLASSES];
        size_t count = (size_t)record.batch;
        fill(step, labels, logits);
        cr_expect(record.step == step && record.epoch == step / 10 && record.batch == (step % 3 ? BATCH : 2));
        cr_expect_arr_eq(record.labels, labels, count * sizeof *labels);
        cr_expect_arr_eq(record.logits[0], logits[0], count * CLASSES * sizeof(float));
        cr_expect_arr_eq(record.logits[1], logits[1], count * CLASSES * sizeof(float));
    }
    *damaged = sy_signal_reader_damaged(reader);
    sy_signal_reader_close(reader);
    return step;
}

static struct scratch scratch;

static void setup(void) {
    scratch_make(&scratch);
    cr_assert_eq(chdir(scratch.path), 0);
}

static void teardown(void) {
    cr_assert_eq(chdir("/"), 0);
    scratch_remove(scratch.path);
}

TestSuite(signal_file, .init = setup, .fini = teardown);

Test(signal_file, comes_back_as_written) {
    bool damaged;
    write_steps("s", 0, 13);
    cr_expect_eq(read_steps("s", &damaged), 13);
    cr_expect_not(damaged);
}

Test(signal_file, that_is_not_there_is_named) {
    struct sy_signal_reader *reader;
    struct sy_error err = NEW_ERROR;
    sy_signal_reader_open(&reader, "nowhere", &err);
    expect_error(&err, SY_EIO, "nowhere: cannot be opened: No such file or directory");
    cr_expect_null(reader);
}

Test(signal_file, is_cut_where_a_run_goes_on) {
    bool damaged;
    write_steps("s", 0, 13);
    write_steps("s", 7, 9);
    cr_expect_eq(read_steps("s", &damaged), 9);
    write_steps("s", 0, 2);
    cr_expect_eq(read_steps("s", &damaged), 2);
}

Test(signal_file, half_a_record_is_none_and_gives_way) {
    bool damaged;
    write_steps("s", 0, 5);
    cr_assert_eq(truncate("s", 300), 0);
    int64_t left = read_steps("s", &damaged);
    cr_expect(damaged && left > 0 && left < 5, "%d", (int)left);
    write_steps("s", left, 6);
    cr_expect_eq(read_steps("s", &damaged), 6);
    cr_expect_not(damaged);
}

Test(signal_file, another_layout_is_refused) {
    struct sy_error err = {.size = sizeof err};
    struct sy_signal_layout other = layout;
    struct sy_signal_writer *writer;
    write_steps("s", 0, 5);
    other.classes = 4;
    cr_expect_eq(sy_signal_writer_open(&writer, "s", &other, 3, &err), SY_EINVAL);
    cr_expect_null(writer);
    cr_expect_str_eq(err.text, "s: is of other nodes, classes or batches than this run's");
}

/* Whatever byte is wrong, no step is wrong: fewer come, or the file does not open. */
Test(signal_file, no_flipped_bit_passes) {
    write_steps("s", 0, 4);
    FILE *file = fopen("s", "r+");
    struct sy_error err = {.size = sizeof err};
    cr_assert_not_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file), head = 0;
    rewind(file);
    while (fgetc(file) != '\n') {
        head++;
    }
    for (long at = 0; at < size; at += 3) {
        struct sy_signal_reader *reader;
        struct sy_signal_record record;
        fseek(file, at, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 0x10, file);
        fflush(file);
        int64_t steps = 0;
        if (sy_signal_reader_open(&reader, "s", &err) == SY_OK) {
            while (sy_signal_reader_next(reader, &record)) {
                steps++;
            }
        }
        sy_signal_reader_close(reader);
        cr_expect(at <= head || steps < 4, "byte %ld", at);
        fseek(file, at, SEEK_SET);
        fputc(byte, file);
        fflush(file);
    }
    fclose(file);
}
