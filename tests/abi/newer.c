/* newer.c - policy "newer", as headers of the future would build it: every struct has members that today's core has
 * never heard of, with something in them. */
#include <switchyard/policy.h>

struct newer {
    double limit;
    double seen;
    int64_t calls;
};

struct newer_field {
    struct sy_field known;
    const char *later;
    double much_later[3];
};

struct newer_ops {
    struct sy_policy_ops known;
    int (*later)(void *self);
};

struct newer_plugin {
    struct sy_plugin known;
    const char *later;
    uint64_t much_later;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    struct newer *newer = self;
    (void)in, (void)err;
    newer->seen = newer->limit;
    newer->calls++;
    out->mode = SY_EXPERT;
    return SY_OK;
}

static int later(void *self) {
    (void)self;
    return SY_EINVAL;
}

static const struct newer_field fields[] = {
    {SY_PARAM(struct newer, limit, .def = 3, .min = 0, .max = 5, .doc = "up to where"), "later", {1, 2, 3}},
    {SY_OBSERVED(struct newer, seen, .doc = "how far it went"), "later", {4, 5, 6}},
    {SY_STATE(struct newer, calls, .doc = "decisions so far"), "later", {7, 8, 9}},
    {SY_END, NULL, {0}},
};

static const struct newer_ops ops = {.known = {.size = sizeof ops, .decide = decide}, .later = later};

static const struct newer_plugin plugin = {
    .known = {.size = sizeof plugin,
              .field_size = sizeof fields[0],
              .kind = SY_POLICY,
              .name = "newer",
              .self_size = sizeof(struct newer),
              .fields = &fields[0].known,
              .ops = &ops,
              .doc = "from the future"},
    .later = "later",
    .much_later = 77,
};

SY_EXPORT extern const struct sy_plugin *const sy_plugins_1[];
const struct sy_plugin *const sy_plugins_1[] = {&plugin.known, NULL};
