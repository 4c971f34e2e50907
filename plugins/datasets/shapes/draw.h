/* draw.h - one image of `shapes` from a generator: background, clutter, the shape, a line across, noise. */
#ifndef SHAPES_DRAW_H
#define SHAPES_DRAW_H

#include <switchyard/rng.h>

#include "outline.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, PIXELS = 3 * PLANE };

struct style {
    int32_t clutter; /* small distracting things */
    double noise;    /* standard deviation of the pixel noise, of 255 */
};

/* out: (3, SIDE, SIDE). The class is the outline; all else is drawn from rng. */
void draw_image(uint8_t *out, const struct outlines *outlines, int32_t outline, const struct style *style,
                struct sy_rng *rng);

#endif
