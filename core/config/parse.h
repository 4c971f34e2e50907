/* parse.h - what setting_read.c and setting_assign.c share. */
#ifndef SY_CONFIG_PARSE_H
#define SY_CONFIG_PARSE_H

#include "setting.h"

/* Parses text that stands in `file`, unchecked (see includes.h). NULL after a problem. */
struct sy_setting *sy_parse(const char *text, const char *file, struct sy_problems *problems);

#endif
