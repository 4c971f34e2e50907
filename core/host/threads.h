/* threads.h - the threads that compute: made once, one parallel loop at a time, always cut the same way.
 *
 * Workers spin for a short while after a loop before they sleep: the next one usually comes at once. */
#ifndef SY_HOST_THREADS_H
#define SY_HOST_THREADS_H

#include <switchyard/host.h>

struct sy_threads;

/* `count` threads, the caller's included; 1 or more. NULL and errno when they cannot be had. */
struct sy_threads *sy_threads_create(int32_t count);
void sy_threads_destroy(struct sy_threads *threads);
int32_t sy_threads_count(const struct sy_threads *threads);

/* See sy_host.parallel_for. Part t of n items over T threads is [n t / T, n (t+1) / T); empty parts are not run. */
void sy_threads_run(struct sy_threads *threads, size_t count, sy_loop_body body, void *argument);

/* Threads this process may use: affinity and cgroup limits respected. */
int32_t sy_threads_available(void);

#endif
