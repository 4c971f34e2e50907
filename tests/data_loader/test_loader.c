/* test_loader.c - which samples come in which batch, whatever threads do. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <switchyard/rng.h>
#include <unistd.h>

#include "data/loader.h"
#include "made_up.h"

static const uint32_t two_views[] = {0, 5};

static struct made_up made_up(int64_t count) {
    return (struct made_up){.count = count, .dtype = SY_U8, .fails_at = -1, .mislabelled = -1};
}

static struct sy_loader_options usual_options(void) {
    return (struct sy_loader_options){.split = SY_TRAIN_SPLIT,
                                      .batch = 40,
                                      .shuffle = true,
                                      .augment = {.crop_pad = 2, .flip = 1},
                                      .mean = made_mean,
                                      .std = made_std,
                                      .seed = 17,
                                      .view_keys = two_views,
                                      .n_views = 2,
                                      .threads = 2,
                                      .ahead = 2};
}

static struct sy_loader *create(const struct made_up *made, const struct sy_loader_options *options) {
    struct sy_loader *loader = NULL;
    struct sy_error error = {.size = sizeof error};
    cr_assert_eq(sy_loader_create(&loader, &made_ops, made, options, &error), SY_OK, "%s", error.text);
    return loader;
}

static void start(struct sy_loader *loader, int64_t epoch, int64_t batch) {
    struct sy_error error = {.size = sizeof error};
    cr_assert_eq(sy_loader_start(loader, epoch, batch, &error), SY_OK, "%s", error.text);
}

/* What was handed out from one start to the end of the epoch. */
struct epoch {
    int64_t count, batches;
    int64_t *samples;
    int32_t *labels, *sizes;
    float *pixels[2];
};

static void keep_batch(struct epoch *epoch, const struct sy_batch *batch, int32_t n_views) {
    size_t at = (size_t)epoch->count, more = (size_t)batch->count;
    epoch->samples = realloc(epoch->samples, (at + more) * sizeof *epoch->samples);
    epoch->labels = realloc(epoch->labels, (at + more) * sizeof *epoch->labels);
    epoch->sizes = realloc(epoch->sizes, (size_t)(epoch->batches + 1) * sizeof *epoch->sizes);
    cr_assert(epoch->samples && epoch->labels && epoch->sizes);
    memcpy(epoch->samples + at, batch->samples, more * sizeof *epoch->samples);
    memcpy(epoch->labels + at, batch->labels, more * sizeof *epoch->labels);
    for (int32_t v = 0; v < n_views; v++) {
        epoch->pixels[v] = realloc(epoch->pixels[v], (at + more) * MADE_PIXELS * sizeof(float));
        cr_assert(epoch->pixels[v]);
        memcpy(epoch->pixels[v] + at * MADE_PIXELS, batch->views[v], more * MADE_PIXELS * sizeof(float));
    }
    epoch->sizes[epoch->batches++] = batch->count;
    epoch->count += batch->count;
}

static struct epoch run(struct sy_loader *loader, int32_t n_views, int64_t number, int64_t from) {
    struct epoch epoch = {0};
    struct sy_batch batch;
    struct sy_error error = {.size = sizeof error};
    int status;
    start(loader, number, from);
    while ((status = sy_loader_next(loader, &batch, &error)) == 1) {
        keep_batch(&epoch, &batch, n_views);
    }
    cr_assert_eq(status, 0, "%s", error.text);
    cr_assert_eq(sy_loader_next(loader, &batch, &error), 0, "the end of an epoch stays the end");
    return epoch;
}

static void drop(struct epoch *epoch) {
    free(epoch->samples), free(epoch->labels), free(epoch->sizes);
    free(epoch->pixels[0]), free(epoch->pixels[1]);
}

static struct epoch run_once(const struct made_up *made, const struct sy_loader_options *options, int64_t number,
                             int64_t from) {
    struct sy_loader *loader = create(made, options);
    struct epoch epoch = run(loader, options->n_views, number, from);
    sy_loader_destroy(loader);
    return epoch;
}

/* `part` is the end of `whole`, from sample `skip` on. */
static void check_same(const struct epoch *part, const struct epoch *whole, int64_t skip, int32_t n_views) {
    size_t count = (size_t)part->count;
    cr_assert_eq(part->count, whole->count - skip);
    if (!count) {
        return;
    }
    cr_assert_eq(memcmp(part->samples, whole->samples + skip, count * sizeof *part->samples), 0);
    cr_assert_eq(memcmp(part->labels, whole->labels + skip, count * sizeof *part->labels), 0);
    for (int32_t v = 0; v < n_views; v++) {
        cr_assert_eq(
            memcmp(part->pixels[v], whole->pixels[v] + (size_t)skip * MADE_PIXELS, count * MADE_PIXELS * sizeof(float)),
            0, "pixels of view %d differ", v);
    }
}

Test(data_loader, an_epoch_holds_every_sample_once) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    struct epoch epoch = run_once(&made, &options, 3, 0);
    bool seen[203] = {false};
    bool moved = false;
    cr_assert_eq(epoch.count, 203);
    for (int64_t i = 0; i < epoch.count; i++) {
        int64_t sample = epoch.samples[i];
        cr_assert(sample >= 0 && sample < 203 && !seen[sample], "sample %lld at %lld", (long long)sample, (long long)i);
        seen[sample] = true;
        moved = moved || sample != i;
        cr_assert_eq(epoch.labels[i], made_label(sample));
    }
    cr_assert(moved);
    drop(&epoch);
}

/* The order is published: Fisher-Yates from the last place down, with the generator that loader.h names. */
Test(data_loader, the_order_is_the_documented_shuffle) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    struct epoch epoch = run_once(&made, &options, 3, 0);
    int64_t order[203];
    struct sy_rng rng = sy_rng_make(17, SY_FOR_SHUFFLE, 0, 3, 0);
    for (int64_t i = 0; i < 203; i++) {
        order[i] = i;
    }
    for (uint32_t last = 202; last >= 1; last--) {
        uint32_t other = sy_rng_below(&rng, last + 1);
        int64_t swapped = order[other];
        order[other] = order[last];
        order[last] = swapped;
    }
    cr_assert_eq(memcmp(order, epoch.samples, sizeof order), 0);
    drop(&epoch);
}

Test(data_loader, the_order_differs_by_epoch_and_seed_only) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    struct epoch first = run_once(&made, &options, 0, 0), second = run_once(&made, &options, 1, 0);
    options.batch = 64;
    struct epoch other_size = run_once(&made, &options, 0, 0);
    options.seed = 18;
    struct epoch other_seed = run_once(&made, &options, 0, 0);
    cr_assert_neq(memcmp(first.samples, second.samples, 203 * sizeof(int64_t)), 0);
    cr_assert_eq(memcmp(first.samples, other_size.samples, 203 * sizeof(int64_t)), 0);
    cr_assert_neq(memcmp(first.samples, other_seed.samples, 203 * sizeof(int64_t)), 0);
    drop(&first), drop(&second), drop(&other_size), drop(&other_seed);
}

Test(data_loader, without_shuffle_the_files_order_holds) {
    struct made_up made = made_up(90);
    struct sy_loader_options options = usual_options();
    options.shuffle = false;
    struct epoch epoch = run_once(&made, &options, 4, 0);
    for (int64_t i = 0; i < 90; i++) {
        cr_assert_eq(epoch.samples[i], i);
    }
    drop(&epoch);
}

Test(data_loader, the_last_smaller_batch_is_kept) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    struct sy_loader *loader = create(&made, &options);
    cr_assert_eq(sy_loader_batches(loader), 6);
    struct epoch epoch = run(loader, 2, 0, 0);
    cr_assert_eq(epoch.batches, 6);
    for (int64_t b = 0; b < 5; b++) {
        cr_assert_eq(epoch.sizes[b], 40);
    }
    cr_assert_eq(epoch.sizes[5], 3);
    sy_loader_destroy(loader);
    drop(&epoch);
}

Test(data_loader, batches_that_fit_leave_no_empty_one) {
    struct made_up made = made_up(120);
    struct sy_loader_options options = usual_options();
    struct epoch epoch = run_once(&made, &options, 0, 0);
    cr_assert_eq(epoch.batches, 3);
    drop(&epoch);
    options.batch = 500;
    epoch = run_once(&made, &options, 0, 0);
    cr_assert_eq(epoch.batches, 1);
    cr_assert_eq(epoch.sizes[0], 120);
    drop(&epoch);
}

Test(data_loader, threads_and_read_ahead_change_nothing) {
    struct made_up made = made_up(331);
    struct sy_loader_options options = usual_options();
    options.batch = 70;
    options.threads = 1;
    options.ahead = 1;
    struct epoch one = run_once(&made, &options, 2, 0);
    for (int32_t threads = 1; threads <= 5; threads += 2) {
        for (int32_t ahead = 1; ahead <= 9; ahead += 4) {
            options.threads = threads;
            options.ahead = ahead;
            struct epoch many = run_once(&made, &options, 2, 0);
            check_same(&many, &one, 0, 2);
            drop(&many);
        }
    }
    drop(&one);
}

Test(data_loader, an_epoch_goes_on_from_any_batch) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    struct epoch whole = run_once(&made, &options, 7, 0);
    struct sy_loader *loader = create(&made, &options);
    for (int64_t from = 6; from >= 0; from--) { /* 6: at the end */
        struct epoch rest = run(loader, 2, 7, from);
        check_same(&rest, &whole, from * 40 < 203 ? from * 40 : 203, 2);
        drop(&rest);
    }
    sy_loader_destroy(loader);
    drop(&whole);
}

/* Stops at every batch, and asks for nothing at all: whatever was under way must not leak into the next epoch. */
Test(data_loader, starting_anew_drops_what_was_prepared) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    options.threads = 3;
    struct epoch whole = run_once(&made, &options, 1, 0);
    struct sy_loader *loader = create(&made, &options);
    struct sy_error error = {.size = sizeof error};
    for (int64_t stop = 0; stop <= 6; stop++) {
        struct sy_batch batch;
        start(loader, 9, 0);
        for (int64_t b = 0; b < stop; b++) {
            cr_assert_eq(sy_loader_next(loader, &batch, &error), 1);
        }
        struct epoch again = run(loader, 2, 1, 0);
        check_same(&again, &whole, 0, 2);
        drop(&again);
    }
    sy_loader_destroy(loader);
    drop(&whole);
}

/* As above with threads that are caught in the middle of a part. */
Test(data_loader, starting_anew_waits_for_what_is_under_way) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    struct epoch whole = run_once(&made, &options, 1, 0);
    made.pause = 2000;
    options.threads = 3;
    struct sy_loader *loader = create(&made, &options);
    for (int32_t round = 0; round < 5; round++) {
        start(loader, 9, 0);
        usleep(1000);
        struct epoch again = run(loader, 2, 1, 0);
        check_same(&again, &whole, 0, 2);
        drop(&again);
    }
    sy_loader_destroy(loader);
    drop(&whole);
}

Test(data_loader, a_batch_stays_valid_until_the_next_call) {
    struct made_up made = made_up(400);
    struct sy_loader_options options = usual_options();
    options.ahead = 1;
    struct epoch whole = run_once(&made, &options, 0, 0);
    struct sy_loader *loader = create(&made, &options);
    struct sy_error error = {.size = sizeof error};
    struct sy_batch batch;
    start(loader, 0, 0);
    cr_assert_eq(sy_loader_next(loader, &batch, &error), 1);
    /* One batch is out and one may be prepared: then the threads have to wait. */
    while (atomic_load(&made.samples_read) < 400 + 80) {
        usleep(1000);
    }
    usleep(20000);
    cr_assert_eq(atomic_load(&made.samples_read), 400 + 80);
    cr_assert_eq(memcmp(batch.views[1], whole.pixels[1], 40 * MADE_PIXELS * sizeof(float)), 0);
    cr_assert_eq(memcmp(batch.labels, whole.labels, 40 * sizeof(int32_t)), 0);
    sy_loader_destroy(loader);
    drop(&whole);
}

Test(data_loader, ends_cleanly_at_any_time) {
    struct made_up made = made_up(2000);
    struct sy_loader_options options = usual_options();
    struct sy_error error = {.size = sizeof error};
    for (int32_t round = 0; round < 40; round++) {
        struct sy_loader *loader = create(&made, &options);
        struct sy_batch batch;
        if (round % 4) {
            start(loader, round, 0);
        }
        for (int32_t b = 0; b < round % 4 - 1; b++) {
            cr_assert_eq(sy_loader_next(loader, &batch, &error), 1);
        }
        sy_loader_destroy(loader);
    }
    sy_loader_destroy(NULL);
}

Test(data_loader, limit_takes_the_first_samples) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    options.limit = 50;
    struct epoch epoch = run_once(&made, &options, 0, 0);
    cr_assert_eq(epoch.count, 50);
    for (int64_t i = 0; i < 50; i++) {
        cr_assert_lt(epoch.samples[i], 50);
    }
    drop(&epoch);
    options.limit = 1000;
    epoch = run_once(&made, &options, 0, 0);
    cr_assert_eq(epoch.count, 203);
    drop(&epoch);
}

/* Batches before the one that fails are good; the failure is said with the data set's words, and said again. */
static void check_failure(const struct made_up *made, const char *words, int code) {
    struct sy_loader_options options = usual_options();
    options.shuffle = false;
    struct sy_loader *loader = create(made, &options);
    for (int32_t round = 0; round < 3; round++) {
        struct sy_error error = {.size = sizeof error}, again = {.size = sizeof again};
        struct sy_batch batch;
        start(loader, round, 0);
        cr_assert_eq(sy_loader_next(loader, &batch, &error), 1);
        cr_assert_eq(sy_loader_next(loader, &batch, &error), 1);
        cr_assert_eq(sy_loader_next(loader, &batch, &error), code);
        cr_assert_eq(error.code, code);
        cr_assert_str_eq(error.text, words);
        cr_assert_eq(sy_loader_next(loader, &batch, &again), code);
        cr_assert_str_eq(again.text, words);
    }
    sy_loader_destroy(loader);
}

Test(data_loader, a_failure_to_read_is_passed_on) {
    struct made_up made = made_up(203);
    made.fails_at = 118; /* the second part of batch 2 */
    check_failure(&made, "sample 118 is on a bad sector", SY_EIO);
}

Test(data_loader, a_label_out_of_range_is_refused) {
    struct made_up made = made_up(203);
    made.mislabelled = 81;
    check_failure(&made, "sample 81 of the train split has label 10, outside 0 .. 9", SY_EINVAL);
}

/* The first of several failures is the one that is told, whichever thread was faster. */
Test(data_loader, the_first_failure_of_a_batch_is_told) {
    struct made_up made = made_up(203);
    made.mislabelled = 80;
    made.fails_at = 119;
    for (int32_t round = 0; round < 10; round++) {
        check_failure(&made, "sample 80 of the train split has label 10, outside 0 .. 9", SY_EINVAL);
    }
}

static void check_refused(const struct made_up *made, const struct sy_loader_options *options, int code,
                          const char *words) {
    struct sy_loader *loader = NULL;
    struct sy_error error = {.size = sizeof error};
    cr_assert_eq(sy_loader_create(&loader, &made_ops, made, options, &error), code);
    cr_assert(strstr(error.text, words), "'%s' does not say '%s'", error.text, words);
    cr_assert_null(loader);
}

Test(data_loader, senseless_options_are_refused) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    double flat[] = {0.2, 0, 0.2};
    options.batch = 0;
    check_refused(&made, &options, SY_ERANGE, "batch 0");
    options = usual_options(), options.threads = 0;
    check_refused(&made, &options, SY_ERANGE, "threads 0");
    options = usual_options(), options.ahead = 0;
    check_refused(&made, &options, SY_ERANGE, "ahead 0");
    options = usual_options(), options.n_views = 0;
    check_refused(&made, &options, SY_ERANGE, "views 0");
    options = usual_options(), options.limit = -1;
    check_refused(&made, &options, SY_ERANGE, "limit -1");
    options = usual_options(), options.augment.crop_pad = -1;
    check_refused(&made, &options, SY_ERANGE, "crop_pad = -1");
    options = usual_options(), options.std = flat;
    check_refused(&made, &options, SY_ERANGE, "channel 1");
    options = usual_options(), options.split = SY_TEST_SPLIT;
    check_refused(&made, &options, SY_EINVAL, "no test split");
}

/* What a data set of a stranger may say of itself. */
static struct sy_dataset_info told;

static int tell(const void *self, struct sy_dataset_info *out) {
    (void)self;
    *out = told;
    return told.size ? SY_OK : SY_EIO;
}

static const struct sy_dataset_ops telling_ops = {.size = sizeof telling_ops, .info = tell, .read = made_read};

static void check_told(const struct sy_dataset_info *info, const struct sy_loader_options *options, int code,
                       const char *words) {
    struct sy_loader *loader = NULL;
    struct sy_error error = {.size = sizeof error};
    struct made_up made = made_up(203);
    told = *info;
    cr_assert_eq(sy_loader_create(&loader, &telling_ops, &made, options, &error), code, "%s", words);
    cr_assert(strstr(error.text, words), "'%s' does not say '%s'", error.text, words);
    cr_assert_null(loader);
}

Test(data_loader, senseless_data_sets_are_refused) {
    const struct sy_dataset_info good = {.size = sizeof good,
                                         .classes = MADE_CLASSES,
                                         .count = {203, 10},
                                         .shape = {.rank = 3, .dim = {MADE_CHANNELS, MADE_HEIGHT, MADE_WIDTH}},
                                         .dtype = SY_U8};
    struct sy_loader_options options = usual_options();
    struct sy_dataset_info info = {0};
    check_told(&info, &options, SY_EIO, "does not say what it holds");
    info = good, info.classes = 0;
    check_told(&info, &options, SY_EINVAL, "has 0 classes; it must have 1 or more");
    info = good, info.count[SY_TRAIN_SPLIT] = (int64_t)1 << 32;
    check_told(&info, &options, SY_ENOTSUP, "4294967296 samples; a split may have at most 4294967295");
    info = good, info.shape.rank = 2;
    check_told(&info, &options, SY_EINVAL, "samples of rank 2; a data set has images");
    info = good, info.shape.dim[2] = 0;
    check_told(&info, &options, SY_EINVAL, "dimension 2 of the samples is 0");
    info = good, info.dtype = 77;
    check_told(&info, &options, SY_EINVAL, "samples of type 77");
    options.split = 2;
    check_told(&good, &options, SY_EINVAL, "split 2 is neither train (0) nor test (1)");
}

Test(data_loader, a_subset_names_samples_that_there_are) {
    const int64_t outside[] = {0, 203}, inside[] = {0};
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    options.subset = outside, options.n_subset = 2;
    check_refused(&made, &options, SY_ERANGE, "sample 203 is none of the split's 203");
    options.subset = inside, options.n_subset = 0;
    check_refused(&made, &options, SY_EINVAL, "a subset without samples");
}

Test(data_loader, only_places_in_the_epoch_can_be_started) {
    struct made_up made = made_up(203);
    struct sy_loader_options options = usual_options();
    struct sy_loader *loader = create(&made, &options);
    struct sy_error error = {.size = sizeof error};
    struct sy_batch batch;
    cr_assert_eq(sy_loader_next(loader, &batch, &error), SY_EINVAL, "nothing was started");
    cr_assert_eq(sy_loader_start(loader, 0, 7, NULL), SY_ERANGE);
    cr_assert_eq(sy_loader_start(loader, 0, -1, NULL), SY_ERANGE);
    cr_assert_eq(sy_loader_start(loader, -1, 0, NULL), SY_ERANGE);
    sy_loader_destroy(loader);
}
