/* subject.c - see subject.h. */
#include "subject.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../record/json.h"
#include "../train/lines.h"

/* Steps of a round where nobody says how many. */
#define LEAST_STEPS   3
#define MOST_STEPS    50
#define ROUND_SECONDS 1.0

struct sy_subject {
    const struct sy_subject_source *source;
    struct sy_problems *problems;
    struct sy_registry *registry;
    struct sy_experiment *experiment;
    struct sy_cohort *cohort;
    struct sy_totals totals;
    struct sy_loader *loader; /* NULL: always the same batch */
    struct sy_batch batch;
    int64_t epoch; /* of the loader */
    int64_t step;
    float *image;
    int32_t *labels;
    int64_t *samples;
    const float **views;
};

/* ---- figures ---------------------------------------------------------------------------------------------------- */

size_t sy_figures_bytes(int32_t room) {
    return sizeof(struct sy_figures) + (size_t)SY_TIMINGS * (size_t)room * sizeof(double);
}

const double *sy_figures_samples(const struct sy_figures *figures, enum sy_timing timing) {
    return figures->samples + (size_t)timing * (size_t)figures->room;
}

static void note_sample(struct sy_figures *figures, enum sy_timing timing, double seconds) {
    if (figures->count[timing] < figures->room) {
        figures->samples[(size_t)timing * (size_t)figures->room + (size_t)figures->count[timing]++] = seconds;
    }
}

static bool fail(struct sy_figures *figures, int status, const char *text) {
    snprintf(figures->failure, sizeof figures->failure, "%s\n", text);
    figures->bad_input = status == SY_EINVAL || status == SY_ENOTSUP;
    return false;
}

static bool fail_with_problems(struct sy_figures *figures, const struct sy_problems *problems) {
    FILE *out = fmemopen(figures->failure, sizeof figures->failure, "w");
    if (out) {
        sy_problems_print(problems, out);
        fclose(out);
    }
    figures->bad_input = 1;
    return false;
}

void sy_subject_memory(struct sy_figures *figures) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        figures->peak_mib = (double)usage.ru_maxrss / 1024; /* Linux counts KiB */
    }
}

static double processor_seconds(void) {
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Whether expert mode pauses the node. */
static bool is_taught_to_pause(const struct sy_experiment *experiment, int32_t node) {
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        if (!experiment->gates[g].watch_only && experiment->gates[g].teacher == node) {
            return true;
        }
    }
    return false;
}

static void describe(const struct sy_subject *subject, struct sy_figures *figures) {
    const struct sy_experiment *experiment = subject->experiment;
    struct sy_backend_info info = {.size = sizeof info};
    experiment->backend_ops->info(experiment->backend->self, &info);
    snprintf(figures->backend, sizeof figures->backend, "%s", experiment->backend->found->plugin.name);
    snprintf(figures->processor, sizeof figures->processor, "%s", info.processor ? info.processor : "");
    figures->precision = experiment->precision;
    figures->threads = experiment->n_threads;
    figures->batch = subject->batch.count;
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        figures->gated = figures->gated || !experiment->gates[g].watch_only;
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        const struct sy_graph *graph = &experiment->nodes[i].graph->graph;
        double forward = (double)sy_graph_multiply_adds(graph);
        double step = (double)sy_graph_step_multiply_adds(graph, experiment->nodes[i].input_gradients);
        step = experiment->nodes[i].frozen ? forward : step;
        bool pauses = !figures->gated || is_taught_to_pause(experiment, i);
        figures->parameters += sy_graph_parameter_count(&experiment->nodes[i].full->graph);
        figures->multiply_adds += forward;
        figures->operations[SY_TIME_LEARNING] += 2 * step * figures->batch;
        figures->operations[SY_TIME_EXPERT] += 2 * (pauses ? forward : step) * figures->batch;
        figures->operations[SY_TIME_INFERENCE] += 2 * forward * figures->batch;
    }
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */

/* Normal numbers and even labels, as normalised images have them about. */
static bool draw_batch(struct sy_subject *subject, struct sy_figures *figures) {
    const struct sy_experiment *experiment = subject->experiment;
    int32_t batch = experiment->data.batch, n_views = experiment->n_views > 0 ? experiment->n_views : 1;
    size_t count = (size_t)batch * sy_shape_count(&experiment->dataset_info.shape);
    struct sy_rng rng = sy_rng_make(1, SY_FOR_DATA, 0, 0, 0);
    subject->image = malloc(count * sizeof *subject->image);
    subject->labels = calloc((size_t)batch, sizeof *subject->labels);
    subject->samples = calloc((size_t)batch, sizeof *subject->samples);
    subject->views = calloc((size_t)n_views, sizeof *subject->views);
    if (!subject->image || !subject->labels || !subject->samples || !subject->views) {
        return fail(figures, SY_ENOMEM, "no memory for a batch");
    }
    for (size_t i = 0; i < count; i++) {
        subject->image[i] = (float)sy_rng_normal(&rng);
    }
    for (int32_t b = 0; b < batch; b++) {
        subject->labels[b] = (int32_t)sy_rng_below(&rng, (uint32_t)experiment->dataset_info.classes);
        subject->samples[b] = b;
    }
    for (int32_t v = 0; v < n_views; v++) {
        subject->views[v] = subject->image;
    }
    subject->batch = (struct sy_batch){batch, subject->labels, subject->samples, subject->views};
    return true;
}

/* The next whole batch; the smaller one at the end of an epoch only where there is no other. */
static int next_batch(struct sy_subject *subject, struct sy_error *err) {
    bool small = sy_loader_batches(subject->loader) == 1;
    for (;;) {
        int more = sy_loader_next(subject->loader, &subject->batch, err);
        if (more > 0 && (small || subject->batch.count == subject->experiment->data.batch)) {
            return SY_OK;
        }
        int status = more == 0 ? sy_loader_start(subject->loader, ++subject->epoch, 0, err) : SY_OK;
        if (more < 0 || status != SY_OK) {
            return more < 0 ? more : status;
        }
    }
}

static int open_loader(struct sy_subject *subject, struct sy_error *err) {
    int status = sy_experiment_loader(&subject->loader, subject->experiment, SY_TRAIN_SPLIT, err);
    if (status == SY_OK) {
        status = sy_loader_start(subject->loader, 0, 0, err);
    }
    return status == SY_OK ? next_batch(subject, err) : status;
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

/* As a run does it, up to the line of its journal, which is made and thrown away. */
static int train_step(struct sy_subject *subject, int32_t mode, struct sy_error *err) {
    struct sy_cohort *cohort = subject->cohort;
    struct sy_moment now = {subject->step++, 0, 0};
    int status = SY_OK;
    double start = sy_seconds_now();
    if (subject->loader) {
        status = next_batch(subject, err);
        cohort->seconds[SY_PHASE_LOADER] += sy_seconds_now() - start;
    }
    cohort->forced_mode = 1 + mode;
    if (status == SY_OK) {
        status = sy_cohort_step(cohort, &subject->batch, &now, err);
    }
    start = sy_seconds_now();
    if (status == SY_OK && subject->loader) {
        sy_totals_add(&subject->totals, cohort, subject->batch.count);
        json_t *line = sy_step_line(cohort, &now);
        char *text = line ? sy_json_dump_as(line, JSON_COMPACT) : NULL;
        free(text);
        json_decref(line);
        cohort->seconds[SY_PHASE_RECORD] += sy_seconds_now() - start;
    }
    return status;
}

/* What is left of a step when the node is paused. */
static int paused_step(struct sy_subject *subject, struct sy_error *err) {
    const struct sy_experiment *experiment = subject->experiment;
    struct sy_member *member = &subject->cohort->members[0];
    const struct sy_shape *shape = &experiment->dataset_info.shape;
    struct sy_tensor logits = {.size = sizeof logits};
    struct sy_tensor image = {.size = sizeof image,
                              .dtype = SY_F32,
                              .rank = 1 + shape->rank,
                              .shape = {subject->batch.count, shape->dim[0], shape->dim[1], shape->dim[2]},
                              .data = (void *)(uintptr_t)subject->batch.views[member->node->view]};
    const struct sy_tensor *inputs[] = {&image};
    struct sy_forward in = {.size = sizeof in,
                            .mode = SY_TRAIN,
                            .batch = subject->batch.count,
                            .keep = 1,
                            .seed = member->node->seed,
                            .stream = member->node->key,
                            .step = (uint32_t)subject->step++,
                            .inputs = inputs};
    int status = experiment->backend_ops->forward(member->plan, &in, err);
    if (status == SY_OK) {
        status = experiment->backend_ops->output(member->plan, 0, &logits, err);
    }
    return status == SY_OK ? experiment->backend_ops->statistics(member->plan, err) : status;
}

static int step(struct sy_subject *subject, enum sy_timing timing, struct sy_error *err) {
    switch (timing) {
    case SY_TIME_LEARNING:
        return train_step(subject, SY_LEARNING, err);
    case SY_TIME_EXPERT:
        return subject->experiment->n_gates ? train_step(subject, SY_EXPERT, err) : paused_step(subject, err);
    default:
        return sy_cohort_infer(subject->cohort, &subject->batch, err);
    }
}

/* Whether there is such a step: an experiment of several nodes without a gate has no expert mode. */
static bool has_timing(const struct sy_subject *subject, const struct sy_figures *figures, enum sy_timing timing) {
    return timing != SY_TIME_EXPERT || figures->gated || subject->experiment->n_nodes == 1;
}

static bool time_steps(struct sy_subject *subject, struct sy_figures *figures, enum sy_timing timing) {
    struct sy_error err = {.size = sizeof err};
    double *seconds = subject->cohort->seconds, begin = 0, processor = 0;
    int32_t fixed = subject->source->steps, most = fixed ? fixed : MOST_STEPS;
    /* The first finds the caches full of another case's numbers. */
    int status = step(subject, timing, &err);
    memset(seconds, 0, sizeof subject->cohort->seconds);
    begin = sy_seconds_now();
    processor = processor_seconds();
    for (int32_t i = 0; i < most && status == SY_OK; i++) {
        double start = sy_seconds_now();
        if (!fixed && i >= LEAST_STEPS && start - begin > ROUND_SECONDS) {
            break;
        }
        status = step(subject, timing, &err);
        note_sample(figures, timing, sy_seconds_now() - start);
    }
    if (timing == SY_TIME_LEARNING) {
        figures->processor_seconds += processor_seconds() - processor;
    }
    for (int p = 0; p < SY_PHASES; p++) {
        figures->phases[timing][p] += seconds[p];
    }
    return status == SY_OK || fail(figures, status, err.text);
}

bool sy_subject_round(struct sy_subject *subject, struct sy_figures *figures) {
    bool good = true;
    for (int timing = 0; timing < SY_TIMINGS && good; timing++) {
        good = !has_timing(subject, figures, timing) || time_steps(subject, figures, timing);
    }
    sy_subject_memory(figures);
    return good;
}

bool sy_subject_loader(struct sy_subject *subject, struct sy_figures *figures) {
    const double long_enough = 0.3;
    struct sy_error err = {.size = sizeof err};
    int status = SY_OK;
    if (!subject->loader) {
        return true;
    }
    /* Those that are ready already cost nothing now. */
    for (int32_t i = 0; i < 2 * subject->experiment->data.ahead && status == SY_OK; i++) {
        status = next_batch(subject, &err);
    }
    double start = sy_seconds_now(), processor = processor_seconds(), seconds = 0;
    int32_t batches = 0;
    while (status == SY_OK && seconds < long_enough) {
        status = next_batch(subject, &err);
        seconds = sy_seconds_now() - start;
        batches++;
    }
    if (status != SY_OK) {
        return fail(figures, status, err.text);
    }
    figures->loader_alone = (double)batches * figures->batch / seconds;
    figures->loader_processor = (processor_seconds() - processor) / batches;
    return true;
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

static bool make_experiment(struct sy_subject *subject, struct sy_figures *figures) {
    const struct sy_subject_source *source = subject->source;
    subject->problems = sy_problems_create();
    subject->registry = sy_registry_create(NULL);
    if (!subject->problems || !subject->registry) {
        return fail(figures, SY_ENOMEM, "memory is used up");
    }
    struct sy_setting *config = source->config(source->context, subject->registry, subject->problems);
    if (config && source->images) {
        subject->experiment = sy_experiment_create_unfed(config, subject->registry, source->images, subject->problems);
    } else if (config) {
        subject->experiment = sy_experiment_create(config, subject->registry, subject->problems);
    }
    if (!subject->experiment || sy_problems_count(subject->problems)) {
        return fail_with_problems(figures, subject->problems);
    }
    return true;
}

static bool make_cohort(struct sy_subject *subject, struct sy_figures *figures) {
    struct sy_error err = {.size = sizeof err};
    const struct sy_experiment *experiment = subject->experiment;
    int status = sy_cohort_create(&subject->cohort, subject->experiment, &err);
    if (status != SY_OK) {
        return fail(figures, status, err.text);
    }
    if (!sy_totals_init(&subject->totals, experiment)) {
        return fail(figures, SY_ENOMEM, "no memory for totals");
    }
    if (subject->source->images) {
        return draw_batch(subject, figures);
    }
    status = open_loader(subject, &err);
    return status == SY_OK || fail(figures, status, err.text);
}

struct sy_subject *sy_subject_create(const struct sy_subject_source *source, struct sy_figures *figures) {
    struct sy_error err = {.size = sizeof err};
    struct sy_subject *subject = calloc(1, sizeof *subject);
    if (!subject) {
        fail(figures, SY_ENOMEM, "memory is used up");
        return NULL;
    }
    subject->source = source;
    if (!make_experiment(subject, figures) || !make_cohort(subject, figures)) {
        sy_subject_destroy(subject);
        return NULL;
    }
    describe(subject, figures);
    int status = step(subject, SY_TIME_LEARNING, &err);
    figures->start_seconds = sy_seconds_now() - figures->started;
    if (status != SY_OK) {
        fail(figures, status, err.text);
        sy_subject_destroy(subject);
        return NULL;
    }
    return subject;
}

void sy_subject_destroy(struct sy_subject *subject) {
    if (!subject) {
        return;
    }
    sy_loader_destroy(subject->loader);
    sy_cohort_destroy(subject->cohort);
    sy_totals_finish(&subject->totals);
    sy_experiment_destroy(subject->experiment);
    sy_registry_destroy(subject->registry);
    sy_problems_destroy(subject->problems);
    free(subject->image);
    free(subject->labels);
    free(subject->samples);
    free(subject->views);
    free(subject);
}

const struct sy_experiment *sy_subject_experiment(const struct sy_subject *subject) {
    return subject->experiment;
}
