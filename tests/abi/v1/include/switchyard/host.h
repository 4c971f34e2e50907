/* host.h - what the core does for a plugin. */
#ifndef SWITCHYARD_HOST_H
#define SWITCHYARD_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sy_log_level { SY_LOG_DEBUG = 1, SY_LOG_INFO, SY_LOG_WARNING };

/* One part of a parallel loop: items begin .. end-1, run by the given thread (0 .. threads-1). */
typedef void (*sy_loop_body)(void *argument, size_t begin, size_t end, int32_t thread);

/* Handed to init; valid as long as the instance. Pass it back as the first argument. */
struct sy_host {
    uint32_t size;
    int32_t threads; /* threads a parallel loop uses, 1 or more */
    uint64_t seed;   /* the experiment's */
    void *context;   /* the core's */

    /* A message for the person at the terminal: one line, no newline at its end. Numbers for science do not belong
     * here; make them observed fields. [any] */
    void (*log)(const struct sy_host *host, int32_t level, const char *format, ...) SY_PRINTF(3, 4);

    /* Cuts 0 .. count-1 into at most `threads` contiguous parts of nearly equal size, always in the same way, and
     * runs body once for each, one part per thread; returns when all are done. Not to be nested. [owner] */
    void (*parallel_for)(const struct sy_host *host, size_t count, sy_loop_body body, void *argument);

    /* A named array of floats, zeroed, owned by the core and kept in checkpoints: a memory bank, say. Only inside
     * init. On a resumed run it is refilled after init. */
    int (*buffer)(const struct sy_host *host, float **out, const char *name, size_t count, struct sy_error *err);

    /* Labels by index in the training split (sy_loss_in.samples), and how many there are: -1 for samples that are held
     * out and never trained on. Valid as long as the instance. For losses; SY_ENOTSUP for others. In init or later. [owner] */
    int (*labels)(const struct sy_host *host, const int32_t **out, int64_t *count, struct sy_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
