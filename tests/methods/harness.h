/* harness.h - a loss, policy or topology without the core: opened from SWITCHYARD_PLUGIN_PATH, fed with tensors. */
#ifndef TEST_METHODS_HARNESS_H
#define TEST_METHODS_HARNESS_H

#include <switchyard/loss.h>
#include <switchyard/policy.h>
#include <switchyard/topology.h>

/* What the harness's host lends: labels of so many samples, and the buffers that were asked for. */
#define LENT_LABELS 12
extern const int32_t lent_labels[LENT_LABELS];
/* A buffer of the plugin loaded last, by name; its count. It goes with unload. */
float *lent_buffer(const char *name, size_t *count);
/* In how many parts, last first, the host runs loops of what is loaded from now on: 1 unless set. */
void lend_threads(int32_t threads);

/* One parameter that differs from its default. Choices are given as their index. */
struct setting {
    const char *name;
    double value;
};

#define MAX_SETTINGS 4
#define MAX_SOURCES  3

struct loaded {
    void *file;
    const struct sy_plugin *plugin;
    const void *ops; /* cast to the kind's */
    void *self;
    int started; /* init succeeded */
};

/* An instance with its defaults, `settings` (up to the first without a name, NULL: none) laid over them; init is called
 * where there is one. A plugin that is not there or has no such parameter ends the test. */
struct loaded load(const char *kind, const char *folder, const char *name, const struct setting *settings);
/* As load, with one list of integers given as well (a list's default is not read here). */
struct loaded load_with_list(const char *kind, const char *folder, const char *name, const struct setting *settings,
                             const char *list, struct sy_ints numbers);
/* What init says of these settings: SY_OK, or a status with its reason in err. Nothing stays loaded. */
int try_load(const char *kind, const char *folder, const char *name, const struct setting *settings, const char *list,
             struct sy_ints numbers, struct sy_error *err);
void unload(struct loaded *loaded);
/* The value of a double or integer member, by its row's name. */
double member(const struct loaded *loaded, const char *name);

/* What a loss or a policy sees: logits[0] are the target's (the student's), logits[1 + s] source s's (the teacher's). */
struct problem {
    int32_t batch, classes, n_sources;
    int32_t *labels;
    float *logits[1 + MAX_SOURCES];
    int64_t epoch;                           /* 0 unless set */
    const int64_t *samples;                  /* NULL unless set */
    struct sy_shape shapes[1 + MAX_SOURCES]; /* of taps; rank 0: logits */
};

/* Logits are multiples of 1/64 within `spread`, labels anything; the same for the same seed. */
struct problem make_problem(uint64_t seed, int32_t batch, int32_t classes, int32_t n_sources, double spread);
/* Taps in the place of logits: the target's of one shape, all sources' of another. */
struct problem make_tap_problem(uint64_t seed, int32_t batch, int32_t n_sources, struct sy_shape target,
                                struct sy_shape source, double spread);
/* Numbers of tensor n. */
size_t problem_count(const struct problem *problem, int32_t n);
struct problem copy_problem(const struct problem *problem);
void free_problem(struct problem *problem);

/* Value and gradients (gradient[0] to the target, [1 + s] to source s; `gradient` NULL: not wanted). Sources are detached
 * unless `attached`. Members of `gradient` are written before the call, so that what is left undone shows. */
double evaluate(const struct loaded *loss, const struct problem *problem, float *const *gradient, int attached);

/* Multiply-adds of one forward pass that `decide` tells. */
#define TEACHER_MULTIPLY_ADDS 300
#define STUDENT_MULTIPLY_ADDS 100

/* One decision on logits[1], the teacher's, and logits[0], the student's. */
struct sy_policy_out decide(const struct loaded *policy, const struct problem *problem, int64_t step, int64_t epoch);

#endif
