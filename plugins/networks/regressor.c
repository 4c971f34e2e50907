/* regressor.c - FitNet's way from a student's feature map to the shape of its teacher's. */
#include <string.h>

#include <switchyard/network.h>

struct regressor {
    int32_t channels, rows, bias, transposed_kernel;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct regressor, channels, .flags = SY_REQUIRED, .min = 1, .max = 1e6, .doc = "of the teacher's map"),
    SY_PARAM(struct regressor, rows, .def = 0, .min = 0, .max = 65536, .unit = "pixels",
             .doc = "of the teacher's map; 0: as many as come in"),
    SY_PARAM(struct regressor, bias, .def = 1, .flags = SY_FLAG, .doc = "whether the convolution has one"),
    SY_PARAM(struct regressor, transposed_kernel, .def = 4, .min = 3, .max = 4,
             .doc = "side of the kernel that makes twice the rows; 3 with an output padding of 1",
             .reference = "4: RepDistiller, ICLR 2020; 3: released code of FFSD, TNNLS 2022"),
    SY_END,
};

/* From `have` rows to `want`: half of them, twice as many, or what a convolution without padding leaves. */
static int build(const void *self, const struct sy_builder *b, const struct sy_network_in *in, struct sy_error *err) {
    const struct regressor *regressor = self;
    struct sy_shape shape = sy_value_shape(b, in->inputs[0]);
    int32_t x = in->inputs[0], have = shape.dim[1], want = regressor->rows ? regressor->rows : have;
    if (shape.rank != 3) {
        return sy_fail(err, SY_EINVAL, "needs a feature map; it is fed with %d features", shape.dim[0]);
    }
    if (have == 2 * want) {
        const struct sy_conv2d *half =
            SY_CONV2D(.channels = regressor->channels, .kernel = 3, .stride = 2, .padding = 1, .bias = regressor->bias);
        x = sy_conv2d(b, x, half, "conv");
    } else if (2 * have == want) {
        const struct sy_conv2d *twice =
            SY_CONV2D(.channels = regressor->channels, .kernel = regressor->transposed_kernel, .stride = 2,
                      .padding = 1, .bias = regressor->bias, .output_padding = regressor->transposed_kernel == 3);
        x = sy_transposed_conv2d(b, x, twice, "conv");
    } else if (have >= want) {
        x = sy_conv2d(b, x,
                      SY_CONV2D(.channels = regressor->channels, .kernel = 1 + have - want, .bias = regressor->bias),
                      "conv");
    } else {
        return sy_fail(err, SY_EINVAL, "makes no %d rows of %d: half, twice, or fewer; another tap may fit", want,
                       have);
    }
    sy_output(b, sy_relu(b, sy_batch_norm(b, x, SY_BATCH_NORM(.eps = 0), "bn")), "features");
    return SY_OK;
}

static const struct sy_network_ops ops = {.size = sizeof ops, .build = build};

static const void *extension(const char *id) {
    static const struct sy_example example = {.size = sizeof example, .settings = "channels = 6;"};
    return strcmp(id, SY_EXAMPLE) == 0 ? &example : NULL;
}

SY_PLUGIN(
    SY_NETWORK, "regressor", struct regressor, .fields = fields, .ops = &ops, .extension = extension,
    .doc = "convolution, batch norm and ReLU from one feature map to the shape of another: FitNet's regressor",
    .help =
        "For a node of role \"part\" with inputs = [\"student.stage2\"], say, that learns from the teacher's tap\n"
        "through loss mse. The convolution is 3x3 with stride 2 for half the rows, transposed 4x4 or\n"
        "3x3 with stride 2 for twice, and without padding otherwise (1x1 for the same), as in RepDistiller. Layers\n"
        "conv and bn. Output: features.",
    .reference = "Romero et al., FitNets: Hints for Thin Deep Nets, ICLR 2015");
