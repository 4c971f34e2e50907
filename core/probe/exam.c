/* exam.c - see exam.h. */
#include "exam.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <switchyard/backend.h>
#include <switchyard/loss.h>
#include <switchyard/policy.h>
#include <switchyard/rng.h>

/* ---- verdicts --------------------------------------------------------------------------------------------------- */

static void say(const char *mark, const char *item, const char *format, va_list args) {
    printf("  %-7s %-38s ", mark, item);
    vprintf(format, args);
    printf("\n");
    fflush(stdout); /* what follows may crash */
}

#define SAY(mark_)                    \
    va_list args;                     \
    va_start(args, format);           \
    say((mark_), item, format, args); \
    va_end(args)

void sy_exam_pass(struct sy_exam *exam, const char *item, const char *format, ...) {
    SAY("ok");
    exam->verdicts->passed++;
}

void sy_exam_fail(struct sy_exam *exam, const char *item, const char *format, ...) {
    SAY("FAIL");
    exam->verdicts->failed++;
}

void sy_exam_skip(struct sy_exam *exam, const char *item, const char *format, ...) {
    SAY("skipped");
    exam->verdicts->skipped++;
}

/* ---- examples --------------------------------------------------------------------------------------------------- */

/* The plugin's own words, members that it does not have being NULL. */
static bool get_example(struct sy_example *out, const struct sy_found *found) {
    const void *(*extension)(const char *id) = found->plugin.extension;
    const struct sy_example *theirs = extension ? extension(SY_EXAMPLE) : NULL;
    *out = (struct sy_example){.size = 0};
    if (theirs) {
        memcpy(out, theirs, theirs->size < sizeof *out ? theirs->size : sizeof *out);
    }
    return out->settings != NULL;
}

struct sy_setting *sy_exam_example(struct sy_exam *exam, const char *folder) {
    struct sy_example example;
    struct sy_error err = {.size = sizeof err};
    char inside[4096], file[4200];
    if (!get_example(&example, exam->found)) {
        return NULL;
    }
    snprintf(inside, sizeof inside, "%s/%s", folder, exam->found->plugin.name); /* a file may have several plugins */
    if (mkdir(inside, 0700) != 0 && errno != EEXIST) {
        sy_exam_fail(exam, "example", "%s: %s", inside, strerror(errno));
        return NULL;
    }
    if (example.files && SY_CALLED(exam->found, "files", example.files(inside, &err)) != SY_OK) {
        sy_exam_fail(exam, "example", "%s", err.code ? err.text : "its files cannot be written");
        return NULL;
    }
    snprintf(file, sizeof file, "%s/example.cfg", inside);
    struct sy_problems *problems = sy_problems_create();
    struct sy_setting *settings = problems ? sy_setting_read_text(example.settings, file, problems) : NULL;
    if (!settings) {
        sy_exam_fail(exam, "example", "%s", problems ? sy_problems_text(problems, 0) : "memory is used up");
    } else {
        sy_exam_pass(exam, "example", "settings of its own: %s", example.settings);
    }
    sy_problems_destroy(problems);
    return settings;
}

/* ---- instances -------------------------------------------------------------------------------------------------- */

void sy_exam_apply(void *self, const struct sy_change *change) {
    if (!change || !change->field) {
        return;
    }
    char *at = (char *)self + change->field->offset;
    int32_t small = (int32_t)change->value;
    int64_t large = (int64_t)change->value;
    switch (change->field->type) {
    case SY_TYPE_INT32:
        memcpy(at, &small, sizeof small);
        break;
    case SY_TYPE_INT64:
    case SY_TYPE_UINT64:
        memcpy(at, &large, sizeof large);
        break;
    case SY_TYPE_DOUBLE:
        memcpy(at, &change->value, sizeof change->value);
        break;
    default:
        break;
    }
}

static int lend_labels(void *source, const int32_t **out, int64_t *count, struct sy_error *err) {
    static int32_t labels[SY_EXAM_SAMPLES];
    (void)source, (void)err;
    for (int i = 0; i < SY_EXAM_SAMPLES; i++) {
        labels[i] = i % SY_EXAM_CLASSES;
    }
    *out = labels;
    *count = SY_EXAM_SAMPLES;
    return SY_OK;
}

static int call_init(struct sy_subject_of_exam *subject, const char *kind, struct sy_error *err) {
    const struct sy_found *found = subject->instance->found;
    int (*init)(void *self, const struct sy_host *host, struct sy_error *err) = NULL;
    if (!strcmp(kind, SY_LOSS)) {
        init = ((const struct sy_loss_ops *)subject->instance->ops)->init;
    } else if (!strcmp(kind, SY_POLICY)) {
        init = ((const struct sy_policy_ops *)subject->instance->ops)->init;
    } else if (!strcmp(kind, SY_BACKEND)) {
        init = ((const struct sy_backend_ops *)subject->instance->ops)->init;
    }
    subject->services.labels = lend_labels;
    subject->services.in_init = true;
    int status = init ? SY_CALLED(found, "init", init(subject->instance->self, &subject->services.host, err)) : SY_OK;
    subject->services.in_init = false;
    if (status != SY_OK && err->code == SY_OK) {
        sy_fail(err, status, "init failed without a reason");
    }
    return status;
}

int sy_exam_begin(struct sy_subject_of_exam *subject, struct sy_exam *exam, const struct sy_change *change,
                  struct sy_error *err) {
    struct sy_problems *problems = sy_problems_create();
    struct sy_setting *group = exam->settings ? sy_setting_copy(exam->settings) : NULL;
    int status = SY_ENOMEM;
    *subject = (struct sy_subject_of_exam){.ready = false};
    if (problems && (group || !exam->settings)) {
        subject->instance = sy_instance_create(exam->found, group, exam->arena, problems);
        status = SY_EINVAL;
        if (subject->instance) {
            sy_exam_apply(subject->instance->self, change);
            sy_services_init(&subject->services, NULL, 1, exam->found->plugin.name);
            status = call_init(subject, exam->found->plugin.kind, err);
        } else if (sy_problems_count(problems)) {
            sy_fail(err, status, "%s", sy_problems_text(problems, 0));
        }
    }
    subject->ready = status == SY_OK;
    sy_setting_destroy(group);
    sy_problems_destroy(problems);
    return status;
}

void sy_exam_end(struct sy_subject_of_exam *subject) {
    void (*fini)(void *self) = NULL;
    if (subject->ready) {
        const char *kind = subject->instance->found->plugin.kind;
        if (!strcmp(kind, SY_LOSS)) {
            fini = ((const struct sy_loss_ops *)subject->instance->ops)->fini;
        } else if (!strcmp(kind, SY_POLICY)) {
            fini = ((const struct sy_policy_ops *)subject->instance->ops)->fini;
        } else if (!strcmp(kind, SY_BACKEND)) {
            fini = ((const struct sy_backend_ops *)subject->instance->ops)->fini;
        }
    }
    if (fini) {
        sy_call_begin(subject->instance->found, "fini");
        fini(subject->instance->self);
        sy_call_end(SY_OK);
    }
    if (subject->instance) {
        sy_services_finish(&subject->services);
        sy_instance_destroy(subject->instance);
    }
    *subject = (struct sy_subject_of_exam){.ready = false};
}

bool sy_exam_number(double *out, struct sy_exam *exam, const struct sy_field *field) {
    struct sy_subject_of_exam subject;
    struct sy_error err = {.size = sizeof err};
    bool is_number = field->role == SY_PARAMETER && field->type <= SY_TYPE_DOUBLE && field->count == 1;
    if (!is_number) {
        return false;
    }
    bool begun = sy_exam_begin(&subject, exam, NULL, &err) == SY_OK;
    if (begun) {
        const char *at = (const char *)subject.instance->self + field->offset;
        int32_t small;
        int64_t large;
        memcpy(&small, at, sizeof small);
        if (field->type == SY_TYPE_DOUBLE) {
            memcpy(out, at, sizeof *out);
        } else if (field->type == SY_TYPE_INT32) {
            *out = small;
        } else {
            memcpy(&large, at, sizeof large);
            *out = (double)large;
        }
    }
    sy_exam_end(&subject);
    return begun;
}

double sy_exam_draw(uint32_t purpose, uint32_t index) {
    struct sy_rng rng = sy_rng_make(20221027, SY_FOR_PLUGIN, purpose, 0, index);
    return 2 * sy_rng_uniform(&rng) - 1;
}
