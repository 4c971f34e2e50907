/* cgroup.c - see cgroup.h. A container may see only its part of the hierarchy, below the path that /proc/self/cgroup
 * names: so folders that are not there are passed over by who visits, and the root is always asked. */
#include "cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct visitor {
    void (*visit)(void *context, const char *folder, int version);
    void *context;
};

/* From mount/path up to the mount itself. */
static void upwards(const char *mount, const char *path, int version, const struct visitor *visitor) {
    char folder[PATH_MAX];
    size_t root = strlen(mount);
    snprintf(folder, sizeof folder, "%s%s", mount, path);
    for (;;) {
        visitor->visit(visitor->context, folder, version);
        char *slash = strrchr(folder, '/');
        if (strlen(folder) <= root || !slash || (size_t)(slash - folder) < root) {
            return;
        }
        *slash = 0;
    }
}

/* Whether `word` is in a comma-separated list. */
static bool lists(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL) {
        if (!strncmp(at, word, length) && (at[length] == 0 || at[length] == ',')) {
            return true;
        }
    }
    return false;
}

void sy_cgroup_each(const char *self, const char *mount, const char *controller,
                    void (*visit)(void *context, const char *folder, int version), void *context) {
    char line[PATH_MAX], folder[PATH_MAX];
    const struct visitor visitor = {visit, context};
    FILE *file = fopen(self, "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path) {
            continue;
        }
        controllers++;
        *path++ = 0;
        if (!*controllers) {
            upwards(mount, path, 2, &visitor);
            snprintf(folder, sizeof folder, "%s/unified", mount);
            upwards(folder, path, 2, &visitor);
        } else if (lists(controllers, controller)) {
            snprintf(folder, sizeof folder, "%s/%s", mount, controller);
            upwards(folder, path, 1, &visitor);
            snprintf(folder, sizeof folder, "%s/%s", mount, controllers);
            upwards(folder, path, 1, &visitor);
        }
    }
    if (file) {
        fclose(file);
    }
}
