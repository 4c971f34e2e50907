/* evaluate.c - see evaluate.h. */
#include "evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one node --------------------------------------------------------------------------------------------------- */

static double share(double part, int64_t whole) {
    return whole > 0 ? part / (double)whole : (double)NAN;
}

double sy_score_accuracy(const struct sy_score *score) {
    return share((double)score->correct, score->samples);
}

double sy_score_top5(const struct sy_score *score) {
    return share((double)score->top5, score->samples);
}

double sy_score_nll(const struct sy_score *score) {
    return share(score->loss, score->samples);
}

/* sum_b n_b / n |correct_b / n_b - confidence_b / n_b|, in which n_b falls out. */
double sy_score_ece(const struct sy_score *score) {
    double sum = 0;
    for (size_t b = 0; b < SY_BINS; b++) {
        sum += fabs((double)score->bins[b].correct - score->bins[b].confidence);
    }
    return share(sum, score->samples);
}

static size_t bin_of(double confidence) {
    double upper = ceil(confidence * SY_BINS);
    if (!(upper > 1)) { /* also where it is not a number */
        return 0;
    }
    return upper < SY_BINS ? (size_t)upper - 1 : SY_BINS - 1;
}

int32_t sy_score_add(struct sy_score *score, const float *logits, const double *log_p, int32_t classes, int32_t label) {
    int32_t said = 0, ahead = 0; /* ahead: classes that come before the label */
    for (int32_t c = 0; c < classes; c++) {
        said = logits[c] > logits[said] ? c : said;
        ahead += logits[c] > logits[label] || (c < label && logits[c] == logits[label]);
    }
    double confidence = exp(log_p[said]);
    struct sy_bin *bin = &score->bins[bin_of(confidence)];
    score->samples++;
    score->correct += said == label;
    score->top5 += ahead < 5;
    score->loss -= log_p[label];
    bin->count++;
    bin->correct += said == label;
    bin->confidence += confidence;
    return said;
}

/* ---- all nodes -------------------------------------------------------------------------------------------------- */

static size_t confusion_count(const struct sy_evaluation *evaluation) {
    return (size_t)evaluation->n_nodes * (size_t)evaluation->classes * (size_t)evaluation->classes;
}

bool sy_evaluation_init(struct sy_evaluation *evaluation, const struct sy_experiment *experiment) {
    size_t nodes = (size_t)experiment->n_nodes;
    *evaluation = (struct sy_evaluation){.n_nodes = experiment->n_nodes, .classes = experiment->dataset_info.classes};
    bool confused = evaluation->classes <= SY_MOST_CONFUSED_CLASSES;
    evaluation->scores = calloc(nodes, sizeof *evaluation->scores);
    evaluation->agreed = calloc(nodes * nodes, sizeof *evaluation->agreed);
    evaluation->said = calloc(nodes * (size_t)experiment->data.batch, sizeof *evaluation->said);
    evaluation->confusion = confused ? calloc(confusion_count(evaluation), sizeof *evaluation->confusion) : NULL;
    return evaluation->scores && evaluation->agreed && evaluation->said && (evaluation->confusion || !confused);
}

void sy_evaluation_finish(struct sy_evaluation *evaluation) {
    free(evaluation->scores);
    free(evaluation->agreed);
    free(evaluation->said);
    free(evaluation->confusion);
    *evaluation = (struct sy_evaluation){0};
}

static void clear(struct sy_evaluation *evaluation) {
    size_t nodes = (size_t)evaluation->n_nodes;
    memset(evaluation->scores, 0, nodes * sizeof *evaluation->scores);
    memset(evaluation->agreed, 0, nodes * nodes * sizeof *evaluation->agreed);
    if (evaluation->confusion) {
        memset(evaluation->confusion, 0, confusion_count(evaluation) * sizeof *evaluation->confusion);
    }
}

static void add_node(struct sy_evaluation *evaluation, int32_t node, struct sy_member *member,
                     const struct sy_batch *batch) {
    size_t classes = (size_t)evaluation->classes;
    int32_t *said = evaluation->said + (size_t)node * (size_t)batch->count;
    for (int32_t b = 0; b < batch->count && !member->node->has_logits; b++) {
        said[b] = -1 - node; /* as nobody else */
    }
    if (!member->node->has_logits) {
        return;
    }
    const float *logits = member->outputs[0].data;
    const double *log_p = sy_signals_log_probabilities(&member->signals[0], 1);
    for (int32_t b = 0; b < batch->count; b++) {
        size_t row = (size_t)b * classes;
        said[b] =
            sy_score_add(&evaluation->scores[node], logits + row, log_p + row, evaluation->classes, batch->labels[b]);
        if (evaluation->confusion) {
            evaluation->confusion[((size_t)node * classes + (size_t)batch->labels[b]) * classes + (size_t)said[b]]++;
        }
    }
}

static void add_agreement(struct sy_evaluation *evaluation, int32_t count) {
    for (int32_t i = 0; i < evaluation->n_nodes; i++) {
        for (int32_t j = 0; j < evaluation->n_nodes; j++) {
            const int32_t *one = evaluation->said + (size_t)i * (size_t)count;
            const int32_t *other = evaluation->said + (size_t)j * (size_t)count;
            for (int32_t b = 0; b < count; b++) {
                evaluation->agreed[i * evaluation->n_nodes + j] += one[b] == other[b];
            }
        }
    }
}

int sy_evaluate(struct sy_evaluation *evaluation, struct sy_cohort *cohort, struct sy_loader *loader,
                struct sy_error *err) {
    struct sy_batch batch;
    clear(evaluation);
    int more, status = sy_loader_start(loader, 0, 0, err);
    while (status == SY_OK && (more = sy_loader_next(loader, &batch, err)) != 0) {
        status = more < 0 ? more : sy_cohort_infer(cohort, &batch, err);
        for (int32_t i = 0; status == SY_OK && i < evaluation->n_nodes; i++) {
            add_node(evaluation, i, &cohort->members[i], &batch);
        }
        if (status == SY_OK) {
            add_agreement(evaluation, batch.count);
        }
    }
    return status;
}

double sy_evaluation_agreement(const struct sy_evaluation *evaluation, int32_t one, int32_t other) {
    return share((double)evaluation->agreed[one * evaluation->n_nodes + other], evaluation->scores[one].samples);
}
