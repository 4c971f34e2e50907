/* untrusted.h - configs of strangers (--untrusted): they may name files below their own folder to be read, and nothing to
 * be executed. What stands in --set is the user's own and may name anything. SECURITY.md says what this is worth.
 *
 * That it is on stands in the environment, so that no reader of a config, and no process started for one, can forget it. */
#ifndef SY_CONFIG_UNTRUSTED_H
#define SY_CONFIG_UNTRUSTED_H

#include <stdbool.h>

/* Distrusts from now on: files must lie below the folder of `config` (a file, or a folder that stands for the config in
 * it), and SWITCHYARD_PLUGIN_PATH is forgotten. Before any thread starts. False when memory is used up. */
bool sy_untrusted_begin(const char *config);
/* The folder, links resolved; NULL: configs are trusted. */
const char *sy_untrusted_folder(void);
/* Whether a config may name this file: it lies in that folder, and no link on the way leads out. True where configs are
 * trusted. A path that is not there is judged by its words. */
bool sy_untrusted_allows(const char *path);

/* Whether a text may name a folder for results: no '/', nothing hidden, no control characters, 1 to 200 bytes. */
bool sy_is_folder_name(const char *text);

#endif
