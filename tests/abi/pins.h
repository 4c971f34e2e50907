/* pins.h - what something is now, and what it was when it was published. */
#ifndef SY_TESTS_ABI_PINS_H
#define SY_TESTS_ABI_PINS_H

#include <criterion/criterion.h>
#include <stddef.h>

struct pin {
    const char *what;
    long long is, was;
};

#define SIZE(type_, was_) \
    { #type_, (long long)sizeof(struct type_), (was_) }
#define AT(type_, member_, was_) \
    { #type_ "." #member_, (long long)offsetof(struct type_, member_), (was_) }
#define VALUE(name_, was_) \
    { #name_, (long long)(name_), (was_) }

static inline void expect_unmoved(const struct pin *pins, size_t count) {
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(pins[i].is, pins[i].was, "%s is %lld, was published as %lld", pins[i].what, pins[i].is,
                     pins[i].was);
    }
}

#endif
