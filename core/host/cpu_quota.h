/* cpu_quota.h - how much processor time the control groups of this process allow. */
#ifndef SY_HOST_CPU_QUOTA_H
#define SY_HOST_CPU_QUOTA_H

#include <stdint.h>

/* Processors' worth of time, rounded up; 0: no limit found. Reads version 2 (cpu.max) and version 1 (cpu.cfs_quota_us)
 * in every group from the process's own up to the root. `self` is the list of its groups (/proc/self/cgroup), `mount`
 * where the hierarchies are (/sys/fs/cgroup). */
int32_t sy_cpu_quota(const char *self, const char *mount);

#endif
