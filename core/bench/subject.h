/* subject.h - one experiment, made ready in this process and timed step by step through the code that trains. */
#ifndef SY_BENCH_SUBJECT_H
#define SY_BENCH_SUBJECT_H

#include "../train/totals.h"

enum sy_timing {
    SY_TIME_LEARNING,  /* a training step with every node on */
    SY_TIME_EXPERT,    /* the same with every gate in expert mode; without gates: what a paused node costs, its forward
                          pass and its running statistics */
    SY_TIME_INFERENCE, /* forward in evaluation mode */
    SY_TIMINGS
};

#define SY_BENCH_FAILURE_ROOM 16384
#define SY_BENCH_MOST_LAYERS  256

/* Operators of one kind and shape, timed in a graph of their own. */
struct sy_layer_figures {
    char what[32], shape[96]; /* "conv2d", "32x16x16 -> 64x8x8, 3x3, stride 2" */
    int32_t count;            /* how often the networks have it */
    double forward, backward; /* seconds of one; backward is what this place in the network needs */
    double forward_operations, backward_operations; /* 2 for a multiply-add, of one batch; 0 where none are counted */
};

/* What is found out about one case. No pointers: travels between processes. */
struct sy_figures {
    char failure[SY_BENCH_FAILURE_ROOM]; /* lines; empty while all is well */
    int32_t bad_input;                   /* the failure is the user's: exit code 2 */
    char backend[64], processor[192];
    int32_t precision, threads, batch, gated; /* gated: it has gates, so that expert mode is one of training */
    int64_t parameters;                       /* trainable, of all nodes */
    double multiply_adds;                     /* of one sample's forward pass, all nodes */
    double operations[SY_TIMINGS];            /* of one step: 2 for a multiply-add; the image's gradient left out */
    double started;                           /* sy_seconds_now() when the process was asked for */
    double start_seconds;                     /* from then to the end of the first step */
    double peak_mib;                          /* resident memory of this process at its highest */
    double phases[SY_TIMINGS][SY_PHASES];     /* seconds, sums over the counted steps */
    double processor_seconds;                 /* of all threads, in the counted learning steps; loader included */
    double loader_alone;                      /* images a second, augmented, without training; 0: no loader */
    double loader_processor;                  /* processor seconds of the loader for one batch */
    int32_t n_layers;
    struct sy_layer_figures layers[SY_BENCH_MOST_LAYERS];
    int32_t room;              /* of each list of samples */
    int32_t count[SY_TIMINGS]; /* samples so far */
    double samples[];          /* SY_TIMINGS lists of `room` seconds, one a step */
};

/* Bytes of figures with room for so many samples of each timing. */
size_t sy_figures_bytes(int32_t room);
const double *sy_figures_samples(const struct sy_figures *figures, enum sy_timing timing);

/* How to come by the experiment. The process that measures makes it, so that this is part of its start. */
struct sy_subject_source {
    /* The config, with all layers; NULL after a problem. */
    struct sy_setting *(*config)(const void *context, struct sy_registry *registry, struct sy_problems *problems);
    const void *context;
    /* NULL: the config's data set is read. Else one batch of random images of this shape, always the same. */
    const struct sy_dataset_info *images;
    int32_t steps; /* counted steps of each timing in a round; 0: as many as take a second, 3 to 50 */
};

struct sy_subject;

/* Makes the experiment and does the first step. NULL after a failure, which is in `figures`. */
struct sy_subject *sy_subject_create(const struct sy_subject_source *source, struct sy_figures *figures);
void sy_subject_destroy(struct sy_subject *subject);

/* A round: some steps of each timing, the first of each not counted. False after a failure, as above. */
bool sy_subject_round(struct sy_subject *subject, struct sy_figures *figures);
/* The loader on its own; nothing where there is none. */
bool sy_subject_loader(struct sy_subject *subject, struct sy_figures *figures);
/* Notes the peak memory so far. */
void sy_subject_memory(struct sy_figures *figures);

const struct sy_experiment *sy_subject_experiment(const struct sy_subject *subject);

#endif
