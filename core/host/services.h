/* services.h - the host that plugins are handed (host.h), and the buffers they asked it for. */
#ifndef SY_HOST_SERVICES_H
#define SY_HOST_SERVICES_H

#include "plugins.h"
#include "threads.h"

/* A buffer a plugin asked for in init: checkpointed by name. */
struct sy_buffer {
    char *name;
    float *at;
    size_t count;
};

/* One host for one instance. Lives at least as long as the instance; do not move it. */
struct sy_services {
    struct sy_host host; /* hand out &services.host */
    struct sy_threads *threads;
    const char *owner; /* who speaks in log: "policy my_rule of gate teacher-student"; not owned */
    struct sy_buffer *buffers;
    size_t n_buffers;
    bool in_init; /* buffers may be asked for */
    /* Where host.labels gets them from; NULL: it has none. */
    int (*labels)(void *source, const int32_t **out, int64_t *count, struct sy_error *err);
    void *labels_source;
};

/* threads NULL: parallel loops run on the caller. */
void sy_services_init(struct sy_services *services, struct sy_threads *threads, uint64_t seed, const char *owner);
/* Frees the buffers. All zeros is fine. */
void sy_services_finish(struct sy_services *services);

/* Messages below `level` (default SY_LOG_INFO) are dropped. Set once, before threads start. */
void sy_log_level(int32_t level);
/* Where messages go: `line` is "OWNER: TEXT", one line without its end, one at a time, valid during the call. NULL:
 * to stderr, as "switchyard: OWNER: TEXT". Set while no other thread runs. */
void sy_log_sink(void (*sink)(void *context, int32_t level, const char *line), void *context);

#endif
