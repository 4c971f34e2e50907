/* services.c - see services.h. */
#include "services.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

static void host_log(const struct sy_host *host, int32_t level, const char *format, ...) {
    const struct sy_services *services = host->context;
    va_list args;
    va_start(args, format);
    sy_log_write(level, services->owner, format, args);
    va_end(args);
}

static void host_parallel_for(const struct sy_host *host, size_t count, sy_loop_body body, void *argument) {
    const struct sy_services *services = host->context;
    if (services->threads) {
        sy_threads_run(services->threads, count, body, argument);
    } else if (count > 0) {
        body(argument, 0, count, 0);
    }
}

/* Buffers' names become names in a checkpoint. */
static bool is_buffer_name(const char *name) {
    size_t length = strlen(name);
    return length > 0 && length < 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == length;
}

static int add_buffer(struct sy_services *services, const char *name, size_t count, struct sy_error *err) {
    struct sy_buffer *buffers = realloc(services->buffers, (services->n_buffers + 1) * sizeof *buffers);
    char *copy = strdup(name);
    float *at = count <= PTRDIFF_MAX / sizeof *at ? calloc(count, sizeof *at) : NULL;
    if (buffers) {
        services->buffers = buffers;
    }
    if (!buffers || !copy || !at) {
        free(at);
        free(copy);
        return sy_fail(err, SY_ENOMEM, "no memory for buffer \"%s\" of %zu floats", name, count);
    }
    buffers[services->n_buffers++] = (struct sy_buffer){.name = copy, .at = at, .count = count};
    return SY_OK;
}

static int host_buffer(const struct sy_host *host, float **out, const char *name, size_t count, struct sy_error *err) {
    struct sy_services *services = host->context;
    *out = NULL;
    if (!name || !is_buffer_name(name)) {
        return sy_fail(err, SY_EINVAL, "buffer name \"%s\": must be 1 to 63 letters, digits, _, . or -",
                       name ? name : "");
    }
    if (!services->in_init) {
        return sy_fail(err, SY_EINVAL, "buffer \"%s\" was asked for outside init; ask for it in init", name);
    }
    if (!count) {
        return sy_fail(err, SY_EINVAL, "buffer \"%s\" has no elements; it needs 1 or more", name);
    }
    for (size_t i = 0; i < services->n_buffers; i++) {
        if (!strcmp(services->buffers[i].name, name)) {
            return sy_fail(err, SY_EINVAL, "buffer \"%s\" was asked for twice; names must differ", name);
        }
    }
    int status = add_buffer(services, name, count, err);
    if (status == SY_OK) {
        *out = services->buffers[services->n_buffers - 1].at;
    }
    return status;
}

static int host_labels(const struct sy_host *host, const int32_t **out, int64_t *count, struct sy_error *err) {
    const struct sy_services *services = host->context;
    *out = NULL;
    *count = 0;
    return services->labels ? services->labels(services->labels_source, out, count, err)
                            : sy_fail(err, SY_ENOTSUP, "labels of all samples are for losses only");
}

void sy_services_init(struct sy_services *services, struct sy_threads *threads, uint64_t seed, const char *owner) {
    *services = (struct sy_services){
        .host = {.size = sizeof services->host,
                 .threads = threads ? sy_threads_count(threads) : 1,
                 .seed = seed,
                 .context = services,
                 .log = host_log,
                 .parallel_for = host_parallel_for,
                 .buffer = host_buffer,
                 .labels = host_labels},
        .threads = threads,
        .owner = owner,
    };
}

void sy_services_finish(struct sy_services *services) {
    for (size_t i = 0; i < services->n_buffers; i++) {
        free(services->buffers[i].name);
        free(services->buffers[i].at);
    }
    free(services->buffers);
    *services = (struct sy_services){0};
}
