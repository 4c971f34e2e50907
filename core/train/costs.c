/* costs.c - see costs.h. */
#include "costs.h"

#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

double sy_peak_mib(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss / 1024 : (double)NAN; /* Linux counts KiB */
}

static bool read_counter(uint64_t *out, int file) {
    char text[32];
    ssize_t count = pread(file, text, sizeof text - 1, 0);
    if (count <= 0) {
        return false;
    }
    text[count] = 0;
    *out = strtoull(text, NULL, 10);
    return true;
}

static int open_counter(uint64_t *value, const char *folder, int package, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/intel-rapl:%d/%s", folder, package, name); /* AMD's too */
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && !read_counter(value, file)) {
        close(file);
        file = -1;
    }
    return file;
}

void sy_energy_meter_init(struct sy_energy_meter *meter, const char *folder) {
    const char *from = folder ? folder : "/sys/class/powercap";
    *meter = (struct sy_energy_meter){0};
    for (int package = 0; package < SY_MOST_PACKAGES; package++) {
        int n = meter->count;
        int range = open_counter(&meter->range[n], from, package, "max_energy_range_uj");
        int file = range >= 0 ? open_counter(&meter->last[n], from, package, "energy_uj") : -1;
        if (range >= 0) {
            close(range);
        }
        if (file >= 0) {
            meter->files[n] = file;
            meter->count++;
        }
    }
}

void sy_energy_meter_finish(struct sy_energy_meter *meter) {
    for (int i = 0; i < meter->count; i++) {
        close(meter->files[i]);
    }
    *meter = (struct sy_energy_meter){0};
}

double sy_energy_meter_read(struct sy_energy_meter *meter) {
    for (int i = 0; i < meter->count; i++) {
        uint64_t now;
        if (read_counter(&now, meter->files[i])) {
            uint64_t spent = now >= meter->last[i] ? now - meter->last[i] : now + meter->range[i] - meter->last[i];
            meter->joules += 1e-6 * (double)spent;
            meter->last[i] = now;
        }
    }
    return meter->count ? meter->joules : (double)NAN;
}
