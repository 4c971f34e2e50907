/* draw.h - an experiment as a picture: nodes, what feeds what, edges with their losses, gates. */
#ifndef SY_CLI_DRAW_H
#define SY_CLI_DRAW_H

#include "../train/experiment.h"

/* Writes the file in Graphviz's language DOT. */
int sy_draw_dot(const char *path, const struct sy_experiment *experiment, struct sy_error *err);
/* The same as SVG, laid out by Graphviz's program dot; SY_ENOTSUP where there is none. */
int sy_draw_svg(const char *path, const struct sy_experiment *experiment, struct sy_error *err);

#endif
