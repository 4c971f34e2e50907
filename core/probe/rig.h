/* rig.h - a graph at work on a backend, fed with made-up numbers. */
#ifndef SY_PROBE_RIG_H
#define SY_PROBE_RIG_H

#include <switchyard/backend.h>

#include "exam.h"

#define SY_RIG_INPUTS 8

struct sy_rig {
    struct sy_subject_of_exam backend;
    const struct sy_backend_ops *ops;
    const struct sy_graph *graph; /* borrowed */
    struct sy_plan *plan;
    int32_t precision, batch, n_inputs;
    double *input[SY_RIG_INPUTS]; /* as much room as doubles need, whatever lies in it */
    struct sy_tensor tensors[SY_RIG_INPUTS];
    const struct sy_tensor *pointers[SY_RIG_INPUTS];
};

/* The backend of the lowest rank that computes in this precision and works here: the plainest. NULL: there is none. */
const struct sy_found *sy_rig_plainest(struct sy_exam *exam, int32_t precision);

/* Compiles the graph on a backend, with the same drawn weights and inputs every time. Finish it in any case. */
int sy_rig_make(struct sy_rig *rig, struct sy_exam *exam, const struct sy_found *backend, int32_t precision,
                const struct sy_graph *graph, int32_t batch, struct sy_error *err);
void sy_rig_finish(struct sy_rig *rig);

/* One forward pass; outputs are then there for the asking. */
int sy_rig_forward(struct sy_rig *rig, int32_t mode, struct sy_error *err);
/* sum over all outputs and elements of drawn number x element: a scalar to differentiate. */
int sy_rig_scalar(double *out, struct sy_rig *rig, struct sy_error *err);
/* Its gradients, backwards. */
int sy_rig_backward(struct sy_rig *rig, struct sy_error *err);

/* Element i of a tensor of floats or doubles. */
double sy_rig_element(const struct sy_tensor *tensor, size_t i);
void sy_rig_set_element(const struct sy_tensor *tensor, size_t i, double value);
/* Draws input k as it was made, and moves it by `step` along a drawn direction. */
void sy_rig_move_input(struct sy_rig *rig, int32_t k, double step);
/* The gradient with respect to input k, of the last backward, times that direction. */
int sy_rig_along_input(double *out, struct sy_rig *rig, int32_t k, struct sy_error *err);
/* Parameter `index` (enum sy_stored), as doubles or floats in `room`, which takes doubles. */
int sy_rig_get(struct sy_tensor *out, double *room, struct sy_rig *rig, int32_t stored, int32_t index,
               struct sy_error *err);

#endif
