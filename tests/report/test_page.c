/* test_page.c - the page, the LaTeX, and what other programs think of them where they are installed. */
#include <report/page.h>
#include <report/write.h>

#include "../record/scratch.h"
#include "made_up.h"

static struct scratch scratch;
static char page[400];

static void setup(void) {
    scratch_make(&scratch);
}

static void teardown(void) {
    scratch_remove(scratch.path);
}

TestSuite(page, .init = setup, .fini = teardown);

/* The page's text, to be freed. */
static char *make(const struct made_up wish) {
    struct sy_error err = NEW_ERROR;
    size_t count;
    cr_assert_eq(make_suite(scratch.path, &wish), 0);
    cr_assert_eq(sy_report_page(page, sizeof page, scratch.path, NULL, &err), SY_OK, "%s", err.text);
    return get_bytes(page, &count);
}

static int shell(const char *format, const char *one, const char *other) {
    char command[2048];
    snprintf(command, sizeof command, format, one, other);
    return system(command);
}

static void need(const char *program) {
    if (shell("command -v '%s' >/dev/null 2>&1%s", program, "") != 0) {
        cr_skip("no %s here", program);
    }
}

Test(page, needs_nothing_beside_it) {
    char *text = make((struct made_up){.variants = 3, .seeds = 2, .epochs = 4, .steps = 10, .classes = 3});
    cr_assert_not_null(strstr(text, "<table>"));
    cr_assert_not_null(strstr(text, "policy: { plugin ="), "the configurations");
    cr_assert_null(strstr(text, "src="), "nothing is loaded");
    cr_assert_null(strstr(text, "@import"));
    cr_assert_null(strstr(text, "<script"));
    cr_assert_null(strstr(text, "http:"), "%.60s", strstr(text, "http:"));
    cr_assert_null(strstr(text, "https:"));
    free(text);
}

Test(page, ids_of_figures_do_not_meet) {
    need("gnuplot");
    char *text = make((struct made_up){.variants = 2, .seeds = 2, .epochs = 3});
    cr_assert_not_null(strstr(text, "id='f0-gpPt5'"));
    cr_assert_not_null(strstr(text, "href='#f1-gpPt5'"));
    cr_assert_null(strstr(text, "'#gpPt5'"));
    free(text);
}

/* Names and texts from a foreign folder are text, in tables and in figures. */
Test(page, names_are_no_markup) {
    const struct made_up wish = {.variants = 1, .seeds = 1, .epochs = 2};
    char folder[600];
    size_t count;
    struct sy_error err = NEW_ERROR;
    cr_assert_eq(make_suite(scratch.path, &wish), 0);
    snprintf(folder, sizeof folder, "%s/<script>alert(1)<b>\"&'", scratch.path);
    cr_assert_eq(rename(scratch_file(&scratch, "vanilla"), folder), 0);
    put_text(scratch_file(&scratch, "suite.json"), "{\"suite\":\"</title><script>\",\"seeds\":[1],\"variants\":"
                                                   "[{\"name\":\"<script>alert(1)<b>\\\"&'\"}]}");
    cr_assert_eq(sy_report_page(page, sizeof page, scratch.path, NULL, &err), SY_OK, "%s", err.text);
    char *text = get_bytes(page, &count);
    cr_assert_null(strstr(text, "<script"), "%.80s", strstr(text, "<script"));
    cr_assert_not_null(strstr(text, "&lt;script&gt;alert(1)&lt;b&gt;"));
    free(text);
}

Test(page, passes_the_validator) {
    need("tidy");
    free(make((struct made_up){.variants = 3, .seeds = 2, .epochs = 4, .steps = 10, .classes = 3}));
    cr_assert_eq(shell("tidy -q -e '%s' >'%s.tidy' 2>&1", page, page), 0, "see tidy -e");
}

Test(page, opens_in_a_browser_without_a_word) {
    need("chromium");
    free(make((struct made_up){.variants = 2, .seeds = 2, .epochs = 3}));
    int status =
        shell("cd '%s' && HOME=$PWD timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage "
              "--disable-background-networking --host-resolver-rules='MAP * ~NOTFOUND' --user-data-dir=browser "
              "--enable-logging=stderr --dump-dom 'file://%s' >dom 2>browser.log",
              scratch.path, page);
    if (status != 0) {
        cr_skip("chromium cannot run here");
    }
    cr_assert_eq(shell("grep -q '</table>' '%s/dom'%s", scratch.path, ""), 0);
    cr_assert_neq(shell("grep -q CONSOLE '%s/browser.log'%s", scratch.path, ""), 0, "the console has something");
}

Test(page, latex_compiles) {
    need("pdflatex");
    struct sy_error err = NEW_ERROR;
    struct sy_report *report;
    const struct made_up wish = {.variants = 3, .seeds = 3, .epochs = 2};
    cr_assert_eq(make_suite(scratch.path, &wish), 0);
    put_text(scratch_file(&scratch, "dml/seed-2/result.json"), "{\"odd_$%&#{}~^\\\\<>|");
    cr_assert_eq(sy_report_read(&report, scratch.path, NULL, &err), SY_OK);
    report->variants[1].name = (char[]){"a_b$%&#{}~^\\<>|\"\xc3\xa9\xe2\x82\xac\xff"};
    FILE *file = fopen(scratch_file(&scratch, "tables.tex"), "w");
    cr_assert_eq(sy_report_write(file, report, SY_REPORT_LATEX, &err), SY_OK);
    fclose(file);
    put_text(scratch_file(&scratch, "paper.tex"), "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
                                                  "\\input{tables}\n\\end{document}\n");
    int status =
        shell("cd '%s' && timeout 60 pdflatex -halt-on-error -interaction=batchmode paper.tex >/dev/null 2>&1%s",
              scratch.path, "");
    cr_assert_eq(status, 0, "see %s/paper.log", scratch.path);
    sy_report_destroy(report);
}
