/* target.h - one input for one reader: what libFuzzer calls, and driver.c where there is no clang. Inputs are thrown at a
 * reader of the program; it refuses or accepts, and what it accepts must hold together: a target aborts where it does not. */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Says what is wrong and ends as a crash does, so that the input is kept. */
#define EXPECT(condition)                                                   \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

/* A file in memory that holds the bytes; its path in `path`, a descriptor to be closed as result. */
static inline int memory_file(char path[64], const void *bytes, size_t count) {
    int fd = memfd_create("input", MFD_CLOEXEC);
    EXPECT(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

/* The bytes as text; to be freed. */
static inline char *as_text(const uint8_t *bytes, size_t count) {
    char *text = malloc(count + 1);
    EXPECT(text);
    if (count) {
        memcpy(text, bytes, count);
    }
    text[count] = '\0';
    return text;
}

#endif
