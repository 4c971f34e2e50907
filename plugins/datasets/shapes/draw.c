#include "draw.h"

#include <math.h>

struct colour {
    double channel[3];
};

/* An outline put somewhere on the canvas. */
struct figure {
    int32_t outline;
    double x, y, radius;   /* pixels */
    double turn_x, turn_y; /* unit vector: where the outline's x axis points */
    double mirror;         /* 1 or -1 */
    double aspect;
    struct colour colour;
};

struct canvas {
    double channel[3][PLANE];
};

/* ---- random parts ---------------------------------------------------------------------------------------------- */

static double between(struct sy_rng *rng, double low, double high) {
    return low + (high - low) * sy_rng_uniform(rng);
}

/* Channels uniform on [low, high]. */
static struct colour any_colour(struct sy_rng *rng, double low, double high) {
    struct colour colour;
    for (int32_t c = 0; c < 3; c++) {
        colour.channel[c] = between(rng, low, high);
    }
    return colour;
}

/* A uniform direction without cos and sin, whose last bits differ between machines: a point of the unit disc,
 * stretched to its rim. */
static void any_direction(double *x, double *y, struct sy_rng *rng) {
    double square;
    do {
        *x = between(rng, -1, 1);
        *y = between(rng, -1, 1);
        square = *x * *x + *y * *y;
    } while (square > 1 || square < 0.01);
    *x /= sqrt(square);
    *y /= sqrt(square);
}

/* Position and radius are the caller's. */
static struct figure any_figure(struct sy_rng *rng, int32_t outline, struct colour colour) {
    struct figure figure = {.outline = outline, .colour = colour};
    any_direction(&figure.turn_x, &figure.turn_y, rng);
    figure.mirror = sy_rng_below(rng, 2) ? 1 : -1;
    figure.aspect = between(rng, 0.5, 0.72);
    return figure;
}

/* ---- painting -------------------------------------------------------------------------------------------------- */

static void blend(struct canvas *canvas, int32_t pixel, double cover, const struct colour *colour) {
    for (int32_t c = 0; c < 3; c++) {
        double *value = &canvas->channel[c][pixel];
        *value += cover * (colour->channel[c] - *value);
    }
}

/* How much of a pixel lies inside an edge at this distance in pixels, negative inside. */
static double coverage(double distance) {
    return distance < -0.5 ? 1 : distance > 0.5 ? 0 : 0.5 - distance;
}

static int32_t on_canvas(double at) {
    return at < 0 ? 0 : at > SIDE ? SIDE : (int32_t)at;
}

static void paint_figure(struct canvas *canvas, const struct outlines *outlines, const struct figure *figure) {
    double reach = figure->radius * 1.35 + 1; /* corners of the bars lie up to 1.28 out */
    int32_t top = on_canvas(figure->y - reach), bottom = on_canvas(figure->y + reach + 1);
    int32_t left = on_canvas(figure->x - reach), right = on_canvas(figure->x + reach + 1);
    for (int32_t row = top; row < bottom; row++) {
        for (int32_t column = left; column < right; column++) {
            double x = (column + 0.5 - figure->x) / figure->radius, y = (row + 0.5 - figure->y) / figure->radius;
            double along = x * figure->turn_x + y * figure->turn_y;
            double across = (y * figure->turn_x - x * figure->turn_y) * figure->mirror;
            double distance = outline_distance(outlines, figure->outline, figure->aspect, along, across);
            blend(canvas, row * SIDE + column, coverage(distance * figure->radius), &figure->colour);
        }
    }
}

/* A straight line right across the canvas. */
static void paint_line(struct canvas *canvas, struct sy_rng *rng) {
    double normal_x, normal_y;
    any_direction(&normal_x, &normal_y, rng);
    double x = between(rng, 4, SIDE - 4), y = between(rng, 4, SIDE - 4), half = between(rng, 0.3, 0.8);
    struct colour colour = any_colour(rng, 10, 245);
    for (int32_t pixel = 0; pixel < PLANE; pixel++) {
        double off = (pixel % SIDE + 0.5 - x) * normal_x + (pixel / SIDE + 0.5 - y) * normal_y;
        blend(canvas, pixel, coverage(fabs(off) - half), &colour);
    }
}

/* From one colour to another, in a random direction. */
static void paint_background(struct canvas *canvas, const struct colour *from, const struct colour *to,
                             struct sy_rng *rng) {
    double x, y;
    any_direction(&x, &y, rng);
    for (int32_t pixel = 0; pixel < PLANE; pixel++) {
        double off = (pixel % SIDE + 0.5 - SIDE / 2.0) * x + (pixel / SIDE + 0.5 - SIDE / 2.0) * y;
        double share = off / SIDE * 0.7071 + 0.5;
        for (int32_t c = 0; c < 3; c++) {
            canvas->channel[c][pixel] = from->channel[c] + share * (to->channel[c] - from->channel[c]);
        }
    }
}

/* Small figures and lines, behind the shape. */
static void paint_clutter(struct canvas *canvas, const struct outlines *outlines, int32_t count, struct sy_rng *rng) {
    for (int32_t i = 0; i < count; i++) {
        if (sy_rng_below(rng, 3) == 0) {
            paint_line(canvas, rng);
            continue;
        }
        int32_t outline = (int32_t)sy_rng_below(rng, OUTLINES);
        struct figure figure = any_figure(rng, outline, any_colour(rng, 10, 200));
        figure.radius = between(rng, 1.5, 4);
        figure.x = between(rng, 0, SIDE);
        figure.y = between(rng, 0, SIDE);
        paint_figure(canvas, outlines, &figure);
    }
}

/* Adds noise and rounds. The noise is the sum of four random bytes, centred: near enough a normal, and exact. */
static void develop(uint8_t *out, const struct canvas *canvas, double noise, struct sy_rng *rng) {
    double scale = noise / sqrt(4 * (256.0 * 256.0 - 1) / 12);
    for (int32_t i = 0; i < PIXELS; i++) {
        uint32_t word = sy_rng_u32(rng);
        int32_t sum = (int32_t)((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24)) - 510;
        double value = canvas->channel[i / PLANE][i % PLANE] + scale * sum + 0.5;
        out[i] = value < 0 ? 0 : value >= 256 ? 255 : (uint8_t)value;
    }
}

void draw_image(uint8_t *out, const struct outlines *outlines, int32_t outline, const struct style *style,
                struct sy_rng *rng) {
    struct canvas canvas;
    struct colour from = any_colour(rng, 10, 120), to = any_colour(rng, 10, 120);
    paint_background(&canvas, &from, &to, rng);
    paint_clutter(&canvas, outlines, style->clutter, rng);

    /* The shape is mostly brighter than what lies behind it: with colours drawn alike, small networks take tens of
     * epochs to find out that edges matter. */
    struct figure figure = any_figure(rng, outline, any_colour(rng, 100, 250));
    figure.radius = between(rng, 4.5, 9);
    figure.x = SIDE / 2.0 + between(rng, -1, 1) * (SIDE / 2.0 - figure.radius);
    figure.y = SIDE / 2.0 + between(rng, -1, 1) * (SIDE / 2.0 - figure.radius);
    paint_figure(&canvas, outlines, &figure);
    if (style->clutter > 0 && sy_rng_below(rng, 2)) {
        paint_line(&canvas, rng);
    }
    develop(out, &canvas, style->noise, rng);
}
