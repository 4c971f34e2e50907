/* model_card.c - see model_card.h. */
#include "model_card.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../record/json.h"
#include "experiment_parts.h"

static const char key_network[] = "switchyard.network", key_image[] = "switchyard.image",
                  key_classes[] = "switchyard.classes", key_mean[] = "switchyard.mean", key_std[] = "switchyard.std",
                  key_data[] = "switchyard.data", key_names[] = "switchyard.class_names";

/* ---- from an experiment ------------------------------------------------------------------------------------------ */

/* Whether a parameter is the plugin's own and no place on this machine. */
static bool tells(const struct sy_table *table, const char *name) {
    struct sy_field row;
    for (size_t i = 0; sy_table_row(table, i, &row); i++) {
        if (row.role == SY_PARAMETER && !(row.flags & SY_PATH) && !strcmp(row.name, name)) {
            return true;
        }
    }
    return false;
}

/* A group with nothing but its plugin and the plugin's own keys, files and folders left out, as text in the arena. */
static const char *plugin_text(const struct sy_setting *setting, const struct sy_instance *instance,
                               struct sy_arena *arena) {
    const char *kept = NULL;
    char *text = NULL;
    size_t size;
    struct sy_setting *group = sy_setting_copy(setting);
    FILE *stream = group ? open_memstream(&text, &size) : NULL;
    for (size_t i = group ? group->n_children : 0; i-- > 0;) {
        const char *name = group->children[i]->name;
        if (strcmp(name, "plugin") != 0 && !tells(&instance->found->table, name)) {
            sy_setting_remove(group, name);
        }
    }
    bool written = stream && sy_setting_write(group, stream);
    if (stream && fclose(stream) == 0 && written) {
        kept = sy_arena_text(arena, text);
    }
    free(text);
    sy_setting_destroy(group);
    return kept;
}

/* From an image to classes, alone. */
static bool stands_alone(const struct sy_node *node) {
    return node->has_logits && node->n_links == 1 && node->links[0].source == SY_FROM_IMAGE;
}

bool sy_model_card_of(struct sy_model_card *out, const struct sy_experiment *experiment, int32_t index) {
    const struct sy_node *node = &experiment->nodes[index];
    const struct sy_dataset_info *info = &experiment->dataset_info;
    *out = (struct sy_model_card){.network = NULL};
    if (!node->network || !node->full || !stands_alone(node)) {
        return true;
    }
    out->network = plugin_text(node->setting, node->network, experiment->arena);
    if (experiment->dataset) {
        out->data = plugin_text(sy_setting_find(experiment->config, "data"), experiment->dataset, experiment->arena);
    }
    out->image = info->shape;
    out->classes = info->classes;
    out->class_names = info->class_names;
    out->mean = experiment->data.mean;
    out->std = experiment->data.std;
    return out->network && (out->data || !experiment->dataset);
}

/* ---- to texts ---------------------------------------------------------------------------------------------------- */

/* A JSON value as text in the arena; releases it. */
static const char *dumped(json_t *value, struct sy_arena *arena) {
    char *text = sy_json_dump_as(value, JSON_COMPACT);
    const char *kept = text ? sy_arena_text(arena, text) : NULL;
    free(text);
    json_decref(value);
    return kept;
}

static const char *numbers_text(const struct sy_doubles *numbers, struct sy_arena *arena) {
    json_t *list = json_array();
    for (size_t i = 0; i < numbers->count; i++) {
        sy_json_add(&list, json_real(numbers->at[i]));
    }
    return dumped(list, arena);
}

static const char *names_text(const struct sy_model_card *card, struct sy_arena *arena) {
    json_t *list = json_array();
    for (int32_t i = 0; i < card->classes; i++) {
        sy_json_add(&list, json_string(card->class_names[i]));
    }
    return dumped(list, arena);
}

const char *const *sy_model_card_metadata(const struct sy_model_card *card, struct sy_arena *arena) {
    enum { MOST = 2 * 8 + 1 };
    const struct sy_shape *image = &card->image;
    const char **list = sy_arena_take(arena, MOST * sizeof *list);
    size_t count = 0;
    if (!list) {
        return NULL;
    }
#define PUT(key, value) list[count++] = (key), list[count++] = (value)
    PUT("format", "pt");
    if (card->network) {
        PUT(key_network, card->network);
        PUT(key_image, sy_arena_print(arena, "%dx%dx%d", image->dim[0], image->dim[1], image->dim[2]));
        PUT(key_classes, sy_arena_print(arena, "%d", card->classes));
        if (card->mean.count && card->std.count) {
            PUT(key_mean, numbers_text(&card->mean, arena));
            PUT(key_std, numbers_text(&card->std, arena));
        }
        if (card->data) {
            PUT(key_data, card->data);
        }
        if (card->class_names) {
            PUT(key_names, names_text(card, arena));
        }
    }
#undef PUT
    for (size_t i = 0; i < count; i++) {
        if (!list[i]) {
            return NULL;
        }
    }
    return list;
}

/* ---- from a file ------------------------------------------------------------------------------------------------- */

bool sy_image_shape_read(struct sy_shape *out, const char *text) {
    static const int32_t most[] = {1024, 16384, 16384};
    int end = 0;
    *out = (struct sy_shape){.rank = 3};
    if (!text || sscanf(text, "%6dx%6dx%6d%n", &out->dim[0], &out->dim[1], &out->dim[2], &end) != 3 || text[end]) {
        return false;
    }
    for (int d = 0; d < 3; d++) {
        if (out->dim[d] < 1 || out->dim[d] > most[d]) {
            return false;
        }
    }
    return true;
}

static int read_image(struct sy_model_card *card, const char *text, const char *path, struct sy_error *err) {
    if (!sy_image_shape_read(&card->image, text)) {
        return sy_fail(err, SY_EINVAL, "%s: metadata \"%s\" must be channels, height and width, as in 3x32x32", path,
                       key_image);
    }
    return SY_OK;
}

static int read_classes(struct sy_model_card *card, const char *text, const char *path, struct sy_error *err) {
    char *end = NULL;
    long classes = text ? strtol(text, &end, 10) : 0;
    if (!text || *end || classes < 2 || classes > 10000000) {
        return sy_fail(err, SY_EINVAL, "%s: metadata \"%s\" must be a number of classes, 2 or more", path, key_classes);
    }
    card->classes = (int32_t)classes;
    return SY_OK;
}

/* A list of `count` numbers, or nothing. */
static int read_numbers(struct sy_doubles *out, const char *key, const char *text, int32_t count, double least,
                        const char *path, struct sy_arena *arena, struct sy_error *err) {
    if (!text) {
        return SY_OK;
    }
    json_t *list = json_loads(text, 0, NULL);
    double *at = sy_arena_take(arena, (size_t)count * sizeof *at);
    bool good = json_is_array(list) && json_array_size(list) == (size_t)count && at;
    for (int32_t i = 0; good && i < count; i++) {
        const json_t *number = json_array_get(list, (size_t)i);
        at[i] = json_number_value(number);
        good = json_is_number(number) && isfinite(at[i]) && at[i] >= least;
    }
    json_decref(list);
    if (!good) {
        return sy_fail(err, at ? SY_EINVAL : SY_ENOMEM, "%s: metadata \"%s\" must be a list of %d numbers%s", path, key,
                       count, least > 0 ? " above 0" : "");
    }
    *out = (struct sy_doubles){at, (size_t)count};
    return SY_OK;
}

static int read_names(struct sy_model_card *card, const char *text, const char *path, struct sy_arena *arena,
                      struct sy_error *err) {
    if (!text) {
        return SY_OK;
    }
    json_t *list = json_loads(text, 0, NULL);
    bool good = json_is_array(list) && json_array_size(list) == (size_t)card->classes;
    const char **names = good ? sy_arena_take(arena, (size_t)card->classes * sizeof *names) : NULL;
    for (int32_t i = 0; names && good && i < card->classes; i++) {
        const char *name = json_string_value(json_array_get(list, (size_t)i));
        names[i] = name ? sy_arena_text(arena, name) : NULL;
        good = names[i] != NULL;
    }
    json_decref(list);
    if (!good || !names) {
        return sy_fail(err, SY_EINVAL, "%s: metadata \"%s\" must be a list of %d texts", path, key_names,
                       card->classes);
    }
    card->class_names = names;
    return SY_OK;
}

int sy_model_card_read(struct sy_model_card *out, const struct sy_safetensors *file, const char *path,
                       struct sy_arena *arena, struct sy_error *err) {
    const double least_std = 1e-12;
    const char *network = sy_safetensors_metadata(file, key_network);
    const char *data = sy_safetensors_metadata(file, key_data);
    long before = sy_json_short_of_memory();
    int status = SY_OK;
    *out = (struct sy_model_card){0};
    if (!network) {
        return sy_fail(err, SY_ENOTSUP, "%s does not say which network it is for", path);
    }
    out->network = sy_arena_text(arena, network);
    out->data = data ? sy_arena_text(arena, data) : NULL;
    if (!out->network || (data && !out->data)) {
        status = sy_fail(err, SY_ENOMEM, "no memory to read %s", path);
    }
    if (status == SY_OK) {
        status = read_image(out, sy_safetensors_metadata(file, key_image), path, err);
    }
    if (status == SY_OK) {
        status = read_classes(out, sy_safetensors_metadata(file, key_classes), path, err);
    }
    if (status == SY_OK) {
        status = read_numbers(&out->mean, key_mean, sy_safetensors_metadata(file, key_mean), out->image.dim[0],
                              -INFINITY, path, arena, err);
    }
    if (status == SY_OK) {
        status = read_numbers(&out->std, key_std, sy_safetensors_metadata(file, key_std), out->image.dim[0], least_std,
                              path, arena, err);
    }
    if (status == SY_OK) {
        status = read_names(out, sy_safetensors_metadata(file, key_names), path, arena, err);
    }
    if (sy_json_short_of_memory() != before) { /* jansson may have gone on with half a number */
        status = sy_fail(err, SY_ENOMEM, "no memory to read %s", path);
    }
    return status;
}
