/* test_tables.c - what is read from a suite's folder, and its tables. */
#include <jansson.h>
#include <math.h>

#include <report/metrics.h>
#include <report/write.h>

#include "../record/scratch.h"
#include "made_up.h"

static struct scratch scratch;

static void setup(void) {
    scratch_make(&scratch);
}

static void teardown(void) {
    scratch_remove(scratch.path);
}

TestSuite(tables, .init = setup, .fini = teardown);

static struct sy_report *read_report(const char *baseline) {
    struct sy_error err = NEW_ERROR;
    struct sy_report *report;
    cr_assert_eq(sy_report_read(&report, scratch.path, baseline, &err), SY_OK, "%s", err.text);
    return report;
}

/* The report in a form, to be freed. */
static char *written(struct sy_report *report, enum sy_report_form form) {
    char *text = NULL;
    size_t size;
    struct sy_error err = NEW_ERROR;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_eq(sy_report_write(stream, report, form, &err), SY_OK, "%s", err.text);
    fclose(stream);
    return text;
}

static void expect_in(const char *text, const char *part) {
    cr_assert_not_null(strstr(text, part), "'%s' is not in:\n%s", part, text);
}

static void make(const struct made_up wish) {
    cr_assert_eq(make_suite(scratch.path, &wish), 0);
}

static bool noted(const struct sy_report *report, const char *part) {
    for (int32_t i = 0; i < report->n_notes; i++) {
        if (strstr(report->notes[i], part)) {
            return true;
        }
    }
    return false;
}

Test(tables, a_suite_as_text) {
    make((struct made_up){.variants = 3, .seeds = 3, .epochs = 6, .classes = 4});
    struct sy_report *report = read_report(NULL);
    cr_assert(report->n_variants == 3 && report->n_seeds == 3 && report->n_nodes == 2 && report->baseline == 0);
    cr_assert_eq(sy_report_count(report, SY_REPORT_FINISHED), 9);
    cr_assert_eq(report->n_notes, 0, "%s", report->notes[0]);
    cr_assert(report->variants[1].runs[2].nodes[1].bins && report->variants[1].runs[2].classes == 4);
    char *text = written(report, SY_REPORT_TEXT);
    expect_in(text, "Test accuracy of each node");
    expect_in(text, "policy.plugin");
    expect_in(text, "reproduced");
    expect_in(text, "81.00 +- 0.00");
    expect_in(text, "Accuracy less that of vanilla");
    free(text);
    sy_report_destroy(report);
}

Test(tables, every_form_can_be_written) {
    make((struct made_up){.variants = 2, .seeds = 2, .epochs = 2});
    struct sy_report *report = read_report(NULL);
    char *markdown = written(report, SY_REPORT_MARKDOWN), *latex = written(report, SY_REPORT_LATEX);
    char *csv = written(report, SY_REPORT_CSV), *json = written(report, SY_REPORT_JSON);
    expect_in(markdown, "| variant |");
    expect_in(markdown, "Warning: n = 2 seeds");
    expect_in(latex, "\\toprule");
    expect_in(latex, "\\mathbf{");
    expect_in(csv, "vanilla,student,accuracy,%,2,");
    json_t *object = json_loads(json, 0, NULL);
    cr_assert_eq(json_array_size(json_object_get(object, "variants")), 2);
    json_decref(object);
    free(markdown);
    free(latex);
    free(csv);
    free(json);
    sy_report_destroy(report);
}

Test(tables, equals_differ_by_exactly_nothing) {
    make((struct made_up){.variants = 2, .seeds = 3, .epochs = 2, .same = 1});
    struct sy_report *report = read_report("dml");
    cr_assert_eq(report->baseline, 1);
    struct sy_paired paired = sy_metric_difference(report, 0, SY_METRIC_ACCURACY, 1);
    cr_assert(paired.identical && paired.mean == 0 && paired.n == 3);
    char *text = written(report, SY_REPORT_TEXT);
    expect_in(text, "identical");
    free(text);
    sy_report_destroy(report);
}

Test(tables, what_has_not_finished_is_told) {
    const struct made_up wish = {.variants = 2, .seeds = 3, .epochs = 4};
    make(wish);
    cr_assert_eq(remove(scratch_file(&scratch, "dml/seed-2/result.json")), 0);
    put_text(scratch_file(&scratch, "dml/seed-2/failure.json"), "{\"reason\": \"the disk is full\"}");
    cr_assert_eq(remove(scratch_file(&scratch, "dml/seed-3/result.json")), 0);
    scratch_remove(scratch_file(&scratch, "vanilla/seed-1"));
    struct sy_report *report = read_report(NULL);
    cr_assert_eq(report->variants[1].runs[1].state, SY_REPORT_FAILED);
    cr_assert_eq(report->variants[1].runs[2].state, SY_REPORT_UNFINISHED);
    cr_assert_eq(report->variants[0].runs[0].state, SY_REPORT_MISSING);
    cr_assert_eq(sy_metric_summary(report, 1, SY_METRIC_ACCURACY, 0).n, 1);
    cr_assert_eq(sy_metric_difference(report, 1, SY_METRIC_ACCURACY, 0).n, 0, "no seed has both");
    char *text = written(report, SY_REPORT_TEXT);
    expect_in(text, "the disk is full");
    expect_in(text, "3 of 6 runs have finished");
    free(text);
    sy_report_destroy(report);
}

/* In the table with this title: dml has one row, its student's. */
static void expect_one_row(const char *text, const char *title) {
    const char *table = strstr(text, title), *dml = table ? strstr(table, "\ndml ") : NULL;
    cr_assert(dml, "%s", text);
    cr_expect_eq(strncmp(dml, "\ndml      student", 17), 0, "%s", table);
    cr_expect_neq(strncmp(strchr(dml + 1, '\n'), "\ndml ", 5), 0, "%s", table);
}

Test(tables, nodes_that_a_variant_has_not_take_no_row) {
    make((struct made_up){.variants = 2, .seeds = 1, .epochs = 2});
    const char *path = scratch_file(&scratch, "dml/seed-1/result.json");
    json_t *result = json_load_file(path, 0, NULL);
    cr_assert_eq(json_object_del(json_object_get(result, "nodes"), "teacher"), 0);
    cr_assert_eq(json_dump_file(result, path, 0), 0);
    json_decref(result);
    struct sy_report *report = read_report(NULL);
    char *text = written(report, SY_REPORT_TEXT);
    expect_one_row(text, "Test set: accuracy");
    expect_one_row(text, "Work of each node");
    free(text);
    sy_report_destroy(report);
}

Test(tables, what_diverged_is_told) {
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 2});
    put_text(scratch_file(&scratch, "vanilla/seed-1/epochs.jsonl"),
             "{\"epoch\":0,\"nodes\":{\"student\":{\"train_loss\":1.5}}}\n"
             "{\"epoch\":1,\"nodes\":{\"student\":{\"train_loss\":null}}}\n");
    struct sy_report *report = read_report(NULL);
    char *text = written(report, SY_REPORT_TEXT);
    expect_in(text, "student diverged in epoch 2");
    free(text);
    sy_report_destroy(report);
}

static void diverge(const char *run) {
    char path[256];
    snprintf(path, sizeof path, "%s/result.json", run);
    cr_assert_eq(remove(scratch_file(&scratch, path)), 0);
    snprintf(path, sizeof path, "%s/failure.json", run);
    put_text(scratch_file(&scratch, path),
             "{\"reason\": \"too wild\", \"diverged\": {\"node\": \"student\", \"step\": 57, \"epoch\": 1}}");
}

/* One seed of vanilla and all of dml: the one is left out of a mean that says so, the others have no figure. */
Test(tables, runs_that_diverged_are_told_and_in_no_mean) {
    make((struct made_up){.variants = 2, .seeds = 3, .epochs = 4});
    diverge("vanilla/seed-2");
    for (int s = 1; s <= 3; s++) {
        char run[32];
        snprintf(run, sizeof run, "dml/seed-%d", s);
        diverge(run);
    }
    struct sy_report *report = read_report(NULL);
    cr_assert_eq(report->variants[0].runs[1].state, SY_REPORT_DIVERGED);
    cr_assert_eq(sy_metric_summary(report, 0, SY_METRIC_ACCURACY, 0).n, 2);
    char *text = written(report, SY_REPORT_TEXT), *latex = written(report, SY_REPORT_LATEX);
    char *markdown = written(report, SY_REPORT_MARKDOWN);
    char *csv = written(report, SY_REPORT_CSV), *json = written(report, SY_REPORT_JSON);
    expect_in(text, "2 of 3");
    expect_in(text, "0 of 3");
    expect_in(text, "vanilla: 1 of 3 seeds diverged and is in none of its figures.");
    expect_in(text, "dml: 3 of 3 seeds diverged and are in none of its figures.");
    expect_in(text, "student diverged at step 57, in epoch 2; too wild");
    expect_in(text, "0 failed, 4 diverged");
    expect_in(markdown, "| dml | diverged | diverged |");
    expect_in(latex, "diverged");
    expect_in(csv, "dml,student,accuracy,%,0,,,");
    json_t *object = json_loads(json, 0, NULL), *dml = json_array_get(json_object_get(object, "variants"), 1);
    json_t *run = json_array_get(json_object_get(dml, "runs"), 0);
    cr_assert_eq(json_integer_value(json_object_get(dml, "diverged")), 3);
    cr_assert_str_eq(json_string_value(json_object_get(run, "state")), "diverged");
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(run, "diverged_steps"), "student")), 57);
    json_decref(object);
    free(text);
    free(latex);
    free(markdown);
    free(csv);
    free(json);
    sy_report_destroy(report);
}

Test(tables, a_single_run) {
    const struct made_up wish = {.variants = 1, .seeds = 1, .epochs = 3};
    cr_assert_eq(make_run(scratch.path, &wish, 0, 1, 1), 0);
    struct sy_report *report = read_report(NULL);
    cr_assert(report->single && sy_report_count(report, SY_REPORT_FINISHED) == 1);
    char *text = written(report, SY_REPORT_TEXT);
    expect_in(text, "Test accuracy of each node");
    free(text);
    sy_report_destroy(report);
}

Test(tables, damaged_and_foreign_files_are_named_and_skipped) {
    make((struct made_up){.variants = 2, .seeds = 2, .epochs = 4});
    put_text(scratch_file(&scratch, "vanilla/seed-1/result.json"), "{\"epochs\": 4,");
    put_text(scratch_file(&scratch, "vanilla/seed-2/notes.txt"), "mine");
    put_text(scratch_file(&scratch, "vanilla/seed-2/predictions.json"), "[]");
    put_text(scratch_file(&scratch, "dml/seed-1/epochs.jsonl"),
             "{\"epoch\":0,\"nodes\":{}}\nrubbish\n{\"epoch\":7,\"nodes\":{}}\n{\"epoch\":1,\"nodes\":{}}\n");
    cr_assert_eq(remove(scratch_file(&scratch, "dml/seed-2/epochs.jsonl")), 0);
    cr_assert_eq(mkfifo(scratch_file(&scratch, "dml/seed-2/epochs.jsonl"), 0600), 0);
    struct sy_report *report = read_report(NULL);
    cr_assert(noted(report, "vanilla/seed-1/result.json"));
    cr_assert(noted(report, "vanilla/seed-2/notes.txt: is not of a run"));
    cr_assert(noted(report, "vanilla/seed-2/predictions.json"));
    cr_assert(noted(report, "dml/seed-1/epochs.jsonl:2"));
    cr_assert(noted(report, "dml/seed-1/epochs.jsonl:4"));
    cr_assert(noted(report, "dml/seed-2/epochs.jsonl: is no regular file"));
    cr_assert_eq(report->variants[1].runs[0].epochs, 8);
    cr_assert_eq(report->variants[0].runs[0].state, SY_REPORT_UNFINISHED);
    sy_report_destroy(report);
}

Test(tables, folders_that_are_none) {
    struct sy_error err = NEW_ERROR, other = NEW_ERROR, third = NEW_ERROR;
    struct sy_report *report;
    cr_assert_eq(sy_report_read(&report, scratch.path, NULL, &err), SY_EINVAL);
    expect_error(&err, SY_EINVAL, "holds neither a suite");
    cr_assert_null(report);
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 1});
    sy_report_read(&report, scratch.path, "nobody", &other);
    expect_error(&other, SY_EINVAL, "is no variant");
    put_text(scratch_file(&scratch, "suite.json"), "{\"seeds\": [1.5], \"variants\": {}}");
    sy_report_read(&report, scratch.path, NULL, &third);
    expect_error(&third, SY_EINVAL, "is damaged");
}

/* A suite.json from elsewhere names no file outside its folder. */
Test(tables, names_stay_within_the_folder) {
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 1});
    put_text(scratch_file(&scratch, "suite.json"), "{\"suite\":\"x\",\"seeds\":[1],\"variants\":[{\"name\":\"../"
                                                   "vanilla\"},{\"name\":\"vanilla\"},7,{\"name\":\"..\"}]}");
    struct sy_report *report = read_report(NULL);
    cr_assert_eq(report->n_variants, 1);
    cr_assert_eq(report->n_notes, 3);
    sy_report_destroy(report);
}

/* Every journal with a byte changed or its end cut, many times: notes, never a crash or a failure. */
Test(tables, mutated_journals_do_no_harm) {
    static const char *const files[] = {"result.json", "epochs.jsonl", "predictions.json", "run.cfg"};
    uint32_t random = 20221123;
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 3, .classes = 3});
    for (int round = 0; round < 120; round++) {
        char name[128];
        size_t count;
        snprintf(name, sizeof name, "vanilla/seed-1/%s", files[round % 4]);
        char *bytes = get_bytes(scratch_file(&scratch, name), &count);
        char *changed = get_bytes(scratch_file(&scratch, name), &count);
        for (int k = 0; k < 3; k++) {
            random = random * 1664525u + 1013904223u;
            changed[random / 256 % count] = "\"{}[],:-9e.\n\0\xffn"[random % 16];
        }
        put_bytes(scratch_file(&scratch, name), changed, round % 5 ? count : count / 2);
        struct sy_report *report = read_report(NULL);
        free(written(report, SY_REPORT_TEXT));
        free(written(report, SY_REPORT_LATEX));
        sy_report_destroy(report);
        put_bytes(scratch_file(&scratch, name), bytes, count);
        free(bytes);
        free(changed);
    }
}

Test(tables, numbers_have_no_exponents) {
    char text[64];
    cr_assert_str_eq(sy_metric_write(text, sizeof text, 8.7e-05, -2), "0.000087");
    cr_assert_str_eq(sy_metric_write(text, sizeof text, 1234567.8, -4), "1234568");
    cr_assert_str_eq(sy_metric_write(text, sizeof text, 23456.7, -4), "23457");
    cr_assert_str_eq(sy_metric_write(text, sizeof text, 123.4, -2), "123");
    cr_assert_str_eq(sy_metric_write(text, sizeof text, 99.7, -2), "100");
    cr_assert_str_eq(sy_metric_write(text, sizeof text, 99.4, -2), "99");
    cr_assert_str_eq(sy_metric_write(text, sizeof text, 0.06115, -4), "0.06115");
    cr_assert_str_eq(sy_metric_write(text, sizeof text, (double)NAN, 2), "-");
}
