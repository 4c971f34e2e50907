/* log.h - messages of plugins on their way to a person. Settings of it: services.h. */
#ifndef SY_HOST_LOG_H
#define SY_HOST_LOG_H

#include <switchyard/error.h>

/* Says one line for `owner` (NULL: nobody in particular), unless the level is below the one asked for. Control
 * characters become spaces. [any] */
SY_PRINTF(3, 0)
void sy_log_write(int32_t level, const char *owner, const char *format, va_list args);

#endif
