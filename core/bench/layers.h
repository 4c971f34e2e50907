/* layers.h - the operators of an experiment's networks, each timed on its own.
 *
 * A backend tells no times from inside a plan, so every operator becomes a network of one operator, compiled like any
 * other. What a backend fuses (batch norm with its ReLU, say) is fused in a whole network and not here, and a layout of
 * its own is entered and left at both ends: the sum of the rows is more than the step, and not its breakdown. */
#ifndef SY_BENCH_LAYERS_H
#define SY_BENCH_LAYERS_H

#include "subject.h"

/* Fills figures->layers, one row for each kind and shape in the order of their first appearance. False after a failure,
 * which is in `figures`. */
bool sy_layers_measure(struct sy_figures *figures, const struct sy_experiment *experiment);

#endif
