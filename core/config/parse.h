/* parse.h - what setting_read.c, setting_assign.c and values.c share. */
#ifndef SY_CONFIG_PARSE_H
#define SY_CONFIG_PARSE_H

#include "setting.h"

/* Parses text that stands in `file`, unchecked (see includes.h). NULL after a problem. */
struct sy_setting *sy_parse(const char *text, const char *file, struct sy_problems *problems);

/* A root with one child, `name`: a value alone, as --set and defaults of lists have it. Unlike in a file, numbers in
 * [ ] may be mixed as in ( ), and a large one needs no L. NULL where it is none, mostly after a problem. */
struct sy_setting *sy_parse_value(const char *name, const char *value, const char *file, struct sy_problems *problems);

#endif
