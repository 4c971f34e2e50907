/* exam_dataset.c - whether a data set is what it says, and says the same to several threads at once. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <switchyard/dataset.h>

#include "exam.h"

enum { SAMPLES = 96, READERS = 4, MARGIN = 64 };

/* One reading of some samples of a split. */
struct reading {
    const struct sy_instance *instance;
    int32_t split;
    int64_t indices[SAMPLES];
    size_t bytes; /* of one sample */
    unsigned char *samples;
    int32_t labels[SAMPLES];
    int status;
    struct sy_error err;
};

static void *read_all(void *argument) {
    struct reading *reading = argument;
    const struct sy_dataset_ops *ops = reading->instance->ops;
    reading->err = (struct sy_error){.size = sizeof reading->err};
    reading->status = SY_CALLED(reading->instance->found, "read",
                                ops->read(reading->instance->self, reading->split, reading->indices, SAMPLES,
                                          reading->samples, reading->labels, &reading->err));
    return NULL;
}

/* First and last samples, and some between. The samples have a margin of marks behind them. */
static bool make_reading(struct reading *reading, const struct sy_instance *instance, int32_t split,
                         const struct sy_dataset_info *info) {
    *reading = (struct reading){.instance = instance, .split = split};
    reading->bytes = sy_shape_count(&info->shape) * sy_dtype_bytes(info->dtype);
    reading->samples = malloc(SAMPLES * reading->bytes + MARGIN);
    for (int64_t i = 0; i < SAMPLES; i++) {
        int64_t count = info->count[split];
        reading->indices[i] = i < SAMPLES / 3       ? i % count
                              : i < 2 * SAMPLES / 3 ? count - 1 - i % count
                                                    : (i * 7919) % count;
    }
    if (reading->samples) {
        memset(reading->samples, 0x5a, SAMPLES * reading->bytes + MARGIN);
    }
    return reading->samples != NULL;
}

static bool same(const struct reading *a, const struct reading *b) {
    return !memcmp(a->samples, b->samples, SAMPLES * a->bytes) && !memcmp(a->labels, b->labels, sizeof a->labels);
}

static void judge(struct sy_exam *exam, const struct reading *reading, const struct sy_dataset_info *info,
                  const char *item) {
    const unsigned char *behind = reading->samples + SAMPLES * reading->bytes;
    if (reading->status != SY_OK) {
        sy_exam_fail(exam, item, "%s", reading->err.code ? reading->err.text : "read failed without a reason");
        return;
    }
    for (int i = 0; i < MARGIN; i++) {
        if (behind[i] != 0x5a) {
            sy_exam_fail(exam, item, "read writes behind the samples it was asked for");
            return;
        }
    }
    for (int i = 0; i < SAMPLES; i++) {
        if (reading->labels[i] < 0 || reading->labels[i] >= info->classes) {
            sy_exam_fail(exam, item, "sample %lld has label %d, outside 0 .. %d", (long long)reading->indices[i],
                         reading->labels[i], info->classes - 1);
            return;
        }
    }
    sy_exam_pass(exam, item, "%lld samples, the first and the last among those read",
                 (long long)info->count[reading->split]);
}

static void read_together(struct sy_exam *exam, const struct reading *first, const struct sy_dataset_info *info) {
    struct reading readings[READERS] = {{.samples = NULL}};
    pthread_t threads[READERS];
    int32_t started = 0;
    bool alike = true;
    for (int i = 0; i < READERS; i++) {
        if (make_reading(&readings[i], first->instance, first->split, info) &&
            pthread_create(&threads[i], NULL, read_all, &readings[i]) == 0) {
            started++;
        } else {
            break;
        }
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        alike = alike && readings[i].status == SY_OK && same(first, &readings[i]);
    }
    for (int i = 0; i < READERS; i++) {
        free(readings[i].samples);
    }
    if (alike) {
        sy_exam_pass(exam, "several threads at once", "%d of them read the same", started);
    } else {
        sy_exam_fail(exam, "several threads at once", "read something else; read must not change anything");
    }
}

static void judge_info(struct sy_exam *exam, const struct sy_dataset_info *info) {
    for (int32_t c = 0; info->mean && info->std && c < info->shape.dim[0]; c++) {
        if (!isfinite(info->mean[c]) || !(info->std[c] > 0)) {
            sy_exam_fail(exam, "info", "channel %d has mean %g and standard deviation %g", c, info->mean[c],
                         info->std[c]);
            return;
        }
    }
    for (int32_t c = 0; info->class_names && c < info->classes; c++) {
        if (!info->class_names[c]) {
            sy_exam_fail(exam, "info", "class %d has no name", c);
            return;
        }
    }
    sy_exam_pass(exam, "info", "%d classes, %d x %d x %d", info->classes, info->shape.dim[0], info->shape.dim[1],
                 info->shape.dim[2]);
}

static void examine(struct sy_exam *exam, const struct sy_instance *instance) {
    const struct sy_dataset_ops *ops = instance->ops;
    struct sy_dataset_info info = {.size = sizeof info};
    int status = SY_CALLED(exam->found, "info", ops->info(instance->self, &info));
    if (status != SY_OK || info.classes < 2 || info.count[SY_TRAIN_SPLIT] < 1 || sy_shape_count(&info.shape) < 1 ||
        (info.dtype != SY_U8 && info.dtype != SY_F32)) {
        sy_exam_fail(exam, "info",
                     "at least 2 classes, 1 training sample, a shape and samples of SY_U8 or SY_F32 are "
                     "needed");
        return;
    }
    judge_info(exam, &info);
    for (int32_t split = 0; split < SY_SPLITS; split++) {
        struct reading first, again;
        if (info.count[split] > 0 && make_reading(&first, instance, split, &info)) {
            read_all(&first);
            judge(exam, &first, &info, split == SY_TRAIN_SPLIT ? "training split" : "test split");
            if (first.status == SY_OK && make_reading(&again, instance, split, &info)) {
                read_all(&again);
                if (same(&first, &again)) {
                    sy_exam_pass(exam, "the same again gives the same", "%s", "");
                } else {
                    sy_exam_fail(exam, "the same again gives the same", "samples differ when read a second time");
                }
                free(again.samples);
                read_together(exam, &first, &info);
            }
            free(first.samples);
        }
    }
}

void sy_exam_dataset(struct sy_exam *exam) {
    struct sy_subject_of_exam subject;
    struct sy_error err = {.size = sizeof err};
    int status = sy_exam_begin(&subject, exam, NULL, &err);
    const struct sy_dataset_ops *ops = status == SY_OK ? subject.instance->ops : NULL;
    if (ops) {
        status = SY_CALLED(exam->found, "open", ops->open(subject.instance->self, &subject.services.host, &err));
    }
    if (status != SY_OK) {
        sy_exam_skip(exam, "everything else", "it cannot be opened so (--config, --set): %s", err.text);
    } else {
        examine(exam, subject.instance);
        if (ops->close) {
            ops->close(subject.instance->self);
        }
    }
    sy_exam_end(&subject);
}
