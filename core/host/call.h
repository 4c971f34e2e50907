/* call.h - which plugin works just now: so that a crash or a hang can be laid at somebody's door.
 *
 * Whoever calls into a plugin notes it while the call lasts (SY_CALLED). Once sy_calls_guard was called, a signal that
 * would end the program (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) first tells the plugin, the function, the step and the
 * file; once sy_calls_watch was, a call that does not return ends the program with the same message. Notes are the
 * program's, for signal handlers know no other place; nothing else reads them. [any] */
#ifndef SY_HOST_CALL_H
#define SY_HOST_CALL_H

#include <signal.h>

#include "plugins.h"

/* Notes that this thread enters `function` of a plugin (NULL: of nobody known); texts live as long as the call. Calls
 * may be nested 4 deep; deeper ones are not noted. */
void sy_call_begin(const struct sy_found *found, const char *function);
/* This thread is back. Returns `status`. */
int sy_call_end(int status);

/* The status that the call returns, noted while it lasts: SY_CALLED(gate->policy->found, "decide", ops->decide(...)). */
#define SY_CALLED(found_, function_, call_) (sy_call_begin((found_), (function_)), sy_call_end(call_))

/* The step that is told; -1 before the first. */
void sy_calls_step(int64_t step);
/* What is said at the end of the message: that a checkpoint was kept, and how to go on. NULL: nothing. Copied. */
void sy_calls_last_words(const char *text);

/* Tells of crashes from now on, then lets them have their way (a core dump, a sanitizer's report). */
void sy_calls_guard(void);
/* The signals a thread of ours leaves to the program's first one: all but those of a crash, which ends whoever blocks it
 * before anybody can speak. */
void sy_calls_blocked(sigset_t *out);

/* Ends the program with exit code 1 when a call has lasted for so many seconds; 0: never, and no thread watches. The
 * last one counts. */
void sy_calls_watch(int64_t seconds);

#endif
