/* test_terminal.c - what a person sees on a terminal: a line that follows the run and never wraps, a board of the runs of a
 * suite, and nothing of both left standing in the end. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

TestSuite(terminal, .init = program_setup, .fini = program_teardown);

enum { COLUMNS = 60, ROOM = 1 << 20 };

static void become(char *const *argv, const char *name) {
    int terminal = setsid() < 0 ? -1 : open(name, O_RDWR);
    struct winsize size = {.ws_col = COLUMNS, .ws_row = 24};
    if (terminal >= 0 && ioctl(terminal, TIOCSWINSZ, &size) == 0 && dup2(terminal, 0) == 0 && dup2(terminal, 1) == 1 &&
        dup2(terminal, 2) == 2) {
        close(terminal);
        execv(getenv("SWITCHYARD_PROGRAM"), argv);
    }
    _exit(127);
}

/* Waits until the program has written, so has the terminal open, or has died. */
static void wait_for(int controller, pid_t child) {
    struct pollfd polled = {.fd = controller, .events = POLLIN};
    siginfo_t ended = {0};
    while (poll(&polled, 1, 100) == 0 && waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           !ended.si_pid) {
    }
}

/* Runs the program on a terminal of its own and interrupts it once it has written `until` (NULL: never); everything that it
 * wrote, to be freed, and its exit code. */
static char *on_terminal(int *code, char *const *argv, const char *until) {
    char *text = calloc(1, ROOM);
    size_t used = 0;
    ssize_t got;
    int how, controller = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(text && controller >= 0 && grantpt(controller) == 0 && unlockpt(controller) == 0);
    const char *name = ptsname(controller);
    int held = open(name, O_RDWR | O_NOCTTY); /* until the program has it open there would be an end */
    pid_t child = fork();
    cr_assert(held >= 0 && child >= 0);
    if (child == 0) {
        close(controller);
        close(held);
        become(argv, name);
    }
    wait_for(controller, child);
    close(held);
    while (used + 1 < ROOM && (got = read(controller, text + used, ROOM - 1 - used)) > 0) {
        used += (size_t)got;
        if (until && strstr(text, until)) {
            kill(child, SIGINT);
            until = NULL;
        }
    }
    close(controller);
    cr_assert_eq(waitpid(child, &how, 0), child);
    *code = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    return text;
}

/* Columns of the longest piece that stands on one line. */
static size_t widest(const char *text) {
    size_t most = 0;
    while (*text) {
        size_t length = strcspn(text, "\r\n\033");
        most = length > most ? length : most;
        text += length;
        text += strspn(text, "\r\n");
        if (*text == '\033') {
            text += strcspn(text, "ABCDHJKm") + 1;
        }
    }
    return most;
}

/* Trains until it is interrupted, in epochs that take far longer than lines wait: how fast the machine is does not matter. */
#define ENDLESS                                                                                                 \
    "--set", "train.epochs=1000", "--set", "data.train=4000", "--set", "data.limit=0", "--set", "data.batch=4", \
        "--set", "nodes.teacher.hidden=[300]"
#define WORDS(...) ((char *const *)(uintptr_t)(const char *const[]){"switchyard", __VA_ARGS__, NULL})

Test(terminal, a_run_has_one_line_that_never_wraps_and_goes_when_it_ends, .timeout = 300) {
    int code;
    write_small("small.cfg", "");
    char *text = on_terminal(&code, WORDS("run", "small.cfg", "--out", "r", ENDLESS), "step ");
    cr_expect_eq(code, 130, "%s", text);
    char *live = strstr(text, "step "), *gone = live ? strstr(live, "\r\033[K") : NULL;
    cr_assert(gone, "no line was shown and taken away: %s", text);
    cr_expect(strstr(gone, "--resume"), "then it says how to go on");
    while (live > text && !strchr("\nK", live[-1])) {
        live--;
    }
    cr_expect_lt(widest(live), COLUMNS, "%.*s", (int)(gone - live), live);
    free(text);
}

Test(terminal, a_suite_has_a_board_that_is_drawn_anew, .timeout = 300) {
    int code;
    write_small("small.cfg", "");
    write_text("suite.cfg", "suite = \"s\"; base = \"small.cfg\"; seeds = [1, 2];\n"
                            "variants: { dml: { policy: { plugin = \"learning\"; }; }; switokd: { }; };\n");
    char *text = on_terminal(&code, WORDS("compare", "suite.cfg", "--out", "s", "--jobs", "2", ENDLESS), "step ");
    cr_expect_eq(code, 130, "%s", text);
    cr_expect(strstr(text, "0 of 4 done, 2 at work, 0 failed; left "), "%s", text);
    cr_expect(strstr(text, "dml seed 1"));
    cr_expect(strstr(text, "\r\033[3A\033[J"), "three lines are taken away: two runs and the suite");
    free(text);
}

Test(terminal, bench_says_what_it_measures_and_takes_it_away, .timeout = 300) {
    int code;
    char *text = on_terminal(&code,
                             WORDS("bench", "--net", "mlp-4", "--backend", "reference", "--threads", "1", "--batch",
                                   "4", "--rounds", "2", "--steps", "3"),
                             NULL);
    cr_expect_eq(code, 0, "%s", text);
    cr_expect(strstr(text, "\r\033[Kstarting: mlp-4") && strstr(text, "\r\033[Kround 2 of 2: mlp-4"), "%s", text);
    cr_expect(strstr(text, "\r\033[Kmachine: 1 thread"), "the tables begin on a clear line: %s", text);
    free(text);
}
