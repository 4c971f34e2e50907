/* ce.c - cross-entropy with the labels. */
#include <string.h>

#include <switchyard/loss.h>

struct ce {
    double label_smoothing;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct ce, label_smoothing, .def = 0, .min = 0, .max = 1,
             .doc = "share of the target spread evenly over all classes",
             .reference = "Szegedy et al., Rethinking the Inception Architecture, CVPR 2016, section 7"),
    SY_END,
};

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    const struct ce *ce = self;
    (void)sources, (void)n_sources;
    if (ce->label_smoothing > 0) {
        snprintf(out, room, "CE(labels smoothed by %g, %s)", ce->label_smoothing, target);
    } else {
        snprintf(out, room, "CE(labels, %s)", target);
    }
}

/* q = (1 - s) onehot(label) + s / K;  value = -1/B sum_b sum_k q_k log p_k;  d value / d z = (p - q) / B */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct ce *ce = self;
    const double *p = sy_loss_probabilities(in, SY_TARGET, 1), *log_p = sy_loss_log_probabilities(in, SY_TARGET, 1);
    double even = ce->label_smoothing / in->classes, sum = 0;
    if (!p || !log_p) {
        return sy_fail(err, SY_EINVAL, "cross-entropy needs logits");
    }
    for (int32_t b = 0; b < in->batch; b++) {
        for (int32_t k = 0; k < in->classes; k++) {
            size_t i = (size_t)b * (size_t)in->classes + (size_t)k;
            double q = even + (k == in->labels[b] ? 1 - ce->label_smoothing : 0);
            sum -= q > 0 ? q * log_p[i] : 0;
            out->gradient[i] = (float)((p[i] - q) / in->batch);
        }
    }
    for (int32_t s = 0; out->source_gradients && s < in->n_sources;
         s++) { /* sources, should there be any, do not count */
        if (out->source_gradients[s]) {
            memset(out->source_gradients[s], 0, sy_tensor_count(in->sources[s]) * sizeof *out->source_gradients[s]);
        }
    }
    out->value = sum / in->batch;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .formula = formula, .eval = eval};

SY_PLUGIN(SY_LOSS, "ce", struct ce, .fields = fields, .ops = &ops, .doc = "cross-entropy with the labels, batch mean",
          .help = "The label loss of every node unless the config says otherwise. Mean over the batch, sum over the\n"
                  "classes, as torch.nn.CrossEntropyLoss.");
