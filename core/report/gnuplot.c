/* gnuplot.c - see gnuplot.h. */
#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_SCRIPTS 64
#define NOT_FOUND    127

/* In the child: only calls that are safe after a fork of a program with threads. */
static void become(const char *folder, char **arguments, int told) {
    int nothing = open("/dev/null", O_RDWR);
    if (chdir(folder) == 0 && nothing >= 0 && dup2(nothing, 0) >= 0 && dup2(nothing, 1) >= 0 && dup2(told, 2) >= 0) {
        execvp(arguments[0], arguments);
    }
    _exit(errno == ENOENT ? NOT_FOUND : 126);
}

/* The first line with words that comes through the pipe; the rest is read and forgotten. */
static void first_words(int fd, char *out, size_t room) {
    char block[4096];
    size_t used = 0;
    ssize_t got;
    while ((got = read(fd, block, sizeof block)) > 0 || (got < 0 && errno == EINTR)) {
        for (ssize_t i = 0; i < got && used + 1 < room; i++) {
            out[used++] = block[i];
        }
    }
    out[used] = 0;
    const char *words = out + strspn(out, " \t\r\n^");
    memmove(out, words, strlen(words) + 1);
    out[strcspn(out, "\r\n")] = 0;
}

int sy_gnuplot_run(const char *folder, const char *kinds, const char *const *scripts, size_t count,
                   struct sy_error *err) {
    char wish[64], program[] = "gnuplot", defaults[] = "-d", execute[] = "-e", said[1024];
    char *arguments[MOST_SCRIPTS + 5] = {program, defaults, execute, wish};
    int pipes[2], status = 0;
    snprintf(wish, sizeof wish, "kinds='%s'", kinds);
    for (size_t i = 0; i < count && i < MOST_SCRIPTS; i++) {
        arguments[4 + i] = (char *)(uintptr_t)scripts[i];
    }
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        return sy_fail(err, SY_EIO, "gnuplot cannot be started: %s", strerror(errno));
    }
    pid_t child = fork();
    if (child == 0) {
        become(folder, arguments, pipes[1]);
    }
    close(pipes[1]);
    if (child > 0) {
        first_words(pipes[0], said, sizeof said);
    }
    close(pipes[0]);
    if (child < 0) {
        return sy_fail(err, SY_EIO, "gnuplot cannot be started: %s", strerror(errno));
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
        return sy_fail(err, SY_ENOTSUP, "there is no program gnuplot here (Debian: gnuplot-nox)");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return sy_fail(err, SY_EIO, "gnuplot failed: %s", said[0] ? said : "it said nothing");
    }
    return SY_OK;
}
