/* cohort.h - the nodes of an experiment at work: their plans, outputs, gradients and what a step tells of them.
 *
 * Everything is allocated by sy_cohort_create; a step allocates nothing. */
#ifndef SY_TRAIN_COHORT_H
#define SY_TRAIN_COHORT_H

#include "decide.h"
#include "experiment.h"
#include "moment.h"
#include "signals.h"

/* A node at work. */
struct sy_member {
    const struct sy_node *node;
    struct sy_plan *plan;
    int32_t n_outputs;
    struct sy_tensor *inputs; /* of the next forward, one per link */
    const struct sy_tensor **input_pointers;
    struct sy_tensor *outputs;                  /* of the last forward; [0] is logits where the node has some */
    float **gradients;                          /* per output: d loss / d output, added up over label loss and edges */
    struct sy_tensor *gradient_tensors;         /* the same as tensors of the batch's size */
    const struct sy_tensor **gradient_pointers; /* NULL where nothing flows */
    bool *flows;                                /* per output: some gradient reached it this step */
    struct sy_signals *signals;                 /* per output: of those that are a number for each class */
    int64_t multiply_adds;                      /* of one sample's forward pass */
    int64_t updates;                            /* optimiser steps so far */
    const char *const *card;                    /* metadata of its files of weights: model_card.h */

    /* what the last step says */
    double loss, label_loss, lr;
    int32_t correct; /* samples whose largest logit is their label's */
    bool on;         /* it learnt */
};

enum sy_phase {
    SY_PHASE_FORWARD,
    SY_PHASE_POLICY,
    SY_PHASE_LOSS,
    SY_PHASE_BACKWARD,
    SY_PHASE_UPDATE,
    SY_PHASE_LOADER, /* waiting for a batch */
    SY_PHASE_RECORD, /* journals and progress */
    SY_PHASES
};

struct sy_cohort {
    struct sy_experiment *experiment;         /* borrowed */
    struct sy_member *members;                /* n_nodes */
    struct sy_decision *decisions;            /* n_gates */
    struct sy_deciding deciding;              /* what policies see */
    struct sy_recording *recording;           /* where that is kept, NULL: nowhere; borrowed */
    float *scratch;                           /* a gradient as a loss writes it; as large as the largest output */
    float **source_scratch;                   /* for attached edges: per source */
    const struct sy_tensor **tensor_pointers; /* as many as the widest edge has sources, and one */
    float *follow_scratch[2];                 /* the largest parameter of one that follows; NULL where nobody does */
    float *parameter_scratch;                 /* the largest parameter of all */
    double rate_factor;                       /* on every node's learning rate; 1 unless somebody sets it */
    int32_t not_finite;                       /* the last step failed by a number of this node's; -1: it did not */
    double seconds[SY_PHASES];                /* since somebody zeroed them */
    /* For measuring: 1 + enum sy_mode makes that the mode of every gate that is not only watched, with weights of 1,
     * whatever its policy (which is asked all the same) decides. 0: as they decide. */
    int32_t forced_mode;
};

/* Plans with initial weights. */
int sy_cohort_create(struct sy_cohort **out, struct sy_experiment *experiment, struct sy_error *err);
void sy_cohort_destroy(struct sy_cohort *cohort);

/* One batch through everything (design: "A batch's way through the program"). Results are in members and decisions. A
 * loss that is not finite, or a plugin that fails, ends it with the name of who it was. */
int sy_cohort_step(struct sy_cohort *cohort, const struct sy_batch *batch, const struct sy_moment *now,
                   struct sy_error *err);

/* Forward of all nodes in evaluation mode, on view 0: outputs and signals of the members are of this batch then. */
int sy_cohort_infer(struct sy_cohort *cohort, const struct sy_batch *batch, struct sy_error *err);

/* The loss of an edge on a batch that went forward just now, without its weight. The loss's own state moves. */
int sy_cohort_edge_loss(struct sy_cohort *cohort, int32_t edge, const struct sy_batch *batch,
                        const struct sy_moment *now, double *value, struct sy_error *err);

/* Whether every gate of a teacher says expert: it is paused. */
bool sy_cohort_paused(const struct sy_cohort *cohort, int32_t node);

double sy_seconds_now(void);

#endif
