/* The run folder's rules and its lock; small files, folders and hashes. */
#include <signal.h>
#include <sys/wait.h>
#include <xxhash.h>

#include "broken_disk.h"
#include "record/run_folder.h"
#include "scratch.h"

static void expect_opens(const char *path, bool resume) {
    struct sy_error err = NEW_ERROR;
    struct sy_run_folder *folder;
    cr_assert_eq(sy_run_folder_open(&folder, path, resume, &err), SY_OK, "%s", err.text);
    sy_run_folder_close(folder);
}

static void expect_refuses(const char *path, bool resume, const char *says) {
    struct sy_error err = NEW_ERROR;
    struct sy_run_folder *folder;
    sy_run_folder_open(&folder, path, resume, &err);
    expect_error(&err, SY_EINVAL, says);
    cr_assert_null(folder);
}

Test(run_folder, names_files_in_it) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    struct sy_run_folder *folder;
    char expected[512];
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "runs/cifar10/switokd/seed-1");
    cr_assert_eq(sy_run_folder_open(&folder, path, false, &err), SY_OK, "%s", err.text);
    snprintf(expected, sizeof expected, "%s/run.cfg", path);
    cr_assert_str_eq(sy_run_folder_file(folder, "run.cfg"), expected);
    cr_assert_str_eq(sy_run_folder_path(folder), path);
    sy_run_folder_close(folder);
    sy_run_folder_close(NULL);
    scratch_remove(scratch.path);
}

Test(run_folder, new_and_resumed_runs_exclude_each_other) {
    struct scratch scratch;
    char path[300], config[400], checkpoints[400];
    scratch_make(&scratch);
    snprintf(path, sizeof path, "%s/run", scratch.path);
    snprintf(config, sizeof config, "%s/run.cfg", path);
    snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", path);
    expect_refuses(path, true, "holds no run.cfg");
    cr_assert_not(is_there(path), "resuming nothing must make nothing");
    expect_opens(path, false);
    expect_opens(path, false);
    cr_assert_eq(mkdir(checkpoints, 0777), 0);
    expect_refuses(path, false, "holds checkpoints of a run whose run.cfg is gone");
    put_text(config, "seed = 1;\n");
    expect_refuses(path, false, "--resume continues it, another --out keeps it");
    expect_opens(path, true);
    scratch_remove(scratch.path);
}

/* The child holds the folder until it is killed: the lock must not outlive it. */
Test(run_folder, one_process_at_a_time) {
    struct scratch scratch;
    struct sy_run_folder *folder;
    int ready[2];
    char byte, says[64];
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "run");
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        alarm(60); /* should the test itself fail */
        byte = sy_run_folder_open(&folder, path, false, NULL) == SY_OK ? 'y' : 'n';
        _exit(write(ready[1], &byte, 1) == 1 ? pause() : 1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_assert_eq(byte, 'y');
    snprintf(says, sizeof says, "run: another process (number %ld) trains here", (long)child);
    expect_refuses(path, false, says);
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    expect_opens(path, false);
    scratch_remove(scratch.path);
}

Test(run_folder, the_lock_is_named_without_a_number_too) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    struct sy_run_folder *folder;
    scratch_make(&scratch);
    cr_assert_eq(sy_run_folder_open(&folder, scratch.path, false, &err), SY_OK, "%s", err.text);
    put_text(scratch_file(&scratch, "lock"), "\x1b[31mnonsense");
    expect_refuses(scratch.path, false, ": another process trains here");
    sy_run_folder_close(folder);
    scratch_remove(scratch.path);
}

Test(folders, are_made_with_their_parents) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    scratch_make(&scratch);
    cr_assert_eq(sy_make_folders(scratch_file(&scratch, "a//b/c/"), &err), SY_OK, "%s", err.text);
    cr_assert_eq(sy_make_folders(scratch_file(&scratch, "a/b/c"), &err), SY_OK, "%s", err.text);
    cr_assert(is_there(scratch.file));
    cr_assert_eq(chdir(scratch.path), 0);
    cr_assert_eq(sy_make_folders("x/y", &err), SY_OK, "%s", err.text);
    cr_assert(is_there(scratch_file(&scratch, "x/y")));
    put_text(scratch_file(&scratch, "a/file"), "");
    sy_make_folders(scratch_file(&scratch, "a/file/d"), &err);
    expect_error(&err, SY_EINVAL, "a/file: is there and is no folder");
    scratch_remove(scratch.path);
}

Test(files, are_written_whole_and_read_whole) {
    enum { SIZE = 100000 };
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    static char bytes[SIZE];
    char *back;
    size_t count;
    scratch_make(&scratch);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (char)(i * 7 % 256);
    }
    const char *path = scratch_file(&scratch, "file");
    for (size_t size = 0; size <= SIZE; size += SIZE / 4) {
        cr_assert_eq(sy_write_file(path, bytes, size, &err), SY_OK, "%s", err.text);
        cr_assert_eq(sy_read_file(path, &back, &count, &err), SY_OK, "%s", err.text);
        cr_assert(count == size && memcmp(back, bytes, size) == 0 && back[size] == '\0');
        free(back);
    }
    /* exactly as large as what is read in one go */
    cr_assert_eq(sy_write_file(path, bytes, 1 << 14, &err), SY_OK, "%s", err.text);
    cr_assert_eq(sy_read_file(path, &back, NULL, &err), SY_OK, "%s", err.text);
    cr_assert_eq(memcmp(back, bytes, 1 << 14), 0);
    free(back);
    scratch_remove(scratch.path);
}

Test(files, failures_name_the_file_and_leave_nothing) {
    struct scratch scratch;
    static char bytes[20000];
    char *back;
    scratch_make(&scratch);
    struct sy_error err = NEW_ERROR;
    limit_files_to(10000);
    sy_write_file(scratch_file(&scratch, "file"), bytes, sizeof bytes, &err);
    limit_files_to(RLIM_INFINITY);
    expect_error(&err, SY_EIO, "file: cannot be written: File too large");
    err = NEW_ERROR;
    sy_write_file(scratch_file(&scratch, "no/file"), bytes, 1, &err);
    expect_error(&err, SY_EIO, "cannot be created: No such file or directory");
    err = NEW_ERROR;
    sy_write_file(scratch.path, bytes, 1, &err);
    expect_error(&err, SY_EINVAL, "is there and is no regular file");
    err = NEW_ERROR;
    sy_read_file(scratch.path, &back, NULL, &err);
    expect_error(&err, SY_EIO, "cannot be read: Is a directory");
    err = NEW_ERROR;
    sy_read_file(scratch_file(&scratch, "none"), &back, NULL, &err);
    expect_error(&err, SY_EIO, "none: cannot be opened: No such file");
    cr_assert_eq(rmdir(scratch.path), 0);
}

Test(files, json_is_indented_and_exact) {
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "x.json");
    cr_assert_eq(sy_write_json(path, json_pack("{s:f, s:i}", "x", 0.1, "a", 1), &err), SY_OK, "%s", err.text);
    expect_text(path, "{\n  \"x\": 0.10000000000000001,\n  \"a\": 1\n}\n");
    sy_write_json(path, NULL, &err);
    expect_error(&err, SY_ENOMEM, "x.json");
    scratch_remove(scratch.path);
}

/* The first is the published value for no bytes; the last goes over several blocks. */
Test(files, hashes_are_xxh3_of_128_bits) {
    enum { SIZE = 200000 };
    struct scratch scratch;
    struct sy_error err = NEW_ERROR;
    static char bytes[SIZE];
    char hash[33], expected[33];
    scratch_make(&scratch);
    const char *path = scratch_file(&scratch, "file");
    put_text(path, "");
    cr_assert_eq(sy_hash_file(hash, path, &err), SY_OK, "%s", err.text);
    cr_assert_str_eq(hash, "99aa06d3014798d86001c324468d497f");
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (char)(i * i % 251);
    }
    put_bytes(path, bytes, SIZE);
    XXH128_hash_t whole = XXH3_128bits(bytes, SIZE);
    snprintf(expected, sizeof expected, "%016llx%016llx", (unsigned long long)whole.high64,
             (unsigned long long)whole.low64);
    cr_assert_eq(sy_hash_file(hash, path, &err), SY_OK, "%s", err.text);
    cr_assert_str_eq(hash, expected);
    sy_hash_file(hash, scratch.path, &err);
    expect_error(&err, SY_EIO, "cannot be read: Is a directory");
    scratch_remove(scratch.path);
}
