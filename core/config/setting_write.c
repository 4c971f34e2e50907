/* setting_write.c - a tree as a config file that reads back to the same tree. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "setting.h"

static void write_string(const char *text, FILE *out) {
    fputc('"', out);
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c == '\n') {
            fputs("\\n", out);
        } else if (c == '\t') {
            fputs("\\t", out);
        } else if (c == '\r') {
            fputs("\\r", out);
        } else if (c < 32 || c == 127) {
            fprintf(out, "\\x%02x", c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

/* With a point or an exponent, so that it reads back as a float; in as few digits as give the same number. */
static void write_number(double number, FILE *out) {
    char text[64];
    if (isinf(number)) {
        fputs(number < 0 ? "-1.0e999" : "1.0e999", out); /* reads back as it came */
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        double back;
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (sscanf(text, "%lf", &back) == 1 && back == number) {
            break;
        }
    }
    fprintf(out, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void write_value(const struct sy_setting *setting, int depth, FILE *out);

static void write_children(const struct sy_setting *group, int depth, FILE *out) {
    for (size_t i = 0; i < group->n_children; i++) {
        const struct sy_setting *child = group->children[i];
        fprintf(out, "%*s%s%s", 2 * depth, "", child->name, child->kind == SY_SETTING_GROUP ? ": " : " = ");
        write_value(child, depth, out);
        fprintf(out, ";\n");
    }
}

/* [ ] takes scalars of one type only. */
static bool is_array(const struct sy_setting *list) {
    for (size_t i = 0; i < list->n_children; i++) {
        const struct sy_setting *child = list->children[i];
        if (child->kind == SY_SETTING_GROUP || child->kind == SY_SETTING_LIST ||
            child->kind != list->children[0]->kind ||
            (child->kind == SY_SETTING_INT && (child->integer > INT_MAX || child->integer < INT_MIN))) {
            return false;
        }
    }
    return true;
}

static void write_list(const struct sy_setting *list, int depth, FILE *out) {
    bool array = is_array(list);
    fputs(array ? "[" : "(", out);
    for (size_t i = 0; i < list->n_children; i++) {
        fputs(i ? ", " : "", out);
        write_value(list->children[i], depth, out);
    }
    fputs(array ? "]" : ")", out);
}

static void write_value(const struct sy_setting *setting, int depth, FILE *out) {
    switch (setting->kind) {
    case SY_SETTING_GROUP:
        fprintf(out, "{\n");
        write_children(setting, depth + 1, out);
        fprintf(out, "%*s}", 2 * depth, "");
        break;
    case SY_SETTING_LIST:
        write_list(setting, depth, out);
        break;
    case SY_SETTING_INT:
        fprintf(out, "%lld%s", (long long)setting->integer,
                setting->integer > INT_MAX || setting->integer < INT_MIN ? "L" : "");
        break;
    case SY_SETTING_FLOAT:
        write_number(setting->number, out);
        break;
    case SY_SETTING_BOOL:
        fputs(setting->integer ? "true" : "false", out);
        break;
    case SY_SETTING_STRING:
        write_string(setting->string, out);
        break;
    }
}

bool sy_setting_write(const struct sy_setting *root, FILE *out) {
    write_children(root, 0, out);
    return fflush(out) == 0 && !ferror(out);
}
