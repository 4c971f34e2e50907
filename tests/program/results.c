/* results.c - see results.h. */
#include "results.h"

#include <criterion/criterion.h>
#include <jansson.h>

static json_t *without_costs(const char *name) {
    static const char *const costs[] = {"seconds", "images_per_s", "peak_mib", "energy_joules"};
    json_t *result = json_load_file(name, 0, NULL);
    cr_assert(result, "%s", name);
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        cr_expect(json_object_get(result, costs[i]), "%s: %s", name, costs[i]);
        json_object_del(result, costs[i]);
    }
    return result;
}

int same_result(const char *one, const char *other) {
    json_t *a = without_costs(one), *b = without_costs(other);
    int same = json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return same;
}
