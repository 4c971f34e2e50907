/* test_figures.c - scripts and data of figures, and, where gnuplot is, the figures. */
#include <math.h>

#include <report/figures.h>
#include <report/steps.h>

#include "../record/scratch.h"
#include "made_up.h"

static struct scratch scratch;
static struct sy_report *report;
static struct sy_figures figures;

static void setup(void) {
    scratch_make(&scratch);
}

static void teardown(void) {
    sy_report_destroy(report);
    scratch_remove(scratch.path);
}

TestSuite(figures, .init = setup, .fini = teardown);

static void make(const struct made_up wish) {
    struct sy_error err = NEW_ERROR;
    cr_assert_eq(make_suite(scratch.path, &wish), 0);
    cr_assert_eq(sy_report_read(&report, scratch.path, NULL, &err), SY_OK, "%s", err.text);
}

static void draw(void) {
    struct sy_error err = NEW_ERROR;
    char folder[300];
    snprintf(folder, sizeof folder, "%s/figures", scratch.path);
    cr_assert_eq(sy_figures_make(&figures, report, folder, "svg pdf", &err), SY_OK, "%s", err.text);
}

static const struct sy_figure *named(const char *name) {
    for (int32_t i = 0; i < figures.count; i++) {
        if (!strcmp(figures.at[i].name, name)) {
            return &figures.at[i];
        }
    }
    cr_assert_fail("no figure %s", name);
    return NULL;
}

static bool has_gnuplot(void) {
    return system("gnuplot --version >/dev/null 2>&1") == 0;
}

Test(figures, all_kinds_are_drawn) {
    static const char *const names[] = {"accuracy-1", "loss-2",        "share",         "cost-2",
                                        "gap-3",      "reliability-1", "confusion-3-2", "timeline"};
    if (!has_gnuplot()) {
        cr_skip("no gnuplot here");
    }
    make((struct made_up){.variants = 3, .seeds = 2, .epochs = 5, .steps = 20, .classes = 4});
    draw();
    cr_assert_eq(report->n_notes, 0, "%s", report->notes[0]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[128];
        size_t count;
        cr_assert(named(names[i])->drawn, "%s", names[i]);
        snprintf(name, sizeof name, "figures/%s.svg", names[i]);
        char *svg = get_bytes(scratch_file(&scratch, name), &count);
        cr_assert_not_null(strstr(svg, "</svg>"), "%s is cut", name);
        free(svg);
        snprintf(name, sizeof name, "figures/%s.pdf", names[i]);
        cr_assert(is_there(scratch_file(&scratch, name)), "%s", name);
    }
}

Test(figures, without_gnuplot_there_are_scripts_and_data) {
    make((struct made_up){.variants = 2, .seeds = 2, .epochs = 3});
    cr_assert_eq(setenv("PATH", "/nowhere", 1), 0);
    draw();
    cr_assert_not(named("accuracy-1")->drawn);
    cr_assert(is_there(scratch_file(&scratch, "figures/accuracy-1.gp")));
    cr_assert(is_there(scratch_file(&scratch, "figures/accuracy-1.dat")));
    cr_assert(report->n_notes == 1 && strstr(report->notes[0], "gnuplot-nox"), "%s", report->notes[0]);
}

/* Names from elsewhere are data for gnuplot, never commands. */
Test(figures, names_are_no_commands) {
    const struct made_up wish = {.variants = 1, .seeds = 1, .epochs = 2};
    static const char bad[] = "it's'; system \"touch owned\"; `touch owned`";
    char folder[600];
    make(wish);
    sy_report_destroy(report);
    snprintf(folder, sizeof folder, "%s/%s", scratch.path, bad);
    cr_assert_eq(rename(scratch_file(&scratch, "vanilla"), folder), 0);
    put_text(scratch_file(&scratch, "suite.json"),
             "{\"seeds\":[1],\"variants\":[{\"name\":\"it's'; system \\\"touch owned\\\"; `touch owned`\"}]}");
    struct sy_error err = NEW_ERROR;
    cr_assert_eq(sy_report_read(&report, scratch.path, NULL, &err), SY_OK, "%s", err.text);
    draw();
    cr_assert_not(is_there(scratch_file(&scratch, "figures/owned")));
    cr_assert(!has_gnuplot() || named("accuracy-1")->drawn);
}

/* The mean over seeds, and the band of a deviation. */
Test(figures, data_are_means_and_bands) {
    double epoch, mean, low, high, one, other;
    int n;
    size_t count;
    make((struct made_up){.variants = 1, .seeds = 2, .epochs = 3});
    draw();
    char *data = get_bytes(scratch_file(&scratch, "figures/accuracy-2.dat"), &count);
    cr_assert_eq(sscanf(strchr(data, '\n') + 1, "%lf %lf %lf %lf %d", &epoch, &mean, &low, &high, &n), 5);
    one = 100 * report->variants[0].runs[0].nodes[1].series.test_accuracy[0];
    other = 100 * report->variants[0].runs[1].nodes[1].series.test_accuracy[0];
    cr_assert(epoch == 1 && n == 2);
    cr_assert_float_eq(mean, (one + other) / 2, 1e-5);
    cr_assert_float_eq(high - mean, fabs(one - other) / sqrt(2), 1e-5);
    free(data);
}

/* The ends of a figure's axes, as gnuplot drew it. */
static void read_axes(const char *name, double ends[4]) {
    char command[1000];
    snprintf(command, sizeof command,
             "cd '%s/figures' && gnuplot -e \"kinds='svg'\" %s.gp -e 'set print \"ends\"; print GPVAL_X_MIN, "
             "GPVAL_X_MAX, GPVAL_Y_MIN, GPVAL_Y_MAX'",
             scratch.path, name);
    cr_assert_eq(system(command), 0, "%s", name);
    size_t count;
    char *text = get_bytes(scratch_file(&scratch, "figures/ends"), &count);
    cr_assert_eq(sscanf(text, "%lf %lf %lf %lf", &ends[0], &ends[1], &ends[2], &ends[3]), 4, "%s", text);
    free(text);
}

/* Also where there is nothing but one number, around which gnuplot would put an axis. */
static void expect_axes_of_what_can_be(int extreme) {
    static const char *const names[] = {"accuracy-1", "accuracy-2", "cost-1", "cost-2"};
    if (!has_gnuplot()) {
        cr_skip("no gnuplot here");
    }
    make((struct made_up){.variants = 2, .seeds = 2, .epochs = 3, .extreme = extreme});
    draw();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double ends[4];
        cr_assert(named(names[i])->drawn, "%s", names[i]);
        read_axes(names[i], ends);
        cr_expect(ends[0] >= 0 && ends[0] < ends[1], "%s: x from %g to %g", names[i], ends[0], ends[1]);
        cr_expect(ends[2] >= 0 && ends[2] < ends[3] && ends[3] <= 100, "%s: y from %g to %g", names[i], ends[2],
                  ends[3]);
    }
}

Test(figures, no_axis_shows_less_than_nothing) {
    expect_axes_of_what_can_be(-1);
}
Test(figures, no_axis_shows_more_than_all) {
    expect_axes_of_what_can_be(1);
}

/* A journal of several megabytes is sampled, one of few bytes read whole; both tell the same. */
Test(figures, steps_of_large_journals_are_sampled) {
    make((struct made_up){.variants = 3, .seeds = 1, .epochs = 20, .steps = 600});
    struct sy_steps *steps = sy_steps_read(report, &report->variants[2].runs[0]);
    cr_assert(steps && steps->n_gates == 1 && steps->sampled && steps->gates[0]->has_gap);
    for (int32_t b = 1; b < SY_STEP_BINS; b++) {
        const struct sy_step_bin *bin = &steps->gates[0]->bins[b];
        cr_assert_float_eq(bin->step, 12000.0 * b / SY_STEP_BINS, 200, "bin %d: step %g", (int)b, bin->step);
        cr_assert(bin->lower < bin->delta && bin->delta < bin->upper);
        cr_assert(bin->expert >= 0 && bin->expert <= 1);
    }
}

/* Bytes of a journal of steps changed, many times: never a crash. */
Test(figures, mutated_steps_do_no_harm) {
    uint32_t random = 20220711;
    size_t count;
    make((struct made_up){.variants = 3, .seeds = 1, .epochs = 2, .steps = 20});
    char *bytes = get_bytes(scratch_file(&scratch, "switokd/seed-1/steps.jsonl"), &count);
    for (int round = 0; round < 200; round++) {
        char *changed = malloc(count);
        memcpy(changed, bytes, count);
        for (int k = 0; k < 20; k++) {
            random = random * 1664525u + 1013904223u;
            changed[random / 256 % count] = "\"{}[],:-9e.\n\0\xffn"[random % 16];
        }
        put_bytes(scratch_file(&scratch, "switokd/seed-1/steps.jsonl"), changed, round % 5 ? count : count / 3);
        cr_assert_not_null(sy_steps_read(report, &report->variants[2].runs[0]));
        free(changed);
    }
    free(bytes);
}
