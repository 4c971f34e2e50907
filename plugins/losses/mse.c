/* mse.c - mean squared difference of two outputs of the same shape: FitNet's hint, or logits matched as they are. */
#include <string.h>

#include <switchyard/loss.h>

struct mse {
    int32_t over;
};

enum { ELEMENTS, SAMPLES };

static const struct sy_field fields[] = {
    SY_PARAM(struct mse, over, .choices = "elements|samples",
             .doc = "elements: mean over all elements; samples: sum over a sample's elements, mean over the batch",
             .reference = "elements: the hint loss of released FitNet code"),
    SY_END,
};

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    size_t used = 0;
    (void)self;
    for (int32_t s = 0; s < n_sources && used < room; s++) {
        used += (size_t)snprintf(out + used, room - used, "%sMSE(%s, %s)", s ? " + " : "", sources[s], target);
    }
}

static int check(const void *self, int32_t classes, const struct sy_shape *target,
                 const struct sy_shape *const *sources, int32_t n_sources, struct sy_error *err) {
    (void)self, (void)classes;
    for (int32_t s = 0; s < n_sources; s++) {
        const struct sy_shape *source = sources[s];
        if (source->rank != target->rank || source->dim[0] != target->dim[0] || source->dim[1] != target->dim[1] ||
            source->dim[2] != target->dim[2]) {
            return sy_fail(err, SY_EINVAL,
                           "needs outputs of the same shape; the learner's is %d x %d x %d, a source's %d x %d x %d",
                           target->dim[0], target->dim[1], target->dim[2], source->dim[0], source->dim[1],
                           source->dim[2]);
        }
    }
    return SY_OK;
}

/* value = 1/N sum_i (x_i - y_i)^2 over all sources; to x_i: 2 (x_i - y_i) / N, to y_i the negative. N: see `over`. */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct mse *mse = self;
    const float *x = in->target->data;
    size_t count = sy_tensor_count(in->target);
    double n = mse->over == ELEMENTS ? (double)count : in->batch, sum = 0;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        double gradient = 0;
        for (int32_t s = 0; s < in->n_sources; s++) {
            double difference = (double)x[i] - (double)((const float *)in->sources[s]->data)[i];
            sum += difference * difference;
            gradient += 2 * difference / n;
            if (out->source_gradients && out->source_gradients[s]) {
                out->source_gradients[s][i] = (float)(-2 * difference / n);
            }
        }
        out->gradient[i] = (float)gradient;
    }
    out->value = sum / n;
    return SY_OK;
}

static const struct sy_loss_ops ops = {.size = sizeof ops, .formula = formula, .check = check, .eval = eval};

static const void *extension(const char *id) {
    static const struct sy_loss_exceptions exceptions = {
        .size = sizeof exceptions, .over_classes = "over = \"elements\" is a mean over all elements, as hints are"};
    return strcmp(id, SY_LOSS_EXCEPTIONS) ? NULL : &exceptions;
}

SY_PLUGIN(SY_LOSS, "mse", struct mse, .fields = fields, .ops = &ops, .extension = extension,
          .doc = "mean squared difference of outputs of the same shape",
          .help =
              "On taps the hint of FitNet (weight 100, the outputs of the second stage) between networks of the same\n"
              "width; on logits the matching of Ba and Caruana.",
          .reference = "Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015, eq. 3");
