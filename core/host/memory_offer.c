/* memory_offer.c - see memory_offer.h. */
#include "memory_offer.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cgroup.h"

/* "max" and whatever else is no number are no limit; nor is version 1's largest number, which no machine has. */
static void visit(void *context, const char *folder, int version) {
    double *limit = context, bytes = 0;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, version == 2 ? "memory.max" : "memory.limit_in_bytes");
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%lf", &bytes) == 1 && bytes > 0 && bytes < 0x1p60 && bytes < *limit) {
        *limit = bytes;
    }
    if (file) {
        fclose(file);
    }
}

void sy_memory_offer_read(struct sy_memory_offer *out, const char *meminfo, const char *self, const char *mount) {
    char line[256];
    double kibibytes;
    struct rlimit address;
    *out = (struct sy_memory_offer){(double)NAN, (double)NAN, (double)INFINITY, (double)INFINITY};
    FILE *file = fopen(meminfo, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "MemTotal: %lf", &kibibytes) == 1) {
            out->machine = kibibytes * 1024;
        } else if (sscanf(line, "MemAvailable: %lf", &kibibytes) == 1) {
            out->available = kibibytes * 1024;
        }
    }
    if (file) {
        fclose(file);
    }
    sy_cgroup_each(self, mount, "memory", visit, &out->group);
    if (getrlimit(RLIMIT_AS, &address) == 0 && address.rlim_cur != RLIM_INFINITY) {
        out->address = (double)address.rlim_cur;
    }
}

void sy_memory_offer(struct sy_memory_offer *out) {
    sy_memory_offer_read(out, "/proc/meminfo", "/proc/self/cgroup", "/sys/fs/cgroup");
}

void sy_memory_used(double *resident, double *address) {
    unsigned long long mapped = 0, there = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    double page = (double)sysconf(_SC_PAGESIZE);
    if (file && fscanf(file, "%llu %llu", &mapped, &there) != 2) {
        mapped = there = 0;
    }
    if (file) {
        fclose(file);
    }
    *resident = (double)there * page;
    *address = (double)mapped * page;
}
