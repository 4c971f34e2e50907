/* plugin_names.c - see plugin_names.h. */
#include "plugin_names.h"

#include <string.h>

#define KINDS_LIMIT 16

const struct sy_kind *sy_cli_kind(const char *text) {
    for (const struct sy_kind *kind = sy_kinds(); kind->id; kind++) {
        if (!strcmp(text, kind->word) || !strcmp(text, kind->folder) || !strcmp(text, kind->id)) {
            return kind;
        }
    }
    return NULL;
}

void sy_cli_unknown_kind(const char *command, const char *text) {
    const char *words[KINDS_LIMIT];
    size_t count = 0;
    for (const struct sy_kind *kind = sy_kinds(); kind->id && count < KINDS_LIMIT; kind++) {
        words[count++] = kind->word;
    }
    const char *near = sy_nearest_name(text, words, count);
    fprintf(stderr, "switchyard %s: no kind of plugin is called \"%s\"%s%s%s (known:", command, text,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    for (size_t i = 0; i < count; i++) {
        fprintf(stderr, "%s %s", i ? "," : "", words[i]);
    }
    fprintf(stderr, ")\n");
}
