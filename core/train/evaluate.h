/* evaluate.h - what the nodes know of a split: accuracy, likelihood, calibration, confusions, agreement.
 *
 * Nodes run in evaluation mode on view 0, which is never augmented. A node says the class of its largest logit, the first
 * of equal ones; its confidence is that class's probability at temperature 1. */
#ifndef SY_TRAIN_EVALUATE_H
#define SY_TRAIN_EVALUATE_H

#include "cohort.h"

/* Reliability bins: bin b holds the samples whose confidence is in (b / SY_BINS, (b + 1) / SY_BINS]. Naeini et al., AAAI
 * 2015; 15 of them as in Guo et al., On Calibration of Modern Neural Networks, ICML 2017. */
#define SY_BINS 15
/* No confusion matrix above so many classes: nobody reads one, and it grows with their square. */
#define SY_MOST_CONFUSED_CLASSES 200

struct sy_bin {
    int64_t count, correct;
    double confidence; /* sum over its samples */
};

/* Sums over the samples of a split, for one node. */
struct sy_score {
    int64_t samples, correct;
    int64_t top5; /* samples whose label is among the five largest logits */
    double loss;  /* sum of -log p[label], nats */
    struct sy_bin bins[SY_BINS];
};

/* Means of a score; NaN where it has no samples. Shares of 1, nats. */
double sy_score_accuracy(const struct sy_score *score);
double sy_score_top5(const struct sy_score *score);
double sy_score_nll(const struct sy_score *score);
/* Expected calibration error: sum over bins of count / samples * |accuracy - confidence|. */
double sy_score_ece(const struct sy_score *score);

/* Adds one sample; logits and their log-softmax are (classes). Returns the class that was said. */
int32_t sy_score_add(struct sy_score *score, const float *logits, const double *log_p, int32_t classes, int32_t label);

/* All nodes on one split. */
struct sy_evaluation {
    int32_t n_nodes, classes;
    struct sy_score *scores; /* (n_nodes) */
    int64_t *confusion;      /* (n_nodes, classes, classes): samples by label, then by what was said; NULL: too many */
    int64_t *agreed;         /* (n_nodes, n_nodes): samples of which both said the same */
    int32_t *said;           /* (n_nodes, batch): of the batch at hand */
};

/* False when memory is used up; finish is allowed then too. */
bool sy_evaluation_init(struct sy_evaluation *evaluation, const struct sy_experiment *experiment);
void sy_evaluation_finish(struct sy_evaluation *evaluation);

/* Measures all nodes on all batches of the loader, from zero. Draws nothing and changes no weights. */
int sy_evaluate(struct sy_evaluation *evaluation, struct sy_cohort *cohort, struct sy_loader *loader,
                struct sy_error *err);

/* Share of samples of which two nodes said the same; NaN without samples. */
double sy_evaluation_agreement(const struct sy_evaluation *evaluation, int32_t one, int32_t other);

#endif
