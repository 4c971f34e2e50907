/* What `report` reads, in parts: suite.json, run.cfg, result.json, epochs.jsonl, predictions.json, steps.jsonl and
 * failure.json. Without suite.json the run alone is read. Whatever lies there, tables, data and the page can be made of
 * it, JSON is JSON, and the page has no mark-up but its own. */
#include <jansson.h>

#include "parts.h"
#include "report/page.h"
#include "report/steps.h"
#include "report/write.h"

static void prepare(void) {
    static int prepared;
    if (!prepared) {
        make_folder("a");
        make_folder("a/seed-1");
        prepared = 1;
    }
}

static void expect_forms(struct sy_report *report) {
    for (int form = SY_REPORT_TEXT; form <= SY_REPORT_JSON; form++) {
        struct sy_error err = {.size = sizeof err};
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        EXPECT(out && sy_report_write(out, report, (enum sy_report_form)form, &err) == SY_OK && fclose(out) == 0);
        if (form == SY_REPORT_JSON) {
            json_t *value = json_loadb(text, size, 0, NULL);
            EXPECT(json_is_object(value));
            json_decref(value);
        }
        free(text);
    }
}

static void expect_page(struct sy_report *report) {
    struct sy_figures figures = {.report = report};
    struct sy_error err = {.size = sizeof err};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    EXPECT(out && sy_page_body(out, report, &figures, &err) == SY_OK && fclose(out) == 0);
    EXPECT(!memmem(text, size, "<script", 7) && !memmem(text, size, "<img", 4) && !memmem(text, size, "<a ", 3));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const char *const files[] = {"a/seed-1/run.cfg",          "a/seed-1/result.json", "a/seed-1/epochs.jsonl",
                                        "a/seed-1/predictions.json", "a/seed-1/steps.jsonl", "a/seed-1/failure.json"};
    struct sy_report *report;
    struct sy_error err = {.size = sizeof err};
    char folder[PATH_MAX];
    prepare();
    struct part suite = next_part(&bytes, &count, 0);
    int alone = suite.count <= 1;
    write_part("suite.json", alone ? (struct part){NULL, 0} : suite);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_part(files[i], next_part(&bytes, &count, i + 1 == sizeof files / sizeof *files));
    }
    snprintf(folder, sizeof folder, "%s%s", scratch_folder(), alone ? "/a/seed-1" : "");
    int status = sy_report_read(&report, folder, NULL, &err);
    if (status != SY_OK) {
        EXPECT(!report && err.code == status && err.text[0] && !strchr(err.text, '\n'));
        return 0;
    }
    for (int32_t v = 0; v < report->n_variants; v++) {
        const struct sy_report_run *run = sy_report_example(report, v);
        EXPECT(!run || sy_steps_read(report, run));
    }
    expect_forms(report);
    expect_page(report);
    sy_report_destroy(report);
    return 0;
}
