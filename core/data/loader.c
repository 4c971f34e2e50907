/* loader.c - a ring of batches and the threads that fill it.
 *
 * An epoch is cut into parts of PART samples, numbered through: part p belongs to batch p / parts_per_batch. Threads
 * take parts in that order, one at a time, as long as the batch's place in the ring is free. Whoever fills a part
 * writes only its rows, so nothing depends on who that is. */
#include "loader.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../host/call.h"
#include "order.h"
#include "view.h"

enum { PART = 32, ALIGNMENT = 64, MAX_AHEAD = 4096 };

/* One batch of the ring. Batch b of an epoch is in slot b % n_slots. */
struct slot {
    int32_t *labels;       /* (batch) */
    float **views;         /* n_views of (batch, row) */
    int64_t parts_done;    /* of the batch it holds now */
    int64_t failed_part;   /* first part that failed; -1: none */
    struct sy_error error; /* of that part */
};

struct sy_loader {
    const struct sy_dataset_ops *ops;
    const void *self;
    struct sy_loader_options options;
    struct sy_view_maker maker;
    int32_t classes;
    size_t row, row_bytes; /* elements and stored bytes of a sample */
    int64_t count;         /* samples of an epoch */
    int64_t batches, parts_per_batch;
    uint32_t *view_keys;
    int64_t *order;  /* (count) */
    int64_t *subset; /* (count), NULL: all */
    struct slot *slots;
    int32_t n_slots;
    unsigned char *staging; /* threads x PART x row_bytes: samples as stored */
    pthread_t *threads;
    int32_t n_threads; /* that were started */

    pthread_mutex_t lock; /* guards all below, and parts_done, failed_part and error of the slots */
    pthread_cond_t work;  /* a part may be taken, or the loader is closing */
    pthread_cond_t done;  /* a part was finished */
    int32_t n_named;      /* threads that know their number */
    int64_t epoch;        /* -1: none was started */
    int64_t next_part;    /* to be taken */
    int64_t given;        /* batches before this one are no longer needed */
    int64_t next_batch;   /* to be handed out */
    int32_t busy;         /* threads at work on a part */
    bool closing;
};

/* ---- preparing ------------------------------------------------------------------------------------------------- */

static int32_t samples_in_batch(const struct sy_loader *loader, int64_t batch) {
    int64_t left = loader->count - batch * loader->options.batch;
    return left < loader->options.batch ? (int32_t)left : loader->options.batch;
}

static int64_t parts_in_batch(const struct sy_loader *loader, int64_t batch) {
    return (samples_in_batch(loader, batch) + PART - 1) / PART;
}

static int check_labels(const struct sy_loader *loader, const int32_t *labels, const int64_t *samples, size_t count,
                        struct sy_error *err) {
    for (size_t i = 0; i < count; i++) {
        if (labels[i] < 0 || labels[i] >= loader->classes) {
            return sy_fail(err, SY_EINVAL, "sample %lld of the %s split has label %d, outside 0 .. %d",
                           (long long)samples[i], loader->options.split == SY_TRAIN_SPLIT ? "train" : "test", labels[i],
                           loader->classes - 1);
        }
    }
    return SY_OK;
}

/* Fills one part of a batch. Runs without the lock. */
static int prepare(struct sy_loader *loader, struct slot *slot, int64_t epoch, int64_t batch, int64_t part,
                   unsigned char *staging, struct sy_error *err) {
    size_t begin = (size_t)part * PART, end = (size_t)samples_in_batch(loader, batch);
    size_t count = end - begin < PART ? end - begin : PART;
    const int64_t *samples = loader->order + batch * loader->options.batch + begin;
    int32_t *labels = slot->labels + begin;
    int status =
        SY_CALLED(loader->options.plugin, "read",
                  loader->ops->read(loader->self, loader->options.split, samples, count, staging, labels, err));
    if (status) {
        return sy_fail(err, status, "reading a batch of the data set failed without a reason");
    }
    status = check_labels(loader, labels, samples, count, err);
    if (status) {
        return status;
    }
    for (int32_t v = 0; v < loader->options.n_views; v++) {
        float *out = slot->views[v] + begin * loader->row;
        for (size_t i = 0; i < count; i++) {
            sy_view_make(out + i * loader->row, &loader->maker, staging + i * loader->row_bytes, loader->view_keys[v],
                         epoch, samples[i]);
        }
    }
    return SY_OK;
}

/* Takes the next part if there is one and its place is free. Under the lock. */
static bool take(struct sy_loader *loader, int64_t *batch, int64_t *part) {
    if (loader->epoch < 0) {
        return false;
    }
    *batch = loader->next_part / loader->parts_per_batch;
    *part = loader->next_part % loader->parts_per_batch;
    if (*batch >= loader->batches || *batch >= loader->given + loader->n_slots) {
        return false;
    }
    loader->next_part++;
    if (*part + 1 == parts_in_batch(loader, *batch)) {
        loader->next_part = (*batch + 1) * loader->parts_per_batch; /* the last batch may have fewer parts */
    }
    return true;
}

static void note_failure(struct slot *slot, int64_t part, const struct sy_error *error) {
    if (slot->failed_part < 0 || part < slot->failed_part) {
        slot->failed_part = part;
        slot->error = *error;
    }
}

static void *prepare_batches(void *argument) {
    struct sy_loader *loader = argument;
    pthread_mutex_lock(&loader->lock);
    unsigned char *staging = loader->staging + (size_t)loader->n_named++ * PART * loader->row_bytes;
    while (!loader->closing) {
        int64_t batch, part;
        if (!take(loader, &batch, &part)) {
            pthread_cond_wait(&loader->work, &loader->lock);
            continue;
        }
        struct slot *slot = &loader->slots[batch % loader->n_slots];
        int64_t epoch = loader->epoch;
        loader->busy++;
        pthread_mutex_unlock(&loader->lock);

        struct sy_error error = {.size = sizeof error};
        int status = prepare(loader, slot, epoch, batch, part, staging, &error);

        pthread_mutex_lock(&loader->lock);
        if (status) {
            note_failure(slot, part, &error);
        }
        slot->parts_done++;
        loader->busy--;
        pthread_cond_signal(&loader->done);
    }
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

/* ---- handing out ----------------------------------------------------------------------------------------------- */

static void empty_slot(struct slot *slot) {
    slot->parts_done = 0;
    slot->failed_part = -1;
}

int64_t sy_loader_batches(const struct sy_loader *loader) {
    return loader->batches;
}

int sy_loader_start(struct sy_loader *loader, int64_t epoch, int64_t batch, struct sy_error *err) {
    if (epoch < 0 || epoch > UINT32_MAX || batch < 0 || batch > loader->batches) {
        return sy_fail(err, SY_ERANGE, "epoch %lld, batch %lld is no place to start; batches are 0 .. %lld",
                       (long long)epoch, (long long)batch, (long long)loader->batches);
    }
    pthread_mutex_lock(&loader->lock);
    loader->epoch = -1; /* nothing more is taken */
    while (loader->busy) {
        pthread_cond_wait(&loader->done, &loader->lock);
    }
    sy_order_make(loader->order, loader->count, loader->options.shuffle, loader->options.seed, epoch);
    for (int64_t i = 0; loader->subset && i < loader->count; i++) {
        loader->order[i] = loader->subset[loader->order[i]];
    }
    for (int32_t i = 0; i < loader->n_slots; i++) {
        empty_slot(&loader->slots[i]);
    }
    loader->epoch = epoch;
    loader->given = loader->next_batch = batch;
    loader->next_part = batch * loader->parts_per_batch;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    return SY_OK;
}

int sy_loader_next(struct sy_loader *loader, struct sy_batch *out, struct sy_error *err) {
    int status = 0;
    pthread_mutex_lock(&loader->lock);
    if (loader->epoch < 0) {
        status = sy_fail(err, SY_EINVAL, "a batch was asked for before an epoch was started");
        goto done;
    }
    int64_t batch = loader->next_batch;
    if (loader->given < batch) { /* the one handed out last */
        empty_slot(&loader->slots[loader->given % loader->n_slots]);
        loader->given = batch;
        pthread_cond_broadcast(&loader->work);
    }
    if (batch == loader->batches) {
        goto done;
    }
    struct slot *slot = &loader->slots[batch % loader->n_slots];
    while (slot->parts_done < parts_in_batch(loader, batch)) {
        pthread_cond_wait(&loader->done, &loader->lock);
    }
    if (slot->failed_part >= 0) {
        status = sy_fail(err, slot->error.code, "%s", slot->error.text);
        goto done;
    }
    loader->next_batch++;
    *out = (struct sy_batch){.count = samples_in_batch(loader, batch),
                             .labels = slot->labels,
                             .samples = loader->order + batch * loader->options.batch,
                             .views = (const float *const *)slot->views};
    status = 1;
done:
    pthread_mutex_unlock(&loader->lock);
    return status;
}

/* ---- making and ending ----------------------------------------------------------------------------------------- */

static int check(const struct sy_loader_options *options, const struct sy_dataset_info *info, struct sy_error *err) {
    if (options->split < 0 || options->split >= SY_SPLITS) {
        return sy_fail(err, SY_EINVAL, "split %d is neither train (0) nor test (1)", options->split);
    }
    if (options->batch < 1 || options->threads < 1 || options->n_views < 1) {
        return sy_fail(err, SY_ERANGE, "batch %d, threads %d, views %d: each must be 1 or more", options->batch,
                       options->threads, options->n_views);
    }
    if (options->ahead < 1 || options->ahead > MAX_AHEAD) {
        return sy_fail(err, SY_ERANGE, "ahead %d is outside [1, %d]", options->ahead, MAX_AHEAD);
    }
    if (options->limit < 0) {
        return sy_fail(err, SY_ERANGE, "limit %lld is negative; 0 means all samples", (long long)options->limit);
    }
    if (info->count[options->split] < 1) {
        return sy_fail(err, SY_EINVAL, "the data set has no %s split",
                       options->split == SY_TRAIN_SPLIT ? "train" : "test");
    }
    if (info->count[options->split] > UINT32_MAX) {
        return sy_fail(err, SY_ENOTSUP, "%lld samples; a split may have at most %u",
                       (long long)info->count[options->split], UINT32_MAX);
    }
    for (int64_t i = 0; options->subset && i < options->n_subset; i++) {
        if (options->subset[i] < 0 || options->subset[i] >= info->count[options->split]) {
            return sy_fail(err, SY_ERANGE, "sample %lld is none of the split's %lld", (long long)options->subset[i],
                           (long long)info->count[options->split]);
        }
    }
    if (options->subset && options->n_subset < 1) {
        return sy_fail(err, SY_EINVAL, "a subset without samples");
    }
    if (info->classes < 1) {
        return sy_fail(err, SY_EINVAL, "the data set has %d classes; it must have 1 or more", info->classes);
    }
    return SY_OK;
}

static bool allocate_slot(struct sy_loader *loader, struct slot *slot) {
    size_t batch = (size_t)loader->options.batch, views = (size_t)loader->options.n_views;
    size_t bytes = (batch * loader->row * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    empty_slot(slot);
    slot->labels = calloc(batch, sizeof *slot->labels);
    slot->views = calloc(views, sizeof *slot->views);
    if (!slot->labels || !slot->views) {
        return false;
    }
    for (size_t v = 0; v < views; v++) {
        slot->views[v] = aligned_alloc(ALIGNMENT, bytes);
        if (!slot->views[v]) {
            return false;
        }
    }
    return true;
}

static void free_slot(struct sy_loader *loader, struct slot *slot) {
    for (int32_t v = 0; slot->views && v < loader->options.n_views; v++) {
        free(slot->views[v]);
    }
    free(slot->views);
    free(slot->labels);
}

static int allocate(struct sy_loader *loader, struct sy_error *err) {
    size_t threads = (size_t)loader->options.threads, views = (size_t)loader->options.n_views;
    loader->view_keys = calloc(views, sizeof *loader->view_keys);
    loader->order = calloc((size_t)loader->count, sizeof *loader->order);
    loader->slots = calloc((size_t)loader->n_slots, sizeof *loader->slots);
    loader->staging = calloc(threads * PART, loader->row_bytes);
    loader->threads = calloc(threads, sizeof *loader->threads);
    loader->subset = loader->options.subset ? calloc((size_t)loader->count, sizeof *loader->subset) : NULL;
    bool enough = loader->view_keys && loader->order && loader->slots && loader->staging && loader->threads &&
                  (loader->subset || !loader->options.subset);
    for (int32_t i = 0; enough && i < loader->n_slots; i++) {
        enough = allocate_slot(loader, &loader->slots[i]);
    }
    if (!enough) {
        return sy_fail(err, SY_ENOMEM, "no memory for %d batches of %d samples in %d views", loader->n_slots,
                       loader->options.batch, loader->options.n_views);
    }
    memcpy(loader->view_keys, loader->options.view_keys, views * sizeof *loader->view_keys);
    if (loader->subset) {
        memcpy(loader->subset, loader->options.subset, (size_t)loader->count * sizeof *loader->subset);
    }
    return SY_OK;
}

/* Signals are the main thread's business: a Ctrl-C must not land in one of ours. */
static int start_threads(struct sy_loader *loader, struct sy_error *err) {
    sigset_t blocked, before;
    int failure = 0;
    sy_calls_blocked(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    while (!failure && loader->n_threads < loader->options.threads) {
        failure = pthread_create(&loader->threads[loader->n_threads], NULL, prepare_batches, loader);
        loader->n_threads += failure ? 0 : 1;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure) {
        return sy_fail(err, SY_ENOMEM, "thread %d of %d that prepare data cannot be started: %s", loader->n_threads + 1,
                       loader->options.threads, strerror(failure));
    }
    return SY_OK;
}

int sy_loader_create(struct sy_loader **out, const struct sy_dataset_ops *ops, const void *self,
                     const struct sy_loader_options *options, struct sy_error *err) {
    struct sy_dataset_info info = {.size = sizeof info};
    int status = ops->info(self, &info);
    if (status) {
        return sy_fail(err, status, "the data set does not say what it holds");
    }
    status = check(options, &info, err);
    if (status) {
        return status;
    }
    struct sy_loader *loader = calloc(1, sizeof *loader);
    if (!loader) {
        return sy_fail(err, SY_ENOMEM, "no memory for a loader");
    }
    int64_t there = info.count[options->split];
    loader->ops = ops;
    loader->self = self;
    loader->options = *options;
    loader->classes = info.classes;
    loader->row = sy_shape_count(&info.shape);
    loader->row_bytes = loader->row * sy_dtype_bytes(info.dtype);
    loader->count = options->limit > 0 && options->limit < there ? options->limit : there;
    loader->count = options->subset ? options->n_subset : loader->count;
    loader->batches = (loader->count + options->batch - 1) / options->batch;
    loader->parts_per_batch = (options->batch + PART - 1) / PART;
    loader->n_slots = options->ahead + 1;
    loader->epoch = -1;
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->work, NULL);
    pthread_cond_init(&loader->done, NULL);
    status =
        sy_view_maker_init(&loader->maker, &info, options->mean, options->std, options->augment, options->seed, err);
    status = status ? status : allocate(loader, err);
    status = status ? status : start_threads(loader, err);
    if (status) {
        sy_loader_destroy(loader);
        return status;
    }
    *out = loader;
    return SY_OK;
}

void sy_loader_destroy(struct sy_loader *loader) {
    if (!loader) {
        return;
    }
    pthread_mutex_lock(&loader->lock);
    loader->closing = true;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    for (int32_t i = 0; i < loader->n_threads; i++) {
        pthread_join(loader->threads[i], NULL);
    }
    pthread_cond_destroy(&loader->done);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
    for (int32_t i = 0; loader->slots && i < loader->n_slots; i++) {
        free_slot(loader, &loader->slots[i]);
    }
    sy_view_maker_finish(&loader->maker);
    free(loader->threads);
    free(loader->staging);
    free(loader->slots);
    free(loader->order);
    free(loader->subset);
    free(loader->view_keys);
    free(loader);
}
