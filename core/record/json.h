/* json.h - building JSON without a check at every step: where memory is used up, what is built becomes NULL, and so does
 * everything it is put into; who writes it (sy_journal_append, sy_write_json, json_pack) takes NULL for out of memory. A
 * line without one of its keys would be a lie. */
#ifndef SY_RECORD_JSON_H
#define SY_RECORD_JSON_H

#include <jansson.h>

/* Puts `value` into *object and takes it over, whatever happens. */
static inline void sy_json_put(json_t **object, const char *key, json_t *value) {
    if (json_object_set_new(*object, key, value) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

/* The same at the end of *array. */
static inline void sy_json_add(json_t **array, json_t *value) {
    if (json_array_append_new(*array, value) != 0) {
        json_decref(*array);
        *array = NULL;
    }
}

/* As indented text, malloc'ed; NULL when memory is used up, where json_dumps may return text with holes (jansson 2.14
 * does not look whether the name of a key found room). */
char *sy_json_dump(const json_t *value);
/* The same in another form: JSON_COMPACT. */
char *sy_json_dump_as(const json_t *value, size_t flags);

/* From here on jansson has a reserve of 1 MiB where malloc has nothing, without which its reader runs over the end of
 * what it could not keep. json_dumps must not be freed by free() then: use sy_json_dump_as. [any] */
void sy_json_guard(void);

/* How often jansson found no memory since sy_json_guard, which this calls: it tells some of that as damaged text, and
 * leaves out of a value what it had no room for. For readers to whom a missing piece is no failure. The count is of the
 * whole process, as jansson's allocator is. [any] */
long sy_json_short_of_memory(void);

/* A string; bytes that are no UTF-8, as paths may have them, become '?'. NULL: null. */
json_t *sy_json_string(const char *text);
/* A JSON real, null where it is not finite. */
json_t *sy_json_number(double value);

#endif
