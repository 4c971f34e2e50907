/* subject.c - see subject.h. */
#include "subject.h"

bool sy_subject_make(struct sy_subject *subject, struct sy_setting *config, struct sy_registry *registry,
                     struct sy_problems *problems) {
    size_t before = sy_problems_count(problems);
    *subject = (struct sy_subject){0};
    if (sy_is_staged(config)) {
        subject->stages = sy_stages_create(config, registry, problems);
        if (subject->stages && sy_stages_check(subject->stages, NULL, NULL, problems)) {
            sy_stages_name(subject->stages, &subject->name, &subject->seed);
        }
    } else {
        subject->experiment = sy_experiment_create(config, registry, problems);
        if (subject->experiment) {
            subject->name = subject->experiment->name;
            subject->seed = subject->experiment->seed;
        }
    }
    return sy_problems_count(problems) == before;
}

void sy_subject_finish(struct sy_subject *subject) {
    sy_stages_destroy(subject->stages);
    sy_experiment_destroy(subject->experiment);
    *subject = (struct sy_subject){0};
}

int sy_subject_train(struct sy_subject *subject, const struct sy_run_options *options, int *end, struct sy_error *err) {
    return subject->stages ? sy_stages_train(subject->stages, options, end, err)
                           : sy_run_train(subject->experiment, options, end, err);
}
