/* short_name.h - plugins in one word: "wrn-16-2" for { plugin = "wrn"; depth = 16; width = 2; } (sy_plugin.short_name).
 *
 * The word up to its first dash is a plugin's name or the first word of its short name; the numbers behind the dashes
 * are its parameters, in the order its short name has them. What is left out keeps its default. Where several plugins
 * share a word (resnet-20, resnet-34), it is the first that takes the numbers. */
#ifndef SY_HOST_SHORT_NAME_H
#define SY_HOST_SHORT_NAME_H

#include "plugins.h"

/* Whether a descriptor's short name is one, and its parameters are there and take numbers. NULL is fine. */
int sy_short_name_check(const struct sy_plugin *plugin, const struct sy_table *table, struct sy_error *err);

/* Puts the plugin and the parameters that `word` means into the group, as if a file called `from` said so. False after a
 * problem: no such plugin (with the nearest that there is), more numbers than it takes, or what is no number. Whether a
 * number is in its range is told where the group is read. */
bool sy_short_name_read(struct sy_setting *group, struct sy_registry *registry, const char *kind, const char *word,
                        const char *from, struct sy_problems *problems);

/* The other way round: an instance in one word, "wrn-16-2"; the plugin's name where it has no short one. */
void sy_short_name_write(char *out, size_t room, const struct sy_instance *instance);

#endif
