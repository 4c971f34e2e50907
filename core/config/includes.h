/* includes.h - looks at config files before the parser does, for what libconfig does not tell: a cycle of @include
 * directives, a missing file by its name, a number that does not fit and would be cut silently. */
#ifndef SY_CONFIG_INCLUDES_H
#define SY_CONFIG_INCLUDES_H

#include "problems.h"

#define SY_MOST_NESTED 64 /* lists and groups in each other */

/* Follows every @include of a text, as libconfig does: all are relative to the folder of the first file, `file`, also
 * those in included files. A file that includes itself, however indirectly, that cannot be read or is named by an
 * absolute path, a whole number that does not fit, brackets nested too deep, a byte order mark, and a comment that an
 * included file ends with, without a line end, are problems at their lines. */
void sy_check_text(const char *text, const char *file, struct sy_problems *problems);

/* How problems call the file that an @include of `top` names: "experiments/base.cfg". Never "--set" or "default", which
 * settings of no file have. malloc'ed; NULL when memory is used up. */
char *sy_include_path(const char *top, const char *name);

/* A whole text file in malloc'ed memory; NULL and errno (EILSEQ: it has a zero byte and is no text). */
char *sy_read_text(const char *path);
/* errno of sy_read_text in words. */
const char *sy_read_text_error(int error);

#endif
