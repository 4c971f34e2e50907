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

/* ---- many nodes ------------------------------------------------------------------------------------------------- */

/* Edges as text, one a line of "SOURCES>TARGET GATE EFFECT WEIGHT": letters are nodes, effects a(lways), c(losed), b(oth). */
static void expect_drawing(const char *name, const struct setting *settings, const char *roles, const char *gates,
                           const char *edges) {
    struct drawing drawing;
    struct sy_error err;
    char text[4096] = "";
    size_t used = 0;
    cr_assert_eq(describe(name, settings, roles, &drawing, &err), SY_OK, "%s: %s", name, err.text);
    for (int32_t g = 0; g < drawing.n_gates; g++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%c%c%s ", 'a' + drawing.gates[g].teacher,
                                 'a' + drawing.gates[g].student, drawing.gates[g].closes_only ? "!" : "");
        cr_expect_eq(drawing.gates[g].watch_only, 0);
    }
    cr_expect_str_eq(text, gates, "%s %s", name, roles);
    used = 0, text[0] = 0;
    for (int32_t e = 0; e < drawing.n_edges; e++) {
        const struct sy_edge *edge = &drawing.edges[e];
        for (int32_t s = 0; s < edge->n_sources; s++) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%c", 'a' + drawing.sources[e][s]);
        }
        used += (size_t)snprintf(text + used, sizeof text - used, ">%c %d%c %g\n", 'a' + edge->target, edge->gate,
                                 "acb"[edge->gate_effect], edge -> weight);
        cr_expect(!edge->attached && !edge->output && !edge->source_output && !edge->loss);
    }
    cr_expect_str_eq(text, edges, "%s %s", name, roles);
}

Test(topologies, one_teacher_of_many_students_and_the_other_way_round) {
    const struct setting mean[MAX_SETTINGS] = {{"peer_norm", 1}, {"to_teacher", 0}, {"among", 4}};
    expect_drawing("multi_student", NULL, "tss", "ab ac ",
                   "b>a 0c 1\na>b 0b 1\nc>a 1c 1\na>c 1b 1\nc>b -1a 1\nb>c -1a 1\n");
    expect_drawing("multi_student", mean, "sts", "ba bc ", "b>a 0b 0.5\nb>c 1b 0.5\nc>a -1a 2\na>c -1a 2\n");
    expect_drawing("multi_student", NULL, "ts", "ab ", "b>a 0c 1\na>b 0b 1\n");
    expect_drawing("multi_teacher", NULL, "tts", "ac bc ",
                   "c>a 0c 1\na>c 0b 1\nc>b 1c 1\nb>c 1b 1\nb>a -1a 1\na>b -1a 1\n");
}

Test(topologies, meshes_rings_and_ensembles) {
    const struct setting sum[MAX_SETTINGS] = {{"peer_norm", 0}, {"weight", 3}}, both[MAX_SETTINGS] = {{"both_ways", 1}};
    expect_drawing("mesh", NULL, "pts", "",
                   "b>a -1a 0.5\nc>a -1a 0.5\na>b -1a 0.5\nc>b -1a 0.5\na>c -1a 0.5\nb>c -1a 0.5\n");
    expect_drawing("mesh", sum, "pp", "", "b>a -1a 3\na>b -1a 3\n");
    expect_drawing("ring", NULL, "ppp", "", "c>a -1a 1\na>b -1a 1\nb>c -1a 1\n");
    expect_drawing("ring", both, "ppp", "", "c>a -1a 1\nb>a -1a 1\na>b -1a 1\nc>b -1a 1\nb>c -1a 1\na>c -1a 1\n");
    expect_drawing("ensemble", NULL, "ppp", "", "bc>a -1a 1\nac>b -1a 1\nab>c -1a 1\n");
}

Test(topologies, parents_and_children) {
    const struct setting close[MAX_SETTINGS] = {{"inner", 1}, {"to_parent", 0}},
                         three[MAX_SETTINGS] = {{"branching", 3}, {"to_parent", 0}};
    expect_drawing("chain", NULL, "ppp", "ab bc ", "b>a 0c 1\na>b 0b 1\nc>b 1c 1\nb>c 1b 1\n");
    expect_drawing("chain", close, "ppp", "ab bc! ", "a>b 0b 1\nb>c 1b 1\n");
    expect_drawing("star", NULL, "tss", "ab ac ", "b>a 0c 1\na>b 0b 1\nc>a 1c 1\na>c 1b 1\n");
    expect_drawing("tree", close, "pppppp", "ab ac bd! be! cf! ", "a>b 0b 1\na>c 1b 1\nb>d 2b 1\nb>e 3b 1\nc>f 4b 1\n");
    expect_drawing("tree", three, "ppppp", "ab ac ad be ", "a>b 0b 1\na>c 1b 1\na>d 2b 1\nb>e 3b 1\n");
}

Test(topologies, nodes_that_do_not_fit_are_told) {
    const char *const few[] = {"mesh", "ring", "chain", "star", "tree", "ensemble"};
    const char *const wrong[] = {"ss", "tts", "tp", "tsp", "p"};
    struct drawing drawing;
    struct sy_error err;
    for (int i = 0; i < 6; i++) {
        cr_expect_eq(describe(few[i], NULL, "p", &drawing, &err), SY_EINVAL);
        cr_expect(strstr(err.text, "at least"), "%s: %s", few[i], err.text);
    }
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(describe("multi_student", NULL, wrong[i], &drawing, &err), SY_EINVAL, "%s", wrong[i]);
        cr_expect(strstr(err.text, "needs one node with role = \"teacher\""));
        cr_expect(drawing.n_gates == 0 && drawing.n_edges == 0);
    }
    cr_expect_eq(describe("multi_teacher", NULL, "tss", &drawing, &err), SY_EINVAL);
    cr_expect(strstr(err.text,
                     "needs one node with role = \"student\" and any number with role = \"teacher\"; there are 1 "
                     "teachers, 2 students and 0 peers"));
}
