/* border.c - between blocked layout and the border's: inputs, outputs and their gradients; and the nodes that only move
 * data: additions, and what works on whole images. */
#include <string.h>

#include "images.h"
#include "planes.h"
#include "sums.h"

struct loop {
    struct sy_plan *plan;
    struct node *node;
    int32_t value, k;
    size_t image; /* floats of one, outside */
    const float *from;
    float *to;
    const struct sy_tensor *const *gradients;
};

/* ---- in and out ------------------------------------------------------------------------------------------------- */

/* Element of channel c, pixel p of a stored image. */
static size_t stored_at(const struct value *v, size_t c, size_t p) {
    return c / BLOCK * v->block_step + p * v->pixel_step + c % BLOCK;
}

void border_read(struct sy_plan *plan, int32_t k, const float *from, size_t at, size_t count) {
    int32_t value = plan->graph->inputs[k];
    const struct value *v = &plan->values[value];
    for (size_t n = 0; n < count; n++, from += image_floats(plan, value)) {
        elem *to = value_plane(plan, value, at + n, 0);
        for (size_t i = 0; i < v->row; i++) {
            to[i] = elem_of(v->plain ? from[i] : 0);
        }
        for (size_t c = 0; c < (size_t)v->channels && !v->plain; c++) {
            for (size_t p = 0; p < v->pixels; p++) {
                to[stored_at(v, c, p)] = elem_of(from[c * v->pixels + p]);
            }
        }
    }
}

static void input_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    (void)thread;
    border_read(loop->plan, loop->k, loop->from + begin * loop->image, begin, end - begin);
}

void border_input(struct sy_plan *plan, int32_t k, const float *from) {
    struct loop loop = {.plan = plan, .k = k, .image = image_floats(plan, plan->graph->inputs[k]), .from = from};
    plan->host->parallel_for(plan->host, (size_t)plan->batch, input_part, &loop);
}

void border_write(struct sy_plan *plan, int32_t k, size_t at, size_t count, float *to, int32_t thread) {
    int32_t value = plan->graph->outputs[k]->value;
    const struct value *v = &plan->values[value];
    float *floats = (float *)(void *)plan->scratch[thread];
    for (size_t n = at; n < at + count; n++) {
        for (int32_t b = 0; b < v->blocks; b++) {
            view_floats(plan, value, (struct planes){n, 1, b}, floats_of(v, floats + (size_t)b * v->pixels * BLOCK));
        }
        for (size_t c = 0; c < (size_t)v->channels; c++) {
            for (size_t p = 0; p < v->pixels; p++) {
                *to++ = floats[image_at(v->pixels, c, p)];
            }
        }
    }
}

static void output_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    border_write(loop->plan, loop->k, begin, end - begin, loop->to + begin * loop->image, thread);
}

void border_output(struct sy_plan *plan, int32_t k, float *to) {
    struct loop loop = {.plan = plan, .k = k, .image = image_floats(plan, plan->graph->outputs[k]->value), .to = to};
    plan->host->parallel_for(plan->host, (size_t)plan->batch, output_part, &loop);
}

/* The sum of the gradients that arrive at a value; two outputs may be one value. */
static void seed_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    const struct sy_plan *plan = loop->plan;
    const struct value *v = &plan->values[loop->value];
    float *floats = (float *)(void *)plan->scratch[thread];
    struct link link = {.value = loop->value, .wanted = true, .first = true, .last = v->n_gradients == 1};
    size_t image = image_floats(plan, loop->value);
    for (size_t n = begin; n < end; n++) {
        memset(floats, 0, v->row * sizeof *floats);
        for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
            const struct sy_tensor *g = loop->gradients[k];
            if (plan->graph->outputs[k]->value != loop->value || !g) {
                continue;
            }
            const float *from = (const float *)g->data + n * image;
            for (size_t c = 0; c < (size_t)v->channels; c++) {
                for (size_t p = 0; p < v->pixels; p++) {
                    floats[image_at(v->pixels, c, p)] += from[c * v->pixels + p];
                }
            }
        }
        for (int32_t b = 0; b < v->blocks; b++) {
            contribute_floats(plan, &link, (struct planes){n, 1, b},
                              floats_of(v, floats + (size_t)b * v->pixels * BLOCK), thread);
        }
    }
    elem_fence();
}

static bool came_before(const struct sy_plan *plan, int32_t output) {
    for (int32_t k = 0; k < output; k++) {
        if (plan->graph->outputs[k]->value == plan->graph->outputs[output]->value) {
            return true;
        }
    }
    return false;
}

void border_seed(struct sy_plan *plan, const struct sy_tensor *const *gradients) {
    for (int32_t k = 0; k < plan->graph->n_outputs; k++) {
        struct loop loop = {.plan = plan, .value = plan->graph->outputs[k]->value, .gradients = gradients};
        if (plan->values[loop.value].n_gradients > 0 && !came_before(plan, k)) {
            plan->host->parallel_for(plan->host, (size_t)plan->batch, seed_part, &loop);
        }
    }
}

void border_input_gradient(struct sy_plan *plan, int32_t k, float *to) {
    const struct value *v = &plan->values[plan->graph->inputs[k]];
    for (size_t n = 0; n < (size_t)plan->batch; n++) {
        const elem *from = gradient_at(plan, plan->graph->inputs[k], n, 0);
        for (size_t c = 0; c < (size_t)v->channels; c++) {
            for (size_t p = 0; p < v->pixels; p++) {
                *to++ = v->n_gradients ? elem_float(from[stored_at(v, c, p)]) : 0;
            }
        }
    }
}

/* ---- additions -------------------------------------------------------------------------------------------------- */

void sum_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread) {
    const struct value *out = &plan->values[node->output];
    for (size_t n = begin; n < end; n++) {
        for (int32_t b = 0; b < out->blocks; b++) {
            struct planes one = {n, 1, b};
            view_planes(plan, node->inputs[0].value, one, value_plane(plan, node->output, n, b));
            finish_planes(plan, node, one, thread);
        }
    }
}

/* Only what waits for batch norm's sums is left to do; the rest was done on completing. */
static void sum_backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    for (size_t n = begin; n < end; n++) {
        for (int32_t b = 0; b < loop->plan->values[loop->node->output].blocks; b++) {
            settle_planes(loop->plan, loop->node, (struct planes){n, 1, b}, thread);
        }
    }
}

/* ---- whole images ----------------------------------------------------------------------------------------------- */

/* Where a thread keeps the images of a node: inputs, their gradients, the output, and room for the operator. */
struct room {
    float *in[IMAGES_MOST_INPUTS], *din[IMAGES_MOST_INPUTS], *out;
    size_t out_floats, din_floats;
};

static struct image room_of(const struct loop *loop, struct room *room, int32_t thread, bool back) {
    const struct sy_plan *plan = loop->plan;
    float *at = (float *)(void *)plan->scratch[thread];
    for (int32_t k = 0; k < loop->node->n_inputs; k++) {
        room->in[k] = at;
        at += plan->values[loop->node->inputs[k].value].row;
    }
    for (int32_t k = 0; k < loop->node->n_inputs && back; k++) {
        room->din[k] = at;
        at += plan->values[loop->node->inputs[k].value].row;
    }
    room->din_floats = back ? (size_t)(at - room->din[0]) : 0;
    room->out = at;
    room->out_floats = plan->values[loop->node->output].row;
    return (struct image){.plan = plan,
                          .node = loop->node,
                          .thread = thread,
                          .in = room->in,
                          .din = room->din,
                          .out = room->out,
                          .work = room->out + room->out_floats};
}

static void read_inputs(const struct loop *loop, const struct room *room, size_t image) {
    const struct sy_plan *plan = loop->plan;
    for (int32_t k = 0; k < loop->node->n_inputs; k++) {
        const struct value *v = &plan->values[loop->node->inputs[k].value];
        for (int32_t b = 0; b < v->blocks; b++) {
            view_floats(plan, loop->node->inputs[k].value, (struct planes){image, 1, b},
                        floats_of(v, room->in[k] + (size_t)b * v->pixels * BLOCK));
        }
    }
}

void image_forward(struct sy_plan *plan, struct node *node, size_t begin, size_t end, int32_t thread) {
    const struct loop loop = {.plan = plan, .node = node};
    const struct value *out = &plan->values[node->output];
    struct room room;
    struct image image = room_of(&loop, &room, thread, false);
    for (size_t n = begin; n < end; n++) {
        image.index = n;
        read_inputs(&loop, &room, n);
        memset(room.out, 0, room.out_floats * sizeof *room.out);
        images_forward(&image);
        for (int32_t b = 0; b < out->blocks; b++) {
            finish_floats(plan, node, (struct planes){n, 1, b},
                          floats_of(out, room.out + (size_t)b * out->pixels * BLOCK), thread);
        }
    }
    elem_fence();
}

static void image_backward_part(void *argument, size_t begin, size_t end, int32_t thread) {
    const struct loop *loop = argument;
    const struct sy_plan *plan = loop->plan;
    const struct value *out = &plan->values[loop->node->output];
    struct room room;
    struct image image = room_of(loop, &room, thread, true);
    for (size_t n = begin; n < end; n++) {
        image.index = n;
        for (int32_t b = 0; b < out->blocks; b++) {
            gradient_floats(plan, loop->node, (struct planes){n, 1, b},
                            floats_of(out, room.out + (size_t)b * out->pixels * BLOCK), thread);
        }
        if (images_reads(loop->node)) {
            read_inputs(loop, &room, n);
        }
        memset(room.din[0], 0, room.din_floats * sizeof(float));
        images_backward(&image);
        for (int32_t k = 0; k < loop->node->n_inputs; k++) {
            const struct link *link = &loop->node->inputs[k];
            const struct value *v = &plan->values[link->value];
            for (int32_t b = 0; b < v->blocks && link->wanted; b++) {
                contribute_floats(plan, link, (struct planes){n, 1, b},
                                  floats_of(v, room.din[k] + (size_t)b * v->pixels * BLOCK), thread);
            }
        }
    }
    elem_fence();
}

void image_backward(struct sy_plan *plan, struct node *node) {
    struct loop loop = {.plan = plan, .node = node};
    if (node->kind == NODE_SUM) {
        if (plan->values[node->output].n_views > 0) {
            plan->host->parallel_for(plan->host, (size_t)plan->batch, sum_backward_part, &loop);
        }
        return;
    }
    if (node->partial) {
        sums_clear(plan, node);
    }
    plan->host->parallel_for(plan->host, (size_t)plan->batch, image_backward_part, &loop);
    if (node->partial) {
        sums_join(plan, node);
        images_gather(plan, node);
    }
}
