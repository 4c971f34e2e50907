/* manifest.c - see manifest.h. */
#include "manifest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../record/json.h"

static void add_plugin(json_t **plugins, const struct sy_instance *instance) {
    char key[128], hash[33] = "";
    struct sy_error err = {.size = sizeof err};
    if (!instance) {
        return;
    }
    const struct sy_found *found = instance->found;
    snprintf(key, sizeof key, "%s %s", found->plugin.kind, found->plugin.name);
    if (json_object_get(*plugins, key)) {
        return;
    }
    if (sy_hash_file(hash, found->file, &err) != SY_OK) {
        hash[0] = 0;
    }
    sy_json_put(plugins, key, json_pack("{s:o, s:s}", "file", sy_json_string(found->file), "xxh3_128", hash));
}

static json_t *plugin_list(const struct sy_experiment *experiment) {
    json_t *plugins = json_object();
    add_plugin(&plugins, experiment->backend);
    add_plugin(&plugins, experiment->dataset);
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        add_plugin(&plugins, experiment->nodes[i].network);
        add_plugin(&plugins, experiment->nodes[i].label_loss.instance);
    }
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        add_plugin(&plugins, experiment->edges[e].loss.instance);
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        add_plugin(&plugins, experiment->gates[g].policy);
    }
    return plugins;
}

/* "model name" of /proc/cpuinfo, or what uname says. */
static void processor_name(char *out, size_t room) {
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256];
    snprintf(out, room, "unknown");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!strncmp(line, "model name", 10) && colon) {
            line[strcspn(line, "\n")] = 0;
            snprintf(out, room, "%s", colon + 2);
            break;
        }
    }
    if (file) {
        fclose(file);
    }
}

static json_t *this_start(const struct sy_experiment *experiment) {
    struct sy_backend_info info = {.size = sizeof info};
    char processor[256], when[64];
    time_t now = time(NULL);
    struct tm utc;
    processor_name(processor, sizeof processor);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    experiment->backend_ops->info(experiment->backend->self, &info);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "time", when, "program", "switchyard " SY_VERSION, "processor",
                     processor, "backend", experiment->backend->found->plugin.name, "backend_processor",
                     info.processor ? info.processor : "", "threads", (int)experiment->n_threads);
}

int sy_manifest_write(const struct sy_experiment *experiment, struct sy_run_folder *folder, struct sy_error *err) {
    char checksum[32], *old = NULL;
    struct sy_error none = {.size = sizeof none};
    const struct sy_dataset_info *data = &experiment->dataset_info;
    json_t *starts = NULL;
    if (sy_read_file(sy_run_folder_file(folder, "manifest.json"), &old, NULL, &none) == SY_OK) {
        json_t *before = json_loads(old, 0, NULL);
        starts = json_incref(json_object_get(before, "starts"));
        json_decref(before);
        free(old);
    }
    starts = json_is_array(starts) ? starts : json_array();
    sy_json_add(&starts, this_start(experiment));
    snprintf(checksum, sizeof checksum, "%016llx", (unsigned long long)data->checksum);
    json_t *manifest = json_pack(
        "{s:o, s:I, s:{s:s, s:i, s:I, s:I, s:I, s:s}, s:o, s:o}", "experiment", sy_json_string(experiment->name),
        "seed", (json_int_t)experiment->seed, "data", "plugin", experiment->dataset->found->plugin.name, "classes",
        (int)data->classes, "train_samples", (json_int_t)data->count[SY_TRAIN_SPLIT], "test_samples",
        (json_int_t)data->count[SY_TEST_SPLIT], "validation_samples", (json_int_t)experiment->parts.n_validation,
        "checksum", checksum, "plugins", plugin_list(experiment), "starts", starts);
    if (!manifest) {
        return sy_fail(err, SY_ENOMEM, "no memory for the manifest");
    }
    return sy_write_json(sy_run_folder_file(folder, "manifest.json"), manifest, err);
}
