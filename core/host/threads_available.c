/* threads_available.c - how many threads are worth starting here. */
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpu_quota.h"
#include "threads.h"

/* Processors this process may run on; 1 when the system will not say. */
static int32_t affinity(void) {
    for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)processors);
        size_t bytes = CPU_ALLOC_SIZE((size_t)processors);
        int32_t count = 0;
        if (set && sched_getaffinity(0, bytes, set) == 0) {
            count = CPU_COUNT_S(bytes, set);
        }
        CPU_FREE(set);
        if (count > 0) {
            return count;
        }
    }
    return 1;
}

int32_t sy_threads_available(void) {
    int32_t processors = affinity(), quota = sy_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    return quota > 0 && quota < processors ? quota : processors;
}
