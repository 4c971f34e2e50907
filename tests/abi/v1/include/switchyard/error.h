/* error.h - status codes, and the reason that travels with them.
 *
 * Every fallible function of the border returns an int: SY_OK (0) or one of the negative codes below, and takes a
 * `struct sy_error *err` as its last argument. The text says what was wrong and what would be right, in one line,
 * without a prefix: the caller adds the file, the line and the plugin's name. */
#ifndef SWITCHYARD_ERROR_H
#define SWITCHYARD_ERROR_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum sy_status {
    SY_OK = 0,
    SY_EINVAL = -1,  /* the caller's or the user's input makes no sense */
    SY_ERANGE = -2,  /* a value outside its range */
    SY_ENOMEM = -3,  /* memory is used up */
    SY_EIO = -4,     /* a file or a device failed */
    SY_ENOTSUP = -5, /* a sensible wish that this plugin, machine or build cannot fulfil */
};

#define SY_ERROR_ROOM 1016

/* Owned by the caller, filled by whoever fails first; later failures do not overwrite it. */
struct sy_error {
    uint32_t size; /* sizeof (struct sy_error) of the caller; 0 is read as the size of this header's */
    int32_t code;  /* enum sy_status; 0 while nothing has failed */
    char text[SY_ERROR_ROOM];
};

#if defined(__GNUC__)
#define SY_PRINTF(text_, first_) __attribute__((format(printf, text_, first_)))
#else
#define SY_PRINTF(text_, first_)
#endif

/* Notes a failure and returns its code, so that `return sy_fail(err, SY_ERANGE, "...")` is the whole idiom.
 * err may be NULL. [any] */
SY_PRINTF(3, 4)
static inline int sy_fail(struct sy_error *err, int code, const char *format, ...) {
    if (err && err->code == SY_OK) {
        va_list args;
        err->code = code;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return code;
}

#ifdef __cplusplus
}
#endif
#endif
