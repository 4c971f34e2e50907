/* test_faults.c - what the program says and does when its disk fails it. sweep.sh shows that nothing is lost. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "../program/program.h"

TestSuite(faults, .init = program_setup, .fini = program_teardown);

/* Runs the program with the library of faults before it; `plan`: "FAULT_HOW=EIO ...". */
static int run_with(const char *plan, const char *arguments) {
    char command[2048];
    snprintf(command, sizeof command,
             "ASAN_OPTIONS=\"$ASAN_OPTIONS:verify_asan_link_order=0\" %s LD_PRELOAD='%s' '%s' %s >out 2>err </dev/null",
             plan, getenv("SWITCHYARD_FAULTS"), getenv("SWITCHYARD_PROGRAM"), arguments);
    int status = system(command);
    return status < 0 ? -1 : status / 256;
}

Test(faults, a_checkpoint_that_cannot_be_written_is_a_warning) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --quiet --out whole --set train.checkpoint_steps=2"), 0);
    cr_assert_eq(run_with("FAULT_CALLS=,write, FAULT_UNDER=checkpoints/.2. FAULT_AT=3 FAULT_HOW=ENOSPC",
                          "run small.cfg --quiet --out r --set train.checkpoint_steps=2"),
                 0);
    cr_expect(said("warning: no checkpoint of step 2: "));
    cr_expect(said("No space left on device; training goes on"));
    cr_expect(same_bytes("whole/steps.jsonl", "r/steps.jsonl"));
    cr_expect(same_bytes("whole/checkpoints/10/student.safetensors", "r/checkpoints/10/student.safetensors"));
}

/* Whatever goes wrong with a checkpoint on the way, the next one is there and the run is what it would have been. */
Test(faults, the_run_goes_on_to_the_next_checkpoint) {
    static const char *const plans[] = {
        "FAULT_CALLS=,open,mkdir,write, FAULT_HOW=EROFS",
        "FAULT_CALLS=,write,fsync, FAULT_HOW=EDQUOT",
        "FAULT_CALLS=,fsync, FAULT_HOW=EIO",
        "FAULT_CALLS=,rename, FAULT_HOW=ENOSPC",
        "FAULT_CALLS=,mkdir, FAULT_HOW=EACCES",
    };
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --quiet --out whole --set train.checkpoint_steps=2 --set train.keep=0"), 0);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        char plan[256];
        cr_assert_eq(system("rm -rf r"), 0);
        snprintf(plan, sizeof plan, "FAULT_UNDER=checkpoints/.2. FAULT_AT=1 FAULT_UNTIL=99 %s", plans[i]);
        cr_assert_eq(run_with(plan, "run small.cfg --quiet --out r --set train.checkpoint_steps=2 --set train.keep=0"),
                     0, "%s", plan);
        cr_expect(said("warning: no checkpoint of step 2: "), "%s", plan);
        cr_expect_not(exists("r/checkpoints/2/complete"), "%s", plan);
        cr_expect(exists("r/checkpoints/0/complete") && exists("r/checkpoints/4/complete"), "%s", plan);
        cr_expect(same_bytes("whole/steps.jsonl", "r/steps.jsonl"), "%s", plan);
        cr_expect(same_bytes("whole/checkpoints/10/teacher.safetensors", "r/checkpoints/10/teacher.safetensors"));
    }
}

/* A signal that comes in the midst of a call is no fault at all. */
Test(faults, interrupted_calls_are_made_again) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --quiet --out whole"), 0);
    cr_assert_eq(run_with("FAULT_CALLS=,write,pwrite,fsync, FAULT_UNDER=r/ FAULT_AT=1 FAULT_UNTIL=3 FAULT_HOW=EINTR",
                          "run small.cfg --quiet --out r"),
                 0);
    cr_expect_not(said("warning"));
    cr_expect(same_bytes("whole/steps.jsonl", "r/steps.jsonl"));
    cr_expect(same_bytes("whole/checkpoints/10/student.safetensors", "r/checkpoints/10/student.safetensors"));
}

Test(faults, journals_wait_until_there_is_room) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --quiet --out whole --set train.checkpoint_steps=2"), 0);
    cr_assert_eq(run_with("FAULT_CALLS=,pwrite, FAULT_UNDER=.jsonl FAULT_AT=1 FAULT_UNTIL=2 FAULT_HOW=ENOSPC",
                          "run small.cfg --quiet --out r --set train.checkpoint_steps=2"),
                 0);
    cr_expect(said("warning: no checkpoint of step 2: r/steps.jsonl: cannot be written: No space left on device"));
    cr_expect_not(exists("r/checkpoints/2"));
    cr_expect(same_bytes("whole/steps.jsonl", "r/steps.jsonl"));
    cr_expect(same_bytes("whole/epochs.jsonl", "r/epochs.jsonl"));
    cr_expect(exists("r/result.json"));
}

/* They are a convenience where the last weights count, and the result where the best do. */
Test(faults, best_weights_that_cannot_be_kept_are_not_there) {
    const char *plan = "FAULT_CALLS=,write, FAULT_UNDER=checkpoints/best/teacher FAULT_AT=1 FAULT_UNTIL=99 "
                       "FAULT_HOW=ENOSPC";
    write_small("small.cfg", "");
    cr_assert_eq(run_with(plan, "run small.cfg --quiet --out r"), 0);
    cr_expect(said("warning: the best weights of this epoch are not kept: "));
    cr_expect_not(exists("r/checkpoints/best/teacher.safetensors"));
    cr_expect(exists("r/checkpoints/best/student.safetensors") && exists("r/result.json"));
    cr_assert_eq(run_with(plan, "run small.cfg --quiet --out q --set train.select=best_test"), 1);
    cr_expect(said("No space left on device"));
}

Test(faults, the_last_checkpoint_is_needed) {
    write_small("small.cfg", "");
    cr_assert_eq(run_with("FAULT_CALLS=,write, FAULT_UNDER=checkpoints/.10. FAULT_AT=1 FAULT_UNTIL=99 FAULT_HOW=EDQUOT",
                          "run small.cfg --quiet --out r"),
                 1);
    cr_expect(said("Disk quota exceeded"));
    cr_expect_not(exists("r/result.json"));
    cr_expect_not(exists("r/checkpoints/.10.partial"));
    cr_assert_eq(run_program("run small.cfg --quiet --out r --resume"), 0);
    cr_expect(exists("r/checkpoints/10/student.safetensors"));
}

Test(faults, a_journal_that_cannot_be_written_ends_the_run) {
    write_small("small.cfg", "");
    cr_assert_eq(run_with("FAULT_CALLS=,pwrite, FAULT_UNDER=steps.jsonl FAULT_AT=1 FAULT_UNTIL=99 FAULT_HOW=ENOSPC",
                          "run small.cfg --quiet --out r"),
                 1);
    cr_expect(said("switchyard: r/steps.jsonl: cannot be written: No space left on device"));
}

Test(faults, a_folder_that_takes_nothing_is_named) {
    write_small("small.cfg", "");
    cr_assert_eq(run_with("FAULT_CALLS=,open, FAULT_UNDER=r/ FAULT_AT=1 FAULT_UNTIL=99 FAULT_HOW=EROFS",
                          "run small.cfg --quiet --out r"),
                 1);
    cr_expect(said("switchyard: r/lock: cannot be opened: Read-only file system"));
}

Test(faults, a_damaged_newest_checkpoint_gives_way_to_the_one_before) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --quiet --out whole"), 0);
    cr_assert_eq(run_program("run small.cfg --quiet --out r --steps 7"), 0);
    cr_assert_eq(system("printf X | dd of=r/checkpoints/7/student.safetensors bs=1 seek=300 conv=notrunc 2>err"), 0);
    cr_assert_eq(run_program("run small.cfg --quiet --out r --resume"), 0);
    cr_expect(said("the checkpoint of step 7 is damaged: r/checkpoints/7/student.safetensors: is not what it was"));
    cr_expect(same_bytes("whole/steps.jsonl", "r/steps.jsonl"));
}

Test(faults, a_loss_that_is_not_finite_says_where) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --quiet --out r --set train.optimizer.lr=1000 --set data.batch=20 --set "
                             "train.checkpoint_every=0"),
                 1);
    cr_expect(said("switchyard: step ") && said("teacher: ") && said("is not finite"));
    cr_expect(said("; samples of the batch: ") && said(", ... (20 in all); the last checkpoint is r/checkpoints/0"));
    cr_assert_eq(
        run_program("run small.cfg --quiet --out p --set train.checkpoint_steps=1 --set train.optimizer.lr=1000"), 1);
    cr_expect(said("; the last checkpoint is p/checkpoints/"));
}

/* What a signal or a slow disk does to reading: every piece comes in halves, and every call is interrupted once. */
Test(faults, reads_that_are_short_or_interrupted_change_nothing) {
    write_small("small.cfg", "");
    cr_assert_eq(run_program("run small.cfg --quiet --out whole"), 0);
    cr_assert_eq(run_program("run small.cfg --quiet --out short --steps 7"), 0);
    cr_assert_eq(system("cp -r short interrupted && cp -r short broken"), 0);
    cr_assert_eq(run_with("FAULT_CALLS=,read,pread, FAULT_UNDER=short/ FAULT_AT=1 FAULT_UNTIL=999999 FAULT_HOW=short",
                          "run small.cfg --quiet --out short --resume"),
                 0);
    cr_expect(same_bytes("whole/steps.jsonl", "short/steps.jsonl"));
    cr_expect(same_bytes("whole/checkpoints/10/student.safetensors", "short/checkpoints/10/student.safetensors"));
    cr_assert_eq(run_with("FAULT_CALLS=,read,pread, FAULT_UNDER=interrupted/ FAULT_AT=1 FAULT_UNTIL=20 FAULT_HOW=EINTR",
                          "run small.cfg --quiet --out interrupted --resume"),
                 0);
    cr_expect(same_bytes("whole/steps.jsonl", "interrupted/steps.jsonl"));
    cr_expect_eq(run_with("FAULT_CALLS=,pread, FAULT_UNDER=broken/ FAULT_AT=1 FAULT_UNTIL=999999 FAULT_HOW=EIO",
                          "run small.cfg --quiet --out broken --resume"),
                 1);
    cr_expect(said("Input/output error"));
    cr_assert_eq(run_program("run small.cfg --quiet --out broken --resume"), 0, "nothing was lost by that");
    cr_expect(same_bytes("whole/steps.jsonl", "broken/steps.jsonl"));
}
