/* bad_default.c - a default outside its own range. */
#include "decides.h"

static const struct sy_field fields[] = {
    SY_PARAM(struct broken, limit, .def = 11, .min = 0, .max = 10, .doc = "up to where"),
    SY_END,
};

SY_PLUGIN(SY_POLICY, "bad_default", struct broken, .fields = fields, .ops = &ops, .doc = "a default out of range");
