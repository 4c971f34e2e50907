/* cli_predict.c - `switchyard predict`: what a trained network says of pictures. */
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../data/image.h"
#include "../data/view.h"
#include "../record/json.h"
#include "../train/cohort.h"
#include "weights_file.h"

struct arguments {
    struct sy_weights_wish wish;
    char **images;
    int32_t n_images, top;
    bool json, logits;
};

static void usage(FILE *out) {
    fprintf(out,
            "usage: switchyard predict WEIGHTS IMAGE... [options]\n\n"
            "What a trained network says of pictures: its most probable classes, by name where the weights know them.\n"
            "WEIGHTS is a run folder, a checkpoint's folder or a safetensors file. A picture of another size than the\n"
            "network's is cut to its proportions about the centre and resized. This build reads: %s.\n\n"
            "  --top K               so many classes (default: 5)\n"
            "  --json                one JSON object a picture, one a line\n"
            "  --logits              with it: what the network computes, before the softmax\n",
            sy_image_formats());
    fputs(sy_weights_usage, out);
    fputs("  --help                this text\n", out);
}

static int parse(struct arguments *arguments, int argc, char **argv) {
    static const struct option options[] = {SY_WEIGHTS_OPTIONS,
                                            {"top", required_argument, NULL, 't'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"logits", no_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    char *end;
    optind = 1;
    arguments->top = 5;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            usage(stdout);
            return SY_EXIT_OK;
        }
        if (option == 't') {
            long top = strtol(optarg, &end, 10);
            if (*end || top < 1 || top > 10000) {
                fprintf(stderr, "switchyard predict: --top %s: must be a whole number, 1 to 10000\n", optarg);
                return SY_EXIT_BAD_INPUT;
            }
            arguments->top = (int32_t)top;
        } else if (option == 'j') {
            arguments->json = true;
        } else if (option == 'l') {
            arguments->logits = true;
        } else if (!sy_weights_option(&arguments->wish, option, optarg, "predict")) {
            return SY_EXIT_BAD_INPUT;
        }
    }
    if (optind + 2 > argc) {
        fprintf(stderr, "switchyard predict: give WEIGHTS and one IMAGE at least\n");
        return SY_EXIT_BAD_INPUT;
    }
    arguments->wish.source = argv[optind];
    arguments->images = argv + optind + 1;
    arguments->n_images = argc - optind - 1;
    return -1;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* Class of the largest probability below those already said. */
static int32_t next_class(const double *p, const bool *said, int32_t classes) {
    int32_t best = -1;
    for (int32_t k = 0; k < classes; k++) {
        if (!said[k] && (best < 0 || p[k] > p[best])) {
            best = k;
        }
    }
    return best;
}

static const char *class_name(const struct sy_model_card *card, int32_t k, char *room, size_t size) {
    snprintf(room, size, "class %d", k);
    return card->class_names ? card->class_names[k] : room;
}

static json_t *number_list(const float *values, int32_t count) {
    json_t *list = json_array();
    for (int32_t i = 0; i < count; i++) {
        sy_json_add(&list, json_real((double)values[i]));
    }
    return list;
}

/* One picture's answer; `said` is scratch for all classes. */
static void answer(const struct arguments *arguments, const struct sy_weights *weights, const char *image,
                   const float *logits, const double *p, bool *said) {
    int32_t classes = weights->card.classes, top = arguments->top < classes ? arguments->top : classes;
    json_t *list = json_array();
    memset(said, 0, (size_t)classes * sizeof *said);
    if (!arguments->json) {
        printf("%s\n", image);
    }
    for (int32_t i = 0; i < top; i++) {
        char room[32];
        int32_t k = next_class(p, said, classes);
        const char *name = class_name(&weights->card, k, room, sizeof room);
        said[k] = true;
        if (!arguments->json) {
            printf("  %6.2f %%  %s\n", 100 * p[k], name);
        } else {
            sy_json_add(&list, json_pack("{s:i, s:s, s:f}", "class", k, "name", name, "probability", p[k]));
        }
    }
    if (arguments->json) {
        json_t *line = json_pack("{s:s, s:O}", "image", image, "classes", list);
        if (arguments->logits) {
            sy_json_put(&line, "logits", number_list(logits, classes));
        }
        json_dumpf(line, stdout, JSON_COMPACT);
        printf("\n");
        json_decref(line);
    }
    json_decref(list);
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

/* Memory for a batch of pictures. */
struct room {
    uint8_t *pixels; /* one picture */
    float *view;     /* (batch, channels, height, width) */
    bool *said;      /* (classes) */
    struct sy_view_maker maker;
};

static int make_room(struct room *room, const struct sy_weights *weights, struct sy_error *err) {
    const struct sy_experiment *experiment = weights->experiment;
    size_t row = sy_shape_count(&experiment->dataset_info.shape);
    const struct sy_doubles *mean = &experiment->data.mean, *std = &experiment->data.std;
    *room = (struct room){.pixels = malloc(row),
                          .view = calloc(row * (size_t)experiment->data.batch, sizeof *room->view),
                          .said = calloc((size_t)weights->card.classes, sizeof *room->said)};
    if (!room->pixels || !room->view || !room->said) {
        return sy_fail(err, SY_ENOMEM, "no memory for pictures");
    }
    if (mean->count != (size_t)experiment->dataset_info.shape.dim[0] || std->count != mean->count) {
        return sy_fail(err, SY_EINVAL,
                       "%s does not say how its images were normalised; say it: --set data.mean=[...] --set "
                       "data.std=[...], a number per channel of images scaled to 0 .. 1",
                       weights->path);
    }
    return sy_view_maker_init(&room->maker, &experiment->dataset_info, mean->at, std->at, (struct sy_augment){0, 0}, 0,
                              err);
}

static void free_room(struct room *room) {
    sy_view_maker_finish(&room->maker);
    free(room->pixels);
    free(room->view);
    free(room->said);
}

static int predict(const struct arguments *arguments, const struct sy_weights *weights, struct sy_error *err) {
    struct sy_experiment *experiment = weights->experiment;
    struct sy_cohort *cohort = NULL;
    struct room room = {0};
    const struct sy_shape *shape = &experiment->dataset_info.shape;
    size_t row = sy_shape_count(shape);
    int status = make_room(&room, weights, err);
    if (status == SY_OK) {
        status = sy_weights_cohort(&cohort, weights, err);
    }
    for (int32_t first = 0; first < arguments->n_images && status == SY_OK; first += experiment->data.batch) {
        int32_t left = arguments->n_images - first;
        const float *views[] = {room.view};
        struct sy_batch batch = {.count = left < experiment->data.batch ? left : experiment->data.batch,
                                 .views = views};
        for (int32_t i = 0; i < batch.count && status == SY_OK; i++) {
            status = sy_image_read(room.pixels, arguments->images[first + i], shape, err);
            if (status == SY_OK) {
                sy_view_make(room.view + (size_t)i * row, &room.maker, room.pixels, 0, 0, 0);
            }
        }
        status = status == SY_OK ? sy_cohort_infer(cohort, &batch, err) : status;
        const double *p =
            status == SY_OK ? sy_signals_probabilities(&cohort->members[weights->node].signals[0], 1) : NULL;
        for (int32_t i = 0; i < batch.count && p; i++) {
            size_t at = (size_t)i * (size_t)weights->card.classes;
            const float *logits = cohort->members[weights->node].outputs[0].data;
            answer(arguments, weights, arguments->images[first + i], logits + at, p + at, room.said);
        }
    }
    sy_cohort_destroy(cohort);
    free_room(&room);
    return status;
}

static int work(const struct sy_weights *weights, const void *context, struct sy_error *err) {
    return predict(context, weights, err);
}

int sy_cli_predict(int argc, char **argv) {
    struct arguments arguments = {.wish = {.batch = 16}};
    int code = parse(&arguments, argc, argv);
    return code >= 0 ? code : sy_weights_command(&arguments.wish, work, &arguments);
}
