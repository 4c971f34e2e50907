/* test_new.c - `switchyard new`: what it writes builds, is checked, runs and compares; what it refuses. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../program/program.h"

TestSuite(new_plugin, .init = program_setup, .fini = program_teardown);

/* Minutes become fractions of a second. */
#define TINY                                                                                                        \
    " --quiet --set threads=1 --set train.epochs=1 --set data.batch=8 --set data.limit=16 --set data.test_limit=8 " \
    "--set nodes.teacher.plugin=mlp --set nodes.teacher.hidden=[8] "
#define TINY_STUDENT "--set nodes.student.plugin=mlp --set nodes.student.hidden=[4]"

struct kind {
    char word[16];
};

static struct kind kinds[] = {{"policy"}, {"loss"}, {"topology"}, {"network"}, {"dataset"}};

ParameterizedTestParameters(new_plugin, builds_runs_and_compares) {
    return cr_make_param_array(struct kind, kinds, sizeof kinds / sizeof *kinds);
}

ParameterizedTest(struct kind *kind, new_plugin, builds_runs_and_compares) {
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "new %s my_own", kind->word);
    cr_assert_eq(run_program(arguments), 0);
    cr_expect(said("make\n"));
    cr_assert_eq(system("make -C my_own >make.out 2>make.err"), 0, "it compiles");
    char *words = read_text("make.err");
    cr_expect_str_empty(words, "without a word");
    free(words);
    cr_expect_eq(run_program("check my_own/my_own-base.cfg"), 0);
    /* A network is compared as the student that it is. */
    bool student = !strcmp(kind->word, "network");
    cr_assert_eq(run_program(student ? "compare my_own/my_own.cfg --out runs" TINY
                                     : "compare my_own/my_own.cfg --out runs" TINY TINY_STUDENT),
                 0);
    cr_expect(said("switokd"));
    cr_expect(exists("runs/switokd/seed-1/result.json"));
}

Test(new_plugin, is_written_where_it_is_told) {
    cr_assert_eq(run_program("new policy my_own --dir some/where"), 0);
    cr_expect(exists("some/where/my_own.c") && exists("some/where/my_own.cfg") && exists("some/where/meson.build"));
    char *makefile = read_text("some/where/Makefile"), *source = read_text("some/where/my_own.c");
    int lines = 0;
    cr_assert(makefile && source);
    for (const char *at = makefile; *at; at++) {
        lines += *at == '\n';
    }
    cr_expect_eq(lines, 5);
    cr_expect_not(strstr(source, "my_plugin"), "no stand-in is left");
    free(makefile), free(source);
}

Test(new_plugin, what_is_refused) {
    cr_expect_eq(run_program("new polcy my_own"), 2);
    cr_expect(said("no kind of plugin is called \"polcy\"; did you mean \"policy\"?"));
    cr_expect_eq(run_program("new backend my_own"), 2);
    cr_expect(said("there is no small backend to start from"));
    cr_expect_eq(run_program("new policy 2nd"), 2);
    cr_expect(said("a plugin cannot be called \"2nd\""));
    cr_expect_eq(run_program("new policy"), 2);
    cr_assert_eq(run_program("new policy my_own"), 0);
    write_text("my_own/my_own.c", "mine");
    cr_expect_eq(run_program("new policy my_own"), 2);
    cr_expect(said("my_own is there already"));
    char *source = read_text("my_own/my_own.c");
    cr_expect_str_eq(source, "mine", "nothing is overwritten");
    free(source);
}

/* The way without make, and its own test. */
Test(new_plugin, builds_with_meson_and_passes_its_test) {
    cr_assert_eq(run_program("new policy my_own"), 0);
    cr_assert_eq(system("cd my_own && PKG_CONFIG_PATH=$SWITCHYARD_PKG_CONFIG_PATH meson setup build >../log 2>&1 && "
                        "meson compile -C build >>../log 2>&1"),
                 0);
    cr_expect(exists("my_own/build/my_own.so"));
    cr_assert_eq(system("ASAN_OPTIONS=detect_leaks=0 make -C my_own test >log 2>&1 || { cat log >&2; exit 1; }"), 0);
}
