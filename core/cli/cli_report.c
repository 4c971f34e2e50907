/* cli_report.c - `switchyard report`: tables, figures and pages from what runs left on disk. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../config/problems.h"
#include "../record/run_folder.h"
#include "../report/figures.h"
#include "../report/page.h"
#include "../report/write.h"
#include "cli.h"

struct arguments {
    const char *folder, *out, *baseline;
    int form;
    bool figures;
};

static const char *const forms[] = {"text", "md", "latex", "csv", "json", "html"};
#define FORMS (sizeof forms / sizeof *forms)
#define HTML  5

static void usage(FILE *out) {
    fputs(
        "usage: switchyard report DIR [options]\n\n"
        "Reads the folder of a suite (runs/SUITE) or of one run, finished or not, and prints its tables: accuracy of\n"
        "each node over the seeds, paired differences against a baseline with their tests, cost, what differs in the\n"
        "configurations. Files that are damaged or foreign are named and skipped.\n\n"
        "  --format FORM    text (default), md, latex (needs booktabs), csv, json, or html: one file that\n"
        "                   needs no network, with the figures; to DIR/report.html where --out names no other\n"
        "  --out FILE       write there instead of to the terminal\n"
        "  --baseline NAME  the variant that others are compared with (default: the suite's)\n"
        "  --help           this text\n",
        out);
}

static bool set_form(struct arguments *arguments, const char *name) {
    for (size_t i = 0; i < FORMS; i++) {
        if (!strcmp(name, forms[i])) {
            arguments->form = (int)i;
            return true;
        }
    }
    const char *near = sy_nearest_name(name, forms, FORMS);
    fprintf(stderr, "switchyard report: --format %s: text, md, latex, csv, json and html are known%s%s%s\n", name,
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return false;
}

static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'},   {"out", required_argument, NULL, 'o'},
        {"baseline", required_argument, NULL, 'b'}, {"figures", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        } else if (option == 'o') {
            arguments->out = optarg;
        } else if (option == 'b') {
            arguments->baseline = optarg;
        } else if (option == 'p') {
            arguments->figures = true;
        } else if (option == 'f') {
            if (!set_form(arguments, optarg)) {
                return SY_EXIT_BAD_INPUT;
            }
        } else {
            fprintf(stderr, "`switchyard report --help` lists the options\n");
            return SY_EXIT_BAD_INPUT;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "switchyard report: give one folder: a suite's (runs/NAME) or a run's\n");
        return SY_EXIT_BAD_INPUT;
    }
    arguments->folder = argv[optind];
    return -1;
}

static int write_page(const struct arguments *arguments, struct sy_report *report, struct sy_error *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/report.html", report->folder);
    int status = sy_page_file(arguments->out ? arguments->out : path, report, err);
    if (status == SY_OK) {
        printf("%s\n", arguments->out ? arguments->out : path);
    }
    return status;
}

/* Into --out, whole or not at all, or onto the terminal. */
static int write_report(const struct arguments *arguments, struct sy_report *report, struct sy_error *err) {
    enum sy_report_form form = (enum sy_report_form)arguments->form;
    char *text = NULL;
    size_t size = 0;
    if (!arguments->out) {
        return sy_report_write(stdout, report, form, err);
    }
    FILE *stream = open_memstream(&text, &size);
    if (!stream) {
        return sy_fail(err, SY_ENOMEM, "no memory for the report");
    }
    int status = sy_report_write(stream, report, form, err);
    if (fclose(stream) != 0 && status == SY_OK) {
        status = sy_fail(err, SY_ENOMEM, "no memory for the report");
    }
    if (status == SY_OK) {
        status = sy_write_file(arguments->out, text, size, err);
    }
    free(text);
    return status;
}

static int draw_figures(const struct arguments *arguments, struct sy_report *report, struct sy_error *err) {
    char folder[4096];
    struct sy_figures figures;
    snprintf(folder, sizeof folder, "%s/figures", arguments->folder);
    int status = sy_figures_make(&figures, report, folder, "svg pdf", err);
    if (status == SY_OK) {
        fprintf(stderr, "%d figures, their scripts and data are in %s\n", (int)figures.count, folder);
    }
    return status;
}

int sy_cli_report(int argc, char **argv) {
    struct arguments arguments = {0};
    struct sy_error err = {.size = sizeof err};
    struct sy_report *report = NULL;
    int code = parse(&arguments, argc, argv);
    if (code >= 0) {
        return code;
    }
    int status = sy_report_read(&report, arguments.folder, arguments.baseline, &err);
    if (status == SY_OK && arguments.figures && arguments.form != HTML) {
        status = draw_figures(&arguments, report, &err);
    }
    if (status == SY_OK) {
        status = (arguments.form == HTML ? write_page : write_report)(&arguments, report, &err);
    }
    sy_report_destroy(report);
    if (status != SY_OK) {
        fprintf(stderr, "switchyard report: %s\n", err.text);
    }
    return status == SY_OK ? SY_EXIT_OK : status == SY_EINVAL ? SY_EXIT_BAD_INPUT : SY_EXIT_FAILED;
}
