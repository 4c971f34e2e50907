/* follow.h - parameters that follow another node's: moving averages of them (nodes.X.ema), and one set of parameters at
 * several places (nodes.X.weights_of). Everything travels through host memory, parameter by parameter, in canonical form;
 * the arithmetic is in double, rounded once. */
#ifndef SY_TRAIN_FOLLOW_H
#define SY_TRAIN_FOLLOW_H

#include "cohort.h"

/* Takes memory and gives all who follow what they start from: the other's parameters and statistics, unless an average has
 * initial weights of its own. */
int sy_follow_start(struct sy_cohort *cohort, struct sy_error *err);
void sy_follow_finish(struct sy_cohort *cohort);

/* Moves the running statistics of a node. Where several nodes have the same parameters, they move one set of statistics
 * one after the other, in the order of the config. */
int sy_follow_statistics(struct sy_cohort *cohort, int32_t index, struct sy_error *err);
/* Whether the statistics of an average are somebody else's business than its own forwards'. */
bool sy_follow_moves_statistics(const struct sy_node *node);

/* Before a node's update: adds the gradients of those that have its parameters and went backward to its own. */
int sy_follow_gather(struct sy_cohort *cohort, int32_t index, struct sy_error *err);

/* After all updates: moves averages, and gives those that share parameters the new ones. */
int sy_follow(struct sy_cohort *cohort, const struct sy_moment *now, struct sy_error *err);

#endif
