/* test_odd.c - suites as they are found after months: names with signs in them, journals with holes, more damage than can be
 * told, runs that others are at. */
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <sys/file.h>

#include <report/figures.h>
#include <report/page.h>
#include <report/read.h>
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

TestSuite(odd, .init = setup, .fini = teardown);

static void make(const struct made_up wish) {
    cr_assert_eq(make_suite(scratch.path, &wish), 0);
}

static struct sy_report *read_report(void) {
    struct sy_error err = NEW_ERROR;
    struct sy_report *report;
    cr_assert_eq(sy_report_read(&report, scratch.path, NULL, &err), SY_OK, "%s", err.text);
    return report;
}

/* Whether the report in this form has all the words. */
static void expect_words(struct sy_report *report, enum sy_report_form form, const char *const *words) {
    char *text = NULL;
    size_t size;
    struct sy_error err = NEW_ERROR;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_eq(sy_report_write(stream, report, form, &err), SY_OK, "%s", err.text);
    fclose(stream);
    for (; *words; words++) {
        cr_expect(strstr(text, *words), "form %d has no %s:\n%s", (int)form, *words, text);
    }
    free(text);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool noted(const struct sy_report *report, const char *part) {
    for (int32_t i = 0; i < report->n_notes; i++) {
        if (strstr(report->notes[i], part)) {
            return true;
        }
    }
    return false;
}

Test(odd, names_with_signs_stay_names_in_every_form) {
    make((struct made_up){.variants = 1, .seeds = 2, .epochs = 2});
    put_text(scratch_file(&scratch, "suite.json"),
             "{\"suite\":\"x\",\"seeds\":[1,2],\"variants\":[{\"name\":\"a, \\\"b\\\" *c_d` [e|f] <g> \\\\\"}]}");
    char from[512], to[512];
    snprintf(from, sizeof from, "%s/vanilla", scratch.path);
    snprintf(to, sizeof to, "%s/a, \"b\" *c_d` [e|f] <g> \\", scratch.path);
    cr_assert_eq(rename(from, to), 0);
    struct sy_report *report = read_report();
    cr_assert_eq(sy_report_count(report, SY_REPORT_FINISHED), 2);
    expect_words(report, SY_REPORT_CSV, WORDS("\n\"a, \"\"b\"\" *c_d` [e|f] <g> \\\",student,accuracy,"));
    expect_words(report, SY_REPORT_MARKDOWN, WORDS("a, \"b\" \\*c\\_d\\` \\[e\\|f] &lt;g> \\\\"));
    expect_words(report, SY_REPORT_LATEX, WORDS("c\\_d"));
    expect_words(report, SY_REPORT_JSON, WORDS("a, \\\"b\\\" *c_d` [e|f] <g> \\\\"));
    sy_report_destroy(report);
}

Test(odd, what_a_paper_says_stands_beside_what_was_measured) {
    make((struct made_up){.variants = 2, .seeds = 3, .epochs = 2});
    put_text(
        scratch_file(&scratch, "suite.json"),
        "{\"suite\":\"x\",\"seeds\":[1,2,3],\"selection\":\"best_val\",\"variants\":["
        "{\"name\":\"vanilla\",\"expected\":{\"student\":{\"value\":1.5,\"tolerance\":null},"
        "\"nobody\":{\"value\":3}}},{\"name\":\"dml\",\"expected\":{\"teacher\":{\"value\":99,\"tolerance\":98}}}]}");
    struct sy_report *report = read_report();
    expect_words(report, SY_REPORT_TEXT,
                 WORDS("1.50", "99.00 (tolerance 98.00)", "best on the validation set (selection best_val)",
                       "No baseline is named"));
    expect_words(report, SY_REPORT_JSON, WORDS("\"tolerance\": 98", "\"tolerance\": null", "\"reproduced\""));
    sy_report_destroy(report);
}

/* More damage than is told one by one: the count of the rest, in tables and on the page. */
Test(odd, notes_end_somewhere_and_say_how_many_more_there_were) {
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 2});
    for (int i = 0; i < 230; i++) {
        char name[64];
        snprintf(name, sizeof name, "vanilla/seed-1/stranger-%d <b>", i);
        put_text(scratch_file(&scratch, name), "");
    }
    struct sy_report *report = read_report();
    cr_assert_eq(report->n_notes, 200);
    cr_assert_eq(report->more_notes, 30);
    expect_words(report, SY_REPORT_TEXT, WORDS("and 30 more that were skipped"));
    expect_words(report, SY_REPORT_JSON, WORDS("is not of a run"));
    char path[512];
    struct sy_error err = NEW_ERROR;
    setenv("PATH", "/nowhere", 1); /* no gnuplot: one note more */
    snprintf(path, sizeof path, "%s/page.html", scratch.path);
    cr_assert_eq(sy_page_file(path, report, &err), SY_OK, "%s", err.text);
    size_t count;
    char *page = get_bytes(path, &count);
    cr_expect(strstr(page, "<h2>Left out</h2>") && strstr(page, " &lt;b&gt;"));
    cr_expect(strstr(page, "<li>and 31 more</li>"));
    cr_expect_null(strstr(page, "stranger-1 <b>"), "a file's name is no mark-up");
    free(page);
    sy_report_destroy(report);
}

static void put_epochs(const char *text) {
    put_text(scratch_file(&scratch, "vanilla/seed-1/epochs.jsonl"), text);
}

Test(odd, lines_of_a_journal_that_are_none) {
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 2});
    char *line = malloc(3 << 20);
    cr_assert_not_null(line);
    memset(line, 'x', 3 << 20);
    line[(3 << 20) - 1] = '\0';
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    fprintf(stream, "%s\n[1]\n{\"epoch\":\"0\",\"nodes\":{}}\n", line);
    for (int i = 0; i < 30; i++) {
        fputs("rubbish\n", stream);
    }
    fputs("{\"epoch\":0,\"nodes\":{\"student\":{\"train_loss\":1.5}}}\n", stream);
    fclose(stream);
    put_epochs(text);
    struct sy_report *report = read_report();
    cr_expect(noted(report, "epochs.jsonl:1: is too long; skipped"));
    cr_expect(noted(report, "epochs.jsonl:2: is no JSON object; skipped"));
    cr_expect(noted(report, "epochs.jsonl:3: is without `epoch` or `nodes`; skipped"));
    cr_expect(noted(report, "more damaged lines; skipped"));
    cr_expect_eq(report->variants[0].runs[0].epochs, 1);
    sy_report_destroy(report);
    free(text);
    free(line);
}

/* A long line that is whole is read however long it is, within reason. */
Test(odd, a_long_line_is_read_whole) {
    char *text = NULL;
    size_t size;
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 2});
    FILE *stream = open_memstream(&text, &size);
    fputs("{\"epoch\":0,\"nodes\":{", stream);
    for (int i = 0; i < 300; i++) {
        fprintf(stream, "\"a_node_that_has_a_rather_long_name_%d\":{\"train_loss\":1.5},", i);
    }
    fputs("\"student\":{\"train_loss\":2.25}}}\n", stream);
    fclose(stream);
    cr_assert_gt(size, 8192);
    put_epochs(text);
    cr_assert_eq(remove(scratch_file(&scratch, "vanilla/seed-1/result.json")), 0);
    struct sy_report *report = read_report();
    cr_expect_eq(report->variants[0].runs[0].epochs, 1);
    cr_expect_eq(report->n_nodes, 256, "nodes of a run without a result come from its journal, as many as are shown");
    sy_report_destroy(report);
    free(text);
}

Test(odd, a_run_without_result_is_running_where_its_lock_is_held) {
    make((struct made_up){.variants = 1, .seeds = 2, .epochs = 2});
    cr_assert_eq(remove(scratch_file(&scratch, "vanilla/seed-1/result.json")), 0);
    put_text(scratch_file(&scratch, "vanilla/seed-2/result.json"), "{\"epochs\":2}");
    int lock = open(scratch_file(&scratch, "vanilla/seed-1/lock"), O_RDWR | O_CREAT, 0600);
    cr_assert(lock >= 0 && flock(lock, LOCK_EX) == 0);
    struct sy_report *report = read_report();
    cr_expect_eq(report->variants[0].runs[0].state, SY_REPORT_RUNNING);
    cr_expect_eq(report->variants[0].runs[1].state, SY_REPORT_UNFINISHED);
    cr_expect(noted(report, "has no object `nodes`; skipped, so the run counts as unfinished"));
    sy_report_destroy(report);
    close(lock);
    report = read_report();
    cr_expect_eq(report->variants[0].runs[0].state, SY_REPORT_UNFINISHED);
    sy_report_destroy(report);
}

/* Numbers that cannot be are no numbers; the others of the run count. */
Test(odd, shares_outside_of_0_to_1_are_skipped) {
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 2});
    put_text(scratch_file(&scratch, "vanilla/seed-1/result.json"),
             "{\"epochs\":2,\"expert_share\":1.5,\"seconds\":-3,\"nodes\":{\"student\":{\"test_accuracy\":-0.25,"
             "\"test_top5\":0.5,\"test_nll\":-1},\"teacher\":7},"
             "\"agreement\":[{\"a\":\"student\",\"b\":\"teacher\",\"share\":2},{\"a\":\"nobody\",\"b\":\"student\"}]}");
    struct sy_report *report = read_report();
    const struct sy_report_run *run = &report->variants[0].runs[0];
    int32_t student = sy_report_find_node(report, "student");
    cr_assert(run->state == SY_REPORT_FINISHED && student >= 0);
    cr_expect(isnan(run->figures[SY_METRIC_SHARE]) && isnan(run->figures[SY_METRIC_SECONDS]));
    cr_expect(isnan(run->nodes[student].figures[SY_METRIC_ACCURACY]));
    cr_expect_eq(run->nodes[student].figures[SY_METRIC_TOP5], 0.5);
    cr_expect(isnan(run->nodes[student].figures[SY_METRIC_NLL]));
    cr_expect(noted(report, "expert_share is 1.5, which is no share of 1; skipped"));
    cr_expect(noted(report, "test_accuracy is -0.25, which is no share of 1; skipped"));
    sy_report_destroy(report);
}

/* A confusion that is no square of counts: the rest of the predictions counts. */
Test(odd, damaged_confusions_are_skipped) {
    static const char *const rows[] = {"[[1,2],[3]]", "[[1,2],[3,-1]]", "[[1,2],[3,\"4\"]]", "[[1]]",
                                       "[[1,2,3],[1,2,3]]"};
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 2});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{\"nodes\":{\"student\":{\"confusion\":%s},\"teacher\":{\"confusion\":[[5,6],[7,8]]}}}", rows[i]);
        put_text(scratch_file(&scratch, "vanilla/seed-1/predictions.json"), text);
        struct sy_report *report = read_report();
        const struct sy_report_run *run = &report->variants[0].runs[0];
        int32_t student = sy_report_find_node(report, "student"), teacher = sy_report_find_node(report, "teacher");
        cr_expect(noted(report, "the reliability or the confusion of student is damaged; skipped"), "%s", rows[i]);
        cr_expect_null(run->nodes[student].confusion, "%s", rows[i]);
        cr_expect(run->nodes[teacher].confusion && run->nodes[teacher].confusion[3] == 8, "%s", rows[i]);
        sy_report_destroy(report);
    }
}

/* Of any size, without reading it. */
Test(odd, a_result_that_is_too_large_to_be_one_is_skipped) {
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 2});
    cr_assert_eq(truncate(scratch_file(&scratch, "vanilla/seed-1/result.json"), (off_t)65 << 20), 0);
    struct sy_report *report = read_report();
    cr_expect(noted(report, "result.json: has 68157440 bytes, too many for what it should be"));
    cr_expect_eq(report->variants[0].runs[0].state, SY_REPORT_UNFINISHED);
    sy_report_destroy(report);
}

Test(odd, a_config_that_does_not_parse_takes_no_settings_table_away) {
    make((struct made_up){.variants = 2, .seeds = 1, .epochs = 2});
    put_text(scratch_file(&scratch, "dml/seed-1/run.cfg"), "experiment = ;\n");
    struct sy_report *report = read_report();
    expect_words(report, SY_REPORT_TEXT, WORDS("Test accuracy of each node"));
    cr_expect(noted(report, "dml/seed-1/run.cfg:1: syntax error"));
    sy_report_destroy(report);
}

Test(odd, a_baseline_that_is_none_of_the_variants_is_told) {
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 1});
    put_text(scratch_file(&scratch, "suite.json"),
             "{\"suite\":\"x\",\"baseline\":\"nobody\",\"seeds\":[1],\"variants\":[{\"name\":\"vanilla\"}]}");
    struct sy_report *report = read_report();
    cr_expect(noted(report, "suite.json: its baseline nobody is none of its variants; skipped"));
    cr_expect_eq(report->baseline, -1);
    sy_report_destroy(report);
}

static struct sy_figures *make_figures(struct sy_report *report, int *status, struct sy_error *err) {
    char folder[512];
    struct sy_figures *figures = calloc(1, sizeof *figures);
    cr_assert(figures);
    snprintf(folder, sizeof folder, "%s/figures", scratch.path);
    *status = sy_figures_make(figures, report, folder, "svg", err);
    return figures;
}

/* One script that gnuplot refuses does not take the others along; what it said stands in the notes. */
Test(odd, what_gnuplot_says_is_told) {
    char path[512];
    int status;
    struct sy_error err = NEW_ERROR;
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 2});
    cr_assert_eq(mkdir(scratch_file(&scratch, "bin"), 0700), 0);
    put_text(scratch_file(&scratch, "bin/gnuplot"),
             "#!/bin/sh\necho >&2\necho '  line 3: undefined variable' >&2\nexit 1\n");
    cr_assert_eq(chmod(scratch_file(&scratch, "bin/gnuplot"), 0700), 0);
    snprintf(path, sizeof path, "%s/bin:%.200s", scratch.path, getenv("PATH"));
    setenv("PATH", path, 1);
    struct sy_report *report = read_report();
    struct sy_figures *figures = make_figures(report, &status, &err);
    cr_assert_eq(status, SY_OK, "figures that are not drawn are no failure: %s", err.text);
    cr_assert_gt(figures->count, 1);
    cr_expect_eq(report->n_notes, figures->count, "each on its own");
    cr_expect(noted(report, "figures/accuracy-1.gp: gnuplot failed: line 3: undefined variable"));
    cr_expect_not(figures->at[0].drawn);
    sy_report_destroy(report);
    free(figures);
}

Test(odd, a_script_that_cannot_be_written_is_named) {
    int status;
    struct sy_error err = NEW_ERROR;
    make((struct made_up){.variants = 1, .seeds = 1, .epochs = 2});
    cr_assert_eq(mkdir(scratch_file(&scratch, "figures"), 0700), 0);
    cr_assert_eq(mkdir(scratch_file(&scratch, "figures/accuracy-1.gp"), 0700), 0);
    struct sy_report *report = read_report();
    struct sy_figures *figures = make_figures(report, &status, &err);
    expect_error(&err, SY_EIO, "figures/accuracy-1.gp: cannot be written: Is a directory");
    cr_expect_eq(status, SY_EIO);
    sy_report_destroy(report);
    free(figures);
}

/* Curves show the first 8 and say so, and there are 64 figures at most. */
Test(odd, figures_of_many_variants_say_what_they_leave_out) {
    int status;
    struct sy_error err = NEW_ERROR;
    make((struct made_up){.variants = 12, .seeds = 1, .epochs = 2, .steps = 3, .classes = 3});
    setenv("PATH", "/nowhere", 1); /* nothing needs to be drawn */
    struct sy_report *report = read_report();
    struct sy_figures *figures = make_figures(report, &status, &err);
    bool told = false;
    cr_assert_eq(status, SY_OK, "%s", err.text);
    cr_expect_leq(figures->count, SY_MOST_FIGURES);
    for (int32_t i = 0; i < figures->count; i++) {
        told = told || strstr(figures->at[i].caption, "The first 8 of 12 variants.");
    }
    cr_expect(told, "a curve says that it shows 8 of 12");
    cr_expect(noted(report, "no figures are drawn: there is no program gnuplot here"));
    sy_report_destroy(report);
    free(figures);
}
