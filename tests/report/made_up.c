/* made_up.c - see made_up.h. */
#include "made_up.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const nodes[] = {"teacher", "student"};

static const char *variant_name(char out[32], int32_t variant) {
    static const char *const first[] = {"vanilla", "dml", "switokd"};
    snprintf(out, 32, "v%d", (int)variant + 1);
    return variant < 3 ? first[variant] : out;
}

/* A number in [-1, 1] that depends on nothing but its arguments. */
static double drawn(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t x = a * 2654435761u ^ b * 2246822519u ^ c * 3266489917u ^ 0x9e3779b9u;
    for (int i = 0; i < 3; i++) {
        x ^= x >> 15;
        x *= 0x2c1b3c6du;
        x ^= x >> 12;
    }
    return x / 2147483647.5 - 1;
}

/* Accuracy of a node at a part of the training, 0 to 1. */
static double accuracy(const struct made_up *wish, int32_t variant, int32_t seed, int node, double part,
                       int32_t epoch) {
    if (wish->extreme) {
        return wish->extreme > 0;
    }
    double top = (node ? 0.67 : 0.74) + 0.012 * (variant > 5 ? 5 : variant) * (node ? 1 : 0.4);
    double noise =
        0.004 * drawn((uint32_t)variant * 2 + (uint32_t)node, (uint32_t)seed, 7) +
        0.01 * (1 - part) * drawn((uint32_t)variant * 2 + (uint32_t)node, (uint32_t)seed, 99 + (uint32_t)epoch);
    return top * (1 - 0.8 * exp(-5 * part)) + noise;
}

static double expert_share(int32_t variant, double part) {
    return variant < 2 ? 0 : 0.15 + 0.5 * part * part;
}

static FILE *open_file(const char *folder, const char *name) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "w");
}

static int close_file(FILE *file) {
    int failed = ferror(file);
    return fclose(file) != 0 || failed ? -1 : 0;
}

static int make_epochs(const char *folder, const struct made_up *wish, int32_t variant, int32_t seed, int32_t epochs) {
    FILE *file = open_file(folder, "epochs.jsonl");
    if (!file) {
        return -1;
    }
    for (int32_t e = 0; e < epochs; e++) {
        double part = (e + 1.0) / wish->epochs;
        fprintf(file, "{\"epoch\":%d,\"step\":%d,\"samples\":50000,\"nodes\":{", (int)e, (int)((e + 1) * 390 - 1));
        for (int n = 0; n < 2; n++) {
            double test = accuracy(wish, variant, seed, n, part, e), loss = -1.4 * log(fmax(test, 1e-3));
            fprintf(file,
                    "%s\"%s\":{\"train_loss\":%.9g,\"train_accuracy\":%.9g,\"test_loss\":%.9g,\"test_accuracy\":%.4f,"
                    "\"test_top5\":%.4f,\"test_ece\":%.9g,\"val_accuracy\":null,\"val_loss\":null,\"on_share\":1.0,"
                    "\"multiply_adds\":15000000000000,\"multiply_adds_saved\":0}",
                    n ? "," : "", nodes[n], 0.8 * loss, 1 - 0.9 * (1 - test), loss, test, 1 - 0.25 * (1 - test),
                    0.03 + 0.05 * part);
        }
        fprintf(file, "},\"gates\":[{\"teacher\":\"teacher\",\"student\":\"student\",\"expert_share\":%.9g}]}\n",
                expert_share(variant, part));
    }
    return close_file(file);
}

static int make_steps(const char *folder, const struct made_up *wish, int32_t variant, int32_t seed, int32_t epochs) {
    FILE *file = open_file(folder, "steps.jsonl");
    if (!file) {
        return -1;
    }
    for (int32_t i = 0; i < epochs * wish->steps; i++) {
        double part = (double)i / (wish->epochs * wish->steps);
        double s = 1.8 * exp(-2.5 * part) + 0.05 * drawn((uint32_t)seed, (uint32_t)i, 1);
        double t = 1.6 * exp(-3.2 * part) + 0.05 * drawn((uint32_t)seed, (uint32_t)i, 2);
        double epsilon = exp(-t / (s + t)), delta = s - epsilon * t;
        double gap = 0.75 * fabs(s - t) + 0.45 * exp(-1.5 * part) + 0.1 * drawn((uint32_t)seed, (uint32_t)i, 3);
        int expert = variant >= 2 && gap > delta && t < s;
        fprintf(file, "{\"step\":%d,\"epoch\":%d,\"nodes\":{", (int)i, (int)(i / wish->steps));
        for (int n = 0; n < 2; n++) {
            fprintf(file, "%s\"%s\":{\"loss\":%.9g,\"label_loss\":%.9g,\"on\":%s,\"lr\":0.1,\"correct\":%d}",
                    n ? "," : "", nodes[n], s, s / 2, expert && !n ? "false" : "true", (int)(128 * part));
        }
        fprintf(
            file,
            "},\"gates\":[{\"teacher\":\"teacher\",\"student\":\"student\",\"mode\":\"%s\",\"gap\":%.9g,\"delta\":%.9g,"
            "\"epsilon\":%.9g,\"s_label\":%.9g,\"t_label\":%.9g}]}\n",
            expert ? "expert" : "learning", gap, delta, epsilon, s, t);
    }
    return close_file(file);
}

static void result_node(FILE *file, const struct made_up *wish, int32_t variant, int32_t seed, int n) {
    double test = accuracy(wish, variant, seed, n, 1, wish->epochs - 1), top5 = 1 - 0.25 * (1 - test);
    double nll = -1.4 * log(fmax(test, 1e-3)), ece = 0.05 + 0.01 * drawn((uint32_t)seed, (uint32_t)variant, 3);
    double spent = 1.5e13 * wish->epochs, saved = n ? 0 : spent * expert_share(variant, 0.5);
    fprintf(
        file,
        "%s\"%s\":{\"role\":\"%s\",\"parameters\":%d,\"multiply_adds\":%d,\"multiply_adds_spent\":%.0f,"
        "\"multiply_adds_saved\":%.0f,\"test_accuracy\":%.4f,\"test_top5\":%.4f,\"test_nll\":%.9g,\"test_ece\":%.9g,"
        "\"val_accuracy\":null,\"best_test_accuracy\":%.4f,\"best_epoch\":%d,\"selected\":{\"epoch\":%d,"
        "\"test_accuracy\":%.4f,\"top5\":%.4f,\"nll\":%.9g,\"ece\":%.9g}}",
        n ? "," : "", nodes[n], n ? "student" : "teacher", n ? 270000 : 700000, n ? 40000000 : 100000000, spent - saved,
        saved, test, top5, nll, ece, test + 0.001, (int)wish->epochs - 2, (int)wish->epochs - 1, test, top5, nll, ece);
}

static int make_result(const char *folder, const struct made_up *wish, int32_t variant, int32_t seed) {
    FILE *file = open_file(folder, "result.json");
    double seconds =
        wish->epochs * (9 - 1.1 * (variant > 3 ? 3 : variant)) + drawn((uint32_t)seed, (uint32_t)variant, 5);
    if (!file) {
        return -1;
    }
    fprintf(file,
            "{\"epochs\":%d,\"steps\":%d,\"expert_share\":%.9g,\"selection\":\"last\",\"seconds\":%.9g,"
            "\"images_per_s\":%.9g,\"peak_mib\":412.5,\"energy_joules\":null,\"nodes\":{",
            (int)wish->epochs, (int)wish->epochs * 390, expert_share(variant, 0.5),
            wish->extreme ? seconds * variant : seconds,
            5000 + 300.0 * variant + 20 * drawn((uint32_t)seed, (uint32_t)variant, 4));
    for (int n = 0; n < 2; n++) {
        result_node(file, wish, variant, seed, n);
    }
    fprintf(file, "},\"agreement\":[{\"a\":\"teacher\",\"b\":\"student\",\"share\":0.81}]}\n");
    return close_file(file);
}

static void confusion(FILE *file, const struct made_up *wish, int32_t variant, int32_t seed, int n) {
    for (int32_t i = 0; i < wish->classes; i++) {
        fprintf(file, "%s[", i ? "," : "");
        for (int32_t j = 0; j < wish->classes; j++) {
            double far = fabs((double)(i - j));
            double part = i == j ? accuracy(wish, variant, seed, n, 1, 0) : 0.3 / wish->classes * exp(-far / 2) * 2;
            fprintf(file, "%s%d", j ? "," : "", (int)(1000 * part));
        }
        fputc(']', file);
    }
}

static int make_predictions(const char *folder, const struct made_up *wish, int32_t variant, int32_t seed) {
    FILE *file = open_file(folder, "predictions.json");
    if (!file) {
        return -1;
    }
    fprintf(file, "{\"class_names\":[");
    for (int32_t i = 0; i < wish->classes; i++) {
        fprintf(file, "%s\"class %d\"", i ? "," : "", (int)i);
    }
    fprintf(file, "],\"nodes\":{");
    for (int n = 0; n < 2; n++) {
        fprintf(file, "%s\"%s\":{\"bins\":[", n ? "," : "", nodes[n]);
        for (int b = 0; b < 15; b++) {
            double middle = (b + 0.5) / 15;
            fprintf(file, "%s{\"count\":%d,\"confidence\":%.6f,\"accuracy\":%.6f}", b ? "," : "", b * b * 8, middle,
                    middle * (0.85 + 0.03 * (variant > 3 ? 3 : variant) +
                              0.02 * drawn((uint32_t)b, (uint32_t)seed, (uint32_t)n)));
        }
        fprintf(file, "],\"confusion\":[");
        confusion(file, wish, variant, seed, n);
        fprintf(file, "]}");
    }
    fprintf(file, "}}\n");
    return close_file(file);
}

static int make_config(const char *folder, const struct made_up *wish, int32_t variant, int32_t seed) {
    FILE *file = open_file(folder, "run.cfg");
    if (!file) {
        return -1;
    }
    fprintf(
        file,
        "experiment = \"made-up\";\nseed = %d;\ntrain: { epochs = %d; optimizer: { kind = \"sgd\"; lr = 0.1; }; };\n"
        "nodes: { teacher: { plugin = \"wrn\"; width = 2; }; student: { plugin = \"wrn\"; width = 1; }; };\n"
        "policy: { plugin = \"%s\"; };\n",
        (int)seed, (int)wish->epochs, variant == 2 ? "switokd" : "learning");
    return close_file(file);
}

int make_run(const char *folder, const struct made_up *wish, int32_t variant, int32_t seed, int finished) {
    int32_t epochs = finished ? wish->epochs : wish->epochs / 2, drawn_as = wish->same ? 0 : variant;
    int status = make_config(folder, wish, variant, seed) | make_epochs(folder, wish, drawn_as, seed, epochs);
    if (wish->steps) {
        status |= make_steps(folder, wish, drawn_as, seed, epochs);
    }
    if (finished) {
        status |= make_result(folder, wish, drawn_as, seed);
        status |= wish->classes ? make_predictions(folder, wish, drawn_as, seed) : 0;
    }
    return status;
}

static int make_list(const char *folder, const struct made_up *wish) {
    char room[32];
    FILE *file = open_file(folder, "suite.json");
    if (!file) {
        return -1;
    }
    fprintf(file, "{\"suite\":\"made-up\",\"baseline\":\"vanilla\",\"selection\":\"last\",\"seeds\":[");
    for (int32_t s = 1; s <= wish->seeds; s++) {
        fprintf(file, "%s%d", s > 1 ? "," : "", (int)s);
    }
    fprintf(file, "],\"variants\":[");
    for (int32_t v = 0; v < wish->variants; v++) {
        const char *name = variant_name(room, v);
        fprintf(file, "%s{\"name\":\"%s\",\"folder\":\"%s\",\"expected\":", v ? "," : "", name, name);
        fputs(v == 2 ? "{\"student\":{\"value\":69.5,\"tolerance\":0.5}}}" : "null}", file);
    }
    fprintf(file, "]}\n");
    return close_file(file);
}

int make_suite(const char *folder, const struct made_up *wish) {
    char path[4096], room[32];
    mkdir(folder, 0777);
    int status = make_list(folder, wish);
    for (int32_t v = 0; v < wish->variants; v++) {
        snprintf(path, sizeof path, "%s/%s", folder, variant_name(room, v));
        mkdir(path, 0777);
        for (int32_t s = 1; s <= wish->seeds; s++) {
            snprintf(path, sizeof path, "%s/%s/seed-%d", folder, variant_name(room, v), (int)s);
            mkdir(path, 0777);
            status |= make_run(path, wish, v, s, 1);
        }
    }
    return status;
}
