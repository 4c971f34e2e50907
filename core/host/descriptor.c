/* descriptor.c - see descriptor.h. */
#include "descriptor.h"

#include <string.h>

#include <switchyard/backend.h>
#include <switchyard/dataset.h>
#include <switchyard/loss.h>
#include <switchyard/network.h>
#include <switchyard/policy.h>
#include <switchyard/topology.h>

#include "short_name.h"

/* Larger than any table this border will ever have; what claims more was not written by these headers. */
#define SIZE_LIMIT 4096
#define SELF_LIMIT ((size_t)1 << 30)

/* What a plugin cannot do without; structs that end before these are not from these headers. */
#define LEAST_PLUGIN (offsetof(struct sy_plugin, ops) + sizeof(const void *))
#define LEAST_FIELD  (offsetof(struct sy_field, max) + sizeof(double))

static const struct sy_kind kinds[] = {
    {SY_BACKEND, "backends", "backend", sizeof(struct sy_backend_ops)},
    {SY_NETWORK, "networks", "network", sizeof(struct sy_network_ops)},
    {SY_LOSS, "losses", "loss", sizeof(struct sy_loss_ops)},
    {SY_POLICY, "policies", "policy", sizeof(struct sy_policy_ops)},
    {SY_TOPOLOGY, "topologies", "topology", sizeof(struct sy_topology_ops)},
    {SY_DATASET, "datasets", "dataset", sizeof(struct sy_dataset_ops)},
    {NULL, NULL, NULL, 0},
};

/* Functions a plugin of a kind must have. */
struct duty {
    const char *kind, *function;
    size_t offset;
};
#define BACKEND_DUTY(function) \
    { SY_BACKEND, #function, offsetof(struct sy_backend_ops, function) }
static const struct duty duties[] = {
    BACKEND_DUTY(info),
    BACKEND_DUTY(compile),
    BACKEND_DUTY(destroy),
    BACKEND_DUTY(forward),
    BACKEND_DUTY(output),
    BACKEND_DUTY(statistics),
    BACKEND_DUTY(backward),
    BACKEND_DUTY(input_gradient),
    BACKEND_DUTY(update),
    BACKEND_DUTY(get),
    BACKEND_DUTY(set),
    {SY_NETWORK, "build", offsetof(struct sy_network_ops, build)},
    {SY_LOSS, "eval", offsetof(struct sy_loss_ops, eval)},
    {SY_POLICY, "decide", offsetof(struct sy_policy_ops, decide)},
    {SY_TOPOLOGY, "describe", offsetof(struct sy_topology_ops, describe)},
    {SY_DATASET, "open", offsetof(struct sy_dataset_ops, open)},
    {SY_DATASET, "info", offsetof(struct sy_dataset_ops, info)},
    {SY_DATASET, "read", offsetof(struct sy_dataset_ops, read)},
};
#undef BACKEND_DUTY

const struct sy_kind *sy_kinds(void) {
    return kinds;
}

const struct sy_kind *sy_kind_find(const char *id) {
    for (const struct sy_kind *kind = kinds; kind->id; kind++) {
        if (!strcmp(kind->id, id)) {
            return kind;
        }
    }
    return NULL;
}

bool sy_is_plugin_name(const char *name) {
    size_t length = strlen(name);
    return length > 0 && length < 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

/* The first `size` bytes of theirs into ours, the rest of ours zero. */
static void copy_known(void *ours, size_t our_size, const void *theirs, size_t their_size) {
    memset(ours, 0, our_size);
    memcpy(ours, theirs, their_size < our_size ? their_size : our_size);
}

void sy_descriptor_copy_ops(void *out, const struct sy_plugin *plugin, const struct sy_kind *kind) {
    uint32_t theirs, ours = (uint32_t)kind->ops_size;
    memcpy(&theirs, plugin->ops, sizeof theirs);
    copy_known(out, kind->ops_size, plugin->ops, theirs);
    memcpy(out, &ours, sizeof ours);
}

static int check_identity(const struct sy_plugin *plugin, const struct sy_kind **kind, struct sy_error *err) {
    if (!plugin->name || !sy_is_plugin_name(plugin->name)) {
        return sy_fail(err, SY_EINVAL, "its name \"%s\" must be 1 to 63 of a-z, 0-9 and _",
                       plugin->name ? plugin->name : "");
    }
    *kind = plugin->kind ? sy_kind_find(plugin->kind) : NULL;
    if (!*kind) {
        return sy_fail(err, SY_EINVAL,
                       "plugin \"%s\" is of kind \"%s\", which is unknown here; known: backend/1, network/1, loss/1, "
                       "policy/1, topology/1, dataset/1",
                       plugin->name, plugin->kind ? plugin->kind : "");
    }
    if (!plugin->self_size || plugin->self_size > SELF_LIMIT) {
        return sy_fail(err, SY_EINVAL, "plugin \"%s\" has instances of %zu bytes; must be 1 to %zu", plugin->name,
                       plugin->self_size, SELF_LIMIT);
    }
    return SY_OK;
}

static int check_fields(const struct sy_plugin *plugin, const struct sy_table *table, struct sy_error *err) {
    struct sy_error inner = {.size = sizeof inner};
    if (!plugin->fields) {
        return SY_OK;
    }
    if (plugin->field_size < LEAST_FIELD || plugin->field_size > SIZE_LIMIT ||
        plugin->field_size % _Alignof(struct sy_field)) {
        return sy_fail(err, SY_EINVAL,
                       "plugin \"%s\" has fields of %u bytes; it was built against other headers than <switchyard/...>",
                       plugin->name, (unsigned)plugin->field_size);
    }
    if (sy_table_check(table, plugin->self_size, &inner) != SY_OK) {
        return sy_fail(err, inner.code, "plugin \"%s\": %s", plugin->name, inner.text);
    }
    return SY_OK;
}

static int check_ops(const struct sy_plugin *plugin, const struct sy_kind *kind, struct sy_error *err) {
    uint32_t size;
    if (!plugin->ops) {
        return sy_fail(err, SY_EINVAL, "plugin \"%s\" has no table of functions; set .ops", plugin->name);
    }
    memcpy(&size, plugin->ops, sizeof size);
    if (size < sizeof size || size > SIZE_LIMIT) {
        return sy_fail(err, SY_EINVAL,
                       "plugin \"%s\" has a table of functions of %u bytes; set .size = sizeof ops, of headers of this "
                       "border",
                       plugin->name, (unsigned)size);
    }
    for (size_t i = 0; i < sizeof duties / sizeof *duties; i++) {
        void (*function)(void) = NULL;
        if (strcmp(duties[i].kind, kind->id)) {
            continue;
        }
        if (size >= duties[i].offset + sizeof function) {
            memcpy(&function, (const char *)plugin->ops + duties[i].offset, sizeof function);
        }
        if (!function) {
            return sy_fail(err, SY_EINVAL, "plugin \"%s\" has no function \"%s\", which a %s must have", plugin->name,
                           duties[i].function, kind->word);
        }
    }
    return SY_OK;
}

int sy_descriptor_read(struct sy_found *out, const struct sy_plugin *theirs, struct sy_error *err) {
    const struct sy_kind *kind = NULL;
    if (theirs->size < LEAST_PLUGIN || theirs->size > SIZE_LIMIT) {
        return sy_fail(err, SY_EINVAL,
                       "its descriptor has %u bytes, not %zu or a few more; it was built against other headers than "
                       "<switchyard/...>, or without SY_PLUGIN",
                       (unsigned)theirs->size, sizeof *theirs);
    }
    copy_known(&out->plugin, sizeof out->plugin, theirs, theirs->size);
    out->plugin.size = sizeof out->plugin;
    int status = check_identity(&out->plugin, &kind, err);
    if (status != SY_OK) {
        return status;
    }
    out->plugin.kind = kind->id;
    out->table = (struct sy_table){out->plugin.fields, out->plugin.field_size};
    status = check_fields(&out->plugin, &out->table, err);
    if (status == SY_OK) {
        status = sy_short_name_check(&out->plugin, &out->table, err);
    }
    return status == SY_OK ? check_ops(&out->plugin, kind, err) : status;
}
