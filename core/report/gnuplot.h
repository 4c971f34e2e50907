/* gnuplot.h - the program gnuplot, as a process of its own. */
#ifndef SY_REPORT_GNUPLOT_H
#define SY_REPORT_GNUPLOT_H

#include <stddef.h>

#include <switchyard/error.h>

/* Runs `gnuplot -e "kinds='KINDS'" SCRIPT...` in a folder, without anybody's .gnuplot. SY_ENOTSUP: there is no gnuplot;
 * SY_EIO: it failed, with the first line it said. Scripts are names in the folder; at most 64. */
int sy_gnuplot_run(const char *folder, const char *kinds, const char *const *scripts, size_t count,
                   struct sy_error *err);

#endif
