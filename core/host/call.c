/* call.c - see call.h. Each thread that is in a plugin has a slot; a slot's serial is 0 while it is free and another
 * number for every call, so that who watches sees without a clock whether a call is still the same. */
#include "call.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLOTS       128
#define DEPTH       4
#define FRAMES      48
#define STACK_BYTES 65536

struct slot {
    atomic_uint_fast64_t serial; /* 0: free */
    const struct sy_found *found;
    const char *function;
};

static struct slot slots[SLOTS];
static atomic_uint_fast64_t serials;
static atomic_int_fast64_t current_step = -1;
static char last_words[512];
static atomic_int_fast64_t limit; /* seconds; 0: nobody watches */
static atomic_flag watching = ATOMIC_FLAG_INIT;

static _Thread_local struct slot *mine[DEPTH];
static _Thread_local int depth;

/* ---- notes ------------------------------------------------------------------------------------------------------ */

static struct slot *take_slot(uint_fast64_t serial) {
    for (int i = 0; i < SLOTS; i++) {
        uint_fast64_t nobody = 0;
        if (atomic_compare_exchange_strong(&slots[i].serial, &nobody, serial)) {
            return &slots[i];
        }
    }
    return NULL;
}

void sy_call_begin(const struct sy_found *found, const char *function) {
    if (depth < DEPTH) {
        struct slot *slot = take_slot(atomic_fetch_add(&serials, 1) + 1);
        if (slot) {
            slot->found = found;
            slot->function = function;
        }
        mine[depth] = slot;
    }
    depth++;
}

int sy_call_end(int status) {
    depth--;
    if (depth < DEPTH && mine[depth]) {
        atomic_store(&mine[depth]->serial, 0);
    }
    return status;
}

void sy_calls_step(int64_t step) {
    atomic_store(&current_step, step);
}

void sy_calls_last_words(const char *text) {
    snprintf(last_words, sizeof last_words, "%s", text ? text : "");
}

/* The innermost call of this thread; of a thread that is none's (a worker in a parallel loop), any that is under way. */
static const struct slot *culprit(void) {
    int innermost = depth < DEPTH ? depth : DEPTH;
    if (innermost > 0) {
        return mine[innermost - 1];
    }
    for (int i = 0; i < SLOTS; i++) {
        if (atomic_load(&slots[i].serial)) {
            return &slots[i];
        }
    }
    return NULL;
}

/* ---- words that may be said in a signal handler ------------------------------------------------------------------ */

static void say_part(const char *text, size_t length) {
    ssize_t ignored = write(STDERR_FILENO, text, length);
    (void)ignored;
}

static void say(const char *text) {
    say_part(text, strlen(text));
}

static void say_number(int64_t number) {
    char digits[24], *at = digits + sizeof digits;
    *--at = 0;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    say(at);
}

/* "policy "my_rule" WHAT in decide, at step 12 (FILE)" */
static void accuse(const struct slot *slot, const char *what) {
    const struct sy_found *found = slot->found;
    const char *kind = found ? found->plugin.kind : "plugin";
    say_part(kind, strcspn(kind, "/"));
    say(" \"");
    say(found ? found->plugin.name : "?");
    say("\" ");
    say(what);
    say(slot->function);
    if (atomic_load(&current_step) >= 0) {
        say(", at step ");
        say_number(atomic_load(&current_step));
    }
    if (found && found->file) {
        say(" (");
        say(found->file);
        say(")");
    }
}

static void say_last_words(void) {
    if (last_words[0]) {
        say("; ");
        say(last_words);
    }
    say("\n");
}

/* ---- crashes ---------------------------------------------------------------------------------------------------- */

static const struct fatal {
    int number;
    const char *what;
} fatal[] = {
    {SIGSEGV, "SIGSEGV, memory that is not its own"}, {SIGBUS, "SIGBUS, memory that is not there"},
    {SIGFPE, "SIGFPE, an impossible division"},       {SIGILL, "SIGILL, an instruction this processor lacks"},
    {SIGABRT, "SIGABRT, it gave up by itself"},
};
#define FATAL (sizeof fatal / sizeof *fatal)
static struct sigaction before[FATAL];

static void on_crash(int number, siginfo_t *info, void *context) {
    void *frames[FRAMES];
    const struct slot *slot = culprit();
    size_t which = 0;
    (void)context;
    while (which + 1 < FATAL && fatal[which].number != number) {
        which++;
    }
    say("\nswitchyard: ");
    if (slot) {
        accuse(slot, "crashed in ");
    } else {
        say("the program itself crashed, outside any plugin");
    }
    say(": ");
    say(fatal[which].what);
    say_last_words();
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
    /* As if nobody had listened: the fault comes again, or, where it was sent, is sent again. */
    sigaction(number, &before[which], NULL);
    if (number == SIGABRT || info->si_code <= 0) {
        raise(number);
    }
}

void sy_calls_blocked(sigset_t *out) {
    sigfillset(out);
    for (size_t i = 0; i < FATAL; i++) {
        sigdelset(out, fatal[i].number);
    }
}

void sy_calls_guard(void) {
    static char stack[STACK_BYTES]; /* a plugin may have used up the other one */
    static atomic_flag guarded = ATOMIC_FLAG_INIT;
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    void *frame[1];
    if (atomic_flag_test_and_set(&guarded)) {
        return;
    }
    backtrace(frame, 1); /* loads what it needs, which a handler may not */
    sigaltstack(&other, NULL);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FATAL; i++) {
        sigaction(fatal[i].number, &action, &before[i]);
    }
}

/* ---- calls that do not return ------------------------------------------------------------------------------------- */

static void give_up(const struct slot *slot, int64_t seconds) {
    say("\nswitchyard: ");
    accuse(slot, "does not come back from ");
    say(": it has worked for ");
    say_number(seconds);
    say(" s, the limit of a call (train.call_limit, probe --limit)");
    say_last_words();
    _exit(1);
}

/* Counts its own seconds, so that a machine that sleeps or a stopped program is no hang. */
static void *watch(void *nothing) {
    static uint_fast64_t seen[SLOTS];
    static int64_t ticks[SLOTS];
    const struct timespec tick = {.tv_sec = 1};
    (void)nothing;
    for (;;) {
        nanosleep(&tick, NULL);
        int64_t most = atomic_load(&limit);
        for (int i = 0; i < SLOTS; i++) {
            uint_fast64_t serial = atomic_load(&slots[i].serial);
            ticks[i] = serial && serial == seen[i] ? ticks[i] + 1 : 0;
            seen[i] = serial;
            if (most > 0 && ticks[i] >= most) {
                give_up(&slots[i], most);
            }
        }
    }
    return NULL;
}

void sy_calls_watch(int64_t seconds) {
    pthread_t thread;
    sigset_t blocked, old;
    atomic_store(&limit, seconds);
    if (seconds <= 0 || atomic_flag_test_and_set(&watching)) {
        return;
    }
    sy_calls_blocked(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &old);
    if (pthread_create(&thread, NULL, watch, NULL) == 0) {
        pthread_detach(thread);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}
