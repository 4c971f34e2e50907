/* test_tensorboard.c - event files of runs in stages, and runs that go on where none can be written. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

TestSuite(tensorboard, .init = program_setup, .fini = program_teardown);

Test(tensorboard, every_stage_has_a_folder_of_its_own) {
    write_small("stages.cfg", "stages: { first: { train: { epochs = 1; }; }; second: { }; };\n");
    cr_assert_eq(run_program("run stages.cfg --out r --tensorboard"), 0);
    cr_expect(said("stage 2 of 2: second"), "what is shown is shown all the same");
    cr_expect_eq(system("grep -aq loss/student r/tensorboard/1-first/events.out.tfevents.* && "
                        "grep -aq expert/teacher-student r/tensorboard/2-second/events.out.tfevents.*"),
                 0);
}

Test(tensorboard, training_goes_on_without) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --out plain --quiet"), 0);
    cr_assert_eq(run_program("run small.cfg --out r --quiet --steps 1"), 0);
    write_text("r/tensorboard", "not a folder");
    cr_expect_eq(run_program("run small.cfg --out r --resume --tensorboard"), 0);
    cr_expect(said("r/tensorboard") && said("; training goes on without events"));
    char *out = read_text("out");
    char *once = strstr(out, "goes on without events");
    cr_expect(once && !strstr(once + 1, "goes on without events"), "told once, not at every step");
    free(out);
    cr_expect(same_bytes("plain/steps.jsonl", "r/steps.jsonl"));
}
