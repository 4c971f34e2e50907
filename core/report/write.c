/* write.c - see write.h. */
#include "write.h"

#include "sheet.h"

struct sink {
    FILE *out;
    enum sy_sheet_form form;
};

static void write_remark(void *context, const char *text) {
    const struct sink *sink = context;
    static const char *const before[] = {"", "> ", "% "};
    fputs(before[sink->form], sink->out);
    sy_write_escaped(sink->out, text, sink->form == SY_SHEET_LATEX ? SY_SHEET_TEXT : sink->form);
    fputs(sink->form == SY_SHEET_MARKDOWN ? "\n>\n" : "\n", sink->out);
}

static void write_sheets(FILE *out, struct sy_report *report, enum sy_sheet_form form) {
    struct sink sink = {out, form};
    if (form == SY_SHEET_MARKDOWN) {
        fputs("# ", out);
        sy_write_escaped(out, report->title, form);
        fputs("\n\n", out);
    } else if (form == SY_SHEET_LATEX) {
        fputs("% \\usepackage{booktabs}\n", out);
    }
    if (form != SY_SHEET_TEXT) {
        sy_report_remarks(report, write_remark, &sink);
    }
    for (int kind = 0; kind < SY_SHEETS; kind++) {
        const struct sy_sheet *sheet = sy_sheet_of(report, (enum sy_sheet_kind)kind);
        if (sheet) {
            fputs("\n", out);
            sy_sheet_write(out, sheet, form);
        }
    }
    if (form == SY_SHEET_TEXT) {
        fputs(report->n_variants > 1 ? "\n* the best of its column (and node)\n" : "\n", out);
        sy_report_remarks(report, write_remark, &sink);
    }
}

static void write_notes(FILE *out, const struct sy_report *report, enum sy_sheet_form form) {
    struct sink sink = {out, form};
    for (int32_t i = 0; i < report->n_notes; i++) {
        write_remark(&sink, report->notes[i]);
    }
    if (report->more_notes) {
        char text[64];
        snprintf(text, sizeof text, "and %d more that were skipped", (int)report->more_notes);
        write_remark(&sink, text);
    }
}

int sy_report_write(FILE *out, struct sy_report *report, enum sy_report_form form, struct sy_error *err) {
    static const enum sy_sheet_form forms[] = {SY_SHEET_TEXT, SY_SHEET_MARKDOWN, SY_SHEET_LATEX};
    bool sound = true;
    if (form == SY_REPORT_CSV) {
        sy_report_csv(out, report);
    } else if (form == SY_REPORT_JSON) {
        sound = sy_report_json(out, report);
    } else {
        write_sheets(out, report, forms[form]);
        write_notes(out, report, forms[form]);
    }
    if (!sound) {
        return sy_fail(err, SY_ENOMEM, "no memory for the report");
    }
    return fflush(out) != 0 || ferror(out) ? sy_fail(err, SY_EIO, "the report cannot be written")
                                           : sy_report_memory(report, err);
}

int sy_report_text(FILE *out, const char *folder, const char *baseline, struct sy_error *err) {
    struct sy_report *report;
    int status = sy_report_read(&report, folder, baseline, err);
    if (status == SY_OK) {
        status = sy_report_write(out, report, SY_REPORT_TEXT, err);
    }
    sy_report_destroy(report);
    return status;
}
