/* Whole small files, folders and hashes: the second half of run_folder.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "json.h"
#include "run_folder.h"
#include "whole_file.h"

int sy_write_file(const char *path, const void *bytes, size_t count, struct sy_error *err) {
    struct sy_whole_file file;
    const char *slash = strrchr(path, '/');
    char *parent = sy_parent_folder(path);
    if (parent) {
        sy_whole_file_sweep(parent, slash ? slash + 1 : path);
    }
    free(parent);
    int status = sy_whole_file_begin(&file, path, err);
    if (status == SY_OK) {
        status = sy_whole_file_write(&file, bytes, count, err);
    }
    if (status == SY_OK) {
        status = sy_whole_file_commit(&file, err);
    }
    sy_whole_file_finish(&file);
    return status;
}

/* Up to `room` bytes, fewer only at the end of the file; negative after a failure. */
static ssize_t read_full(int fd, char *out, size_t room) {
    size_t got = 0;
    while (got < room) {
        ssize_t n = read(fd, out + got, room - got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return n;
        }
        if (n == 0) {
            break;
        }
        got += (size_t)n;
    }
    return (ssize_t)got;
}

int sy_read_file(const char *path, char **out, size_t *count, struct sy_error *err) {
    size_t used = 0, room = 1 << 14;
    char *bytes = NULL;
    int fd = sy_file_open(path, O_RDONLY);
    if (fd < 0) {
        return sy_fail(err, SY_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    int status = SY_OK;
    for (;;) {
        char *larger = realloc(bytes, room + 1);
        if (!larger) {
            status = sy_fail(err, SY_ENOMEM, "out of memory: %s", path);
            break;
        }
        bytes = larger;
        ssize_t n = read_full(fd, bytes + used, room - used);
        if (n < 0) {
            status = sy_fail(err, SY_EIO, "%s: cannot be read: %s", path, strerror(errno));
            break;
        }
        used += (size_t)n;
        if (used < room) {
            break;
        }
        room *= 2;
    }
    close(fd);
    if (status != SY_OK) {
        free(bytes);
        return status;
    }
    bytes[used] = '\0';
    *out = bytes;
    if (count) {
        *count = used;
    }
    return SY_OK;
}

const char *sy_temporary_folder(void) {
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

static int make_folder(const char *path, struct sy_error *err) {
    struct stat there;
    if (mkdir(path, 0777) == 0) {
        return sy_sync_parent(path, err);
    }
    int why = errno;
    if (why != EEXIST) {
        return sy_fail(err, SY_EIO, "%s: the folder cannot be made: %s", path, strerror(why));
    }
    if (stat(path, &there) != 0 || !S_ISDIR(there.st_mode)) {
        return sy_fail(err, SY_EINVAL, "%s: is there and is no folder; name another", path);
    }
    return SY_OK;
}

int sy_make_folders(const char *path, struct sy_error *err) {
    int status = SY_OK;
    char *part = strdup(path);
    if (!part) {
        return sy_fail(err, SY_ENOMEM, "out of memory");
    }
    size_t length = strlen(part);
    while (length > 1 && part[length - 1] == '/') {
        part[--length] = '\0';
    }
    for (char *slash = part; status == SY_OK && slash && *slash;) {
        slash = strchr(slash + 1, '/');
        if (slash) {
            *slash = '\0';
        }
        status = make_folder(part, err);
        if (slash) {
            *slash = '/';
        }
    }
    free(part);
    return status;
}

int sy_write_json(const char *path, json_t *object, struct sy_error *err) {
    char *text = object ? sy_json_dump(object) : NULL;
    json_decref(object);
    if (!text) {
        return sy_fail(err, SY_ENOMEM, "out of memory: %s", path);
    }
    /* The final zero makes room for the newline. */
    size_t length = strlen(text);
    text[length] = '\n';
    int status = sy_write_file(path, text, length + 1, err);
    free(text);
    return status;
}

int sy_hash_file(char out[33], const char *path, struct sy_error *err) {
    enum { BLOCK = 1 << 16 };
    int status = SY_OK;
    int fd = sy_file_open(path, O_RDONLY);
    if (fd < 0) {
        return sy_fail(err, SY_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    XXH3_state_t *state = XXH3_createState();
    char *block = malloc(BLOCK);
    ssize_t n = BLOCK;
    if (!state || !block) {
        status = sy_fail(err, SY_ENOMEM, "out of memory");
        goto release;
    }
    XXH3_128bits_reset(state);
    while (n == BLOCK) {
        n = read_full(fd, block, BLOCK);
        if (n < 0) {
            status = sy_fail(err, SY_EIO, "%s: cannot be read: %s", path, strerror(errno));
            goto release;
        }
        XXH3_128bits_update(state, block, (size_t)n);
    }
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    for (size_t i = 0; i < sizeof canonical.digest; i++) {
        snprintf(out + 2 * i, 3, "%02x", (unsigned)canonical.digest[i]);
    }
release:
    XXH3_freeState(state);
    free(block);
    close(fd);
    return status;
}
