/* training.c - see training.h. */
#include "training.h"

#include "../train/memory.h"

bool sy_training_make(struct sy_training *training, struct sy_setting *config, struct sy_registry *registry,
                      struct sy_problems *problems) {
    size_t before = sy_problems_count(problems);
    *training = (struct sy_training){0};
    if (sy_is_staged(config)) {
        training->stages = sy_stages_create(config, registry, problems);
        if (training->stages && sy_stages_check(training->stages, NULL, NULL, problems)) {
            sy_stages_name(training->stages, &training->name, &training->seed);
            training->memory = training->stages->memory;
        }
    } else {
        training->experiment = sy_experiment_create(config, registry, problems);
        if (training->experiment) {
            struct sy_memory need;
            training->memory = sy_memory_check(&need, training->experiment, problems) ? need.total : 0;
            training->name = training->experiment->name;
            training->seed = training->experiment->seed;
        }
    }
    return sy_problems_count(problems) == before;
}

void sy_training_finish(struct sy_training *training) {
    sy_stages_destroy(training->stages);
    sy_experiment_destroy(training->experiment);
    *training = (struct sy_training){0};
}

int sy_training_train(struct sy_training *training, const struct sy_run_options *options, int *end,
                      struct sy_error *err) {
    return training->stages ? sy_stages_train(training->stages, options, end, err)
                            : sy_run_train(training->experiment, options, end, err);
}
