/* child.h - work in a process of its own, asked for command by command.
 *
 * The child is forked, so it knows what the parent knew; what it finds out it writes into memory both share. The parent
 * must have no threads of its own when it starts one. */
#ifndef SY_BENCH_CHILD_H
#define SY_BENCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <switchyard/error.h>

struct sy_child {
    pid_t pid;    /* 0: not running */
    int to, from; /* pipes */
    void *shared; /* zeroed at the start; the parent's until sy_child_finish */
    size_t bytes;
};

/* The last command: to give back what is held; nobody waits for the answer. All others are the user's own. */
#define SY_CHILD_END '.'

/* Answers one command in the child; false: it failed, and `shared` says why. context is as it was at the fork. */
typedef bool (*sy_child_serve)(void *context, void *shared, char command);

int sy_child_start(struct sy_child *child, size_t bytes, sy_child_serve serve, void *context, struct sy_error *err);
/* Waits for the answer. 1: done; 0: failed, `shared` says why; negative: the process died. */
int sy_child_ask(struct sy_child *child, char command, struct sy_error *err);
/* Ends the process and gives the memory back. A struct of zeros is fine. */
void sy_child_finish(struct sy_child *child);

#endif
