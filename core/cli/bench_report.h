/* bench_report.h - what was measured, as a table or as JSON. */
#ifndef SY_CLI_BENCH_REPORT_H
#define SY_CLI_BENCH_REPORT_H

#include "../bench/child.h"
#include "../bench/machine.h"
#include "../bench/subject.h"
#include "bench_source.h"

/* A case with its process; figures lie in what the two share. */
struct sy_bench_case {
    struct sy_bench_wish wish;
    struct sy_subject_source source;
    const char *title;
    struct sy_subject *subject; /* in the process that measures */
    struct sy_child child;
};

void sy_bench_print(FILE *out, const struct sy_machine *machine, const struct sy_bench_case *cases, int32_t count,
                    int32_t rounds);
/* One object; with several cases they are its array `results`, with one it is that. False when memory is used up. */
bool sy_bench_print_json(FILE *out, const struct sy_machine *machine, const struct sy_bench_case *cases, int32_t count,
                         int32_t rounds);

#endif
