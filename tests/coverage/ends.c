/* ends.c - in builds for coverage only: a process that ends without `exit`, or becomes another program, writes its counters
 * first, or what it did would be told as not done. The linker leads the calls here (--wrap). */
#include <unistd.h>

void __gcov_dump(void);
void __gcov_reset(void);

_Noreturn void __real__exit(int code);
int __real_execv(const char *path, char *const *argv);
int __real_execvp(const char *file, char *const *argv);
int __real_raise(int number);
pid_t __real_fork(void);

_Noreturn void __wrap__exit(int code);
int __wrap_execv(const char *path, char *const *argv);
int __wrap_execvp(const char *file, char *const *argv);
int __wrap_raise(int number);
pid_t __wrap_fork(void);

/* Of tests/faults/memory.c, where that is before the program. */
void memory_fails_no_more(void) __attribute__((weak));

/* Runs before the counters are written at the end. */
__attribute__((destructor)) static void make_memory_sound(void) {
    if (memory_fails_no_more) {
        memory_fails_no_more();
    }
}

/* Twice without a reset would count twice. */
static void write_counters(void) {
    make_memory_sound();
    __gcov_dump();
    __gcov_reset();
}

void __wrap__exit(int code) {
    write_counters();
    __real__exit(code);
}

int __wrap_execv(const char *path, char *const *argv) {
    write_counters();
    return __real_execv(path, argv);
}

int __wrap_execvp(const char *file, char *const *argv) {
    write_counters();
    return __real_execvp(file, argv);
}

int __wrap_raise(int number) {
    write_counters();
    return __real_raise(number);
}

/* A child begins with counters of its own. */
pid_t __wrap_fork(void) {
    write_counters();
    return __real_fork();
}
