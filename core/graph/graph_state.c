/* graph_state.c - growing lists of operators, values, parameters and outputs, and the rules for their names. */
#include "graph_state.h"

#include <stdbool.h>
#include <string.h>

#include "graph_builder.h"

int32_t sy_graph_fail(struct sy_graph_state *state, int code, const char *format, ...) {
    if (state->err.code == SY_OK) {
        va_list args;
        va_start(args, format);
        vsnprintf(state->err.text, sizeof state->err.text, format, args);
        va_end(args);
        state->err.code = code;
    }
    return -1;
}

int32_t sy_graph_fail_at(struct sy_graph_state *state, int32_t kind, const char *name, const char *format, ...) {
    char reason[SY_ERROR_ROOM];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    if (name && name[0]) {
        return sy_graph_fail(state, SY_EINVAL, "%s (%s): %s", name, sy_op_kind_name(kind), reason);
    }
    return sy_graph_fail(state, SY_EINVAL, "%s: %s", sy_op_kind_name(kind), reason);
}

struct sy_shape_text sy_shape_words(const struct sy_shape *shape) {
    struct sy_shape_text text;
    if (shape->rank == 1) {
        snprintf(text.at, sizeof text.at, "%d features", (int)shape->dim[0]);
    } else {
        snprintf(text.at, sizeof text.at, "%d x %d x %d", (int)shape->dim[0], (int)shape->dim[1], (int)shape->dim[2]);
    }
    return text;
}

/* Room for one more element of `bytes` each in a list; NULL, and the error, when memory is used up. */
static void *grow(struct sy_graph_state *state, void *list, int32_t count, int32_t *room, size_t bytes) {
    if (list && count < *room) {
        return list;
    }
    int32_t wanted = *room ? *room * 2 : 64;
    void *bigger = sy_graph_memory_take(state->memory, (size_t)wanted, bytes);
    if (!bigger) {
        sy_graph_fail(state, SY_ENOMEM, "memory for a graph is used up");
        return NULL;
    }
    if (count) {
        memcpy(bigger, list, (size_t)count * bytes);
    }
    *room = wanted;
    return bigger;
}

static void *take(struct sy_graph_state *state, size_t count, size_t bytes) {
    void *block = sy_graph_memory_take(state->memory, count, bytes);
    if (!block) {
        sy_graph_fail(state, SY_ENOMEM, "memory for a graph is used up");
    }
    return block;
}

int32_t sy_graph_add_value(struct sy_graph_state *state, const struct sy_shape *shape) {
    if (state->err.code) {
        return -1;
    }
    struct sy_shape *list = grow(state, state->values, state->n_values, &state->room_values, sizeof *list);
    if (!list) {
        return -1;
    }
    state->values = list;
    list[state->n_values] = *shape;
    return state->n_values++;
}

const struct sy_shape *sy_graph_operand(struct sy_graph_state *state, int32_t kind, const char *name, int32_t x) {
    if (state->err.code) {
        return NULL;
    }
    if (x < 0 || x >= state->n_values) {
        sy_graph_fail_at(state, kind, name, "there is no value %d; pass what an earlier call of the builder returned",
                         (int)x);
        return NULL;
    }
    return &state->values[x];
}

static bool op_name_taken(const struct sy_graph_state *state, const char *name) {
    for (int32_t i = 0; i < state->n_ops; i++) {
        if (strcmp(state->ops[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The name an operator gets: its own if it is free, or the next free of its kind. NULL after a mistake. */
static const char *op_name(struct sy_graph_state *state, int32_t kind, const char *name) {
    char made[SY_NAME_ROOM];
    if (!name) {
        do {
            snprintf(made, sizeof made, "%s%d", sy_op_kind_name(kind), (int)++state->n_unnamed[kind]);
        } while (op_name_taken(state, made));
        name = made;
    } else if (!name[0]) {
        sy_graph_fail_at(state, kind, NULL, "the name is empty; name it after its parameters, \"layer1.0.conv1\"");
        return NULL;
    } else if (strlen(name) >= SY_NAME_ROOM - 1) {
        sy_graph_fail_at(state, kind, name, "the name is too long; at most %d characters", SY_NAME_ROOM - 2);
        return NULL;
    } else if (op_name_taken(state, name)) {
        sy_graph_fail_at(state, kind, name,
                         "there is already an operator of that name, and parameters are named after it");
        return NULL;
    }
    char *kept = sy_graph_memory_text(state->memory, name);
    if (!kept) {
        sy_graph_fail(state, SY_ENOMEM, "memory for a graph is used up");
    }
    return kept;
}

struct sy_op *sy_graph_add_op(struct sy_graph_state *state, int32_t kind, const char *name, const int32_t *inputs,
                              int32_t n_inputs, const struct sy_shape *shape) {
    if (state->err.code) {
        return NULL;
    }
    const char *kept = op_name(state, kind, name);
    if (!kept) {
        return NULL;
    }
    double count = (double)shape->dim[0] * shape->dim[1] * shape->dim[2];
    if (count > INT32_MAX) {
        sy_graph_fail_at(state, kind, kept, "its output has %.3g elements; at most %d are possible", count, INT32_MAX);
        return NULL;
    }
    struct sy_op **list = grow(state, state->ops, state->n_ops, &state->room_ops, sizeof *list);
    struct sy_op *op = list ? take(state, 1, sizeof *op) : NULL;
    int32_t *copied = op ? take(state, (size_t)n_inputs, sizeof *copied) : NULL;
    int32_t output = copied ? sy_graph_add_value(state, shape) : -1;
    if (output < 0) {
        return NULL;
    }
    memcpy(copied, inputs, (size_t)n_inputs * sizeof *copied);
    *op = (struct sy_op){.size = sizeof *op,
                         .kind = kind,
                         .name = kept,
                         .inputs = copied,
                         .n_inputs = n_inputs,
                         .output = output,
                         .param = {-1, -1, -1, -1}};
    state->ops = list;
    list[state->n_ops++] = op;
    return op;
}

int32_t sy_graph_add_param(struct sy_graph_state *state, const struct sy_op *op, const char *suffix,
                           const struct sy_param *like) {
    char name[SY_NAME_ROOM + 16];
    snprintf(name, sizeof name, "%s.%s", op->name, suffix);
    double count = 1;
    for (int32_t i = 0; i < like->rank; i++) {
        count *= (double)like->shape[i];
    }
    if (state->err.code) {
        return -1;
    }
    if (count > INT32_MAX) {
        return sy_graph_fail_at(state, op->kind, op->name, "%s has %.3g elements; at most %d are possible", name, count,
                                INT32_MAX);
    }
    struct sy_param **list = grow(state, state->params, state->n_params, &state->room_params, sizeof *list);
    struct sy_param *param = list ? take(state, 1, sizeof *param) : NULL;
    char *kept = param ? take(state, strlen(name) + 1, 1) : NULL;
    if (!kept) {
        return -1;
    }
    memcpy(kept, name, strlen(name));
    *param = *like;
    param->size = sizeof *param;
    param->name = kept;
    param->op = state->n_ops - 1;
    state->params = list;
    list[state->n_params] = param;
    return state->n_params++;
}

int32_t sy_graph_add_output(struct sy_graph_state *state, int32_t x, const char *name) {
    if (state->err.code) {
        return -1;
    }
    if (!name || !name[0] || strlen(name) >= SY_NAME_ROOM - 1) {
        return sy_graph_fail(state, SY_EINVAL, "output: a name has 1 to %d characters; \"logits\", \"stage3\"",
                             SY_NAME_ROOM - 2);
    }
    if (x < 0 || x >= state->n_values) {
        return sy_graph_fail(state, SY_EINVAL,
                             "output %s: there is no value %d; pass what an earlier call of the builder returned", name,
                             (int)x);
    }
    for (int32_t i = 0; i < state->n_outputs; i++) {
        if (strcmp(state->outputs[i]->name, name) == 0) {
            return sy_graph_fail(state, SY_EINVAL, "output %s: there is already one of that name; give each its own",
                                 name);
        }
    }
    struct sy_output **list = grow(state, state->outputs, state->n_outputs, &state->room_outputs, sizeof *list);
    struct sy_output *output = list ? take(state, 1, sizeof *output) : NULL;
    char *kept = output ? take(state, strlen(name) + 1, 1) : NULL;
    if (!kept) {
        return -1;
    }
    memcpy(kept, name, strlen(name));
    *output = (struct sy_output){.size = sizeof *output, .value = x, .name = kept};
    state->outputs = list;
    list[state->n_outputs++] = output;
    return x;
}
