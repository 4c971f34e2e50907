/* threads.c - see threads.h.
 *
 * One loop is a generation: the caller writes the loop down, counts the generation up, runs part 0 and waits until
 * every worker has counted `pending` down. Both sides spin first and sleep later. Whoever sleeps announces it before
 * looking a last time, and whoever has news looks for sleepers after telling it; all four are sequentially consistent,
 * so one of the two sees the other. */
#include "threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "call.h"

/* How long to spin before sleeping: some ten times what waking a thread costs. */
#define SPIN_NANOSECONDS 40000
/* Looks at the flag between two looks at the clock. */
#define SPIN_LOOKS 16

struct worker {
    struct sy_threads *pool;
    int32_t thread;
    pthread_t id;
};

struct sy_threads {
    int32_t count;
    bool spin; /* there is a processor for each thread */
    struct worker *workers;

    /* The loop; written by the caller while no worker runs. */
    size_t items;
    sy_loop_body body;
    void *argument;
    bool stop;

    atomic_bool busy;
    atomic_uint generation;
    atomic_int pending; /* workers not yet done with this generation */

    pthread_mutex_t lock;
    pthread_cond_t begun, done;
    atomic_int sleepers;       /* workers asleep, or about to be */
    atomic_bool caller_sleeps; /* the caller is asleep, or about to be */
};

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Begin of part t of n items over T threads: n t / T without overflow. */
static size_t part_begin(size_t n, size_t t, size_t threads) {
    return n / threads * t + n % threads * t / threads;
}

static void run_part(const struct sy_threads *pool, int32_t thread) {
    size_t threads = (size_t)pool->count, t = (size_t)thread;
    size_t begin = part_begin(pool->items, t, threads), end = part_begin(pool->items, t + 1, threads);
    if (begin < end) {
        pool->body(pool->argument, begin, end, thread);
    }
}

/* Waits for another generation than `seen`, and returns it. */
static unsigned await_generation(struct sy_threads *pool, unsigned seen) {
    unsigned generation = atomic_load(&pool->generation);
    int64_t until = pool->spin && generation == seen ? now() + SPIN_NANOSECONDS : 0;
    while (generation == seen && until && now() < until) {
        for (int i = 0; i < SPIN_LOOKS && generation == seen; i++) {
            relax();
            generation = atomic_load(&pool->generation);
        }
    }
    if (generation == seen) {
        pthread_mutex_lock(&pool->lock);
        atomic_fetch_add(&pool->sleepers, 1);
        while ((generation = atomic_load(&pool->generation)) == seen) {
            pthread_cond_wait(&pool->begun, &pool->lock);
        }
        atomic_fetch_sub(&pool->sleepers, 1);
        pthread_mutex_unlock(&pool->lock);
    }
    return generation;
}

static void *work(void *argument) {
    const struct worker *worker = argument;
    struct sy_threads *pool = worker->pool;
    unsigned seen = 0;
    for (;;) {
        seen = await_generation(pool, seen);
        if (pool->stop) {
            return NULL;
        }
        run_part(pool, worker->thread);
        if (atomic_fetch_sub(&pool->pending, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void begin_generation(struct sy_threads *pool) {
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->begun);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void await_workers(struct sy_threads *pool) {
    int64_t until = pool->spin && atomic_load(&pool->pending) ? now() + SPIN_NANOSECONDS : 0;
    while (until && now() < until) {
        for (int i = 0; i < SPIN_LOOKS; i++) {
            if (!atomic_load(&pool->pending)) {
                return;
            }
            relax();
        }
    }
    if (!atomic_load(&pool->pending)) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->pending)) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->lock);
}

/* Ends the first `started` workers. */
static void stop_workers(struct sy_threads *pool, int32_t started) {
    pool->stop = true;
    begin_generation(pool);
    for (int32_t i = 0; i < started; i++) {
        pthread_join(pool->workers[i].id, NULL);
    }
}

/* Starts the workers with signals blocked: those are for the program's first thread. 0 or an error number. */
static int start_workers(struct sy_threads *pool) {
    sigset_t blocked, before;
    int error = 0;
    sy_calls_blocked(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    for (int32_t i = 0; i < pool->count - 1 && !error; i++) {
        pool->workers[i] = (struct worker){.pool = pool, .thread = i + 1};
        error = pthread_create(&pool->workers[i].id, NULL, work, &pool->workers[i]);
        if (error) {
            stop_workers(pool, i);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void release(struct sy_threads *pool) {
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->begun);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}

struct sy_threads *sy_threads_create(int32_t count) {
    if (count < 1) {
        errno = EINVAL;
        return NULL;
    }
    struct sy_threads *pool = calloc(1, sizeof *pool);
    struct worker *workers = calloc((size_t)count, sizeof *workers);
    if (!pool || !workers) {
        free(workers);
        free(pool);
        errno = ENOMEM;
        return NULL;
    }
    pool->count = count;
    pool->spin = count <= sy_threads_available();
    pool->workers = workers;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->begun, NULL);
    pthread_cond_init(&pool->done, NULL);
    int error = start_workers(pool);
    if (error) {
        release(pool);
        errno = error;
        return NULL;
    }
    return pool;
}

void sy_threads_destroy(struct sy_threads *pool) {
    if (pool) {
        stop_workers(pool, pool->count - 1);
        release(pool);
    }
}

int32_t sy_threads_count(const struct sy_threads *pool) {
    return pool->count;
}

/* The same parts one after the other, on the caller. */
static void run_alone(const struct sy_threads *pool, size_t items, sy_loop_body body, void *argument) {
    struct sy_threads alone = {.count = pool->count, .items = items, .body = body, .argument = argument};
    for (int32_t t = 0; t < pool->count; t++) {
        run_part(&alone, t);
    }
}

void sy_threads_run(struct sy_threads *pool, size_t items, sy_loop_body body, void *argument) {
    /* One item is one part: not worth waking anybody. Nesting is a mistake, but not one to hang or crash on. */
    if (pool->count == 1 || items <= 1 || atomic_exchange(&pool->busy, true)) {
        run_alone(pool, items, body, argument);
        return;
    }
    pool->items = items;
    pool->body = body;
    pool->argument = argument;
    atomic_store(&pool->pending, pool->count - 1);
    begin_generation(pool);
    run_part(pool, 0);
    await_workers(pool);
    atomic_store(&pool->busy, false);
}
