/* duplicate_field.c - one key of the config for two parameters. */
#include "decides.h"

static const struct sy_field fields[] = {
    SY_PARAM(struct broken, limit, .def = 1, .doc = "up to where"),
    SY_PARAM(struct broken, limit, .def = 2, .doc = "up to where, again"),
    SY_END,
};

SY_PLUGIN(SY_POLICY, "duplicate_field", struct broken, .fields = fields, .ops = &ops, .doc = "a field twice");
