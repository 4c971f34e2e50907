/* settings.c - in which settings the configurations of the variants differ. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../config/fields.h"
#include "input.h"
#include "read.h"
#include "sheets.h"

#define MOST_SETTINGS 5000 /* of one configuration */
#define LONGEST       120  /* letters of a value that are shown */

/* One value of a configuration. */
struct leaf {
    const char *path, *value;
};

struct leaves {
    struct leaf *at;
    int32_t count;
};

/* A value in one line, as a config has it. */
static const char *value_text(struct sy_report *report, const struct sy_setting *setting) {
    char text[LONGEST + 8] = "";
    switch (setting->kind) {
    case SY_SETTING_INT:
        return sy_report_printf(report, "%lld", (long long)setting->integer);
    case SY_SETTING_FLOAT:
        return sy_report_printf(report, "%.10g", setting->number);
    case SY_SETTING_BOOL:
        return setting->integer ? "true" : "false";
    case SY_SETTING_STRING:
        return sy_report_printf(report, "%.*s", LONGEST, setting->string);
    case SY_SETTING_LIST:
        for (size_t i = 0; i < setting->n_children && strlen(text) < LONGEST; i++) {
            const char *one = value_text(report, setting->children[i]);
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "", one ? one : "");
        }
        return sy_report_printf(report, "[%s]", text);
    default:
        return "{ }";
    }
}

static bool has_group(const struct sy_setting *list) {
    for (size_t i = 0; i < list->n_children; i++) {
        if (list->children[i]->kind == SY_SETTING_GROUP) {
            return true;
        }
    }
    return false;
}

/* All values below a setting; not the seed, in which runs of one variant differ. */
static void collect(struct sy_report *report, struct leaves *leaves, const struct sy_setting *setting) {
    char path[512];
    bool deeper = setting->kind == SY_SETTING_GROUP || (setting->kind == SY_SETTING_LIST && has_group(setting));
    for (size_t i = 0; deeper && i < setting->n_children; i++) {
        collect(report, leaves, setting->children[i]);
    }
    if (deeper || leaves->count == MOST_SETTINGS) {
        return;
    }
    sy_setting_path(setting, path, sizeof path);
    struct leaf leaf = {sy_arena_text(report->arena, path), value_text(report, setting)};
    if (leaf.path && leaf.value && strcmp(path, "seed") != 0) {
        leaves->at[leaves->count++] = leaf;
    }
}

static const char *find(const struct leaves *leaves, const char *path) {
    for (int32_t i = 0; i < leaves->count; i++) {
        if (!strcmp(leaves->at[i].path, path)) {
            return leaves->at[i].value;
        }
    }
    return NULL;
}

/* The configuration of the variant's first run that has one. */
static bool read_leaves(struct sy_report *report, struct leaves *leaves, int32_t variant) {
    leaves->at = sy_arena_take(report->arena, MOST_SETTINGS * sizeof *leaves->at);
    for (int32_t s = 0; leaves->at && s < report->n_seeds && !leaves->count; s++) {
        const struct sy_report_run *run = &report->variants[variant].runs[s];
        if (run->other_config) {
            continue;
        }
        const char *path = sy_report_printf(report, "%s/run.cfg", run->folder);
        struct sy_error ignored = {.size = sizeof ignored};
        int fd = path ? sy_open_regular(path, NULL, &ignored) : -1;
        if (fd < 0) {
            continue;
        }
        close(fd);
        struct sy_problems *problems = sy_problems_create();
        struct sy_setting *config = problems ? sy_setting_read(path, problems) : NULL;
        report->no_memory = report->no_memory || !problems || (!config && sy_problems_no_memory(problems));
        if (config) {
            collect(report, leaves, config);
        } else if (problems) {
            sy_report_note(report, "%s; skipped", sy_problems_count(problems) ? sy_problems_text(problems, 0) : path);
        }
        sy_setting_destroy(config);
        sy_problems_destroy(problems);
    }
    return leaves->at != NULL;
}

static bool differs(const struct leaves *all, int32_t count, const char *path) {
    int32_t known = 0; /* the first that has a configuration */
    while (known < count - 1 && !all[known].count) {
        known++;
    }
    const char *first = find(&all[known], path);
    for (int32_t v = known + 1; v < count; v++) {
        const char *value = find(&all[v], path);
        if (all[v].count && (!first != !value || (first && strcmp(first, value) != 0))) {
            return true;
        }
    }
    return false;
}

static bool has_row(const struct sy_sheet *sheet, const char *path) {
    for (int32_t r = 0; r < sheet->rows; r++) {
        if (!strcmp(sheet->cells[r * sheet->columns].text, path)) {
            return true;
        }
    }
    return false;
}

struct sy_sheet *sy_sheet_settings(struct sy_report *report) {
    enum { MOST_ROWS = 200 };
    int32_t count = report->n_variants;
    struct leaves *all = count > 1 ? sy_arena_take(report->arena, (size_t)count * sizeof *all) : NULL;
    struct sy_sheet *sheet =
        all ? sy_sheet_new(report, "Settings in which the variants differ", MOST_ROWS, 1 + count) : NULL;
    for (int32_t v = 0; sheet && v < count; v++) {
        sy_sheet_head(sheet, 1 + v, report->variants[v].name, true);
        sheet = read_leaves(report, &all[v], v) ? sheet : NULL;
    }
    if (!sheet) {
        return NULL;
    }
    sy_sheet_head(sheet, 0, "setting", true);
    for (int32_t v = 0; v < count; v++) {
        for (int32_t i = 0; i < all[v].count && sheet->rows < MOST_ROWS; i++) {
            const char *path = all[v].at[i].path;
            if (!differs(all, count, path) || has_row(sheet, path)) {
                continue;
            }
            struct sy_cell *row = sy_sheet_row(sheet);
            row[0].text = path;
            for (int32_t w = 0; w < count; w++) {
                const char *value = find(&all[w], path);
                row[1 + w].text = value ? value : "-";
            }
        }
    }
    return sheet;
}
