/* session.c - see session.h. */
#include "session.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../config/untrusted.h"

volatile sig_atomic_t sy_interrupted;

static void on_signal(int number) {
    if (sy_interrupted && number == SIGINT) {
        _exit(SY_EXIT_INTERRUPTED);
    }
    sy_interrupted = 1;
}

void sy_catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void sy_assign_all(struct sy_setting *config, const struct sy_assignments *assignments, struct sy_problems *problems) {
    for (int i = 0; i < assignments->count; i++) {
        sy_setting_assign(config, assignments->at[i], SY_LAYER_ARGUMENT, problems);
    }
}

/* The file's name without folder and ending. */
static void name_after_file(struct sy_setting *config, const char *path, struct sy_problems *problems) {
    if (sy_setting_find(config, "experiment")) {
        return;
    }
    const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path, *dot = strrchr(start, '.');
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)(dot && dot > start ? dot - start : (ptrdiff_t)strlen(start)), start);
    struct sy_setting *setting = sy_setting_add(config, SY_SETTING_STRING, "experiment");
    if (!setting || !sy_setting_set_string(setting, name)) {
        sy_problem(problems, NULL, "memory is used up");
    }
}

struct sy_setting *sy_load_config(const char *path, const struct sy_assignments *assignments,
                                  struct sy_problems *problems) {
    char inside[4096];
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        snprintf(inside, sizeof inside, "%s/run.cfg", path);
        path = inside;
    }
    if (access(path, F_OK) == 0 && !sy_untrusted_allows(path)) {
        sy_problem_in(problems, path, 0,
                      "is a link that leads out of its folder, and --untrusted lets it lead nowhere");
        return NULL;
    }
    struct sy_setting *config = sy_setting_read(path, problems);
    if (config) {
        name_after_file(config, path, problems);
        sy_assign_all(config, assignments, problems);
    }
    return config;
}

void sy_default_folder(char *out, size_t room, const char *experiment, const char *variant, int64_t seed) {
    snprintf(out, room, "runs/%s/%s/seed-%lld", experiment, variant, (long long)seed);
}

static void print_accuracy(FILE *out, const json_t *value) {
    if (json_is_number(value) && json_number_value(value) >= 0) {
        fprintf(out, "  %9.2f %%", 100.0 * json_number_value(value));
    } else {
        fprintf(out, "  %11s", "-");
    }
}

void sy_print_result(FILE *out, const char *folder) {
    char path[4096];
    const char *name;
    json_t *node;
    snprintf(path, sizeof path, "%s/result.json", folder);
    json_t *result = json_load_file(path, 0, NULL);
    if (!result) {
        return;
    }
    const char *selection = json_string_value(json_object_get(result, "selection"));
    fprintf(out, "\n%-20s  %-8s  %11s  %12s\n", "node", "role", "test", "best by test");
    json_object_foreach(json_object_get(result, "nodes"), name, node) {
        fprintf(out, "%-20s  %-8s", name, json_string_value(json_object_get(node, "role")));
        print_accuracy(out, json_object_get(json_object_get(node, "selected"), "test_accuracy"));
        print_accuracy(out, json_object_get(node, "best_test_accuracy"));
        fprintf(out, "\n");
    }
    if (selection && !strcmp(selection, "best_val")) {
        fprintf(out, "test: of each node the weights of its best epoch on the validation part\n");
    } else if (selection && !strcmp(selection, "best_test")) {
        fprintf(out, "test: the best epoch CHOSEN BY THE TEST SPLIT: an upper bound, not a result\n");
    }
    const json_t *share = json_object_get(result, "expert_share");
    if (json_is_number(share)) {
        fprintf(out, "share of batches in expert mode: %.1f %%\n", 100.0 * json_number_value(share));
    }
    fprintf(out, "%lld steps; everything is in %s\n", (long long)json_integer_value(json_object_get(result, "steps")),
            folder);
    json_decref(result);
}
