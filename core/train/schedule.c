/* schedule.c - tables and formulas of the learning-rate schedules. */
#include "schedule.h"

#include <math.h>

#include "kinds.h"

enum { CONSTANT, MULTISTEP, COSINE, LINEAR };

#define KIND                                                                          \
    SY_PARAM(struct sy_schedule, kind, .choices = "constant|multistep|cosine|linear", \
             .doc = "shape of the factor on lr")
#define WARMUP                                                                                            \
    SY_PARAM(struct sy_schedule, warmup_epochs, .min = 0, .max = 1e6, .unit = "epochs",                   \
             .doc = "epochs over which the factor first grows, step by step, to what the schedule says"), \
        SY_PARAM(struct sy_schedule, warmup_factor, .def = 0.1, .min = 0, .max = 1, .doc = "where the warm-up begins")
#define LAST \
    SY_PARAM(struct sy_schedule, last, .def = 0, .min = 0, .max = 1, .doc = "factor reached at the end of the run")

static const struct sy_field constant_fields[] = {KIND, WARMUP, SY_END};
static const struct sy_field multistep_fields[] = {
    KIND,
    SY_PARAM(struct sy_schedule, epochs, .def_text = "[]", .min = 0, .max = 1e9, .unit = "epochs",
             .doc = "epochs (the first is 0) at whose start lr is multiplied by factor"),
    SY_PARAM(struct sy_schedule, factor, .def = 0.1, .min = 0, .max = 1e3, .doc = "what lr is multiplied by"),
    WARMUP,
    SY_END,
};
static const struct sy_field cosine_fields[] = {KIND, LAST, WARMUP, SY_END};
static const struct sy_field linear_fields[] = {KIND, LAST, WARMUP, SY_END};

const struct sy_kind_table sy_schedule_kinds[] = {
    {"constant", constant_fields, "the same rate throughout"},
    {"multistep", multistep_fields, "multiplied by factor at the start of each listed epoch"},
    {"cosine", cosine_fields, "from 1 to last along half a cosine (Loshchilov, Hutter, ICLR 2017, without restarts)"},
    {"linear", linear_fields, "from 1 to last along a line"},
    {NULL, NULL, NULL},
};

bool sy_schedule_read(struct sy_schedule *out, struct sy_setting *group, struct sy_arena *arena,
                      struct sy_problems *problems) {
    *out = (struct sy_schedule){0};
    return sy_kind_read(out, sy_schedule_kinds, group, arena, problems);
}

double sy_schedule_factor(const struct sy_schedule *schedule, int64_t epoch, int64_t step, int64_t steps_per_epoch,
                          int64_t epochs) {
    double now = (double)epoch + (steps_per_epoch > 0 ? (double)step / (double)steps_per_epoch : 0);
    double done = epochs > 0 ? fmin(now / (double)epochs, 1) : 0;
    double factor = 1;
    if (schedule->kind == MULTISTEP) {
        for (size_t i = 0; i < schedule->epochs.count; i++) {
            factor *= schedule->epochs.at[i] <= epoch ? schedule->factor : 1;
        }
    } else if (schedule->kind == COSINE) {
        factor = schedule->last + (1 - schedule->last) * 0.5 * (1 + cos(acos(-1.0) * done));
    } else if (schedule->kind == LINEAR) {
        factor = 1 + (schedule->last - 1) * done;
    }
    if (now < schedule->warmup_epochs) {
        factor *= schedule->warmup_factor + (1 - schedule->warmup_factor) * now / schedule->warmup_epochs;
    }
    return factor;
}
