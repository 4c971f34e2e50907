/* cgroup.h - the control groups of this process: where their limits lie. */
#ifndef SY_HOST_CGROUP_H
#define SY_HOST_CGROUP_H

/* Calls `visit` for every folder in which a limit of `controller` ("cpu") may lie, from the process's own group up to the
 * root, in both versions of the hierarchy; `version` 1 or 2. Folders need not be there. `self` is the list of its groups
 * (/proc/self/cgroup), `mount` where the hierarchies are (/sys/fs/cgroup). */
void sy_cgroup_each(const char *self, const char *mount, const char *controller,
                    void (*visit)(void *context, const char *folder, int version), void *context);

#endif
