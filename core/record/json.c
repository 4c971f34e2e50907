#include "json.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *at;
    size_t used, room;
    bool cut;
};

static int take(const char *from, size_t count, void *data) {
    struct text *text = data;
    if (!text->cut && count >= text->room - text->used) {
        size_t room = 2 * (text->used + count) + 256;
        char *larger = realloc(text->at, room);
        text->cut = !larger;
        text->at = larger ? larger : text->at;
        text->room = larger ? room : text->room;
    }
    if (text->cut) {
        return -1;
    }
    memcpy(text->at + text->used, from, count);
    text->used += count;
    text->at[text->used] = '\0';
    return 0;
}

char *sy_json_dump_as(const json_t *value, size_t flags) {
    struct text text = {0};
    if (json_dump_callback(value, take, &text, flags | JSON_REAL_PRECISION(17)) == 0 && !text.cut) {
        return text.at;
    }
    free(text.at);
    return NULL;
}

char *sy_json_dump(const json_t *value) {
    return sy_json_dump_as(value, JSON_INDENT(2));
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static atomic_long refused = -1; /* -1: not yet counting */

/* Jansson 2.14 does not look whether a token it reads found room, and reads on behind the end of one that did not: where
 * malloc has nothing, a piece of this is what keeps it within bounds until it is told to end. */
#define RESERVE ((size_t)1 << 20)
static _Alignas(max_align_t) char reserve[RESERVE];
static size_t reserve_used, reserve_blocks;
static pthread_mutex_t reserve_lock = PTHREAD_MUTEX_INITIALIZER;

static void *take_reserve(size_t bytes) {
    size_t room = (bytes + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    void *at = NULL;
    pthread_mutex_lock(&reserve_lock);
    if (room >= bytes && room <= RESERVE - reserve_used) {
        at = reserve + reserve_used;
        reserve_used += room;
        reserve_blocks++;
    }
    pthread_mutex_unlock(&reserve_lock);
    return at;
}

static void *take_counted(size_t bytes) {
    void *at = malloc(bytes);
    if (!at) {
        atomic_fetch_add(&refused, 1);
        at = take_reserve(bytes);
    }
    return at;
}

static void give_back(void *at) {
    const char *byte = at;
    if (!byte || (uintptr_t)byte - (uintptr_t)reserve >= RESERVE) {
        free(at);
        return;
    }
    pthread_mutex_lock(&reserve_lock);
    if (--reserve_blocks == 0) {
        reserve_used = 0;
    }
    pthread_mutex_unlock(&reserve_lock);
}

void sy_json_guard(void) {
    long uncounted = -1;
    if (atomic_compare_exchange_strong(&refused, &uncounted, 0)) {
        json_set_alloc_funcs(take_counted, give_back);
    }
}

long sy_json_short_of_memory(void) {
    sy_json_guard();
    return atomic_load(&refused);
}

json_t *sy_json_string(const char *text) {
    json_t *string = text ? json_string(text) : json_null();
    if (string) {
        return string;
    }
    char *copy = strdup(text);
    for (char *at = copy; at && *at; at++) {
        *at = (unsigned char)*at < 0x80 ? *at : '?';
    }
    string = copy ? json_string(copy) : NULL;
    free(copy);
    return string;
}

json_t *sy_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}
