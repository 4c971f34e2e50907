/* checkpoint_folder.h - names in checkpoints/: what the writer and the reader of checkpoints share. */
#ifndef SY_RECORD_CHECKPOINT_FOLDER_H
#define SY_RECORD_CHECKPOINT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <switchyard/error.h>

#define SY_CHECKPOINT_STATE    "state.json"
#define SY_CHECKPOINT_COMPLETE "complete"
#define SY_CHECKPOINT_PINNED   "pinned"
#define SY_CHECKPOINT_FILES    "files"

/* "<hash>  state.json\n": all that SY_CHECKPOINT_COMPLETE holds. */
#define SY_CHECKPOINT_COMPLETE_ROOM 64
const char *sy_checkpoint_complete_text(char out[SY_CHECKPOINT_COMPLETE_ROOM], const char *hash);

/* "a/b" in malloc'ed memory; NULL when memory is used up. */
char *sy_path_join(const char *folder, const char *name);

/* Whether a name may be that of a checkpoint's file: no folders, nothing hidden, no line ends or other
 * control characters, none of the names above. */
bool sy_checkpoint_file_name(const char *name);

/* Steps of the folders in checkpoints/, newest first, whole or not; malloc'ed. No folder, no steps. */
int sy_checkpoint_steps(int64_t **out, size_t *count, const char *checkpoints, struct sy_error *err);

/* Removes a folder with all it holds; quiet, since the next sweep tries again. */
void sy_checkpoint_remove_tree(const char *path);
/* Removes every .NAME.partial of checkpoints/. */
void sy_checkpoint_sweep(const char *checkpoints);

#endif
