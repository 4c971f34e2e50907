/* rig.h - a backend without the core's registry: opened from the build tree, fed with numbers.
 *
 * Numbers are doubles here whatever the plan computes in; whatever crosses the border is first rounded to float, so
 * that plans of both precisions see the same. A mistake of the rig's or the backend's ends the test. */
#ifndef TEST_BACKENDS_RIG_H
#define TEST_BACKENDS_RIG_H

#include <switchyard/backend.h>

#include "graph/graph_builder.h"
#include "host/services.h"

#define MAX_BACKENDS 16
#define NAME_ROOM    64

/* Names of the backends that were built and work on this machine, in alphabetical order. The others are left out with a
 * message: a parameterised test that skips makes Criterion exit as if it had failed. */
size_t backend_names(char names[MAX_BACKENDS][NAME_ROOM]);

struct rig {
    void *file, *self;
    const struct sy_plugin *plugin;
    struct sy_backend_ops ops;
    struct sy_threads *threads;
    struct sy_services services;
    uint32_t precisions;
};

/* A backend that does not open is a failure. Do not move an open rig. */
void rig_open(struct rig *rig, const char *name, int32_t threads);
void rig_close(struct rig *rig);
static inline bool rig_can(const struct rig *rig, int32_t precision) {
    return (rig->precisions >> precision & 1) != 0;
}

struct numbers {
    size_t count;
    double *at;
};

/* One step of one graph: what a plan is given, and what it gave. */
struct trial {
    const struct sy_graph *graph;
    int32_t precision, batch, mode;
    const char *choices;             /* to be followed; NULL: as the backend likes */
    struct sy_update *update;        /* NULL: none */
    struct numbers *input;           /* per input */
    struct numbers *parameter;       /* per parameter, statistics too */
    struct numbers *output_gradient; /* per output; `at` NULL: zero */
    struct numbers *output;          /* per output */
    struct numbers *input_gradient;  /* per input */
    struct numbers *gradient;        /* per parameter; empty for statistics */
    struct numbers *after;           /* per parameter: its value after statistics, backward and update */
};

/* Room for all, everything but the parameters' values and the inputs filled with zeros. Those lie on a shuffled grid
 * between -spread/2 and spread/2, no two alike and none at 0; weights are scaled by their fan_in; batch norms have
 * scales of 0.2 to 0.4 and shifts of 2 to 3 or -2 to -3, so that a ReLU behind sees nothing near its kinks. Output
 * gradients lie between -1 and 1. The same for the same salt. */
struct trial trial_create(const struct sy_graph *graph, int32_t batch, double spread, uint32_t salt);
void trial_destroy(struct trial *trial);

/* Whether the backend says that with its settings it has no such plan. */
bool trial_is_refused(struct rig *rig, const struct trial *trial);
/* A plan with the trial's parameters. backward: it may be asked for. */
struct sy_plan *trial_compile(struct rig *rig, const struct trial *trial, bool backward);
void trial_set(struct rig *rig, struct sy_plan *plan, const struct trial *trial, int32_t parameter);
/* What the plan stores (enum sy_stored) of a parameter. */
void trial_get(struct rig *rig, struct sy_plan *plan, const struct trial *trial, int32_t stored, int32_t index,
               const struct numbers *out);
/* Forward, and reads the outputs. */
void trial_forward(struct rig *rig, struct sy_plan *plan, struct trial *trial);
/* Forward, statistics if training, backward, update if there is one; reads everything. */
void trial_step(struct rig *rig, struct sy_plan *plan, struct trial *trial);
/* All of that with a plan of its own. */
void trial_run(struct rig *rig, struct trial *trial);

/* |a - b|_2 and |b|_2, squared and added to what is there. */
struct distance {
    double apart, size;
};
void distance_add(struct distance *distance, const struct numbers *a, const struct numbers *b);
double distance_relative(const struct distance *distance);
double relative(const struct numbers *a, const struct numbers *b);

#endif
