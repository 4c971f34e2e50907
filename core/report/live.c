/* live.c - see live.h. */
#include "live.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "../record/run_folder.h"
#include "page.h"

struct sy_live {
    char *folder, *baseline;
    char figures[256]; /* the temporary folder */
    double seconds, made;
    uint64_t seen; /* what the folder looked like then */
    char *page, *body;
    size_t page_size, body_size;
    char tag[32];
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- whether something changed ---------------------------------------------------------------------------------- */

static uint64_t look_at(uint64_t seen, const char *folder, const char *name) {
    char path[4200];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int64_t facts[4] = {0};
    if (stat(path, &about) == 0) {
        facts[0] = about.st_size;
        facts[1] = about.st_mtim.tv_sec;
        facts[2] = about.st_mtim.tv_nsec;
        facts[3] = (int64_t)about.st_ino;
    }
    return XXH3_64bits_withSeed(facts, sizeof facts, seen);
}

/* The files that a report reads, in a folder and `depth` levels below it. */
static uint64_t look_below(uint64_t seen, const char *folder, int depth) {
    static const char *const names[] = {"suite.json",  "run.cfg",          "epochs.jsonl",
                                        "result.json", "predictions.json", "failure.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        seen = look_at(seen, folder, names[i]);
    }
    DIR *inside = depth > 0 ? opendir(folder) : NULL;
    const struct dirent *entry;
    while (inside && (entry = readdir(inside))) {
        char path[4096];
        if (entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)) {
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            seen = look_below(seen, path, depth - 1);
        }
    }
    if (inside) {
        closedir(inside);
    }
    return seen;
}

/* ---- making it -------------------------------------------------------------------------------------------------- */

static int write_text(char **text, size_t *size, struct sy_report *report, const struct sy_figures *figures, bool whole,
                      struct sy_error *err) {
    FILE *stream = open_memstream(text, size);
    if (!stream) {
        return sy_fail(err, SY_ENOMEM, "no memory for the page");
    }
    int status = whole ? sy_page_write(stream, report, figures, true, err) : sy_page_body(stream, report, figures, err);
    if (fclose(stream) != 0 && status == SY_OK) {
        status = sy_fail(err, SY_ENOMEM, "no memory for the page");
    }
    return status;
}

static int make(struct sy_live *live, struct sy_error *err) {
    struct sy_report *report = NULL;
    struct sy_figures *figures = calloc(1, sizeof *figures);
    char *page = NULL, *body = NULL;
    size_t page_size = 0, body_size = 0;
    int status = figures ? sy_report_read(&report, live->folder, live->baseline, err)
                         : sy_fail(err, SY_ENOMEM, "no memory for the page");
    if (status == SY_OK) {
        status = sy_figures_make(figures, report, live->figures, "svg", err);
    }
    if (status == SY_OK) {
        status = write_text(&body, &body_size, report, figures, false, err);
    }
    if (status == SY_OK) {
        status = write_text(&page, &page_size, report, figures, true, err);
    }
    if (status == SY_OK) {
        free(live->page);
        free(live->body);
        live->page = page, live->page_size = page_size;
        live->body = body, live->body_size = body_size;
        page = body = NULL;
        snprintf(live->tag, sizeof live->tag, "\"%016llx\"", (unsigned long long)XXH3_64bits(live->body, body_size));
    }
    free(page);
    free(body);
    free(figures);
    sy_report_destroy(report);
    return status;
}

int sy_live_look(struct sy_live_page *out, struct sy_live *live, struct sy_error *err) {
    double age = now() - live->made;
    int status = SY_OK;
    if (!live->page || age >= live->seconds) {
        uint64_t seen = look_below(0, live->folder, 2);
        if (!live->page || seen != live->seen || age >= 20 * live->seconds) {
            status = make(live, err);
            live->seen = status == SY_OK ? seen : 0;
            live->made = now();
        }
    }
    *out = (struct sy_live_page){live->page, live->body, live->page_size, live->body_size, live->tag};
    return status;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void remove_figures(const char *folder) {
    DIR *inside = opendir(folder);
    const struct dirent *entry;
    while (inside && (entry = readdir(inside))) {
        unlinkat(dirfd(inside), entry->d_name, 0);
    }
    if (inside) {
        closedir(inside);
    }
    rmdir(folder);
}

int sy_live_create(struct sy_live **out, const char *folder, const char *baseline, double seconds,
                   struct sy_error *err) {
    struct sy_live *live = calloc(1, sizeof *live);
    struct sy_live_page page;
    *out = NULL;
    if (!live) {
        return sy_fail(err, SY_ENOMEM, "no memory for the page");
    }
    live->seconds = seconds;
    live->folder = strdup(folder);
    live->baseline = baseline ? strdup(baseline) : NULL;
    int room = snprintf(live->figures, sizeof live->figures, "%s/switchyard-watch-XXXXXX", sy_temporary_folder());
    int status = SY_OK;
    if (!live->folder || (baseline && !live->baseline)) {
        status = sy_fail(err, SY_ENOMEM, "no memory for the page");
    } else if (room >= (int)sizeof live->figures || !mkdtemp(live->figures)) {
        live->figures[0] = 0;
        status = sy_fail(err, SY_EIO, "no temporary folder can be made for figures; set TMPDIR to where one can");
    } else {
        status = sy_live_look(&page, live, err);
    }
    if (status != SY_OK) {
        sy_live_destroy(live);
        return status;
    }
    *out = live;
    return SY_OK;
}

void sy_live_destroy(struct sy_live *live) {
    if (live) {
        if (live->figures[0]) {
            remove_figures(live->figures);
        }
        free(live->page);
        free(live->body);
        free(live->folder);
        free(live->baseline);
        free(live);
    }
}
