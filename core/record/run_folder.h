/* run_folder.h - runs/<experiment>/<variant>/seed-<n>/ and what lies in it (design: "On disk").
 *
 *   run.cfg        the resolved, complete configuration; runs again as it is
 *   manifest.json  versions, plugin files and their hashes, processor, data set checksum
 *   steps.jsonl, epochs.jsonl
 *   checkpoints/<step>/  see checkpoint.h
 *   lock           locked while a process trains here, with its number in it; the file itself stays */
#ifndef SY_RECORD_RUN_FOLDER_H
#define SY_RECORD_RUN_FOLDER_H

#include <jansson.h>
#include <stdbool.h>

#include <switchyard/error.h>

struct sy_run_folder;

/* Makes the folder (and those above it) and takes its lock. With `resume` it must hold a run.cfg; without, it must not
 * hold one, nor checkpoints (SY_EINVAL, saying that --resume continues it and another --out keeps it). A folder that
 * another process trains in is SY_EINVAL with that process's number. *out is NULL after a failure. */
int sy_run_folder_open(struct sy_run_folder **out, const char *path, bool resume, struct sy_error *err);
void sy_run_folder_close(struct sy_run_folder *folder); /* NULL is fine */
const char *sy_run_folder_path(const struct sy_run_folder *folder);
/* "PATH/name", name of up to 1000 bytes (longer ones are cut, and so not found); valid until the next call for this
 * folder. */
const char *sy_run_folder_file(struct sy_run_folder *folder, const char *name);

/* Writes a small file whole or not at all: beside it, synced, renamed, the folder synced. */
int sy_write_file(const char *path, const void *bytes, size_t count, struct sy_error *err);
/* Reads a whole file into malloc'ed memory, one zero byte behind it. `count` may be NULL. */
int sy_read_file(const char *path, char **out, size_t *count, struct sy_error *err);
/* Where files that do not stay go: $TMPDIR, or /tmp. */
const char *sy_temporary_folder(void);
/* Folders with their parents, as mkdir -p; new ones are synced into their parents. */
int sy_make_folders(const char *path, struct sy_error *err);
/* Writes JSON, indented, through sy_write_file; releases `object`; NULL (out of memory) is an error. */
int sy_write_json(const char *path, json_t *object, struct sy_error *err);
/* XXH3-128 of a file as 32 hexadecimal digits and a zero. */
int sy_hash_file(char out[33], const char *path, struct sy_error *err);

#endif
