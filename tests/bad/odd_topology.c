/* odd_topology.c - a topology that makes the mistake its parameter asks for, of those that a plan can have: for whoever takes
 * plans. */
#include <math.h>
#include <string.h>
#include <switchyard/topology.h>

struct broken {
    const char *mistake;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct broken, mistake, .def_text = "none", .doc = "which one"),
    SY_END,
};

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    static int32_t calls;
    const struct broken *broken = self;
    const int32_t nobody = 99, zero = 0, one = 1;
    struct sy_gate gate = {.size = sizeof gate, .teacher = 0, .student = 1};
    struct sy_edge edge = {.size = sizeof edge, .target = 1, .sources = &zero, .n_sources = 1, .gate = -1, .weight = 1};
#define IS(word) (!strcmp(broken->mistake, word))
    if (IS("refuses silently")) {
        return SY_EINVAL;
    }
    if (in->n_nodes < 2 || IS("refuses")) {
        return sy_fail(err, SY_EINVAL, "needs two nodes");
    }
    gate.student = IS("gate of nobody") ? nobody : IS("gate of itself") ? 0 : 1;
    edge.target = IS("edge to nobody") ? nobody : 1;
    edge.n_sources = IS("edge from nowhere") ? 0 : 1;
    edge.sources = IS("edge from nobody") ? &nobody : IS("edge from itself") ? &one : &zero;
    edge.gate = IS("no such gate") ? 1 : IS("no such effect") ? 0 : -1;
    edge.gate_effect = IS("no such gate") ? SY_OPEN_IN_BOTH_MODES : IS("no such effect") ? 7 : SY_ALWAYS_OPEN;
    edge.weight = IS("weight nan") ? (double)NAN : IS("weight below 0") ? -1 : 1;
    edge.name = IS("empty name") ? "" : NULL;
    wiring->gate(wiring->context, &gate);
    wiring->edge(wiring->context, &edge);
    if (IS("edge twice") || (IS("another each time") && ++calls % 2 == 0)) {
        wiring->edge(wiring->context, &edge);
    }
    return SY_OK;
#undef IS
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(SY_TOPOLOGY, "odd_topology", struct broken, .fields = fields, .ops = &ops,
          .doc = "makes the mistake that is asked for");
