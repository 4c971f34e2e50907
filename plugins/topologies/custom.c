/* custom.c - edges and gates as the config writes them. */
#include <stdlib.h>
#include <string.h>
#include <switchyard/topology.h>

struct custom {
    struct sy_strings edges, gates;
};

static const struct sy_field fields[] = {
    SY_PARAM(struct custom, edges, .def_text = "[]",
             .doc =
                 "who learns from whom: \"a + b -> c weight=0.5 loss=hint gate=c-d output=stage1 source_output=stage1 "
                 "attached=1\""),
    SY_PARAM(struct custom, gates, .def_text = "[]", .doc = "pairs the policy watches: \"teacher-student\""),
    SY_END,
};

enum { ROOM = 512, MOST_WORDS = 64 };

/* One edge's or gate's text, cut into words. */
struct words {
    char text[ROOM];
    char *at[MOST_WORDS];
    int32_t count;
};

static int cut(struct words *words, const char *text, struct sy_error *err) {
    size_t length = strlen(text);
    char *rest = NULL;
    words->count = 0;
    if (length >= ROOM) {
        return sy_fail(err, SY_EINVAL, "\"%.60s...\" is longer than %d characters", text, ROOM - 1);
    }
    memcpy(words->text, text, length + 1);
    for (char *word = strtok_r(words->text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        if (words->count == MOST_WORDS) {
            return sy_fail(err, SY_EINVAL, "\"%.60s...\" has more than %d words", text, MOST_WORDS);
        }
        words->at[words->count++] = word;
    }
    return SY_OK;
}

/* A node by its name, which ends at `length`. */
static int find_node(int32_t *out, const struct sy_topology_in *in, const char *name, size_t length, const char *where,
                     struct sy_error *err) {
    int32_t count = in->n_nodes + (SY_HAS(in, n_parts) ? in->n_parts : 0);
    for (*out = 0; *out < count; (*out)++) {
        if (strlen(in->names[*out]) == length && !strncmp(in->names[*out], name, length)) {
            return SY_OK;
        }
    }
    return sy_fail(err, SY_EINVAL, "\"%s\": no node is called \"%.*s\"", where, (int)length, name);
}

/* Teacher and student of "teacher-student". Names may have hyphens of their own: the cut that gives two nodes counts. */
static int read_pair(int32_t *teacher, int32_t *student, const struct sy_topology_in *in, const char *pair,
                     const char *where, struct sy_error *err) {
    struct sy_error quiet = {.size = sizeof quiet};
    for (const char *dash = strchr(pair, '-'); dash; dash = strchr(dash + 1, '-')) {
        if (find_node(teacher, in, pair, (size_t)(dash - pair), where, &quiet) == SY_OK &&
            find_node(student, in, dash + 1, strlen(dash + 1), where, &quiet) == SY_OK) {
            return SY_OK;
        }
    }
    return sy_fail(err, SY_EINVAL, "\"%s\": \"%s\" is no pair of nodes; write \"TEACHER-STUDENT\"", where, pair);
}

/* The gate between two nodes: its place in `gates`, which is the index the core gives it. */
static int find_gate(int32_t *out, const struct custom *custom, const struct sy_topology_in *in, const char *pair,
                     int32_t *teacher, const char *where, struct sy_error *err) {
    for (size_t g = 0; g < custom->gates.count; g++) {
        if (!strcmp(custom->gates.at[g], pair)) {
            int32_t student;
            *out = (int32_t)g;
            return read_pair(teacher, &student, in, pair, where, err);
        }
    }
    return sy_fail(err, SY_EINVAL, "\"%s\": gate \"%s\" is not in gates", where, pair);
}

static int read_option(struct sy_edge *edge, const struct custom *custom, const struct sy_topology_in *in, char *word,
                       const char *where, struct sy_error *err) {
    char *value = strchr(word, '='), *end = NULL;
    if (!value || !value[1]) {
        return sy_fail(err, SY_EINVAL, "\"%s\": \"%s\" is no KEY=VALUE", where, word);
    }
    *value++ = 0;
    if (!strcmp(word, "weight")) {
        edge->weight = strtod(value, &end);
        return !*end && edge->weight > 0 && edge->weight <= 1e6
                   ? SY_OK
                   : sy_fail(err, SY_ERANGE, "\"%s\": weight %s is not in (0, 1e6]", where, value);
    }
    if (!strcmp(word, "gate")) {
        int32_t teacher = -1;
        int status = find_gate(&edge->gate, custom, in, value, &teacher, where, err);
        edge->gate_effect = edge->target == teacher ? SY_CLOSED_IN_EXPERT_MODE : SY_OPEN_IN_BOTH_MODES;
        return status;
    }
    if (!strcmp(word, "attached")) {
        edge->attached = !strcmp(value, "1");
        return edge->attached || !strcmp(value, "0")
                   ? SY_OK
                   : sy_fail(err, SY_EINVAL, "\"%s\": attached is 0 or 1, not %s", where, value);
    }
    const char **text = !strcmp(word, "loss")            ? &edge->loss
                        : !strcmp(word, "output")        ? &edge->output
                        : !strcmp(word, "source_output") ? &edge->source_output
                        : !strcmp(word, "name")          ? &edge->name
                                                         : NULL;
    if (!text) {
        return sy_fail(
            err, SY_EINVAL,
            "\"%s\": unknown key \"%s\"; there are weight, loss, gate, output, source_output, name, attached", where,
            word);
    }
    *text = value;
    return SY_OK;
}

/* "a + b -> c key=value ..." */
static int read_edge(const struct custom *custom, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                     const char *text, struct sy_error *err) {
    struct words words;
    int32_t sources[MOST_WORDS], count = 0, w = 0;
    struct sy_edge edge = {.size = sizeof edge, .gate = -1, .sources = sources};
    int status = cut(&words, text, err);
    for (; status == SY_OK && w + 1 < words.count; w += 2) {
        status = find_node(&sources[count++], in, words.at[w], strlen(words.at[w]), text, err);
        if (strcmp(words.at[w + 1], "+") != 0) {
            break;
        }
    }
    if (status == SY_OK && (w + 2 >= words.count || strcmp(words.at[w + 1], "->") != 0)) {
        status = sy_fail(err, SY_EINVAL, "\"%s\" is no edge; write \"SOURCE [+ SOURCE ...] -> TARGET [KEY=VALUE ...]\"",
                         text);
    }
    if (status == SY_OK) {
        status = find_node(&edge.target, in, words.at[w + 2], strlen(words.at[w + 2]), text, err);
    }
    for (w += 3; status == SY_OK && w < words.count; w++) {
        status = read_option(&edge, custom, in, words.at[w], text, err);
    }
    for (int32_t s = 0; status == SY_OK && s < count; s++) {
        if (sources[s] == edge.target) {
            status = sy_fail(err, SY_EINVAL, "\"%s\": a node does not learn from itself", text);
        }
    }
    edge.n_sources = count;
    return status == SY_OK ? wiring->edge(wiring->context, &edge) : status;
}

static int describe(const void *self, const struct sy_wiring *wiring, const struct sy_topology_in *in,
                    struct sy_error *err) {
    const struct custom *custom = self;
    int status = SY_OK;
    for (size_t g = 0; g < custom->gates.count && status == SY_OK; g++) {
        struct sy_gate gate = {.size = sizeof gate};
        const char *pair = custom->gates.at[g];
        status = read_pair(&gate.teacher, &gate.student, in, pair, pair, err);
        if (status == SY_OK) {
            int32_t index = wiring->gate(wiring->context, &gate);
            status = index < 0 ? index : SY_OK;
        }
    }
    for (size_t e = 0; e < custom->edges.count && status == SY_OK; e++) {
        for (size_t before = 0; before < e && status == SY_OK; before++) {
            if (!strcmp(custom->edges.at[before], custom->edges.at[e])) {
                status = sy_fail(err, SY_EINVAL, "\"%s\" is there twice", custom->edges.at[e]);
            }
        }
        status = status == SY_OK ? read_edge(custom, wiring, in, custom->edges.at[e], err) : status;
    }
    return status;
}

static const struct sy_topology_ops ops = {.size = sizeof ops, .describe = describe};

SY_PLUGIN(
    SY_TOPOLOGY, "custom", struct custom, .fields = fields, .ops = &ops, .doc = "edges and gates written in the config",
    .help =
        "gates = [\"t-s\"]; edges = [\"t -> s gate=t-s\", \"s -> t gate=t-s\"]; is the topology pair. An edge into "
        "its\n"
        "gate's teacher closes in expert mode, any other stays open; without a gate it always is. loss names a\n"
        "group beside topology.loss, output and source_output taps of the target and of all sources. Nodes of role\n"
        "part may be named, too. Words are separated by spaces.");
