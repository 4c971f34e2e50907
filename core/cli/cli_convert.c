/* cli_convert.c - `switchyard convert`: weights into a file that other programs read. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../graph/join.h"
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
          "--net and --classes, which checks every name and shape. Of a run's node that others feed (a branch on a\n"
          "trunk) it takes those too: names then begin with the node's, as in trunk.conv1.weight.\n\n",
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

/* ---- what is converted ------------------------------------------------------------------------------------------- */

/* A network and its files of weights; where it is fed by others, all of them joined. */
struct conversion {
    const struct sy_graph *graph;
    struct sy_built_graph *joined;  /* owns the graph; NULL: it is the node's own */
    struct sy_safetensors **files;  /* per parameter of the graph: where it is; borrowed from `opened` */
    const char **names;             /* per parameter: how it is called there */
    struct sy_safetensors **opened; /* n_opened of them */
    size_t n_opened;
};

static void finish(struct conversion *conversion) {
    for (size_t i = 0; i < conversion->n_opened; i++) {
        sy_safetensors_close(conversion->opened[i]);
    }
    sy_graph_destroy(conversion->joined);
    free(conversion->files);
    free(conversion->names);
    free(conversion->opened);
}

/* Opens a node's file and notes that `count` parameters from `first` on are in it, in its graph's order. */
static int add_file(struct conversion *conversion, const char *path, const struct sy_graph *graph, int32_t first,
                    struct sy_error *err) {
    struct sy_safetensors *file;
    int status = sy_safetensors_open(&file, path, err);
    if (status != SY_OK) {
        return status;
    }
    conversion->opened[conversion->n_opened++] = file;
    for (int32_t i = 0; i < graph->n_params; i++) {
        conversion->files[first + i] = file;
        conversion->names[first + i] = graph->params[i]->name;
    }
    return SY_OK;
}

static bool make_room(struct conversion *conversion, size_t n_files) {
    size_t params = (size_t)conversion->graph->n_params + 1;
    conversion->files = calloc(params, sizeof *conversion->files);
    conversion->names = calloc(params, sizeof *conversion->names);
    conversion->opened = calloc(n_files, sizeof *conversion->opened);
    return conversion->files && conversion->names && conversion->opened;
}

/* The parts of a joined network: the node and all that feed it, in an order in which they can run. */
struct parts {
    struct sy_join_part *at;
    int32_t *nodes; /* which node each is */
    int32_t count;
};

/* Adds what feeds the node, then the node; its place. Nodes were found to have no cycle. -1 when memory is used up. */
static int32_t add_part(struct parts *parts, const struct sy_weights *weights, int32_t index) {
    const struct sy_node *node = &weights->experiment->nodes[index];
    struct sy_join_feed *feeds =
        sy_arena_take(weights->arena, (size_t)(node->n_links > 0 ? node->n_links : 1) * sizeof *feeds);
    for (int32_t i = 0; i < parts->count; i++) {
        if (parts->nodes[i] == index) {
            return i;
        }
    }
    for (int32_t k = 0; feeds && k < node->n_links; k++) {
        int32_t source = node->links[k].source;
        feeds[k] = (struct sy_join_feed){source >= 0 ? add_part(parts, weights, source) : -1, node->links[k].output};
        feeds = source >= 0 && feeds[k].part < 0 ? NULL : feeds;
    }
    if (!feeds) {
        return -1;
    }
    parts->nodes[parts->count] = index;
    parts->at[parts->count] = (struct sy_join_part){node->name, &node->graph->graph, feeds};
    return parts->count++;
}

static int open_joined(struct conversion *conversion, const struct sy_weights *weights, struct sy_error *err) {
    size_t most = (size_t)weights->experiment->n_nodes;
    char path[4608];
    struct parts parts = {.at = sy_arena_take(weights->arena, most * sizeof *parts.at),
                          .nodes = sy_arena_take(weights->arena, most * sizeof *parts.nodes)};
    if (!parts.at || !parts.nodes || add_part(&parts, weights, weights->node) < 0) {
        return sy_fail(err, SY_ENOMEM, "no memory to convert");
    }
    conversion->joined = sy_graph_join(parts.at, parts.count, err);
    if (!conversion->joined) {
        return SY_ENOMEM;
    }
    conversion->graph = &conversion->joined->graph;
    int status = make_room(conversion, most) ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to convert");
    int32_t first = 0;
    for (int32_t p = 0; p < parts.count && status == SY_OK; p++) {
        status = add_file(conversion, sy_weights_path(path, sizeof path, weights, parts.nodes[p]), parts.at[p].graph,
                          first, err);
        first += parts.at[p].graph->n_params;
    }
    return status;
}

static int open_alone(struct conversion *conversion, const struct sy_weights *weights, struct sy_error *err) {
    conversion->graph = &weights->experiment->nodes[0].full->graph;
    return make_room(conversion, 1) ? add_file(conversion, weights->path, conversion->graph, 0, err)
                                    : sy_fail(err, SY_ENOMEM, "no memory to convert");
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static const float *values_of(const void *context, int32_t index) {
    const struct conversion *conversion = context;
    const struct sy_named_tensor *there = sy_safetensors_find(conversion->files[index], conversion->names[index]);
    const struct sy_param *param = conversion->graph->params[index];
    return there && there->tensor.dtype == SY_F32 && sy_tensor_count(&there->tensor) == sy_param_count(param)
               ? there->tensor.data
               : NULL;
}

static int write_safetensors(const struct conversion *conversion, const char *path, const char *const *metadata,
                             struct sy_error *err) {
    const struct sy_graph *graph = conversion->graph;
    struct sy_named_tensor *tensors = calloc((size_t)graph->n_params + 1, sizeof *tensors);
    int status = tensors ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to convert");
    for (int32_t i = 0; i < graph->n_params && status == SY_OK; i++) {
        const struct sy_param *param = graph->params[i];
        tensors[i].name = param->name;
        tensors[i].tensor = sy_param_tensor(param, SY_F32, (void *)(uintptr_t)values_of(conversion, i));
        if (!tensors[i].tensor.data) {
            status = sy_fail(err, SY_EINVAL, "there are no fitting weights \"%s\"", param->name);
        }
    }
    if (status == SY_OK) {
        status = sy_safetensors_write(path, tensors, (size_t)graph->n_params, metadata, err);
    }
    free(tensors);
    return status;
}

static const char *const *card_metadata(const struct sy_weights *weights) {
    struct sy_model_card card;
    if (!sy_model_card_of(&card, weights->experiment, weights->node)) {
        return NULL;
    }
    card.data = weights->card.data ? weights->card.data : card.data;
    return sy_model_card_metadata(&card, weights->experiment->arena);
}

static int convert(const struct arguments *arguments, const struct sy_weights *weights, struct sy_error *err) {
    const char *network = weights->experiment->nodes[weights->node].network->found->plugin.name;
    const char *const *metadata = card_metadata(weights);
    struct conversion conversion = {.graph = NULL};
    int status = metadata ? SY_OK : sy_fail(err, SY_ENOMEM, "no memory to convert");
    if (status == SY_OK) {
        status = weights->linked ? open_joined(&conversion, weights, err) : open_alone(&conversion, weights, err);
    }
    if (status == SY_OK && ends_with(arguments->out, ".onnx")) {
        status = sy_onnx_write(arguments->out, network, conversion.graph, sy_graph_output(conversion.graph, "logits"),
                               values_of, &conversion, metadata, err);
    } else if (status == SY_OK) {
        status = write_safetensors(&conversion, arguments->out, metadata, err);
    }
    if (status == SY_OK) {
        printf("%s: %lld parameters of %s%s, from %s\n", arguments->out,
               (long long)sy_graph_parameter_count(conversion.graph), network,
               weights->linked ? " and the nodes that feed it" : "", weights->path);
    }
    finish(&conversion);
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
