/* experiment_tables.c - the keys of the config that are the core's own, as field tables. */
#include "experiment_parts.h"

#include "kinds.h"
#include "stages.h"

struct top {
    const char *experiment;
    int64_t seed;
    int32_t precision, threads;
    struct sy_strings plugins;
};

const struct sy_field sy_experiment_fields[] = {
    SY_PARAM(struct top, experiment, .def_text = "experiment", .doc = "its name; runs/NAME is where runs go"),
    SY_PARAM(struct top, seed, .def = 1, .min = 0, .max = 9e15,
             .doc = "key of every random number: weights, order, crops"),
    SY_PARAM(struct top, precision, .choices = "fp32|bf16", .doc = "what the backend computes in"),
    SY_PARAM(struct top, threads, .def = 0, .min = 0, .max = 1024, .doc = "threads that compute; 0: all there are"),
    SY_PARAM(struct top, plugins, .def_text = "[]", .flags = SY_PATH | SY_CODE,
             .doc = "plugin files this experiment brings along, relative to this file"),
    SY_END,
};

const struct sy_field sy_data_fields[] = {
    SY_PARAM(struct sy_data_settings, batch, .def = 128, .min = 1, .max = 65536, .unit = "samples",
             .doc = "batch size; the last batch of an epoch may be smaller"),
    SY_PARAM(struct sy_data_settings, mean, .def_text = "[]", .min = -1e6, .max = 1e6,
             .doc = "subtracted from each channel; default: the data set's"),
    SY_PARAM(struct sy_data_settings, std, .def_text = "[]", .min = 0, .max = 1e6, .flags = SY_MIN_EXCLUSIVE,
             .doc = "each channel is divided by this; default: the data set's"),
    SY_PARAM(struct sy_data_settings, shuffle, .def = 1, .flags = SY_FLAG,
             .doc = "a new order every epoch; false: the file's order"),
    SY_PARAM(struct sy_data_settings, views, .choices = "shared|own",
             .doc = "whether nodes see the same augmented batch or each its own"),
    SY_PARAM(struct sy_data_settings, limit, .def = 0, .min = 0, .max = 1e12, .unit = "samples",
             .doc = "train on the first so many only; 0: all"),
    SY_PARAM(struct sy_data_settings, test_limit, .def = 0, .min = 0, .max = 1e12, .unit = "samples",
             .doc = "test on the first so many only; 0: all"),
    SY_PARAM(struct sy_data_settings, validation, .def = 0, .min = 0, .max = 1e12,
             .doc =
                 "taken from the training samples by the seed, stratified, never augmented: a number of samples, or a "
                 "share below 1; 0: none. With it, the test split is touched only once, at the end"),
    SY_PARAM(struct sy_data_settings, workers, .def = 1, .min = 1, .max = 64, .doc = "threads that prepare batches"),
    SY_PARAM(struct sy_data_settings, ahead, .def = 4, .min = 1, .max = 256, .unit = "batches",
             .doc = "batches prepared ahead"),
    SY_END,
};

const struct sy_field sy_augment_fields[] = {
    SY_PARAM(struct sy_augment, crop_pad, .def = 0, .min = 0, .max = 256, .unit = "pixels",
             .doc = "pad by so much with black, then crop back to size at random; 0: no crop"),
    SY_PARAM(struct sy_augment, flip, .flags = SY_FLAG, .doc = "mirror left-right with probability 1/2"),
    SY_END,
};

const struct sy_field sy_train_fields[] = {
    SY_PARAM(struct sy_train_settings, epochs, .def = 1, .min = 1, .max = 1e9, .unit = "epochs",
             .doc = "passes over the training split"),
    SY_PARAM(struct sy_train_settings, evaluate_every, .def = 1, .min = 0, .max = 1e9, .unit = "epochs",
             .doc = "how often nodes are measured, on the validation part if there is one, else on the test split; the "
                    "last epoch always is; 0: only that"),
    SY_PARAM(struct sy_train_settings, select, .choices = "last|best_val|best_test",
             .doc =
                 "whose weights count: the last, or of each node those of its best epoch on the validation part, or on "
                 "the test split (an upper bound, no result)"),
    SY_PARAM(struct sy_train_settings, checkpoint_every, .def = 1, .min = 0, .max = 1e9, .unit = "epochs",
             .doc = "how often a checkpoint is written; 0: only at the end"),
    SY_PARAM(struct sy_train_settings, checkpoint_steps, .def = 0, .min = 0, .max = 1e9, .unit = "steps",
             .doc = "also after every so many steps: all that a plugin that crashes or hangs can cost; 0: not"),
    SY_PARAM(struct sy_train_settings, keep, .def = 2, .min = 0, .max = 1e6, .unit = "checkpoints",
             .doc = "the newest that are kept; 0: all"),
    SY_PARAM(struct sy_train_settings, snapshots, .def_text = "[]", .min = 1, .max = 1e9, .unit = "epochs",
             .doc = "numbers of epochs done after which the weights of all nodes are kept, in snapshots/NUMBER"),
    SY_PARAM(struct sy_train_settings, snapshot_every, .def = 0, .min = 0, .max = 1e9, .unit = "epochs",
             .doc = "the same after every so many; 0: not"),
    SY_PARAM(struct sy_train_settings, first_epoch, .def = 0, .min = 0, .max = 1e9, .unit = "epochs",
             .doc = "number of the first epoch in the random numbers of order and crops: of a run that goes on where "
                    "another ended"),
    SY_PARAM(struct sy_train_settings, whole_epochs, .def = 0, .min = 0, .max = 1e9, .unit = "epochs",
             .doc =
                 "this run is a part of one of so many epochs, from first_epoch on, to schedules; 0: it is the whole"),
    SY_PARAM(struct sy_train_settings, record_signals, .choices = "none|logits",
             .doc = "what is kept in signals.bin for `switchyard replay`: logits: every step, labels and the logits of "
                    "every node that a policy looks at, 4 bytes a sample and class"),
    SY_PARAM(struct sy_train_settings, call_limit, .def = 1800, .min = 0, .max = 1e6, .unit = "seconds",
             .doc = "a plugin that does not come back from a call for so long ends the run; 0: it is waited for"),
    SY_PARAM(
        struct sy_train_settings, on_nonfinite, .choices = "stop|skip_batch|lower_rate",
        .doc = "when an output, a loss, a gradient or a parameter is not finite: stop: the run ends there; "
               "skip_batch: the step is taken back, whole, and the next batch is tried; lower_rate: the run goes back "
               "to the checkpoint at the start of the epoch (or of the run), with lower learning rates"),
    SY_PARAM(struct sy_train_settings, skip_limit, .def = 10, .min = 1, .max = 1e9, .unit = "batches",
             .doc = "skip_batch: after so many skipped in a row the next one ends the run"),
    SY_PARAM(struct sy_train_settings, lower_factor, .def = 0.5, .min = 0, .max = 1, .flags = SY_MIN_EXCLUSIVE,
             .doc = "lower_rate: what the learning rates of all nodes are multiplied by, each time"),
    SY_PARAM(struct sy_train_settings, lower_limit, .def = 3, .min = 1, .max = 1000, .unit = "times",
             .doc = "lower_rate: after so many times the next one ends the run"),
    SY_END,
};

const struct sy_field sy_node_fields[] = {
    SY_PARAM(struct sy_node_settings, role, .choices = "peer|teacher|student|part",
             .doc = "what the topology takes it for; part: a piece of others, such as a trunk, that it leaves alone"),
    SY_PARAM(struct sy_node_settings, view, .choices = "default|shared|own",
             .doc = "its augmented view of the batch; default: as data.views says"),
    SY_PARAM(struct sy_node_settings, frozen, .choices = "no|eval|train",
             .doc = "never learns: in evaluation mode, or in training mode, where batch statistics normalise and drift",
             .reference = "eval: Hinton et al., 2014, as RepDistiller has it; train: torchdistill's default"),
    SY_PARAM(struct sy_node_settings, init, .flags = SY_PATH,
             .doc = "safetensors file its weights start from; not given: drawn by the seed"),
    SY_PARAM(struct sy_node_settings, choices,
             .doc = "what the backend chose by measurement in an earlier run, to be followed; run.cfg has it"),
    SY_PARAM(struct sy_node_settings, seed, .def = -1, .min = -1, .max = 9e15,
             .doc = "key of its own random numbers, whatever its name; -1: from the experiment's seed and its name"),
    SY_PARAM(struct sy_node_settings, view_of, .doc = "node whose augmented view of the batch it sees as well"),
    SY_PARAM(struct sy_node_settings, weights_of,
             .doc =
                 "node whose parameters are its own, too: one network at work at several places or on several views; "
                 "gradients add up, running statistics move at each place, the optimiser is the other's"),
    SY_END,
};

const struct sy_field sy_ema_fields[] = {
    SY_PARAM(struct sy_ema_settings, of, .flags = SY_REQUIRED,
             .doc = "node whose parameters are averaged over the steps"),
    SY_PARAM(struct sy_ema_settings, decay, .def = 0.999, .min = 0, .max = 1,
             .doc = "share of the average that stays: w = decay w + (1 - decay) w of the other, after every step"),
    SY_PARAM(struct sy_ema_settings, warmup, .flags = SY_FLAG,
             .doc = "decay is at most 1 - 1/(g + 1) in the g-th step, from 1: young averages forget faster",
             .reference = "Tarvainen, Valpola, NeurIPS 2017, released code; Wu, Gong, AAAI 2021"),
    SY_PARAM(struct sy_ema_settings, buffers, .choices = "own|average|copy",
             .doc = "running statistics: moved by its own training-mode forwards, averaged as parameters are, or the "
                    "other's",
             .reference = "own: Tarvainen, Valpola, and Wu, Gong, as released"),
    SY_END,
};

const struct sy_field sy_link_fields[] = {
    SY_PARAM(struct sy_link_settings, from, .flags = SY_REQUIRED,
             .doc = "\"image\", or an output of another node: \"NODE.OUTPUT\""),
    SY_PARAM(struct sy_link_settings, detach, .flags = SY_FLAG, .doc = "no gradient flows back to the source"),
    SY_PARAM(struct sy_link_settings, gradient_scale, .def = 1, .min = -1e6, .max = 1e6,
             .doc = "factor on the gradient that flows back; the values that flow forward stay as they are",
             .reference = "1/H for H heads: Song, Chai, NeurIPS 2018"),
    SY_END,
};

/* `first`, `means`: a choice before the others, with what it means. */
#define RAMP_ROWS(type, first, means)                                                                                  \
    SY_PARAM(type, ramp, .choices = first "none|linear|gaussian|points",                                               \
             .doc = means "factor on the weight of edges in epoch e (from 0): linear (e + 1) / n or gaussian "         \
                          "exp(-5 (1 - e/n)^2) with n = ramp_epochs, 1 from n on; points: as listed",                  \
             .reference = "gaussian: Laine, Aila, ICLR 2017; with n = 80 Lan et al., NeurIPS 2018, as released"),      \
        SY_PARAM(type, ramp_epochs, .def = 80, .min = 1, .max = 1e9, .unit = "epochs", .doc = "how long the ramp is"), \
        SY_PARAM(type, ramp_at, .def_text = "[]", .min = 0, .max = 1e9, .unit = "epochs",                              \
                 .doc = "points: epochs, growing; between them straight lines, level before and after"),               \
        SY_PARAM(type, ramp_factors, .def_text = "[]", .min = 0, .max = 1e6, .doc = "points: the factors there")

/* In the group of a loss that edges have. */
const struct sy_field sy_edge_fields[] = {
    RAMP_ROWS(struct sy_ramp, "topology|", "topology: as the topology's ramp says; the others: "),
    SY_END,
};

const struct sy_field sy_topology_fields[] = {
    SY_PARAM(struct sy_topology_settings, pause, .choices = "skip_step|zero_grad_step",
             .doc = "a paused teacher takes no optimiser step, or one with zero gradient (momentum and decay go on)",
             .reference = "Qian et al., ECCV 2022, released code: skip_step in five scripts, zero_grad_step in one"),
    SY_PARAM(struct sy_topology_settings, paused_bn, .choices = "update|freeze",
             .doc = "whether the running statistics of a paused teacher move",
             .reference = "Qian et al., ECCV 2022, released code: update"),
    SY_PARAM(struct sy_topology_settings, update, .choices = "simultaneous|alternating",
             .doc = "all nodes step on the same outputs, or one after the other on refreshed ones",
             .reference = "alternating: Zhang et al., Deep Mutual Learning, CVPR 2018, Alg. 1"),
    RAMP_ROWS(struct sy_topology_settings, "", ""),
    SY_END,
};

const struct sy_core_table *sy_core_tables(void) {
    static const struct sy_core_table tables[] = {
        {"(top level)", sy_experiment_fields},
        {"data", sy_data_fields},
        {"data.augment", sy_augment_fields},
        {"train", sy_train_fields},
        {"nodes.X", sy_node_fields},
        {"nodes.X.inputs.[N]", sy_link_fields},
        {"nodes.X.ema", sy_ema_fields},
        {"stages.X", sy_stage_fields},
        {"stages.X.choose", sy_stage_choice_fields},
        {"topology", sy_topology_fields},
        {"topology.loss, and other losses of edges", sy_edge_fields},
        {NULL, NULL},
    };
    return tables;
}
