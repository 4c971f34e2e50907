/* rig.h - an experiment at work without a data set: made from text or a file, stepped with drawn images. */
#ifndef TEST_TRAIN_RIG_H
#define TEST_TRAIN_RIG_H

#include "train/cohort.h"
#include "train/stages.h"

struct rig {
    struct sy_problems *problems;
    struct sy_registry *registry;
    struct sy_experiment *experiment;
    struct sy_cohort *cohort;
    float *image;    /* (views, batch, 3, side, side) */
    int32_t *labels; /* (batch) */
    int64_t *samples;
    const float **views;
    int64_t step;
    struct sy_stages *stages; /* of a file with some, and which of them this is */
    size_t stage;
};

/* What images look like: side x side, so many classes. */
struct rig_images {
    int32_t side, classes;
};

/* From text, or from a file of the source tree (`text` NULL); of stages, the last one. `assignments`: as --set, one a line, may be NULL. Images
 * are k/8 for whole k within [-8, 8], labels anything, both the same for the same side and batch. Whatever is wrong ends
 * the test. */
struct rig rig_make(const char *text, const char *file, const char *assignments, struct rig_images images);
/* Another stage of a file. */
struct rig rig_make_stage(const char *file, const char *stage, const char *assignments, struct rig_images images);
/* Gives the nodes of rig's stage what they start from, by its `init`, of another stage of the same file. How many. */
int rig_start(struct rig *rig, const struct rig *other);
void rig_finish(struct rig *rig);
/* One step, in an epoch; rig->step counts. */
void rig_step(struct rig *rig, int64_t epoch);
/* Index of a node by name. */
int32_t rig_node(const struct rig *rig, const char *name);
/* A parameter (or what else is stored) of a node by name, malloc'ed; *count numbers. */
float *rig_get(const struct rig *rig, const char *node, int32_t stored, const char *parameter, size_t *count);
/* Every trainable parameter of a node becomes ((7 i + 3 t + seed) mod 17 - 8) / 40 for its i-th number, t its place among
 * the trainable; batch norm's weights 1 more. */
void rig_pattern(struct rig *rig, const char *node, int32_t seed);

#endif
