/* no_instance.c - instances of no size. */
#include "decides.h"

static const struct sy_plugin plugin = {
    .size = sizeof plugin,
    .field_size = sizeof(struct sy_field),
    .kind = SY_POLICY,
    .name = "no_instance",
    .ops = &ops,
    .doc = "self_size forgotten",
};
SY_EXPORT extern const struct sy_plugin *const sy_plugins_1[];
const struct sy_plugin *const sy_plugins_1[] = {&plugin, NULL};
