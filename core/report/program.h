/* program.h - another program, as a process of its own. */
#ifndef SY_REPORT_PROGRAM_H
#define SY_REPORT_PROGRAM_H

#include <switchyard/error.h>

/* Runs arguments[0], found as the shell would find it, in a folder, with nothing to read and its output thrown away.
 * SY_ENOTSUP: there is no such program, with the Debian package that has it; SY_EIO: it failed, with the first line it
 * said on stderr. `arguments` ends with NULL. */
int sy_program_run(const char *folder, char *const *arguments, const char *package, struct sy_error *err);

#endif
