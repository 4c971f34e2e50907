/* model_card.h - what a file of weights says about itself, so that they can be used without the config they came from:
 * the network, what it was trained on, and how its images were normalised. In safetensors it is metadata:
 *
 *   format                  "pt": names and shapes are PyTorch's
 *   switchyard.network      the node's network as a config writes it: plugin = "wrn"; depth = 16; width = 2;
 *   switchyard.image        "3x32x32": channels, height, width
 *   switchyard.classes      "10"
 *   switchyard.mean, .std   per channel, of images scaled to 0 .. 1, as JSON lists; absent where unknown
 *   switchyard.data         the data set likewise, without its folder: plugin = "cifar10"; absent where there was none
 *   switchyard.class_names  as a JSON list; absent where the data set has none
 *
 * A node that is fed by other nodes, or that has no logits, is of no use alone: its file has none of these but `format`.
 * The node's name is not in it: equal weights make equal files. */
#ifndef SY_TRAIN_MODEL_CARD_H
#define SY_TRAIN_MODEL_CARD_H

#include "../record/safetensors.h"
#include "experiment.h"

struct sy_model_card {
    const char *network, *data; /* as in a config; NULL: unknown */
    struct sy_shape image;
    int32_t classes;
    const char *const *class_names; /* `classes` of them, or NULL */
    struct sy_doubles mean, std;    /* one per channel; empty: unknown */
};

/* The card of a node; lives as long as the experiment. False when memory is used up. */
bool sy_model_card_of(struct sy_model_card *out, const struct sy_experiment *experiment, int32_t node);

/* Key, value, key, value, ..., NULL, as writers of files want them, in the arena; NULL when memory is used up. */
const char *const *sy_model_card_metadata(const struct sy_model_card *card, struct sy_arena *arena);

/* "3x32x32" into channels, height and width; false where it is not of that form, or larger than any image. */
bool sy_image_shape_read(struct sy_shape *out, const char *text);

/* Reads the card of an opened file; texts and lists are the arena's. SY_ENOTSUP where the file has none, SY_EINVAL where
 * it contradicts itself. `path` is for messages. */
int sy_model_card_read(struct sy_model_card *out, const struct sy_safetensors *file, const char *path,
                       struct sy_arena *arena, struct sy_error *err);

#endif
