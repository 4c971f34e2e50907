/* descriptor.h - a plugin's descriptor, read with distrust: nothing of the plugin runs here. */
#ifndef SY_HOST_DESCRIPTOR_H
#define SY_HOST_DESCRIPTOR_H

#include "plugins.h"

/* Copies one descriptor into this build's layout and checks everything that can be checked without running it. Fails
 * with what is wrong and what would be right; the caller adds the file. out->file is left alone. */
int sy_descriptor_read(struct sy_found *out, const struct sy_plugin *theirs, struct sy_error *err);

/* Copies a plugin's table of functions into `out`, which has room for this build's (kind->ops_size, zeroed): functions
 * it does not have stay NULL, its size becomes this build's. */
void sy_descriptor_copy_ops(void *out, const struct sy_plugin *plugin, const struct sy_kind *kind);

/* [a-z0-9_]+, at most 63 characters */
bool sy_is_plugin_name(const char *name);

/* By id ("policy/1"); NULL if there is no such kind. */
const struct sy_kind *sy_kind_find(const char *id);

#endif
