#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
