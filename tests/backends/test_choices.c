/* What a backend chose by measurement can be written down and followed: the same bits, whatever is measured next time. */
#include <stdlib.h>
#include <string.h>

#include "backends_param.h"
#include "cases.h"

/* One step; the choices are copied to `kept`, which must be freed. */
static void step(struct rig *rig, struct trial *trial, const char *choices, char **kept) {
    struct sy_error err = {.size = sizeof err};
    struct sy_plan_info info = {.size = sizeof info};
    trial->choices = choices;
    struct sy_plan *plan = trial_compile(rig, trial, true);
    cr_assert_eq(rig->ops.plan_info(plan, &info), SY_OK, "%s", err.text);
    if (kept) {
        *kept = info.choices ? strdup(info.choices) : NULL;
    }
    trial_step(rig, plan, trial);
    rig->ops.destroy(plan);
}

static bool same_bits(const struct trial *a, const struct trial *b) {
    bool same = true;
    for (int32_t k = 0; k < a->graph->n_outputs; k++) {
        same &= !memcmp(a->output[k].at, b->output[k].at, a->output[k].count * sizeof(double));
    }
    for (int32_t p = 0; p < a->graph->n_params; p++) {
        same &= !memcmp(a->gradient[p].at, b->gradient[p].at, a->gradient[p].count * sizeof(double));
    }
    return same;
}

/* A plan made with one setting, and one made with its choices while the setting says something else. */
static void check_followed(struct rig *rig, const struct sy_graph *graph, int32_t *setting, int32_t def) {
    struct trial chosen = trial_create(graph, 9, 4, 100), followed = trial_create(graph, 9, 4, 100);
    char *choices = NULL;
    if (!trial_is_refused(rig, &chosen)) {
        step(rig, &chosen, NULL, &choices);
    }
    *setting = def;
    if (choices) {
        char *again = NULL;
        step(rig, &followed, choices, &again);
        cr_expect(same_bits(&chosen, &followed), "\"%s\" gave other bits when followed", choices);
        cr_expect_str_eq(again ? again : "nothing", choices, "what is followed is told again");
        free(again);
    }
    free(choices);
    trial_destroy(&chosen);
    trial_destroy(&followed);
}

ParameterizedTestParameters(choices, are_followed) {
    return backend_cases(1);
}

ParameterizedTest(const struct backend_case *param, choices, are_followed) {
    struct rig rig;
    rig_open(&rig, param->backend, 2);
    struct sy_built_graph *built = case_build(case_find("residual block"));
    for (const struct sy_field *field = rig.plugin->fields; field && field->name; field++) {
        int32_t *setting = field->choices ? (int32_t *)(void *)((char *)rig.self + field->offset) : NULL;
        const char *word = field->choices;
        for (int32_t choice = 0; word; choice++) {
            *setting = choice;
            check_followed(&rig, &built->graph, setting, (int32_t)field->def);
            word = strchr(word, '|');
            word = word ? word + 1 : NULL;
        }
    }
    sy_graph_destroy(built);
    rig_close(&rig);
}
