/* where.h - where the program's own files are, found from where the program lies: a build tree or an installation. */
#ifndef SY_CLI_WHERE_H
#define SY_CLI_WHERE_H

#include <stdbool.h>
#include <stddef.h>

/* The running program, links followed; false if the system will not say. */
bool sy_where_program(char *out, size_t room);

/* The folder to give a compiler: <switchyard/...> is below it. False where there is none. */
bool sy_where_headers(char *out, size_t room);

#endif
