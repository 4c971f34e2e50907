/* odd_fields.c - rows of a size that no version of the headers had. */
#include "decides.h"

static const struct sy_field fields[] = {
    SY_PARAM(struct broken, limit, .def = 1, .doc = "up to where"),
    SY_END,
};

static const struct sy_plugin plugin = {
    .size = sizeof plugin,
    .field_size = 12,
    .kind = SY_POLICY,
    .name = "odd_fields",
    .self_size = sizeof(struct broken),
    .fields = fields,
    .ops = &ops,
    .doc = "an impossible row size",
};
SY_EXPORT extern const struct sy_plugin *const sy_plugins_1[];
const struct sy_plugin *const sy_plugins_1[] = {&plugin, NULL};
