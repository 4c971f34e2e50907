/* mse.c - mean squared difference of two outputs of the same shape: FitNet's hint, or logits matched as they are. */
#include <math.h>
#include <string.h>

#include <switchyard/loss.h>

struct mse {
    int32_t over, normalize;
};

enum { ELEMENTS, SAMPLES };

static const struct sy_field fields[] = {
    SY_PARAM(struct mse, over, .choices = "elements|samples",
             .doc = "elements: mean over all elements; samples: sum over a sample's elements, mean over the batch",
             .reference = "elements: the hint loss of released FitNet code"),
    SY_PARAM(struct mse, normalize, .flags = SY_FLAG,
             .doc = "each sample's output, on both sides, is made a unit vector first",
             .reference = "Li et al., FFSD, TNNLS 2022, as released: what its self-distillers learn"),
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

/* Inverse of a sample's norm, or 1 where outputs are compared as they are; PyTorch's normalize has the same floor. */
static double scale_of(const struct mse *mse, const float *x, size_t row) {
    double sum = 0;
    for (size_t i = 0; mse->normalize && i < row; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return mse->normalize ? 1 / fmax(sqrt(sum), 1e-12) : 1;
}

/* d / d x of a value with gradient g to u = s x, s = 1/|x|: s (g - u (g . u)); s = 1 and no second term for x itself. */
struct side {
    const float *x;
    double scale, along;
};
static double flow(const struct mse *mse, const struct side *side, size_t i, double g) {
    double u = side->scale * (double)side->x[i];
    return mse->normalize ? side->scale * (g - u * side->along) : g;
}

/* One sample and source: sum of (u - v)^2; gradients times 2 / n, added to the target's. */
static double eval_row(const struct mse *mse, const float *x, const float *y, size_t row, double n, float *to_x,
                       float *to_y) {
    struct side a = {x, scale_of(mse, x, row), 0}, b = {y, scale_of(mse, y, row), 0};
    double sum = 0;
    for (size_t i = 0; i < row; i++) {
        double u = a.scale * (double)x[i], v = b.scale * (double)y[i], g = 2 * (u - v) / n;
        sum += (u - v) * (u - v);
        a.along += g * u;
        b.along -= g * v;
    }
    for (size_t i = 0; i < row; i++) {
        double g = 2 * (a.scale * (double)x[i] - b.scale * (double)y[i]) / n;
        to_x[i] += (float)flow(mse, &a, i, g);
        if (to_y) {
            to_y[i] = (float)flow(mse, &b, i, -g);
        }
    }
    return sum;
}

/* value = 1/N sum_i (x_i - y_i)^2 over all sources; to x_i: 2 (x_i - y_i) / N, to y_i the negative. N: see `over`. */
static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    const struct mse *mse = self;
    size_t row = sy_tensor_row(in->target), count = sy_tensor_count(in->target);
    double n = mse->over == ELEMENTS ? (double)count : in->batch, sum = 0;
    (void)err;
    memset(out->gradient, 0, count * sizeof *out->gradient);
    for (int32_t s = 0; s < in->n_sources; s++) {
        float *to_source = out->source_gradients ? out->source_gradients[s] : NULL;
        for (size_t at = 0; at < count; at += row) {
            sum += eval_row(mse, (const float *)in->target->data + at, (const float *)in->sources[s]->data + at, row, n,
                            out->gradient + at, to_source ? to_source + at : NULL);
        }
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
