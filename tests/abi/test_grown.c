/* test_grown.c - this core with every struct of the border grown at its end (the build makes such headers): plugins that
 * were built on the headers of 1.0 still load and work. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <switchyard/backend.h>
#include <switchyard/dataset.h>
#include <switchyard/loss.h>
#include <switchyard/network.h>
#include <switchyard/policy.h>
#include <switchyard/topology.h>

#include "graph/graph_builder.h"
#include "host/plugins.h"
#include "host/services.h"

static struct sy_registry *registry;
static struct sy_problems *problems;
static struct sy_arena *arena;
static struct sy_error err;
static struct sy_services services;

static void begin(void) {
    registry = sy_registry_create("/bin/sh");
    problems = sy_problems_create();
    arena = sy_arena_create();
    err = (struct sy_error){.size = sizeof err};
    sy_services_init(&services, NULL, 1, "test");
    services.in_init = true;
    cr_assert(sizeof(struct sy_policy_in) > 120 && sizeof(struct sy_plugin) > 88, "the headers have grown");
}

static void end(void) {
    sy_registry_destroy(registry);
    sy_problems_destroy(problems);
    sy_arena_destroy(arena);
    sy_services_finish(&services);
}

TestSuite(grown, .init = begin, .fini = end);

static struct sy_instance *make(const char *file, const char *kind) {
    char path[4096];
    snprintf(path, sizeof path, "%s/v1_%s.so", getenv("SWITCHYARD_ABI_PLUGINS"), file);
    cr_assert(sy_registry_declare(registry, path, NULL, problems), "%s", sy_problems_text(problems, 0));
    const struct sy_found *found = sy_registry_find(registry, kind, "my_plugin", NULL, problems);
    cr_assert_not_null(found);
    struct sy_instance *instance = sy_instance_create(found, NULL, arena, problems);
    cr_assert_not_null(instance);
    return instance;
}

Test(grown, policy_of_old) {
    static const double p[] = {0.5, 0.5, 0.1, 0.9}, q[] = {0.25, 0.75, 0.1, 0.9};
    static const int32_t labels[] = {0, 1};
    struct sy_instance *instance = make("policy", SY_POLICY);
    const struct sy_policy_ops *ops = instance->ops;
    struct sy_policy_in in = {
        .size = sizeof in, .batch = 2, .classes = 2, .n_gates = 1, .labels = labels, .teacher = p, .student = q};
    struct sy_policy_out out = {.size = sizeof out, .mode = SY_EXPERT, .teacher_weight = 1, .student_weight = 1};
    cr_assert_eq(ops->decide(instance->self, &out, &in, &err), SY_OK);
    cr_expect_eq(out.mode, SY_LEARNING);
    double gap;
    struct sy_field field;
    cr_assert(sy_instance_field(instance, 0, &field));
    memcpy(&gap, (char *)instance->self + field.offset, sizeof gap);
    cr_expect_float_eq(gap, 0.25, 1e-12);
    sy_instance_destroy(instance);
}

static const double *probabilities(const void *signals, int32_t which, double temperature) {
    (void)temperature;
    return (const double *)signals + (which == SY_TARGET ? 0 : 4);
}

Test(grown, loss_of_old) {
    static const double both[] = {0.5, 0.5, 0.1, 0.9, 0.25, 0.75, 0.1, 0.9};
    struct sy_instance *instance = make("loss", SY_LOSS);
    const struct sy_loss_ops *ops = instance->ops;
    float gradient[4] = {9, 9, 9, 9};
    struct sy_loss_in in = {.size = sizeof in,
                            .batch = 2,
                            .classes = 2,
                            .n_sources = 1,
                            .signals = both,
                            .probabilities = probabilities,
                            .log_probabilities = probabilities};
    struct sy_loss_out out = {.size = sizeof out, .gradient = gradient};
    cr_assert_eq(ops->eval(instance->self, &out, &in, &err), SY_OK);
    cr_expect_float_eq(out.value, 4 * 0.125 / 2, 1e-12);
    cr_expect_eq(gradient[2], 0);
    sy_instance_destroy(instance);
}

static int32_t gates, edges;

static int32_t take_gate(void *context, const struct sy_gate *gate) {
    (void)context;
    cr_expect(gate->size < sizeof *gate && gate->teacher == 0 && gate->student == 1);
    return gates++;
}

static int32_t take_edge(void *context, const struct sy_edge *edge) {
    (void)context;
    cr_expect(edge->size < sizeof *edge && edge->n_sources == 1 && edge->sources[0] + edge->target == 1);
    return edges++, SY_OK;
}

Test(grown, topology_of_old) {
    static const char *const names[] = {"a", "b"};
    static const int32_t roles[] = {SY_ROLE_TEACHER, SY_ROLE_STUDENT};
    struct sy_instance *instance = make("topology", SY_TOPOLOGY);
    const struct sy_topology_ops *ops = instance->ops;
    struct sy_wiring wiring = {.size = sizeof wiring, .gate = take_gate, .edge = take_edge};
    struct sy_topology_in in = {.size = sizeof in, .n_nodes = 2, .names = names, .roles = roles};
    cr_assert_eq(ops->describe(instance->self, &wiring, &in, &err), SY_OK);
    cr_expect(gates == 1 && edges == 2);
    sy_instance_destroy(instance);
}

Test(grown, network_of_old) {
    const struct sy_shape image = {3, {3, 16, 16}};
    struct sy_instance *instance = make("network", SY_NETWORK);
    struct sy_built_graph *built = sy_graph_build(instance->ops, instance->self, &image, 1, 10, &err);
    cr_assert(built != NULL, "%s", err.text);
    cr_expect(sy_graph_output(&built->graph, "logits") >= 0 && sy_graph_output(&built->graph, "pooled") >= 0);
    cr_expect_eq(sy_graph_parameter_count(&built->graph), 16 * 27 + 32 * 16 * 9 + 64 * 32 * 9 + 2 * 112 + 650);
    sy_graph_destroy(built);
    sy_instance_destroy(instance);
}

Test(grown, dataset_of_old) {
    struct sy_instance *instance = make("dataset", SY_DATASET);
    const struct sy_dataset_ops *ops = instance->ops;
    struct sy_dataset_info info = {.size = sizeof info};
    unsigned char sample[3 * 16 * 16];
    int64_t index = 7;
    int32_t label = -1;
    cr_assert_eq(ops->open(instance->self, &services.host, &err), SY_OK);
    cr_assert_eq(ops->info(instance->self, &info), SY_OK);
    cr_expect(info.classes == 4 && info.count[SY_TEST_SPLIT] == 256);
    cr_expect_eq(ops->read(instance->self, SY_TRAIN_SPLIT, &index, 1, sample, &label, &err), SY_OK);
    cr_expect(label >= 0 && label < 4);
    cr_expect(ops->labels == NULL && ops->close == NULL, "what it does not have is not there");
    sy_instance_destroy(instance);
}
