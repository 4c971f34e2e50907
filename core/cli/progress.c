/* progress.c - see progress.h. */
#include "progress.h"

#include <string.h>
#include <unistd.h>

#include "board.h"
#include "jobs.h"

/* A line of text that grows. */
struct line {
    char text[1024];
    size_t used;
};

SY_PRINTF(2, 3)
static void add(struct line *line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int written = vsnprintf(line->text + line->used, sizeof line->text - line->used, format, args);
    va_end(args);
    if (written > 0) {
        line->used += (size_t)written;
        line->used = line->used < sizeof line->text ? line->used : sizeof line->text - 1;
    }
}

static void clear(struct sy_display *display) {
    if (display->live) {
        fputs("\r\033[K", display->out);
        display->live = false;
    }
}

static void show(struct sy_display *display, const struct line *line, bool live) {
    clear(display);
    if (display->wire) {
        if (live) {
            fprintf(display->out, "%cS%.6f %s\n", SY_WIRE, display->share, line->text);
        } else {
            fprintf(display->out, "%cL%s\n", SY_WIRE, line->text);
        }
    } else if (live) {
        fprintf(display->out, "%.*s", sy_terminal_width(display->out) - 1, line->text);
        display->live = true;
    } else {
        fprintf(display->out, "%s\n", line->text);
    }
    fflush(display->out);
}

static void add_duration(struct line *line, double seconds) {
    char text[32];
    add(line, "%s", sy_duration_text(text, sizeof text, seconds));
}

static void add_share(struct line *line, const struct sy_cohort *cohort, const struct sy_totals *totals) {
    int64_t expert = 0, gates = 0;
    for (int32_t g = 0; g < cohort->experiment->n_gates; g++) {
        if (!cohort->experiment->gates[g].watch_only) {
            expert += totals->gates[g].expert;
            gates++;
        }
    }
    if (gates && totals->steps) {
        add(line, "  expert %.0f%%", 100.0 * (double)expert / (double)(gates * totals->steps));
    }
}

/* Means of the epoch so far: training loss and accuracy of every node. */
static void add_nodes(struct line *line, const struct sy_cohort *cohort, const struct sy_totals *totals) {
    for (int32_t i = 0; i < cohort->experiment->n_nodes && totals->samples; i++) {
        const struct sy_node_totals *node = &totals->nodes[i];
        if (!cohort->experiment->nodes[i].has_logits) {
            continue;
        }
        add(line, "  %s %.3f %.1f%%", cohort->experiment->nodes[i].name, node->loss / (double)totals->samples,
            100.0 * (double)node->correct / (double)totals->samples);
    }
}

static void on_step(void *context, const struct sy_cohort *cohort, const struct sy_totals *totals,
                    const struct sy_moment *now, double seconds) {
    struct sy_display *display = context;
    const struct sy_experiment *experiment = cohort->experiment;
    const double live_pause = 0.1, plain_pause = 30;
    if (display->first_step < 0) {
        display->first_step = now->step;
    }
    if (display->quiet || seconds - display->shown < (display->terminal ? live_pause : plain_pause)) {
        return;
    }
    int64_t done = now->step - display->first_step + 1, all = sy_experiment_steps(experiment);
    all = display->steps > 0 && display->steps < all ? display->steps : all;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    struct line line = {.used = 0};
    add(&line, "%sepoch %lld/%lld  step %lld/%lld", display->title, (long long)now->epoch + 1,
        (long long)experiment->train.epochs, (long long)now->batch + 1,
        (long long)sy_experiment_steps_per_epoch(experiment));
    add_nodes(&line, cohort, totals);
    add_share(&line, cohort, totals);
    add(&line, "  %.0f images/s  left ", rate * experiment->data.batch);
    add_duration(&line, rate > 0 ? (double)(all - now->step - 1) / rate : 0);
    double part = (double)(now->step + 1) / (double)all;
    display->share = display->stages ? ((double)display->stage + part) / (double)display->stages : part;
    show(display, &line, display->terminal);
    display->shown = seconds;
}

static void on_epoch(void *context, const struct sy_cohort *cohort, const struct sy_totals *totals,
                     const struct sy_moment *now, double seconds) {
    struct sy_display *display = context;
    const struct sy_experiment *experiment = cohort->experiment;
    struct line line = {.used = 0};
    if (display->quiet) {
        return;
    }
    add(&line, "%sepoch %lld/%lld", display->title, (long long)now->epoch + 1, (long long)experiment->train.epochs);
    for (int32_t i = 0; i < experiment->n_nodes && totals->samples; i++) {
        const struct sy_node_totals *node = &totals->nodes[i];
        if (!experiment->nodes[i].has_logits) {
            continue;
        }
        add(&line, "  %s loss %.3f train %.1f%%", experiment->nodes[i].name, node->loss / (double)totals->samples,
            100.0 * (double)node->correct / (double)totals->samples);
        if (node->val.samples) {
            add(&line, " val %.2f%%", 100.0 * sy_score_accuracy(&node->val));
        }
        if (node->test.samples) {
            add(&line, " test %.2f%%", 100.0 * sy_score_accuracy(&node->test));
        }
    }
    add_share(&line, cohort, totals);
    add(&line, "  ");
    add_duration(&line, seconds);
    show(display, &line, false);
    display->shown = seconds;
}

static void on_note(void *context, const char *text) {
    struct sy_display *display = context;
    struct line line = {.used = 0};
    add(&line, "%s%s", display->title, text);
    show(display, &line, false);
}

static void on_stage(void *context, size_t index, size_t count, const char *name) {
    struct sy_display *display = context;
    struct line line = {.used = 0};
    display->first_step = -1;
    display->shown = 0;
    display->stage = index;
    display->stages = count;
    add(&line, "%sstage %zu of %zu: %s", display->title, index + 1, count, name);
    if (!display->quiet) {
        show(display, &line, false);
    }
}

static void on_log(void *context, int32_t level, const char *text) {
    (void)level;
    on_note(context, text);
}

void sy_display_init(struct sy_display *display, FILE *out, bool quiet, const char *title) {
    *display = (struct sy_display){.out = out, .quiet = quiet, .title = title, .first_step = -1};
    display->terminal = isatty(fileno(out)) == 1;
    display->progress = (struct sy_progress){display, on_step, on_epoch, on_note, on_stage};
    sy_log_sink(on_log, display);
}

void sy_display_wire(struct sy_display *display, FILE *out) {
    sy_display_init(display, out, false, "");
    display->wire = true;
    display->terminal = true; /* live lines, often */
}

void sy_display_finish(struct sy_display *display) {
    clear(display);
    fflush(display->out);
    sy_log_sink(NULL, NULL);
}
