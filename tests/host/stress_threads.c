/* stress_threads.c - the pool under load, without Criterion, which ThreadSanitizer does not get along with:
 *   meson setup BUILD -Db_sanitize=thread -Db_lundef=false && ninja -C BUILD tests/host/stress_threads
 * Ends with 1 if a loop lost or doubled an item. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/services.h"

#define ITEMS 97
#define LOOPS 4000

/* Not atomic on purpose: the pool alone must keep writers and readers apart. */
struct work {
    uint64_t items[ITEMS];
    uint64_t sums[8];
};

static void count_part(void *argument, size_t begin, size_t end, int32_t thread) {
    struct work *work = argument;
    for (size_t i = begin; i < end; i++) {
        work->items[i]++;
        work->sums[thread] += i;
    }
}

static void log_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct sy_host *host = argument;
    for (size_t i = begin; i < end; i++) {
        host->log(host, SY_LOG_INFO, "item %zu on %d", i, thread);
    }
}

static void count_line(void *context, int32_t level, const char *line) {
    (void)level, (void)line;
    ++*(uint64_t *)context;
}

static int stress(int32_t threads) {
    struct sy_threads *pool = sy_threads_create(threads);
    struct work work;
    int wrong = pool == NULL;
    memset(&work, 0, sizeof work);
    for (uint64_t loop = 1; !wrong && loop <= LOOPS; loop++) {
        sy_threads_run(pool, ITEMS, count_part, &work);
        for (size_t i = 0; i < ITEMS; i++) {
            wrong += work.items[i] != loop;
        }
        if (loop % 100 == 0) {
            nanosleep(&(struct timespec){.tv_nsec = 150000}, NULL);
        }
    }
    sy_threads_destroy(pool);
    return wrong;
}

static int stress_log(void) {
    uint64_t lines = 0;
    struct sy_services services;
    struct sy_threads *pool = sy_threads_create(3);
    sy_log_sink(count_line, &lines);
    sy_services_init(&services, pool, 0, "stress");
    services.host.parallel_for(&services.host, 300, log_part, &services.host);
    sy_services_finish(&services);
    sy_threads_destroy(pool);
    sy_log_sink(NULL, NULL);
    return lines != 300;
}

int main(void) {
    int wrong = stress(2) + stress(3) + stress(7) + stress_log();
    if (wrong) {
        fprintf(stderr, "%d items were lost or doubled\n", wrong);
    }
    return wrong ? 1 : 0;
}
