/* cpu_quota.c - see cpu_quota.h. */
#include "cpu_quota.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "cgroup.h"

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

/* The smallest limit so far. */
static void visit(void *context, const char *folder, int version) {
    int32_t *limit = context;
    long long quota = 0, period = 0;
    if ((version == 2 ? read_v2 : read_v1)(folder, &quota, &period) && quota > 0 && period > 0) {
        long long processors = quota / period + (quota % period != 0);
        if (processors < INT32_MAX && (!*limit || processors < *limit)) {
            *limit = (int32_t)processors;
        }
    }
}

int32_t sy_cpu_quota(const char *self, const char *mount) {
    int32_t limit = 0;
    sy_cgroup_each(self, mount, "cpu", visit, &limit);
    return limit;
}
