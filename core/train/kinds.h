/* kinds.h - groups of the config whose `kind` picks one of several field tables: optimisers, schedules. */
#ifndef SY_TRAIN_KINDS_H
#define SY_TRAIN_KINDS_H

#include "../config/fields.h"

struct sy_kind_table {
    const char *kind;
    const struct sy_field *fields; /* the first row is `kind` itself, with all kinds as choices, in this order */
    const char *doc;
};

/* Ends with a row whose kind is NULL; the first is the default. */
extern const struct sy_kind_table sy_optimizer_kinds[];
extern const struct sy_kind_table sy_schedule_kinds[];

/* Reads `self` (zeroed, its first member the int32_t `kind`) from a group, by the table of its kind, and reports unknown
 * keys. group NULL: the first kind's defaults. False after a problem. */
bool sy_kind_read(void *self, const struct sy_kind_table *kinds, struct sy_setting *group, struct sy_arena *arena,
                  struct sy_problems *problems);

#endif
