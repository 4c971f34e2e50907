/* made_up.h - a suite's folder as `compare` leaves it, with figures that are drawn, not trained. */
#ifndef TESTS_REPORT_MADE_UP_H
#define TESTS_REPORT_MADE_UP_H

#include <stdint.h>

struct made_up {
    int32_t variants, seeds, epochs, steps; /* steps of an epoch; 0: no steps.jsonl */
    int32_t classes;                        /* of predictions.json; 0: none */
    int same;                               /* all variants alike, to the bit */
    int extreme;                            /* -1: every accuracy is 0; 1: all are 1; and vanilla took no time */
};

/* Makes FOLDER/suite.json and FOLDER/VARIANT/seed-N; variants are called vanilla, dml, switokd, v4, v5, ...; seeds count
 * from 1; nodes are teacher and student. The same arguments make the same bytes. Returns 0, or -1 where a file could
 * not be written. */
int make_suite(const char *folder, const struct made_up *wish);
/* One run of it. */
int make_run(const char *folder, const struct made_up *wish, int32_t variant, int32_t seed, int finished);

#endif
