/* order.h - in which order an epoch visits the samples. */
#ifndef SY_DATA_ORDER_H
#define SY_DATA_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* order: (count), count <= UINT32_MAX. A Fisher-Yates shuffle keyed by (seed, epoch), or 0 .. count-1. */
void sy_order_make(int64_t *order, int64_t count, bool shuffle, uint64_t seed, int64_t epoch);

#endif
