/* figure_script.c - see figure_script.h. */
#include "figure_script.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "../config/fields.h"
#include "read.h"

/* Okabe and Ito's colours, those first that stand out on white; a dash each, for printers without colour. */
static const char style[] = "set encoding utf8\n"
                            "set style line 1 lc rgb '#0072B2' lw 1.4 dt 1 pt 7 ps 0.5\n"
                            "set style line 2 lc rgb '#D55E00' lw 1.4 dt (8,3) pt 5 ps 0.5\n"
                            "set style line 3 lc rgb '#009E73' lw 1.4 dt (8,2,2,2) pt 9 ps 0.6\n"
                            "set style line 4 lc rgb '#CC79A7' lw 1.4 dt (3,2) pt 11 ps 0.6\n"
                            "set style line 5 lc rgb '#E69F00' lw 1.4 dt 1 pt 13 ps 0.6\n"
                            "set style line 6 lc rgb '#56B4E9' lw 1.4 dt (8,3) pt 4 ps 0.5\n"
                            "set style line 7 lc rgb '#000000' lw 1.4 dt (8,2,2,2) pt 6 ps 0.5\n"
                            "set style line 8 lc rgb '#8C7A00' lw 1.4 dt (3,2) pt 8 ps 0.6\n"
                            "set style fill transparent solid 0.18 noborder\n"
                            "set border 3 lw 0.6 lc rgb '#444444'\n"
                            "set tics nomirror out scale 0.5\n"
                            "set grid ytics lw 0.3 dt 1 lc rgb '#DDDDDD'\n"
                            "set datafile missing 'NaN'\n"
                            "set key Left reverse samplen 2.2 spacing 1.0 width -1\n";

static FILE *open_beside(const struct sy_figures *figures, const char *name, const char *ending) {
    const char *path = sy_report_printf(figures->report, "%s/%s%s", figures->folder, name, ending);
    /* A new file, not what a link of that name leads to: the folder may be anybody's. */
    return path && (unlink(path) == 0 || errno == ENOENT) ? fopen(path, "wxe") : NULL;
}

bool sy_sketch_begin(struct sy_sketch *sketch, struct sy_figures *figures, const char *name, double height) {
    *sketch = (struct sy_sketch){.figures = figures};
    if (figures->count == SY_MOST_FIGURES) {
        figures->left_out++;
        return false;
    }
    sketch->name = sy_arena_text(figures->report->arena, name);
    sketch->script = sketch->name ? open_beside(figures, name, ".gp") : NULL;
    sketch->data = sketch->script ? open_beside(figures, name, ".dat") : NULL;
    if (!sketch->data) {
        sketch->failed = true;
        sketch->why = errno;
        return true;
    }
    fprintf(sketch->script,
            "# %s.gp, from %s.dat: change it as you like and draw again with `gnuplot %s.gp` in this folder.\nreset\n"
            "if (!exists(\"kinds\")) kinds = 'svg pdf'\nheight = %g # inches; the width is a column's, 3.3\n%s",
            name, name, name, height, style);
    return true;
}

void sy_sketch_plot(struct sy_sketch *sketch) {
    if (sketch->script) {
        fprintf(sketch->script,
                "do for [kind in kinds] {\n"
                "  if (kind eq 'svg') {\n"
                "    set terminal svg noenhanced size 238,72*height font 'Arial,7.5' lw 0.7 background rgb 'white'\n"
                "  } else {\n"
                "    set terminal pdfcairo noenhanced size 3.3in,height font 'Arial,7.5' fontscale 1 lw 0.7\n"
                "  }\n"
                "  set output '%s.'.kind\n",
                sketch->name);
    }
}

int sy_sketch_end(struct sy_sketch *sketch, const char *caption, struct sy_error *err) {
    struct sy_figures *figures = sketch->figures;
    int why = sketch->failed ? sketch->why : errno;
    bool sound = sketch->script && sketch->data && caption;
    if (sketch->script) {
        fprintf(sketch->script, "  unset output\n}\n");
        sound = !ferror(sketch->script) && sound;
        sound = fclose(sketch->script) == 0 && sound;
    }
    if (sketch->data) {
        sound = !ferror(sketch->data) && sound;
        sound = fclose(sketch->data) == 0 && sound;
    }
    if (!sound) {
        return sy_fail(err, SY_EIO, "%s/%s.gp: cannot be written: %s", figures->folder,
                       sketch->name ? sketch->name : "figure", strerror(why));
    }
    figures->at[figures->count++] =
        (struct sy_figure){(char *)(uintptr_t)sketch->name, (char *)(uintptr_t)caption, false};
    return SY_OK;
}

void sy_sketch_text(FILE *out, const char *text) {
    fputc('\'', out);
    for (; *text; text++) {
        unsigned char letter = (unsigned char)*text;
        fputs(letter == '\'' ? "'" : "", out);
        fputc(letter < 32 || letter == 127 ? ' ' : letter, out);
    }
    fputc('\'', out);
}

void sy_sketch_number(FILE *out, double value) {
    if (isfinite(value)) {
        fprintf(out, " %.8g", value);
    } else {
        fputs(" NaN", out);
    }
}

void sy_sketch_axes(struct sy_sketch *sketch, const char *x, const char *y) {
    if (sketch->script) {
        fputs("set xlabel ", sketch->script);
        sy_sketch_text(sketch->script, x);
        fputs(" offset 0,0.3\nset ylabel ", sketch->script);
        sy_sketch_text(sketch->script, y);
        fputs(" offset 0.8,0\n", sketch->script);
    }
}

void sy_sketch_percent(struct sy_sketch *sketch) {
    if (sketch->script) {
        fputs("set yrange [0<*:*<100]\n", sketch->script);
    }
}

void sy_sketch_tics(struct sy_sketch *sketch, double low, double high) {
    static const double round[] = {1, 2, 5, 10};
    double range = high - low;
    if (!sketch->script || !(range > 0) || !isfinite(range)) {
        return;
    }
    double power = pow(10, floor(log10(range / 5)));
    size_t i = 0;
    while (i < 3 && round[i] * power < range / 5) {
        i++;
    }
    fprintf(sketch->script, "set xtics %.6g\nset format x '%%g'\n", round[i] * power);
}

void sy_sketch_key(struct sy_sketch *sketch, const char *corner, int32_t entries) {
    if (sketch->script) {
        fprintf(sketch->script, "set key %s\n", entries <= 4 ? corner : "outside top center horizontal maxcols 4");
    }
}

int sy_sketch_style(int32_t variant) {
    return (int)(variant % SY_MOST_SHOWN) + 1;
}
