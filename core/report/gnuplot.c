/* gnuplot.c - see gnuplot.h. */
#include "gnuplot.h"

#include <stdint.h>
#include <stdio.h>

#include "program.h"

#define MOST_SCRIPTS 64

int sy_gnuplot_run(const char *folder, const char *kinds, const char *const *scripts, size_t count,
                   struct sy_error *err) {
    char wish[64], program[] = "gnuplot", defaults[] = "-d", execute[] = "-e";
    char *arguments[MOST_SCRIPTS + 5] = {program, defaults, execute, wish};
    snprintf(wish, sizeof wish, "kinds='%s'", kinds);
    for (size_t i = 0; i < count && i < MOST_SCRIPTS; i++) {
        arguments[4 + i] = (char *)(uintptr_t)scripts[i];
    }
    return sy_program_run(folder, arguments, "gnuplot-nox", err);
}
