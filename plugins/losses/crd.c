/* crd.c - contrastive representation distillation: a student's and a teacher's embedding of the same image are told apart
 * from embeddings of other images, which two memory banks remember. */
#include <stdlib.h>
#include <string.h>

#include <switchyard/loss.h>
#include <switchyard/rng.h>

/* Streams of SY_FOR_PLUGIN: initial memories, and which samples a sample is compared with. */
enum { STUDENT_STREAM = 0x637264, TEACHER_STREAM, DRAW_STREAM };
enum { EXACT, RELAX };
enum { STUDENT, TEACHER, SIDES };

/* What one thread needs for one sample. */
struct bench {
    int32_t *rows;  /* 1 + negatives: rows of the memories, the positive one first */
    uint32_t *seen; /* a bit a sample of the other classes */
    double *to;     /* gradient to an embedding */
};

struct crd {
    int32_t dim, negatives, mode;
    double temperature, momentum, eps;
    double z_student, z_teacher; /* negative before the first batch */

    const struct sy_host *host;
    float *memory[SIDES];     /* n rows of dim */
    int32_t n, used, classes; /* samples; those that are trained on */
    int32_t *by_class;        /* samples, ordered by class */
    int32_t *first;           /* classes + 1: where each begins in by_class */
    struct bench *benches;
    double *terms; /* room for two numbers a sample of a batch */
    int32_t room;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct crd, dim, .def = 128, .min = 1, .max = 65536, .doc = "length of the embeddings",
             .reference = "Tian et al., ICLR 2020: 128"),
    SY_PARAM(struct crd, negatives, .def = 16384, .min = 1, .max = 1e8, .unit = "samples",
             .doc = "of other classes that every sample is compared with, without replacement where there are enough",
             .reference = "Tian et al., ICLR 2020: 16384"),
    SY_PARAM(struct crd, mode, .choices = "exact|relax",
             .doc = "the positive is the sample itself, or any of its class"),
    SY_PARAM(struct crd, temperature, .def = 0.07, .min = 0, .max = 1e3, .flags = SY_MIN_EXCLUSIVE,
             .doc = "divides the inner products", .reference = "Tian et al., ICLR 2020: 0.07"),
    SY_PARAM(struct crd, momentum, .def = 0.5, .min = 0, .max = 1,
             .doc = "what a memory keeps of itself when its sample comes by"),
    SY_PARAM(struct crd, eps, .def = 1e-7, .min = 0, .max = 1, .doc = "added to denominators"),
    SY_STATE(struct crd, z_student, .doc = "divides the student's exponentials; fixed by the first batch"),
    SY_STATE(struct crd, z_teacher, .doc = "the same of the teacher's"),
    SY_END,
};

/* ---- start ------------------------------------------------------------------------------------------------------ */

static void fini(void *self) {
    struct crd *crd = self;
    for (int32_t t = 0; crd->benches && t < crd->host->threads; t++) {
        free(crd->benches[t].rows);
        free(crd->benches[t].seen);
        free(crd->benches[t].to);
    }
    free(crd->benches);
    free(crd->by_class);
    free(crd->first);
    free(crd->terms);
}

/* Counting sort of the samples by class. */
static int order_samples(struct crd *crd, const int32_t *labels, struct sy_error *err) {
    for (int32_t i = 0; i < crd->n; i++) {
        crd->classes = labels[i] >= crd->classes ? labels[i] + 1 : crd->classes;
    }
    crd->first = calloc((size_t)crd->classes + 2, sizeof *crd->first);
    crd->by_class = calloc((size_t)crd->n, sizeof *crd->by_class);
    if (!crd->first || !crd->by_class) {
        return sy_fail(err, SY_ENOMEM, "no memory to order %d samples", crd->n);
    }
    for (int32_t i = 0; i < crd->n; i++) {
        crd->first[labels[i] + 2] += labels[i] >= 0;
        crd->used += labels[i] >= 0;
    }
    for (int32_t c = 2; c <= crd->classes; c++) {
        crd->first[c] += crd->first[c - 1];
    }
    for (int32_t i = 0; i < crd->n; i++) {
        if (labels[i] >= 0) {
            crd->by_class[crd->first[labels[i] + 1]++] = i; /* first[c + 1] ends as the end of class c */
        }
    }
    for (int32_t c = 0; c < crd->classes; c++) {
        if (crd->first[c + 1] - crd->first[c] == crd->used) {
            return sy_fail(err, SY_EINVAL, "all %d samples are of one class: there is nothing to tell apart",
                           crd->used);
        }
    }
    return SY_OK;
}

/* U(-b, b), b = 1/sqrt(dim/3), by sample. */
static void draw_memory(float *memory, const struct crd *crd, uint32_t stream) {
    double bound = 1 / sqrt(crd->dim / 3.0);
    for (int32_t i = 0; i < crd->n; i++) {
        struct sy_rng rng = sy_rng_make(crd->host->seed, SY_FOR_PLUGIN, stream, 0, (uint32_t)i);
        for (int32_t d = 0; d < crd->dim; d++) {
            memory[(size_t)i * (size_t)crd->dim + (size_t)d] = (float)((2 * sy_rng_uniform(&rng) - 1) * bound);
        }
    }
}

static int init(void *self, const struct sy_host *host, struct sy_error *err) {
    struct crd *crd = self;
    const int32_t *labels;
    int64_t count = 0;
    crd->host = host;
    crd->z_student = crd->z_teacher = -1;
    int status = SY_HAS(host, labels)
                     ? host->labels(host, &labels, &count, err)
                     : sy_fail(err, SY_ENOTSUP, "this Switchyard is too old: no labels of all samples");
    if (status == SY_OK && (count < 2 || count > INT32_MAX)) {
        status = sy_fail(err, SY_EINVAL, "%lld training samples; must be 2 to %d", (long long)count, INT32_MAX);
    }
    crd->n = (int32_t)count;
    for (int side = 0; side < SIDES && status == SY_OK; side++) {
        status = host->buffer(host, &crd->memory[side], side == STUDENT ? "memory_student" : "memory_teacher",
                              (size_t)crd->n * (size_t)crd->dim, err);
        if (status == SY_OK) {
            draw_memory(crd->memory[side], crd, side == STUDENT ? STUDENT_STREAM : TEACHER_STREAM);
        }
    }
    if (status == SY_OK) {
        status = order_samples(crd, labels, err);
    }
    crd->benches = status == SY_OK ? calloc((size_t)host->threads, sizeof *crd->benches) : NULL;
    for (int32_t t = 0; crd->benches && t < host->threads && status == SY_OK; t++) {
        struct bench *bench = &crd->benches[t];
        bench->rows = calloc((size_t)crd->negatives + 1, sizeof *bench->rows);
        bench->seen = calloc((size_t)crd->n / 32 + 1, sizeof *bench->seen);
        bench->to = calloc((size_t)crd->dim, sizeof *bench->to);
        status = bench->rows && bench->seen && bench->to ? SY_OK : SY_ENOMEM;
    }
    if (status == SY_ENOMEM || (status == SY_OK && !crd->benches)) {
        status = sy_fail(err, SY_ENOMEM, "no memory for %d negatives", crd->negatives);
    }
    if (status != SY_OK) {
        fini(crd);
    }
    return status;
}

static int check(const void *self, int32_t classes, const struct sy_shape *target,
                 const struct sy_shape *const *sources, int32_t n_sources, struct sy_error *err) {
    const struct crd *crd = self;
    (void)classes;
    if (n_sources != 1) {
        return sy_fail(err, SY_EINVAL, "has one source, the teacher's embedding, not %d", n_sources);
    }
    if (target->rank != 1 || sources[0]->rank != 1 || target->dim[0] != crd->dim || sources[0]->dim[0] != crd->dim) {
        return sy_fail(err, SY_EINVAL,
                       "needs two embeddings of dim = %d numbers; the learner's is %d x %d x %d, the source's %d x %d "
                       "x %d",
                       crd->dim, target->dim[0], target->dim[1], target->dim[2], sources[0]->dim[0], sources[0]->dim[1],
                       sources[0]->dim[2]);
    }
    return SY_OK;
}

static void formula(const void *self, char *out, size_t room, const char *target, const char *const *sources,
                    int32_t n_sources) {
    const struct crd *crd = self;
    snprintf(out, room, "CRD(%s, %s; K=%d)", n_sources ? sources[0] : "?", target, crd->negatives);
}

/* ---- which samples ---------------------------------------------------------------------------------------------- */

/* Sample number `i` of those that are not of the class. */
static int32_t other(const struct crd *crd, int32_t class, uint32_t i) {
    int32_t at = (int32_t)i, first = crd->first[class];
    return crd->by_class[at < first ? at : at + crd->first[class + 1] - first];
}

/* Rows for a sample: its positive, then its negatives. Floyd's way to draw without replacement: Bentley, Floyd, "A sample
 * of brilliance", CACM 1987; the numbers depend on seed, epoch and sample only. */
static void draw_rows(const struct crd *crd, struct bench *bench, int32_t sample, int32_t class, int64_t epoch) {
    struct sy_rng rng = sy_rng_make(crd->host->seed, SY_FOR_PLUGIN, DRAW_STREAM, (uint32_t)epoch, (uint32_t)sample);
    uint32_t own = (uint32_t)(crd->first[class + 1] - crd->first[class]), others = (uint32_t)crd->used - own;
    uint32_t count = (uint32_t)crd->negatives;
    bench->rows[0] = crd->mode == EXACT ? sample : crd->by_class[crd->first[class] + (int32_t)sy_rng_below(&rng, own)];
    if (count > others) {
        for (uint32_t k = 0; k < count; k++) {
            bench->rows[1 + k] = other(crd, class, sy_rng_below(&rng, others));
        }
        return;
    }
    memset(bench->seen, 0, (others / 32 + 1) * sizeof *bench->seen);
    for (uint32_t k = 0; k < count; k++) {
        uint32_t last = others - count + k, i = sy_rng_below(&rng, last + 1);
        i = bench->seen[i / 32] >> i % 32 & 1 ? last : i;
        bench->seen[i / 32] |= 1u << i % 32;
        bench->rows[1 + k] = other(crd, class, i);
    }
}

/* ---- the loss --------------------------------------------------------------------------------------------------- */

/* One evaluation, as its threads see it. */
struct work {
    struct crd *crd;
    const struct sy_loss_in *in;
    const float *embedding[SIDES];
    float *gradient[SIDES]; /* NULL: not wanted */
    double *terms;          /* per sample and side */
};

static double product(const float *a, const float *b, int32_t n) {
    double sum = 0;
    for (int32_t d = 0; d < n; d++) {
        sum += (double)a[d] * (double)b[d];
    }
    return sum;
}

/* A side's embedding meets the other side's memory. */
static const float *met(const struct crd *crd, int side, int32_t row) {
    return crd->memory[1 - side] + (size_t)row * (size_t)crd->dim;
}

/* Sum of exp(memory . e / T) over all rows, per sample and side: what Z is made of. */
static void sum_exponentials(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct work *work = argument;
    const struct crd *crd = work->crd;
    struct bench *bench = &crd->benches[thread];
    for (size_t b = begin; b < end; b++) {
        draw_rows(crd, bench, (int32_t)work->in->samples[b], work->in->labels[b], work->in->epoch);
        for (int side = 0; side < SIDES; side++) {
            const float *e = work->embedding[side] + b * (size_t)crd->dim;
            double sum = 0;
            for (int32_t k = 0; k <= crd->negatives; k++) {
                sum += exp(product(met(crd, side, bench->rows[k]), e, crd->dim) / crd->temperature);
            }
            work->terms[b * SIDES + (size_t)side] = sum;
        }
    }
}

/* With o = exp(d/T)/Z, d = memory . e, and c = K/n + eps, a sample's part of the loss is
 * -log(o_0/(o_0 + c)) - sum_k log((K/n)/(o_k + c)); to d_0: -c/(o_0 + c)/T, to d_k: o_k/(o_k + c)/T, to e: times memory. */
static double contrast(const struct crd *crd, const struct bench *bench, int side, const float *e, float *gradient,
                       double scale) {
    double z = side == STUDENT ? crd->z_student : crd->z_teacher, noise = (double)crd->negatives / crd->used;
    double c = noise + crd->eps, value = 0, *to = bench->to;
    memset(to, 0, (size_t)crd->dim * sizeof *to);
    for (int32_t k = 0; k <= crd->negatives; k++) {
        const float *memory = met(crd, side, bench->rows[k]);
        double o = exp(product(memory, e, crd->dim) / crd->temperature) / z;
        value -= log((k ? noise : o) / (o + c));
        double factor = (k ? o : -c) / (o + c);
        for (int32_t d = 0; gradient && d < crd->dim; d++) {
            to[d] += factor * (double)memory[d];
        }
    }
    for (int32_t d = 0; gradient && d < crd->dim; d++) {
        gradient[d] = (float)(to[d] * scale / crd->temperature);
    }
    return value;
}

static void compare(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct work *work = argument;
    const struct crd *crd = work->crd;
    struct bench *bench = &crd->benches[thread];
    for (size_t b = begin; b < end; b++) {
        draw_rows(crd, bench, (int32_t)work->in->samples[b], work->in->labels[b], work->in->epoch);
        for (int side = 0; side < SIDES; side++) {
            size_t at = b * (size_t)crd->dim;
            float *gradient = work->gradient[side] ? work->gradient[side] + at : NULL;
            work->terms[b * SIDES + (size_t)side] =
                contrast(crd, bench, side, work->embedding[side] + at, gradient, 1.0 / work->in->batch);
        }
    }
}

/* M[y] <- normalised(momentum M[y] + (1 - momentum) e) */
static void remember(float *memory, const float *e, int32_t dim, double momentum) {
    double length = 0;
    for (int32_t d = 0; d < dim; d++) {
        double x = momentum * (double)memory[d] + (1 - momentum) * (double)e[d];
        length += x * x;
    }
    length = length > 0 ? sqrt(length) : 1;
    for (int32_t d = 0; d < dim; d++) {
        memory[d] = (float)((momentum * (double)memory[d] + (1 - momentum) * (double)e[d]) / length);
    }
}

/* Room for a batch: taken in the first step, which is as large as any. */
static int make_room(struct crd *crd, const struct sy_loss_in *in, struct sy_error *err) {
    for (int32_t b = 0; b < in->batch; b++) {
        if (in->samples[b] < 0 || in->samples[b] >= crd->n || in->labels[b] < 0 || in->labels[b] >= crd->classes) {
            return sy_fail(err, SY_ERANGE, "sample %lld of class %d is none of the %d that there were at the start",
                           (long long)in->samples[b], in->labels[b], crd->n);
        }
    }
    if (in->batch > crd->room) {
        free(crd->terms);
        crd->terms = calloc((size_t)in->batch * SIDES, sizeof *crd->terms);
        crd->room = crd->terms ? in->batch : 0;
    }
    return crd->terms ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory for a batch of %d", in->batch);
}

static int eval(void *self, struct sy_loss_out *out, const struct sy_loss_in *in, struct sy_error *err) {
    struct crd *crd = self;
    size_t batch = (size_t)in->batch, dim = (size_t)crd->dim;
    int status = make_room(crd, in, err);
    if (status != SY_OK) {
        return status;
    }
    struct work work = {.crd = crd,
                        .in = in,
                        .embedding = {in->target->data, in->sources[0]->data},
                        .gradient = {out->gradient, out->source_gradients ? out->source_gradients[0] : NULL},
                        .terms = crd->terms};
    if (crd->z_student < 0) {
        double sums[SIDES] = {0}, n = (double)crd->used / ((double)batch * (crd->negatives + 1.0));
        crd->host->parallel_for(crd->host, batch, sum_exponentials, &work);
        for (size_t i = 0; i < batch * SIDES; i++) {
            sums[i % SIDES] += work.terms[i];
        }
        crd->z_student = sums[STUDENT] * n;
        crd->z_teacher = sums[TEACHER] * n;
    }
    crd->host->parallel_for(crd->host, batch, compare, &work);
    out->value = 0;
    for (size_t i = 0; i < batch * SIDES; i++) {
        out->value += work.terms[i] / (double)batch;
    }
    for (size_t b = 0; b < batch; b++) {
        for (int side = 0; side < SIDES; side++) {
            remember(crd->memory[side] + (size_t)in->samples[b] * dim, work.embedding[side] + b * dim, crd->dim,
                     crd->momentum);
        }
    }
    return SY_OK;
}

static const struct sy_loss_ops ops = {
    .size = sizeof ops, .init = init, .fini = fini, .check = check, .formula = formula, .eval = eval};

static const void *extension(const char *id) {
    static const struct sy_example example = {.size = sizeof example, .settings = "dim = 8; negatives = 12;"};
    return strcmp(id, SY_EXAMPLE) == 0 ? &example : NULL;
}

SY_PLUGIN(
    SY_LOSS, "crd", struct crd, .fields = fields, .ops = &ops, .extension = extension,
    .doc = "contrastive representation distillation with two memory banks",
    .help = "Between two embeddings of unit length, nodes of network \"embed\" that are fed by the student's and the\n"
            "teacher's pooled features; the edge is attached, so that both are trained. The memories (a row for\n"
            "every training sample) and Z are part of checkpoints. Weight 0.8 in the released code.",
    .reference = "Tian, Krishnan, Isola, Contrastive Representation Distillation, ICLR 2020");
