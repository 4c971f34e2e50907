#include "outline.h"

#include <math.h>

const char *const outline_names[OUTLINES] = {
    [DISC] = "disc",         [TRIANGLE] = "triangle", [STAR4] = "star4", [PLUS] = "plus",
    [ELLIPSE] = "ellipse",   [SQUARE] = "square",     [STAR5] = "star5", [TEE] = "tee",
    [RING] = "ring",         [PENTAGON] = "pentagon", [STAR6] = "star6", [CORNER] = "corner",
    [CRESCENT] = "crescent", [HEXAGON] = "hexagon",   [STAR8] = "star8", [ZED] = "zed",
};

/* Corners on rays at equal angles, every other one at the inner radius (1: a regular polygon). */
struct spokes {
    int32_t corners;
    double cosine, sine; /* of the angle between rays, 2 pi / corners: spelled out, as libm's last bit varies */
    double inner;
};

static const struct spokes spokes[OUTLINES] = {
    [TRIANGLE] = {3, -0.5, 0.86602540378443864676, 1},
    [SQUARE] = {4, 0, 1, 1},
    [PENTAGON] = {5, 0.30901699437494742410, 0.95105651629515357212, 1},
    [HEXAGON] = {6, 0.5, 0.86602540378443864676, 1},
    [STAR4] = {8, 0.70710678118654752440, 0.70710678118654752440, 0.42},
    [STAR5] = {10, 0.80901699437494742410, 0.58778525229247312917, 0.46},
    [STAR6] = {12, 0.86602540378443864676, 0.5, 0.52},
    [STAR8] = {16, 0.92387953251128675613, 0.38268343236508977173, 0.62},
};

static const struct polygon bars[OUTLINES] = {
    [PLUS] = {12,
              {0.3, 0.3, 1, 1, 0.3, 0.3, -0.3, -0.3, -1, -1, -0.3, -0.3},
              {-1, -0.3, -0.3, 0.3, 0.3, 1, 1, 0.3, 0.3, -0.3, -0.3, -1}},
    [TEE] = {8, {-0.9, 0.9, 0.9, 0.28, 0.28, -0.28, -0.28, -0.9}, {-0.9, -0.9, -0.35, -0.35, 0.9, 0.9, -0.35, -0.35}},
    [CORNER] = {6, {-0.65, -0.1, -0.1, 0.75, 0.75, -0.65}, {-0.9, -0.9, 0.3, 0.3, 0.85, 0.85}},
    [ZED] = {8, {-0.9, 0.3, 0.3, 0.9, 0.9, -0.3, -0.3, -0.9}, {-0.6, -0.6, 0, 0, 0.6, 0.6, 0, 0}},
};

static void make_spokes(struct polygon *polygon, const struct spokes *from) {
    double x = 1, y = 0;
    polygon->corners = from->corners;
    for (int32_t i = 0; i < from->corners; i++) {
        double radius = i % 2 ? from->inner : 1;
        polygon->x[i] = radius * x;
        polygon->y[i] = radius * y;
        double turned = x * from->cosine - y * from->sine;
        y = x * from->sine + y * from->cosine;
        x = turned;
    }
}

void outlines_make(struct outlines *outlines) {
    for (int32_t i = 0; i < OUTLINES; i++) {
        outlines->polygon[i] = bars[i];
        if (spokes[i].corners) {
            make_spokes(&outlines->polygon[i], &spokes[i]);
        }
    }
}

static double length(double x, double y) {
    return sqrt(x * x + y * y);
}

/* Nearest edge for the distance; the side by how often a ray to the right crosses the outline. */
static double polygon_distance(const struct polygon *polygon, double x, double y) {
    double nearest = 1e30;
    int inside = 0;
    for (int32_t i = 0, before = polygon->corners - 1; i < polygon->corners; before = i++) {
        double edge_x = polygon->x[i] - polygon->x[before], edge_y = polygon->y[i] - polygon->y[before];
        double to_x = x - polygon->x[before], to_y = y - polygon->y[before];
        double along = (to_x * edge_x + to_y * edge_y) / (edge_x * edge_x + edge_y * edge_y);
        along = along < 0 ? 0 : along > 1 ? 1 : along;
        double off_x = to_x - along * edge_x, off_y = to_y - along * edge_y;
        double square = off_x * off_x + off_y * off_y;
        nearest = square < nearest ? square : nearest;
        if ((polygon->y[i] > y) != (polygon->y[before] > y)) {
            inside ^= x < polygon->x[before] + to_y * edge_x / edge_y;
        }
    }
    return inside ? -sqrt(nearest) : sqrt(nearest);
}

/* First-order: the implicit function over its slope; exact on the outline, which is where it counts. */
static double ellipse_distance(double aspect, double x, double y) {
    double level = length(x, y / aspect), slope = length(x, y / (aspect * aspect));
    return slope > 0 ? level * (level - 1) / slope : -aspect;
}

double outline_distance(const struct outlines *outlines, int32_t outline, double aspect, double x, double y) {
    switch (outline) {
    case DISC:
        return length(x, y) - 1;
    case ELLIPSE:
        return ellipse_distance(aspect, x, y);
    case RING:
        return fabs(length(x, y) - 0.75) - 0.25;
    case CRESCENT:
        return fmax(length(x, y) - 1, 0.85 - length(x - 0.5, y));
    default:
        return polygon_distance(&outlines->polygon[outline], x, y);
    }
}
