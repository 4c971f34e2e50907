#include "json.h"

#include <math.h>
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

char *sy_json_dump(const json_t *value) {
    struct text text = {0};
    if (json_dump_callback(value, take, &text, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) == 0 && !text.cut) {
        return text.at;
    }
    free(text.at);
    return NULL;
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
