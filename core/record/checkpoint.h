/* checkpoint.h - everything needed to continue bit for bit, in a folder that is there whole or not at all.
 *
 *   checkpoints/<step>/<node>.safetensors            weights and running statistics, as PyTorch names them
 *   checkpoints/<step>/<node>.optimizer.safetensors  optimiser slots: "<parameter>.slot0", ".slot1"
 *   checkpoints/<step>/plugins.safetensors           buffers of plugins, if any
 *   checkpoints/<step>/state.json                    everything else; last: "files", the XXH3-128 of each file above
 *   checkpoints/<step>/complete                      the XXH3-128 of state.json, as `xxhsum -c complete` reads it
 *
 * Written as .<step>.partial, synced, renamed: what a killed process leaves is a .partial folder, which nobody reads and
 * the next commit removes. The last `keep` are kept, and those somebody pinned, by a file called "pinned" in them. Other
 * names in checkpoints/ are nobody's business here. */
#ifndef SY_RECORD_CHECKPOINT_H
#define SY_RECORD_CHECKPOINT_H

#include <jansson.h>

#include "run_folder.h"
#include "safetensors.h"

struct sy_checkpoint_writer;

/* One writer at a time per folder, which must outlive it. step: 0 or more. *out is NULL after a failure. */
int sy_checkpoint_begin(struct sy_checkpoint_writer **out, struct sy_run_folder *folder, int64_t step,
                        struct sy_error *err);
/* name: "teacher.safetensors"; metadata as in safetensors.h */
int sy_checkpoint_tensors(struct sy_checkpoint_writer *writer, const char *name, const struct sy_named_tensor *tensors,
                          size_t count, const char *const *metadata, struct sy_error *err);
/* The checkpoint of `step` outlives the next commit's removals, however many are newer. */
void sy_checkpoint_spare(struct sy_checkpoint_writer *writer, int64_t step);
/* Syncs the run's journals (the state notes their lengths), writes state.json with the hashes, syncs, renames (in place
 * of an earlier checkpoint of that step), and removes all but the newest `keep` checkpoints (0: removes none); those of
 * later steps go first: they were damaged, or the run would have gone on from them. Releases the state and the writer,
 * whatever happened. */
int sy_checkpoint_commit(struct sy_checkpoint_writer *writer, json_t *state, int keep, struct sy_error *err);
/* Gives up and removes what was written; NULL is fine. */
void sy_checkpoint_abandon(struct sy_checkpoint_writer *writer);

/* A checkpoint found whole: hashes agree. */
struct sy_checkpoint {
    int64_t step;
    char *path;
    json_t *state; /* as committed, with "files" */
};

/* The newest whole one; damaged newer ones are named in `notes` (malloc'ed text, one a line, NULL if none; set after a
 * failure too). SY_EINVAL when there is none, SY_EIO when there are only damaged ones. */
int sy_checkpoint_newest(struct sy_checkpoint *out, char **notes, struct sy_run_folder *folder, struct sy_error *err);
/* That of one step; SY_EINVAL when there is none, SY_EIO when it is damaged. */
int sy_checkpoint_of(struct sy_checkpoint *out, struct sy_run_folder *folder, int64_t step, struct sy_error *err);
void sy_checkpoint_finish(struct sy_checkpoint *checkpoint);

/* Removes the checkpoints of steps after `step`, for a run that goes on from there in another way. SY_EINVAL where one of
 * them is pinned, and nothing is removed. */
int sy_checkpoint_forget_after(struct sy_run_folder *folder, int64_t step, struct sy_error *err);

#endif
