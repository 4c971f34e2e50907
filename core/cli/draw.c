/* draw.c - see draw.h. What says the same at every edge is said once, below the picture. */
#include "draw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/short_name.h"
#include "../record/run_folder.h"
#include "../report/program.h"
#include "describe.h"

#define TEXT_ROOM  512
#define MOST_NAMED 8 /* sources of one edge that its formula names */

#define GATED  "#b35900"
#define FED    "#000000"
#define FOLLOW "#7a3e9d"

struct drawing {
    FILE *out;
    const struct sy_experiment *experiment;
    bool fed;               /* some node is fed by another: that says who stands above whom, and edges do not */
    char common[TEXT_ROOM]; /* what every edge says, "" where they differ */
};

/* ---- texts ------------------------------------------------------------------------------------------------------ */

/* In a label between < and >. */
static void put_text(FILE *out, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

/* 704420 as 704,420 */
static void put_count(FILE *out, int64_t count) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)count);
    for (int i = 0; i < length; i++) {
        fprintf(out, "%s%c", i > 0 && (length - i) % 3 == 0 ? "," : "", digits[i]);
    }
}

/* Weight and loss of an edge, in words that do not name its nodes unless there are several sources. */
static void edge_text(char *out, const struct sy_experiment *experiment, const struct sy_flow *edge) {
    const char *sources[MOST_NAMED] = {"source"};
    char weight[32] = "";
    int32_t named = edge->n_sources < MOST_NAMED ? edge->n_sources : MOST_NAMED;
    for (int32_t s = 0; s < named && edge->n_sources > 1; s++) {
        sources[s] = experiment->nodes[edge->sources[s]].name;
    }
    if (edge->weight != 1) {
        snprintf(weight, sizeof weight, "%g * ", edge->weight);
    }
    size_t used = (size_t)snprintf(out, TEXT_ROOM, "%s", weight);
    sy_describe_loss(out + used, TEXT_ROOM - used, &edge->loss, "target", sources, named);
    used = strlen(out);
    const struct sy_graph *graph = &experiment->nodes[edge->target].graph->graph;
    const char *output = graph->outputs[edge->target_output]->name;
    if (strcmp(output, "logits") != 0 && used < TEXT_ROOM) {
        snprintf(out + used, TEXT_ROOM - used, " on %s", output);
    }
}

static void find_common(struct drawing *drawing) {
    const struct sy_experiment *experiment = drawing->experiment;
    char text[TEXT_ROOM];
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        edge_text(text, experiment, &experiment->edges[e]);
        if (e > 0 && strcmp(text, drawing->common) != 0) {
            drawing->common[0] = '\0';
            return;
        }
        memcpy(drawing->common, text, sizeof text);
    }
}

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

static const char *fill_of(int32_t role) {
    switch (role) {
    case SY_ROLE_TEACHER:
        return "#d6e6f5";
    case SY_ROLE_STUDENT:
        return "#dff0d8";
    case SY_ROLE_PEER:
        return "#fcf3d0";
    default:
        return "#eeeeee";
    }
}

static void put_node(const struct drawing *drawing, int32_t index) {
    static const char *const frozen[] = {"", ", frozen", ", frozen (training mode)"};
    const struct sy_node *node = &drawing->experiment->nodes[index];
    FILE *out = drawing->out;
    char word[128];
    sy_short_name_write(word, sizeof word, node->network);
    fprintf(out, "  n%d [fillcolor=\"%s\", label=<<b>", index, fill_of(node->role));
    put_text(out, node->name);
    fprintf(out, "</b>  (%s%s)<br/>", sy_role_name(node->role), frozen[node->frozen]);
    put_text(out, word);
    fputs("<br/>", out);
    put_count(out, sy_graph_parameter_count(&node->full->graph));
    int64_t multiply_adds = sy_graph_multiply_adds(&node->full->graph);
    fputs(" parameters<br/>", out);
    if (multiply_adds < 100000) {
        put_count(out, multiply_adds);
        fputs(" multiply-adds", out);
    } else {
        fprintf(out, "%.4g M multiply-adds", 1e-6 * (double)multiply_adds);
    }
    if (node->looks && drawing->experiment->n_views > 1) {
        fprintf(out, "<br/>view %d of the batch", node->view + 1);
    }
    if (node->has_logits && node->label_weight != 1) {
        fprintf(out, "<br/>labels weigh %g", node->label_weight);
    }
    fputs(">];\n", out);
}

/* Whether some node is fed by another: then it matters who sees the image. */
static bool has_links(const struct sy_experiment *experiment) {
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        for (int32_t k = 0; k < experiment->nodes[i].n_links; k++) {
            if (experiment->nodes[i].links[k].source >= 0) {
                return true;
            }
        }
    }
    return false;
}

static void put_links(const struct drawing *drawing, int32_t index) {
    const struct sy_node *node = &drawing->experiment->nodes[index];
    FILE *out = drawing->out;
    for (int32_t k = 0; k < node->n_links; k++) {
        const struct sy_link *link = &node->links[k];
        if (link->source < 0) {
            fprintf(out, "  image -> n%d [color=\"" FED "\", penwidth=2];\n", index);
            continue;
        }
        bool back = (node->input_gradients >> k & 1) != 0;
        fprintf(out, "  n%d -> n%d [color=\"" FED "\", penwidth=2, label=<", link->source, index);
        put_text(out, link->output_name);
        if (!back) {
            fputs(" (detached)", out);
        } else if (link->gradient_scale != 1) {
            fprintf(out, " (gradient x %g)", link->gradient_scale);
        }
        fputs(">];\n", out);
    }
}

static void put_follow(const struct drawing *drawing, int32_t index) {
    const struct sy_node *node = &drawing->experiment->nodes[index];
    FILE *out = drawing->out;
    if (node->follow.kind == SY_FOLLOWS_AVERAGE) {
        fprintf(out,
                "  n%d -> n%d [color=\"" FOLLOW "\", fontcolor=\"" FOLLOW "\", style=dashed, constraint=false, "
                "label=<average, decay %g>];\n",
                node->follow.node, index, node->follow.decay);
    } else if (node->follow.kind == SY_FOLLOWS_WEIGHTS) {
        fprintf(out,
                "  n%d -> n%d [color=\"" FOLLOW "\", fontcolor=\"" FOLLOW
                "\", style=dashed, constraint=false, dir=none, "
                "label=<same parameters>];\n",
                node->follow.node, index);
    }
}

/* ---- edges ------------------------------------------------------------------------------------------------------ */

/* The edge that says the same the other way round, both always open; -1: none. */
static int32_t mirror_of(const struct sy_experiment *experiment, int32_t index) {
    const struct sy_flow *edge = &experiment->edges[index];
    char text[TEXT_ROOM], other[TEXT_ROOM];
    edge_text(text, experiment, edge);
    for (int32_t e = 0; e < experiment->n_edges && edge->n_sources == 1 && edge->gate < 0; e++) {
        const struct sy_flow *back = &experiment->edges[e];
        if (back->n_sources == 1 && back->gate < 0 && back->target == edge->sources[0] &&
            back->sources[0] == edge->target) {
            edge_text(other, experiment, back);
            if (!strcmp(text, other)) {
                return e;
            }
        }
    }
    return -1;
}

static void put_attributes(const struct drawing *drawing, const struct sy_flow *edge, bool both) {
    bool gated = edge->gate >= 0 && edge->gate_effect == SY_CLOSED_IN_EXPERT_MODE;
    FILE *out = drawing->out;
    char text[TEXT_ROOM];
    fprintf(out, " [%s%s%s", drawing->fed ? "constraint=false, " : "", both ? "dir=both, constraint=false, " : "",
            gated ? "constraint=false, style=dashed, color=\"" GATED "\", "
                    "fontcolor=\"" GATED "\", "
                  : "");
    fprintf(out, "label=<");
    if (!drawing->common[0]) {
        edge_text(text, drawing->experiment, edge);
        put_text(out, text);
    }
    if (edge->attached) {
        fputs(" (attached)", out);
    }
    fputs(">];\n", out);
}

static void put_edge(const struct drawing *drawing, int32_t index) {
    const struct sy_flow *edge = &drawing->experiment->edges[index];
    int32_t mirror = mirror_of(drawing->experiment, index);
    FILE *out = drawing->out;
    if (mirror >= 0 && mirror < index) {
        return; /* drawn with the other */
    }
    if (edge->n_sources == 1) {
        fprintf(out, "  n%d -> n%d", edge->sources[0], edge->target);
        put_attributes(drawing, edge, mirror >= 0);
        return;
    }
    fprintf(out, "  j%d [shape=point, width=0.08];\n", index);
    for (int32_t s = 0; s < edge->n_sources; s++) {
        fprintf(out, "  n%d -> j%d [dir=none];\n", edge->sources[s], index);
    }
    fprintf(out, "  j%d -> n%d", index, edge->target);
    put_attributes(drawing, edge, false);
}

static void put_gate(const struct drawing *drawing, int32_t index) {
    const struct sy_watch *gate = &drawing->experiment->gates[index];
    FILE *out = drawing->out;
    fprintf(out,
            "  g%d [shape=diamond, style=\"\", margin=\"0.02,0.02\", color=\"" GATED "\", fontcolor=\"" GATED "\", "
            "label=<",
            index);
    put_text(out, gate->policy->found->plugin.name);
    fprintf(out, "%s>];\n", gate->watch_only ? "<br/>(only watches)" : "");
    fprintf(out, "  n%d -> g%d -> n%d [style=dotted, color=\"" GATED "\", dir=none];\n", gate->teacher, index,
            gate->student);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

/* Whether nodes are better put on a circle: many, each with several neighbours, nobody above another. */
static bool is_round(const struct sy_experiment *experiment) {
    int32_t pairs = 0;
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        pairs += experiment->edges[e].n_sources == 1 ? 1 : 0;
        pairs -= mirror_of(experiment, e) > e ? 1 : 0;
    }
    return experiment->n_nodes >= 5 && !experiment->n_gates && pairs >= experiment->n_nodes && !has_links(experiment);
}

static void put_legend(const struct drawing *drawing) {
    const struct sy_experiment *experiment = drawing->experiment;
    bool gated = false;
    int own_ramps = 0;
    char ramp[64];
    FILE *out = drawing->out;
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        own_ramps += experiment->edges[e].own_ramp;
        gated |= experiment->edges[e].gate >= 0 && experiment->edges[e].gate_effect == SY_CLOSED_IN_EXPERT_MODE;
    }
    fputs("  labelloc=b; label=<<br/><b>", out);
    put_text(out, experiment->name);
    fputs("</b>", out);
    if (drawing->common[0]) {
        fprintf(out, "<br/>%s from source to target: ", drawing->fed ? "thin arrows" : "every arrow");
        put_text(out, drawing->common);
    }
    sy_ramp_describe(ramp, sizeof ramp, &experiment->ramp);
    if (*ramp) {
        fprintf(out, "<br/>weights: %s", ramp);
    }
    if (own_ramps) {
        fprintf(out, "<br/>ramps of their own: %d edges", own_ramps);
    }
    if (gated) {
        fputs("<br/><font color=\"" GATED "\">dashed: closed while the gate says expert mode</font>", out);
    }
    if (drawing->fed) {
        fputs("<br/>thick: what feeds a node", out);
    }
    fputs(">;\n", out);
}

static void put_all(struct drawing *drawing) {
    const struct sy_experiment *experiment = drawing->experiment;
    FILE *out = drawing->out;
    bool round = is_round(experiment);
    drawing->fed = has_links(experiment);
    find_common(drawing);
    fprintf(out, "digraph switchyard {\n  layout=%s; nodesep=0.6; ranksep=0.7; mindist=1.2; fontname=\"Helvetica\";\n",
            round ? "circo" : "dot");
    fputs("  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11];\n"
          "  edge [fontname=\"Helvetica\", fontsize=10, color=\"#555555\", fontcolor=\"#333333\"];\n",
          out);
    put_legend(drawing);
    if (drawing->fed) {
        fputs("  image [shape=ellipse, style=\"\", label=\"image\"];\n", out);
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        put_node(drawing, i);
    }
    for (int32_t i = 0; i < experiment->n_nodes; i++) {
        if (drawing->fed) {
            put_links(drawing, i);
        }
        put_follow(drawing, i);
    }
    for (int32_t g = 0; g < experiment->n_gates; g++) {
        put_gate(drawing, g);
    }
    for (int32_t e = 0; e < experiment->n_edges; e++) {
        put_edge(drawing, e);
    }
    fputs("}\n", out);
}

int sy_draw_dot(const char *path, const struct sy_experiment *experiment, struct sy_error *err) {
    struct drawing drawing = {.out = fopen(path, "w"), .experiment = experiment};
    if (!drawing.out) {
        return sy_fail(err, SY_EIO, "%s cannot be written: %s", path, strerror(errno));
    }
    put_all(&drawing);
    bool failed = ferror(drawing.out) != 0;
    failed |= fclose(drawing.out) != 0;
    return failed ? sy_fail(err, SY_EIO, "%s cannot be written: %s", path, strerror(errno)) : SY_OK;
}

int sy_draw_svg(const char *path, const struct sy_experiment *experiment, struct sy_error *err) {
    char program[] = "dot", form[] = "-Tsvg", to[] = "-o", temporary[4096];
    snprintf(temporary, sizeof temporary, "%s/switchyard-XXXXXX", sy_temporary_folder());
    int fd = mkstemp(temporary);
    if (fd < 0) {
        return sy_fail(err, SY_EIO, "%s cannot be made: %s", temporary, strerror(errno));
    }
    close(fd);
    char *arguments[] = {program, form, to, (char *)(uintptr_t)path, temporary, NULL};
    int status = sy_draw_dot(temporary, experiment, err);
    if (status == SY_OK) {
        status = sy_program_run(".", arguments, "graphviz", err);
    }
    unlink(temporary);
    return status;
}
