/* memory.c - a library to preload: the n-th allocation fails that the program, a plugin or jansson makes, itself or through
 * strdup, asprintf, fopen, opendir, open_memstream and their kin. Others (the loader's, libc's own, those of libconfig,
 * which checks none) succeed and are not counted. Also counts what was never freed. Environment: see README.md. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *old);

#define PLACES ((size_t)1 << 20)

static struct {
    long at, until;
    const char *count_to;
    long count;
} plan;

/* Blocks of counted callers: open addressing, `gone` where one was. */
static struct block {
    void *at;
    const void *caller;
} blocks[PLACES];
static void *const gone = (void *)1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void read_plan(void) {
    const char *at = getenv("MEMORY_AT"), *until = getenv("MEMORY_UNTIL");
    plan.count_to = getenv("MEMORY_COUNT");
    plan.at = at ? atol(at) : 0;
    plan.until = until ? atol(until) : plan.at;
}

/* For builds that count coverage: the counters' own library does not check what it is given. */
void memory_fails_no_more(void);
void memory_fails_no_more(void) {
    plan.at = 0;
}

/* "allocations left-over", then where the first few left over came from. */
__attribute__((destructor)) static void tell_count(void) {
    char text[4096];
    size_t left = 0, used = 0;
    if (!plan.count_to) {
        return;
    }
    for (size_t i = 0; i < PLACES; i++) {
        left += blocks[i].at && blocks[i].at != gone;
    }
    used = (size_t)snprintf(text, sizeof text, "%ld %zu\n", plan.count, left);
    for (size_t i = 0; i < PLACES && used < sizeof text - 300; i++) {
        struct dl_find_object object;
        if (blocks[i].at && blocks[i].at != gone &&
            _dl_find_object((void *)(uintptr_t)blocks[i].caller, &object) == 0) {
            used += (size_t)snprintf(text + used, 300, "%.200s+%#tx\n", object.dlfo_link_map->l_name,
                                     (const char *)blocks[i].caller - (const char *)object.dlfo_link_map->l_addr);
        }
    }
    int fd = open(plan.count_to, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd >= 0 && write(fd, text, used) >= 0) {
        close(fd);
    }
}

static bool is_counted(const void *caller) {
    static const char *const ours[] = {"libjansson", "/plugins/"};
    struct dl_find_object object;
    if (_dl_find_object((void *)(uintptr_t)caller, &object) != 0) {
        return false;
    }
    const char *name = object.dlfo_link_map->l_name;
    bool counted = !*name; /* the program itself */
    for (size_t i = 0; i < sizeof ours / sizeof *ours && !counted; i++) {
        counted = strstr(name, ours[i]) != NULL;
    }
    return counted;
}

static size_t place_of(const void *at) {
    return (size_t)(((uintptr_t)at >> 4) * 0x9E3779B97F4A7C15u >> 44);
}

static void remember(void *at, const void *caller) {
    size_t i = place_of(at);
    while (blocks[i].at && blocks[i].at != gone) {
        i = (i + 1) % PLACES;
    }
    blocks[i] = (struct block){at, caller};
}

static void forget(const void *at) {
    for (size_t i = place_of(at); at && blocks[i].at; i = (i + 1) % PLACES) {
        if (blocks[i].at == at) {
            blocks[i].at = gone;
            return;
        }
    }
}

/* Locks, and says whether this allocation is to fail; `finish` follows. */
static bool begin(const void *caller, bool *counted) {
    *counted = is_counted(caller);
    pthread_mutex_lock(&lock);
    plan.count += *counted;
    bool fails = *counted && plan.at > 0 && plan.count >= plan.at && plan.count <= plan.until;
    errno = fails ? ENOMEM : errno;
    return fails;
}

static void *finish(void *at, const void *caller, bool counted) {
    if (at && counted) {
        remember(at, caller);
    }
    pthread_mutex_unlock(&lock);
    return at;
}

void *malloc(size_t bytes) {
    const void *caller = __builtin_return_address(0);
    bool counted, fails = begin(caller, &counted);
    return finish(fails ? NULL : __libc_malloc(bytes), caller, counted);
}

void *calloc(size_t count, size_t bytes) {
    const void *caller = __builtin_return_address(0);
    bool counted, fails = begin(caller, &counted);
    return finish(fails ? NULL : __libc_calloc(count, bytes), caller, counted);
}

void *realloc(void *old, size_t bytes) {
    const void *caller = __builtin_return_address(0);
    bool counted, fails = begin(caller, &counted);
    void *at = fails ? NULL : __libc_realloc(old, bytes);
    if (at || (!fails && !bytes)) {
        forget(old);
    }
    return finish(at, caller, counted);
}

static void *aligned(size_t alignment, size_t bytes, const void *caller) {
    bool counted, fails = begin(caller, &counted);
    return finish(fails ? NULL : __libc_memalign(alignment, bytes), caller, counted);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    return aligned(alignment, bytes, __builtin_return_address(0));
}

void *memalign(size_t alignment, size_t bytes) {
    return aligned(alignment, bytes, __builtin_return_address(0));
}

int posix_memalign(void **out, size_t alignment, size_t bytes) {
    *out = aligned(alignment, bytes, __builtin_return_address(0));
    return *out ? 0 : ENOMEM;
}

void free(void *old) {
    pthread_mutex_lock(&lock);
    forget(old);
    pthread_mutex_unlock(&lock);
    __libc_free(old);
}

/* ---- what allocates in libc on somebody's behalf ------------------------------------------------------------------- */

static void *take(size_t bytes, const void *caller) {
    bool counted, fails = begin(caller, &counted);
    return finish(fails ? NULL : __libc_malloc(bytes), caller, counted);
}

/* Whether a function that allocates something it never hands out is to fail. */
static bool refused(const void *caller) {
    bool counted, fails = begin(caller, &counted);
    finish(NULL, caller, counted);
    return fails;
}

char *strdup(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = take(bytes, __builtin_return_address(0));
    return copy ? memcpy(copy, text, bytes) : NULL;
}

char *strndup(const char *text, size_t most) {
    size_t bytes = strnlen(text, most);
    char *copy = take(bytes + 1, __builtin_return_address(0));
    if (copy) {
        memcpy(copy, text, bytes);
        copy[bytes] = 0;
    }
    return copy;
}

static int print(char **out, const char *format, va_list args, const void *caller) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    *out = length < 0 ? NULL : take((size_t)length + 1, caller);
    length = *out ? vsnprintf(*out, (size_t)length + 1, format, again) : -1;
    va_end(again);
    return length;
}

int vasprintf(char **out, const char *format, va_list args) {
    return print(out, format, args, __builtin_return_address(0));
}

int asprintf(char **out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = print(out, format, args, __builtin_return_address(0));
    va_end(args);
    return length;
}

/* What asprintf is called in a fortified program. */
int __asprintf_chk(char **out, int flag, const char *format, ...) {
    va_list args;
    (void)flag;
    va_start(args, format);
    int length = print(out, format, args, __builtin_return_address(0));
    va_end(args);
    return length;
}

/* What comes after this library; POSIX lets a pointer to an object be one to a function. */
#define NEXT(next) (*(void **)&(next) = dlsym(RTLD_NEXT, __func__))

FILE *fopen(const char *path, const char *mode) {
    FILE *(*next)(const char *, const char *);
    NEXT(next);
    return refused(__builtin_return_address(0)) ? NULL : next(path, mode);
}

FILE *fopen64(const char *path, const char *mode) {
    FILE *(*next)(const char *, const char *);
    NEXT(next);
    return refused(__builtin_return_address(0)) ? NULL : next(path, mode);
}

FILE *open_memstream(char **text, size_t *size) {
    FILE *(*next)(char **, size_t *);
    NEXT(next);
    return refused(__builtin_return_address(0)) ? NULL : next(text, size);
}

DIR *opendir(const char *path) {
    DIR *(*next)(const char *);
    NEXT(next);
    return refused(__builtin_return_address(0)) ? NULL : next(path);
}

DIR *fdopendir(int fd) {
    DIR *(*next)(int);
    NEXT(next);
    return refused(__builtin_return_address(0)) ? NULL : next(fd);
}
