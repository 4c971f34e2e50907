/* odd_short_name.c - a short name with a parameter that there is not. */
#include "decides.h"

static const struct sy_field fields[] = {
    SY_PARAM(struct broken, limit, .def = 1, .doc = "up to where"),
    SY_END,
};

SY_PLUGIN(SY_POLICY, "odd_short_name", struct broken, .fields = fields, .ops = &ops, .short_name = "odd-{limt}",
          .doc = "a short name with a mistake");
