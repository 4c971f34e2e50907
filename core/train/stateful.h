/* stateful.h - the plugins that remember something from step to step: in their state fields, and in the buffers they
 * asked the host for. Nothing else of theirs is saved, restored or taken back. */
#ifndef SY_TRAIN_STATEFUL_H
#define SY_TRAIN_STATEFUL_H

#include "experiment.h"

/* Instance `index` of an experiment, in a fixed order: label losses, losses of edges, policies of gates. NULL after the
 * last. *services: what it was handed, the experiment's. */
struct sy_instance *sy_stateful_instance(struct sy_experiment *experiment, int32_t index,
                                         struct sy_services **services);

#endif
