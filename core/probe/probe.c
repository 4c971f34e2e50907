/* probe.c - see probe.h. */
#include "probe.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <switchyard/backend.h>
#include <switchyard/dataset.h>
#include <switchyard/loss.h>
#include <switchyard/network.h>
#include <switchyard/policy.h>
#include <switchyard/topology.h>

#include "../bench/child.h"
#include "../record/run_folder.h"
#include "exam.h"

/* What an examination may take of memory, so that a plugin that wants all of it is found out. */
#define MEMORY_LIMIT ((rlim_t)8 << 30)

static const struct examiner {
    const char *kind;
    void (*examine)(struct sy_exam *exam);
} examiners[] = {
    {SY_LOSS, sy_exam_loss},       {SY_POLICY, sy_exam_policy},     {SY_NETWORK, sy_exam_network},
    {SY_DATASET, sy_exam_dataset}, {SY_TOPOLOGY, sy_exam_topology}, {SY_BACKEND, sy_exam_backend},
};

struct order {
    const char *path;
    const struct sy_setting *config;
    int64_t limit;
    char folder[1024]; /* for files of examples */
};

/* The first group anywhere that names the plugin; NULL: none does. */
static const struct sy_setting *find_settings(const struct sy_setting *group, const char *name) {
    const struct sy_setting *found = NULL;
    for (size_t i = 0; group && i < group->n_children && !found; i++) {
        const struct sy_setting *child = group->children[i];
        if (child->kind == SY_SETTING_STRING && !strcmp(child->name ? child->name : "", "plugin") &&
            !strcmp(child->string, name)) {
            return group;
        }
        found = child->kind == SY_SETTING_GROUP || child->kind == SY_SETTING_LIST ? find_settings(child, name) : NULL;
    }
    return found;
}

static void examine_one(struct sy_exam *exam, const struct order *order) {
    const struct sy_plugin *plugin = &exam->found->plugin;
    printf("\n%s %s\n", plugin->kind, plugin->name);
    struct sy_setting *example = NULL;
    exam->settings = find_settings(order->config, plugin->name);
    sy_exam_descriptor(exam);
    if (!exam->settings) {
        exam->settings = example = sy_exam_example(exam, order->folder);
    }
    for (size_t i = 0; i < sizeof examiners / sizeof *examiners; i++) {
        if (!strcmp(examiners[i].kind, plugin->kind)) {
            examiners[i].examine(exam);
        }
    }
    exam->settings = NULL;
    sy_setting_destroy(example);
}

/* The plugins that the file at `path` has, by the registry's listing. */
static void examine_file(struct sy_exam *exam, const struct order *order) {
    const struct sy_candidate *candidates;
    sy_exam_file(exam, order->path);
    if (!sy_registry_declare(exam->registry, order->path, NULL, exam->problems)) {
        sy_exam_fail(exam, "loads", "%s", sy_problems_text(exam->problems, 0));
        return;
    }
    sy_exam_pass(exam, "loads", "%s", "");
    struct {
        char kind[32], name[64];
    } plugins[64];
    size_t n = 0, count = sy_registry_candidates(exam->registry, NULL, false, &candidates);
    for (size_t i = 0; i < count && n < 64; i++) { /* the listing does not outlive a search */
        if (!strcmp(candidates[i].file, order->path)) {
            snprintf(plugins[n].kind, sizeof plugins[n].kind, "%s", candidates[i].kind);
            snprintf(plugins[n].name, sizeof plugins[n].name, "%s", candidates[i].name);
            n++;
        }
    }
    for (size_t i = 0; i < n; i++) {
        exam->found = sy_registry_find(exam->registry, plugins[i].kind, plugins[i].name, NULL, exam->problems);
        if (exam->found) {
            examine_one(exam, order);
        }
    }
}

/* In the child. A sanitizer reserves more than any limit. */
static void limit_memory(void) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct rlimit limit = {MEMORY_LIMIT, MEMORY_LIMIT};
    setrlimit(RLIMIT_AS, &limit);
#endif
}

static bool examine(void *context, void *shared, char command) {
    const struct order *order = context;
    if (command == SY_CHILD_END) {
        return true;
    }
    limit_memory();
    sy_calls_guard();
    sy_calls_watch(order->limit);
    struct sy_exam exam = {.verdicts = shared,
                           .registry = sy_registry_create(NULL),
                           .arena = sy_arena_create(),
                           .problems = sy_problems_create()};
    if (exam.registry && exam.arena && exam.problems) {
        examine_file(&exam, order);
    }
    sy_problems_destroy(exam.problems);
    sy_registry_destroy(exam.registry);
    sy_arena_destroy(exam.arena);
    fflush(stdout);
    return true;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    remove(path);
    return 0;
}

int sy_probe(struct sy_probe_result *out, const char *path, const struct sy_setting *config, int64_t limit,
             struct sy_error *err) {
    struct order order = {.path = path, .config = config, .limit = limit};
    struct sy_child child;
    struct sy_error death = {.size = sizeof death};
    fflush(stdout);
    *out = (struct sy_probe_result){0, 0, 0};
    snprintf(order.folder, sizeof order.folder, "%.900s/switchyard-probe-XXXXXX", sy_temporary_folder());
    if (!mkdtemp(order.folder)) {
        return sy_fail(err, SY_EIO, "%s: %s", order.folder, strerror(errno));
    }
    int status = sy_child_start(&child, sizeof(struct sy_verdicts), examine, &order, err);
    if (status != SY_OK) {
        rmdir(order.folder);
        return status;
    }
    const struct sy_verdicts *verdicts = child.shared;
    if (sy_child_ask(&child, 'e', &death) < 0) {
        printf("  %-7s %-38s %s\n", "FAIL", "to the end", death.text);
        out->failed++;
    }
    out->passed += verdicts->passed;
    out->failed += verdicts->failed;
    out->skipped += verdicts->skipped;
    sy_child_finish(&child);
    nftw(order.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* whatever became of the child */
    return SY_OK;
}
