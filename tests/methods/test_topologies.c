/* test_topologies.c - the edges and gates a topology describes, and what it says where the nodes do not fit. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness.h"

#define ROOM 16

/* What was described, sources copied. */
struct drawing {
    struct sy_gate gates[ROOM];
    struct sy_edge edges[ROOM];
    int32_t sources[ROOM][ROOM];
    int32_t n_gates, n_edges;
};

static int32_t add_gate(void *context, const struct sy_gate *gate) {
    struct drawing *drawing = context;
    cr_assert(gate->size == sizeof *gate && drawing->n_gates < ROOM);
    drawing->gates[drawing->n_gates] = *gate;
    return drawing->n_gates++;
}

static int32_t add_edge(void *context, const struct sy_edge *edge) {
    struct drawing *drawing = context;
    int32_t at = drawing->n_edges++;
    cr_assert(edge->size == sizeof *edge && at < ROOM && edge->n_sources <= ROOM);
    drawing->edges[at] = *edge;
    memcpy(drawing->sources[at], edge->sources, (size_t)edge->n_sources * sizeof *edge->sources);
    return SY_OK;
}

/* `roles`: one letter a node: t, s or p. */
static int describe(const char *name, const struct setting *settings, const char *roles, struct drawing *out,
                    struct sy_error *err) {
    const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    int32_t codes[6] = {0}, count = (int32_t)strlen(roles);
    struct loaded loaded = load(SY_TOPOLOGY, "topologies", name, settings);
    const struct sy_topology_ops *ops = loaded.ops;
    for (int32_t i = 0; i < count; i++) {
        codes[i] = roles[i] == 't' ? SY_ROLE_TEACHER : roles[i] == 's' ? SY_ROLE_STUDENT : SY_ROLE_PEER;
    }
    struct sy_topology_in in = {.size = sizeof in, .n_nodes = count, .names = names, .roles = codes};
    struct sy_wiring wiring = {.size = sizeof wiring, .context = out, .gate = add_gate, .edge = add_edge};
    *out = (struct drawing){0};
    *err = (struct sy_error){.size = sizeof *err};
    int status = ops->describe(loaded.self, &wiring, &in, err);
    unload(&loaded);
    return status;
}

static void expect_edge(const struct drawing *drawing, int32_t at, int32_t source, int32_t target, int32_t effect,
                        double weight) {
    const struct sy_edge *edge = &drawing->edges[at];
    cr_expect_eq(edge->target, target);
    cr_expect_eq(edge->n_sources, 1);
    cr_expect_eq(drawing->sources[at][0], source);
    cr_expect_eq(edge->gate, 0);
    cr_expect_eq(edge->gate_effect, effect);
    cr_expect_eq(edge->weight, weight);
    cr_expect_not(edge->attached, "sources are detached");
    cr_expect(!edge->output && !edge->source_output && !edge->loss, "logits, through topology.loss");
}

Test(topologies, pair_teaches_both_ways_through_one_gate) {
    struct drawing drawing;
    struct sy_error err;
    for (int32_t teacher = 0; teacher < 2; teacher++) {
        const struct setting settings[MAX_SETTINGS] = {{"to_teacher", 0.5}, {"to_student", 2}};
        cr_assert_eq(describe("pair", settings, teacher ? "st" : "ts", &drawing, &err), SY_OK);
        cr_assert(drawing.n_gates == 1 && drawing.n_edges == 2);
        cr_expect_eq(drawing.gates[0].teacher, teacher);
        cr_expect_eq(drawing.gates[0].student, 1 - teacher);
        cr_expect_eq(drawing.gates[0].watch_only, 0);
        expect_edge(&drawing, 0, 1 - teacher, teacher, SY_CLOSED_IN_EXPERT_MODE, 0.5);
        expect_edge(&drawing, 1, teacher, 1 - teacher, SY_OPEN_IN_BOTH_MODES, 2);
    }
}

Test(topologies, pair_leaves_out_what_weighs_nothing) {
    struct drawing drawing;
    struct sy_error err;
    const struct setting one_way[MAX_SETTINGS] = {{"to_teacher", 0}}, back[MAX_SETTINGS] = {{"to_student", 0}};
    cr_assert_eq(describe("pair", one_way, "ts", &drawing, &err), SY_OK);
    cr_assert(drawing.n_gates == 1 && drawing.n_edges == 1);
    expect_edge(&drawing, 0, 0, 1, SY_OPEN_IN_BOTH_MODES, 1);
    cr_assert_eq(describe("pair", back, "ts", &drawing, &err), SY_OK);
    cr_assert_eq(drawing.n_edges, 1);
    expect_edge(&drawing, 0, 1, 0, SY_CLOSED_IN_EXPERT_MODE, 1);
}

Test(topologies, pair_says_which_nodes_would_fit) {
    const char *const wrong[] = {"", "t", "tt", "ss", "pp", "tp", "tts", "tss", "tsp"};
    struct drawing drawing;
    struct sy_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(describe("pair", NULL, wrong[i], &drawing, &err), SY_EINVAL, "\"%s\"", wrong[i]);
        cr_expect(strstr(err.text, "exactly two nodes, one with role = \"teacher\" and one with role = \"student\""));
        cr_expect(drawing.n_gates == 0 && drawing.n_edges == 0);
    }
}

Test(topologies, independent_only_watches) {
    struct drawing drawing;
    struct sy_error err;
    cr_assert_eq(describe("independent", NULL, "tspst", &drawing, &err), SY_OK);
    cr_expect_eq(drawing.n_edges, 0);
    cr_assert_eq(drawing.n_gates, 4, "every teacher with every student");
    const int32_t pairs[][2] = {{0, 1}, {0, 3}, {4, 1}, {4, 3}};
    for (int32_t g = 0; g < 4; g++) {
        cr_expect(drawing.gates[g].teacher == pairs[g][0] && drawing.gates[g].student == pairs[g][1]);
        cr_expect_eq(drawing.gates[g].watch_only, 1);
    }
    const struct setting blind[MAX_SETTINGS] = {{"watch", 0}};
    cr_assert_eq(describe("independent", blind, "ts", &drawing, &err), SY_OK);
    cr_expect(drawing.n_gates == 0 && drawing.n_edges == 0);
    cr_expect_eq(describe("independent", NULL, "p", &drawing, &err), SY_OK, "one node alone is fine");
}
