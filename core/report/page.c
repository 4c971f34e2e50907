/* page.c - see page.h. */
#include "page.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../record/run_folder.h"
#include "inline_svg.h"
#include "input.h"
#include "page_style.h"
#include "read.h"
#include "sheet.h"

#define MOST_CONFIG  (256u << 10) /* bytes of a configuration that are shown */
#define MOST_CONFIGS 40
#define MOST_PICTURE (8u << 20)

/* A whole regular file of limited size, zero-terminated, to be freed; NULL where it cannot be had. `why` is empty where it
 * is not there at all. */
static char *read_limited(struct sy_report *report, const char *path, size_t most, struct sy_error *why) {
    *why = (struct sy_error){.size = sizeof *why};
    if (!path || !sy_is_there(path)) {
        return NULL;
    }
    int64_t size = 0;
    int fd = sy_open_regular(path, &size, why);
    if (fd >= 0 && size > (int64_t)most) {
        close(fd);
        sy_fail(why, SY_EINVAL, "%s: is larger than %zu KiB", path, most >> 10);
        return NULL;
    }
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (fd >= 0 && !file) {
        close(fd);
        report->no_memory = true;
    }
    char *text = file ? malloc((size_t)size + 1) : NULL;
    report->no_memory = report->no_memory || (file && !text);
    if (text) {
        text[fread(text, 1, (size_t)size, file)] = 0;
    }
    if (file) {
        fclose(file);
    }
    return text;
}

static void write_remark(void *context, const char *text) {
    fputs("<p class=\"remark\">", context);
    sy_write_escaped(context, text, SY_SHEET_HTML);
    fputs("</p>\n", context);
}

static void write_head(FILE *out, const struct sy_report *report) {
    int32_t all = report->n_variants * report->n_seeds, finished = sy_report_count(report, SY_REPORT_FINISHED);
    fputs("<h1>", out);
    sy_write_escaped(out, report->title, SY_SHEET_HTML);
    fputs("</h1>\n<p class=\"about\">", out);
    if (report->single) {
        fprintf(out, "One run, %s", sy_report_state_name(report->variants[0].runs[0].state));
    } else {
        fprintf(out, "%d variant%s, %d seed%s, %d of %d runs finished", (int)report->n_variants,
                report->n_variants == 1 ? "" : "s", (int)report->n_seeds, report->n_seeds == 1 ? "" : "s",
                (int)finished, (int)all);
    }
    if (report->selection) {
        fputs("; selection ", out);
        sy_write_escaped(out, report->selection, SY_SHEET_HTML);
    }
    fputs(".</p>\n", out);
    sy_report_remarks(report, write_remark, out);
}

/* `head` stands above the first that there is. */
static void write_tables(FILE *out, const char *head, struct sy_report *report, enum sy_sheet_kind first,
                         enum sy_sheet_kind last) {
    for (int kind = (int)first; kind <= (int)last; kind++) {
        const struct sy_sheet *sheet = sy_sheet_of(report, (enum sy_sheet_kind)kind);
        if (sheet) {
            fputs(head, out);
            head = "";
            fputs(kind == SY_SHEET_SETTINGS ? "<div class=\"settings\">" : "", out);
            sy_sheet_write(out, sheet, SY_SHEET_HTML);
            fputs(kind == SY_SHEET_SETTINGS ? "</div>\n" : "", out);
        }
    }
}

static void write_figure(FILE *out, const struct sy_figures *figures, int32_t index) {
    const struct sy_figure *figure = &figures->at[index];
    char prefix[32];
    const char *path = sy_report_printf(figures->report, "%s/%s.svg", figures->folder, figure->name);
    struct sy_error why;
    char *svg = read_limited(figures->report, path, MOST_PICTURE, &why);
    snprintf(prefix, sizeof prefix, "f%d-", (int)index);
    fputs("<figure>", out);
    if (!svg || !sy_inline_svg(out, svg, prefix, figure->caption)) {
        write_remark(out, why.code ? why.text : "This figure is no picture that can stand in a page.");
    }
    fputs("<figcaption>", out);
    sy_write_escaped(out, figure->caption, SY_SHEET_HTML);
    fputs("</figcaption></figure>\n", out);
    free(svg);
}

static void write_figures(FILE *out, const struct sy_figures *figures) {
    int32_t drawn = 0;
    for (int32_t i = 0; i < figures->count; i++) {
        drawn += figures->at[i].drawn;
    }
    if (!drawn) {
        return;
    }
    fputs("<h2>Figures</h2>\n<div class=\"figures\">\n", out);
    for (int32_t i = 0; i < figures->count; i++) {
        if (figures->at[i].drawn) {
            write_figure(out, figures, i);
        }
    }
    fputs("</div>\n", out);
}

/* run.cfg of each variant's first run that has one; the others of a variant differ in their seed. */
static void write_configs(FILE *out, struct sy_report *report) {
    bool any = false;
    char remark[SY_ERROR_ROOM + 16];
    for (int32_t v = 0; v < report->n_variants && v < MOST_CONFIGS; v++) {
        char *text = NULL;
        struct sy_error why = {.code = SY_OK};
        for (int32_t s = 0; s < report->n_seeds && !text; s++) {
            const char *path = sy_report_printf(report, "%s/run.cfg", report->variants[v].runs[s].folder);
            text = read_limited(report, path, MOST_CONFIG, &why);
        }
        if (!text && !why.code) {
            continue;
        }
        fputs(any ? "" : "<h2>Configurations</h2>\n", out);
        any = true;
        if (!text) {
            snprintf(remark, sizeof remark, "%s; skipped", why.text);
            write_remark(out, remark);
            continue;
        }
        fputs("<details><summary>", out);
        sy_write_escaped(out, report->variants[v].name, SY_SHEET_HTML);
        fputs("</summary>\n<pre>", out);
        for (char *line = text, *next; line; line = next) {
            next = strchr(line, '\n');
            if (next) {
                *next++ = 0;
            }
            sy_write_escaped(out, line, SY_SHEET_HTML);
            fputs(next ? "\n" : "", out);
        }
        fputs("</pre></details>\n", out);
        free(text);
    }
}

static void write_notes(FILE *out, const struct sy_report *report) {
    if (!report->n_notes) {
        return;
    }
    fputs("<h2>Left out</h2>\n<ul class=\"notes\">\n", out);
    for (int32_t i = 0; i < report->n_notes; i++) {
        fputs("<li>", out);
        sy_write_escaped(out, report->notes[i], SY_SHEET_HTML);
        fputs("</li>\n", out);
    }
    if (report->more_notes) {
        fprintf(out, "<li>and %d more</li>\n", (int)report->more_notes);
    }
    fputs("</ul>\n", out);
}

int sy_page_body(FILE *out, struct sy_report *report, const struct sy_figures *figures, struct sy_error *err) {
    write_head(out, report);
    write_tables(out, "", report, SY_SHEET_RUNS, SY_SHEET_RUNS);
    write_tables(out, "<h2>Results</h2>\n", report, SY_SHEET_RESULTS, SY_SHEET_DIFFERENCES);
    write_figures(out, figures);
    write_tables(out, "<h2>Cost</h2>\n", report, SY_SHEET_COST, SY_SHEET_WORK);
    write_tables(out, "<h2>Settings</h2>\n", report, SY_SHEET_SETTINGS, SY_SHEET_SETTINGS);
    write_configs(out, report);
    write_notes(out, report);
    return ferror(out) ? sy_fail(err, SY_EIO, "the page cannot be written") : sy_report_memory(report, err);
}

int sy_page_write(FILE *out, struct sy_report *report, const struct sy_figures *figures, bool live,
                  struct sy_error *err) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>",
          out);
    sy_write_escaped(out, report->title, SY_SHEET_HTML);
    fprintf(out, " - Switchyard</title>\n<style>\n%s</style>\n%s</head>\n<body>\n<main>\n", sy_page_style,
            live ? "<script src=\"watch.js\" defer></script>\n" : "");
    int status = sy_page_body(out, report, figures, err);
    fprintf(out, "</main>\n%s</body>\n</html>\n",
            live ? "<footer class=\"about\" id=\"live\" role=\"status\">live</footer>\n" : "");
    return status == SY_OK && ferror(out) ? sy_fail(err, SY_EIO, "the page cannot be written") : status;
}

static int write_file(const char *path, struct sy_report *report, const struct sy_figures *figures,
                      struct sy_error *err) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) {
        return sy_fail(err, SY_ENOMEM, "no memory for the page");
    }
    int status = sy_page_write(stream, report, figures, false, err);
    if (fclose(stream) != 0 && status == SY_OK) {
        status = sy_fail(err, SY_ENOMEM, "no memory for the page");
    }
    status = status == SY_OK ? sy_write_file(path, text, size, err) : status;
    free(text);
    return status;
}

int sy_page_file(const char *path, struct sy_report *report, struct sy_error *err) {
    struct sy_figures *figures = calloc(1, sizeof *figures);
    const char *folder = sy_report_printf(report, "%s/figures", report->folder);
    int status = figures && folder ? sy_figures_make(figures, report, folder, "svg pdf", err)
                                   : sy_fail(err, SY_ENOMEM, "no memory for the page");
    status = status == SY_OK ? write_file(path, report, figures, err) : status;
    free(figures);
    return status;
}

int sy_report_page(char *path, size_t room, const char *folder, const char *baseline, struct sy_error *err) {
    struct sy_report *report = NULL;
    int status = sy_report_read(&report, folder, baseline, err);
    if (status == SY_OK) {
        snprintf(path, room, "%s/report.html", report->folder);
        status = sy_page_file(path, report, err);
    }
    sy_report_destroy(report);
    return status;
}
