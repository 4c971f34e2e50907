/* tensorboard.c - see tensorboard.h. */
#include "tensorboard.h"

#include "../train/lines.h"

static void note(void *context, const char *text) {
    const struct sy_tensorboard *board = context;
    if (board->beside->note) {
        board->beside->note(board->beside->context, text);
    }
}

static void give_up(struct sy_tensorboard *board, const struct sy_error *err) {
    char text[SY_ERROR_ROOM + 64];
    struct sy_error ignored = {.size = sizeof ignored};
    snprintf(text, sizeof text, "%s; training goes on without events", err->text);
    note(board, text);
    board->failed = true;
    sy_events_close(board->events, &ignored);
    board->events = NULL;
}

/* Whether there is a file to write to. */
static bool is_open(struct sy_tensorboard *board, int64_t step) {
    struct sy_error err = {.size = sizeof err};
    if (!board->events && !board->failed && sy_events_open(&board->events, board->folder, step, &err) != SY_OK) {
        give_up(board, &err);
    }
    return board->events != NULL;
}

static void flush(struct sy_tensorboard *board) {
    struct sy_error err = {.size = sizeof err};
    if (board->events && sy_events_flush(board->events, &err) != SY_OK) {
        give_up(board, &err);
    }
}

/* Every number of an object as KEY/OF. */
static void tell_numbers(struct sy_tensorboard *board, const json_t *object, const char *of, int64_t step) {
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        char tag[512];
        snprintf(tag, sizeof tag, "%s/%s", key, of);
        if (json_is_number(value)) {
            sy_events_scalar(board->events, tag, step, json_number_value(value));
        }
    }
}

static void gate_name(char *out, size_t room, const json_t *gate) {
    snprintf(out, room, "%s-%s", json_string_value(json_object_get(gate, "teacher")),
             json_string_value(json_object_get(gate, "student")));
}

static void on_step(void *context, const struct sy_cohort *cohort, const struct sy_totals *totals,
                    const struct sy_moment *now, double seconds) {
    struct sy_tensorboard *board = context;
    const struct sy_experiment *experiment = cohort->experiment;
    if (board->beside->step) {
        board->beside->step(board->beside->context, cohort, totals, now, seconds);
    }
    if (!is_open(board, now->step)) {
        return;
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        char tag[512];
        snprintf(tag, sizeof tag, "loss/%s", experiment->nodes[i].name);
        sy_events_scalar(board->events, tag, now->step, cohort->members[i].loss);
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        const struct sy_watch *gate = &experiment->gates[g];
        char name[400], tag[512];
        json_t *observed = json_object();
        snprintf(name, sizeof name, "%s-%s", experiment->nodes[gate->teacher].name,
                 experiment->nodes[gate->student].name);
        snprintf(tag, sizeof tag, "expert/%s", name);
        sy_events_scalar(board->events, tag, now->step, cohort->decisions[g].mode == SY_EXPERT);
        sy_fields_to_json(&observed, gate->policy, true);
        tell_numbers(board, observed, name, now->step);
        json_decref(observed);
    }
}

static void on_epoch(void *context, const struct sy_cohort *cohort, const struct sy_totals *totals,
                     const struct sy_moment *now, double seconds) {
    struct sy_tensorboard *board = context;
    if (board->beside->epoch) {
        board->beside->epoch(board->beside->context, cohort, totals, now, seconds);
    }
    json_t *line = is_open(board, now->step) ? sy_epoch_line(cohort, totals, now) : NULL;
    const char *name;
    const json_t *node;
    json_object_foreach(json_object_get(line, "nodes"), name, node) {
        tell_numbers(board, node, name, now->step);
    }
    const json_t *gates = json_object_get(line, "gates");
    for (size_t g = 0; g < json_array_size(gates); g++) {
        char of[400];
        gate_name(of, sizeof of, json_array_get(gates, g));
        tell_numbers(board, json_array_get(gates, g), of, now->step);
    }
    json_decref(line);
    flush(board);
}

static void on_stage(void *context, size_t index, size_t count, const char *name) {
    struct sy_tensorboard *board = context;
    struct sy_error err = {.size = sizeof err};
    if (board->beside->stage) {
        board->beside->stage(board->beside->context, index, count, name);
    }
    if (board->events && sy_events_close(board->events, &err) != SY_OK) {
        note(board, err.text);
    }
    board->events = NULL;
    snprintf(board->folder, sizeof board->folder, "%s/tensorboard/%zu-%s", board->run, index + 1, name);
}

void sy_tensorboard_init(struct sy_tensorboard *board, const char *folder, const struct sy_progress *beside) {
    *board = (struct sy_tensorboard){.beside = beside, .progress = {board, on_step, on_epoch, note, on_stage}};
    snprintf(board->run, sizeof board->run, "%s", folder);
    snprintf(board->folder, sizeof board->folder, "%s/tensorboard", folder);
}

void sy_tensorboard_finish(struct sy_tensorboard *board) {
    struct sy_error err = {.size = sizeof err};
    if (board->events && sy_events_close(board->events, &err) != SY_OK) {
        note(board, err.text);
    }
    board->events = NULL;
}
