/* totals.c - see totals.h. */
#include "totals.h"

#include <stdlib.h>

bool sy_totals_init(struct sy_totals *totals, const struct sy_experiment *experiment) {
    *totals = (struct sy_totals){0};
    totals->nodes = calloc((size_t)experiment->n_nodes, sizeof *totals->nodes);
    totals->gates = calloc((size_t)experiment->n_gates + 1, sizeof *totals->gates);
    for (int32_t i = 0; totals->nodes && i < experiment->n_nodes; i++) {
        totals->nodes[i].best_accuracy = -1;
        totals->nodes[i].best_epoch = -1;
        totals->nodes[i].best_val_accuracy = -1;
        totals->nodes[i].best_val_epoch = -1;
    }
    return totals->nodes && totals->gates;
}

void sy_totals_finish(struct sy_totals *totals) {
    free(totals->nodes);
    free(totals->gates);
    *totals = (struct sy_totals){0};
}

void sy_totals_reset(struct sy_totals *totals, const struct sy_experiment *experiment) {
    totals->samples = totals->steps = totals->skipped = 0;
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        struct sy_node_totals *node = &totals->nodes[i];
        node->loss = 0;
        node->correct = node->on = node->spent = node->saved = 0;
        node->test = node->val = (struct sy_score){0};
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        totals->gates[g].expert = 0;
    }
}

void sy_totals_add(struct sy_totals *totals, const struct sy_cohort *cohort, int32_t samples) {
    const struct sy_experiment *experiment = cohort->experiment;
    totals->samples += samples;
    totals->steps++;
    totals->run_samples += samples;
    totals->run_steps++;
    totals->skipped_in_row = 0;
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        const struct sy_member *member = &cohort->members[i];
        struct sy_node_totals *node = &totals->nodes[i];
        int64_t forward = member->multiply_adds * samples;
        node->loss += member->loss * samples;
        node->correct += member->correct;
        node->on += member->on;
        /* backward is two passes of the same size: with respect to inputs and to weights; pausing saves what would have
         * been spent */
        int64_t spent = member->on ? 3 * forward : forward;
        int64_t saved = member->on || member->node->frozen ? 0 : 2 * forward;
        node->spent += spent;
        node->saved += saved;
        node->run_spent += spent;
        node->run_saved += saved;
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        int64_t expert = cohort->decisions[g].mode == SY_EXPERT;
        totals->gates[g].expert += expert;
        totals->gates[g].run_expert += expert;
    }
}

void sy_totals_skip(struct sy_totals *totals) {
    totals->steps++;
    totals->run_steps++;
    totals->skipped++;
    totals->run_skipped++;
    totals->skipped_in_row++;
}

double sy_totals_expert_share(const struct sy_totals *totals, const struct sy_experiment *experiment) {
    int64_t expert = 0, gates = 0, decided = totals->run_steps - totals->run_skipped;
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        if (!experiment->gates[g].watch_only) {
            expert += totals->gates[g].run_expert;
            gates++;
        }
    }
    return gates && decided ? (double)expert / (double)(gates * decided) : -1;
}
