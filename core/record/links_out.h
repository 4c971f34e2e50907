/* links_out.h - configs of strangers (--untrusted): results stay where they were promised, whatever links somebody left
 * on the way there, in a folder that came with the config. */
#ifndef SY_RECORD_LINKS_OUT_H
#define SY_RECORD_LINKS_OUT_H

#include <stdbool.h>

#include <switchyard/error.h>

/* SY_EINVAL where something in the folder for results is a link that leads out of it, or to nothing. Unless a person
 * `named` the folder (--out), no part of its path may be a link either. A folder that is not there is fine, and so is
 * everything where configs are trusted. */
int sy_links_out_refuse(const char *folder, bool named, struct sy_error *err);

#endif
