/* Journals: whole lines only, cut back to what a checkpoint noted. */
#include <math.h>

#include "broken_disk.h"
#include "record/journal.h"
#include "record/json.h"
#include "scratch.h"

static struct sy_journal *open_journal(const char *path, int64_t keep) {
    struct sy_error err = NEW_ERROR;
    struct sy_journal *journal;
    cr_assert_eq(sy_journal_open(&journal, path, keep, &err), SY_OK, "%s", err.text);
    return journal;
}

static void append_step(struct sy_journal *journal, int step) {
    struct sy_error err = NEW_ERROR;
    cr_assert_eq(sy_journal_append(journal, json_pack("{s:i}", "step", step), &err), SY_OK, "%s", err.text);
}

static void flush(struct sy_journal *journal) {
    struct sy_error err = NEW_ERROR;
    cr_assert_eq(sy_journal_flush(journal, &err), SY_OK, "%s", err.text);
}

static void close_journal(struct sy_journal *journal) {
    struct sy_error err = NEW_ERROR;
    cr_assert_eq(sy_journal_close(journal, &err), SY_OK, "%s", err.text);
}

Test(journal, lines_appear_at_a_flush) {
    struct scratch scratch;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "steps.jsonl");
    struct sy_journal *journal = open_journal(path, 0);
    append_step(journal, 0);
    expect_text(path, "");
    cr_assert_eq(sy_journal_size(journal), 0);
    flush(journal);
    expect_text(path, "{\"step\":0}\n");
    cr_assert_eq(sy_journal_size(journal), 11);
    append_step(journal, 1);
    close_journal(journal);
    expect_text(path, "{\"step\":0}\n{\"step\":1}\n");
    close_journal(open_journal(path, 0));
    expect_text(path, "");
    cr_assert_eq(sy_journal_close(NULL, NULL), SY_OK);
    scratch_remove(scratch.path);
}

Test(journal, reopening_cuts_to_the_checkpoint) {
    struct scratch scratch;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "steps.jsonl");
    put_text(path, "{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n{\"st");
    struct sy_journal *journal = open_journal(path, 22);
    cr_assert_eq(sy_journal_size(journal), 22);
    append_step(journal, 7);
    close_journal(journal);
    expect_text(path, "{\"step\":0}\n{\"step\":1}\n{\"step\":7}\n");
    scratch_remove(scratch.path);
}

Test(journal, keep_all_drops_half_a_line) {
    struct scratch scratch;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "times.jsonl");
    put_text(path, "{\"step\":0}\n{\"st");
    struct sy_journal *journal = open_journal(path, SY_JOURNAL_KEEP_ALL);
    append_step(journal, 1);
    close_journal(journal);
    expect_text(path, "{\"step\":0}\n{\"step\":1}\n");
    put_text(path, "{\"no line end");
    close_journal(open_journal(path, SY_JOURNAL_KEEP_ALL));
    expect_text(path, "");
    /* a half line longer than what is looked at in one go */
    char *large = malloc(20001);
    cr_assert_not_null(large);
    memset(large, 'x', 20000);
    large[20000] = '\0', large[4] = '\n';
    put_text(path, large);
    close_journal(open_journal(path, SY_JOURNAL_KEEP_ALL));
    expect_text(path, "xxxx\n");
    free(large);
    scratch_remove(scratch.path);
}

Test(journal, refuses_what_is_not_the_checkpoints) {
    struct scratch scratch;
    struct sy_journal *journal;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "steps.jsonl");
    struct sy_error err = NEW_ERROR;
    sy_journal_open(&journal, path, 22, &err);
    expect_error(&err, SY_EIO, "steps.jsonl: cannot be opened: No such file");
    cr_assert_not(is_there(path));
    put_text(path, "{\"step\":0}\n{\"step\":1}\n");
    err = NEW_ERROR;
    sy_journal_open(&journal, path, 23, &err);
    expect_error(&err, SY_EINVAL, "has 22 bytes, but had 23");
    cr_assert_null(journal);
    err = NEW_ERROR;
    sy_journal_open(&journal, path, 12, &err);
    expect_error(&err, SY_EINVAL, "no line ends at byte 12");
    err = NEW_ERROR;
    sy_journal_open(&journal, path, -5, &err);
    expect_error(&err, SY_EINVAL, "cannot be cut to -5 bytes");
    expect_text(path, "{\"step\":0}\n{\"step\":1}\n");
    scratch_remove(scratch.path);
}

Test(journal, numbers_come_back_bit_for_bit) {
    static const double numbers[] = {0.1, 1.0 / 3, -5e-324, 1.7976931348623157e308, 0, 2, 1e22};
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    size_t count;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "steps.jsonl");
    struct sy_journal *journal = open_journal(path, 0);
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_array_append_new(list, sy_json_number(numbers[i]));
    }
    json_array_append_new(list, sy_json_number(NAN));
    json_array_append_new(list, sy_json_number(-INFINITY));
    cr_assert_eq(sy_journal_append(journal, list, &err), SY_OK);
    close_journal(journal);
    char *text = get_bytes(path, &count);
    json_t *read = json_loads(text, 0, NULL);
    cr_assert_not_null(read, "%s", text);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double back = json_real_value(json_array_get(read, i));
        cr_assert_eq(memcmp(&back, &numbers[i], sizeof back), 0, "%s: %.17g", text, numbers[i]);
    }
    cr_assert(json_is_null(json_array_get(read, 7)) && json_is_null(json_array_get(read, 8)));
    json_decref(read);
    free(text);
    scratch_remove(scratch.path);
}

Test(journal, a_missing_object_is_an_error) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    scratch_make(&scratch);
    struct sy_journal *journal = open_journal(scratch_file(&scratch, "steps.jsonl"), 0);
    sy_journal_append(journal, NULL, &err);
    expect_error(&err, SY_ENOMEM, "steps.jsonl");
    append_step(journal, 3);
    close_journal(journal);
    expect_text(scratch_file(&scratch, "steps.jsonl"), "{\"step\":3}\n");
    scratch_remove(scratch.path);
}

/* A line whose writing fails half way (an object that holds itself cannot be written) leaves no half of it. */
Test(journal, a_broken_object_leaves_no_half_line) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "steps.jsonl");
    struct sy_journal *journal = open_journal(path, 0);
    json_t *outer = json_array(), *inner = json_array();
    json_array_append(outer, inner);
    json_array_append(inner, outer);
    cr_assert_neq(sy_journal_append(journal, outer, &err), SY_OK);
    json_array_clear(inner);
    json_decref(inner);
    append_step(journal, 3);
    close_journal(journal);
    expect_text(path, "{\"step\":3}\n");
    scratch_remove(scratch.path);
}

Test(journal, flushes_itself_when_much_has_gathered) {
    struct scratch scratch;
    scratch_make(&scratch);
    struct sy_journal *journal = open_journal(scratch_file(&scratch, "steps.jsonl"), 0);
    int steps = 0;
    while (sy_journal_size(journal) == 0 && steps < 200000) {
        append_step(journal, steps++);
    }
    cr_assert_geq(sy_journal_size(journal), 1 << 20);
    cr_assert_leq(sy_journal_size(journal), (1 << 20) + 20);
    close_journal(journal);
    scratch_remove(scratch.path);
}

Test(journal, a_full_disk_leaves_whole_lines_and_loses_none) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "steps.jsonl");
    struct sy_journal *journal = open_journal(path, 0);
    append_step(journal, 0);
    flush(journal);
    append_step(journal, 1);
    append_step(journal, 2);
    limit_files_to(25); /* one line and a bit */
    sy_journal_flush(journal, &err);
    expect_error(&err, SY_EIO, "steps.jsonl: cannot be written: File too large");
    expect_text(path, "{\"step\":0}\n");
    cr_assert_eq(sy_journal_size(journal), 11);
    limit_files_to(RLIM_INFINITY);
    close_journal(journal);
    expect_text(path, "{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n");
    scratch_remove(scratch.path);
}

/* A path may have any bytes; what is written is JSON all the same. */
Test(journal, bytes_that_are_no_text_become_question_marks) {
    json_t *good = sy_json_string("caf\xc3\xa9"), *bad = sy_json_string("caf\xe9/runs"), *none = sy_json_string(NULL);
    cr_expect_str_eq(json_string_value(good), "caf\xc3\xa9");
    cr_expect_str_eq(json_string_value(bad), "caf?/runs");
    cr_expect(json_is_null(none));
    json_decref(good);
    json_decref(bad);
    json_decref(none);
}
