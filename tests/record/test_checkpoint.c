/* Checkpoints: whatever a kill or a bad disk leaves, the newest whole one is found and nothing else is believed. */
#include <dirent.h>

#include "broken_disk.h"
#include "record/checkpoint.h"
#include "scratch.h"

/* A run folder in a scratch folder. */
struct run {
    struct scratch scratch;
    struct sy_run_folder *folder;
    char path[600]; /* what place returned */
};

static void start(struct run *run) {
    struct sy_error err = NEW_ERROR;
    scratch_make(&run->scratch);
    cr_assert_eq(sy_run_folder_open(&run->folder, run->scratch.path, false, &err), SY_OK, "%s", err.text);
}

static void finish(struct run *run) {
    sy_run_folder_close(run->folder);
    scratch_remove(run->scratch.path);
}

/* A path in checkpoints/. */
static const char *place(struct run *run, const char *name) {
    snprintf(run->path, sizeof run->path, "%s/checkpoints/%s", run->scratch.path, name);
    return run->path;
}

static struct sy_checkpoint_writer *begin(struct run *run, int64_t step, size_t values) {
    struct sy_error err = NEW_ERROR;
    struct sy_checkpoint_writer *writer;
    static float weights[50000];
    weights[0] = (float)step;
    const struct sy_named_tensor tensor = {"w",
                                           {.dtype = SY_F32, .shape = {(int64_t)values}, .rank = 1, .data = weights}};
    cr_assert_eq(sy_checkpoint_begin(&writer, run->folder, step, &err), SY_OK, "%s", err.text);
    cr_assert_eq(sy_checkpoint_tensors(writer, "teacher.safetensors", &tensor, 1, NULL, &err), SY_OK, "%s", err.text);
    return writer;
}

static void save(struct run *run, int64_t step, int keep) {
    struct sy_error err = NEW_ERROR;
    struct sy_checkpoint_writer *writer = begin(run, step, 2);
    cr_assert_eq(sy_checkpoint_commit(writer, json_pack("{s:I, s:f}", "step", (json_int_t)step, "x", 0.1), keep, &err),
                 SY_OK, "%s", err.text);
}

static void expect_newest(struct run *run, int64_t step, const char *note) {
    struct sy_error err = NEW_ERROR;
    struct sy_checkpoint found;
    char *notes;
    cr_assert_eq(sy_checkpoint_newest(&found, &notes, run->folder, &err), SY_OK, "%s", err.text);
    cr_assert_eq(found.step, step);
    cr_assert_eq(json_integer_value(json_object_get(found.state, "step")), step);
    cr_assert(note ? notes && strstr(notes, note) : !notes, "notes: %s", notes ? notes : "none");
    sy_checkpoint_finish(&found);
    free(notes);
}

static void expect_none(struct run *run, int code, const char *says) {
    struct sy_error err = NEW_ERROR;
    struct sy_checkpoint found;
    char *notes;
    sy_checkpoint_newest(&found, &notes, run->folder, &err);
    expect_error(&err, code, says);
    cr_assert(!found.state && !found.path);
    free(notes);
}

/* Names in checkpoints/, sorted, each followed by a space. */
static void expect_names(struct run *run, const char *expected) {
    char names[512] = "";
    struct dirent **entries;
    int n = scandir(place(run, "."), &entries, NULL, alphasort);
    cr_assert_geq(n, 0);
    for (int i = 0; i < n; i++) {
        if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0) {
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    cr_assert_str_eq(names, expected);
}

static void copy(const char *to, const char *from) {
    size_t count;
    char *bytes = get_bytes(from, &count);
    put_bytes(to, bytes, count);
    free(bytes);
}

Test(checkpoint, comes_back_as_it_was) {
    struct run run;
    struct sy_error err = NEW_ERROR;
    struct sy_checkpoint found;
    struct sy_safetensors *file;
    char *notes, path[700];
    start(&run);
    expect_none(&run, SY_EINVAL, "checkpoints: holds no checkpoint");
    save(&run, 0, 2);
    save(&run, 12, 2);
    cr_assert_eq(sy_checkpoint_newest(&found, &notes, run.folder, &err), SY_OK, "%s", err.text);
    cr_assert(found.step == 12 && !notes);
    cr_assert_str_eq(found.path, place(&run, "12"));
    cr_assert_eq(json_real_value(json_object_get(found.state, "x")), 0.1);
    snprintf(path, sizeof path, "%s/teacher.safetensors", found.path);
    cr_assert_eq(sy_safetensors_open(&file, path, &err), SY_OK, "%s", err.text);
    cr_assert_eq(*(float *)sy_safetensors_find(file, "w")->tensor.data, 12);
    sy_safetensors_close(file);
    sy_checkpoint_finish(&found);
    expect_names(&run, "0 12 ");
    finish(&run);
}

/* Steps are numbers: 9 is older than 10. Other names are not ours. */
Test(checkpoint, the_last_few_and_the_pinned_are_kept) {
    struct run run;
    start(&run);
    save(&run, 8, 2);
    put_text(place(&run, "8/pinned"), "");
    cr_assert_eq(mkdir(place(&run, "best"), 0777), 0);
    cr_assert_eq(mkdir(place(&run, "07"), 0777), 0);
    save(&run, 9, 2);
    save(&run, 10, 2);
    expect_names(&run, "07 10 8 9 best ");
    save(&run, 11, 2);
    expect_names(&run, "07 10 11 8 best ");
    save(&run, 12, 0);
    expect_names(&run, "07 10 11 12 8 best ");
    expect_newest(&run, 12, NULL);
    finish(&run);
}

Test(checkpoint, any_damage_leads_to_the_one_before) {
    static const char *const files[] = {"20/teacher.safetensors", "20/state.json", "20/complete"};
    struct run run;
    start(&run);
    save(&run, 10, 3);
    save(&run, 20, 3);
    for (size_t f = 0; f < 3; f++) {
        size_t count;
        char path[600];
        snprintf(path, sizeof path, "%s", place(&run, files[f]));
        char *bytes = get_bytes(path, &count);
        for (size_t at = 0; at < count; at += count / 5) {
            cr_assert_eq(truncate(path, (off_t)at), 0);
            expect_newest(&run, 10, "the checkpoint of step 20 is damaged");
            bytes[at] = (char)(bytes[at] ^ 1);
            put_bytes(path, bytes, count);
            expect_newest(&run, 10, "the checkpoint of step 20 is damaged");
            bytes[at] = (char)(bytes[at] ^ 1);
        }
        cr_assert_eq(unlink(path), 0);
        expect_newest(&run, 10, files[f]);
        put_bytes(path, bytes, count);
        free(bytes);
        expect_newest(&run, 20, NULL);
    }
    finish(&run);
}

Test(checkpoint, two_damaged_ones_are_two_notes_and_all_is_an_error) {
    struct run run;
    start(&run);
    save(&run, 1, 5);
    save(&run, 2, 5);
    save(&run, 3, 5);
    cr_assert_eq(unlink(place(&run, "3/complete")), 0);
    cr_assert_eq(unlink(place(&run, "2/state.json")), 0);
    expect_newest(&run, 1, "3/complete: cannot be opened: No such file or directory\nthe checkpoint of step 2");
    cr_assert_eq(unlink(place(&run, "1/teacher.safetensors")), 0);
    expect_none(&run, SY_EIO, "none of the 3 checkpoints is whole");
    finish(&run);
}

/* A state that was written by someone else, hash and all, must not lead out of its folder. */
Test(checkpoint, files_lie_in_the_folder) {
    static const char *const states[] = {"{\"files\":{\"../8/complete\":\"%s\"}}",
                                         "{\"files\":{\"teacher.safetensors\":7}}", "{\"files\":[]}", "[]"};
    struct run run;
    struct sy_error err = NEW_ERROR;
    char hash[33], text[200];
    start(&run);
    save(&run, 8, 5);
    save(&run, 9, 5);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        cr_assert_eq(sy_hash_file(hash, place(&run, "8/complete"), &err), SY_OK);
        snprintf(text, sizeof text, states[i], hash);
        put_text(place(&run, "9/state.json"), text);
        cr_assert_eq(sy_hash_file(hash, run.path, &err), SY_OK);
        snprintf(text, sizeof text, "%s  state.json\n", hash);
        put_text(place(&run, "9/complete"), text);
        expect_newest(&run, 8, i < 2 ? "names a file that cannot be one of its own" : "is no state of a checkpoint");
    }
    finish(&run);
}

/* What a kill leaves, after each step of writing 20: nobody looks at it, and the next commit clears it away. */
Test(checkpoint, a_kill_while_writing_leaves_the_one_before) {
    static const char *const order[] = {"teacher.safetensors.77.partial", "teacher.safetensors",
                                        "state.json.77.partial", "state.json", "complete"};
    static const char *const whole[] = {"teacher.safetensors", "teacher.safetensors", "state.json", "state.json",
                                        "complete"};
    struct run run;
    char to[700], from[700];
    start(&run);
    save(&run, 10, 5);
    for (size_t stop = 0; stop <= 5; stop++) {
        cr_assert_eq(mkdir(place(&run, ".20.partial"), 0777), 0);
        for (size_t i = 0; i < stop; i++) {
            snprintf(to, sizeof to, "%s/%s", place(&run, ".20.partial"), order[i]);
            snprintf(from, sizeof from, "%s/%s", place(&run, "10"), whole[i]);
            copy(to, from);
        }
        expect_newest(&run, 10, NULL);
        save(&run, 10 + (int64_t)stop % 2, 1); /* of the same step, and of another */
        save(&run, 10, 1);
        expect_names(&run, "10 ");
    }
    finish(&run);
}

/* A kill while an old one is removed: hidden already, emptied in part. */
Test(checkpoint, a_kill_while_removing_harms_nothing) {
    struct run run;
    char hidden[600];
    start(&run);
    save(&run, 10, 5);
    save(&run, 20, 5);
    snprintf(hidden, sizeof hidden, "%s", place(&run, ".10.partial"));
    cr_assert_eq(rename(place(&run, "10"), hidden), 0);
    cr_assert_eq(unlink(place(&run, ".10.partial/complete")), 0);
    expect_newest(&run, 20, NULL);
    save(&run, 30, 5);
    expect_names(&run, "20 30 ");
    finish(&run);
}

Test(checkpoint, the_same_step_again_takes_the_place_of_the_first) {
    struct run run;
    struct sy_error err = NEW_ERROR;
    start(&run);
    save(&run, 10, 2);
    put_text(place(&run, "10/pinned"), "");
    cr_assert_eq(unlink(place(&run, "10/complete")), 0);
    save(&run, 10, 2);
    expect_newest(&run, 10, NULL);
    expect_names(&run, "10 ");
    cr_assert(is_there(place(&run, "10/pinned")), "the pin is for the step");
    struct sy_checkpoint_writer *writer = begin(&run, 10, 3);
    sy_checkpoint_abandon(writer);
    expect_names(&run, "10 ");
    sy_checkpoint_abandon(NULL);
    cr_assert_eq(sy_checkpoint_begin(&writer, run.folder, -1, &err), SY_EINVAL);
    finish(&run);
}

/* A run that went back to 10 because 20 was damaged must not lose what it writes next to the rule of the newest. */
Test(checkpoint, later_ones_give_way) {
    struct run run;
    start(&run);
    save(&run, 10, 1);
    save(&run, 20, 2);
    cr_assert_eq(truncate(place(&run, "20/state.json"), 5), 0);
    save(&run, 15, 1);
    expect_names(&run, "15 ");
    expect_newest(&run, 15, NULL);
    finish(&run);
}

Test(checkpoint, a_full_disk_leaves_the_one_before) {
    struct run run;
    struct sy_error err = NEW_ERROR;
    static float large[50000];
    const struct sy_named_tensor tensor = {"w", {.dtype = SY_F32, .shape = {50000}, .rank = 1, .data = large}};
    start(&run);
    save(&run, 10, 2);
    struct sy_checkpoint_writer *writer = begin(&run, 20, 2);
    limit_files_to(100000);
    sy_checkpoint_tensors(writer, "student.safetensors", &tensor, 1, NULL, &err);
    limit_files_to(RLIM_INFINITY);
    expect_error(&err, SY_EIO, "student.safetensors: cannot be written: File too large");
    sy_checkpoint_abandon(writer);
    expect_names(&run, "10 ");
    writer = begin(&run, 20, 2);
    err = NEW_ERROR;
    limit_files_to(100);
    sy_checkpoint_commit(writer, json_pack("{s:s}", "x", "more than a hundred bytes with the hashes of the files"), 2,
                         &err);
    limit_files_to(RLIM_INFINITY);
    expect_error(&err, SY_EIO, "state.json: cannot be written: File too large");
    expect_names(&run, "10 ");
    expect_newest(&run, 10, NULL);
    finish(&run);
}

Test(checkpoint, refuses_names_and_states_that_collide) {
    static const char *const names[] = {
        "teacher.safetensors", "state.json", "complete", "pinned", ".hidden", "a/b", "..", ""};
    struct run run;
    struct sy_error err;
    start(&run);
    struct sy_checkpoint_writer *writer = begin(&run, 1, 2);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        err = NEW_ERROR;
        sy_checkpoint_tensors(writer, names[i], NULL, 0, NULL, &err);
        expect_error(&err, SY_EINVAL, "may be called");
    }
    err = NEW_ERROR;
    sy_checkpoint_commit(writer, json_pack("{s:i}", "files", 1), 2, &err);
    expect_error(&err, SY_EINVAL, "without a key 'files'");
    err = NEW_ERROR;
    sy_checkpoint_commit(begin(&run, 1, 2), NULL, 2, &err);
    expect_error(&err, SY_ENOMEM, "out of memory");
    expect_names(&run, "");
    finish(&run);
}
