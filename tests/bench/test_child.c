/* test_child.c - a process that answers, fails, dies, and is asked to clean up. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bench/child.h"

struct shared {
    int calls, context, ended;
    char failure[32];
};

static bool serve(void *context, void *memory, char command) {
    struct shared *shared = memory;
    shared->calls++;
    shared->context = *(int *)context;
    switch (command) {
    case 'f':
        snprintf(shared->failure, sizeof shared->failure, "for a reason");
        return false;
    case 'k':
        raise(SIGKILL);
        return true;
    case 'x':
        _exit(3);
    case SY_CHILD_END:
        shared->ended = 1;
        return true;
    default:
        *(int *)context += 1; /* its own copy */
        return true;
    }
}

static struct sy_child start(int *context) {
    struct sy_child child;
    struct sy_error err = {.size = sizeof err};
    cr_assert_eq(sy_child_start(&child, sizeof(struct shared), serve, context, &err), SY_OK, "%s", err.text);
    return child;
}

Test(child, answers_through_the_memory_both_share) {
    struct sy_error err = {.size = sizeof err};
    int context = 7;
    struct sy_child child = start(&context);
    const struct shared *shared = child.shared;
    cr_expect_eq(sy_child_ask(&child, 'a', &err), 1);
    cr_expect_eq(sy_child_ask(&child, 'a', &err), 1);
    cr_expect_eq(shared->calls, 2);
    cr_expect_eq(shared->context, 8, "what the child changed stays changed there");
    cr_expect_eq(context, 7, "and not here");
    cr_expect_eq(sy_child_ask(&child, 'f', &err), 0);
    cr_expect_str_eq(shared->failure, "for a reason");
    cr_expect_eq(sy_child_ask(&child, 'a', &err), 1, "a failure is not the end");
    sy_child_finish(&child);
    cr_expect_null(child.shared);
}

Test(child, is_asked_to_clean_up_before_it_ends) {
    int context = 0;
    struct sy_child child = start(&context);
    const struct shared *shared = child.shared;
    struct sy_error err = {.size = sizeof err};
    cr_expect_eq(sy_child_ask(&child, 'a', &err), 1);
    cr_assert_eq(write(child.to, (char[]){SY_CHILD_END}, 1), 1);
    cr_expect_lt(sy_child_ask(&child, 'a', &err), 0, "it has ended");
    cr_expect_eq(shared->ended, 1);
    cr_expect(strstr(err.text, "ended with code 0 before it had answered") != NULL, "%s", err.text);
    sy_child_finish(&child);
}

Test(child, a_death_is_told_with_its_cause) {
    int context = 0;
    struct sy_error killed = {.size = sizeof killed}, left = {.size = sizeof left}, again = {.size = sizeof again};
    struct sy_child child = start(&context);
    cr_expect_lt(sy_child_ask(&child, 'k', &killed), 0);
    cr_expect(strstr(killed.text, "died of signal 9") != NULL, "%s", killed.text);
    cr_expect_lt(sy_child_ask(&child, 'a', &again), 0);
    cr_expect(strstr(again.text, "has ended") != NULL, "%s", again.text);
    sy_child_finish(&child);
    child = start(&context);
    cr_expect_lt(sy_child_ask(&child, 'x', &left), 0);
    cr_expect(strstr(left.text, "ended with code 3") != NULL, "%s", left.text);
    sy_child_finish(&child);
    sy_child_finish(&(struct sy_child){0});
}
