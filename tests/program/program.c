/* program.c - see program.h. */
#include "program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../scratch.h"

static char folder[SCRATCH_ROOM];

void program_setup(void) {
    scratch_folder(folder);
    cr_assert_eq(chdir(folder), 0);
}

void program_teardown(void) {
    cr_assert_eq(chdir("/"), 0);
    scratch_clear(folder);
}

void write_text(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

char *read_text(const char *name) {
    FILE *file = fopen(name, "r");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0) {
        return NULL;
    }
    char *text = calloc(1, (size_t)status.st_size + 1);
    cr_assert(text && fread(text, 1, (size_t)status.st_size, file) == (size_t)status.st_size);
    fclose(file);
    return text;
}

int same_bytes(const char *one, const char *other) {
    char command[1024];
    snprintf(command, sizeof command, "cmp -s '%s' '%s'", one, other);
    return system(command) == 0;
}

int exists(const char *name) {
    return access(name, F_OK) == 0;
}

/* LeakSanitizer sometimes fails to stop a program that is ending, says so and takes 1 as its exit code: that is no finding,
 * and the program had done its work. Leaks that it finds are other words, and fail tests/run.sh. */
static int the_sanitizer_gave_up(void) {
    char *err = read_text("err");
    int gave_up = err && strstr(err, "LeakSanitizer has encountered a fatal error");
    free(err);
    return gave_up;
}

int run_program(const char *arguments) {
    char command[4096];
    const char *program = getenv("SWITCHYARD_PROGRAM");
    cr_assert(program, "SWITCHYARD_PROGRAM names the program under test");
    snprintf(command, sizeof command, "'%s' %s >out 2>err </dev/null", program, arguments);
    int status = system(command);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return code == 1 && the_sanitizer_gave_up() ? 0 : code;
}

int said(const char *text) {
    char *out = read_text("out"), *err = read_text("err");
    int found = (out && strstr(out, text)) || (err && strstr(err, text));
    free(out);
    free(err);
    return found;
}

void write_small(const char *name, const char *more) {
    char text[4096];
    snprintf(text, sizeof text,
             "experiment = \"small\";\nbackend = \"reference\";\nthreads = 1;\n"
             "data: { plugin = \"shapes\"; batch = 16; limit = 80; test_limit = 32; train = 96; test = 48;\n"
             "        augment: { crop_pad = 2; flip = true; }; };\n"
             "train: { epochs = 2; optimizer: { lr = 0.02; }; };\n"
             "nodes: {\n  teacher: { plugin = \"mlp\"; role = \"teacher\"; hidden = [12]; };\n"
             "  student: { plugin = \"mlp\"; role = \"student\"; hidden = [4]; };\n};\n"
             "topology: { plugin = \"pair\"; };\npolicy: { plugin = \"switokd\"; };\n%s",
             more);
    write_text(name, text);
}
