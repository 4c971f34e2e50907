/* includes.h - looks at @include directives before the parser does, since libconfig tells neither a cycle nor a missing
 * file by its name. */
#ifndef SY_CONFIG_INCLUDES_H
#define SY_CONFIG_INCLUDES_H

#include "problems.h"

/* Follows every @include of a text (as libconfig does: relative to the folder of the first file); a file that includes
 * itself, however indirectly, or cannot be read, is a problem at its line. */
void sy_check_includes(const char *text, const char *file, const char *folder, struct sy_problems *problems);

/* A whole text file in malloc'ed memory; NULL and errno. */
char *sy_read_text(const char *path);

#endif
