/* scratch.h - folders for what tests write. They lie in one folder of the test program, below TMPDIR (else /tmp), which goes
 * with everything in it when the program ends: also when a test failed, crashed or was stopped for lack of time. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#define SCRATCH_ROOM 256

/* Makes a new folder and tells its path, absolute and free of links. Ends the test where it cannot. */
void scratch_folder(char path[SCRATCH_ROOM]);
/* Removes a folder with everything in it, now and not at the end; ends the test where it cannot. */
void scratch_clear(const char *path);

#endif
