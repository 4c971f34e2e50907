/* results.h - what finished runs say of themselves. */
#ifndef TEST_RESULTS_H
#define TEST_RESULTS_H

/* Whether two result.json agree in everything but what the runs cost. */
int same_result(const char *one, const char *other);

#endif
