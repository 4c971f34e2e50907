/* values.h - what fields.c and table.c share: ranges, defaults and paths of single values. */
#ifndef SY_CONFIG_VALUES_H
#define SY_CONFIG_VALUES_H

#include "fields.h"

#define SY_MOST_CHOICES 64  /* of one field */
#define SY_CHOICES_ROOM 512 /* letters of them all */

/* "a string", "a number", "a list", ... */
const char *sy_value_word(const struct sy_setting *setting);
/* Whether a field has limits of its own, besides those of its type. */
bool sy_has_range(const struct sy_field *field);
bool sy_in_range(const struct sy_field *field, double value);
/* " [0.1, 10]", " (0, 10]", the limits of the type, or nothing where there are none; a blank in front. Returns `out`. */
const char *sy_range_text(const struct sy_field *field, char *out, size_t room);

/* Whether a field that is not given has a value all the same. */
bool sy_has_default(const struct sy_field *field);
/* The default as a setting of its own, named as the field; NULL when it has none, when def_text is no
 * value, or when memory is used up. */
struct sy_setting *sy_default_setting(const struct sy_field *field);
/* Makes `setting` hold what `value` holds, children and all. False when memory is used up. */
bool sy_setting_become(struct sy_setting *setting, struct sy_setting *value);

/* A path as it is meant in `file`: relative to its folder, or to the working folder for --set and defaults; "." and ".."
 * resolved in words. malloc'ed; NULL when memory is used up. */
char *sy_absolute_path(const char *path, const char *file);

#endif
