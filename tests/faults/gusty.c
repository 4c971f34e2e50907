/* gusty.c - a loss that is no number in the steps it is told, after it has changed all it remembers: mean squared distance
 * of the logits, times what its memory makes of it. */
#include <math.h>

#include <switchyard/loss.h>

struct gusty {
    struct sy_ints steps;
    int32_t how;
    int64_t calls;
    float *bank;
};

enum { VALUE, GRADIENT, HUGE_GRADIENT };

static const struct sy_field fields[] = {
    SY_PARAM(struct gusty, steps, .def_text = "[]", .doc = "in which it fails"),
    SY_PARAM(struct gusty, how, .choices = "value|gradient|huge",
             .doc = "what is not finite: the value, the gradient, or what a network's backward makes of it"),
    SY_STATE(struct gusty, calls, .doc = "so far"),
    SY_END,
};

static int init(void *self, const struct sy_host *host, struct sy_error *err) {
    struct gusty *gusty = self;
    return host->buffer(host, &gusty->bank, "bank", 1, err);
}

static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    struct gusty *gusty = self;
    const float *target = in->target->data, *source = in->sources[0]->data;
    size_t count = (size_t)in->batch * (size_t)in->classes;
    gusty->calls++;
    gusty->bank[0] += 1;
    double factor = 1 + 0.01 * (double)gusty->calls + 0.01 * (double)gusty->bank[0], sum = 0;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        double distance = (double)target[i] - (double)source[i];
        sum += 0.5 * factor * distance * distance;
        out->gradient[i] = (float)(factor * distance / in->batch);
    }
    out->value = sum / in->batch;
    for (size_t k = 0; k < gusty->steps.count; k++) {
        if (gusty->steps.at[k] != in->step) {
            continue;
        }
        out->value = gusty->how == VALUE ? (double)NAN : out->value;
        for (size_t i = 0; i < count && gusty->how != VALUE; i++) {
            out->gradient[i] = gusty->how == GRADIENT ? NAN : i % 2 ? -3e38f : 3e38f;
        }
    }
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .init = init, .eval = eval};

SY_PLUGIN(SY_LOSS, "gusty", struct gusty, .fields = fields, .ops = &ops, .doc = "fails in the steps it is told");
