/* trial.c - see trial.h. */
#include "trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../train/signals.h"

/* Floats before and behind a gradient that nobody may touch, and what they are. */
#define MARGIN 64
#define MARK   12345.678f

size_t sy_trial_row(const struct sy_trial *trial) {
    return sy_shape_count(&trial->shape);
}

bool sy_trial_is_logits(const struct sy_trial *trial) {
    return trial->shape.rank == 1 && trial->shape.dim[0] == trial->classes;
}

bool sy_trial_make(struct sy_trial *trial, uint32_t seed, int32_t batch, int32_t classes, int32_t n_sources,
                   const struct sy_shape *shape, double spread) {
    *trial = (struct sy_trial){.batch = batch, .classes = classes, .n_sources = n_sources, .shape = *shape};
    size_t count = (size_t)batch * sy_trial_row(trial);
    trial->labels = calloc((size_t)batch, sizeof *trial->labels);
    trial->samples = calloc((size_t)batch, sizeof *trial->samples);
    bool done = trial->labels && trial->samples;
    for (int32_t n = 0; n <= n_sources && done; n++) {
        trial->tensor[n] = malloc(count * sizeof *trial->tensor[n]);
        done = trial->tensor[n] != NULL;
        for (size_t i = 0; done && i < count; i++) {
            /* multiples of 1/64: what is added to them to differentiate is exact */
            double x = spread * sy_exam_draw(seed + (uint32_t)n, (uint32_t)i);
            trial->tensor[n][i] = (float)(round(64 * x) / 64);
        }
    }
    for (int32_t b = 0; b < batch && done; b++) {
        trial->labels[b] = (int32_t)(fabs(sy_exam_draw(seed + 9, (uint32_t)b)) * classes) % classes;
        trial->samples[b] =
            (trial->labels[b] + SY_EXAM_CLASSES * b) % SY_EXAM_SAMPLES; /* one of its class, if it can be */
    }
    return done;
}

void sy_trial_finish(struct sy_trial *trial) {
    free(trial->labels);
    free(trial->samples);
    for (int n = 0; n <= SY_TRIAL_SOURCES; n++) {
        free(trial->tensor[n]);
    }
    *trial = (struct sy_trial){0};
}

/* ---- what a loss asks for ---------------------------------------------------------------------------------------- */

struct asked {
    struct sy_signals signals[1 + SY_TRIAL_SOURCES];
    int32_t count; /* tensors that have any */
};

/* The border lends signals as const; they are filled as they are asked for. */
static struct sy_signals *signals_of(const void *asked, int32_t which, double temperature) {
    struct asked *mine = (struct asked *)(uintptr_t)asked;
    return which >= -1 && which + 1 < mine->count && temperature > 0 ? &mine->signals[which + 1] : NULL;
}

static const double *probabilities(const void *asked, int32_t which, double temperature) {
    struct sy_signals *signals = signals_of(asked, which, temperature);
    return signals ? sy_signals_probabilities(signals, temperature) : NULL;
}

static const double *log_probabilities(const void *asked, int32_t which, double temperature) {
    struct sy_signals *signals = signals_of(asked, which, temperature);
    return signals ? sy_signals_log_probabilities(signals, temperature) : NULL;
}

static bool prepare(struct asked *asked, const struct sy_trial *trial) {
    bool done = true;
    *asked = (struct asked){.count = sy_trial_is_logits(trial) ? 1 + trial->n_sources : 0};
    for (int32_t n = 0; n < asked->count && done; n++) {
        done = sy_signals_init(&asked->signals[n], trial->batch, trial->classes);
        if (done) {
            sy_signals_set(&asked->signals[n], trial->tensor[n], trial->batch);
        }
    }
    return done;
}

static void forget(struct asked *asked) {
    for (int32_t n = 0; n < asked->count; n++) {
        sy_signals_finish(&asked->signals[n]);
    }
}

/* ---- one evaluation ---------------------------------------------------------------------------------------------- */

static struct sy_tensor tensor_of(const struct sy_trial *trial, int32_t n) {
    struct sy_tensor tensor = {.size = sizeof tensor, .dtype = SY_F32, .data = trial->tensor[n]};
    tensor.rank = 1 + trial->shape.rank;
    tensor.shape[0] = trial->batch;
    for (int32_t d = 0; d < trial->shape.rank; d++) {
        tensor.shape[1 + d] = trial->shape.dim[d];
    }
    return tensor;
}

static int evaluate(struct sy_loss_out *out, const struct sy_instance *instance, const struct sy_trial *trial,
                    struct sy_error *err) {
    const struct sy_loss_ops *ops = instance->ops;
    struct sy_tensor tensors[1 + SY_TRIAL_SOURCES];
    const struct sy_tensor *sources[1 + SY_TRIAL_SOURCES] = {NULL};
    struct asked asked;
    for (int32_t n = 0; n <= trial->n_sources; n++) {
        tensors[n] = tensor_of(trial, n);
        sources[n] = &tensors[n];
    }
    struct sy_loss_in in = {.size = sizeof in,
                            .batch = trial->batch,
                            .classes = trial->classes,
                            .n_sources = trial->n_sources,
                            .epochs = 10,
                            .labels = trial->labels,
                            .samples = trial->samples,
                            .target = &tensors[0],
                            .sources = sources + 1,
                            .signals = &asked,
                            .probabilities = probabilities,
                            .log_probabilities = log_probabilities};
    int status = SY_ENOMEM;
    if (prepare(&asked, trial)) {
        status = SY_CALLED(instance->found, "eval", ops->eval(instance->self, out, &in, err));
    }
    forget(&asked);
    return status;
}

void sy_outcome_finish(struct sy_outcome *outcome) {
    for (int n = 0; n <= SY_TRIAL_SOURCES; n++) {
        free(outcome->gradient[n]);
    }
    *outcome = (struct sy_outcome){.value = NAN};
}

/* Room for `count` floats that nobody wrote yet, between margins that nobody may write; NULL when memory is used up. */
static float *make_room(size_t count) {
    float *room = malloc((count + 2 * MARGIN) * sizeof *room);
    for (size_t i = 0; room && i < count + 2 * MARGIN; i++) {
        room[i] = i < MARGIN || i >= MARGIN + count ? MARK : NAN;
    }
    return room;
}

/* What lies between the margins moves to the start; false where they were written to. */
static bool take_out(float *room, size_t count) {
    bool whole = true;
    for (size_t i = 0; i < MARGIN; i++) {
        whole = whole && room[i] == MARK && room[MARGIN + count + i] == MARK;
    }
    memmove(room, room + MARGIN, count * sizeof *room);
    return whole;
}

static int try_once(struct sy_outcome *out, const struct sy_instance *instance, const struct sy_trial *trial,
                    struct sy_error *err) {
    size_t count = (size_t)trial->batch * sy_trial_row(trial);
    int32_t asked = 1 + (trial->attached ? trial->n_sources : 0);
    float *inside[1 + SY_TRIAL_SOURCES] = {NULL};
    *out = (struct sy_outcome){.value = NAN};
    for (int32_t n = 0; n < asked; n++) {
        out->gradient[n] = make_room(count);
        if (!out->gradient[n]) {
            return sy_fail(err, SY_ENOMEM, "memory is used up");
        }
        inside[n] = out->gradient[n] + MARGIN;
    }
    struct sy_loss_out result = {.size = sizeof result, .value = NAN, .gradient = inside[0]};
    result.source_gradients = trial->attached ? inside + 1 : NULL;
    int status = evaluate(&result, instance, trial, err);
    out->value = result.value;
    for (int32_t n = 0; n < asked; n++) {
        out->outside = !take_out(out->gradient[n], count) || out->outside;
    }
    return status;
}

int sy_trial_run(struct sy_outcome *out, struct sy_exam *exam, const struct sy_trial *trial,
                 const struct sy_change *change, struct sy_error *err) {
    struct sy_subject_of_exam subject;
    struct sy_field field;
    *out = (struct sy_outcome){.value = NAN};
    int status = sy_exam_begin(&subject, exam, change, err);
    if (status == SY_OK && trial->before) {
        status = try_once(out, subject.instance, trial->before, err);
        sy_outcome_finish(out);
    }
    if (status == SY_OK) {
        status = try_once(out, subject.instance, trial, err);
        out->remembers = subject.services.n_buffers > 0 || sy_instance_field(subject.instance, 0, &field);
    }
    sy_exam_end(&subject);
    return status;
}

int sy_trial_check(struct sy_exam *exam, const struct sy_trial *trial, const struct sy_change *change,
                   struct sy_error *err) {
    struct sy_subject_of_exam subject;
    const struct sy_shape *like[SY_TRIAL_SOURCES];
    for (int s = 0; s < SY_TRIAL_SOURCES; s++) {
        like[s] = &trial->shape;
    }
    int status = sy_exam_begin(&subject, exam, change, err);
    const struct sy_loss_ops *ops = status == SY_OK ? subject.instance->ops : NULL;
    if (ops && ops->check) {
        status =
            SY_CALLED(exam->found, "check",
                      ops->check(subject.instance->self, trial->classes, &trial->shape, like, trial->n_sources, err));
        if (status != SY_OK) {
            sy_fail(err, status, "refused without a reason");
        }
    } else if (ops && !sy_trial_is_logits(trial)) {
        status = sy_fail(err, SY_EINVAL, "logits only"); /* loss.h: without check, (K) and all alike */
    }
    sy_exam_end(&subject);
    return status;
}
