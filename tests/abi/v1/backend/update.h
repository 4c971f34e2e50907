/* update.h - what moves parameters and running statistics. */
#ifndef REFERENCE_UPDATE_H
#define REFERENCE_UPDATE_H

#include "reference.h"

int reference_update(struct sy_plan *plan, const struct sy_update *in, struct sy_error *err);
int reference_statistics(struct sy_plan *plan, struct sy_error *err);

#endif
