/* describe.c - see describe.h. */
#include "describe.h"

#include <math.h>
#include <string.h>

#include "../host/registry.h"
#include "../train/recording.h"

void sy_describe_machine(FILE *out, const struct sy_experiment *experiment) {
    struct sy_backend_info info = {.size = sizeof info};
    experiment->backend_ops->info(experiment->backend->self, &info);
    fprintf(out, "experiment %s, seed %lld\n", experiment->name, (long long)experiment->seed);
    fprintf(out, "backend    %s, %s, %d thread%s%s%s\n", experiment->backend->found->plugin.name,
            sy_precision_name(experiment->precision), experiment->n_threads, experiment->n_threads == 1 ? "" : "s",
            info.processor ? "; " : "", info.processor ? info.processor : "");
    if (info.note) {
        fprintf(out, "           %s\n", info.note);
    }
}

void sy_describe_data(FILE *out, const struct sy_experiment *experiment) {
    const struct sy_dataset_info *info = &experiment->dataset_info;
    fprintf(out, "\ndata       %s: %lld training and %lld test samples of %d x %d x %d, %d classes\n",
            experiment->dataset->found->plugin.name, (long long)info->count[SY_TRAIN_SPLIT],
            (long long)info->count[SY_TEST_SPLIT], info->shape.dim[0], info->shape.dim[1], info->shape.dim[2],
            info->classes);
    fprintf(out, "           batches of %d, %lld a epoch, %s; ", experiment->data.batch,
            (long long)sy_experiment_steps_per_epoch(experiment),
            experiment->data.shuffle ? "shuffled every epoch" : "in the file's order");
    if (experiment->augment.crop_pad > 0) {
        fprintf(out, "random crop after %d pixels of padding, ", experiment->augment.crop_pad);
    }
    fprintf(out, "%s; %d view%s\n",
            experiment->augment.flip ? "random flip"
                                     : (experiment->augment.crop_pad > 0 ? "no flip" : "no augmentation"),
            experiment->n_views, experiment->n_views == 1 ? ", shared by all nodes" : "s");
    if (experiment->parts.n_validation) {
        fprintf(out, "           %lld of the training samples are for validation; %lld are trained on\n",
                (long long)experiment->parts.n_validation, (long long)experiment->parts.n_train);
    }
    fprintf(out, "           %s; ",
            !info->count[SY_TEST_SPLIT] ? "no test split"
            : sy_experiment_watches_test(experiment) && experiment->train.evaluate_every
                ? "the test split is watched on the way"
                : "the test split is touched once, at the end");
    static const char *const selections[] = {
        "the last weights count", "of each node the weights of its best epoch on the validation part count",
        "of each node the weights of its best epoch ON THE TEST SPLIT count: an upper bound, not a result"};
    fprintf(out, "%s\n", selections[experiment->train.select]);
}

static void print_shape(FILE *out, const struct sy_shape *shape) {
    if (shape->rank == 3) {
        fprintf(out, "%d x %d x %d", shape->dim[0], shape->dim[1], shape->dim[2]);
    } else {
        fprintf(out, "%d", shape->dim[0]);
    }
}

/* What feeds a node, where that is not the image alone. */
static void print_links(FILE *out, const struct sy_experiment *experiment, const struct sy_node *node) {
    if (node->n_links == 1 && node->links[0].source < 0) {
        return;
    }
    fprintf(out, "           fed by");
    for (int32_t k = 0; k < node->n_links; k++) {
        const struct sy_link *link = &node->links[k];
        if (link->source < 0) {
            fprintf(out, "%s the image", k ? "," : "");
            continue;
        }
        fprintf(out, "%s %s.%s", k ? "," : "", experiment->nodes[link->source].name, link->output_name);
        if (!(node->input_gradients >> k & 1)) {
            fprintf(out, " (detached)");
        } else if (link->gradient_scale != 1) {
            fprintf(out, " (gradient x %g)", link->gradient_scale);
        }
    }
    fprintf(out, "\n");
}

static void print_start(FILE *out, const struct sy_experiment *experiment, const struct sy_node *node) {
    static const char *const buffers[] = {"its own", "averaged, too", "copied"};
    const struct sy_follow *follow = &node->follow;
    const char *leader = follow->kind ? experiment->nodes[follow->node].name : "";
    if (follow->kind == SY_FOLLOWS_WEIGHTS) {
        fprintf(out, "           has the parameters of %s\n", leader);
        return;
    }
    if (follow->kind == SY_FOLLOWS_AVERAGE) {
        fprintf(out, "           average of %s, decay %g%s; running statistics %s\n", leader, follow->decay,
                follow->warmup ? " (less at first)" : "", buffers[follow->buffers]);
    }
    fprintf(out, "           starts from %s%s\n",
            node->init                           ? node->init
            : follow->kind == SY_FOLLOWS_AVERAGE ? "what it averages: "
                                                 : "weights drawn by the seed",
            node->init ? "" : leader);
}

static void describe_node(FILE *out, const struct sy_experiment *experiment, const struct sy_node *node) {
    const struct sy_graph *graph = &node->full->graph;
    int32_t trainable = 0;
    for (int32_t i = 0; i < graph->n_params; i++) {
        trainable += graph->params[i]->role == SY_TRAINABLE;
    }
    fprintf(out, "\nnode       %s (%s): %s, %lld parameters in %d tensors, %.2f M multiply-adds\n", node->name,
            sy_role_name(node->role), node->network->found->plugin.name, (long long)sy_graph_parameter_count(graph),
            trainable, 1e-6 * (double)sy_graph_multiply_adds(graph));
    print_links(out, experiment, node);
    print_start(out, experiment, node);
    fprintf(out, "           outputs:");
    for (int32_t k = 0; k < graph->n_outputs; k++) {
        fprintf(out, "%s %s ", k ? "," : "", graph->outputs[k]->name);
        print_shape(out, &graph->values[graph->outputs[k]->value]);
    }
    fprintf(out, "\n");
}

void sy_describe_nodes(FILE *out, const struct sy_experiment *experiment) {
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        describe_node(out, experiment, &experiment->nodes[i]);
    }
}

void sy_describe_loss(char *out, size_t room, const struct sy_loss_use *use, const char *target,
                      const char *const *sources, int32_t n_sources) {
    if (use->ops->formula) {
        use->ops->formula(use->instance->self, out, room, target, sources, n_sources);
        return;
    }
    size_t used = (size_t)snprintf(out, room, "%s(%s", use->instance->found->plugin.name, target);
    for (int32_t s = 0; s < n_sources && used < room; s++) {
        used += (size_t)snprintf(out + used, room - used, "%s%s", s ? ", " : "; ", sources[s]);
    }
    if (used < room) {
        snprintf(out + used, room - used, ")");
    }
}

static void print_factor(FILE *out, double factor) {
    if (factor != 1) {
        fprintf(out, "%g * ", factor);
    }
}

#define MAX_SHOWN_SOURCES 16

static void print_edge(FILE *out, const struct sy_experiment *experiment, const struct sy_flow *edge) {
    char formula[512], ramp[64];
    const char *sources[MAX_SHOWN_SOURCES];
    int32_t shown = edge->n_sources < MAX_SHOWN_SOURCES ? edge->n_sources : MAX_SHOWN_SOURCES;
    for (int32_t s = 0; s < shown; s++) {
        sources[s] = experiment->nodes[edge->sources[s]].name;
    }
    sy_describe_loss(formula, sizeof formula, &edge->loss, experiment->nodes[edge->target].name, sources, shown);
    fprintf(out, " + ");
    if (edge->gate >= 0 && edge->gate_effect == SY_CLOSED_IN_EXPERT_MODE) {
        const struct sy_watch *gate = &experiment->gates[edge->gate];
        fprintf(out, "[%s-%s in learning mode] ", experiment->nodes[gate->teacher].name,
                experiment->nodes[gate->student].name);
    }
    sy_ramp_describe(ramp, sizeof ramp, &edge->ramp);
    if (*ramp) {
        fprintf(out, "[%s] ", ramp);
    }
    print_factor(out, edge->weight);
    fprintf(out, "%s", formula);
}

/* What train.record_signals will take. */
static void print_recording(FILE *out, const struct sy_experiment *experiment) {
    int32_t watched = 0;
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        watched += sy_is_watched(experiment, i);
    }
    if (experiment->train.record_signals != SY_SIGNALS_NONE && watched) {
        double samples = (double)sy_experiment_train_samples(experiment);
        fprintf(out, "           signals.bin takes %.1f MB an epoch, for replays\n",
                4e-6 * samples * (1 + (double)watched * experiment->dataset_info.classes));
    }
}

void sy_describe_wiring(FILE *out, const struct sy_experiment *experiment) {
    fprintf(out, "\nlosses     (mean over the batch; sources are detached unless said otherwise)\n");
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        const struct sy_node *node = &experiment->nodes[i];
        char formula[512] = "what flows back from those it feeds";
        fprintf(out, "           L_%s = ", node->name);
        if (node->frozen) {
            snprintf(formula, sizeof formula, "nothing: it is %s",
                     node->follow.kind == SY_FOLLOWS_AVERAGE ? "an average" : "frozen");
        } else if (node->has_logits) {
            sy_describe_loss(formula, sizeof formula, &node->label_loss, node->name, NULL, 0);
            print_factor(out, node->label_weight);
        }
        fprintf(out, "%s", formula);
        for (int32_t e = 0; e < experiment->n_edges; e++) {
            if (experiment->edges[e].target == i) {
                print_edge(out, experiment, &experiment->edges[e]);
            }
        }
        fprintf(out, "\n");
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        const struct sy_watch *gate = &experiment->gates[g];
        fprintf(out, "gate       %s-%s: policy %s%s\n", experiment->nodes[gate->teacher].name,
                experiment->nodes[gate->student].name, gate->policy->found->plugin.name,
                gate->watch_only ? ", only watching: nothing is opened, closed or paused" : "");
    }
    print_recording(out, experiment);
    fprintf(out, "updates    %s; a paused teacher %s, its running statistics %s\n",
            experiment->order == SY_ORDER_ALTERNATING ? "one node after the other, from refreshed outputs"
                                                      : "of all nodes from the same outputs",
            experiment->pause == SY_PAUSE_SKIP_STEP ? "skips its step" : "steps with zero gradient",
            experiment->paused_bn == SY_PAUSED_BN_UPDATE ? "move on" : "are frozen");
}

/* Rates at the start of the first epoch, of every epoch at which they differ visibly, and of the last. */
void sy_describe_rates(FILE *out, const struct sy_experiment *experiment) {
    enum { ROWS = 12 };
    int64_t per_epoch = sy_experiment_steps_per_epoch(experiment), epochs = experiment->train.epochs;
    int64_t stride = epochs > ROWS ? (epochs + ROWS - 1) / ROWS : 1;
    fprintf(out, "\nlearning rate at the start of an epoch (from 0)\n           %8s", "epoch");
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        fprintf(out, "  %12s", experiment->nodes[i].name);
    }
    fprintf(out, "\n");
    for (int64_t epoch = 0; epoch < epochs; epoch++) {
        bool shown = epoch == 0, smooth = false;
        for (int32_t i = 0; i < experiment->n_nodes && epoch > 0; i++) {
            const struct sy_node *node = &experiment->nodes[i];
            double before = sy_experiment_rate(experiment, node, epoch - 1, 0);
            double now = sy_experiment_rate(experiment, node, epoch, 0);
            double within = sy_experiment_rate(experiment, node, epoch - 1, per_epoch - 1);
            smooth = smooth || within != before;
            shown = shown || fabs(now - within) > 1e-3 * fabs(within) + (within != before ? fabs(before - now) : 0);
        }
        if (shown || (smooth && (epoch % stride == 0 || epoch == epochs - 1))) {
            fprintf(out, "           %8lld", (long long)epoch);
            for (int32_t i = 0; i < experiment->n_nodes; i++) {
                const struct sy_node *node = &experiment->nodes[i];
                fprintf(out, "  %12.6g", node->optimizer.lr * sy_experiment_rate(experiment, node, epoch, 0));
            }
            fprintf(out, "\n");
        }
    }
}

/* A line of the table; `what` beside it, NULL: nothing. */
static void print_part(FILE *out, const char *name, double bytes, const char *what) {
    fprintf(out, "           %-20s %38.1f%s%s\n", name, bytes / (1024.0 * 1024.0), what ? "  " : "", what ? what : "");
}

/* What there is; INFINITY and NaN: no limit, and not told. */
static void print_offer(FILE *out, const struct sy_memory_offer *offer) {
    const double mib = 1024.0 * 1024.0;
    if (!isfinite(offer->machine)) {
        fprintf(out, "           how much of it this machine has, and free just now, cannot be read\n");
        return;
    }
    fprintf(out, "           here: %.0f MiB", offer->machine / mib);
    if (isfinite(offer->available)) {
        fprintf(out, ", %.0f of them free just now", offer->available / mib);
    }
    if (isfinite(offer->group)) {
        fprintf(out, "; %.0f in this control group", offer->group / mib);
    }
    if (isfinite(offer->address)) {
        fprintf(out, "; %.0f of address space (ulimit -v)", offer->address / mib);
    }
    fprintf(out, "\n");
}

void sy_describe_memory(FILE *out, const struct sy_experiment *experiment, const struct sy_memory *need) {
    const double mib = 1024.0 * 1024.0;
    struct sy_memory_offer offer;
    fprintf(out, "\nmemory (foreseen, MiB)\n           %-20s %12s %12s %12s\n", "node", "parameters", "activations",
            "workspace");
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        const struct sy_memory_plan *plan = &need->plans[i];
        fprintf(out, "           %-20s %12.1f %12.1f %12.1f\n", experiment->nodes[i].name, plan->parameters / mib,
                plan->activations / mib, plan->workspace / mib);
        for (int32_t k = 0; k < plan->n_fallbacks; k++) {
            fprintf(out, "           %s has no fast path here\n", plan->fallbacks[k]);
        }
    }
    print_part(out, "arrays", need->arrays, "outputs, gradients, softmaxes");
    print_part(out, "loaders", need->loaders, NULL);
    print_part(out, "checkpoint", need->checkpoint, "the largest file on its way");
    if (need->undo > 0) {
        print_part(out, "step to take back", need->undo, "train.on_nonfinite");
    }
    print_part(out, "program and data", need->program, "as they are now");
    print_part(out, "peak", need->total, NULL);
    sy_memory_offer(&offer);
    print_offer(out, &offer);
    if (need->total - need->program > offer.available) {
        fprintf(out, "           others have so much just now that this run would not fit beside them\n");
    }
}

static void print_source(FILE *out, const struct sy_experiment *experiment, const struct sy_instance *instance) {
    const struct sy_candidate *candidates;
    if (!instance) {
        return;
    }
    const struct sy_plugin *plugin = &instance->found->plugin;
    fprintf(out, "           %-12s %-16s %s\n", plugin->kind, plugin->name, instance->found->file);
    size_t count = sy_registry_candidates(experiment->registry, plugin->kind, false, &candidates);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(candidates[i].name, plugin->name) && candidates[i].shadowed_by) {
            fprintf(out, "           %-12s %-16s shadows %s\n", "", "", candidates[i].file);
        }
    }
}

/* Whether an earlier row of the list has the same plugin. */
static bool told(const struct sy_instance *const *list, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (list[i] && list[index] && list[i]->found == list[index]->found) {
            return true;
        }
    }
    return false;
}

/* Where plugins were looked for, and files there that are none, in the loader's own words. */
static void print_search(FILE *out, const struct sy_experiment *experiment) {
    const struct sy_candidate *candidates;
    const char *folder;
    fprintf(out, "           looked for in the files of this config's `plugins`, then in\n");
    for (size_t i = 0; (folder = sy_registry_folder(experiment->registry, i)); i++) {
        fprintf(out, "           %zu. %s\n", i + 1, folder);
    }
    size_t count = sy_registry_candidates(experiment->registry, NULL, true, &candidates);
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].failed) {
            fprintf(out, "           unusable: %s: %s\n", candidates[i].file, candidates[i].failed);
        }
    }
}

void sy_describe_plugins(FILE *out, const struct sy_experiment *experiment) {
    enum { MOST = 256 };
    const struct sy_instance *list[MOST];
    size_t count = 0;
    list[count++] = experiment->backend;
    list[count++] = experiment->dataset;
    for (int32_t i = 0; i < experiment->n_nodes && count + 2 < MOST; i++) {
        list[count++] = experiment->nodes[i].network;
        list[count++] = experiment->nodes[i].label_loss.instance;
    }
    for (int32_t e = 0; e < experiment->n_edges && count < MOST; e++) {
        list[count++] = experiment->edges[e].loss.instance;
    }
    for (int32_t g = 0; g < experiment->n_gates && count < MOST; g++) {
        list[count++] = experiment->gates[g].policy;
    }
    fprintf(out, "\nplugins\n");
    for (size_t i = 0; i < count; i++) {
        if (!told(list, i)) {
            print_source(out, experiment, list[i]);
        }
    }
    print_search(out, experiment);
    if (sy_setting_find(experiment->config, "plugins") && sy_setting_find(experiment->config, "plugins")->n_children) {
        fprintf(out, "           this config brings plugin files along: running it runs their code\n");
    }
}
