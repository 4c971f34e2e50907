/* test_memory_limit.c - a run that does not fit is refused before anything is written, and what is said would help does. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../program/program.h"

TestSuite(memory_limit, .init = program_setup, .fini = program_teardown);

/* `switchyard ARGUMENTS` in a child with so many MiB of address space; its exit code. */
static int run_within(rlim_t mib, const char *arguments) {
    char command[1024];
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        const struct rlimit limit = {mib << 20, mib << 20};
        snprintf(command, sizeof command, "exec '%s' %s >out 2>err </dev/null", getenv("SWITCHYARD_PROGRAM"),
                 arguments);
        setrlimit(RLIMIT_AS, &limit);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* About 600 MiB for a batch of 2048, 130 for one of 16. */
static void write_wide(void) {
    write_small("wide.cfg", "");
    char *text = read_text("wide.cfg"), *at = strstr(text, "hidden = [12]");
    char changed[4096];
    snprintf(changed, sizeof changed, "%.*shidden = [1000]%s", (int)(at - text), text, at + 13);
    free(text);
    write_text("wide.cfg", changed);
}

Test(memory_limit, what_does_not_fit_is_refused_and_told_how_it_would) {
    write_wide();
    cr_expect_eq(run_within(400, "run wide.cfg --out r --quiet --set data.batch=2048"), 2);
    cr_expect(said("a run of these 2 nodes needs "));
    cr_expect(said(" of address space, RLIMIT_AS (ulimit -v) allows 400 MiB; data.batch = "));
    cr_expect_not(exists("r"), "nothing is written");
    char *err = read_text("err"), options[128];
    long batch = strtol(strstr(err, "; data.batch = ") + 15, NULL, 10);
    free(err);
    cr_assert(batch >= 1 && batch < 2048, "%ld", batch);
    snprintf(options, sizeof options, "run wide.cfg --out r --quiet --steps 1 --set data.batch=%ld", batch);
    cr_expect_eq(run_within(400, options), 0, "and with that it runs");
    cr_expect(exists("r/checkpoints/1"));
}

Test(memory_limit, check_says_the_same_beside_what_there_is) {
    write_wide();
    cr_expect_eq(run_within(400, "check wide.cfg --set data.batch=2048"), 2);
    cr_expect(said("peak ") && said("; 400 of address space (ulimit -v)"));
    cr_expect(said("a run of these 2 nodes needs "));
    cr_expect_eq(run_within(400, "check wide.cfg"), 0);
}

Test(memory_limit, suites_and_stages_are_refused_before_their_first_run) {
    write_wide();
    write_text("suite.cfg", "base = \"wide.cfg\"; seeds = [1];\n"
                            "variants: { good: { }; large: { data: { batch = 2048; }; }; };\n");
    cr_expect_eq(run_within(400, "compare suite.cfg --out s --quiet"), 2);
    cr_expect(said("variant large:") && said("a run of these 2 nodes needs "));
    cr_expect_not(exists("s"));
    char *text = read_text("wide.cfg"), staged[4096];
    snprintf(staged, sizeof staged, "%sstages: { one: { }; two: { data: { batch = 2048; }; }; };\n", text);
    free(text);
    write_text("staged.cfg", staged);
    cr_expect_eq(run_within(400, "run staged.cfg --out t --quiet"), 2);
    cr_expect_not(exists("t"));
}

Test(memory_limit, a_network_that_is_too_large_is_told_from_a_batch_that_is) {
    write_wide();
    cr_expect_eq(run_within(400, "run wide.cfg --out r --quiet --set nodes.teacher.hidden=[9000]"), 2);
    cr_expect(said("; no data.batch would fit: smaller networks, or fewer nodes, may"));
}
