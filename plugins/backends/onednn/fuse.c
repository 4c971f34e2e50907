/* fuse.c - from operators to nodes and views: which operator is done by whom, and who owes whom a gradient. */
#include <stdlib.h>
#include <string.h>

#include "features.h"
#include "norms.h"

struct fusing {
    struct sy_plan *plan;
    int32_t *readers;   /* per value of the graph: operators that read it, outputs counted too */
    int32_t *stored_by; /* per value: node, -1 */
    int32_t n_values;
    bool failed;
};

/* ---- values ----------------------------------------------------------------------------------------------------- */

static void shape_value(struct value *v, const struct sy_shape *shape, bool channels_last) {
    v->channels = shape->dim[0];
    v->height = shape->rank == 3 ? shape->dim[1] : 1;
    v->width = shape->rank == 3 ? shape->dim[2] : 1;
    v->blocks = (v->channels + BLOCK - 1) / BLOCK;
    v->pixels = (size_t)v->height * (size_t)v->width;
    v->row = (size_t)v->blocks * v->pixels * BLOCK;
    v->pixel_step = channels_last ? (size_t)v->blocks * BLOCK : BLOCK;
    v->block_step = channels_last ? BLOCK : v->pixels * BLOCK;
}

static void add_view(struct fusing *f, int32_t value, int32_t base, struct norm *norm, int32_t act) {
    struct value *v = &f->plan->values[value], *b = &f->plan->values[base];
    int32_t *views = realloc(b->views, (size_t)(b->n_views + 1) * sizeof *views);
    if (!views) {
        f->failed = true;
        return;
    }
    b->views = views;
    views[b->n_views++] = value;
    v->base = base;
    v->norm = norm;
    v->act = act;
}

static struct node *add_node(struct fusing *f, int32_t kind, const struct sy_op *op, int32_t n_inputs) {
    struct sy_plan *plan = f->plan;
    struct node *node = &plan->nodes[plan->n_nodes];
    *node = (struct node){.kind = kind, .op = op, .n_inputs = n_inputs, .residual.value = -1, .op_index = -1};
    node->inputs = calloc((size_t)n_inputs + 1, sizeof *node->inputs);
    f->failed |= !node->inputs;
    plan->n_nodes++;
    return node;
}

static void store(struct fusing *f, struct node *node, int32_t value) {
    node->output = value;
    f->plan->values[value].base = value;
    f->stored_by[value] = (int32_t)(node - f->plan->nodes);
}

/* A stored copy of a value, for what cannot be a view of it. */
static int32_t copy_of(struct fusing *f, int32_t value) {
    struct node *node = add_node(f, NODE_SUM, NULL, 1);
    int32_t copy = f->n_values++;
    struct value *v = &f->plan->values[copy], *from = &f->plan->values[value];
    *v = (struct value){.channels = from->channels,
                        .blocks = from->blocks,
                        .height = from->height,
                        .width = from->width,
                        .pixels = from->pixels,
                        .row = from->row,
                        .pixel_step = from->pixel_step,
                        .block_step = from->block_step};
    if (node->inputs) {
        node->inputs[0].value = value;
    }
    store(f, node, copy);
    return copy;
}

/* The value itself if a node stores it, else a copy. */
static int32_t stored(struct fusing *f, int32_t value) {
    bool view = f->plan->values[value].base != value;
    return view || f->stored_by[value] < 0 ? copy_of(f, value) : value;
}

/* ---- operators -------------------------------------------------------------------------------------------------- */

static void fuse_relu(struct fusing *f, const struct sy_op *op) {
    int32_t in = op->inputs[0], act = op->kind == SY_OP_RELU ? ACT_RELU : ACT_RELU6;
    struct value *v = &f->plan->values[in];
    if (v->base != in && v->act == ACT_NONE) {
        add_view(f, op->output, v->base, v->norm, act);
        return;
    }
    in = stored(f, in);
    struct node *node = &f->plan->nodes[f->stored_by[in]];
    bool copied = in >= f->plan->graph->n_values;
    if (node->act == ACT_NONE && (copied || f->readers[in] == 1)) {
        node->act = act;
        store(f, node, op->output);
    } else {
        add_view(f, op->output, in, NULL, act);
    }
}

static void fuse_norm(struct fusing *f, const struct sy_op *op, int32_t index) {
    struct norm *norm = &f->plan->norms[index];
    const struct value *v = &f->plan->values[op->inputs[0]];
    size_t filled = (size_t)v->blocks * BLOCK;
    norm->op = op;
    norm->channels = v->channels;
    norm->blocks = v->blocks;
    norm->mean = aligned_alloc(64, (7 * filled * sizeof *norm->mean + 63) / 64 * 64);
    size_t sums = (size_t)(v->blocks * f->plan->host->threads) * sizeof *norm->sums;
    norm->sums = aligned_alloc(64, (sums + 63) / 64 * 64);
    if (!norm->mean || !norm->sums) {
        f->failed = true;
        return;
    }
    memset(norm->mean, 0, 7 * filled * sizeof *norm->mean);
    memset(norm->sums, 0, sums);
    norm->variance = norm->mean + filled;
    norm->inverse = norm->variance + filled;
    norm->scale = norm->inverse + filled;
    norm->shift = norm->scale + filled;
    norm->k1 = norm->shift + filled;
    norm->k2 = norm->k1 + filled;
    add_view(f, op->output, stored(f, op->inputs[0]), norm, ACT_NONE);
}

/* The node of a convolution that only this addition reads; NULL where it cannot take the addition along. */
static struct node *sole_convolution(struct fusing *f, int32_t value, int32_t other) {
    if (value == other || f->plan->values[value].base != value || f->stored_by[value] < 0 || f->readers[value] != 1) {
        return NULL;
    }
    struct node *node = &f->plan->nodes[f->stored_by[value]];
    bool convolves = node->kind == NODE_CONV2D || node->kind == NODE_DEPTHWISE;
    return convolves && !node->act && node->residual.value < 0 ? node : NULL;
}

/* The node moves to where the addition was: by then the other operand is there. */
static void move_last(struct fusing *f, struct node *node) {
    struct node moved = *node, *end = f->plan->nodes + f->plan->n_nodes;
    memmove(node, node + 1, (size_t)(end - node - 1) * sizeof *node);
    end[-1] = moved;
    for (struct node *n = node; n < end; n++) {
        f->stored_by[n->output] = (int32_t)(n - f->plan->nodes);
    }
}

static void fuse_add(struct fusing *f, const struct sy_op *op) {
    int32_t a = op->inputs[0], b = op->inputs[1];
    struct node *of_a = sole_convolution(f, a, b), *of_b = sole_convolution(f, b, a);
    struct node *node = of_a > of_b ? of_a : of_b;
    if (node) {
        node->residual.value = node == of_a ? b : a;
        node->output = op->output; /* before it moves: the old value is stored no more */
        move_last(f, node);
        store(f, f->plan->nodes + f->plan->n_nodes - 1, op->output);
        return;
    }
    node = add_node(f, NODE_SUM, op, 1);
    if (node->inputs) {
        node->inputs[0].value = a;
    }
    node->residual.value = b;
    store(f, node, op->output);
}

static int32_t kind_of(const struct sy_plan *plan, const struct sy_op *op) {
    const struct value *in = &plan->values[op->inputs[0]], *out = &plan->values[op->output];
    if (op->kind == SY_OP_LINEAR) {
        return NODE_LINEAR;
    }
    if (op->kind != SY_OP_CONV2D) {
        return NODE_IMAGE;
    }
    if (op->groups == 1) {
        return NODE_CONV2D;
    }
    bool own = op->groups == in->channels && in->channels == out->channels && op->kernel == 3 && op->padding == 1 &&
               op->stride <= 2;
    return own ? NODE_DEPTHWISE : NODE_IMAGE;
}

static void fuse_other(struct fusing *f, const struct sy_op *op, int32_t index) {
    struct node *node = add_node(f, kind_of(f->plan, op), op, op->n_inputs);
    for (int32_t k = 0; node->inputs && k < op->n_inputs; k++) {
        node->inputs[k].value = op->inputs[k];
    }
    node->op_index = index;
    node->fallback = (images_convolves(op->kind) && node->kind == NODE_IMAGE) || features_has(op->kind);
    store(f, node, op->output);
}

static void fuse_all(struct fusing *f) {
    const struct sy_graph *graph = f->plan->graph;
    for (int32_t i = 0; i < graph->n_ops && !f->failed; i++) {
        const struct sy_op *op = graph->ops[i];
        switch (op->kind) {
        case SY_OP_RELU:
        case SY_OP_RELU6:
            fuse_relu(f, op);
            break;
        case SY_OP_BATCH_NORM:
            fuse_norm(f, op, i);
            break;
        case SY_OP_ADD:
            fuse_add(f, op);
            break;
        default:
            fuse_other(f, op, i);
            break;
        }
    }
}

/* ---- gradients -------------------------------------------------------------------------------------------------- */

static bool has_trainable(const struct sy_plan *plan, const struct sy_op *op) {
    for (int k = 0; op && k < SY_OP_PARAMS; k++) {
        if (op->param[k] >= 0 && plan->graph->params[op->param[k]]->role == SY_TRAINABLE) {
            return true;
        }
    }
    return false;
}

/* Which gradients lead somewhere; in the order of nodes. Views follow what they are views of. */
static void mark_wanted(struct sy_plan *plan, uint32_t input_gradients) {
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        plan->values[plan->graph->inputs[k]].wanted = k < 32 && (input_gradients >> k & 1) != 0;
    }
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        struct node *node = &plan->nodes[i];
        struct value *out = &plan->values[node->output];
        node->useful = has_trainable(plan, node->op);
        for (int32_t k = 0; k <= node->n_inputs; k++) {
            struct link *link = k < node->n_inputs ? &node->inputs[k] : &node->residual;
            link->wanted = link->value >= 0 && plan->values[link->value].wanted;
            node->useful |= link->wanted;
        }
        out->wanted = node->useful;
        for (int32_t k = 0; k < out->n_views; k++) {
            struct value *view = &plan->values[out->views[k]];
            view->wanted = out->wanted || (view->norm && has_trainable(plan, view->norm->op));
        }
    }
}

static bool is_reached(const struct sy_plan *plan, int32_t value) {
    const struct value *v = &plan->values[value];
    bool reached = v->n_gradients > 0;
    for (int32_t i = 0; i < v->n_views; i++) {
        reached |= plan->values[v->views[i]].n_gradients > 0;
    }
    return reached;
}

/* How many contributions each gradient will get. */
static void count_gradients(struct sy_plan *plan) {
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        struct value *v = &plan->values[plan->graph->outputs[k]->value];
        v->n_gradients = v->wanted ? 1 : 0;
    }
    for (int32_t i = plan->n_nodes; i-- > 0;) {
        struct node *node = &plan->nodes[i];
        node->useful &= is_reached(plan, node->output);
        for (int32_t k = 0; k <= node->n_inputs; k++) {
            struct link *link = k < node->n_inputs ? &node->inputs[k] : &node->residual;
            link->wanted &= node->useful;
            if (link->wanted) {
                plan->values[link->value].n_gradients++;
            }
        }
    }
}

/* A convolution of an input with few channels reads it as it came; tiles of bfloat16 are so fast that filling up costs
 * nothing. */
static void mark_plain(struct sy_plan *plan) {
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        struct value *v = &plan->values[plan->graph->inputs[k]];
        v->plain = !plan->channels_last && v->channels % BLOCK != 0 && !v->wanted && v->n_views == 0;
    }
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        plan->values[plan->graph->outputs[k]->value].plain = false;
    }
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        const struct node *node = &plan->nodes[i];
        for (int32_t j = 0; j <= node->n_inputs; j++) {
            const struct link *link = j < node->n_inputs ? &node->inputs[j] : &node->residual;
            if (link->value >= 0 && (node->kind != NODE_CONV2D || j == node->n_inputs)) {
                plan->values[link->value].plain = false;
            }
        }
    }
    for (int32_t k = 0; k < plan->graph->n_inputs; k++) {
        struct value *v = &plan->values[plan->graph->inputs[k]];
        v->row = v->plain ? (size_t)v->channels * v->pixels : v->row;
    }
}

bool plan_fuse(struct sy_plan *plan, uint32_t input_gradients) {
    const struct sy_graph *graph = plan->graph;
    size_t room = (size_t)graph->n_values + 2 * (size_t)graph->n_ops + 1;
    struct fusing f = {.plan = plan, .n_values = graph->n_values};
    plan->values = calloc(room, sizeof *plan->values);
    plan->nodes = calloc(2 * (size_t)graph->n_ops + 1, sizeof *plan->nodes);
    plan->norms = calloc((size_t)graph->n_ops + 1, sizeof *plan->norms);
    f.readers = calloc(room, sizeof *f.readers);
    f.stored_by = calloc(room, sizeof *f.stored_by);
    f.failed = !plan->values || !plan->nodes || !plan->norms || !f.readers || !f.stored_by;
    for (size_t v = 0; v < room && !f.failed; v++) {
        f.stored_by[v] = -1;
        plan->values[v].base = (int32_t)v;
        if (v < (size_t)graph->n_values) {
            shape_value(&plan->values[v], &graph->values[v], plan->channels_last);
        }
    }
    for (int32_t i = 0; i < graph->n_ops && !f.failed; i++) {
        for (int32_t k = 0; k < graph->ops[i]->n_inputs; k++) {
            f.readers[graph->ops[i]->inputs[k]]++;
        }
    }
    for (int32_t k = 0; k < graph->n_outputs && !f.failed; k++) {
        f.readers[graph->outputs[k]->value]++;
    }
    if (!f.failed) {
        fuse_all(&f);
    }
    plan->n_values = f.n_values;
    for (int32_t v = 0; v < f.n_values && !f.failed; v++) {
        plan->values[v].producer = f.stored_by[v];
        plan->values[v].shares = v;
    }
    if (!f.failed && !plan->forward_only) {
        mark_wanted(plan, input_gradients);
        count_gradients(plan);
    }
    if (!f.failed) {
        mark_plain(plan);
    }
    free(f.readers);
    free(f.stored_by);
    return !f.failed;
}
