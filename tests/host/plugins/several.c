/* several.c - one file with a loss and a policy of the same name, and a policy of another. */
#include <switchyard/loss.h>
#include <switchyard/policy.h>

struct nothing {
    int32_t unused;
};

static int decide(void *self, struct sy_policy_out *out, const struct sy_policy_in *in, struct sy_error *err) {
    (void)self, (void)in, (void)err;
    out->mode = SY_LEARNING;
    return SY_OK;
}

static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    (void)self, (void)in, (void)err;
    out->value = 0;
    return SY_OK;
}

static const struct sy_policy_ops policy_ops = {.size = sizeof policy_ops, .decide = decide};
static const struct sy_loss_ops loss_ops = {.size = sizeof loss_ops, .eval = eval};

#define DESCRIBE(kind_, name_, ops_, doc_)                                                                         \
    {                                                                                                              \
        .size = sizeof(struct sy_plugin), .field_size = sizeof(struct sy_field), .kind = (kind_), .name = (name_), \
        .self_size = sizeof(struct nothing), .ops = (ops_), .doc = (doc_)                                          \
    }

static const struct sy_plugin plugins[] = {
    DESCRIBE(SY_LOSS, "several", &loss_ops, "the loss of several"),
    DESCRIBE(SY_POLICY, "several", &policy_ops, "the policy of several"),
    DESCRIBE(SY_POLICY, "hidden_rule", &policy_ops, "found only when its file is declared"),
};
SY_EXPORT extern const struct sy_plugin *const sy_plugins_1[];
const struct sy_plugin *const sy_plugins_1[] = {&plugins[0], &plugins[1], &plugins[2], NULL};
