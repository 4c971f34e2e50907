/* describe.h - an experiment in words and numbers: what `check` prints. */
#ifndef SY_CLI_DESCRIBE_H
#define SY_CLI_DESCRIBE_H

#include "../train/experiment.h"
#include "../train/memory.h"

void sy_describe_machine(FILE *out, const struct sy_experiment *experiment);
void sy_describe_data(FILE *out, const struct sy_experiment *experiment);
void sy_describe_nodes(FILE *out, const struct sy_experiment *experiment);
void sy_describe_wiring(FILE *out, const struct sy_experiment *experiment);
void sy_describe_rates(FILE *out, const struct sy_experiment *experiment);
/* A loss in its own words, or as NAME(target; sources). */
void sy_describe_loss(char *out, size_t room, const struct sy_loss_use *use, const char *target,
                      const char *const *sources, int32_t n_sources);
/* Memory that the run will take at its peak, beside what there is. */
void sy_describe_memory(FILE *out, const struct sy_experiment *experiment, const struct sy_memory *need);
/* Where every plugin came from, what was shadowed and what would not load. */
void sy_describe_plugins(FILE *out, const struct sy_experiment *experiment);

#endif
