/* list_abi.c - see list_abi.h. */
#include "list_abi.h"

#include <stdio.h>
#include <string.h>

#include <switchyard/host.h>
#include <switchyard/tensor.h>

#include "cli.h"
#include "plugin_names.h"

/* The first member of every struct of the border. */
static uint32_t size_of(const void *theirs) {
    uint32_t size;
    memcpy(&size, theirs, sizeof size);
    return size;
}

static const char *age(size_t theirs, size_t ours) {
    return theirs == ours ? "" : theirs < ours ? "  built on older headers" : "  built on newer headers";
}

int sy_list_abi(struct sy_registry *registry, const char *only) {
    const struct sy_candidate *candidates;
    printf("this program: symbol %s; descriptor %zu bytes, field %zu, error %zu, tensor %zu, host %zu\n", SY_SYMBOL,
           sizeof(struct sy_plugin), sizeof(struct sy_field), sizeof(struct sy_error), sizeof(struct sy_tensor),
           sizeof(struct sy_host));
    for (const struct sy_kind *kind = sy_kinds(); kind->id; kind++) {
        printf("  %-10s  functions %4zu bytes\n", kind->id, kind->ops_size);
    }
    printf("\nplugins as they were built (bytes of a field, of the table of functions)\n");
    size_t count = sy_registry_candidates(registry, only, true, &candidates);
    for (size_t i = 0; i < count; i++) {
        struct sy_problems *quiet = sy_problems_create();
        const struct sy_kind *kind = candidates[i].failed ? NULL : sy_cli_kind(candidates[i].kind);
        const struct sy_found *found = kind && quiet && !candidates[i].shadowed_by
                                           ? sy_registry_find(registry, kind->id, candidates[i].name, NULL, quiet)
                                           : NULL;
        if (found) {
            uint32_t functions = size_of(found->plugin.ops);
            printf("  %-10s  %-16s  %4u  %4u%s\n", kind->id, candidates[i].name, (unsigned)found->plugin.field_size,
                   (unsigned)functions, age(functions, kind->ops_size));
        }
        sy_problems_destroy(quiet);
    }
    return SY_EXIT_OK;
}
