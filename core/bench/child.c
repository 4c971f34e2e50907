/* child.c - see child.h. */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static bool read_byte(int file, char *out) {
    ssize_t got;
    do {
        got = read(file, out, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1;
}

/* Never to end in a signal: the other side may be gone. */
static bool write_byte(int file, char byte) {
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    ssize_t put;
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, &before);
    do {
        put = write(file, &byte, 1);
    } while (put < 0 && errno == EINTR);
    sigaction(SIGPIPE, &before, NULL);
    return put == 1;
}

static void serve_all(const struct sy_child *child, int in, int out, sy_child_serve serve, void *context) {
    char command;
    while (read_byte(in, &command) && command != SY_CHILD_END) {
        if (!write_byte(out, serve(context, child->shared, command) ? '+' : '-')) {
            break;
        }
    }
    serve(context, child->shared, SY_CHILD_END);
    /* Not exit: what the parent had not yet written to its streams is not to be written twice. */
    _exit(0);
}

int sy_child_start(struct sy_child *child, size_t bytes, sy_child_serve serve, void *context, struct sy_error *err) {
    int to[2] = {-1, -1}, from[2] = {-1, -1};
    *child = (struct sy_child){.bytes = bytes, .to = -1, .from = -1};
    child->shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (child->shared == MAP_FAILED) {
        child->shared = NULL;
        return sy_fail(err, SY_ENOMEM, "no %zu bytes for a process to share", bytes);
    }
    if (pipe(to) != 0 || pipe(from) != 0 || (child->pid = fork()) < 0) {
        int status = sy_fail(err, SY_ENOMEM, "no process to be had: %s", strerror(errno));
        for (int i = 0; i < 2; i++) {
            close(to[i]);
            close(from[i]);
        }
        child->pid = 0;
        sy_child_finish(child);
        return status;
    }
    if (child->pid == 0) {
        close(to[1]);
        close(from[0]);
        serve_all(child, to[0], from[1], serve, context);
    }
    close(to[0]);
    close(from[1]);
    child->to = to[1];
    child->from = from[0];
    return SY_OK;
}

static int tell_death(struct sy_child *child, struct sy_error *err) {
    int how = 0;
    waitpid(child->pid, &how, 0);
    child->pid = 0;
    if (WIFSIGNALED(how)) {
        return sy_fail(err, SY_EIO, "its process died of signal %d (%s)", WTERMSIG(how), strsignal(WTERMSIG(how)));
    }
    return sy_fail(err, SY_EIO, "its process ended with code %d before it had answered", WEXITSTATUS(how));
}

int sy_child_ask(struct sy_child *child, char command, struct sy_error *err) {
    char answer;
    if (!child->pid) {
        return sy_fail(err, SY_EINVAL, "its process has ended");
    }
    if (!write_byte(child->to, command) || !read_byte(child->from, &answer)) {
        return tell_death(child, err);
    }
    return answer == '+';
}

void sy_child_finish(struct sy_child *child) {
    if (child->pid > 0) {
        write_byte(child->to, SY_CHILD_END);
        waitpid(child->pid, NULL, 0);
    }
    if (child->shared) {
        if (child->to >= 0) {
            close(child->to);
            close(child->from);
        }
        munmap(child->shared, child->bytes);
    }
    *child = (struct sy_child){0};
}
