/* test_crd.c - the loss with two memories: PyTorch's ten steps, what is drawn, what does not matter. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden_crd.h"
#include "harness.h"

enum { SIDES = 2 };
static const char *const memories[SIDES] = {"memory_student", "memory_teacher"};
static const struct setting golden_settings[MAX_SETTINGS] = {{"dim", CRD_DIM}, {"negatives", CRD_NEGATIVES}};

/* A batch of embeddings, row b those of samples[b]. */
static struct problem batch_of(float *const embeddings[SIDES], int64_t *samples, int32_t batch) {
    struct problem problem = {.batch = batch, .classes = 3, .n_sources = 1, .samples = samples};
    cr_assert(problem.labels = calloc((size_t)batch, sizeof *problem.labels));
    for (int32_t b = 0; b < batch; b++) {
        problem.labels[b] = lent_labels[samples[b]];
    }
    for (int side = 0; side < SIDES; side++) {
        problem.shapes[side] = (struct sy_shape){.rank = 1, .dim = {CRD_DIM, 1, 1}};
        cr_assert(problem.logits[side] = calloc((size_t)batch * CRD_DIM, sizeof(float)));
        memcpy(problem.logits[side], embeddings[side], (size_t)batch * CRD_DIM * sizeof(float));
    }
    return problem;
}

static double length_of(const double *x) {
    double sum = 0;
    for (int d = 0; d < CRD_DIM; d++) {
        sum += x[d] * x[d];
    }
    return sqrt(sum);
}

/* e = x/|x|; x -= lr (g - (g . e) e)/|x| */
static void descend(double *x, const float *gradient) {
    double length = length_of(x), along = 0, e[CRD_DIM];
    for (int d = 0; d < CRD_DIM; d++) {
        e[d] = x[d] / length;
        along += (double)gradient[d] * e[d];
    }
    for (int d = 0; d < CRD_DIM; d++) {
        x[d] -= crd_lr * ((double)gradient[d] - along * e[d]) / length;
    }
}

static void expect_near(const double *got, const double *right, size_t count, const char *what) {
    for (size_t i = 0; i < count; i++) {
        cr_expect_float_eq(got[i], right[i], 1e-5 * (fabs(right[i]) + 0.1), "%s %zu: %.9g, must be %.9g", what, i,
                           got[i], right[i]);
    }
}

Test(crd, ten_steps_are_pytorchs) {
    struct loaded loss = load(SY_LOSS, "losses", "crd", golden_settings);
    double x[SIDES][CRD_COUNT];
    float *memory[SIDES];
    for (int side = 0; side < SIDES; side++) {
        size_t count;
        memory[side] = lent_buffer(memories[side], &count);
        cr_assert_eq(count, CRD_COUNT);
        memcpy(memory[side], crd_memory[side], sizeof crd_memory[side]);
        for (int i = 0; i < CRD_COUNT; i++) {
            x[side][i] = (double)crd_start[side][i];
        }
    }
    for (int step = 0; step < CRD_STEPS; step++) {
        float room[SIDES][CRD_BATCH * CRD_DIM], e[SIDES][CRD_BATCH * CRD_DIM], *gradient[SIDES] = {room[0], room[1]};
        int64_t samples[CRD_BATCH];
        memcpy(samples, crd_batches[step], sizeof samples);
        for (int i = 0; i < SIDES * CRD_BATCH * CRD_DIM; i++) {
            int side = i / (CRD_BATCH * CRD_DIM), at = i % (CRD_BATCH * CRD_DIM);
            const double *row = x[side] + samples[at / CRD_DIM] * CRD_DIM;
            e[side][at] = (float)(row[at % CRD_DIM] / length_of(row));
        }
        struct problem problem = batch_of((float *const[]){e[0], e[1]}, samples, CRD_BATCH);
        double value = evaluate(&loss, &problem, gradient, 1);
        cr_expect_float_eq(value, crd_values[step], 1e-5 * crd_values[step], "step %d: %.9g, must be %.9g", step, value,
                           crd_values[step]);
        for (int i = 0; step == 0 && i < SIDES * CRD_BATCH * CRD_DIM; i++) {
            double got = (double)room[i / (CRD_BATCH * CRD_DIM)][i % (CRD_BATCH * CRD_DIM)];
            expect_near(&got, &crd_gradients[i / (CRD_BATCH * CRD_DIM)][i % (CRD_BATCH * CRD_DIM)], 1, "gradient");
        }
        for (int i = 0; i < SIDES * CRD_BATCH; i++) {
            descend(x[i / CRD_BATCH] + samples[i % CRD_BATCH] * CRD_DIM, room[i / CRD_BATCH] + i % CRD_BATCH * CRD_DIM);
        }
        free_problem(&problem);
    }
    cr_expect_float_eq(member(&loss, "z_student"), crd_z[0], 1e-5 * crd_z[0]);
    cr_expect_float_eq(member(&loss, "z_teacher"), crd_z[1], 1e-5 * crd_z[1]);
    for (int side = 0; side < SIDES; side++) {
        double end[CRD_COUNT];
        for (int i = 0; i < CRD_COUNT; i++) {
            end[i] = (double)memory[side][i];
        }
        expect_near(x[side], crd_end[side], CRD_COUNT, "embedding");
        expect_near(end, crd_memory_end[side], CRD_COUNT, memories[side]);
    }
    unload(&loss);
}

/* Value of the first step of an epoch on some samples, in that order. */
static double first_value(const struct setting *settings, const int64_t *order, int64_t epoch) {
    struct loaded loss = load(SY_LOSS, "losses", "crd", settings);
    float e[SIDES][CRD_BATCH * CRD_DIM], room[SIDES][CRD_BATCH * CRD_DIM], *gradient[SIDES] = {room[0], room[1]};
    int64_t samples[CRD_BATCH];
    memcpy(samples, order, sizeof samples);
    for (int side = 0; side < SIDES; side++) {
        for (int i = 0; i < CRD_BATCH * CRD_DIM; i++) {
            e[side][i] = crd_start[side][samples[i / CRD_DIM] * CRD_DIM + i % CRD_DIM];
        }
    }
    struct problem problem = batch_of((float *const[]){e[0], e[1]}, samples, CRD_BATCH);
    problem.epoch = epoch;
    double value = evaluate(&loss, &problem, gradient, 1);
    free_problem(&problem);
    unload(&loss);
    return value;
}

Test(crd, what_is_drawn_depends_on_seed_epoch_and_sample_only) {
    const int64_t order[] = {3, 8, 1, 10}, other[] = {10, 1, 3, 8};
    for (int relax = 0; relax < 2; relax++) {
        const struct setting few[MAX_SETTINGS] = {{"dim", CRD_DIM}, {"negatives", 3}, {"mode", relax}};
        const struct setting many[MAX_SETTINGS] = {{"dim", CRD_DIM}, {"negatives", 30}, {"mode", relax}};
        double value = first_value(few, order, 4);
        lend_threads(3);
        cr_expect_eq(first_value(few, order, 4), value, "parts, the last first");
        lend_threads(1);
        cr_expect_float_eq(first_value(few, other, 4), value, 1e-12 * value, "another order");
        cr_expect_neq(first_value(few, order, 5), value, "another epoch, other negatives");
        cr_expect(isfinite(first_value(many, order, 4)), "more negatives than there are: drawn with replacement");
    }
}

/* All of the other classes, and nothing random left: no epoch changes anything. With one less, something is. */
Test(crd, draws_without_replacement) {
    const int64_t order[] = {3, 8, 1, 10};
    const struct setting all[MAX_SETTINGS] = {{"dim", CRD_DIM}, {"negatives", 8}};
    const struct setting less[MAX_SETTINGS] = {{"dim", CRD_DIM}, {"negatives", 7}};
    double value = first_value(all, order, 0);
    int differ = 0;
    for (int64_t epoch = 1; epoch < 20; epoch++) {
        cr_expect_float_eq(first_value(all, order, epoch), value, 1e-12 * value);
        differ += fabs(first_value(less, order, epoch) - first_value(less, order, 0)) > 1e-9;
    }
    cr_expect_gt(differ, 10);
}

/* The gradient is that of the value: the memories are put back after every evaluation, as they are no part of it. */
Test(crd, gradients_are_those_of_the_value) {
    struct loaded loss = load(SY_LOSS, "losses", "crd", golden_settings);
    float e[SIDES][CRD_BATCH * CRD_DIM], room[SIDES][CRD_BATCH * CRD_DIM], *gradient[SIDES] = {room[0], room[1]};
    int64_t samples[CRD_BATCH] = {0, 4, 7, 9};
    float *memory[SIDES], before[SIDES][CRD_COUNT];
    size_t count;
    for (int side = 0; side < SIDES; side++) {
        memory[side] = lent_buffer(memories[side], &count);
        memcpy(before[side], memory[side], sizeof before[side]);
        for (int i = 0; i < CRD_BATCH * CRD_DIM; i++) {
            e[side][i] = (float)(floor((double)crd_start[side][i] * 64) / 64);
        }
    }
    struct problem problem = batch_of((float *const[]){e[0], e[1]}, samples, CRD_BATCH);
    evaluate(&loss, &problem, gradient, 1); /* fixes Z */
    for (int i = -1; i < SIDES * CRD_BATCH * CRD_DIM; i++) {
        double values[2], step = 0x1p-7;
        float *at = i < 0 ? NULL : &problem.logits[i / (CRD_BATCH * CRD_DIM)][i % (CRD_BATCH * CRD_DIM)];
        for (int sign = 0; sign < 2; sign++) {
            for (int side = 0; side < SIDES; side++) {
                memcpy(memory[side], before[side], sizeof before[side]);
            }
            if (at) {
                *at += (float)(sign ? -step : step);
            }
            values[sign] = evaluate(&loss, &problem, i < 0 ? gradient : NULL, 1);
            if (at) {
                *at -= (float)(sign ? -step : step);
            }
        }
        if (at) {
            double right = (double)room[i / (CRD_BATCH * CRD_DIM)][i % (CRD_BATCH * CRD_DIM)];
            double got = (values[0] - values[1]) / (2 * step);
            cr_expect_float_eq(got, right, 4e-3 * fabs(right) + 1e-3, "element %d: %.9g, gradient %.9g", i, got, right);
        }
    }
    free_problem(&problem);
    unload(&loss);
}
