/* exam_policy.c - whether a policy decides the same from the same, remembers only what its table says, and bears NaN. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <switchyard/policy.h>

#include "exam.h"

enum { BATCH = 8, CLASSES = 5, STEPS = 24, PER_EPOCH = 6, FIELDS = 64 };

/* What a policy sees in one step of a made-up run. */
struct scene {
    int32_t batch, classes;
    int64_t step;
    int32_t *labels;
    double *side[2]; /* by enum sy_side: (batch, classes) */
};

static bool make_scene(struct scene *scene, int32_t batch, int32_t classes) {
    size_t count = (size_t)batch * (size_t)classes;
    *scene = (struct scene){.batch = batch, .classes = classes};
    scene->labels = calloc((size_t)batch, sizeof *scene->labels);
    scene->side[0] = calloc(count, sizeof(double));
    scene->side[1] = calloc(count, sizeof(double));
    return scene->labels && scene->side[0] && scene->side[1];
}

static void finish_scene(struct scene *scene) {
    free(scene->labels);
    free(scene->side[0]);
    free(scene->side[1]);
}

/* Softmax of drawn logits, the teacher sharper and, with the steps, sharper still. */
static void set_scene(struct scene *scene, uint32_t story, int64_t step) {
    scene->step = step;
    for (int32_t b = 0; b < scene->batch; b++) {
        scene->labels[b] = (b + (int32_t)step) % scene->classes;
        for (uint32_t side = 0; side < 2; side++) {
            double *p = scene->side[side] + (size_t)b * (size_t)scene->classes, sum = 0;
            double sharp = side == SY_TEACHER ? 2 + 0.1 * (double)(step % STEPS) : 1;
            for (int32_t k = 0; k < scene->classes; k++) {
                uint32_t index = (uint32_t)((b * scene->classes + k) * 1024 + step);
                double z = sharp * sy_exam_draw(story + side, index) + (k == scene->labels[b] ? 0.5 * sharp : 0);
                sum += p[k] = exp(z);
            }
            for (int32_t k = 0; k < scene->classes; k++) {
                p[k] /= sum;
            }
        }
    }
}

/* Any temperature gets the same: the rule, not the softmax, is examined. */
static const double *probabilities(const void *signals, int32_t gate, int32_t side, double temperature) {
    const struct scene *scene = signals;
    return gate == 0 && (side == SY_TEACHER || side == SY_STUDENT) && temperature > 0 ? scene->side[side] : NULL;
}

static int32_t node(const void *signals, int32_t gate, int32_t side) {
    (void)signals, (void)gate;
    return side;
}

/* One decision, and after the last batch of an epoch what the policy makes of that. */
static int decide(struct sy_policy_out *out, const struct sy_instance *instance, const struct scene *scene,
                  struct sy_error *err) {
    const struct sy_policy_ops *ops = instance->ops;
    struct sy_policy_in in = {.size = sizeof in,
                              .batch = scene->batch,
                              .classes = scene->classes,
                              .n_gates = 1,
                              .step = scene->step,
                              .epoch = scene->step / PER_EPOCH,
                              .steps_per_epoch = PER_EPOCH,
                              .epochs = 1 + STEPS / PER_EPOCH,
                              .labels = scene->labels,
                              .teacher = scene->side[SY_TEACHER],
                              .student = scene->side[SY_STUDENT],
                              .signals = scene,
                              .probabilities = probabilities,
                              .node = node,
                              .teacher_multiply_adds = 300,
                              .student_multiply_adds = 100};
    *out = (struct sy_policy_out){.size = sizeof *out, .mode = SY_LEARNING, .teacher_weight = 1, .student_weight = 1};
    int status = SY_CALLED(instance->found, "decide", ops->decide(instance->self, out, &in, err));
    if (status == SY_OK && ops->epoch && scene->step % PER_EPOCH == PER_EPOCH - 1) {
        status = SY_CALLED(instance->found, "epoch", ops->epoch(instance->self, scene->step / PER_EPOCH, err));
    }
    return status;
}

static bool is_sane(const struct sy_policy_out *out) {
    return (out->mode == SY_LEARNING || out->mode == SY_EXPERT) && isfinite(out->teacher_weight) &&
           isfinite(out->student_weight);
}

/* ---- whole stories ------------------------------------------------------------------------------------------------ */

struct story {
    struct sy_policy_out at[STEPS];
    double observed[STEPS]; /* sum of the observed members */
};

static double sum_of_observed(const struct sy_instance *instance) {
    struct sy_field field;
    double sum = 0, value;
    for (size_t i = 0; sy_instance_field(instance, i, &field); i++) {
        if (field.role == SY_OBSERVED_FIELD && field.type == SY_TYPE_DOUBLE) {
            memcpy(&value, (const char *)instance->self + field.offset, sizeof value);
            sum += (double)(i + 1) * value;
        }
    }
    return sum;
}

/* All that a checkpoint would keep. */
static void carry_over(struct sy_subject_of_exam *to, const struct sy_subject_of_exam *from) {
    static const size_t bytes[] = {
        [SY_TYPE_INT32] = 4, [SY_TYPE_INT64] = 8, [SY_TYPE_UINT64] = 8, [SY_TYPE_DOUBLE] = 8};
    struct sy_field field;
    for (size_t i = 0; sy_instance_field(from->instance, i, &field); i++) {
        if (field.type <= SY_TYPE_DOUBLE) {
            memcpy((char *)to->instance->self + field.offset, (const char *)from->instance->self + field.offset,
                   bytes[field.type] * field.count);
        }
    }
    for (size_t i = 0; i < from->services.n_buffers && i < to->services.n_buffers; i++) {
        memcpy(to->services.buffers[i].at, from->services.buffers[i].at,
               from->services.buffers[i].count * sizeof(float));
    }
}

/* Tells a story. `resume` > 0: a fresh instance takes over before that step. `other`: a second instance hears another
 * story in between. */
static int tell(struct story *out, struct sy_exam *exam, int64_t resume, bool other, struct sy_error *err) {
    struct sy_subject_of_exam subjects[3] = {{.ready = false}};
    struct scene scene;
    struct sy_policy_out ignored;
    int status = make_scene(&scene, BATCH, CLASSES) ? SY_OK : SY_ENOMEM, now = 0;
    for (int i = 0; i < 3 && status == SY_OK; i++) {
        status = sy_exam_begin(&subjects[i], exam, NULL, err);
    }
    for (int64_t step = 0; step < STEPS && status == SY_OK; step++) {
        if (step == resume && step > 0) {
            carry_over(&subjects[1], &subjects[0]);
            now = 1;
        }
        set_scene(&scene, 300, step);
        status = decide(&out->at[step], subjects[now].instance, &scene, err);
        out->observed[step] = sum_of_observed(subjects[now].instance);
        if (other && status == SY_OK) {
            set_scene(&scene, 400, step);
            status = decide(&ignored, subjects[2].instance, &scene, err);
        }
    }
    for (int i = 0; i < 3; i++) {
        sy_exam_end(&subjects[i]);
    }
    finish_scene(&scene);
    return status;
}

/* The first step at which two stories differ; -1: none. */
static int64_t first_difference(const struct story *a, const struct story *b) {
    for (int64_t step = 0; step < STEPS; step++) {
        bool same_numbers =
            a->observed[step] == b->observed[step] || (isnan(a->observed[step]) && isnan(b->observed[step]));
        if (a->at[step].mode != b->at[step].mode || a->at[step].teacher_weight != b->at[step].teacher_weight ||
            a->at[step].student_weight != b->at[step].student_weight || !same_numbers) {
            return step;
        }
    }
    return -1;
}

static void compare_stories(struct sy_exam *exam, const struct story *first, int64_t resume, bool other,
                            const char *item, const char *why) {
    struct story again;
    struct sy_error err = {.size = sizeof err};
    if (tell(&again, exam, resume, other, &err) != SY_OK) {
        sy_exam_fail(exam, item, "%s", err.text);
        return;
    }
    int64_t step = first_difference(first, &again);
    if (step < 0) {
        sy_exam_pass(exam, item, "%s", "");
    } else {
        sy_exam_fail(exam, item, "step %lld is decided or observed otherwise: %s", (long long)step, why);
    }
}

/* ---- the rest ------------------------------------------------------------------------------------------------------ */

static void give_nan(struct sy_exam *exam) {
    struct sy_subject_of_exam subject;
    struct scene scene;
    struct sy_policy_out out;
    struct sy_error err = {.size = sizeof err};
    if (make_scene(&scene, BATCH, CLASSES) && sy_exam_begin(&subject, exam, NULL, &err) == SY_OK) {
        set_scene(&scene, 300, 0);
        for (int i = 0; i < BATCH * CLASSES; i++) {
            scene.side[SY_STUDENT][i] = NAN;
        }
        if (decide(&out, subject.instance, &scene, &err) != SY_OK) {
            sy_exam_pass(exam, "probabilities that are NaN", "are refused: %s", err.text);
        } else if (is_sane(&out)) {
            sy_exam_pass(exam, "probabilities that are NaN", "mean %s mode",
                         out.mode == SY_EXPERT ? "expert" : "learning");
        } else {
            sy_exam_fail(exam, "probabilities that are NaN", "give mode %d with weights %g and %g; refuse them instead",
                         out.mode, out.teacher_weight, out.student_weight);
        }
        sy_exam_end(&subject);
    }
    finish_scene(&scene);
}

static double mebibytes_in_use(void) {
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file) {
        if (fscanf(file, "%ld %ld", &pages, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

/* What 300 decisions on a batch of 128 with 100 classes take. */
static void measure(struct sy_exam *exam) {
    enum { DECISIONS = 300, MOST_MEBIBYTES = 32 };
    struct sy_subject_of_exam subject;
    struct scene scene;
    struct sy_policy_out out;
    struct timespec begin, end;
    struct sy_error err = {.size = sizeof err};
    int status = SY_OK;
    if (make_scene(&scene, 128, 100) && sy_exam_begin(&subject, exam, NULL, &err) == SY_OK) {
        set_scene(&scene, 300, 0);
        status = decide(&out, subject.instance, &scene, &err);
        double before = mebibytes_in_use();
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (scene.step = 1; scene.step <= DECISIONS && status == SY_OK; scene.step++) {
            status = decide(&out, subject.instance, &scene, &err);
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        double grown = mebibytes_in_use() - before;
        double us = 1e6 * (double)(end.tv_sec - begin.tv_sec) + 1e-3 * (double)(end.tv_nsec - begin.tv_nsec);
        sy_exam_pass(exam, "cost", "%.1f us a decision, 128 samples of 100 classes", us / DECISIONS);
        if (grown > MOST_MEBIBYTES) {
            sy_exam_fail(exam, "memory", "grew by %.0f MiB in %d decisions", grown, DECISIONS);
        } else {
            sy_exam_pass(exam, "memory", "%s", "does not grow");
        }
        sy_exam_end(&subject);
    }
    finish_scene(&scene);
}

void sy_exam_policy(struct sy_exam *exam) {
    struct story first;
    struct sy_error err = {.size = sizeof err};
    if (tell(&first, exam, -1, false, &err) != SY_OK) {
        sy_exam_skip(exam, "everything else", "it does not decide with these settings: %s", err.text);
        return;
    }
    int32_t expert = 0;
    bool sane = true;
    for (int step = 0; step < STEPS; step++) {
        expert += first.at[step].mode == SY_EXPERT;
        sane = sane && is_sane(&first.at[step]);
    }
    if (sane) {
        sy_exam_pass(exam, "decisions", "%d of %d in expert mode", expert, STEPS);
    } else {
        sy_exam_fail(exam, "decisions", "a mode is 0 or 1, weights are finite");
    }
    compare_stories(exam, &first, -1, false, "the same again gives the same", "is there a global, or a clock?");
    compare_stories(exam, &first, STEPS / 2, false, "saved and restored half-way",
                    "what it remembers must be in SY_STATE or SY_OBSERVED");
    compare_stories(exam, &first, -1, true, "two instances in turn",
                    "they share something; a policy keeps all it knows in its instance");
    give_nan(exam);
    measure(exam);
}
