/* wrong_gradient.c - a gradient that is 1 % too large. */
#include "kullback_leibler.h"

static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct broken *loss = self;
    (void)err;
    kullback_leibler(loss, out, in);
    for (int32_t i = 0; i < in->batch * in->classes; i++) {
        out->gradient[i] *= 1.01f;
    }
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .eval = eval};

SY_PLUGIN(SY_LOSS, "wrong_gradient", struct broken, .fields = fields, .ops = &ops,
          .doc = "has a gradient that is 1 % too large");
