/* test_threads.c - every item once, always by the same thread, whatever the timing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "host/threads.h"

#define ITEMS 1000

struct tally {
    int32_t times[ITEMS], thread[ITEMS];
    size_t begin[64], end[64];
    pthread_t who[64];
};

static void tally_part(void *argument, size_t begin, size_t end, int32_t thread) {
    struct tally *tally = argument;
    for (size_t i = begin; i < end; i++) {
        tally->times[i]++;
        tally->thread[i] = thread;
    }
    tally->begin[thread] = begin;
    tally->end[thread] = end;
    tally->who[thread] = pthread_self();
}

static void expect_cut(int32_t threads, size_t items) {
    struct sy_threads *pool = sy_threads_create(threads);
    struct tally *tally = calloc(1, sizeof *tally);
    cr_assert(pool && tally);
    cr_expect_eq(sy_threads_count(pool), threads);
    sy_threads_run(pool, items, tally_part, tally);
    for (size_t i = 0; i < ITEMS; i++) {
        cr_assert_eq(tally->times[i], i < items ? 1 : 0, "item %zu of %zu on %d threads", i, items, threads);
    }
    for (size_t t = 0; t < (size_t)threads; t++) {
        size_t begin = items * t / (size_t)threads, end = items * (t + 1) / (size_t)threads;
        if (begin < end) {
            cr_expect_eq(tally->begin[t], begin);
            cr_expect_eq(tally->end[t], end);
        } else {
            cr_expect_eq(tally->end[t], 0, "an empty part was run");
        }
    }
    free(tally);
    sy_threads_destroy(pool);
}

Test(threads, every_item_once_by_the_thread_the_header_names) {
    static const int32_t threads[] = {1, 2, 3, 7, 16};
    static const size_t items[] = {0, 1, 2, 3, 6, 7, 64, 999, 1000};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
            expect_cut(threads[t], items[i]);
        }
    }
}

static void far_part(void *argument, size_t begin, size_t end, int32_t thread) {
    size_t *bounds = argument;
    bounds[2 * thread] = begin;
    bounds[2 * thread + 1] = end;
}

Test(threads, cuts_the_largest_count_without_overflow) {
    size_t bounds[6];
    struct sy_threads *pool = sy_threads_create(3);
    sy_threads_run(pool, SIZE_MAX, far_part, bounds);
    cr_expect_eq(bounds[0], 0);
    cr_expect_eq(bounds[1], SIZE_MAX / 3);
    cr_expect_eq(bounds[2], SIZE_MAX / 3);
    cr_expect_eq(bounds[3], SIZE_MAX / 3 * 2);
    cr_expect_eq(bounds[5], SIZE_MAX);
    sy_threads_destroy(pool);
}

Test(threads, part_0_runs_on_the_caller_and_others_elsewhere) {
    struct tally *tally = calloc(1, sizeof *tally);
    struct sy_threads *pool = sy_threads_create(3);
    sy_threads_run(pool, 30, tally_part, tally);
    cr_expect(pthread_equal(tally->who[0], pthread_self()));
    cr_expect(!pthread_equal(tally->who[1], pthread_self()));
    cr_expect(!pthread_equal(tally->who[2], tally->who[1]));
    sy_threads_destroy(pool);
    free(tally);
}

static void add_part(void *argument, size_t begin, size_t end, int32_t thread) {
    uint64_t *sums = argument;
    for (size_t i = begin; i < end; i++) {
        sums[8 * thread] += i + 1;
    }
}

/* Without pauses workers spin, with pauses they sleep; both ways of waking must lose nothing. */
Test(threads, many_loops_with_and_without_pauses) {
    static const int32_t threads[] = {2, 3, 5};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        uint64_t sums[8 * 5] = {0}, sum = 0;
        struct sy_threads *pool = sy_threads_create(threads[t]);
        for (int loop = 0; loop < 3000; loop++) {
            sy_threads_run(pool, 100, add_part, sums);
            if (loop % 50 == 0) {
                nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
            }
        }
        for (int32_t i = 0; i < threads[t]; i++) {
            sum += sums[8 * i];
        }
        cr_expect_eq(sum, 3000 * 5050ull);
        sy_threads_destroy(pool);
    }
}

static void slow_part(void *argument, size_t begin, size_t end, int32_t thread) {
    (void)begin, (void)end;
    if (thread > 0) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    ((int32_t *)argument)[thread] = 1;
}

Test(threads, waits_for_slow_parts) {
    int32_t done[4] = {0};
    struct sy_threads *pool = sy_threads_create(4);
    for (int loop = 0; loop < 5; loop++) {
        sy_threads_run(pool, 4, slow_part, done);
        for (int i = 0; i < 4; i++) {
            cr_assert_eq(done[i], 1);
            done[i] = 0;
        }
    }
    sy_threads_destroy(pool);
}

struct nested {
    struct sy_threads *pool;
    struct tally inner[2];
};

static void nesting_part(void *argument, size_t begin, size_t end, int32_t thread) {
    struct nested *nested = argument;
    (void)begin, (void)end;
    sy_threads_run(nested->pool, ITEMS, tally_part, &nested->inner[thread]);
}

Test(threads, a_nested_loop_does_not_hang_and_loses_nothing) {
    struct nested *nested = calloc(1, sizeof *nested);
    nested->pool = sy_threads_create(2);
    sy_threads_run(nested->pool, 2, nesting_part, nested);
    for (int t = 0; t < 2; t++) {
        for (int i = 0; i < ITEMS; i++) {
            cr_assert_eq(nested->inner[t].times[i], 1);
            cr_assert_eq(nested->inner[t].thread[i], i < ITEMS / 2 ? 0 : 1);
        }
    }
    sy_threads_destroy(nested->pool);
    free(nested);
}

Test(threads, bad_counts_and_ends) {
    errno = 0;
    cr_expect_null(sy_threads_create(0));
    cr_expect_eq(errno, EINVAL);
    sy_threads_destroy(NULL);
    for (int i = 0; i < 50; i++) {
        sy_threads_destroy(sy_threads_create(4));
    }
}

Test(threads, available_respects_affinity) {
    cpu_set_t set;
    int32_t before = sy_threads_available();
    cr_expect_geq(before, 1);
    cr_assert_eq(sched_getaffinity(0, sizeof set, &set), 0);
    cr_expect_leq(before, CPU_COUNT(&set));
    for (int i = 0, kept = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &set) && kept++) {
            CPU_CLR(i, &set);
        }
    }
    cr_assert_eq(sched_setaffinity(0, sizeof set, &set), 0);
    cr_expect_eq(sy_threads_available(), 1);
}
