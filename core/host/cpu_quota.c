/* cpu_quota.c - see cpu_quota.h. A container may see only its part of the hierarchy, below the path that
 * /proc/self/cgroup names: so folders that are not there are passed over, and the root is always asked. */
#include "cpu_quota.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* "max 100000" or "150000 100000"; false when unlimited or unreadable. */
static bool read_v2(const char *folder, long long *quota, long long *period) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    FILE *file = fopen(path, "re");
    bool limited = file && fscanf(file, "%lld %lld", quota, period) == 2;
    if (file) {
        fclose(file);
    }
    return limited;
}

static bool read_number(const char *folder, const char *name, long long *out) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    bool found = file && fscanf(file, "%lld", out) == 1;
    if (file) {
        fclose(file);
    }
    return found;
}

/* -1 is no limit. */
static bool read_v1(const char *folder, long long *quota, long long *period) {
    return read_number(folder, "cpu.cfs_quota_us", quota) && read_number(folder, "cpu.cfs_period_us", period);
}

typedef bool (*quota_reader)(const char *folder, long long *quota, long long *period);

/* The smallest limit from mount/path up to the mount itself. */
static int32_t least(const char *mount, const char *path, quota_reader read, int32_t limit) {
    char folder[PATH_MAX];
    size_t root = strlen(mount);
    snprintf(folder, sizeof folder, "%s%s", mount, path);
    for (;;) {
        long long quota = 0, period = 0;
        if (read(folder, &quota, &period) && quota > 0 && period > 0) {
            long long processors = quota / period + (quota % period != 0);
            if (processors < INT32_MAX && (!limit || processors < limit)) {
                limit = (int32_t)processors;
            }
        }
        char *slash = strrchr(folder, '/');
        if (strlen(folder) <= root || !slash || (size_t)(slash - folder) < root) {
            return limit;
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

int32_t sy_cpu_quota(const char *self, const char *mount) {
    char line[PATH_MAX], folder[PATH_MAX];
    int32_t limit = 0;
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
            limit = least(mount, path, read_v2, limit);
            snprintf(folder, sizeof folder, "%s/unified", mount);
            limit = least(folder, path, read_v2, limit);
        } else if (lists(controllers, "cpu")) {
            snprintf(folder, sizeof folder, "%s/cpu", mount);
            limit = least(folder, path, read_v1, limit);
            snprintf(folder, sizeof folder, "%s/%s", mount, controllers);
            limit = least(folder, path, read_v1, limit);
        }
    }
    if (file) {
        fclose(file);
    }
    return limit;
}
