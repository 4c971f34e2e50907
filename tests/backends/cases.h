/* cases.h - small graphs that between them have every operator in every guise. */
#ifndef TEST_BACKENDS_CASES_H
#define TEST_BACKENDS_CASES_H

#include "graph/graph_builder.h"

struct op_case {
    const char *name;
    int32_t kind; /* of the operator in question; 0: see `compose` */
    struct sy_shape in;
    int32_t n_inputs; /* all of that shape; 1 when 0 */
    int32_t channels, kernel, stride, padding, groups, bias, output_padding;
    int32_t before, after;
    int32_t first; /* slice: `channels` from here on */
    double eps;
    int32_t single; /* the last input has one channel */
    /* A graph of several operators, outputs included. */
    void (*compose)(const struct sy_builder *b, const int32_t *inputs);
    double spread;     /* of the inputs: 4 when 0 */
    int32_t evaluated; /* worth a look in evaluation mode too */
};

extern const struct op_case op_cases[];
extern const size_t n_op_cases;

/* The case of that name; a mistake ends the test, here and in building. */
const struct op_case *case_find(const char *name);
struct sy_built_graph *case_build(const struct op_case *op_case);
/* Elements of the longest sum in a step: a window, or a batch of images. */
double case_longest_sum(const struct sy_graph *graph, int32_t batch);
/* Smallest batch worth normalising: 1 unless a batch norm sees vectors or single pixels. */
int32_t case_least_batch(const struct sy_graph *graph);

#endif
