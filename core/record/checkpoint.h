/* checkpoint.h - everything needed to continue bit for bit, in a folder that is there whole or not at all.
 *
 *   checkpoints/<step>/<node>.safetensors            weights and running statistics, as PyTorch names them
 *   checkpoints/<step>/<node>.optimizer.safetensors  optimiser slots: "<parameter>.slot0", ".slot1"
 *   checkpoints/<step>/plugins.safetensors           buffers of plugins, if any
 *   checkpoints/<step>/state.json                    everything else; last: hashes of the other files
 *
 * Written as .<step>.partial, synced, renamed. The last `keep` are kept, and those somebody pinned. */
#ifndef SY_RECORD_CHECKPOINT_H
#define SY_RECORD_CHECKPOINT_H

#include <jansson.h>

#include "run_folder.h"
#include "safetensors.h"

struct sy_checkpoint_writer;

int sy_checkpoint_begin(struct sy_checkpoint_writer **out, struct sy_run_folder *folder, int64_t step,
                        struct sy_error *err);
/* name: "teacher.safetensors" */
int sy_checkpoint_tensors(struct sy_checkpoint_writer *writer, const char *name, const struct sy_named_tensor *tensors,
                          size_t count, struct sy_error *err);
/* Writes state.json with the hashes, syncs, renames, and removes all but the newest `keep` checkpoints (0: removes none)
 * Releases the state and the writer, whatever happened. */
int sy_checkpoint_commit(struct sy_checkpoint_writer *writer, json_t *state, int keep, struct sy_error *err);
/* Gives up and removes what was written; NULL is fine. */
void sy_checkpoint_abandon(struct sy_checkpoint_writer *writer);

/* A checkpoint found whole: hashes agree. */
struct sy_checkpoint {
    int64_t step;
    char *path;
    json_t *state;
};

/* The newest whole one; damaged newer ones are named in `notes` (malloc'ed text, NULL if none). SY_EINVAL when there is
 * none. */
int sy_checkpoint_newest(struct sy_checkpoint *out, char **notes, struct sy_run_folder *folder, struct sy_error *err);
void sy_checkpoint_finish(struct sy_checkpoint *checkpoint);

#endif
