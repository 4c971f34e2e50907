/* bench_report.c - see bench_report.h. */
#include "bench_report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- figures from samples --------------------------------------------------------------------------------------- */

/* Milliseconds. */
struct spread {
    double median, min, max;
};

static int by_size(const void *left, const void *right) {
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* False where there are no samples. */
static bool spread_of(struct spread *out, const struct sy_figures *figures, enum sy_timing timing) {
    size_t count = (size_t)figures->count[timing];
    double *sorted = count ? malloc(count * sizeof *sorted) : NULL;
    *out = (struct spread){0, 0, 0};
    if (!sorted) {
        return false;
    }
    memcpy(sorted, sy_figures_samples(figures, timing), count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_size);
    double middle = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    *out = (struct spread){1e3 * middle, 1e3 * sorted[0], 1e3 * sorted[count - 1]};
    free(sorted);
    return true;
}

static const struct sy_figures *figures_of(const struct sy_bench_case *one) {
    return one->child.shared;
}

static double gflops(const struct sy_figures *figures, enum sy_timing timing, const struct spread *spread) {
    return 1e-6 * figures->operations[timing] / spread->median;
}

/* Milliseconds of one step; the phases are sums over the counted ones. */
static double phase_ms(const struct sy_figures *figures, enum sy_timing timing, int phase) {
    return figures->count[timing] ? 1e3 * figures->phases[timing][phase] / figures->count[timing] : 0;
}

/* Share of the processor time of a step that the loader takes. */
static double loader_share(const struct sy_figures *figures) {
    double step =
        figures->processor_seconds / (figures->count[SY_TIME_LEARNING] ? figures->count[SY_TIME_LEARNING] : 1);
    return step > 0 ? figures->loader_processor / step : 0;
}

static const char *timing_name(const struct sy_figures *figures, int timing) {
    static const char *const names[SY_TIMINGS] = {"learning", "expert", "inference"};
    return timing == SY_TIME_EXPERT && !figures->gated ? "paused" : names[timing];
}

static const char *const phase_names[SY_PHASES] = {"forward", "policy", "loss",  "backward",
                                                   "update",  "loader", "record"};

/* ---- table ------------------------------------------------------------------------------------------------------ */

struct table {
    FILE *out;
    const struct sy_machine *machine;
    const struct sy_bench_case *cases;
    int32_t count;
    int width; /* of the first column */
};

static void print_steps(const struct table *table, const struct sy_bench_case *one) {
    const struct sy_figures *figures = figures_of(one);
    for (int timing = 0; timing < SY_TIMINGS; timing++) {
        struct spread spread;
        if (spread_of(&spread, figures, timing)) {
            double rate = gflops(figures, timing, &spread);
            fprintf(table->out, "%-*s %-9s %-9s %9.3f %9.3f %9.3f %10.0f %9.1f %6.1f\n", table->width,
                    timing ? "" : one->title, timing ? "" : sy_precision_name(figures->precision),
                    timing_name(figures, timing), spread.median, spread.min, spread.max,
                    1e3 * figures->batch / spread.median, rate, 100 * rate / table->machine->gflops);
        }
    }
}

static void print_phases(const struct table *table, const struct sy_bench_case *one) {
    FILE *out = table->out;
    const struct sy_figures *figures = figures_of(one);
    for (int timing = SY_TIME_LEARNING; timing <= SY_TIME_EXPERT; timing++) {
        double sum = 0;
        for (int p = 0; p < SY_PHASES; p++) {
            sum += phase_ms(figures, timing, p);
        }
        if (sum <= 0) {
            continue;
        }
        fprintf(out, "%-*s %-9s %-9s", table->width, one->title, sy_precision_name(figures->precision),
                timing_name(figures, timing));
        for (int p = 0; p < SY_PHASES; p++) {
            fprintf(out, " %8.3f", phase_ms(figures, timing, p));
        }
        fprintf(out, "\n");
    }
}

static void print_rest(const struct table *table, const struct sy_bench_case *one) {
    FILE *out = table->out;
    const struct sy_figures *figures = figures_of(one);
    fprintf(out, "%-*s %-9s %9.0f %11.2f %12lld %9.2f %7d %7d  %s%s%s\n", table->width, one->title,
            sy_precision_name(figures->precision), figures->peak_mib, figures->start_seconds,
            (long long)figures->parameters, 1e-6 * figures->multiply_adds, figures->batch, figures->threads,
            figures->backend, figures->processor[0] ? "; " : "", figures->processor);
    if (figures->loader_alone > 0) {
        fprintf(out, "%-*s %-9s the loader alone gives %.0f images/s and takes %.2f %% of a step's processor time\n",
                table->width, "", "", figures->loader_alone, 100 * loader_share(figures));
    }
}

static void print_layers(const struct table *table, const struct sy_bench_case *one) {
    const struct sy_figures *figures = figures_of(one);
    double peak = table->machine->gflops;
    FILE *out = table->out;
    if (!figures->n_layers) {
        return;
    }
    fprintf(out, "\n%s, %s: operators one by one, each in a network of its own (ms of one, and of all of them)\n",
            one->title, sy_precision_name(figures->precision));
    fprintf(out, "%-15s %-44s %5s %9s %9s %9s %9s %6s %9s %6s\n", "operator", "shape", "times", "forward", "backward",
            "all", "GFLOP/s", "% peak", "GFLOP/s", "% peak");
    for (int32_t i = 0; i < figures->n_layers; i++) {
        const struct sy_layer_figures *row = &figures->layers[i];
        fprintf(out, "%-15s %-44s %5d %9.3f %9.3f %9.3f", row->what, row->shape, row->count, 1e3 * row->forward,
                1e3 * row->backward, 1e3 * row->count * (row->forward + row->backward));
        if (row->forward_operations > 0) {
            double forward = 1e-9 * row->forward_operations / row->forward;
            double backward = row->backward > 0 ? 1e-9 * row->backward_operations / row->backward : 0;
            fprintf(out, " %9.1f %6.1f %9.1f %6.1f", forward, 100 * forward / peak, backward, 100 * backward / peak);
        }
        fprintf(out, "\n");
    }
}

/* The first column is as wide as its widest title. */
static int title_width(const struct sy_bench_case *cases, int32_t count) {
    size_t width = strlen("case");
    for (int32_t i = 0; i < count; i++) {
        size_t length = strlen(cases[i].title);
        width = length > width ? length : width;
    }
    return (int)width;
}

static void print_each(const struct table *table,
                       void (*print)(const struct table *table, const struct sy_bench_case *one)) {
    for (int32_t i = 0; i < table->count; i++) {
        print(table, &table->cases[i]);
    }
}

void sy_bench_print(FILE *out, const struct sy_machine *machine, const struct sy_bench_case *cases, int32_t count,
                    int32_t rounds) {
    struct table table = {out, machine, cases, count, title_width(cases, count)};
    fprintf(out,
            "machine: %d thread%s, %.1f GFLOP/s (fused multiply-adds in float, in registers), %.1f GB/s (triad, three "
            "arrays of %.0f MiB)\n\n",
            machine->threads, machine->threads == 1 ? "" : "s", machine->gflops, machine->gbytes_per_s,
            machine->array_mebibytes);
    fprintf(out, "milliseconds a step, over %d round%s of all cases in turn\n", rounds, rounds == 1 ? "" : "s");
    fprintf(out, "%-*s %-9s %-9s %9s %9s %9s %10s %9s %6s\n", table.width, "case", "precision", "step", "median", "min",
            "max", "images/s", "GFLOP/s", "% peak");
    print_each(&table, print_steps);
    fprintf(out, "\nmilliseconds by phase, means\n%-*s %-9s %-9s", table.width, "case", "precision", "step");
    for (int p = 0; p < SY_PHASES; p++) {
        fprintf(out, " %8s", phase_names[p]);
    }
    fprintf(out, "\n");
    print_each(&table, print_phases);
    fprintf(out, "\n%-*s %-9s %9s %11s %12s %9s %7s %7s  %s\n", table.width, "case", "precision", "peak MiB",
            "first step", "parameters", "M madds", "batch", "threads", "backend");
    print_each(&table, print_rest);
    print_each(&table, print_layers);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *spread_json(const struct spread *spread) {
    return json_pack("{s:f, s:f, s:f}", "median", spread->median, "min", spread->min, "max", spread->max);
}

static json_t *phases_json(const struct sy_figures *figures, enum sy_timing timing) {
    json_t *phases = json_object();
    for (int p = 0; p < SY_PHASES; p++) {
        json_object_set_new(phases, phase_names[p], json_real(phase_ms(figures, timing, p)));
    }
    return phases;
}

static json_t *layers_json(const struct sy_figures *figures) {
    json_t *layers = json_array();
    for (int32_t i = 0; i < figures->n_layers; i++) {
        const struct sy_layer_figures *row = &figures->layers[i];
        double backward = row->backward > 0 ? 1e-9 * row->backward_operations / row->backward : 0;
        json_array_append_new(layers,
                              json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f}", "operator", row->what, "shape",
                                        row->shape, "count", (int)row->count, "forward_ms", 1e3 * row->forward,
                                        "backward_ms", 1e3 * row->backward, "forward_gflops",
                                        1e-9 * row->forward_operations / row->forward, "backward_gflops", backward));
    }
    return layers;
}

/* Keys of the steps other than learning: "expert_step_ms", "paused_step_ms", "inference_step_ms". */
static void add_step(json_t *object, const struct sy_figures *figures, enum sy_timing timing) {
    struct spread spread;
    char key[64];
    if (spread_of(&spread, figures, timing)) {
        snprintf(key, sizeof key, "%s_step_ms", timing_name(figures, timing));
        json_object_set_new(object, key, spread_json(&spread));
        snprintf(key, sizeof key, "%s_gflops", timing_name(figures, timing));
        json_object_set_new(object, key, json_real(gflops(figures, timing, &spread)));
    }
}

static json_t *case_json(const struct sy_bench_case *one, const struct sy_machine *machine, int32_t rounds) {
    const struct sy_figures *figures = figures_of(one);
    struct spread step;
    spread_of(&step, figures, SY_TIME_LEARNING);
    double rate = gflops(figures, SY_TIME_LEARNING, &step);
    json_t *object = json_pack(
        "{s:s, s:s, s:i, s:i, s:s, s:o, s:f, s:f, s:f, s:f, s:f, s:o, s:I, s:I, s:i, s:i}", "net", one->title,
        "precision", sy_precision_name(figures->precision), "batch", (int)figures->batch, "threads",
        (int)figures->threads, "backend", figures->backend, "step_ms", spread_json(&step), "images_per_s",
        1e3 * figures->batch / step.median, "gflops", rate, "percent_of_peak", 100 * rate / machine->gflops, "peak_mib",
        figures->peak_mib, "first_step_s", figures->start_seconds, "phases_ms", phases_json(figures, SY_TIME_LEARNING),
        "parameters", (json_int_t)figures->parameters, "multiply_adds", (json_int_t)figures->multiply_adds, "rounds",
        (int)rounds, "steps", (int)figures->count[SY_TIME_LEARNING]);
    if (!object) {
        return NULL;
    }
    add_step(object, figures, SY_TIME_EXPERT);
    add_step(object, figures, SY_TIME_INFERENCE);
    if (figures->gated) {
        json_object_set_new(object, "expert_phases_ms", phases_json(figures, SY_TIME_EXPERT));
    }
    if (figures->loader_alone > 0) {
        json_object_set_new(object, "loader_images_per_s", json_real(figures->loader_alone));
        json_object_set_new(object, "loader_processor_share", json_real(loader_share(figures)));
    }
    if (figures->n_layers) {
        json_object_set_new(object, "layers", layers_json(figures));
    }
    return object;
}

bool sy_bench_print_json(FILE *out, const struct sy_machine *machine, const struct sy_bench_case *cases, int32_t count,
                         int32_t rounds) {
    json_t *root = count == 1 ? case_json(&cases[0], machine, rounds) : json_object(), *results = json_array();
    for (int32_t i = 0; count > 1 && i < count; i++) {
        json_array_append_new(results, case_json(&cases[i], machine, rounds));
    }
    json_object_set_new(root, "machine",
                        json_pack("{s:i, s:f, s:f}", "threads", (int)machine->threads, "gflops", machine->gflops,
                                  "gbytes_per_s", machine->gbytes_per_s));
    if (count > 1) {
        json_object_set_new(root, "results", results);
    } else {
        json_decref(results);
    }
    bool done = root && json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return done;
}
