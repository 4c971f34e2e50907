/* twins.c - two plugins of one kind and name in one file. */
#include "decides.h"

static const struct sy_plugin plugin = {
    .size = sizeof plugin,
    .field_size = sizeof(struct sy_field),
    .kind = SY_POLICY,
    .name = "twins",
    .self_size = sizeof(struct broken),
    .ops = &ops,
    .doc = "there twice",
};
SY_EXPORT extern const struct sy_plugin *const sy_plugins_1[];
const struct sy_plugin *const sy_plugins_1[] = {&plugin, &plugin, NULL};
