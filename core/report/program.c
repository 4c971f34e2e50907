/* program.c - see program.h. */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_FOUND 127

/* In the child: only calls that are safe after a fork of a program with threads. */
static void become(const char *folder, char *const *arguments, int told) {
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

int sy_program_run(const char *folder, char *const *arguments, const char *package, struct sy_error *err) {
    char said[1024] = "";
    int pipes[2], status = 0;
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        return sy_fail(err, SY_EIO, "%s cannot be started: %s", arguments[0], strerror(errno));
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
        return sy_fail(err, SY_EIO, "%s cannot be started: %s", arguments[0], strerror(errno));
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
        return sy_fail(err, SY_ENOTSUP, "there is no program %s here (Debian: %s)", arguments[0], package);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return sy_fail(err, SY_EIO, "%s failed: %s", arguments[0], said[0] ? said : "it said nothing");
    }
    return SY_OK;
}
