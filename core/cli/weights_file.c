/* weights_file.c - see weights_file.h. */
#include "weights_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../config/untrusted.h"
#include "../host/short_name.h"
#include "../train/weights.h"

const char sy_weights_usage[] =
    "  --node NODE           whose weights, where a folder holds several (default: the only one, or the only student)\n"
    "  --checkpoint WHICH    of a run folder: best (the default), last, or a step\n"
    "  --net NAME            what network it is, for files from elsewhere: in one word, see `list`\n"
    "  --classes K           how many classes it tells apart, for the same\n"
    "  --image CxHxW         what it looks at, for the same (default: 3x32x32)\n"
    "  --plugin FILE         a plugin file that has the network\n"
    "  --set PATH.KEY=VALUE  change the config: data.path, backend, threads\n"
    "  --untrusted           they are a stranger's: what lies beside them may bring no code and lead nowhere else\n";

bool sy_weights_option(struct sy_weights_wish *wish, int option, const char *argument, const char *command) {
    char *end;
    long classes;
    switch (option) {
    case 'N':
        wish->node = argument;
        return true;
    case 'C':
        wish->checkpoint = argument;
        return true;
    case 'W':
        wish->net = argument;
        return true;
    case 'K':
        classes = strtol(argument, &end, 10);
        if (*end || classes < 2 || classes > 10000000) {
            fprintf(stderr, "switchyard %s: --classes %s: must be a whole number, 2 or more\n", command, argument);
            return false;
        }
        wish->classes = (int32_t)classes;
        return true;
    case 'I':
        wish->image = argument;
        return true;
    case 'P':
        wish->plugin = argument;
        return true;
    case 'U':
        wish->untrusted = true;
        return true;
    case 's':
        if (wish->set.count == SY_MAX_ASSIGNMENTS) {
            fprintf(stderr, "switchyard %s: more than %d --set\n", command, SY_MAX_ASSIGNMENTS);
            return false;
        }
        wish->set.at[wish->set.count++] = argument;
        return true;
    default:
        fprintf(stderr, "`switchyard %s --help` lists the options\n", command);
        return false;
    }
}

/* ---- the card ---------------------------------------------------------------------------------------------------- */

/* What the person says of a file that does not say it. */
static bool card_from_wish(struct sy_model_card *card, const struct sy_weights_wish *wish, const char *path,
                           struct sy_problems *problems) {
    const char *image = wish->image ? wish->image : "3x32x32";
    *card = (struct sy_model_card){.classes = wish->classes};
    if (!wish->net || (!wish->classes && !(wish->with_data && wish->data))) {
        sy_problem_in(problems, path, 0,
                      "does not say what network it is for; say it: --net NAME --classes K (or --data with a data "
                      "set in place of --classes)");
        return false;
    }
    if (!sy_image_shape_read(&card->image, image)) {
        sy_problem_in(problems, "--image", 0, "%s: must be channels, height and width, as in 3x32x32", image);
        return false;
    }
    return true;
}

static bool read_card(struct sy_weights *weights, const struct sy_weights_wish *wish, struct sy_problems *problems) {
    struct sy_safetensors *file;
    struct sy_error err = {.size = sizeof err};
    if (sy_safetensors_open(&file, weights->path, &err) != SY_OK) {
        sy_problem(problems, NULL, "%s", err.text);
        return false;
    }
    int status = wish->net ? SY_ENOTSUP : sy_model_card_read(&weights->card, file, weights->path, weights->arena, &err);
    sy_safetensors_close(file);
    char config[4200];
    snprintf(config, sizeof config, "%.4000s/run.cfg", wish->source);
    if (status == SY_ENOTSUP && !wish->net && access(config, F_OK) == 0) {
        weights->linked = true;
        return true;
    }
    if (status == SY_ENOTSUP) {
        return card_from_wish(&weights->card, wish, weights->path, problems);
    }
    if (status != SY_OK) {
        sy_problem(problems, NULL, "%s", err.text);
    }
    return status == SY_OK;
}

/* ---- the config -------------------------------------------------------------------------------------------------- */

static struct sy_setting *add_text(struct sy_setting *group, const char *key, const char *text) {
    struct sy_setting *setting = group ? sy_setting_add(group, SY_SETTING_STRING, key) : NULL;
    return setting && sy_setting_set_string(setting, text) ? setting : NULL;
}

static bool add_numbers(struct sy_setting *group, const char *key, const struct sy_doubles *numbers) {
    struct sy_setting *list = numbers->count ? sy_setting_add(group, SY_SETTING_LIST, key) : NULL;
    for (size_t i = 0; list && i < numbers->count; i++) {
        struct sy_setting *number = sy_setting_add(list, SY_SETTING_FLOAT, NULL);
        if (!number) {
            return false;
        }
        number->number = numbers->at[i];
    }
    return list || !numbers->count;
}

/* Lays what a card says over a group. A card is somebody's file: it may name a plugin and its numbers, but not reach for
 * other files. */
static bool add_from_card(struct sy_setting *group, const char *text, const char *path, struct sy_problems *problems) {
    if (strchr(text, '@')) {
        sy_problem_in(problems, path, 0, "its description includes other files, which is refused");
        return false;
    }
    struct sy_setting *described = sy_setting_read_text(text, path, problems);
    bool laid = described && sy_setting_overlay(group, described, SY_LAYER_BASE);
    sy_setting_destroy(described);
    return laid;
}

static bool add_network(struct sy_setting *node, const struct sy_weights *weights, const struct sy_weights_wish *wish,
                        struct sy_registry *registry, struct sy_problems *problems) {
    return wish->net ? sy_short_name_read(node, registry, SY_NETWORK, wish->net, "--net", problems)
                     : add_from_card(node, weights->card.network, weights->path, problems);
}

/* The data set that is wanted: the one named, or the one the weights were trained on. */
static bool add_data(struct sy_setting *data, const struct sy_weights *weights, const struct sy_weights_wish *wish,
                     struct sy_problems *problems) {
    if (wish->data) {
        return add_text(data, "plugin", wish->data) != NULL;
    }
    if (!weights->card.data) {
        sy_problem_in(problems, weights->path, 0, "does not say what data it was trained on; --data names a set");
        return false;
    }
    return add_from_card(data, weights->card.data, weights->path, problems);
}

static void add_integer(struct sy_setting *group, const char *key, int64_t value) {
    struct sy_setting *setting = sy_setting_add(group, SY_SETTING_INT, key);
    if (setting) {
        setting->integer = value;
        setting->number = (double)value;
    }
}

static struct sy_setting *make_config(const struct sy_weights *weights, const struct sy_weights_wish *wish,
                                      struct sy_registry *registry, struct sy_problems *problems) {
    struct sy_setting *root = sy_setting_read_text("experiment = \"weights\";", weights->path, problems);
    struct sy_setting *nodes = root ? sy_setting_add(root, SY_SETTING_GROUP, "nodes") : NULL;
    struct sy_setting *data = root ? sy_setting_add(root, SY_SETTING_GROUP, "data") : NULL;
    struct sy_setting *node = nodes ? sy_setting_add(nodes, SY_SETTING_GROUP, "net") : NULL;
    bool made = node && data;
    if (made && wish->plugin) {
        struct sy_setting *plugins = sy_setting_add(root, SY_SETTING_LIST, "plugins");
        made = add_text(plugins, NULL, wish->plugin) != NULL;
    }
    if (made && wish->plugin) {
        sy_registry_declare(registry, wish->plugin, NULL, problems); /* a short name is looked up at once */
    }
    made = made && add_network(node, weights, wish, registry, problems) && add_text(node, "init", weights->path) &&
           add_numbers(data, "mean", &weights->card.mean) && add_numbers(data, "std", &weights->card.std);
    if (made && wish->batch) {
        add_integer(data, "batch", wish->batch);
    }
    made = made && (!wish->with_data || add_data(data, weights, wish, problems));
    if (!made) {
        sy_problem(problems, NULL, "%s",
                   sy_problems_count(problems) ? "so its weights cannot be used" : "out of memory");
        sy_setting_destroy(root);
        return NULL;
    }
    sy_assign_all(root, &wish->set, problems);
    return root;
}

const char *sy_weights_path(char *out, size_t room, const struct sy_weights *weights, int32_t node) {
    int folder = (int)(strrchr(weights->path, '/') - weights->path);
    const struct sy_node *nodes = weights->experiment->nodes;
    bool beside = !weights->best || node == weights->node;
    snprintf(out, room, "%.*s%s%s/%s.safetensors", folder, weights->path, beside ? "" : "/",
             beside ? "" : nodes[weights->node].name, nodes[node].name);
    return out;
}

/* Which of the run's nodes the file is of, and who feeds it. False after a problem. */
static bool know_node(struct sy_weights *weights, const struct sy_weights_wish *wish, struct sy_problems *problems) {
    const struct sy_experiment *experiment = weights->experiment;
    const char *name = strrchr(weights->path, '/') + 1;
    size_t length = strcspn(name, ".");
    for (weights->node = 0; weights->node < experiment->n_nodes; weights->node++) {
        const char *there = experiment->nodes[weights->node].name;
        if (strlen(there) == length && !strncmp(there, name, length)) {
            break;
        }
    }
    if (weights->node == experiment->n_nodes) {
        sy_problem_in(problems, weights->path, 0, "belongs to no node of %s/run.cfg", wish->source);
        return false;
    }
    if (!experiment->nodes[weights->node].has_logits) {
        sy_problem_in(problems, weights->path, 0, "belongs to a node without logits, a piece of others");
        return false;
    }
    weights->feeders = sy_arena_take(weights->arena, (size_t)experiment->n_nodes * sizeof *weights->feeders);
    if (!weights->feeders) {
        sy_problem(problems, NULL, "out of memory");
        return false;
    }
    sy_experiment_feeders(weights->feeders, experiment, weights->node);
    return true;
}

static bool is_best(const char *path) {
    static const char folder[] = "/best";
    const char *slash = strrchr(path, '/');
    size_t before = slash ? (size_t)(slash - path) : 0, length = strlen(folder);
    return before >= length && !strncmp(slash - length, folder, length);
}

/* Whether the files of all who feed it are there: runs of earlier versions kept those of the last checkpoint only. */
static bool is_complete(const struct sy_weights *weights) {
    char path[4608];
    bool complete = true;
    for (int32_t i = 0; i < weights->experiment->n_nodes; i++) {
        complete =
            complete && (!weights->feeders[i] || access(sy_weights_path(path, sizeof path, weights, i), F_OK) == 0);
    }
    return complete;
}

/* The whole run, for a node that is of no use alone. */
static bool open_linked(struct sy_weights *weights, const struct sy_weights_wish *wish, struct sy_registry *registry,
                        struct sy_problems *problems) {
    struct sy_setting *config = sy_load_config(wish->source, &wish->set, problems);
    struct sy_experiment *experiment = config ? sy_experiment_create(config, registry, problems) : NULL;
    weights->experiment = experiment;
    weights->best = is_best(weights->path);
    if (!experiment || !know_node(weights, wish, problems)) {
        return false;
    }
    if (weights->best && !is_complete(weights)) {
        struct sy_weights_wish last = *wish;
        last.checkpoint = "last";
        last.node = experiment->nodes[weights->node].name;
        weights->best = false;
        if (wish->checkpoint) {
            sy_problem_in(problems, weights->path, 0,
                          "is fed by others, whose weights of its best epoch were not kept; --checkpoint last");
            return false;
        }
        if (!sy_weights_find(weights->path, sizeof weights->path, &last, problems)) {
            return false;
        }
    }
    const struct sy_dataset_info *info = &experiment->dataset_info;
    weights->card = (struct sy_model_card){.image = info->shape,
                                           .classes = info->classes,
                                           .class_names = info->class_names,
                                           .mean = experiment->data.mean,
                                           .std = experiment->data.std};
    return true;
}

int sy_weights_cohort(struct sy_cohort **out, const struct sy_weights *weights, struct sy_error *err) {
    char path[4608];
    struct sy_experiment *experiment = weights->experiment;
    int status = sy_cohort_create(out, experiment, err);
    for (int32_t i = 0; weights->linked && i < experiment->n_nodes && status == SY_OK; i++) {
        struct sy_member *member = &(*out)->members[i];
        if (i == weights->node || weights->feeders[i]) {
            status = sy_weights_load(experiment->backend_ops, member->plan, &member->node->graph->graph,
                                     sy_weights_path(path, sizeof path, weights, i), err);
        }
    }
    return status;
}

bool sy_weights_open(struct sy_weights *weights, const struct sy_weights_wish *wish, struct sy_registry *registry,
                     struct sy_problems *problems) {
    size_t before = sy_problems_count(problems);
    *weights = (struct sy_weights){.arena = sy_arena_create()};
    if (!weights->arena) {
        sy_problem(problems, NULL, "out of memory");
        return false;
    }
    if (!sy_weights_find(weights->path, sizeof weights->path, wish, problems)) {
        return false;
    }
    if (!sy_untrusted_allows(weights->path)) {
        sy_problem_in(problems, weights->path, 0, "is outside %s, and --untrusted lets nothing lead there",
                      sy_untrusted_folder());
        return false;
    }
    if (!read_card(weights, wish, problems)) {
        return false;
    }
    if (weights->linked) {
        return open_linked(weights, wish, registry, problems) && sy_problems_count(problems) == before;
    }
    struct sy_setting *config = make_config(weights, wish, registry, problems);
    if (!config) {
        return false;
    }
    if (wish->with_data) {
        weights->experiment = sy_experiment_create(config, registry, problems);
    } else {
        const struct sy_dataset_info images = {.size = sizeof images,
                                               .classes = weights->card.classes,
                                               .count = {1, 1},
                                               .shape = weights->card.image,
                                               .dtype = SY_U8,
                                               .class_names = weights->card.class_names};
        weights->experiment = sy_experiment_create_unfed(config, registry, &images, problems);
    }
    return weights->experiment && sy_problems_count(problems) == before;
}

void sy_weights_finish(struct sy_weights *weights) {
    sy_experiment_destroy(weights->experiment);
    sy_arena_destroy(weights->arena);
    *weights = (struct sy_weights){0};
}

int sy_weights_command(const struct sy_weights_wish *wish,
                       int (*work)(const struct sy_weights *weights, const void *context, struct sy_error *err),
                       const void *context) {
    struct sy_weights weights = {.arena = NULL};
    struct sy_error err = {.size = sizeof err};
    bool guarded = !wish->untrusted || sy_untrusted_begin(wish->source);
    struct sy_problems *problems = guarded ? sy_problems_create() : NULL;
    struct sy_registry *registry = sy_registry_create(NULL);
    int code = SY_EXIT_OK;
    if (!problems || !registry) {
        fprintf(stderr, "switchyard: memory is used up\n");
        code = SY_EXIT_FAILED;
    } else if (!sy_weights_open(&weights, wish, registry, problems)) {
        sy_problems_print(problems, stderr);
        code = SY_EXIT_BAD_INPUT;
    } else {
        int status = work(&weights, context, &err);
        if (status != SY_OK) {
            fprintf(stderr, "switchyard: %s\n", err.text);
            code = status == SY_EINVAL || status == SY_ENOTSUP ? SY_EXIT_BAD_INPUT : SY_EXIT_FAILED;
        }
    }
    sy_weights_finish(&weights);
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    return code;
}
