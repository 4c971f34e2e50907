/* older.c - policy "older", as headers that ended earlier would have built it: no doc, no help, no extension; fields
 * without texts; functions up to decide. What follows each struct in memory is not its own and must not be read. */
#include <switchyard/policy.h>

struct older {
    double limit;
    double seen;
    int64_t calls;
};

struct older_field {
    const char *name;
    uint32_t role, type;
    size_t offset;
    uint32_t count, flags;
    double def, min, max;
};

struct older_ops {
    uint32_t size;
    int32_t reserved;
    int (*init)(void *self, const struct sy_host *host, struct sy_error *err);
    void (*fini)(void *self);
    int (*decide)(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err);
};

struct older_plugin {
    uint32_t size, field_size;
    const char *kind, *name;
    size_t self_size;
    const struct older_field *fields;
    const void *ops;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct older *older = self;
    (void)in, (void)err;
    older->seen = older->limit;
    older->calls++;
    out->mode = SY_EXPERT;
    return SY_OK;
}

static const struct older_field fields[] = {
    {SY_FIELD_(struct older, limit, limit, 1, SY_PARAMETER), .def = 3, .min = 0, .max = 5},
    {SY_FIELD_(struct older, seen, seen, 1, SY_OBSERVED_FIELD)},
    {SY_FIELD_(struct older, calls, calls, 1, SY_STATE_FIELD)},
    {.name = NULL},
};

/* Each with a neighbour that would crash or confuse whoever reads on. */
static const struct {
    struct older_ops ops;
    uintptr_t neighbour[4];
} functions = {{.size = sizeof(struct older_ops), .decide = decide}, {1, 2, 3, 4}};

static const struct {
    struct older_plugin plugin;
    uintptr_t neighbour[8];
} described = {{.size = sizeof(struct older_plugin),
                .field_size = sizeof(struct older_field),
                .kind = SY_POLICY,
                .name = "older",
                .self_size = sizeof(struct older),
                .fields = fields,
                .ops = &functions.ops},
               {1, 2, 3, 4, 5, 6, 7, 8}};

SY_EXPORT extern const void *const sy_plugins_1[];
const void *const sy_plugins_1[] = {&described.plugin, NULL};
