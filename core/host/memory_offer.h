/* memory_offer.h - how much memory this process may have, and has. Bytes, in double: INFINITY is no limit, NaN is not
 * told. */
#ifndef SY_HOST_MEMORY_OFFER_H
#define SY_HOST_MEMORY_OFFER_H

struct sy_memory_offer {
    double machine;   /* physical memory */
    double available; /* of that, free or freed at need just now, whoever asks */
    double group;     /* the least limit of its control groups: memory.max, memory.limit_in_bytes */
    double address;   /* of address space: RLIMIT_AS */
};

/* As sy_cgroup_each for `self` and `mount`; `meminfo` is /proc/meminfo. */
void sy_memory_offer_read(struct sy_memory_offer *out, const char *meminfo, const char *self, const char *mount);
void sy_memory_offer(struct sy_memory_offer *out); /* of the system */

/* What this process has resident, and of address space. */
void sy_memory_used(double *resident, double *address);

#endif
