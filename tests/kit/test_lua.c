/* test_lua.c - rules as scripts: they decide as C does, remember, and cannot get out or go on for ever. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../program/program.h"

TestSuite(lua, .init = program_setup, .fini = program_teardown);

#define RUN "run small.cfg --quiet --out r --set policy.plugin=lua --set policy.script=rule.lua "

static void write_rule(const char *text) {
    write_small("small.cfg", "");
    write_text("rule.lua", text);
}

static void expect_said(const char *text) {
    char *err = read_text("err");
    cr_expect(said(text), "\"%s\" is not in:\n%s", text, err);
    free(err);
}

/* The example script against the example in C: the same decisions, step by step. */
Test(lua, decides_as_c_does) {
    char command[1024];
    const char *root = getenv("SWITCHYARD_SOURCE_ROOT");
    write_rule("");
    snprintf(command, sizeof command,
             "cp '%s/experiments/examples/my_rule.lua' rule.lua && "
             "cc -std=c11 -shared -fPIC -I '%s/include' -o my_rule.so '%s/experiments/examples/my_rule.c'",
             root, root, root);
    cr_assert_eq(system(command), 0);
    cr_assert_eq(run_program(RUN), 0);
    cr_assert_eq(
        run_program("run small.cfg --quiet --out c --set 'plugins=[\"my_rule.so\"]' --set policy.plugin=my_rule"), 0);
    cr_expect_eq(system("for f in r c; do grep -o '\"mode\": *\"[a-z]*\"' $f/steps.jsonl >$f.modes; done; "
                        "[ -s r.modes ] && cmp r.modes c.modes"),
                 0);
    char *steps = read_text("r/steps.jsonl");
    cr_expect(strstr(steps, "\"value1\""), "what it observes is journalled");
    free(steps);
}

/* Stopped and resumed in the middle of an epoch, the journal is that of a run in one go. */
Test(lua, remembers_over_a_resume) {
    write_rule("seen, sum = 0, 0.5\nobserve = {'sum'}\n"
               "function decide(b) seen = seen + 1; sum = 0.5 * sum + b.gap; observed.sum = sum + seen\n"
               "return seen % 3 == 0 and 'expert' or 'learning', 1, 0.5 end\n");
    cr_assert_eq(run_program(RUN), 0);
    cr_assert_eq(
        run_program("run small.cfg --quiet --out s --steps 4 --set policy.plugin=lua --set policy.script=rule.lua"), 0);
    cr_assert_eq(
        run_program("run small.cfg --quiet --out s --resume --set policy.plugin=lua --set policy.script=rule.lua"), 0);
    cr_expect(same_bytes("r/steps.jsonl", "s/steps.jsonl"));
}

struct mistake {
    char script[160], words[120];
    int code;
};

static struct mistake mistakes[] = {
    {"function decide(b)\n  return gone.x\nend", "rule.lua:2: attempt to index a nil value (global 'gone')", 2},
    {"function decide(b) return 'both' end", "decide returned both; it must be \"expert\" or \"learning\"", 2},
    {"function decide(b) end", "decide returned nil; it must be", 2},
    {"x = ", "rule.lua:1: unexpected symbol near <eof>", 2},
    {"y = 1", "rule.lua: has no function decide(batch)", 2},
    {"io.write('x')", "attempt to index a nil value (global 'io')", 2},
    {"os.exit(0)", "attempt to index a nil value (global 'os')", 2},
    {"package.path = 'x'", "attempt to index a nil value (global 'package')", 2},
    {"load('x = 1')()", "attempt to call a nil value (global 'load')", 2},
    {"require 'x'", "attempt to call a nil value (global 'require')", 2},
    {"\x1bLua", "attempt to load a binary chunk", 2},
    {"while true do end", "more than 10000 thousand instructions; policy.instructions is the limit", 2},
    {"function decide(b) while true do end end", "more than 10000 thousand instructions", 2},
    {"t = {} for i = 1, 1e8 do t[i] = i end", "not enough memory", 2},
    {"n = 0 function decide(b) n = {} return 'expert' end", "global n was a number and is a table now", 2},
    {"observe = {1, 2, 3, 4, 5, 6, 7, 8, 9} function decide(b) end", "observe: at most 8 names", 2},
    {"function decide(b) return 'expert', 0/0 end", "decided mode 1 with weights ", 1},
};

ParameterizedTestParameters(lua, mistakes_are_told) {
    return cr_make_param_array(struct mistake, mistakes, sizeof mistakes / sizeof *mistakes);
}

ParameterizedTest(struct mistake *mistake, lua, mistakes_are_told) {
    write_rule(mistake->script);
    cr_expect_eq(run_program(RUN "--set policy.instructions=10000000"), mistake->code, "%s", mistake->script);
    expect_said(mistake->words);
}

/* Whatever reaches out of the script, catches the end of its budget or makes two runs differ. */
Test(lua, what_a_script_does_not_have) {
    write_rule("left = {}\n"
               "for _, name in ipairs { 'io', 'os', 'package', 'debug', 'coroutine', 'load', 'loadfile', 'dofile', "
               "'loadstring',\n"
               "                        'require', 'collectgarbage', 'pcall', 'xpcall', 'warn' } do\n"
               "  if _G[name] ~= nil then left[#left + 1] = name end\n"
               "end\n"
               "for _, name in ipairs { 'random', 'randomseed' } do if math[name] then left[#left + 1] = name end end\n"
               "for _, name in ipairs { 'dump', 'rep' } do if string[name] then left[#left + 1] = name end end\n"
               "error('left over: ' .. (table.concat(left, ' ') .. '.'))\n");
    cr_expect_eq(run_program(RUN), 2);
    expect_said("left over: .");
}
