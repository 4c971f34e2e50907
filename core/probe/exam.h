/* exam.h - what examiners share: verdicts, and instances of the plugin under examination. */
#ifndef SY_PROBE_EXAM_H
#define SY_PROBE_EXAM_H

#include <stdbool.h>

#include "../host/call.h"
#include "../host/services.h"

/* Counted where parent and child both see it. */
struct sy_verdicts {
    int32_t passed, failed, skipped;
};

struct sy_exam {
    struct sy_verdicts *verdicts;
    struct sy_registry *registry;
    const struct sy_found *found;
    const struct sy_setting *settings; /* parameters that differ from their defaults: a group; NULL: none do */
    struct sy_arena *arena;
    struct sy_problems *problems;
};

/* One line each: a mark, the item, and what is to be said of it. `format` may be "". */
SY_PRINTF(3, 4) void sy_exam_pass(struct sy_exam *exam, const char *item, const char *format, ...);
SY_PRINTF(3, 4) void sy_exam_fail(struct sy_exam *exam, const char *item, const char *format, ...);
SY_PRINTF(3, 4) void sy_exam_skip(struct sy_exam *exam, const char *item, const char *format, ...);

/* Settings for a plugin that was given none: what its extension SY_EXAMPLE says, whose files are written into `folder`.
 * To be destroyed; NULL where it has no example, or none that works, which is a failed item. */
struct sy_setting *sy_exam_example(struct sy_exam *exam, const char *folder);

/* A parameter set to another value than it would have, for the time of an examination. */
struct sy_change {
    const struct sy_field *field; /* NULL: none */
    double value;
};

/* An instance that is ready to be called, as `run` would make it. */
struct sy_subject_of_exam {
    struct sy_instance *instance;
    struct sy_services services;
    bool ready;
};
/* Creates and, for kinds whose init takes a host (losses, policies, backends), calls init. SY_OK or a failure with the
 * plugin's own words. Finish it in any case. */
int sy_exam_begin(struct sy_subject_of_exam *subject, struct sy_exam *exam, const struct sy_change *change,
                  struct sy_error *err);
void sy_exam_end(struct sy_subject_of_exam *subject);

/* Writes a number where a parameter lies; text and lists are left alone. `change` NULL: nothing. */
void sy_exam_apply(void *self, const struct sy_change *change);

/* What a parameter is set to; false where it is no number. */
bool sy_exam_number(double *out, struct sy_exam *exam, const struct sy_field *field);

/* Labels that a loss may ask for: sample i of SY_EXAM_SAMPLES is of class i % SY_EXAM_CLASSES. */
enum { SY_EXAM_SAMPLES = 100, SY_EXAM_CLASSES = 5 };

/* Number of a draw in [-1, 1), the same every time. */
double sy_exam_draw(uint32_t purpose, uint32_t index);

/* The examiners. */
void sy_exam_file(struct sy_exam *exam, const char *path);
void sy_exam_descriptor(struct sy_exam *exam);
void sy_exam_loss(struct sy_exam *exam);
void sy_exam_policy(struct sy_exam *exam);
void sy_exam_network(struct sy_exam *exam);
void sy_exam_dataset(struct sy_exam *exam);
void sy_exam_topology(struct sy_exam *exam);
void sy_exam_backend(struct sy_exam *exam);

#endif
