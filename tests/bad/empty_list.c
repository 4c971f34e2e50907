/* empty_list.c - the right symbol, with nothing in it. */
#include <switchyard/plugin.h>

SY_EXPORT extern const struct sy_plugin *const sy_plugins_1[];
const struct sy_plugin *const sy_plugins_1[] = {NULL};
