/* result.h - result.json and predictions.json: what a finished run says of itself (core/record/README.md lists the keys). */
#ifndef SY_TRAIN_RESULT_H
#define SY_TRAIN_RESULT_H

#include "../record/run_folder.h"
#include "costs.h"
#include "totals.h"

struct sy_result {
    const struct sy_experiment *experiment;
    const struct sy_totals *totals;       /* at the end */
    const struct sy_costs *costs;         /* of the whole run */
    const struct sy_evaluation *selected; /* the selected weights on the test split; NULL: there is none */
};

/* predictions.json first: where result.json is, both are. */
int sy_result_write(const struct sy_result *result, struct sy_run_folder *folder, struct sy_error *err);

#endif
