/* whole_file.h - a file that is there whole or not at all.
 *
 * Bytes go to a file beside the wanted one, PATH.<process>.partial, which takes its place when everything has reached
 * the disk. Whatever fails, the old file (or its absence) is untouched. */
#ifndef SY_RECORD_WHOLE_FILE_H
#define SY_RECORD_WHOLE_FILE_H

#include <stddef.h>

#include <switchyard/error.h>

/* The caller's memory; nothing in it is to be touched. */
struct sy_whole_file {
    const char *path; /* the caller's, valid until finish */
    char *partial;    /* NULL: nothing to remove */
    int fd;           /* -1: closed */
};

/* Refuses a path that is there and is no regular file. After a failure finish is allowed, not needed. */
int sy_whole_file_begin(struct sy_whole_file *file, const char *path, struct sy_error *err);
/* Appends. After a failure only finish may follow. */
int sy_whole_file_write(struct sy_whole_file *file, const void *bytes, size_t count, struct sy_error *err);
/* Syncs, renames, syncs the folder. */
int sy_whole_file_commit(struct sy_whole_file *file, struct sy_error *err);
/* Last call, after a commit or instead of one: then what was written is removed. */
void sy_whole_file_finish(struct sy_whole_file *file);

/* Removes what killed processes left unfinished in a folder: of every file, for a caller who alone works there (name
 * NULL); or of one file, where no process of that number lives. */
void sy_whole_file_sweep(const char *folder, const char *name);

/* open, with mode 0666 where it makes a file, and fsync; both begin anew where a signal interrupts them. */
int sy_file_open(const char *path, int flags);
int sy_file_sync(int fd);

/* The folder that holds `path`, malloc'ed; NULL: out of memory. */
char *sy_parent_folder(const char *path);

/* Makes the entries of a folder last: those renamed into it, out of it, removed from it. */
int sy_sync_folder(const char *path, struct sy_error *err);
/* The same for the folder that holds `path`. */
int sy_sync_parent(const char *path, struct sy_error *err);

#endif
