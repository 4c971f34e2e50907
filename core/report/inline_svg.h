/* inline_svg.h - a picture of gnuplot's as part of a page. */
#ifndef SY_REPORT_INLINE_SVG_H
#define SY_REPORT_INLINE_SVG_H

#include <stdbool.h>
#include <stdio.h>

/* Writes the <svg> of a file with a label for those who do not see it. Ids get `prefix` in front, so that pictures of one
 * page do not take each other's parts; its size is left to the page. False where the text is none of gnuplot's. */
bool sy_inline_svg(FILE *out, const char *svg, const char *prefix, const char *label);

#endif
