/* test_reports.c - `switchyard report` and `watch` from outside: every form of a report of a run, where it is written, and
 * the page until Ctrl-C. What stands in tables and figures is tests/report's business. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

static void setup(void) {
    program_setup();
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out r --quiet"), 0);
}

TestSuite(reports, .init = setup, .fini = program_teardown);

static char *report(const char *form) {
    char arguments[128];
    snprintf(arguments, sizeof arguments, "report r --format %s", form);
    cr_assert_eq(run_program(arguments), 0, "%s", form);
    return read_text("out");
}

Test(reports, every_form_is_what_it_says) {
    static const struct {
        const char *form, *begins, *has;
    } forms[] = {{"text", "", "teacher"},
                 {"md", "", "| --"},
                 {"latex", "", "\\begin{tabular}"},
                 {"csv", "", ",teacher,"},
                 {"json", "{", "\"teacher\""}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char *text = report(forms[i].form);
        cr_expect_eq(strncmp(text, forms[i].begins, strlen(forms[i].begins)), 0, "%s: %s", forms[i].form, text);
        cr_expect(strstr(text, forms[i].has), "%s has no %s:\n%s", forms[i].form, forms[i].has, text);
        free(text);
    }
    json_t *object = json_load_file("out", 0, NULL);
    cr_expect(json_is_object(object));
    json_decref(object);
}

Test(reports, out_writes_the_same_into_a_file_whole_or_not_at_all) {
    char *shown = report("csv");
    cr_assert_eq(run_program("report r --format csv --out t.csv"), 0);
    char *written = read_text("t.csv"), *out = read_text("out");
    cr_expect_str_eq(written, shown);
    cr_expect_str_empty(out);
    cr_expect_eq(run_program("report r --out no/folder/t.txt"), 1);
    cr_expect(said("no/folder/t.txt"));
    cr_expect_eq(run_program("report r --format html --out no/folder/t.html"), 1);
    cr_expect(said("no/folder/t.html"));
    free(shown);
    free(written);
    free(out);
}

Test(reports, the_page_goes_beside_the_run_or_where_out_says) {
    cr_assert_eq(run_program("report r --format html"), 0);
    cr_expect(said("r/report.html") && exists("r/report.html"));
    cr_assert_eq(run_program("report r --format html --out mine.html"), 0);
    cr_expect(said("mine.html"));
    char *page = read_text("mine.html");
    cr_expect(page && strstr(page, "<!DOCTYPE html>") && strstr(page, "</html>") && !strstr(page, "<script src"));
    free(page);
}

Test(reports, figures_are_drawn_or_it_is_told_what_is_missing) {
    cr_assert_eq(run_program("report r --figures"), 0);
    cr_expect(said("figures, their scripts and data are in r/figures"));
    cr_expect_eq(system("ls r/figures/*.gp r/figures/*.dat >/dev/null 2>&1"), 0);
    if (system("gnuplot --version >/dev/null 2>&1") == 0) {
        cr_expect_eq(system("ls r/figures/*.svg r/figures/*.pdf >/dev/null 2>&1"), 0);
    } else {
        cr_expect(said("gnuplot"));
    }
    cr_assert_eq(system("rm -r r/figures && echo >r/figures"), 0);
    cr_expect_eq(run_program("report r --figures"), 2);
    cr_expect(said("r/figures: is there and is no folder; name another"));
    cr_assert_eq(system("rm r/figures && ln -s .. r/figures"), 0);
    cr_expect_eq(run_program("report r --figures"), 2);
    cr_expect(said("r/figures: is a link, and figures go through none; remove it"));
}

Test(reports, a_page_without_room_for_its_figures_says_what_to_do) {
    setenv("TMPDIR", "/nowhere", 1);
    cr_expect_eq(run_program("watch r --port 0"), 1);
    cr_expect(said("no temporary folder can be made for figures; set TMPDIR to where one can"));
    setenv("TMPDIR", "", 1);
    cr_expect_eq(run_program("check small.cfg --svg /nowhere/a.svg"), 1);
    cr_expect(said("/nowhere/a.svg") || said("there is no program dot"));
}

Test(reports, what_is_no_run_is_refused) {
    cr_expect_eq(run_program("report nowhere"), 2);
    cr_expect(said("nowhere"));
    cr_expect_eq(run_program("report . "), 2);
    cr_expect(said("holds neither a suite"));
    cr_expect_eq(run_program("watch . --port 0"), 2);
    cr_expect(said("holds neither a suite"));
    cr_expect_eq(run_program("watch r --port 0 --bind localhost"), 2);
    cr_expect(said("localhost: is no address"));
}

#define WORDS(...) ((char *const *)(uintptr_t)(const char *const[]){"switchyard", "watch", "r", __VA_ARGS__, NULL})

/* Starts `watch` and waits for its line, or its end. */
static pid_t start(char *const *argv) {
    write_text("out", ""); /* nothing of what ran before */
    write_text("err", "");
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        if (freopen("out", "w", stdout) && freopen("err", "w", stderr)) {
            execv(getenv("SWITCHYARD_PROGRAM"), argv);
        }
        _exit(127);
    }
    siginfo_t ended = {0};
    while (!said("until Ctrl-C") && waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           !ended.si_pid) {
        usleep(20000);
    }
    return child;
}

static int interrupt(pid_t child) {
    int how;
    kill(child, SIGINT);
    cr_assert_eq(waitpid(child, &how, 0), child);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

/* The first line of what it answers. */
static void ask(char *answer, size_t room) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char *out = read_text("out");
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    where.sin_port = htons((uint16_t)atoi(strrchr(out, ':') + 1));
    free(out);
    int line = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(line >= 0 && connect(line, (const struct sockaddr *)&where, sizeof where) == 0);
    cr_assert_eq(send(line, request, sizeof request - 1, MSG_NOSIGNAL), (ssize_t)sizeof request - 1);
    ssize_t got = recv(line, answer, room - 1, MSG_WAITALL);
    answer[got > 0 ? got : 0] = '\0';
    close(line);
}

Test(reports, watch_serves_until_it_is_interrupted, .timeout = 300) {
    char answer[16];
    pid_t child = start(WORDS("--port", "0"));
    if (!exists("out") || !said("until Ctrl-C")) {
        interrupt(child);
        cr_skip_test("built without libmicrohttpd");
    }
    cr_expect(said("http://127.0.0.1:") && said("/ shows r until Ctrl-C"));
    cr_expect_not(said("anybody"), "only this machine can read it");
    ask(answer, sizeof answer);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 200", 12), 0, "%s", answer);
    cr_expect_eq(interrupt(child), 0);
    child = start(WORDS("--port", "0", "--bind", "::1", "--baseline", "r"));
    bool six = said("http://[::1]:"); /* where there is IPv6 */
    cr_expect_eq(interrupt(child) == 0, six);
    cr_expect_not(said("anybody"));
    cr_expect_not(exists("r/report.html"), "nothing is written");
}
