/* field_outside.c - a parameter that would be written beyond the instance. */
#include "decides.h"

struct larger {
    struct broken inside;
    double outside;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct larger, outside, .def = 1, .doc = "out of bounds"),
    SY_END,
};

SY_PLUGIN(SY_POLICY, "field_outside", struct broken, .fields = fields, .ops = &ops, .doc = "a field out of bounds");
