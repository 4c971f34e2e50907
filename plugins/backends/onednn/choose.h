/* choose.h - which convolutions go through Winograd.
 *
 * A choice is a word such as "block1.conv1=winograd" or "block1.conv1=direct"; a plan's are joined by blanks. Measured
 * ones are what plan_info gives, and are followed when a plan is made with them: two measurements may differ, and with
 * them the last bits of results. */
#ifndef ONEDNN_CHOOSE_H
#define ONEDNN_CHOOSE_H

#include "plan.h"

/* Sets nodes' kinds: as `choices` says, and where it is silent or NULL, by `algorithm` (enum algorithm). */
int plan_choose(struct sy_plan *plan, int32_t algorithm, const char *choices, struct sy_error *err);

/* Times a training step of a plan made each way, and writes down what is faster, malloc'ed; where it is close, Winograd,
 * as the rule has it. */
int plan_measure(char **choices, struct library *library, const struct sy_host *host, const struct sy_graph *graph,
                 const struct sy_plan_options *options, struct sy_error *err);

#endif
