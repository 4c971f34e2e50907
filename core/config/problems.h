/* problems.h - everything that is wrong with a configuration, collected and told in one go.
 *
 * A problem is one line, `file:line: path: what was wrong, and what would be right`. Nothing is written or trained
 * while there is one; the program prints them all and ends with exit code 2. */
#ifndef SY_CONFIG_PROBLEMS_H
#define SY_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <switchyard/error.h>

struct sy_setting;
struct sy_problems;

/* NULL when memory is used up. */
struct sy_problems *sy_problems_create(void);
void sy_problems_destroy(struct sy_problems *problems);

/* Adds one. `at` says where (its file, line and path are put in front); NULL: no place, only the text. */
SY_PRINTF(3, 4)
void sy_problem(struct sy_problems *problems, const struct sy_setting *at, const char *format, ...);
/* The same for a place that is not a setting; line 0: only the file. */
SY_PRINTF(4, 5)
void sy_problem_in(struct sy_problems *problems, const char *file, int line, const char *format, ...);

/* Adds those of `from` that are not there word for word already. */
void sy_problems_add(struct sy_problems *problems, const struct sy_problems *from);

size_t sy_problems_count(const struct sy_problems *problems);
const char *sy_problems_text(const struct sy_problems *problems, size_t index);
/* Whether one of them is that memory was used up, rather than that something is wrong with a file. */
bool sy_problems_no_memory(const struct sy_problems *problems);
/* One a line, in the order of files and lines where known. */
void sy_problems_print(const struct sy_problems *problems, FILE *out);

/* The known name nearest to `name` (edit distance at most a third of its length, at least 1), or NULL. */
const char *sy_nearest_name(const char *name, const char *const *known, size_t count);

#endif
