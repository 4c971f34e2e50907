/* faults.c - a library to preload: the n-th call of the kinds named goes wrong in the way named. Driven by the
 * environment, see README.md. For tests only; x86-64 and other 64-bit systems with glibc. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum how { FAIL, SHORT, KILL_BEFORE, KILL_AFTER };

static struct {
    bool on;
    const char *calls; /* ",write,rename," */
    const char *under; /* only paths with this text in them */
    long at, until;    /* the first and the last call that goes wrong, from 1 */
    enum how how;
    int error;
    const char *count_to; /* file for the number of calls */
} plan;

static atomic_long calls_so_far;
#define raw syscall

__attribute__((constructor)) static void read_plan(void) {
    static const struct {
        const char *name;
        enum how how;
        int error;
    } ways[] = {{"ENOSPC", FAIL, ENOSPC},     {"EIO", FAIL, EIO},     {"EINTR", FAIL, EINTR},
                {"EDQUOT", FAIL, EDQUOT},     {"EROFS", FAIL, EROFS}, {"EACCES", FAIL, EACCES},
                {"EINVAL", FAIL, EINVAL},     {"short", SHORT, 0},    {"kill", KILL_BEFORE, 0},
                {"kill-after", KILL_AFTER, 0}};
    const char *at = getenv("FAULT_AT"), *until = getenv("FAULT_UNTIL"), *how = getenv("FAULT_HOW");
    plan.calls = getenv("FAULT_CALLS");
    plan.under = getenv("FAULT_UNDER");
    plan.count_to = getenv("FAULT_COUNT");
    plan.at = at ? atol(at) : 0;
    plan.until = until ? atol(until) : plan.at;
    for (size_t i = 0; how && i < sizeof ways / sizeof *ways; i++) {
        if (!strcmp(how, ways[i].name)) {
            plan.how = ways[i].how;
            plan.error = ways[i].error;
        }
    }
    plan.on = plan.calls != NULL;
}

__attribute__((destructor)) static void tell_count(void) {
    char text[32];
    if (plan.on && plan.count_to) {
        int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&calls_so_far));
        long fd = raw(SYS_openat, AT_FDCWD, plan.count_to, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        raw(SYS_write, fd, text, (size_t)length);
        raw(SYS_close, fd);
    }
}

static bool is_wanted(const char *call) {
    char word[32];
    snprintf(word, sizeof word, ",%s,", call);
    return plan.on && strstr(plan.calls, word);
}

/* Whether this call is one that goes wrong; it is counted. Does not return where the process is to die before it. */
static bool strikes(const char *call, const char *path) {
    if (!is_wanted(call) || (plan.under && (!path || !strstr(path, plan.under)))) {
        return false;
    }
    long number = atomic_fetch_add(&calls_so_far, 1) + 1;
    bool hit = plan.at > 0 && number >= plan.at && number <= plan.until;
    if (hit && plan.how == KILL_BEFORE) {
        raw(SYS_kill, raw(SYS_getpid), SIGKILL);
    }
    return hit;
}

/* After the call was done all the same. */
static long died(long result) {
    if (plan.how == KILL_AFTER) {
        raw(SYS_kill, raw(SYS_getpid), SIGKILL);
    }
    return result;
}

static bool fails(void) {
    errno = plan.how == FAIL ? plan.error : errno;
    return plan.how == FAIL;
}

/* The path behind a descriptor; NULL if unknown. */
static const char *path_of(char room[PATH_MAX], int fd) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = raw(SYS_readlinkat, AT_FDCWD, link, room, PATH_MAX - 1);
    room[n > 0 ? n : 0] = '\0';
    return n > 0 ? room : NULL;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    bool hit = strikes("open", path);
    if (hit && fails()) {
        return -1;
    }
    long fd = raw(SYS_openat, folder, path, flags | O_LARGEFILE, mode);
    return (int)(hit ? died(fd) : fd);
}

#define OPENED(folder)                                                      \
    va_list args;                                                           \
    va_start(args, flags);                                                  \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; \
    va_end(args);                                                           \
    return open_at(folder, path, flags, mode)

int open(const char *path, int flags, ...) {
    OPENED(AT_FDCWD);
}
int open64(const char *path, int flags, ...) {
    OPENED(AT_FDCWD);
}
int openat(int folder, const char *path, int flags, ...) {
    OPENED(folder);
}
int openat64(int folder, const char *path, int flags, ...) {
    OPENED(folder);
}

/* A short write takes half, at least a byte, as a signal in its middle would have it. */
static size_t share_of(size_t count) {
    return plan.how == SHORT && count > 1 ? count / 2 : count;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    char room[PATH_MAX];
    bool hit = is_wanted("write") && strikes("write", path_of(room, fd));
    if (hit && fails()) {
        return -1;
    }
    long n = raw(SYS_write, fd, bytes, hit ? share_of(count) : count);
    return hit ? died(n) : n;
}

static ssize_t write_at(int fd, const void *bytes, size_t count, off_t offset) {
    char room[PATH_MAX];
    bool hit = is_wanted("pwrite") && strikes("pwrite", path_of(room, fd));
    if (hit && fails()) {
        return -1;
    }
    long n = raw(SYS_pwrite64, fd, bytes, hit ? share_of(count) : count, offset);
    return hit ? died(n) : n;
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    return write_at(fd, bytes, count, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
    return write_at(fd, bytes, count, offset);
}

ssize_t read(int fd, void *bytes, size_t count) {
    char room[PATH_MAX];
    bool hit = is_wanted("read") && strikes("read", path_of(room, fd));
    if (hit && fails()) {
        return -1;
    }
    long n = raw(SYS_read, fd, bytes, hit ? share_of(count) : count);
    return hit ? died(n) : n;
}

static ssize_t read_at(int fd, void *bytes, size_t count, off_t offset) {
    char room[PATH_MAX];
    bool hit = is_wanted("pread") && strikes("pread", path_of(room, fd));
    if (hit && fails()) {
        return -1;
    }
    long n = raw(SYS_pread64, fd, bytes, hit ? share_of(count) : count, offset);
    return hit ? died(n) : n;
}
ssize_t pread(int fd, void *bytes, size_t count, off_t offset) {
    return read_at(fd, bytes, count, offset);
}
ssize_t pread64(int fd, void *bytes, size_t count, off_t offset) {
    return read_at(fd, bytes, count, offset);
}

/* FAULT_NOSYNC makes syncing free, for sweeps of thousands of runs: nothing here pulls the plug. */
int fsync(int fd) {
    char room[PATH_MAX];
    bool hit = is_wanted("fsync") && strikes("fsync", path_of(room, fd));
    if (hit && fails()) {
        return -1;
    }
    long done = getenv("FAULT_NOSYNC") ? 0 : raw(SYS_fsync, fd);
    return (int)(hit ? died(done) : done);
}

/* As Linux has it: the descriptor is gone, whatever close says. */
int close(int fd) {
    char room[PATH_MAX];
    bool hit = is_wanted("close") && strikes("close", path_of(room, fd));
    long done = raw(SYS_close, fd);
    if (hit && fails()) {
        return -1;
    }
    return (int)(hit ? died(done) : done);
}

static int cut_to(int fd, off_t length) {
    char room[PATH_MAX];
    bool hit = is_wanted("ftruncate") && strikes("ftruncate", path_of(room, fd));
    if (hit && fails()) {
        return -1;
    }
    long done = raw(SYS_ftruncate, fd, length);
    return (int)(hit ? died(done) : done);
}
int ftruncate(int fd, off_t length) {
    return cut_to(fd, length);
}
int ftruncate64(int fd, off_t length) {
    return cut_to(fd, length);
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static int renamed(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    bool hit = strikes("rename", to);
    if (hit && fails()) {
        return -1;
    }
    long done = raw(SYS_renameat2, from_folder, from, to_folder, to, flags);
    return (int)(hit ? died(done) : done);
}
int rename(const char *from, const char *to) {
    return renamed(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    return renamed(from_folder, from, to_folder, to, flags);
}

int mkdir(const char *path, mode_t mode) {
    bool hit = strikes("mkdir", path);
    if (hit && fails()) {
        return -1;
    }
    long done = raw(SYS_mkdirat, AT_FDCWD, path, mode);
    return (int)(hit ? died(done) : done);
}

int unlink(const char *path) {
    bool hit = strikes("unlink", path);
    if (hit && fails()) {
        return -1;
    }
    long done = raw(SYS_unlinkat, AT_FDCWD, path, 0);
    return (int)(hit ? died(done) : done);
}

int remove(const char *path) {
    bool hit = strikes("unlink", path);
    if (hit && fails()) {
        return -1;
    }
    long done = raw(SYS_unlinkat, AT_FDCWD, path, 0);
    if (done != 0 && (errno == EISDIR || errno == EPERM)) {
        done = raw(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    }
    return (int)(hit ? died(done) : done);
}
