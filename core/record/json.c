#include "json.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
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

static atomic_long refused = -1; /* -1: not yet counting */

static void *take_counted(size_t bytes) {
    void *at = malloc(bytes);
    if (!at) {
        atomic_fetch_add(&refused, 1);
    }
    return at;
}

long sy_json_short_of_memory(void) {
    long uncounted = -1;
    if (atomic_compare_exchange_strong(&refused, &uncounted, 0)) {
        json_set_alloc_funcs(take_counted, free);
    }
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
