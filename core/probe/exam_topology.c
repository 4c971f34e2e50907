/* exam_topology.c - whether what a topology describes hangs together, for cohorts of several sizes. */
#include <math.h>
#include <string.h>

#include <switchyard/topology.h>

#include "exam.h"

enum { NODES = 6, MOST = 256 };

struct cohort {
    const char *title;
    int32_t count;
    int32_t roles[NODES];
};

static const struct cohort cohorts[] = {
    {"a teacher and a student", 2, {SY_ROLE_TEACHER, SY_ROLE_STUDENT}},
    {"a teacher and 2 students", 3, {SY_ROLE_TEACHER, SY_ROLE_STUDENT, SY_ROLE_STUDENT}},
    {"2 teachers and a student", 3, {SY_ROLE_TEACHER, SY_ROLE_TEACHER, SY_ROLE_STUDENT}},
    {"2 peers", 2, {SY_ROLE_PEER, SY_ROLE_PEER}},
    {"4 peers", 4, {SY_ROLE_PEER, SY_ROLE_PEER, SY_ROLE_PEER, SY_ROLE_PEER}},
    {"a student alone", 1, {SY_ROLE_STUDENT}},
};

/* What was described, and what is wrong with it. */
struct plan {
    int32_t n_nodes, gates, edges;
    char wrong[256];
};

static void object(struct plan *plan, const char *what, int32_t value) {
    if (!plan->wrong[0]) {
        snprintf(plan->wrong, sizeof plan->wrong, "%s (%d) of gate or edge %d", what, value, plan->gates + plan->edges);
    }
}

static bool is_node(const struct plan *plan, int32_t node) {
    return node >= 0 && node < plan->n_nodes;
}

static int32_t take_gate(void *context, const struct sy_gate *gate) {
    struct plan *plan = context;
    if (!is_node(plan, gate->teacher) || !is_node(plan, gate->student)) {
        object(plan, "there is no such node", is_node(plan, gate->teacher) ? gate->student : gate->teacher);
    } else if (gate->teacher == gate->student) {
        object(plan, "a node watches itself", gate->teacher);
    }
    return plan->gates++;
}

static int32_t take_edge(void *context, const struct sy_edge *edge) {
    struct plan *plan = context;
    if (!is_node(plan, edge->target)) {
        object(plan, "there is no such target", edge->target);
    }
    if (edge->n_sources < 1 || !edge->sources) {
        object(plan, "it has no sources", edge->n_sources);
    }
    for (int32_t s = 0; s < edge->n_sources && edge->sources; s++) {
        if (!is_node(plan, edge->sources[s])) {
            object(plan, "there is no such source", edge->sources[s]);
        }
    }
    if (edge->gate < -1 || edge->gate >= plan->gates) {
        object(plan, "there is no such gate", edge->gate);
    }
    if (edge->gate_effect < SY_ALWAYS_OPEN || edge->gate_effect > SY_OPEN_IN_BOTH_MODES) {
        object(plan, "there is no such effect of a gate", edge->gate_effect);
    }
    if (!isfinite(edge->weight) || edge->weight < 0) {
        object(plan, "its weight is no factor", (int32_t)edge->weight);
    }
    if ((edge->name && !*edge->name) || (edge->loss && !*edge->loss) || (edge->output && !*edge->output)) {
        object(plan, "it has an empty name", plan->edges);
    }
    plan->edges++;
    return plan->edges <= MOST ? SY_OK : SY_ERANGE;
}

static int describe(struct plan *plan, struct sy_exam *exam, const struct cohort *cohort, struct sy_error *err) {
    static const char *const names[NODES] = {"ada", "ben", "cleo", "dan", "eva", "finn"};
    struct sy_subject_of_exam subject;
    struct sy_wiring wiring = {.size = sizeof wiring, .context = plan, .gate = take_gate, .edge = take_edge};
    struct sy_topology_in in = {.size = sizeof in, .n_nodes = cohort->count, .names = names, .roles = cohort->roles};
    *plan = (struct plan){.n_nodes = cohort->count};
    int status = sy_exam_begin(&subject, exam, NULL, err);
    if (status == SY_OK) {
        const struct sy_topology_ops *ops = subject.instance->ops;
        void *self = subject.instance->self;
        status = ops->init ? SY_CALLED(exam->found, "init", ops->init(self, err)) : SY_OK;
        if (status == SY_OK) {
            status = SY_CALLED(exam->found, "describe", ops->describe(self, &wiring, &in, err));
            if (ops->fini) {
                ops->fini(self);
            }
        }
    }
    sy_exam_end(&subject);
    return status;
}

void sy_exam_topology(struct sy_exam *exam) {
    int32_t described = 0;
    struct sy_error err = {.size = sizeof err};
    for (size_t i = 0; i < sizeof cohorts / sizeof *cohorts; i++) {
        struct plan plan, again;
        err = (struct sy_error){.size = sizeof err};
        if (describe(&plan, exam, &cohorts[i], &err) != SY_OK) {
            if (err.code == SY_OK) {
                sy_exam_fail(exam, cohorts[i].title, "it refuses without a reason");
            } else {
                sy_exam_pass(exam, cohorts[i].title, "refused: %s", err.text);
            }
            continue;
        }
        described++;
        err = (struct sy_error){.size = sizeof err};
        if (plan.wrong[0]) {
            sy_exam_fail(exam, cohorts[i].title, "%s", plan.wrong);
        } else if (describe(&again, exam, &cohorts[i], &err) != SY_OK || again.edges != plan.edges ||
                   again.gates != plan.gates) {
            sy_exam_fail(exam, cohorts[i].title, "described again it is another");
        } else {
            sy_exam_pass(exam, cohorts[i].title, "%d gate%s, %d edge%s", plan.gates, plan.gates == 1 ? "" : "s",
                         plan.edges, plan.edges == 1 ? "" : "s");
        }
    }
    if (!described) {
        sy_exam_skip(exam, "everything else", "it took no cohort that was tried");
    }
}
