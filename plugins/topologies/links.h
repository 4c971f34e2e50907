/* links.h - the pieces that topologies of many nodes are made of. */
#ifndef LINKS_H
#define LINKS_H

#include <switchyard/topology.h>

/* One edge from one node; nothing where the weight is 0. */
static inline void link_nodes(const struct sy_wiring *wiring, int32_t source, int32_t target, int32_t gate,
                              int32_t effect, double weight) {
    if (weight > 0) {
        wiring->edge(wiring->context, &(struct sy_edge){.size = sizeof(struct sy_edge),
                                                        .target = target,
                                                        .sources = &source,
                                                        .n_sources = 1,
                                                        .gate = gate,
                                                        .gate_effect = effect,
                                                        .weight = weight});
    }
}

/* Weights of what a pair learns from each other, and what an expert mode does to a teacher that is a student, too. */
struct pair_weights {
    double to_teacher, to_student;
    int32_t closes_only;
};

/* A gate, and an edge each way through it. */
static inline void link_pair(const struct sy_wiring *wiring, int32_t teacher, int32_t student,
                             const struct pair_weights *weights) {
    int32_t gate = wiring->gate(wiring->context, &(struct sy_gate){.size = sizeof(struct sy_gate),
                                                                   .teacher = teacher,
                                                                   .student = student,
                                                                   .closes_only = weights->closes_only});
    link_nodes(wiring, student, teacher, gate, SY_CLOSED_IN_EXPERT_MODE, weights->to_teacher);
    link_nodes(wiring, teacher, student, gate, SY_OPEN_IN_BOTH_MODES, weights->to_student);
}

static inline int32_t count_role(const struct sy_topology_in *in, int32_t role) {
    int32_t count = 0;
    for (int32_t i = 0; i < in->n_nodes; i++) {
        count += in->roles[i] == role;
    }
    return count;
}

/* The weight of one of several sources of a node: PEER_MEAN divides by their number. */
enum peer_norm { PEER_NONE, PEER_MEAN };
static inline double peer_weight(double weight, int32_t norm, int32_t peers) {
    return norm == PEER_MEAN && peers > 0 ? weight / peers : weight;
}

/* Field rows of topologies whose nodes hang on a parent. */
#define PARENT_FIELDS(type)                                                                                          \
    SY_PARAM(type, to_parent, .def = 1, .min = 0, .max = 1e6, .doc = "weight of what a parent learns from a child"), \
        SY_PARAM(type, to_child, .def = 1, .min = 0, .max = 1e6,                                                     \
                 .doc = "weight of what a child learns from its parent"),                                            \
        SY_PARAM(type, inner, .choices = "pause|close",                                                              \
                 .doc = "a node between, all of whose children say expert: paused altogether, or only deaf to them")

#define INNER_HELP                                                                                                    \
    "A gate for each parent and child. inner says what expert mode does to a node that has a parent itself:\n"        \
    "\"pause\" stops it altogether once all its children's gates say expert, as SwitOKD stops a teacher, so that it " \
    "no\nlonger learns from its own parent either; \"close\" only closes the edges from the children, and it goes "   \
    "on\nlearning from labels and parent. The root is paused either way."

#endif
