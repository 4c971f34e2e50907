/* topology.h - kind "topology/1": who teaches whom.
 *
 * From the nodes' names and roles to edges (knowledge flowing from source nodes to a target node through a loss) and
 * gates (teacher-student pairs that a policy watches). Nothing is computed here. */
#ifndef SWITCHYARD_TOPOLOGY_H
#define SWITCHYARD_TOPOLOGY_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SY_TOPOLOGY "topology/1"

enum sy_role {
    SY_ROLE_TEACHER = 1,
    SY_ROLE_STUDENT = 2,
    SY_ROLE_PEER = 3,
    SY_ROLE_PART = 4, /* a piece that others are made of, such as a shared trunk or a gate: no edge but a written one */
};

/* All pointers are valid during the call. */
struct sy_topology_in {
    uint32_t size;
    int32_t n_nodes;          /* without parts */
    const char *const *names; /* in the order of the config; parts after all others */
    const int32_t *roles;     /* enum sy_role */
    int32_t n_parts;          /* names[n_nodes .. n_nodes + n_parts - 1]: for who connects nodes by their names */
    int32_t reserved;
};

struct sy_gate {
    uint32_t size;
    int32_t teacher, student; /* nodes */
    int32_t watch_only;       /* 1: measured and journalled, but nothing is ever opened, closed or paused */
    int32_t closes_only;      /* 1: opens and closes edges, but never pauses the teacher */
    int32_t reserved;
};

/* What a gate does to an edge. */
enum sy_gate_effect {
    SY_ALWAYS_OPEN = 0,
    SY_CLOSED_IN_EXPERT_MODE = 1, /* an edge into the teacher; the policy's teacher_weight scales it */
    SY_OPEN_IN_BOTH_MODES = 2,    /* an edge into the student; the policy's student_weight scales it */
};

struct sy_edge {
    uint32_t size;
    int32_t target;         /* node */
    const int32_t *sources; /* nodes */
    int32_t n_sources;
    int32_t gate;                       /* as returned by gate(); -1: none */
    int32_t gate_effect;                /* enum sy_gate_effect */
    int32_t attached;                   /* 1: gradients flow into the sources too; 0: sources are detached */
    double weight;                      /* factor on the loss; 1 when 0 */
    const char *name;                   /* NULL: "SOURCE->TARGET" */
    const char *output, *source_output; /* NULL: "logits" */
    const char *loss;                   /* key of the loss in the topology's group of the config; NULL: "loss" */
};

/* Filled by the core. gate returns the gate's index, edge SY_OK, both a negative status after a mistake, which the
 * core reports; so no call needs checking. Arguments are copied. */
struct sy_wiring {
    uint32_t size;
    int32_t reserved;
    void *context;
    int32_t (*gate)(void *context, const struct sy_gate *gate);
    int32_t (*edge)(void *context, const struct sy_edge *edge);
};

/* init, fini: optional. describe: mandatory; fails where the nodes do not fit, saying which would. */
struct sy_topology_ops {
    uint32_t size;
    int32_t reserved;
    int (*init)(void *self, struct sy_error *err);
    void (*fini)(void *self);
    int (*describe)(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
