/* choices.c - see choices.h. */
#include "choices.h"

#include <string.h>

static int put(struct sy_experiment *experiment, struct sy_node *node, const char *choices, struct sy_error *err) {
    struct sy_setting *nodes = sy_setting_get(experiment->config, "nodes"), *group = sy_setting_get(nodes, node->name);
    struct sy_setting *setting = group ? sy_setting_add(group, SY_SETTING_STRING, "choices") : NULL;
    if (!setting || !sy_setting_set_string(setting, choices)) {
        return sy_fail(err, SY_ENOMEM, "node %s: no memory for its backend's choices", node->name);
    }
    setting->used = true;
    node->choices = setting->string;
    return SY_OK;
}

int sy_choices_recall(struct sy_experiment *experiment, struct sy_run_folder *folder, struct sy_error *err) {
    struct sy_problems *problems = sy_problems_create();
    struct sy_setting *there = problems ? sy_setting_read(sy_run_folder_file(folder, "run.cfg"), problems) : NULL;
    struct sy_setting *nodes = sy_setting_get(there, "nodes");
    int status = SY_OK;
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK; i++) {
        struct sy_node *node = &experiment->nodes[i];
        const struct sy_setting *choices = sy_setting_get(sy_setting_get(nodes, node->name), "choices");
        if (!node->choices && choices && choices->kind == SY_SETTING_STRING) {
            status = put(experiment, node, choices->string, err);
        }
    }
    sy_setting_destroy(there);
    sy_problems_destroy(problems);
    return status;
}

int sy_choices_note(struct sy_cohort *cohort, bool *noted, struct sy_error *err) {
    struct sy_experiment *experiment = cohort->experiment;
    int status = SY_OK;
    *noted = false;
    for (int32_t i = 0; i < experiment->n_nodes && status == SY_OK && experiment->backend_ops->plan_info; i++) {
        struct sy_node *node = &experiment->nodes[i];
        struct sy_plan_info info = {.size = sizeof info};
        experiment->backend_ops->plan_info(cohort->members[i].plan, &info);
        if (info.choices && !node->choices) {
            *noted = true;
            status = put(experiment, node, info.choices, err);
        }
    }
    return status;
}
