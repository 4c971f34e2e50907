/* instance.c - see plugins.h: the memory of one use of a plugin, its parameters read. */
#include <stdlib.h>
#include <string.h>

#include "descriptor.h"

/* Instances begin at a cache line, so that a plugin may align members as it likes. */
#define SELF_ALIGNMENT 64

/* The public part, and where `ops` points to. */
struct owned {
    struct sy_instance instance;
    void *ops;
};

void sy_instance_destroy(struct sy_instance *instance) {
    if (instance) {
        struct owned *owned = (struct owned *)instance;
        free(owned->ops);
        free(instance->self);
        free(owned);
    }
}

struct sy_instance *sy_instance_create(const struct sy_found *found, struct sy_setting *group, struct sy_arena *arena,
                                       struct sy_problems *problems) {
    const struct sy_kind *kind = sy_kind_find(found->plugin.kind);
    size_t room = (found->plugin.self_size + SELF_ALIGNMENT - 1) / SELF_ALIGNMENT * SELF_ALIGNMENT;
    struct owned *owned = calloc(1, sizeof *owned);
    if (!owned) {
        goto no_memory;
    }
    owned->instance.self = aligned_alloc(SELF_ALIGNMENT, room);
    owned->ops = calloc(1, kind->ops_size);
    if (!owned->instance.self || !owned->ops) {
        goto no_memory;
    }
    memset(owned->instance.self, 0, room);
    sy_descriptor_copy_ops(owned->ops, &found->plugin, kind);
    owned->instance.ops = owned->ops;
    owned->instance.found = found;
    if (!sy_fields_read(owned->instance.self, &found->table, group, arena, problems)) {
        goto failed;
    }
    return &owned->instance;

no_memory:
    sy_problem(problems, group, "no memory for an instance of %s \"%s\" (%zu bytes)", kind->word, found->plugin.name,
               room);
failed:
    sy_instance_destroy(owned ? &owned->instance : NULL);
    return NULL;
}

/* The setting that names the plugin, made from the fallback where there is none; NULL after a problem. */
static struct sy_setting *plugin_setting(const struct sy_kind *kind, struct sy_setting *group, const char *fallback,
                                         struct sy_problems *problems) {
    struct sy_setting *setting = sy_setting_get(group, "plugin");
    if (!setting && !fallback) {
        sy_problem(problems, group,
                   "plugin is missing; say which %s, as in plugin = \"NAME\"; `switchyard list %s` "
                   "shows which there are",
                   kind->word, kind->word);
        return NULL;
    }
    if (!setting) {
        setting = sy_setting_add(group, SY_SETTING_STRING, "plugin");
        if (!setting || !sy_setting_set_string(setting, fallback)) {
            sy_problem(problems, group, "memory is used up");
            return NULL;
        }
        setting->used = true;
    }
    if (setting->kind != SY_SETTING_STRING) {
        sy_problem(problems, setting, "must be the name of a %s, as a string", kind->word);
        return NULL;
    }
    return setting;
}

struct sy_instance *sy_instance_from_group(struct sy_registry *registry, const char *kind_id, struct sy_setting *group,
                                           const char *fallback, const char *const *names, struct sy_arena *arena,
                                           struct sy_problems *problems) {
    const struct sy_kind *kind = sy_kind_find(kind_id);
    const struct sy_found *found = NULL;
    if (!kind || (!group && !fallback)) {
        sy_problem(problems, NULL, "no group of the config says which %s to use", kind ? kind->word : kind_id);
        return NULL;
    }
    if (group) {
        const struct sy_setting *setting = plugin_setting(kind, group, fallback, problems);
        found = setting ? sy_registry_find(registry, kind_id, setting->string, setting, problems) : NULL;
    } else {
        found = sy_registry_find(registry, kind_id, fallback, NULL, problems);
    }
    if (!found) {
        return NULL;
    }
    struct sy_instance *instance = sy_instance_create(found, group, arena, problems);
    /* Unknown keys are told even where the known ones are wrong. */
    if (group) {
        for (size_t i = 0; names && names[i]; i++) {
            sy_setting_get(group, names[i]);
        }
        sy_fields_finish(group, (const struct sy_table *const[]){&found->table}, 1, names, problems);
    }
    return instance;
}

bool sy_instance_field(const struct sy_instance *instance, size_t index, struct sy_field *out) {
    for (size_t row = 0; sy_table_row(&instance->found->table, row, out); row++) {
        if (out->role != SY_PARAMETER && index-- == 0) {
            return true;
        }
    }
    return false;
}
