/* writes_outside.c - writes one element past the end of its gradient. */
#include "kullback_leibler.h"

static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct broken *loss = self;
    (void)err;
    kullback_leibler(loss, out, in);
    out->gradient[in->batch * in->classes] = 1;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .eval = eval};

SY_PLUGIN(SY_LOSS, "writes_outside", struct broken, .fields = fields, .ops = &ops,
          .doc = "writes outside its gradient");
