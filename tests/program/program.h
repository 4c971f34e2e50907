/* program.h - runs the program `switchyard` as a person would, in a folder of its own. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <stddef.h>

/* A temporary folder, made by program_setup and removed by program_teardown; the tests' working folder. */
void program_setup(void);
void program_teardown(void);

/* Writes a file into the working folder. */
void write_text(const char *name, const char *text);
/* A whole file, zero-terminated, to be freed; NULL if there is none. */
char *read_text(const char *name);
/* Whether two files have the same bytes. */
int same_bytes(const char *one, const char *other);
int exists(const char *name);

/* Runs `switchyard ARGUMENTS`, output and errors into the files out and err; the exit code (or 128 + signal). */
int run_program(const char *arguments);
/* Whether the file out or err of the last run has this text. */
int said(const char *text);

/* A small experiment that trains in a blink: two perceptrons on a few drawn shapes. `more` is appended. */
void write_small(const char *name, const char *more);

#endif
