/* jobs.h - runs in processes of their own: this program started anew, and what it says on the way.
 *
 * A job's standard output and errors are one pipe to here. Whole lines are handed out; those of a display (progress.h)
 * on a wire begin with SY_WIRE and say what they are, all others are what anybody printed. A job ends with this process,
 * however that ends (SIGKILL included). It ignores SIGINT, which a terminal sends to all, and stops by SIGTERM. */
#ifndef SY_CLI_JOBS_H
#define SY_CLI_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <switchyard/error.h>

#define SY_WIRE '\001'

struct sy_job {
    pid_t pid; /* 0: free */
    int pipe;
    char text[8192]; /* what came since the last whole line */
    size_t used;
    void *context; /* the user's */
};

/* Starts this program with these arguments (argv[0] and all, NULL-terminated). */
int sy_job_start(struct sy_job *job, char *const *argv, struct sy_error *err);

/* What happens with jobs; called by sy_jobs_wait. */
struct sy_job_events {
    void (*line)(void *context, struct sy_job *job, const char *line);
    /* It has ended; how: as waitpid tells it. The job is free afterwards. */
    void (*end)(void *context, struct sy_job *job, int how);
    void *context;
};

/* Waits for something to happen, for at most so many milliseconds or until a signal, and tells of it. */
void sy_jobs_wait(struct sy_job *jobs, size_t count, int milliseconds, const struct sy_job_events *events);
/* Sends a signal to all that run. */
void sy_jobs_signal(const struct sy_job *jobs, size_t count, int number);

#endif
