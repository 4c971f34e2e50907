/* outline.h - what the classes of `shapes` look like: outlines around the origin, about one unit in radius.
 *
 * Only operations that IEEE 754 rounds exactly (+ - * / sqrt), so the images are the same bits everywhere. */
#ifndef SHAPES_OUTLINE_H
#define SHAPES_OUTLINE_H

#include <stdint.h>

/* Rows of four, one of each family: round things, polygons, stars, bars. The first `classes` are the classes. */
enum outline {
    DISC,
    TRIANGLE,
    STAR4,
    PLUS,
    ELLIPSE,
    SQUARE,
    STAR5,
    TEE,
    RING,
    PENTAGON,
    STAR6,
    CORNER,
    CRESCENT,
    HEXAGON,
    STAR8,
    ZED,
    OUTLINES
};

enum { MAX_CORNERS = 16 };

struct polygon {
    int32_t corners; /* 0: not a polygon */
    double x[MAX_CORNERS], y[MAX_CORNERS];
};

/* The polygons among the outlines, worked out once; read by all threads. */
struct outlines {
    struct polygon polygon[OUTLINES];
};

void outlines_make(struct outlines *outlines);

/* Distance of (x, y) to the outline, negative inside. aspect: short over long axis of ELLIPSE, ignored by the rest. */
double outline_distance(const struct outlines *outlines, int32_t outline, double aspect, double x, double y);

extern const char *const outline_names[OUTLINES];

#endif
