/* cli_convert.c - `switchyard convert`: weights into a file that other programs read. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../record/onnx.h"
#include "../train/weights.h"
#include "weights_file.h"

struct arguments {
    struct sy_weights_wish wish;
    const char *out;
    bool force;
};

static void usage(FILE *out) {
    fputs("usage: switchyard convert WEIGHTS OUT [options]\n\n"
          "Writes the weights of one network into OUT, a file of its own for elsewhere. OUT's ending says which:\n\n"
          "  .safetensors  for PyTorch: load_state_dict(safetensors.torch.load_file(OUT)) takes it as it is; what the\n"
          "                network is, its classes and how images were normalised stand in the file's metadata\n"
          "  .onnx         for inference: operator set 13, input (batch, channels, height, width) of normalised "
          "images\n\n"
          "WEIGHTS is a run folder, a checkpoint's folder or a safetensors file: of this program, or PyTorch's with\n"
          "--net and --classes, which checks every name and shape.\n\n",
          out);
    fputs(sy_weights_usage, out);
    fputs("  --force               replace OUT if it is there\n"
          "  --help                this text\n",
          out);
}

static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {
        SY_WEIGHTS_OPTIONS, {"force", no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        }
        if (option == 'f') {
            arguments->force = true;
        } else if (!sy_weights_option(&arguments->wish, option, optarg, "convert")) {
            return SY_EXIT_BAD_INPUT;
        }
    }
    if (optind + 2 != argc) {
        fprintf(stderr, "switchyard convert: give WEIGHTS and OUT\n");
        return SY_EXIT_BAD_INPUT;
    }
    arguments->wish.source = argv[optind];
    arguments->out = argv[optind + 1];
    if (!arguments->force && access(arguments->out, F_OK) == 0) {
        fprintf(stderr, "switchyard convert: %s is there already; --force replaces it\n", arguments->out);
        return SY_EXIT_BAD_INPUT;
    }
    return -1;
}

static bool ends_with(const char *text, const char *ending) {
    size_t length = strlen(text), tail = strlen(ending);
    return length > tail && !strcmp(text + length - tail, ending);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* What is converted: a network and its file. */
struct conversion {
    const struct sy_graph *graph;
    struct sy_safetensors *file;
};

static const float *values_of(const void *context, int32_t index) {
    const struct conversion *conversion = context;
    const struct sy_named_tensor *there = sy_safetensors_find(conversion->file, conversion->graph->params[index]->name);
    return there ? there->tensor.data : NULL;
}

static int write_safetensors(const struct conversion *conversion, const char *path, const char *const *metadata,
                             struct sy_error *err) {
    const struct sy_graph *graph = conversion->graph;
    struct sy_named_tensor *tensors = calloc((size_t)graph->n_params + 1, sizeof *tensors);
    if (!tensors) {
        return sy_fail(err, SY_ENOMEM, "no memory to convert");
    }
    for (int32_t i = 0; i < graph->n_params; i++) {
        const struct sy_param *param = graph->params[i];
        tensors[i].name = param->name;
        tensors[i].tensor = sy_param_tensor(param, SY_F32, (void *)(uintptr_t)values_of(conversion, i));
    }
    int status = sy_safetensors_write(path, tensors, (size_t)graph->n_params, metadata, err);
    free(tensors);
    return status;
}

static int convert(const struct arguments *arguments, const struct sy_weights *weights, struct sy_error *err) {
    const struct sy_node *node = &weights->experiment->nodes[0];
    struct conversion conversion = {.graph = &node->full->graph};
    struct sy_model_card card;
    const char *const *metadata = NULL;
    if (sy_model_card_of(&card, weights->experiment, 0)) {
        card.data = weights->card.data;
        metadata = sy_model_card_metadata(&card, weights->experiment->arena);
    }
    if (!metadata) {
        return sy_fail(err, SY_ENOMEM, "no memory to convert");
    }
    int status = sy_safetensors_open(&conversion.file, weights->path, err);
    if (status == SY_OK && ends_with(arguments->out, ".onnx")) {
        status = sy_onnx_write(arguments->out, node->network->found->plugin.name, conversion.graph,
                               sy_graph_output(conversion.graph, "logits"), values_of, &conversion, metadata, err);
    } else if (status == SY_OK) {
        status = write_safetensors(&conversion, arguments->out, metadata, err);
    }
    sy_safetensors_close(conversion.file);
    if (status == SY_OK) {
        printf("%s: %lld parameters of %s, from %s\n", arguments->out,
               (long long)sy_graph_parameter_count(conversion.graph), node->network->found->plugin.name, weights->path);
    }
    return status;
}

static int work(const struct sy_weights *weights, const void *context, struct sy_error *err) {
    return convert(context, weights, err);
}

int sy_cli_convert(int argc, char **argv) {
    struct arguments arguments = {.out = NULL};
    int code = parse(&arguments, argc, argv);
    if (code >= 0) {
        return code;
    }
    if (!ends_with(arguments.out, ".safetensors") && !ends_with(arguments.out, ".onnx")) {
        fprintf(stderr, "switchyard convert: %s must end in .safetensors or .onnx\n", arguments.out);
        return SY_EXIT_BAD_INPUT;
    }
    return sy_weights_command(&arguments.wish, work, &arguments);
}
