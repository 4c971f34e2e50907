/* nan_source_gradient.c - a sound value and gradient, and a gradient to its attached source that is no number. */
#include "kullback_leibler.h"

static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct broken *loss = self;
    (void)err;
    kullback_leibler(loss, out, in);
    for (int32_t i = 0; out->source_gradients && i < in->batch * in->classes; i++) {
        out->source_gradients[0][i] = i == 2 * in->classes ? NAN : 0;
    }
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .eval = eval};

SY_PLUGIN(SY_LOSS, "nan_source_gradient", struct broken, .fields = fields, .ops = &ops,
          .doc = "has a NaN in the gradient to its source");
