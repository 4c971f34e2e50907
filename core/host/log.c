/* log.c - see log.h. Level and sink are the program's: set before threads start, as services.h says. */
#include "log.h"

#include <pthread.h>
#include <string.h>

#include "services.h"

#define LINE_ROOM 1024

static int32_t lowest_level = SY_LOG_INFO;
static void (*line_sink)(void *context, int32_t level, const char *line);
static void *sink_context;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* one line at a time */

void sy_log_level(int32_t level) {
    lowest_level = level;
}

void sy_log_sink(void (*sink)(void *context, int32_t level, const char *line), void *context) {
    line_sink = sink;
    sink_context = context;
}

void sy_log_write(int32_t level, const char *owner, const char *format, va_list args) {
    char line[LINE_ROOM];
    if (level < lowest_level) {
        return;
    }
    size_t used = 0;
    if (owner && *owner) {
        snprintf(line, sizeof line / 2, "%s: ", owner);
        used = strlen(line);
    }
    vsnprintf(line + used, sizeof line - used, format, args);
    for (char *at = line; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 127) {
            *at = ' ';
        }
    }
    pthread_mutex_lock(&lock);
    if (line_sink) {
        line_sink(sink_context, level, line);
    } else {
        fprintf(stderr, "switchyard: %s\n", line);
    }
    pthread_mutex_unlock(&lock);
}
