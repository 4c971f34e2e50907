/* nan_gradient.c - a sound value, and a gradient with one element that is no number. */
#include "kullback_leibler.h"

static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct broken *loss = self;
    (void)err;
    kullback_leibler(loss, out, in);
    out->gradient[in->classes + 1] = NAN;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .eval = eval};

SY_PLUGIN(SY_LOSS, "nan_gradient", struct broken, .fields = fields, .ops = &ops, .doc = "has a gradient with a NaN");
