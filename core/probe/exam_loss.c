/* exam_loss.c - whether a loss's gradient is that of its value, and whether both are what loss.h promises. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"

enum { BATCH = 6, CLASSES = SY_EXAM_CLASSES };

/* The first made-up problem that the loss takes; `trial` is to be finished. */
static bool find_problem(struct sy_trial *trial, struct sy_exam *exam, struct sy_error *last) {
    static const struct sy_shape shapes[] = {{1, {CLASSES, 1, 1}}, {3, {4, 6, 6}}, {1, {8, 1, 1}}};
    static const int32_t sources[] = {1, 2, 3, 0}; /* with sources, if it takes any */
    for (size_t at = 0; at < 12; at++) {
        struct sy_outcome outcome = {.value = NAN};
        *last = (struct sy_error){.size = sizeof *last};
        size_t shape = at < 9 ? at / 3 : at - 9, n = at < 9 ? at % 3 : 3;
        if (!sy_trial_make(trial, 100, BATCH, CLASSES, sources[n], &shapes[shape], 2)) {
            sy_fail(last, SY_ENOMEM, "memory is used up");
        }
        int status = last->code == SY_OK ? sy_trial_check(exam, trial, NULL, last) : last->code;
        status = status == SY_OK ? sy_trial_run(&outcome, exam, trial, NULL, last) : status;
        sy_outcome_finish(&outcome);
        if (status == SY_OK) {
            return true;
        }
        sy_trial_finish(trial);
    }
    return false;
}

/* Value only; NaN after a failure. */
static double value_of(struct sy_exam *exam, const struct sy_trial *trial, const struct sy_change *change) {
    struct sy_error err = {.size = sizeof err};
    struct sy_outcome outcome;
    int status = sy_trial_run(&outcome, exam, trial, change, &err);
    double value = outcome.value;
    sy_outcome_finish(&outcome);
    return status == SY_OK ? value : NAN;
}

/* ---- finite differences ------------------------------------------------------------------------------------------ */

/* d value / d tensor[which][i], from four values: the error falls with the fourth power of the step. */
static double slope(struct sy_exam *exam, struct sy_trial *trial, const struct sy_change *change, int32_t which,
                    size_t i) {
    const double h = 1.0 / 128;
    float *tensor = trial->tensor[which], at = tensor[i];
    double sides[4];
    static const int steps[] = {-2, -1, 1, 2};
    for (int s = 0; s < 4; s++) {
        tensor[i] = (float)(at + steps[s] * h);
        sides[s] = value_of(exam, trial, change);
    }
    tensor[i] = at;
    return (sides[0] - 8 * sides[1] + 8 * sides[2] - sides[3]) / (12 * h);
}

struct comparison {
    size_t count, wrong;
    double dot, squares; /* sums of gradient x slope and slope^2: their ratio is what the gradient is too large by */
    double rest;         /* what is left after dividing by that */
};

/* At most 40 elements are differentiated, evenly spread. `which`: the tensor, 0 being the target. */
static int compare(struct comparison *out, struct sy_exam *exam, struct sy_trial *trial, const struct sy_change *change,
                   int32_t which, struct sy_error *err) {
    struct sy_outcome outcome;
    size_t count = (size_t)trial->batch * sy_trial_row(trial), stride = count > 40 ? count / 40 + 1 : 1;
    double slopes[64], largest = 0;
    int status = sy_trial_run(&outcome, exam, trial, change, err);
    *out = (struct comparison){.count = 0};
    for (size_t i = 0; i < count && status == SY_OK; i += stride) {
        slopes[out->count] = slope(exam, trial, change, which, i);
        largest = fmax(largest, fabs(slopes[out->count++]));
    }
    const float *gradient = outcome.gradient[which];
    for (size_t n = 0; n < out->count; n++) {
        double g = gradient[n * stride], allowed = 4e-3 * fabs(slopes[n]) + 2e-4 * largest + 1e-7;
        out->wrong += !(fabs(g - slopes[n]) <= allowed);
        out->dot += g * slopes[n];
        out->squares += slopes[n] * slopes[n];
    }
    double ratio = out->squares > 0 ? out->dot / out->squares : 1;
    for (size_t n = 0; n < out->count; n++) {
        double off = gradient[n * stride] - ratio * slopes[n];
        out->rest += off * off;
    }
    sy_outcome_finish(&outcome);
    return status;
}

/* "1/temperature", where that is what the gradient is too large by; "" where nothing fits. */
static void explain(char *out, size_t room, struct sy_exam *exam, double ratio) {
    struct sy_subject_of_exam subject;
    struct sy_error err = {.size = sizeof err};
    struct sy_field row;
    out[0] = 0;
    if (sy_exam_begin(&subject, exam, NULL, &err) == SY_OK) {
        for (size_t i = 0; sy_table_row(&exam->found->table, i, &row); i++) {
            double v;
            if (row.role != SY_PARAMETER || row.type != SY_TYPE_DOUBLE) {
                continue;
            }
            memcpy(&v, (const char *)subject.instance->self + row.offset, sizeof v);
            if (v > 0 && v != 1 && (fabs(ratio * v - 1) < 1e-2 || fabs(ratio * v * v - 1) < 1e-2)) {
                snprintf(out, room, ", 1/%s%s: is it forgotten in the gradient?", row.name,
                         fabs(ratio * v - 1) < 1e-2 ? "" : "^2");
            } else if (v > 0 && v != 1 && (fabs(ratio / v - 1) < 1e-2 || fabs(ratio / v / v - 1) < 1e-2)) {
                snprintf(out, room, ", %s%s: is it forgotten in the value?", row.name,
                         fabs(ratio / v - 1) < 1e-2 ? "" : "^2");
            }
        }
    }
    sy_exam_end(&subject);
}

/* What the loss says it does on purpose; members that it does not have are NULL. */
static struct sy_loss_exceptions exceptions_of(const struct sy_exam *exam) {
    struct sy_loss_exceptions out = {.size = 0};
    const void *(*extension)(const char *id) = exam->found->plugin.extension;
    const struct sy_loss_exceptions *theirs = extension ? extension(SY_LOSS_EXCEPTIONS) : NULL;
    if (theirs) {
        memcpy(&out, theirs, theirs->size < sizeof out ? theirs->size : sizeof out);
    }
    return out;
}

static void differentiate(struct sy_exam *exam, struct sy_trial *trial, const struct sy_change *change, int32_t which,
                          const char *item) {
    struct comparison comparison;
    struct sy_error err = {.size = sizeof err};
    char why[128];
    /* A refusal with a reason is no broken promise: another length of the embeddings, sources that cannot be trained. */
    if (sy_trial_check(exam, trial, change, &err) != SY_OK ||
        compare(&comparison, exam, trial, change, which, &err) != SY_OK) {
        sy_exam_pass(exam, item, "refused: %s", err.text);
        return;
    }
    double ratio = comparison.squares > 0 ? comparison.dot / comparison.squares : 1;
    if (comparison.wrong * 20 <= comparison.count) { /* a kink or two are no mistake */
        sy_exam_pass(exam, item, "%zu elements, gradient / slope = %.5f", comparison.count, ratio);
    } else if (isnan(ratio)) {
        sy_exam_fail(exam, item, "it is not written everywhere, or not finite%s",
                     which ? ": an edge may be attached; write it or refuse to" : "");
    } else if (comparison.rest <= 1e-4 * comparison.squares) {
        explain(why, sizeof why, exam, ratio);
        sy_exam_fail(exam, item, "the gradient is %.4g times the slope of the value%s", ratio, why);
    } else {
        sy_exam_fail(exam, item, "%zu of %zu elements of the gradient are not the slope of the value", comparison.wrong,
                     comparison.count);
    }
}

/* Another value than `now` that the parameter may have; false where there is none worth trying. */
static bool other_value(double *out, const struct sy_field *field, double now) {
    bool limits = field->min != 0 || field->max != 0;
    if (field->flags & SY_FLAG || field->choices) {
        *out = now == 0 ? 1 : 0;
        return !field->choices || strchr(field->choices, '|') != NULL;
    }
    *out = now != 0 ? 1.5 * now : 0.5;
    *out = field->type == SY_TYPE_DOUBLE ? *out : ceil(*out);
    if (limits && *out > field->max) {
        *out = field->type == SY_TYPE_DOUBLE ? now / 2 : floor(now / 2);
    }
    return !limits || (*out >= field->min && *out <= field->max && *out != now);
}

/* Once more for each parameter at another value: a temperature of 1 hides that it is forgotten. */
static void differentiate_elsewhere(struct sy_exam *exam, struct sy_trial *trial) {
    struct sy_field field;
    for (size_t i = 0; sy_table_row(&exam->found->table, i, &field); i++) {
        char item[64];
        double now;
        struct sy_change change = {.field = &field};
        if (sy_exam_number(&now, exam, &field) && other_value(&change.value, &field, now)) {
            snprintf(item, sizeof item, "gradient at %s = %g", field.name, change.value);
            differentiate(exam, trial, &change, 0, item);
        }
    }
}

/* On an edge that is attached the sources learn, too. */
static void differentiate_sources(struct sy_exam *exam, struct sy_trial *trial) {
    trial->attached = true;
    for (int32_t s = 1; s <= trial->n_sources; s++) {
        char item[64];
        snprintf(item, sizeof item, "gradient to attached source %d", s);
        differentiate(exam, trial, NULL, s, item);
    }
    trial->attached = false;
}

/* ---- invariances -------------------------------------------------------------------------------------------------- */

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-6 * (fabs(a) + fabs(b)) + 1e-9;
}

/* The batch twice over must cost the same: a mean over the batch, not a sum. */
static void double_batch(struct sy_exam *exam, const struct sy_trial *trial, double value, bool remembers) {
    struct sy_trial twice;
    size_t row = sy_trial_row(trial), count = (size_t)trial->batch * row;
    if (!sy_trial_make(&twice, 1, 2 * trial->batch, trial->classes, trial->n_sources, &trial->shape, 1)) {
        return;
    }
    for (int32_t b = 0; b < twice.batch; b++) {
        twice.labels[b] = trial->labels[b % trial->batch];
        twice.samples[b] = trial->samples[b % trial->batch];
    }
    for (int32_t n = 0; n <= trial->n_sources; n++) {
        memcpy(twice.tensor[n], trial->tensor[n], count * sizeof(float));
        memcpy(twice.tensor[n] + count, trial->tensor[n], count * sizeof(float));
    }
    twice.before = trial->before;
    double now = value_of(exam, &twice, NULL);
    if (near(now, value)) {
        sy_exam_pass(exam, "the batch twice over", "%s", "");
    } else if (near(now, 2 * value)) {
        sy_exam_fail(exam, "the batch twice over",
                     "costs twice as much (%g, %g): a sum, where a mean over the batch "
                     "is promised",
                     now, value);
    } else if (remembers) {
        sy_exam_skip(exam, "the batch twice over", "it remembers samples, so it may cost something else");
    } else {
        sy_exam_fail(exam, "the batch twice over", "costs %g, not %g: is it a mean over the batch?", now, value);
    }
    sy_trial_finish(&twice);
}

/* Samples in another order: the same value, the gradient in that order. */
static void permute(struct sy_exam *exam, const struct sy_trial *trial, double value, bool remembers) {
    struct sy_trial turned;
    size_t row = sy_trial_row(trial);
    if (!sy_trial_make(&turned, 1, trial->batch, trial->classes, trial->n_sources, &trial->shape, 1)) {
        return;
    }
    for (int32_t b = 0; b < trial->batch; b++) {
        int32_t from = (b + 2) % trial->batch;
        turned.labels[b] = trial->labels[from];
        turned.samples[b] = trial->samples[from];
        for (int32_t n = 0; n <= trial->n_sources; n++) {
            memcpy(turned.tensor[n] + (size_t)b * row, trial->tensor[n] + (size_t)from * row, row * sizeof(float));
        }
    }
    turned.before = trial->before;
    double now = value_of(exam, &turned, NULL);
    if (near(now, value)) {
        sy_exam_pass(exam, "samples in another order", "%s", "");
    } else if (remembers) {
        sy_exam_skip(exam, "samples in another order", "it remembers samples, so their order may count");
    } else {
        sy_exam_fail(exam, "samples in another order", "cost %g, not %g", now, value);
    }
    sy_trial_finish(&turned);
}

/* As many classes again that nobody believes in change nothing in a sum over classes, and halve a mean. */
static void double_classes(struct sy_exam *exam, const struct sy_trial *trial, double value) {
    struct sy_trial wide;
    int32_t k = trial->classes;
    if (!sy_trial_make(&wide, 1, trial->batch, 2 * k, trial->n_sources, &(struct sy_shape){1, {2 * k, 1, 1}}, 1)) {
        return;
    }
    memcpy(wide.labels, trial->labels, (size_t)trial->batch * sizeof *wide.labels);
    for (int32_t n = 0; n <= trial->n_sources; n++) {
        for (int32_t i = 0; i < trial->batch * 2 * k; i++) {
            int32_t b = i / (2 * k), c = i % (2 * k);
            wide.tensor[n][i] = c < k ? trial->tensor[n][b * k + c] : -1000;
        }
    }
    double now = value_of(exam, &wide, NULL);
    if (fabs(now / value - 0.5) < 1e-3) {
        sy_exam_fail(exam, "classes nobody believes in",
                     "halve the loss (%g, %g): a mean over classes, where a sum is "
                     "promised",
                     now, value);
    } else {
        sy_exam_pass(exam, "classes nobody believes in", "no mean over classes");
    }
    sy_trial_finish(&wide);
}

/* ---- extremes ----------------------------------------------------------------------------------------------------- */

static float extreme(int how, int32_t n, size_t i, int32_t classes) {
    int32_t c = (int32_t)(i % (size_t)classes), b = (int32_t)(i / (size_t)classes);
    switch (how) {
    case 0: /* far apart, at random */
        return sy_exam_draw(50 + (uint32_t)n, (uint32_t)i) < 0 ? -1e4f : 1e4f;
    case 1: /* all equal */
        return 3;
    default: /* one-hot, on another class for each tensor */
        return c == (b + n) % classes ? 1e4f : 0;
    }
}

static bool all_finite(const struct sy_outcome *outcome, size_t count) {
    bool finite = isfinite(outcome->value);
    for (size_t i = 0; i < count; i++) {
        finite = finite && isfinite(outcome->gradient[0][i]);
    }
    return finite;
}

static void try_one(struct sy_exam *exam, const struct sy_trial *trial, const char *item) {
    struct sy_error err = {.size = sizeof err};
    struct sy_outcome outcome;
    int status = sy_trial_run(&outcome, exam, trial, NULL, &err);
    if (status != SY_OK) {
        sy_exam_skip(exam, item, "it refuses: %s", err.text);
    } else if (outcome.outside) {
        sy_exam_fail(exam, item, "it writes outside its gradient");
    } else if (!all_finite(&outcome, (size_t)trial->batch * sy_trial_row(trial))) {
        sy_exam_fail(exam, item, "value %g, or a gradient that is not finite everywhere", outcome.value);
    } else {
        sy_exam_pass(exam, item, "%g", outcome.value);
    }
    sy_outcome_finish(&outcome);
}

static void try_extremes(struct sy_exam *exam, int32_t n_sources) {
    static const char *const names[] = {"logits of +-10000", "logits all equal", "logits one-hot at 10000"};
    static const int32_t classes[] = {2, 1000};
    for (int how = 0; how < 3; how++) {
        struct sy_trial trial;
        if (sy_trial_make(&trial, 1, BATCH, CLASSES, n_sources, &(struct sy_shape){1, {CLASSES, 1, 1}}, 1)) {
            for (int32_t n = 0; n <= n_sources; n++) {
                for (size_t i = 0; i < BATCH * CLASSES; i++) {
                    trial.tensor[n][i] = extreme(how, n, i, CLASSES);
                }
            }
            try_one(exam, &trial, names[how]);
        }
        sy_trial_finish(&trial);
    }
    for (int which = 0; which < 2; which++) {
        struct sy_trial trial;
        char item[32];
        snprintf(item, sizeof item, "%d classes", classes[which]);
        if (sy_trial_make(&trial, 7, BATCH, classes[which], n_sources, &(struct sy_shape){1, {classes[which], 1, 1}},
                          2)) {
            try_one(exam, &trial, item);
        }
        sy_trial_finish(&trial);
    }
}

/* Whatever holds for a problem that it has seen before, where it remembers any. */
static void examine(struct sy_exam *exam, struct sy_trial *trial, bool remembers) {
    struct sy_loss_exceptions exceptions = exceptions_of(exam);
    double value = value_of(exam, trial, NULL);
    if (value == value_of(exam, trial, NULL)) {
        sy_exam_pass(exam, "the same again gives the same", "%s", "");
    } else {
        sy_exam_fail(exam, "the same again gives the same", "a fresh instance makes %g of it, then something else",
                     value);
    }
    if (exceptions.constant) {
        sy_exam_skip(exam, "gradient", "by its own words: %s", exceptions.constant);
    } else {
        differentiate(exam, trial, NULL, 0, "gradient");
        differentiate_elsewhere(exam, trial);
        differentiate_sources(exam, trial);
    }
    double_batch(exam, trial, value, remembers);
    permute(exam, trial, value, remembers);
    if (sy_trial_is_logits(trial)) {
        if (exceptions.over_classes) {
            sy_exam_skip(exam, "classes nobody believes in", "by its own words: %s", exceptions.over_classes);
        } else {
            double_classes(exam, trial, value);
        }
        try_extremes(exam, trial->n_sources);
    }
}

void sy_exam_loss(struct sy_exam *exam) {
    struct sy_trial trial, before;
    struct sy_error err = {.size = sizeof err};
    struct sy_outcome outcome;
    if (!find_problem(&trial, exam, &err)) {
        sy_exam_skip(exam, "everything else",
                     "it took nothing that was tried: %s; a plugin's example may help (plugin.h)", err.text);
        return;
    }
    printf("  on %s, %d source%s\n", sy_trial_is_logits(&trial) ? "logits" : "taps", trial.n_sources,
           trial.n_sources == 1 ? "" : "s");
    try_one(exam, &trial, "gradient written, and nothing else");
    sy_trial_run(&outcome, exam, &trial, NULL, &err);
    bool remembers = outcome.remembers;
    sy_outcome_finish(&outcome);
    /* What it remembers of a first batch would be differentiated as well: it sees the batch as it is first. */
    if (remembers && sy_trial_make(&before, 100, trial.batch, trial.classes, trial.n_sources, &trial.shape, 2)) {
        trial.before = &before;
    }
    examine(exam, &trial, remembers);
    if (trial.before) {
        sy_trial_finish(&before);
    }
    sy_trial_finish(&trial);
}
