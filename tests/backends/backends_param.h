/* backends_param.h - one parameter of a parameterised test: a backend, and the number of a case. */
#ifndef TEST_BACKENDS_PARAM_H
#define TEST_BACKENDS_PARAM_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "rig.h"

struct backend_case {
    char backend[NAME_ROOM];
    size_t index;
};

static void free_backend_cases(struct criterion_test_params *params) {
    cr_free(params->params);
}

/* Every backend that works here with every case from 0 to n_cases-1. */
static inline struct criterion_test_params backend_cases(size_t n_cases) {
    char names[MAX_BACKENDS][NAME_ROOM];
    size_t n_backends = backend_names(names), count = 0;
    struct backend_case *cases = cr_malloc((n_backends * n_cases + 1) * sizeof *cases);
    for (size_t b = 0; b < n_backends; b++) {
        for (size_t i = 0; i < n_cases; i++) {
            memcpy(cases[count].backend, names[b], NAME_ROOM);
            cases[count++].index = i;
        }
    }
    return cr_make_param_array(struct backend_case, cases, count, free_backend_cases);
}

#endif
