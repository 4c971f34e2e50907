/* broken_disk.h - a disk on which no file can grow beyond a size: writes are cut short there, and then fail. */
#ifndef TESTS_RECORD_BROKEN_DISK_H
#define TESTS_RECORD_BROKEN_DISK_H

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/resource.h>

static inline void limit_files_to(rlim_t bytes) {
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#endif
