/* jobs.c - see jobs.h. */
#include "jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between fork and exec: only what a signal handler might do. */
_Noreturn static void become(int out, char *const *argv, pid_t parent) {
    static const char trouble[] = "switchyard: this program cannot be started anew from /proc/self/exe\n";
    int nothing = open("/dev/null", O_RDONLY);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && nothing >= 0 && dup2(nothing, 0) == 0 &&
        dup2(out, 1) == 1 && dup2(out, 2) == 2) {
        execv("/proc/self/exe", argv);
        ssize_t written = write(2, trouble, sizeof trouble - 1);
        (void)written;
    }
    _exit(127);
}

int sy_job_start(struct sy_job *job, char *const *argv, struct sy_error *err) {
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return sy_fail(err, SY_EIO, "no pipe to a process: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(ends[1], argv, parent);
    }
    int why = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return sy_fail(err, SY_EIO, "no process to be had: %s", strerror(why));
    }
    job->pid = pid;
    job->pipe = ends[0];
    job->used = 0;
    return SY_OK;
}

/* Hands out the whole lines; one that is longer than the room is handed out in pieces. */
static void tell_lines(struct sy_job *job, bool all, const struct sy_job_events *events) {
    char *start = job->text, *end = job->text + job->used, *stop;
    while ((stop = memchr(start, '\n', (size_t)(end - start)))) {
        *stop = 0;
        events->line(events->context, job, start);
        start = stop + 1;
    }
    job->used = (size_t)(end - start);
    memmove(job->text, start, job->used);
    if (job->used && (all || job->used == sizeof job->text - 1)) {
        job->text[job->used] = 0;
        job->used = 0;
        events->line(events->context, job, job->text);
    }
}

static void take(struct sy_job *job, const struct sy_job_events *events) {
    ssize_t got = read(job->pipe, job->text + job->used, sizeof job->text - 1 - job->used);
    if (got < 0 && errno == EINTR) {
        return;
    }
    if (got > 0) {
        job->used += (size_t)got;
        tell_lines(job, false, events);
        return;
    }
    int how = 0;
    tell_lines(job, true, events);
    while (waitpid(job->pid, &how, 0) < 0 && errno == EINTR) {
    }
    close(job->pipe);
    job->pid = 0;
    events->end(events->context, job, how);
}

#define MOST_AT_ONCE 256

void sy_jobs_wait(struct sy_job *jobs, size_t count, int milliseconds, const struct sy_job_events *events) {
    struct pollfd polled[MOST_AT_ONCE];
    struct sy_job *of[MOST_AT_ONCE];
    nfds_t n = 0;
    for (size_t i = 0; i < count && n < MOST_AT_ONCE; i++) {
        if (jobs[i].pid) {
            polled[n] = (struct pollfd){.fd = jobs[i].pipe, .events = POLLIN};
            of[n++] = &jobs[i];
        }
    }
    if (poll(polled, n, milliseconds) <= 0) {
        return;
    }
    for (nfds_t k = 0; k < n; k++) {
        if (polled[k].revents) {
            take(of[k], events);
        }
    }
}

void sy_jobs_signal(const struct sy_job *jobs, size_t count, int number) {
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].pid) {
            kill(jobs[i].pid, number);
        }
    }
}
