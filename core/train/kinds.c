/* kinds.c - see kinds.h. */
#include "kinds.h"

#include <string.h>

bool sy_kind_read(void *self, const struct sy_kind_table *kinds, struct sy_setting *group, struct sy_arena *arena,
                  struct sy_problems *problems) {
    const struct sy_field only_kind[] = {kinds[0].fields[0], SY_END};
    struct sy_table table = {only_kind, 0};
    if (!sy_fields_read(self, &table, group, arena, problems)) {
        return false;
    }
    int32_t kind;
    memcpy(&kind, self, sizeof kind);
    table.fields = kinds[kind].fields;
    size_t before = sy_problems_count(problems);
    sy_fields_read(self, &table, group, arena, problems);
    if (group) {
        sy_fields_finish(group, (const struct sy_table *const[]){&table}, 1, NULL, problems);
    }
    return sy_problems_count(problems) == before;
}
