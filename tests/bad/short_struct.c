/* short_struct.c - a descriptor that ends before its name. */
#include <switchyard/plugin.h>

static const struct sy_plugin plugin = {.size = 8, .field_size = sizeof(struct sy_field)};
SY_EXPORT extern const struct sy_plugin *const sy_plugins_1[];
const struct sy_plugin *const sy_plugins_1[] = {&plugin, NULL};
