/* plugin_names.h - kinds of plugins as people write them. */
#ifndef SY_CLI_PLUGIN_NAMES_H
#define SY_CLI_PLUGIN_NAMES_H

#include "../host/plugins.h"

/* By word, folder or id: "policy", "policies", "policy/1"; NULL if it is none. */
const struct sy_kind *sy_cli_kind(const char *text);

/* Says on stderr that `text` is no kind, with the nearest that is one. */
void sy_cli_unknown_kind(const char *command, const char *text);

#endif
